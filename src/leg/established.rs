//! An answered leg: ACK and its loss, re-INVITE and hold, INFO, BYE; and forked answers that came too late.
//! It must never pass hold or refresh on: each leg negotiates alone.

mod referral;
mod reoffer;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::{Moment, earliest};
use trunkline_media::sdp::{Negotiation, NegotiationError};

use self::referral::Referral;
use self::reoffer::Reoffer;
use super::leaving::Leaving;
use super::outgoing::{Attempt, MAX_FORKS};
use super::path::Path;
use super::requests::{bystander, later, unsuitable};
use super::{ALLOW, Core, Leg, Next, Order, Report, Voice};
use crate::ops::events::{Cause, Event, Side};
use crate::sip::dialog::Dialog;
use crate::sip::dispatch::{Delivery, Errand};
use crate::sip::endpoint::{ClientKey, ServerKey};
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderName, Method, Replaces, Request, Response, StatusCode};
use crate::supervision::machine::Turn;

/// What we call ourselves in `User-Agent` and `Server`.
pub(crate) const PRODUCT: &str = concat!("Trunkline/", env!("CARGO_PKG_VERSION"));

/// An answered leg.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Established {
    dialog: Dialog,
    negotiation: Negotiation,
    path: Path,
    /// Our 2xx that was not acknowledged yet.
    unacknowledged: Option<Unacknowledged>,
    /// Hang-up wanted while our 2xx is out: the BYE waits for its ACK (RFC 3261 §15).
    hangup: Option<Cause>,
    held: bool,
    forks: Forks,
    /// Who began the dialog, and so owns its Call-ID.
    caller: Side,
    /// What the far end speaks, as the call was told last.
    voice: Option<Voice>,
    /// A codec that the call wants.
    reoffer: Option<Reoffer>,
    /// A transfer that the far end asked for.
    #[serde(default)]
    referral: Option<Referral>,
}

/// A 2xx is sent again by its user agent until the ACK comes (RFC 3261 §13.3.1.4).
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unacknowledged {
    cseq: u32,
    key: ServerKey,
    response: Response,
    due: Moment,
    interval: Duration,
    give_up: Moment,
}

/// INVITEs of this leg and the 2xx that came for them: the winner's are acknowledged again when repeated,
/// any other is acknowledged and ended at once (RFC 3261 §13.2.2.4).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Forks {
    attempts: Vec<Attempt>,
    acknowledged: Vec<Acknowledged>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Acknowledged {
    key: ClientKey,
    tag: String,
    ack: Request,
    flow: Flow,
}

impl Forks {
    pub fn new(attempts: Vec<Attempt>) -> Self {
        Self { attempts, acknowledged: Vec::new() }
    }

    /// A 2xx that is not the first of its leg.
    pub fn on_success(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        flow: &Flow,
        turn: &mut Turn<Leg>,
    ) {
        let tag = response.headers().to().ok().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
        if let Some(known) = self.acknowledged.iter().find(|known| known.key == *key && known.tag == tag) {
            core.errand(Errand::Ack { request: known.ack.clone(), flow: known.flow.clone() }, turn);
            return;
        }
        if self.acknowledged.len() >= MAX_FORKS {
            // Unacknowledged, it ends by itself.
            return;
        }
        let Some(attempt) = self.attempts.iter().find(|attempt| attempt.key == *key) else { return };
        let Ok(mut dialog) = Dialog::uac(&attempt.invite, response, flow) else { return };
        let path = attempt.path.clone();
        let ack = dialog.ack(1, &path.via(&core.minter.branch()));
        core.errand(Errand::Ack { request: ack.clone(), flow: path.flow.clone() }, turn);
        let bye = dialog.request(Method::Bye, &path.via(&core.minter.branch()), None);
        core.errand(Errand::Request { request: bye, flow: path.flow.clone() }, turn);
        self.acknowledged.push(Acknowledged { key: key.clone(), tag, ack, flow: path.flow });
    }
}

