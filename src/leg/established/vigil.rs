//! Whether the far end is still there, which nobody knows after the switch itself was away.
//! It must never end a leg on an answer that only somebody can give who is there.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::Established;
use crate::leg::{Core, Leg, Next};
use crate::ops::events::{Cause, Side};
use crate::sip::dispatch::Errand;
use crate::sip::endpoint::{ClientKey, FailureCause};
use crate::sip::message::{HeaderName, Method, Response, StatusCode, Transport};
use crate::supervision::machine::Turn;

/// How long it is put off first: doubled with each refusal of the network.
const PAUSE: Duration = Duration::from_secs(2);

/// So often a host says that nobody listens at a telephone's port until that is believed: it may be starting again.
const UDP_REFUSALS: u8 = 3;

/// So often a lost connection is asked for, some four minutes. Its loss is no sign that the call is over (design §5).
const MAX_REFUSALS: u8 = 7;

/// The question, and how far it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Vigil {
    stage: Stage,
    /// How often the network has refused to carry it.
    refusals: u8,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stage {
    /// It is asked at this moment, unless the far end is heard of before.
    Due { at: Moment },
    /// Our OPTIONS has no final answer yet.
    Out { key: ClientKey },
}

impl Established {
    /// The far end is asked at this moment whether it is still there.
    pub(super) fn keep_vigil(&mut self, at: Moment) {
        self.vigil = Some(Vigil { stage: Stage::Due { at }, refusals: 0 });
    }

    /// The far end was heard of.
    pub(super) fn is_alive(&mut self) {
        self.vigil = None;
    }

    pub(super) fn vigil_deadline(&self) -> Option<Moment> {
        match self.vigil.as_ref()?.stage {
            Stage::Due { at } => Some(at),
            Stage::Out { .. } => None,
        }
    }

    /// Asks with OPTIONS, which changes nothing and may cross whatever else is under way (RFC 3261 §11, §12.2).
    pub(super) fn ask_when_due(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        let Some(vigil) = &mut self.vigil else { return };
        if !matches!(vigil.stage, Stage::Due { at } if turn.now >= at) {
            return;
        }
        let is_telling = self.reoffer.as_ref().is_some_and(super::Reoffer::is_out);
        if self.unacknowledged.is_some() || is_telling {
            // The ACK or the answer that is awaited tells the same.
            vigil.stage = Stage::Due { at: turn.now + PAUSE };
            return;
        }
        let (via, contact) = (self.path.via(&core.minter.branch()), self.path.contact());
        let mut options = self.dialog.request(Method::Options, &via, Some(&contact));
        options.headers_mut().push(HeaderName::Accept, "application/sdp");
        vigil.stage = Stage::Out { key: ClientKey::of(&options) };
        core.errand(Errand::Request { request: options, flow: self.path.flow.clone() }, turn);
    }

    /// Whether this is our question that has no final answer yet.
    pub(super) fn is_vigil(&self, request: &ClientKey) -> bool {
        let out = self.vigil.as_ref().map(|vigil| &vigil.stage);
        matches!(out, Some(Stage::Out { key }) if key == request)
    }

    pub(super) fn on_vigil_answered(
        &mut self,
        core: &mut Core,
        response: &Response,
        turn: &mut Turn<Leg>,
    ) -> Next {
        match response.status() {
            status if status.is_provisional() => return Next::Stay,
            // Nobody there, or nobody who knows of the call (RFC 3261 §12.2.1.2).
            StatusCode::REQUEST_TIMEOUT | StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST => {
                return self.hang_up(core, Cause::Unreachable, Side::Peer, turn);
            }
            _ => self.is_alive(),
        }
        if !core.media.tells_silence() {
            // Some answer OPTIONS whatever dialog it names, as one does that has started anew. Where silence does not
            // give them away, a refresh does: that is for the dialog alone.
            self.note_abilities(response.headers());
            self.refresh(core, turn);
        }
        Next::Stay
    }

    pub(super) fn on_vigil_failed(
        &mut self,
        core: &mut Core,
        cause: FailureCause,
        turn: &mut Turn<Leg>,
    ) -> Next {
        let Some(vigil) = &mut self.vigil else { return Next::Stay };
        vigil.refusals = vigil.refusals.saturating_add(1);
        let is_refused = self.path.flow.transport == Transport::Udp && vigil.refusals >= UDP_REFUSALS;
        if cause == FailureCause::Timeout || is_refused {
            return self.hang_up(core, Cause::Unreachable, Side::Peer, turn);
        }
        if vigil.refusals >= MAX_REFUSALS {
            self.vigil = None;
            return Next::Stay;
        }
        vigil.stage = Stage::Due { at: turn.now + PAUSE * 2_u32.pow(u32::from(vigil.refusals - 1)) };
        Next::Stay
    }
}
