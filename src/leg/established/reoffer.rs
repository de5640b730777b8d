//! What we ask of an answered session: a codec that the call wants, a refresh that the session timer wants.
//! It must never have two requests out at once, and never end a call because a wish was refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::codec::Codec;
use trunkline_media::moment::Moment;

use super::{Acknowledged, Established};
use crate::leg::requests::introduce;
use crate::leg::{Core, Leg, Next};
use crate::ops::events::{Cause, Side};
use crate::sip::dispatch::Errand;
use crate::sip::endpoint::{ClientKey, FailureCause};
use crate::sip::message::{Method, Request, Response, StatusCode};
use crate::supervision::machine::Turn;

/// How often a codec is asked for again when that crosses offers of the peer: one that refuses with 491 for ever has
/// none out.
const MAX_COLLISIONS: u8 = 10;

/// What is wanted of the session, and how far the leg is with it (design §5: one pending per leg).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Reoffer {
    /// The codec that the call wants.
    codec: Option<Codec>,
    /// The session timer is half over (RFC 4028 §7.2).
    #[serde(default)]
    is_refresh: bool,
    collisions: u8,
    stage: Stage,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum Stage {
    /// For the end of every INVITE that is under way, in either direction (RFC 3261 §14.1).
    #[default]
    Waiting,
    /// Our request has no final answer yet.
    Out {
        /// Names its transaction.
        key: ClientKey,
        cseq: u32,
        asked: Asked,
    },
    /// It crossed an offer of the peer, or was refused for now.
    Paused { until: Moment },
}

/// What is out. The call may want another codec by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Asked {
    /// A re-INVITE with this codec alone.
    Codec(Codec),
    /// A re-INVITE that changes nothing.
    Refresh,
    /// An UPDATE that offers nothing.
    Update,
}

impl Asked {
    const fn is_invite(self) -> bool {
        !matches!(self, Self::Update)
    }
}

impl Reoffer {
    /// Whether a request of ours has no final answer yet.
    pub fn is_out(&self) -> bool {
        matches!(self.stage, Stage::Out { .. })
    }
}

impl Established {
    /// From now on the call wants this codec.
    pub(super) fn align(&mut self, core: &mut Core, codec: Codec, turn: &mut Turn<Leg>) {
        self.reoffer.get_or_insert_default().codec = Some(codec);
        self.reoffer_when_free(core, turn);
    }

    /// Refreshes the session when it is time to.
    pub(super) fn refresh_when_due(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        if self.refresh_deadline().is_some_and(|due| turn.now >= due) {
            self.refresh(core, turn);
        }
    }

    /// Refreshes the session as soon as nothing else is under way.
    pub(super) fn refresh(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        self.reoffer.get_or_insert_default().is_refresh = true;
        self.reoffer_when_free(core, turn);
    }

    /// When the next refresh is due that is not under way.
    pub(super) fn refresh_deadline(&self) -> Option<Moment> {
        let is_under_way = self.reoffer.as_ref().is_some_and(|reoffer| reoffer.is_refresh);
        self.timer.refresh_at().filter(|_| !is_under_way)
    }

    /// Sends what is wanted, unless it is not needed any more or an INVITE is under way.
    pub(super) fn reoffer_when_free(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        let agreed = self.negotiation.agreed().map(|agreed| agreed.codec);
        let Some(reoffer) = self.reoffer.as_mut().filter(|one| matches!(one.stage, Stage::Waiting)) else {
            return;
        };
        reoffer.codec.take_if(|codec| agreed == Some(*codec));
        let asked = match reoffer.codec {
            Some(codec) => Asked::Codec(codec),
            None if !reoffer.is_refresh => {
                self.reoffer = None;
                return;
            }
            None if self.takes_update => Asked::Update,
            None => Asked::Refresh,
        };
        if self.unacknowledged.is_some() || self.hangup.is_some() {
            return;
        }
        match self.compose(core, asked) {
            Some(request) => {
                let (key, cseq) = (ClientKey::of(&request), self.dialog.local_cseq());
                if let Some(reoffer) = &mut self.reoffer {
                    reoffer.stage = Stage::Out { key, cseq, asked };
                }
                core.errand(Errand::Request { request, flow: self.path.flow.clone() }, turn);
            }
            None => self.forget(asked, core, turn),
        }
    }