impl Established {
    pub fn answered(dialog: Dialog, negotiation: Negotiation, path: Path, caller: Side) -> Self {
        Self {
            dialog,
            negotiation,
            path,
            unacknowledged: None,
            hangup: None,
            held: false,
            forks: Forks::default(),
            caller,
            voice: None,
            reoffer: None,
            referral: None,
        }
    }

    /// What the far end speaks, and what it could.
    pub fn voice(&self) -> Option<&Voice> {
        self.voice.as_ref()
    }

    pub fn call_id(&self) -> &str {
        self.dialog.call_id()
    }

    /// Whether the far end means this dialog: its own tag is the other one (RFC 3891 §3).
    pub fn is(&self, named: &Replaces) -> bool {
        let dialog = &self.dialog;
        dialog.call_id() == named.call_id
            && dialog.local_tag() == named.to_tag
            && dialog.remote_tag() == named.from_tag
    }

    pub fn with_forks(self, forks: Forks) -> Self {
        Self { forks, ..self }
    }

    pub fn awaiting_ack(
        mut self,
        invite: &Request,
        key: ServerKey,
        response: Response,
        core: &Core,
        now: Moment,
    ) -> Self {
        self.await_ack(invite, key, response, core, now);
        self
    }

    fn await_ack(&mut self, invite: &Request, key: ServerKey, response: Response, core: &Core, now: Moment) {
        let interval = core.timing.t1;
        self.unacknowledged = Some(Unacknowledged {
            cseq: invite.headers().cseq().map_or(0, |cseq| cseq.number),
            key,
            response,
            due: now + interval,
            interval,
            give_up: now + core.timing.t1 * 64,
        });
    }

    /// Acknowledges the 2xx that won.
    pub fn acknowledge(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        turn: &mut Turn<Leg>,
    ) {
        let cseq = response.headers().cseq().map_or(1, |cseq| cseq.number);
        let ack = self.dialog.ack(cseq, &self.path.via(&core.minter.branch()));
        core.errand(Errand::Ack { request: ack.clone(), flow: self.path.flow.clone() }, turn);
        if self.forks.acknowledged.len() >= MAX_FORKS {
            // Of a long call with many re-INVITEs: the first is the one that is over for the longest.
            self.forks.acknowledged.remove(0);
        }
        self.forks.acknowledged.push(Acknowledged {
            key: key.clone(),
            tag: self.dialog.remote_tag().to_owned(),
            ack,
            flow: self.path.flow.clone(),
        });
    }

    /// Takes what was agreed to the media side and to the log.
    pub fn note_agreed(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        let Some(agreed) = self.negotiation.agreed() else { return };
        self.voice = Some(Voice { codec: agreed.codec, understood: self.negotiation.understood().to_vec() });
        core.media.agree(agreed);
        core.tell(
            Event::Negotiated { codec: agreed.codec.name().to_owned(), media: agreed.remote_rtp },
            turn,
        );
        if agreed.held != self.held {
            self.held = agreed.held;
            core.tell(if self.held { Event::Held } else { Event::Resumed }, turn);
        }
        core.apply_media(turn);
    }

    /// The same after the answer. The call hears of it if the codec is another one; hold and refresh end here.
    fn renegotiated(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        let before = self.voice.as_ref().map(|voice| voice.codec);
        self.note_agreed(core, turn);
        if let Some(voice) = self.voice.clone().filter(|voice| before != Some(voice.codec)) {
            core.report(Report::Revoiced(voice), turn);
        }
    }

