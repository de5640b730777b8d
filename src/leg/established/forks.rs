//! Answers to our INVITEs beyond the one that won: repeated, forked, or too late.
//! It must never leave a 2xx without ACK, nor a second dialog open.

use serde::{Deserialize, Serialize};

use crate::leg::leaving::Farewell;
use crate::leg::outgoing::{Attempt, MAX_FORKS};
use crate::leg::{Core, Leg};
use crate::sip::dispatch::Errand;
use crate::sip::endpoint::ClientKey;
use crate::sip::flow::Flow;
use crate::sip::message::{Method, Request, Response};
use crate::supervision::machine::Turn;

/// INVITEs of this leg and the 2xx that came for them: the winner's are acknowledged again when repeated,
/// any other is acknowledged and ended at once (RFC 3261 §13.2.2.4).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Forks {
    attempts: Vec<Attempt>,
    acknowledged: Vec<Acknowledged>,
    /// BYEs to those that were not wanted, in their first and only try; a far end may ask who we are.
    #[serde(default)]
    farewells: Vec<Farewell>,
}

/// A 2xx that has got its ACK.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Acknowledged {
    pub key: ClientKey,
    pub tag: String,
    pub ack: Request,
    pub flow: Flow,
}

impl Forks {
    pub fn new(attempts: Vec<Attempt>) -> Self {
        Self { attempts, ..Self::default() }
    }

    /// Remembers the ACK of the 2xx that counts.
    pub(super) fn note(&mut self, acknowledged: Acknowledged) {
        if self.acknowledged.len() >= MAX_FORKS {
            // Of a long call with many re-INVITEs: the first is the one that is over for the longest.
            self.acknowledged.remove(0);
        }
        self.acknowledged.push(acknowledged);
    }

    /// A response that is not to what its leg is about.
    pub fn on_response(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        flow: &Flow,
        turn: &mut Turn<Leg>,
    ) {
        if !response.status().is_final() {
            return;
        }
        if let Some(at) = self.farewells.iter().position(|farewell| ClientKey::of(&farewell.bye) == *key) {
            self.farewells.remove(at).say_again(core, response, turn);
        } else if response.status().is_success() {
            self.on_success(core, key, response, flow, turn);
        }
    }

    /// A 2xx that is not the first of its leg.
    fn on_success(
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
        let Ok(mut dialog) = attempt.dialog(response, flow) else { return };
        let path = attempt.path.clone();
        if core.proofs.is_none() {
            // Nobody has won: it is this target that may want to know who we are.
            core.proofs.clone_from(&attempt.proofs);
        }
        let ack = dialog.ack(attempt.cseq(), &path.via(&core.minter.branch()));
        core.errand(Errand::Ack { request: ack.clone(), flow: path.flow.clone() }, turn);
        let bye = dialog.request(Method::Bye, &path.via(&core.minter.branch()), None);
        core.errand(Errand::Request { request: bye.clone(), flow: path.flow.clone() }, turn);
        self.acknowledged.push(Acknowledged { key: key.clone(), tag, ack, flow: path.flow.clone() });
        if core.proofs.is_some() {
            self.farewells.push(Farewell { bye, path });
        }
    }
}
