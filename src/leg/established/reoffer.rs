//! An offer of ours inside the dialog: a codec that the call wants, asked for in a re-INVITE.
//! It must never have two out at once, and never end a call because a wish was refused.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::codec::Codec;
use trunkline_media::moment::Moment;

use super::{Acknowledged, Established};
use crate::leg::{ALLOW, Core, Leg, Next};
use crate::ops::events::{Cause, Side};
use crate::sip::dispatch::Errand;
use crate::sip::endpoint::{ClientKey, FailureCause};
use crate::sip::message::{HeaderName, Method, Response, StatusCode};
use crate::supervision::machine::Turn;

/// How often it is tried again when it crosses offers of the peer: one that refuses with 491 for ever has none out.
const MAX_COLLISIONS: u8 = 10;

/// A codec that the call wants for this leg, and how far the leg is with it (design §5: one pending per leg).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Reoffer {
    codec: Codec,
    collisions: u8,
    stage: Stage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stage {
    /// For the end of every INVITE that is under way, in either direction (RFC 3261 §14.1).
    Waiting,
    /// The re-INVITE has no final answer yet.
    Out {
        /// Names its transaction.
        key: ClientKey,
        cseq: u32,
        /// What it asks for; the call may want another one by now.
        codec: Codec,
    },
    /// It crossed an offer of the peer.
    Paused { until: Moment },
}

impl Established {
    /// From now on the call wants this codec.
    pub(super) fn align(&mut self, core: &mut Core, codec: Codec, turn: &mut Turn<Leg>) {
        match &mut self.reoffer {
            Some(reoffer) => reoffer.codec = codec,
            none => *none = Some(Reoffer { codec, collisions: 0, stage: Stage::Waiting }),
        }
        self.reoffer_when_free(core, turn);
    }

    /// Sends the re-INVITE, unless it is not needed any more or an INVITE is under way.
    pub(super) fn reoffer_when_free(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        let Some(Reoffer { codec, stage: Stage::Waiting, .. }) = &self.reoffer else { return };
        let codec = *codec;
        if self.negotiation.agreed().is_some_and(|agreed| agreed.codec == codec) {
            self.reoffer = None;
            return;
        }
        if self.unacknowledged.is_some() || self.hangup.is_some() {
            return;
        }
        let offer = match self.negotiation.offer_in(codec) {
            Ok(offer) => offer,
            Err(error) => {
                tracing::debug!(leg = %core.id, %error, "a codec cannot be offered");
                self.reoffer = None;
                return;
            }
        };
        let (via, contact) = (self.path.via(&core.minter.branch()), self.path.contact());
        let mut invite = self.dialog.request(Method::Invite, &via, Some(&contact));
        invite.headers_mut().push(HeaderName::Allow, ALLOW);
        invite.set_body("application/sdp", offer);
        let (key, cseq) = (ClientKey::of(&invite), self.dialog.local_cseq());
        if let Some(reoffer) = &mut self.reoffer {
            reoffer.stage = Stage::Out { key, cseq, codec };
        }
        core.errand(Errand::Request { request: invite, flow: self.path.flow.clone() }, turn);
    }

    /// Whether this is our re-INVITE that has no final answer yet.
    pub(super) fn is_reoffer(&self, invite: &ClientKey) -> bool {
        matches!(&self.reoffer, Some(Reoffer { stage: Stage::Out { key, .. }, .. }) if key == invite)
    }

    pub(super) fn on_reoffer_answered(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        turn: &mut Turn<Leg>,
    ) -> Next {
        match response.status() {
            status if status.is_provisional() => Next::Stay,
            status if status.is_success() => self.on_reoffer_accepted(core, key, response, turn),
            StatusCode::REQUEST_PENDING => self.on_collision(core, turn),
            // The peer does not know the dialog any more (RFC 3261 §12.2.1.2).
            StatusCode::REQUEST_TIMEOUT | StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST => {
                self.hang_up(core, Cause::Unreachable, Side::Peer, turn)
            }
            _ => self.on_reoffer_refused(core, turn),
        }
    }

    pub(super) fn on_reoffer_failed(
        &mut self,
        core: &mut Core,
        cause: FailureCause,
        turn: &mut Turn<Leg>,
    ) -> Next {
        match cause {
            FailureCause::Timeout => self.hang_up(core, Cause::Unreachable, Side::Peer, turn),
            FailureCause::Transport => self.on_reoffer_refused(core, turn),
        }
    }

    fn on_reoffer_accepted(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        turn: &mut Turn<Leg>,
    ) -> Next {
        self.dialog.refresh(response.headers());
        self.acknowledge(core, key, response, turn);
        let asked = self.settle_reoffer();
        match self.negotiation.on_answer(response.body()) {
            Ok(_) => {
                self.renegotiated(core, turn);
                self.pursue_unless(asked, core, turn);
                Next::Stay
            }
            // What the peer sends now is anybody's guess.
            Err(error) => {
                tracing::debug!(leg = %core.id, %error, "the answer to a re-INVITE cannot be used");
                self.hang_up(core, Cause::NotAcceptable, Side::Switch, turn)
            }
        }
    }

    /// What was agreed before goes on (RFC 3261 §14.1).
    fn on_reoffer_refused(&mut self, core: &mut Core, turn: &mut Turn<Leg>) -> Next {
        self.negotiation.withdraw();
        let asked = self.settle_reoffer();
        self.pursue_unless(asked, core, turn);
        Next::Stay
    }

    /// Both sides offered at once: who owns the Call-ID tries again later than the other (RFC 3261 §14.1).
    fn on_collision(&mut self, core: &mut Core, turn: &mut Turn<Leg>) -> Next {
        let (least, steps) = match self.caller {
            Side::Switch => (2_100, 191),
            Side::Peer => (0, 201),
        };
        let pause = Duration::from_millis(least + core.minter.number() % steps * 10);
        self.negotiation.withdraw();
        if let Some(reoffer) = &mut self.reoffer {
            reoffer.collisions += 1;
            reoffer.stage = Stage::Paused { until: turn.now + pause };
            if reoffer.collisions >= MAX_COLLISIONS {
                tracing::debug!(leg = %core.id, "a re-INVITE was refused with 491 too often");
                self.reoffer = None;
            }
        }
        Next::Stay
    }

    /// The re-INVITE has its final answer: what it asked for.
    fn settle_reoffer(&mut self) -> Option<Codec> {
        let reoffer = self.reoffer.as_mut()?;
        match std::mem::replace(&mut reoffer.stage, Stage::Waiting) {
            Stage::Out { codec, .. } => Some(codec),
            Stage::Waiting | Stage::Paused { .. } => None,
        }
    }

    /// Goes on if the call has come to want another codec than the one that was asked for.
    fn pursue_unless(&mut self, asked: Option<Codec>, core: &mut Core, turn: &mut Turn<Leg>) {
        self.reoffer.take_if(|reoffer| Some(reoffer.codec) == asked);
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
        if let Some(Reoffer { stage: Stage::Out { key, cseq, .. }, .. }) = self.reoffer.take() {
            let ack = self.dialog.ack(cseq, &self.path.via(&core.minter.branch()));
            let (tag, flow) = (self.dialog.remote_tag().to_owned(), self.path.flow.clone());
            self.forks.acknowledged.push(Acknowledged { key, tag, ack, flow });
        }
    }
}