    /// Writes the request; `None` where there is nothing to offer.
    fn compose(&mut self, core: &mut Core, asked: Asked) -> Option<Request> {
        let offer = match asked {
            Asked::Codec(codec) => self.negotiation.offer_in(codec).map(Some),
            Asked::Refresh => self.negotiation.offer().map(Some),
            Asked::Update => Ok(None),
        };
        let offer = offer
            .inspect_err(|error| tracing::debug!(leg = %core.id, %error, "a session cannot be offered"))
            .ok()?;
        let method = if asked.is_invite() { Method::Invite } else { Method::Update };
        let via = self.path.via(&core.minter.branch());
        let mut request = self.dialog.request(method, &via, None);
        introduce(&self.path, request.headers_mut());
        self.timer.ask(request.headers_mut());
        if let Some(offer) = offer {
            request.set_body("application/sdp", offer);
        }
        Some(request)
    }

    /// It cannot be asked for: a codec is given up, a refresh tried later.
    fn forget(&mut self, asked: Asked, core: &mut Core, turn: &mut Turn<Leg>) {
        match (&mut self.reoffer, asked) {
            (Some(reoffer), Asked::Codec(_)) => {
                reoffer.codec = None;
                self.reoffer_when_free(core, turn);
            }
            (Some(reoffer), _) => reoffer.stage = Stage::Paused { until: turn.now + self.timer.pause() },
            (None, _) => {}
        }
    }

    /// What this request of ours, which has no final answer yet, asks for.
    fn asked(&self, request: &ClientKey) -> Option<Asked> {
        match &self.reoffer {
            Some(Reoffer { stage: Stage::Out { key, asked, .. }, .. }) if key == request => Some(*asked),
            _ => None,
        }
    }

    /// Whether this is our request that has no final answer yet.
    pub(super) fn is_reoffer(&self, request: &ClientKey) -> bool {
        self.asked(request).is_some()
    }

    pub(super) fn on_reoffer_answered(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        turn: &mut Turn<Leg>,
    ) -> Next {
        let Some(asked) = self.asked(key) else { return Next::Stay };
        if response.status().is_final() {
            self.is_alive();
        }
        match response.status() {
            status if status.is_provisional() => Next::Stay,
            status if status.is_success() => self.on_reoffer_accepted(core, key, asked, response, turn),
            StatusCode::REQUEST_PENDING => self.on_collision(asked, core, turn),
            // The peer does not know the dialog any more (RFC 3261 §12.2.1.2).
            StatusCode::REQUEST_TIMEOUT | StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST => {
                self.hang_up(core, Cause::Unreachable, Side::Peer, turn)
            }
            _ if self.is_worth_another_try(core, asked, response) => {
                self.negotiation.withdraw();
                self.settle_reoffer();
                self.reoffer_when_free(core, turn);
                Next::Stay
            }
            _ => self.on_reoffer_refused(asked, response.headers().retry_after(), core, turn),
        }
    }

    /// Whether the refusal names what to do better: the interval, the proof, or the method.
    fn is_worth_another_try(&mut self, core: &mut Core, asked: Asked, refusal: &Response) -> bool {
        match refusal.status() {
            StatusCode::SESSION_INTERVAL_TOO_SMALL => self.timer.is_raised_by(refusal.headers()),
            status if status.is_challenge() => {
                core.proofs.as_mut().is_some_and(|proofs| proofs.challenged(refusal).is_ok())
            }
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED if asked == Asked::Update => {
                self.takes_update = false;
                true
            }
            _ => false,
        }
    }

    pub(super) fn on_reoffer_failed(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        cause: FailureCause,
        turn: &mut Turn<Leg>,
    ) -> Next {
        match (cause, self.asked(key)) {
            (FailureCause::Timeout, _) => self.hang_up(core, Cause::Unreachable, Side::Peer, turn),
            (FailureCause::Transport, Some(asked)) => self.on_reoffer_refused(asked, None, core, turn),
            (FailureCause::Transport, None) => Next::Stay,
        }
    }

    fn on_reoffer_accepted(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        asked: Asked,
        response: &Response,
        turn: &mut Turn<Leg>,
    ) -> Next {
        self.dialog.refresh(response.headers());
        self.note_abilities(response.headers());
        self.timer.settle(response.headers(), turn.now);
        if asked.is_invite() {
            self.acknowledge(core, key, response, turn);
        }
        self.settle_reoffer();
        if let Some(reoffer) = &mut self.reoffer {
            // Whatever was asked for, it was a refresh as well.
            reoffer.is_refresh = false;
        }
        let answered = asked.is_invite().then(|| self.negotiation.on_answer(response.body()));
        match answered {
            Some(Ok(_)) => self.renegotiated(core, turn),
            None => {}
            // What the peer sends now is anybody's guess.
            Some(Err(error)) => {
                tracing::debug!(leg = %core.id, %error, "the answer to a re-INVITE cannot be used");
                return self.hang_up(core, Cause::NotAcceptable, Side::Switch, turn);
            }
        }
        self.pursue_unless(asked, core, turn);
        Next::Stay
    }

