//! The dialog itself: two tags and a Call-ID, a CSeq for each way, a remote target and a route set (RFC 3261 §12).
//! It must never know of media or of the state of a call.

use serde::{Deserialize, Serialize};

use super::route::RouteSet;
use crate::sip::flow::Flow;
use crate::sip::message::{
    CSeq, HeaderError, HeaderName, Headers, Method, NameAddr, Request, Response, StatusCode, Uri, Via,
};

/// RFC 3261 §8.1.1.6.
const MAX_FORWARDS: u8 = 70;

/// One peer-to-peer relation between two user agents, as this side of it sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dialog {
    call_id: String,
    local: NameAddr,
    remote: NameAddr,
    remote_target: Uri,
    routes: RouteSet,
    /// Of our last request; 0 before the first.
    local_cseq: u32,
    /// Of the peer's last request; `None` before the first.
    remote_cseq: Option<u32>,
    flow: Flow,
}

/// The messages do not make a dialog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialogError {
    /// A header that makes the dialog is missing or malformed.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The INVITE has no Contact (RFC 3261 §8.1.1.8).
    #[error("no contact to send requests to")]
    NoContact,
    /// The response has no To tag: a 100, or an element that keeps no state.
    #[error("no to tag")]
    NoTag,
    /// The response is none of a request of this kind: another Call-ID or From tag.
    #[error("a response of another dialog")]
    Foreign,
}

/// Why a request is not taken within a dialog; [`Refusal::status`] is the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It names another dialog.
    #[error("no such dialog")]
    NoDialog,
    /// Its CSeq is lower than that of an earlier one (RFC 3261 §12.2.2).
    #[error("out of order")]
    OutOfOrder,
    /// From, To, Call-ID or CSeq cannot be read.
    #[error("malformed")]
    Malformed,
}

impl Refusal {
    /// The status code to answer with.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::NoDialog => StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
            Self::OutOfOrder => StatusCode::SERVER_INTERNAL_ERROR,
            Self::Malformed => StatusCode::BAD_REQUEST,
        }
    }
}

impl Dialog {
    /// The callee's dialog: made by the INVITE and the tag that our responses bear (RFC 3261 §12.1.1).
    pub fn uas(invite: &Request, local_tag: &str, flow: &Flow) -> Result<Self, DialogError> {
        let headers = invite.headers();
        let contact = headers.contact()?.ok_or(DialogError::NoContact)?;
        Ok(Self {
            call_id: headers.call_id()?.into_owned(),
            local: headers.to()?.with_tag(local_tag),
            remote: headers.from()?,
            remote_target: contact.uri,
            routes: RouteSet::of_request(headers.record_routes()?),
            local_cseq: 0,
            remote_cseq: Some(headers.cseq()?.number),
            flow: flow.clone(),
        })
    }

    /// The caller's dialog: made by our INVITE and a response with a To tag, early for a 1xx, confirmed for a
    /// 2xx (RFC 3261 §12.1.2). A forked INVITE makes one for each To tag.
    ///
    /// Where the response names no Contact, requests go on to the target of the INVITE: elements that forget
    /// it in a 180 are many, and a call that was answered must at least be ended somewhere.
    pub fn uac(invite: &Request, response: &Response, flow: &Flow) -> Result<Self, DialogError> {
        let (ours, theirs) = (invite.headers(), response.headers());
        let (local, remote) = (ours.from()?, theirs.to()?);
        if theirs.call_id()? != ours.call_id()? || theirs.from()?.tag() != local.tag() {
            return Err(DialogError::Foreign);
        }
        if remote.tag().is_none() {
            return Err(DialogError::NoTag);
        }
        let contact = theirs.contact()?.map_or_else(|| invite.uri().clone(), |contact| contact.uri);
        Ok(Self {
            call_id: ours.call_id()?.into_owned(),
            local,
            remote,
            remote_target: contact,
            routes: RouteSet::of_response(theirs.record_routes()?),
            local_cseq: ours.cseq()?.number,
            remote_cseq: None,
            flow: flow.clone(),
        })
    }

