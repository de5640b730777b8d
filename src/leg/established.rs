//! An answered leg: its dialog and session, the ACK and its loss, BYE.
//! It must never end while somebody could still believe in it.

mod forks;
mod offers;
mod referral;
mod reoffer;
mod vigil;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::{Moment, earliest};
use trunkline_media::sdp::Negotiation;

use self::forks::Acknowledged;
pub(crate) use self::forks::Forks;
use self::referral::Referral;
use self::reoffer::Reoffer;
use self::vigil::Vigil;
use super::leaving::{Farewell, Leaving};
use super::path::Path;
use super::requests::{bystander, unsuitable};
use super::verdict::MAINTENANCE;
use super::{Core, Leg, Next, Order, Readopted, Report, Voice};
use crate::ops::events::{Cause, Event, Side};
use crate::sip::dialog::{Dialog, SessionTimer};
use crate::sip::dispatch::{Delivery, Errand};
use crate::sip::endpoint::{ClientKey, ServerKey};
use crate::sip::message::{HeaderName, Headers, Method, RAck, Replaces, Request, Response, StatusCode};
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
    /// A codec that the call wants, or a refresh that is due.
    reoffer: Option<Reoffer>,
    #[serde(default)]
    timer: SessionTimer,
    /// Whether the peer takes UPDATE.
    #[serde(default)]
    takes_update: bool,
    /// A PRACK that may still come for a provisional answer of ours (RFC 3262 §3).
    #[serde(default)]
    owed: Option<RAck>,
    /// A transfer that the far end asked for.
    #[serde(default)]
    referral: Option<Referral>,
    /// Whether the far end is still there.
    #[serde(default)]
    vigil: Option<Vigil>,
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

impl Established {
    pub fn answered(dialog: Dialog, negotiation: Negotiation, path: Path) -> Self {
        Self {
            dialog,
            negotiation,
            path,
            unacknowledged: None,
            hangup: None,
            held: false,
            forks: Forks::default(),
            caller: Side::Switch,
            voice: None,
            reoffer: None,
            timer: SessionTimer::default(),
            takes_update: false,
            owed: None,
            referral: None,
            vigil: None,
        }
    }

    /// The leg was brought back by another process.
    pub fn readopted(&mut self, readopted: &Readopted) {
        if let Some(room) = readopted.room {
            self.dialog.leap(room);
            self.negotiation.leap(room);
        }
        self.keep_vigil(readopted.ask_at);
    }

    /// Who began the dialog, what the peer said of itself in doing so, and how long the session lasts.
    pub fn of(self, caller: Side, peer: &Headers, timer: SessionTimer) -> Self {
        let mut this = Self { caller, timer, ..self };
        this.note_abilities(peer);
        this
    }

    /// A provisional answer of ours was not acknowledged yet.
    pub fn owed(self, owed: Option<RAck>) -> Self {
        Self { owed, ..self }
    }