    /// What was agreed before goes on (RFC 3261 §14.1). A refresh is tried again in time, if a timer wants it.
    fn on_reoffer_refused(
        &mut self,
        asked: Asked,
        retry_after: Option<u32>,
        core: &mut Core,
        turn: &mut Turn<Leg>,
    ) -> Next {
        self.negotiation.withdraw();
        self.settle_reoffer();
        let pause = self.timer.pause();
        self.need_no_refresh();
        if let Some(reoffer) = self.reoffer.as_mut().filter(|one| one.is_refresh) {
            let wanted =
                retry_after.map_or(pause, |seconds| Duration::from_secs(u64::from(seconds)).min(pause));
            reoffer.codec.take_if(|codec| asked == Asked::Codec(*codec));
            reoffer.stage = Stage::Paused { until: turn.now + wanted.max(Duration::from_secs(1)) };
            return Next::Stay;
        }
        self.pursue_unless(asked, core, turn);
        Next::Stay
    }

    /// Both sides offered at once: who owns the Call-ID tries again later than the other (RFC 3261 §14.1).
    fn on_collision(&mut self, asked: Asked, core: &mut Core, turn: &mut Turn<Leg>) -> Next {
        let (least, steps) = match self.caller {
            Side::Switch => (2_100, 191),
            Side::Peer => (0, 201),
        };
        let pause = Duration::from_millis(least + core.minter.number() % steps * 10);
        let is_timed = self.timer.running().is_some();
        self.negotiation.withdraw();
        if let Some(reoffer) = &mut self.reoffer {
            reoffer.collisions = reoffer.collisions.saturating_add(1);
            reoffer.stage = Stage::Paused { until: turn.now + pause };
            if reoffer.collisions >= MAX_COLLISIONS {
                tracing::debug!(leg = %core.id, "an offer was refused with 491 too often");
                reoffer.codec.take_if(|codec| asked == Asked::Codec(*codec));
                reoffer.is_refresh &= is_timed;
                if !reoffer.is_refresh && reoffer.codec.is_none() {
                    self.reoffer = None;
                }
            }
        }
        Next::Stay
    }

    /// A refresh that no session timer wants was but a question, and it is answered.
    fn need_no_refresh(&mut self) {
        if let Some(reoffer) = self.reoffer.as_mut().filter(|_| self.timer.running().is_none()) {
            reoffer.is_refresh = false;
        }
    }

    /// Our request has its final answer.
    fn settle_reoffer(&mut self) {
        if let Some(reoffer) = &mut self.reoffer {
            reoffer.stage = Stage::Waiting;
        }
    }

    /// Goes on if the call has come to want another codec than the one that was asked for.
    fn pursue_unless(&mut self, asked: Asked, core: &mut Core, turn: &mut Turn<Leg>) {
        if let Some(reoffer) = &mut self.reoffer {
            reoffer.codec.take_if(|codec| asked == Asked::Codec(*codec));
        }
        self.reoffer_when_free(core, turn);
    }

    pub(super) fn resume_reoffer(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        if let Some(reoffer) = &mut self.reoffer
            && let Stage::Paused { until } = reoffer.stage
            && turn.now >= until
        {
            reoffer.stage = Stage::Waiting;
            self.reoffer_when_free(core, turn);
        }
    }

    pub(super) fn reoffer_deadline(&self) -> Option<Moment> {
        match self.reoffer.as_ref()?.stage {
            Stage::Paused { until } => Some(until),
            Stage::Waiting | Stage::Out { .. } => None,
        }
    }

    /// The leg ends while its re-INVITE is out: a 2xx that still comes is acknowledged all the same.
    pub(super) fn leave_reoffer(&mut self, core: &mut Core) {
        if let Some(Reoffer { stage: Stage::Out { key, cseq, asked }, .. }) = self.reoffer.take()
            && asked.is_invite()
        {
            let ack = self.dialog.ack(cseq, &self.path.via(&core.minter.branch()));
            let (tag, flow) = (self.dialog.remote_tag().to_owned(), self.path.flow.clone());
            self.forks.note(Acknowledged { key, tag, ack, flow });
        }
    }
}