    /// The 2xx to our INVITE arrived after the dialog was made by a 1xx: route set and remote target are
    /// those of the 2xx now (RFC 3261 §13.2.2.4). Nothing changes where the response belongs to another
    /// dialog.
    pub fn confirm(&mut self, response: &Response) -> Result<(), DialogError> {
        let headers = response.headers();
        if headers.call_id()? != self.call_id || headers.to()?.tag() != self.remote.tag() {
            return Err(DialogError::Foreign);
        }
        self.routes = RouteSet::of_response(headers.record_routes()?);
        self.refresh(headers);
        Ok(())
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Our tag.
    pub fn local_tag(&self) -> &str {
        self.local.tag().unwrap_or_default()
    }

    /// The peer's tag; empty for a caller that knows RFC 2543 only (RFC 3261 §12.1.1).
    pub fn remote_tag(&self) -> &str {
        self.remote.tag().unwrap_or_default()
    }

    /// Our address with our tag: From of our requests.
    pub const fn local(&self) -> &NameAddr {
        &self.local
    }

    /// The peer's address with its tag: To of our requests.
    pub const fn remote(&self) -> &NameAddr {
        &self.remote
    }

    /// The peer's Contact: where requests are meant to end.
    pub const fn remote_target(&self) -> &Uri {
        &self.remote_target
    }

    /// The elements between, the nearest first.
    pub fn route_set(&self) -> &[NameAddr] {
        self.routes.as_slice()
    }

    /// CSeq number of our last request; 0 before the first.
    pub const fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// The flow by which the dialog came to be.
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The peer is reached by another flow from now on.
    pub fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
    }

    /// Where a request goes when the flow is lost: the first route, else the remote target.
    pub fn next_hop(&self) -> &Uri {
        self.routes.next_hop(&self.remote_target)
    }

    /// Our next request in the dialog, with the next CSeq (RFC 3261 §12.2.1.1). ACK and CANCEL are not made
    /// here: they bear the CSeq of their INVITE.
    pub fn request(&mut self, method: Method, via: &Via, contact: Option<&NameAddr>) -> Request {
        // 2³¹ requests are not made in a call; if they are, the peer refuses and the call ends in order.
        self.local_cseq = self.local_cseq.saturating_add(1);
        let mut request = self.compose(method, self.local_cseq, via);
        if let Some(contact) = contact {
            request.headers_mut().push(HeaderName::Contact, contact);
        }
        request
    }

    /// Skips CSeq numbers that a former self may have used and nobody remembers: the peer takes gaps, but nothing lower
    /// than what it has seen (RFC 3261 §12.2.2).
    pub fn leap(&mut self, room: u16) {
        self.local_cseq = self.local_cseq.saturating_add(u32::from(room));
    }

    /// The ACK of a 2xx to the INVITE or re-INVITE with this CSeq number (RFC 3261 §13.2.2.4). Repeated for
    /// each repeated 2xx, it is the same but for what `via` says.
    pub fn ack(&self, invite_cseq: u32, via: &Via) -> Request {
        self.compose(Method::Ack, invite_cseq, via)
    }

    /// Takes note of the peer's request in the dialog, or tells why it must be refused (RFC 3261 §12.2.2).
    /// Gaps in CSeq are allowed, and so is a request that is offered once more after a restart. Its effect on
    /// the remote target is applied by [`Dialog::refresh`] once the request is accepted.
    pub fn receive(&mut self, request: &Request) -> Result<(), Refusal> {
        let malformed = |_: HeaderError| Refusal::Malformed;
        let headers = request.headers();
        let (from, to) = (headers.from().map_err(malformed)?, headers.to().map_err(malformed)?);
        let is_ours = headers.call_id().map_err(malformed)? == self.call_id
            && to.tag() == self.local.tag()
            && from.tag() == self.remote.tag();
        if !is_ours {
            return Err(Refusal::NoDialog);
        }
        if matches!(request.method(), Method::Ack | Method::Cancel) {
            return Ok(());
        }
        let number = headers.cseq().map_err(malformed)?.number;
        if self.remote_cseq.is_some_and(|last| number < last) {
            return Err(Refusal::OutOfOrder);
        }
        self.remote_cseq = Some(number);
        Ok(())
    }

    /// The remote target is the Contact of an accepted target refresh request, INVITE or UPDATE, or of its
    /// 2xx (RFC 3261 §12.2). The route set never changes by it.
    pub fn refresh(&mut self, message_headers: &Headers) {
        if let Ok(Some(contact)) = message_headers.contact() {
            self.remote_target = contact.uri;
        }
    }

    fn compose(&self, method: Method, number: u32, via: &Via) -> Request {
        let (uri, routes) = self.routes.direct(&self.remote_target);
        let mut request = Request::new(method.clone(), uri);
        let headers = request.headers_mut();
        headers.push(HeaderName::Via, via);
        for route in &routes {
            headers.push(HeaderName::Route, route);
        }
        headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
        headers.push(HeaderName::From, &self.local);
        headers.push(HeaderName::To, &self.remote);
        headers.push(HeaderName::CallId, &self.call_id);
        headers.push(HeaderName::CSeq, CSeq { number, method });
        request
    }
}

#[cfg(test)]
mod tests;
