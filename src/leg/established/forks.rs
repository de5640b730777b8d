//! Answers to our INVITEs beyond the one that won: repeated, forked, or too late.
//! It must never leave a 2xx without ACK, nor a second dialog open.

use serde::{Deserialize, Serialize};

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
        Self { attempts, acknowledged: Vec::new() }
    }

    /// Remembers the ACK of the 2xx that counts.
    pub(super) fn note(&mut self, acknowledged: Acknowledged) {
        if self.acknowledged.len() >= MAX_FORKS {
            // Of a long call with many re-INVITEs: the first is the one that is over for the longest.
            self.acknowledged.remove(0);
        }
        self.acknowledged.push(acknowledged);
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
        let Ok(mut dialog) = attempt.dialog(response, flow) else { return };
        let path = attempt.path.clone();
        let ack = dialog.ack(attempt.cseq(), &path.via(&core.minter.branch()));
        core.errand(Errand::Ack { request: ack.clone(), flow: path.flow.clone() }, turn);
        let bye = dialog.request(Method::Bye, &path.via(&core.minter.branch()), None);
        core.errand(Errand::Request { request: bye, flow: path.flow.clone() }, turn);
        self.acknowledged.push(Acknowledged { key: key.clone(), tag, ack, flow: path.flow });
    }
}
