//! Messages as phones write them.
//! It must never draw anything random: what is written twice is a retransmission.

use trunkline::sip::auth::digest::{Algorithm, Question};
use trunkline::sip::message::{
    CSeq, DigestParams, HeaderName, Host, Method, NameAddr, Request, Response, Transport, Uri, Via,
};
use trunkline_media::sdp::{Capabilities, Local, Negotiation};

use super::{Phone, REALM};
use crate::network::SWITCH;

impl Phone {
    pub(super) fn via(&self, method: &Method, number: u32) -> Via {
        let branch = format!("z9hG4bK{}{}{number}", self.name, method.as_str().to_lowercase());
        Via::new(Transport::Udp, Host::from(self.address.ip()), Some(self.address.port()), &branch)
    }

    pub(super) fn contact(&self) -> NameAddr {
        NameAddr::new(Uri::sip(Some(self.user), Host::from(self.address.ip()), Some(self.address.port())))
    }

    /// A request outside of dialogs.
    pub(super) fn compose(&self, method: Method, uri: Uri, to: Uri, call_id: &str, number: u32) -> Request {
        let mut request = Request::new(method.clone(), uri);
        let from = NameAddr::new(home(self.user)).with_tag(&format!("{}-tag", self.name));
        let headers = request.headers_mut();
        headers.push(HeaderName::Via, self.via(&method, number));
        headers.push(HeaderName::MaxForwards, self.hops);
        headers.push(HeaderName::From, from);
        headers.push(HeaderName::To, NameAddr::new(to));
        headers.push(HeaderName::CallId, call_id);
        headers.push(HeaderName::CSeq, CSeq { number, method });
        headers.push(HeaderName::Contact, self.contact());
        request
    }

    /// The answer to the first challenge in `response`.
    pub(super) fn credentials(&self, response: &Response, method: &Method, uri: &Uri) -> Option<String> {
        let challenges = response.headers().digest(&HeaderName::WwwAuthenticate);
        let challenge: DigestParams = challenges.into_iter().find_map(Result::ok)?;
        let (nonce, algorithm) = (challenge.get("nonce")?, Algorithm::named(challenge.get("algorithm"))?);
        let uri = uri.to_string();
        let question = Question {
            algorithm,
            user: self.user,
            realm: REALM,
            method: method.as_str(),
            uri: &uri,
            nonce,
            counted: Some(("00000001", self.name)),
        };
        let answer = question.answer(self.password);
        Some(format!(
            "Digest username=\"{}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{answer}\", \
             algorithm={algorithm}, cnonce=\"{}\", qop=auth, nc=00000001",
            self.user, self.name
        ))
    }

    /// A negotiation for one fork: each has its own port.
    pub(super) fn negotiation(&self, fork: usize) -> Negotiation {
        let port = 40_000 + 2 * u16::try_from(fork).expect("few forks");
        let mut local = Local { rtp: self.address, rtcp: self.address };
        local.rtp.set_port(port);
        local.rtcp.set_port(port + 1);
        let capabilities = Capabilities { codecs: self.codecs.clone(), telephone_event: true, ptime_ms: 20 };
        Negotiation::new(u64::from(port), local, capabilities)
    }
}

/// A user's address at the switch.
pub(super) fn home(user: &str) -> Uri {
    Uri::sip(Some(user), Host::from(SWITCH.ip()), None)
}