    pub fn on_order(&mut self, core: &mut Core, order: Order, turn: &mut Turn<Leg>) -> Next {
        match order {
            Order::Hangup { cause } | Order::Refuse { cause, .. } if self.unacknowledged.is_some() => {
                self.hangup = Some(cause);
                Next::Stay
            }
            Order::Hangup { cause } | Order::Refuse { cause, .. } => {
                self.hang_up(core, cause, Side::Switch, turn)
            }
            Order::Referred { status } => {
                self.referred(core, status, turn);
                Next::Stay
            }
            Order::Align(codec) => {
                self.align(core, codec, turn);
                Next::Stay
            }
            Order::Ring
            | Order::Progress
            | Order::Answer
            | Order::Hear(_)
            | Order::Press(_)
            | Order::Tape(_)
            | Order::Joined(_) => Next::Stay,
        }
    }

    pub fn on_sip(&mut self, core: &mut Core, delivery: Delivery, turn: &mut Turn<Leg>) -> Next {
        match delivery {
            Delivery::Request { key, request, .. } => self.on_request(core, key, &request, turn),
            Delivery::Ack { request } => self.on_ack(core, &request, turn),
            Delivery::Response { key, response, .. } if self.is_reoffer(&key) => {
                self.on_reoffer_answered(core, &key, &response, turn)
            }
            Delivery::Failed { key, cause } if self.is_reoffer(&key) => {
                self.on_reoffer_failed(core, cause, turn)
            }
            Delivery::Response { key, response, flow } => {
                if response.status().is_success() {
                    self.forks.on_success(core, &key, &response, &flow, turn);
                }
                Next::Stay
            }
            Delivery::Failed { .. } | Delivery::Cancelled { .. } => Next::Stay,
        }
    }

    fn on_request(
        &mut self,
        core: &mut Core,
        key: ServerKey,
        request: &Request,
        turn: &mut Turn<Leg>,
    ) -> Next {
        if let Err(refusal) = self.dialog.receive(request) {
            core.errand(Errand::Respond { key, response: request.response(refusal.status()) }, turn);
            return Next::Stay;
        }
        if let Some(response) = unsuitable(request) {
            core.errand(Errand::Respond { key, response }, turn);
            return Next::Stay;
        }
        match request.method() {
            Method::Bye => {
                core.errand(Errand::Respond { key, response: request.response(StatusCode::OK) }, turn);
                return self.leave(core, None, Cause::HungUp, Side::Peer, turn);
            }
            Method::Invite => self.on_reinvite(core, key, request, turn),
            Method::Refer => self.on_refer(core, key, request, turn),
            _ => {
                let response = bystander(core, request, turn);
                core.errand(Errand::Respond { key, response }, turn);
            }
        }
        Next::Stay
    }

