//! A leg that is over for its call: its BYE and its media session come to their end.
//! It must never report anything any more.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::established::Forks;
use super::{Core, Leg};
use crate::sip::dispatch::{Delivery, Errand};
use crate::sip::endpoint::ClientKey;
use crate::sip::message::{Method, RAck, StatusCode};
use crate::supervision::machine::Turn;

/// How long it waits for what is still out. Longer than any transaction (64·T1 is 32 s).
const PATIENCE: Duration = Duration::from_secs(40);

/// A leg that is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Leaving {
    /// Our BYE, while it is not answered.
    bye: Option<ClientKey>,
    forks: Forks,
    media_open: bool,
    /// The PRACK that may still come for a provisional answer of ours (RFC 3262 §3).
    #[serde(default)]
    owed: Option<RAck>,
    until: Moment,
}

impl Leaving {
    pub fn new(bye: Option<ClientKey>, forks: Forks, now: Moment) -> Self {
        Self { bye, forks, media_open: true, owed: None, until: now + PATIENCE }
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
                        self.bye = None;
                    }
                } else if response.status().is_success() {
                    self.forks.on_success(core, &key, &response, &flow, turn);
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