    /// What the peer says of itself; what it does not say stays as it was.
    fn note_abilities(&mut self, peer: &Headers) {
        self.takes_update = peer.allows(&Method::Update).unwrap_or(self.takes_update);
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
        self.forks.note(Acknowledged {
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
            | Order::Remark(_)
            | Order::Hear(_)
            | Order::Press(_)
            | Order::Tape(_)
            | Order::Joined(_) => Next::Stay,
        }
    }

    pub fn on_sip(&mut self, core: &mut Core, delivery: Delivery, turn: &mut Turn<Leg>) -> Next {
        match delivery {
            Delivery::Request { key, request, flow } => {
                if self.dialog.receive(&request).is_ok() {
                    self.is_alive();
                    self.path.follow(&flow);
                }
                self.on_request(core, key, &request, turn)
            }
            Delivery::Ack { request } => self.on_ack(core, &request, turn),
            Delivery::Response { key, response, .. } if self.is_reoffer(&key) => {
                self.on_reoffer_answered(core, &key, &response, turn)
            }
            Delivery::Failed { key, cause } if self.is_reoffer(&key) => {
                self.on_reoffer_failed(core, &key, cause, turn)
            }
            Delivery::Response { key, response, .. } if self.is_vigil(&key) => {
                self.on_vigil_answered(core, &response, turn)
            }
            Delivery::Failed { key, cause } if self.is_vigil(&key) => self.on_vigil_failed(core, cause, turn),
            Delivery::Response { key, response, flow } => {
                self.forks.on_response(core, &key, &response, &flow, turn);
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
                core.note_remarks(request, turn);
                core.errand(Errand::Respond { key, response: request.response(StatusCode::OK) }, turn);
                return self.leave(core, None, Cause::HungUp, Side::Peer, turn);
            }
            Method::Invite => self.on_reinvite(core, key, request, turn),
            Method::Update => self.on_update(core, key, request, turn),
            Method::Prack => {
                let response = self.on_prack(request);
                core.errand(Errand::Respond { key, response }, turn);
            }
            Method::Refer => self.on_refer(core, key, request, turn),
            _ => {
                let response = bystander(core, request, turn);
                core.errand(Errand::Respond { key, response }, turn);
            }
        }
        Next::Stay
    }

    /// The leg's end cannot wait for an ACK any more.
    pub fn wait_no_more(&mut self) {
        self.unacknowledged = None;
    }

    pub fn on_deadline(&mut self, core: &mut Core, turn: &mut Turn<Leg>) -> Next {
        if self.timer.ends_at().is_some_and(|end| turn.now >= end) {
            return self.hang_up(core, Cause::Unreachable, Side::Peer, turn);
        }
        self.resume_reoffer(core, turn);
        self.refresh_when_due(core, turn);
        self.expire_referral(core, turn);
        self.ask_when_due(core, turn);
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
        [
            repeat,
            self.reoffer_deadline(),
            self.refresh_deadline(),
            self.timer.ends_at(),
            self.referral_deadline(),
            self.vigil_deadline(),
        ]
        .into_iter()
        .fold(None, earliest)
    }

    /// Ends the dialog with BYE.
    pub fn hang_up(&mut self, core: &mut Core, cause: Cause, by: Side, turn: &mut Turn<Leg>) -> Next {
        let mut bye = self.dialog.request(Method::Bye, &self.path.via(&core.minter.branch()), None);
        if let Some(reason) = reason_of(&cause).map(str::to_owned).or_else(|| core.remarks.reason()) {
            bye.headers_mut().push(HeaderName::Reason, reason);
        }
        core.errand(Errand::Request { request: bye.clone(), flow: self.path.flow.clone() }, turn);
        self.leave(core, Some(Farewell { bye, path: self.path.clone() }), cause, by, turn)
    }

    fn leave(
        &mut self,
        core: &mut Core,
        farewell: Option<Farewell>,
        cause: Cause,
        by: Side,
        turn: &Turn<Leg>,
    ) -> Next {
        self.leave_reoffer(core);
        let leaving = Leaving::new(farewell, std::mem::take(&mut self.forks), turn.now);
        Next::Leave { leaving: Box::new(leaving), cause, by }
    }
}

/// The Reason header of a BYE that is not an ordinary hang-up (RFC 3326, cause values of Q.850).
fn reason_of(cause: &Cause) -> Option<&'static str> {
    match cause {
        Cause::Internal => Some("Q.850;cause=41;text=\"Temporary failure\""),
        Cause::MediaTimeout => Some("Q.850;cause=31;text=\"No media\""),
        Cause::NotAcceptable => Some("SIP;cause=488;text=\"Not Acceptable Here\""),
        Cause::Maintenance => Some(MAINTENANCE),
        Cause::Unreachable => Some("SIP;cause=408;text=\"Request Timeout\""),
        Cause::NoAck => Some("SIP;cause=408;text=\"ACK missing\""),
        _ => None,
    }
}