    /// A new offer in the dialog, or the wish for one of ours (RFC 3261 §14.2, RFC 3264 §8).
    fn on_reinvite(&mut self, core: &mut Core, key: ServerKey, request: &Request, turn: &mut Turn<Leg>) {
        if self.hangup.is_some() {
            // The BYE waits for the ACK of our 2xx: another one would prolong the wait.
            let response = later(core, request);
            core.errand(Errand::Respond { key, response }, turn);
            return;
        }
        // One that overtakes the ACK of our last 2xx proves that it has arrived: nobody begins an INVITE while
        // another is under way (RFC 3261 §14.1).
        let answer = if request.body().is_empty() {
            self.negotiation.offer_anew()
        } else {
            self.negotiation.on_offer(request.body()).map(|(answer, _)| answer)
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let status = match error {
                    NegotiationError::OfferPending => StatusCode::REQUEST_PENDING,
                    NegotiationError::Malformed(_) => StatusCode::BAD_REQUEST,
                    _ => StatusCode::NOT_ACCEPTABLE_HERE,
                };
                core.errand(Errand::Respond { key, response: request.response(status) }, turn);
                return;
            }
        };
        self.dialog.refresh(request.headers());
        let mut response = request.response(StatusCode::OK);
        response.headers_mut().push(HeaderName::Contact, self.path.contact());
        response.headers_mut().push(HeaderName::Allow, ALLOW);
        response.set_body("application/sdp", answer);
        core.errand(Errand::Respond { key: key.clone(), response: response.clone() }, turn);
        self.await_ack(request, key, response, core, turn.now);
        if !request.body().is_empty() {
            self.renegotiated(core, turn);
        }
    }

    fn on_ack(&mut self, core: &mut Core, ack: &Request, turn: &mut Turn<Leg>) -> Next {
        let cseq = ack.headers().cseq().map_or(0, |cseq| cseq.number);
        if self.unacknowledged.as_ref().is_none_or(|waiting| waiting.cseq != cseq) {
            return Next::Stay;
        }
        self.unacknowledged = None;
        if self.negotiation.is_offer_pending() {
            // The answer to a late offer comes in the ACK; one that cannot be used ends the leg (design §5).
            if let Err(error) = self.negotiation.on_answer(ack.body()) {
                tracing::debug!(leg = %core.id, %error, "the answer in the ACK cannot be used");
                return self.hang_up(core, Cause::NotAcceptable, Side::Switch, turn);
            }
            self.renegotiated(core, turn);
        } else if core.media.agreed().is_some() {
            core.apply_media(turn);
        }
        match self.hangup.take() {
            Some(cause) => self.hang_up(core, cause, Side::Switch, turn),
            None => {
                self.reoffer_when_free(core, turn);
                Next::Stay
            }
        }
    }

    /// The leg's end cannot wait for an ACK any more.
    pub fn wait_no_more(&mut self) {
        self.unacknowledged = None;
    }

    pub fn on_deadline(&mut self, core: &mut Core, turn: &mut Turn<Leg>) -> Next {
        self.resume_reoffer(core, turn);
        self.expire_referral(core, turn);
        let Some(waiting) = &mut self.unacknowledged else { return Next::Stay };
        if turn.now >= waiting.give_up {
            return self.hang_up(core, Cause::NoAck, Side::Switch, turn);
        }
        if turn.now >= waiting.due {
            waiting.interval = (waiting.interval * 2).min(core.timing.t2);
            waiting.due = turn.now + waiting.interval;
            let errand = Errand::Respond { key: waiting.key.clone(), response: waiting.response.clone() };
            core.errand(errand, turn);
        }
        Next::Stay
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        let repeat = self.unacknowledged.as_ref().map(|waiting| waiting.due.min(waiting.give_up));
        earliest(earliest(repeat, self.reoffer_deadline()), self.referral_deadline())
    }

    /// Ends the dialog with BYE.
    pub fn hang_up(&mut self, core: &mut Core, cause: Cause, by: Side, turn: &mut Turn<Leg>) -> Next {
        let mut bye = self.dialog.request(Method::Bye, &self.path.via(&core.minter.branch()), None);
        if let Some(reason) = reason_of(&cause) {
            bye.headers_mut().push(HeaderName::Reason, reason);
        }
        let key = ClientKey::of(&bye);
        core.errand(Errand::Request { request: bye, flow: self.path.flow.clone() }, turn);
        self.leave(core, Some(key), cause, by, turn)
    }

    fn leave(
        &mut self,
        core: &mut Core,
        bye: Option<ClientKey>,
        cause: Cause,
        by: Side,
        turn: &Turn<Leg>,
    ) -> Next {
        self.leave_reoffer(core);
        let leaving = Leaving::new(bye, std::mem::take(&mut self.forks), turn.now);
        Next::Leave { leaving, cause, by }
    }
}

/// The Reason header of a BYE that is not an ordinary hang-up (RFC 3326, cause values of Q.850).
fn reason_of(cause: &Cause) -> Option<&'static str> {
    match cause {
        Cause::Internal => Some("Q.850;cause=41;text=\"Temporary failure\""),
        Cause::MediaTimeout => Some("Q.850;cause=31;text=\"No media\""),
        Cause::NotAcceptable => Some("SIP;cause=488;text=\"Not Acceptable Here\""),
        Cause::NoAck => Some("SIP;cause=408;text=\"ACK missing\""),
        _ => None,
    }
}
