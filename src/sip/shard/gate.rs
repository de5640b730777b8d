//! The gate: who a request comes from, by digest; guessing is slowed down, then ignored.
//! It must never tell which part of a credential was wrong, and keeps nothing for a challenge.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use crate::sip::auth::{self, Claim, Denied, NonceTable, Realm, Throttle, Tolerance, Verdict};
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderName, Request, Response, StatusCode};
use crate::sip::stateless;

/// Nonces that are in use at once; one costs about 60 bytes.
const NONCES: usize = 100_000;

/// How a request leaves the gate.
#[derive(Debug)]
pub enum Passage {
    /// It comes from this user.
    User(String),
    /// It is answered: a challenge, or a refusal.
    Answer(Box<Response>),
    /// It is not even answered.
    Silence,
}

/// What a gate has to remember so that nonces which it gave out are good at the next one.
#[derive(Clone, Serialize, Deserialize)]
pub struct GateMemory {
    secret: [u8; 32],
    nonces: NonceTable,
}

impl fmt::Debug for GateMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GateMemory(secret)")
    }
}

/// Digest checks for one realm.
#[derive(Debug)]
pub struct Gate {
    realm: Realm,
    nonces: NonceTable,
    throttle: Throttle,
}

impl Gate {
    /// A gate with a secret of its own: a nonce of another gate is stale here.
    pub fn new(realm: impl Into<String>, secret: [u8; 32], lifetime: Duration) -> Self {
        let realm = Realm { name: realm.into(), secret, lifetime };
        Self {
            realm,
            nonces: NonceTable::new(NONCES, lifetime),
            throttle: Throttle::new(Tolerance::default()),
        }
    }

    /// What the next gate goes on with.
    pub fn memory(&self) -> GateMemory {
        GateMemory { secret: self.realm.secret, nonces: self.nonces.clone() }
    }

    /// Goes on where another gate ended.
    pub fn remember(&mut self, memory: GateMemory) {
        self.realm.secret = memory.secret;
        self.nonces = memory.nonces;
    }

    /// Judges `request` at `now`, which is `wall` in seconds since 1970.
    pub fn pass(
        &mut self,
        request: &Request,
        flow: &Flow,
        password_of: impl Fn(&str) -> Option<String>,
        now: Moment,
        wall: u64,
    ) -> Passage {
        let source = flow.remote.ip();
        let header = HeaderName::Authorization;
        let proved = match Claim::of(&self.realm, request, &header) {
            Err(denied) => Err(denied),
            Ok(claim) => match self.throttle.check(source, claim.user(), now) {
                Verdict::Refuse => {
                    let tag = stateless::tag(request);
                    return Passage::Answer(Box::new(request.response_tagged(StatusCode::FORBIDDEN, &tag)));
                }
                Verdict::Drop => return Passage::Silence,
                Verdict::Proceed => {
                    let proved = claim.prove(&self.realm, source, password_of, &mut self.nonces, wall);
                    match &proved {
                        Ok(_) => self.throttle.succeeded(source, claim.user(), now),
                        Err(Denied::Wrong) => {
                            if self.throttle.failed(source, claim.user(), now) == Verdict::Drop {
                                tracing::warn!(%source, "guesses passwords and is no longer answered");
                            }
                        }
                        Err(_) => {}
                    }
                    proved
                }
            },
        };
        match proved {
            Ok(authenticated) => Passage::User(authenticated.user),
            Err(denied) => {
                let answer = auth::refuse(denied, &self.realm, request, &header, source, wall);
                Passage::Answer(Box::new(answer))
            }
        }
    }
}
