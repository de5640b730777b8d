//! A transfer that the far end asks for: REFER, and the NOTIFYs that tell how it goes (RFC 3515, RFC 5589).
//! It must never transfer anybody: the call decides, this side asks and tells.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::Established;
use crate::leg::{Core, Leg, Refer, Report};
use crate::ops::events::Event;
use crate::sip::dispatch::Errand;
use crate::sip::endpoint::ServerKey;
use crate::sip::message::{HeaderName, Method, ReferTo, Request, Scheme, StatusCode};
use crate::supervision::machine::Turn;

/// How long a subscription lasts that nobody ends: longer than any telephone rings.
const LIFE: Duration = Duration::from_secs(200);

/// A REFER that was accepted and whose outcome is not told yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Referral {
    /// CSeq of the REFER: names the subscription (RFC 3515 §2.4.6).
    id: u32,
    /// Whoever refers may wish to hear nothing (RFC 4488).
    is_silent: bool,
    until: Moment,
}

impl Established {
    /// Takes a REFER to the call.
    pub(super) fn on_refer(
        &mut self,
        core: &mut Core,
        key: ServerKey,
        request: &Request,
        turn: &mut Turn<Leg>,
    ) {
        let refer_to = match self.judged(request) {
            Ok(refer_to) => refer_to,
            Err(status) => {
                return core.errand(Errand::Respond { key, response: request.response(status) }, turn);
            }
        };
        let id = request.headers().cseq().map_or(0, |cseq| cseq.number);
        let wish = request.headers().get(&HeaderName::ReferSub);
        let is_silent = wish.is_some_and(|wish| wish.trim().eq_ignore_ascii_case("false"));
        let mut response = request.response(StatusCode::ACCEPTED);
        response.headers_mut().push(HeaderName::Contact, self.path.contact());
        if is_silent {
            response.headers_mut().push(HeaderName::ReferSub, "false");
        }
        core.errand(Errand::Respond { key, response }, turn);
        core.tell(Event::Referred { to: refer_to.target.to_string() }, turn);
        self.referral = Some(Referral { id, is_silent, until: turn.now + LIFE });
        // The first NOTIFY comes at once (RFC 3515 §2.4.4).
        self.notify(core, StatusCode::TRYING, turn);
        let by = request.headers().get(&HeaderName::ReferredBy).map(String::from);
        core.report(Report::Refer(Box::new(Refer { refer_to, by, owner: core.owner.clone() })), turn);
    }

    /// Whom a REFER names, or why it is refused.
    fn judged(&self, request: &Request) -> Result<ReferTo, StatusCode> {
        if self.referral.is_some() || self.hangup.is_some() {
            // One at a time: what the first leads to is not known yet.
            return Err(StatusCode::REQUEST_PENDING);
        }
        let refer_to = request.headers().refer_to().map_err(|_| StatusCode::BAD_REQUEST)?;
        match refer_to.target.scheme() {
            Scheme::Sip | Scheme::Sips | Scheme::Tel => Ok(refer_to),
            // Only telephones are called: no pages are fetched, no letters written.
            Scheme::Other(_) => Err(StatusCode::UNSUPPORTED_URI_SCHEME),
        }
    }

    /// Tells how the transfer goes; a final status ends the subscription.
    pub(super) fn referred(&mut self, core: &mut Core, status: u16, turn: &mut Turn<Leg>) {
        let status = StatusCode::new(status).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
        self.notify(core, status, turn);
        if status.is_final() {
            self.referral = None;
        }
    }

    fn notify(&mut self, core: &mut Core, status: StatusCode, turn: &mut Turn<Leg>) {
        let Some(referral) = self.referral.as_ref().filter(|referral| !referral.is_silent) else { return };
        let left = referral.until.since(turn.now).as_secs();
        let state = if status.is_final() {
            "terminated;reason=noresource".to_owned()
        } else {
            format!("active;expires={left}")
        };
        let event = format!("refer;id={}", referral.id);
        let (via, contact) = (self.path.via(&core.minter.branch()), self.path.contact());
        let mut notify = self.dialog.request(Method::Notify, &via, Some(&contact));
        notify.headers_mut().push(HeaderName::Event, event);
        notify.headers_mut().push(HeaderName::SubscriptionState, state);
        let line = format!("SIP/2.0 {} {}\r\n", status.code(), status.reason());
        notify.set_body("message/sipfrag;version=2.0", line.into());
        core.errand(Errand::Request { request: notify, flow: self.path.flow.clone() }, turn);
    }

    /// Forgets a transfer whose outcome nobody told.
    pub(super) fn expire_referral(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        if self.referral.as_ref().is_some_and(|referral| turn.now >= referral.until) {
            self.referred(core, StatusCode::REQUEST_TIMEOUT.code(), turn);
        }
    }

    pub(super) fn referral_deadline(&self) -> Option<Moment> {
        self.referral.as_ref().map(|referral| referral.until)
    }
}
