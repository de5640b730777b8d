//! A caller's leg until its final answer: ringing, early media, answer or refusal, CANCEL.
//! It must never answer by itself: the call decides.

mod early;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::{Moment, earliest};
use trunkline_media::sdp::{Negotiation, NegotiationError};

use super::established::{Established, Forks};
use super::leaving::Leaving;
use super::path::Path;
use super::requests::introduce;
use super::spec::InboundSpec;
use super::verdict::status_of;
use super::{Core, Facts, Leg, Next, Order, Readopted};
use crate::ops::events::{Cause, Event, Side};
use crate::sip::dialog::{Dialog, DialogError, Provisionals, SessionTimer};
use crate::sip::dispatch::{Delivery, Errand};
use crate::sip::endpoint::{DialogKey, ServerKey};
use crate::sip::message::{HeaderName, Replaces, Request, Response, StatusCode, Uri};
use crate::supervision::machine::Turn;

/// A caller's leg that has no final answer yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Incoming {
    key: ServerKey,
    invite: Request,
    dialog: Dialog,
    path: Path,
    negotiation: Negotiation,
    /// Our answer to the caller's offer; `None` where the offer is late (RFC 3261 §13.2.1).
    answer: Option<bytes::Bytes>,
    progress: Progress,
    /// How much of that it was told.
    #[serde(default)]
    told: Progress,
    provisionals: Provisionals,
    /// The caller has our answer, or we have its, before the final answer and for certain.
    #[serde(default)]
    is_settled: bool,
    /// The call wants it answered, which waits for a PRACK.
    #[serde(default)]
    is_wanted: bool,
    /// When the caller is told again that nothing has changed.
    reminder: Moment,
    /// When the caller does not want to be answered any more (RFC 3261 §13.3.1).
    expires: Option<Moment>,
}

/// Proxies give up an INVITE of which they hear nothing for three minutes; each minute is what RFC 3261 §13.3.1.1
/// wants.
const REMINDER: Duration = Duration::from_secs(60);

/// What the caller was told so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Progress {
    #[default]
    Nothing,
    Ringing,
    EarlyMedia,
}

impl Incoming {
    pub fn from_spec(spec: InboundSpec) -> Result<(Core, Self), DialogError> {
        let InboundSpec { basis, invite, key, path } = spec;
        let peer = invite.headers().from().map(|from| from.uri.to_string()).unwrap_or_default();
        let mut core = basis.core(peer, Some(&path.flow));
        let tag = core.minter.token();
        let dialog = Dialog::uas(&invite, &tag, &path.flow)?;
        core.facts = Facts::of_dialog(dialog.call_id());
        let negotiation = core.media.negotiation.clone();
        let lifetime = invite.headers().expires().ok().flatten();
        let incoming = Self {
            reminder: core.began + REMINDER,
            expires: lifetime.map(|seconds| core.began + Duration::from_secs(u64::from(seconds))),
            key,
            invite,
            dialog,
            path,
            negotiation,
            answer: None,
            progress: Progress::Nothing,
            told: Progress::Nothing,
            provisionals: Provisionals::new(core.minter.number()),
            is_settled: false,
            is_wanted: false,
        };
        Ok((core, incoming))
    }

    pub fn call_id(&self) -> &str {
        self.dialog.call_id()
    }

    /// Whether the far end means this early dialog: its own tag is the other one (RFC 3891 §3).
    pub fn is(&self, named: &Replaces) -> bool {
        let dialog = &self.dialog;
        dialog.call_id() == named.call_id
            && dialog.local_tag() == named.to_tag
            && dialog.remote_tag() == named.from_tag
    }

    /// Whom it has dialled.
    pub fn dialled(&self) -> &Uri {
        self.invite.uri()
    }

    /// The leg was brought back by another process. The numbers of provisional answers stay: one after a gap would never
    /// be acknowledged (RFC 3262 §4).
    pub fn readopted(&mut self, readopted: &Readopted) {
        if let Some(room) = readopted.room {
            self.dialog.leap(room);
            self.negotiation.leap(room);
        }
    }

    /// Takes the offer. One that cannot be met is refused before anybody is disturbed.
    pub fn start(&mut self, core: &mut Core, turn: &mut Turn<Leg>) -> Next {
        let printed =
            |name: &HeaderName| self.invite.headers().get(name).map(|v| v.into_owned()).unwrap_or_default();
        let (from, to) = (printed(&HeaderName::From), self.invite.uri().to_string());
        core.tell(Event::Invited { from, to }, turn);
        let cseq = self.invite.headers().cseq().map(|cseq| cseq.to_string()).unwrap_or_default();
        core.tell(Event::Received { message: "INVITE".to_owned(), cseq, peer: self.path.flow.remote }, turn);
        let dialog = DialogKey::new(self.dialog.call_id(), self.dialog.local_tag());
        core.errand(Errand::Bind { dialog }, turn);
        if self.invite.body().is_empty() {
            core.apply_media(turn);
            return Next::Stay;
        }
        match self.negotiation.on_offer(self.invite.body()) {
            Ok((answer, agreed)) => {
                self.answer = Some(answer);
                core.media.agree(&agreed);
                core.apply_media(turn);
                Next::Stay
            }
            Err(error) => {
                let status = match error {
                    NegotiationError::Malformed(_) => StatusCode::BAD_REQUEST,
                    _ => StatusCode::NOT_ACCEPTABLE_HERE,
                };
                self.refuse(core, status, Cause::NotAcceptable, Side::Switch, turn)
            }
        }
    }

