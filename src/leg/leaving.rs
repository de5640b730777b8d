//! A leg that is over for its call: its BYE and its media session come to their end.
//! It must never report anything any more.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::established::Forks;
use super::path::Path;
use super::{Core, Leg};
use crate::sip::dispatch::{Delivery, Errand};
use crate::sip::endpoint::ClientKey;
use crate::sip::message::{CSeq, HeaderName, Method, RAck, Request, Response, StatusCode};
use crate::supervision::machine::Turn;

/// How long it waits for what is still out. Longer than any transaction (64·T1 is 32 s).
const PATIENCE: Duration = Duration::from_secs(40);

/// A leg that is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Leaving {
    /// Our BYE, while it is not answered.
    bye: Option<ClientKey>,
    /// How that goes out once more, should the far end want to know first who we are.
    #[serde(default)]
    farewell: Option<Box<Farewell>>,
    forks: Forks,
    media_open: bool,
    /// The PRACK that may still come for a provisional answer of ours (RFC 3262 §3).
    #[serde(default)]
    owed: Option<RAck>,
    until: Moment,
}

/// A BYE as it was written, and its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Farewell {
    pub bye: Request,
    pub path: Path,
}

impl Farewell {
    /// A BYE that was refused for want of a proof ends nothing over there: it is sent once more with it (RFC 3261
    /// §22.2). `None` if that is no use.
    pub fn say_again(self, core: &mut Core, refusal: &Response, turn: &mut Turn<Leg>) -> Option<ClientKey> {
        if !refusal.status().is_challenge() || core.proofs.as_mut()?.challenged(refusal).is_err() {
            return None;
        }
        let Self { mut bye, path } = self;
        let number = bye.headers().cseq().map_or(1, |cseq| cseq.number.saturating_add(1));
        bye.headers_mut().set(HeaderName::Via, path.via(&core.minter.branch()));
        bye.headers_mut().set(HeaderName::CSeq, CSeq { number, method: Method::Bye });
        // Whoever writes it says that anew: a BYE that was brought back is the same as one that was kept.
        bye.headers_mut().remove(&HeaderName::ContentLength);
        let key = ClientKey::of(&bye);
        core.errand(Errand::Request { request: bye, flow: path.flow }, turn);
        Some(key)
    }
}

impl Leaving {
    /// What is left of a leg that sends this BYE, or none.
    pub fn new(farewell: Option<Farewell>, forks: Forks, now: Moment) -> Self {
        let bye = farewell.as_ref().map(|farewell| ClientKey::of(&farewell.bye));
        let farewell = farewell.map(Box::new);
        Self { bye, farewell, forks, media_open: true, owed: None, until: now + PATIENCE }
    }

    /// A provisional answer of ours was not acknowledged yet.
    pub fn owed(self, owed: Option<RAck>) -> Self {
        Self { owed, ..self }
    }

    /// The media session is closed; `false` if that was known.
    pub fn media_closed(&mut self) -> bool {
        std::mem::replace(&mut self.media_open, false)
    }

    pub fn is_done(&self, now: Moment) -> bool {
        now >= self.until || (self.bye.is_none() && !self.media_open)
    }

    pub fn next_deadline(&self) -> Moment {
        self.until
    }

    pub fn on_sip(&mut self, core: &mut Core, delivery: Delivery, turn: &mut Turn<Leg>) {
        match delivery {
            Delivery::Request { key, request, .. } => {
                // A BYE that crosses ours is fine; for anything else the dialog is gone (RFC 3261 §15.1.2).
                let status = match request.method() {
                    Method::Bye => StatusCode::OK,
                    Method::Prack if self.owed.is_some() && request.headers().rack().ok() == self.owed => {
                        StatusCode::OK
                    }
                    _ => StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
                };
                let response = request.response(status);
                core.errand(Errand::Respond { key, response }, turn);
            }
            Delivery::Response { key, response, flow } => {
                if self.bye.as_ref() == Some(&key) {
                    if response.status().is_final() {
                        let farewell = self.farewell.take();
                        self.bye = farewell.and_then(|farewell| farewell.say_again(core, &response, turn));
                        self.until = if self.bye.is_some() { turn.now + PATIENCE } else { self.until };
                    }
                } else {
                    self.forks.on_response(core, &key, &response, &flow, turn);
                }
            }
            Delivery::Failed { key, .. } => {
                if self.bye.as_ref() == Some(&key) {
                    self.bye = None;
                }
            }
            Delivery::Ack { .. } | Delivery::Cancelled { .. } => {}
        }
    }
}