    pub fn on_order(&mut self, core: &mut Core, order: Order, turn: &mut Turn<Leg>) -> Next {
        match order {
            Order::Ring => {
                self.ring(core, turn);
                Next::Stay
            }
            Order::Progress if self.progress < Progress::EarlyMedia => {
                self.early_media(core, turn);
                Next::Stay
            }
            Order::Answer => self.accept(core, turn),
            Order::Refuse { status, cause } => {
                let status = StatusCode::new(status).unwrap_or(StatusCode::SERVER_INTERNAL_ERROR);
                self.refuse(core, status, cause, Side::Switch, turn)
            }
            Order::Hangup { cause } => {
                let status = status_of(&cause);
                self.refuse(core, status, cause, Side::Switch, turn)
            }
            Order::Progress
            | Order::Remark(_)
            | Order::Hear(_)
            | Order::Press(_)
            | Order::Referred { .. }
            | Order::Tape(_)
            | Order::Joined(_)
            | Order::Align(_) => Next::Stay,
        }
    }

    pub fn on_sip(&mut self, core: &mut Core, delivery: Delivery, turn: &mut Turn<Leg>) -> Next {
        match delivery {
            Delivery::Cancelled { key, request } if key == self.key => {
                core.note_remarks(&request, turn);
                self.refuse(core, StatusCode::REQUEST_TERMINATED, Cause::Cancelled, Side::Peer, turn)
            }
            Delivery::Request { key, request, .. } => self.early_request(core, key, &request, turn),
            Delivery::Cancelled { .. }
            | Delivery::Ack { .. }
            | Delivery::Response { .. }
            | Delivery::Failed { .. } => Next::Stay,
        }
    }

    pub fn on_deadline(&mut self, core: &mut Core, turn: &mut Turn<Leg>) -> Next {
        if self.expires.is_some_and(|expires| turn.now >= expires) {
            return self.refuse(core, StatusCode::REQUEST_TERMINATED, Cause::Cancelled, Side::Peer, turn);
        }
        if turn.now >= self.reminder {
            self.say_progress(core, turn);
        }
        self.repeat_provisional(core, turn)
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        [Some(self.reminder), self.expires, self.provisional_deadline()].into_iter().fold(None, earliest)
    }

    /// Answers, unless a description must arrive first (RFC 3262 §3).
    fn accept(&mut self, core: &mut Core, turn: &mut Turn<Leg>) -> Next {
        if self.provisionals.holds_session() {
            self.is_wanted = true;
            return Next::Stay;
        }
        let mut response = self.response(StatusCode::OK);
        // What both sides know for certain is not said again (RFC 3261 §13.2.1).
        if !self.is_settled {
            match self.answer.clone().map_or_else(|| self.negotiation.offer(), Ok) {
                Ok(body) => response.set_body("application/sdp", body),
                Err(error) => {
                    tracing::error!(leg = %core.id, %error, "no offer could be made");
                    let status = StatusCode::SERVER_INTERNAL_ERROR;
                    return self.refuse(core, status, Cause::Internal, Side::Switch, turn);
                }
            }
        }
        let mut timer = SessionTimer::new(core.session);
        timer.grant(self.invite.headers(), response.headers_mut(), turn.now);
        core.facts.status = Some(response.status().code());
        core.errand(Errand::Respond { key: self.key.clone(), response: response.clone() }, turn);
        let established =
            Established::answered(self.dialog.clone(), self.negotiation.clone(), self.path.clone());
        let mut established = established
            .of(Side::Peer, self.invite.headers(), timer)
            .owed(self.provisionals.stop())
            .awaiting_ack(&self.invite, self.key.clone(), response, core, turn.now);
        established.note_agreed(core, turn);
        Next::Up(Box::new(established))
    }

    fn refuse(
        &mut self,
        core: &mut Core,
        status: StatusCode,
        cause: Cause,
        by: Side,
        turn: &mut Turn<Leg>,
    ) -> Next {
        let mut response = self.invite.response_tagged(status, self.dialog.local_tag());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().set(HeaderName::RetryAfter, 5 + core.minter.number() % 11);
        }
        core.remarks.annotate(&mut response);
        core.facts.status = Some(status.code());
        core.errand(Errand::Respond { key: self.key.clone(), response }, turn);
        let leaving = Leaving::new(None, Forks::default(), turn.now).owed(self.provisionals.stop());
        Next::Leave { leaving: Box::new(leaving), cause, by }
    }

    fn response(&self, status: StatusCode) -> Response {
        let mut response = self.invite.response_tagged(status, self.dialog.local_tag());
        for route in self.invite.headers().all(&HeaderName::RecordRoute) {
            response.headers_mut().push(HeaderName::RecordRoute, route);
        }
        introduce(&self.path, response.headers_mut());
        response
    }
}
