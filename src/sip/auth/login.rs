//! The digest from the other side: what we answer a peer that challenges us (RFC 3261 §22, RFC 7616).
//! It must never answer twice with what was refused, nor show the password to anything but a hash.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::digest::{Algorithm, Question};
use crate::ids::Minter;
use crate::sip::message::{DigestParams, HeaderName, Request, Response, StatusCode};

/// Realms that may challenge one request: a callee, and proxies on the way to it.
const MOST: usize = 4;

/// A name and a password by which a peer knows us. They are for that peer alone: a leg has them only if it goes there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
    /// The only realm that it is for; `None`: whoever is called there may ask.
    #[serde(default)]
    pub realm: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).field("password", &"hidden").finish_non_exhaustive()
    }
}

/// A login in use: what was challenged so far and how often it was answered. Every request of the leg carries the proof
/// from the first challenge on, so that none of its dialog needs another round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    login: Login,
    challenges: Vec<Challenge>,
}

/// One challenge that is being answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Challenge {
    /// A proxy asks in other headers than a callee.
    is_proxy: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// RFC 2069 knew no counting.
    is_counted: bool,
    count: u32,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({} {}, answered {} times)", self.realm, self.algorithm, self.count)
    }
}

/// Why a challenge is the end of the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswerable {
    /// No challenge in it that we understand, or that the login is for.
    #[error("no digest challenge of a known algorithm and realm")]
    Unknown,
    /// What we answered was not accepted.
    #[error("the credentials are not accepted")]
    Refused,
}

impl Proofs {
    /// A login that nobody has asked for yet.
    pub fn new(login: Login) -> Self {
        Self { login, challenges: Vec::new() }
    }

    /// Takes the challenges of a 401 or 407: whether the request is worth another try.
    ///
    /// # Errors
    /// It is not, and why.
    pub fn challenged(&mut self, refusal: &Response) -> Result<(), Unanswerable> {
        let (is_proxy, name) = match refusal.status() {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => (true, HeaderName::ProxyAuthenticate),
            _ => (false, HeaderName::WwwAuthenticate),
        };
        let mut found: Vec<(Challenge, bool)> = Vec::new();
        for params in refusal.headers().digest(&name).into_iter().flatten() {
            let Some(challenge) = Challenge::read(&params, is_proxy) else { continue };
            if self.login.realm.as_ref().is_some_and(|realm| *realm != challenge.realm) {
                continue;
            }
            let is_stale = params.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"));
            let is_full = found.len() >= MOST;
            match found.iter_mut().find(|(known, _)| known.realm == challenge.realm) {
                // Of several for one realm the strongest (RFC 8760 §2.4).
                Some(known) if challenge.algorithm < known.0.algorithm => *known = (challenge, is_stale),
                Some(_) => {}
                None if is_full => {}
                None => found.push((challenge, is_stale)),
            }
        }
        if found.is_empty() {
            return Err(Unanswerable::Unknown);
        }
        let mut is_new = false;
        for (challenge, is_stale) in found {
            let same = |known: &&mut Challenge| known.realm == challenge.realm && known.is_proxy == is_proxy;
            let is_full = self.challenges.len() >= MOST;
            match self.challenges.iter_mut().find(same) {
                // Asked again although we answered: only a nonce that has grown old is a reason to try once more.
                Some(known) if known.nonce == challenge.nonce || !is_stale => {}
                Some(known) => (*known, is_new) = (challenge, true),
                None if is_full => {}
                None => {
                    self.challenges.push(challenge);
                    is_new = true;
                }
            }
        }
        if is_new { Ok(()) } else { Err(Unanswerable::Refused) }
    }

    /// Writes the proofs into a request; one that was never challenged goes as it is.
    pub fn sign(&mut self, request: &mut Request, minter: &mut Minter) {
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            request.headers_mut().remove(&name);
        }
        for challenge in &mut self.challenges {
            let name =
                if challenge.is_proxy { HeaderName::ProxyAuthorization } else { HeaderName::Authorization };
            let value = challenge.answer(&self.login, request, minter);
            request.headers_mut().push(name, value);
        }
    }
}

impl Challenge {
    /// `None` for what we cannot answer: an unknown algorithm, `auth-int` alone, no nonce.
    fn read(params: &DigestParams, is_proxy: bool) -> Option<Self> {
        let algorithm = Algorithm::named(params.get("algorithm"))?;
        let is_counted = match params.get("qop") {
            Some(offered) => {
                offered.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")).then_some(true)?
            }
            None => false,
        };
        // They are printed between quotes again, and must not end them.
        let plain =
            |name: &str| params.get(name).map(str::to_owned).filter(|text| !text.contains(['"', '\\']));
        Some(Self {
            is_proxy,
            realm: plain("realm")?,
            nonce: plain("nonce")?,
            opaque: plain("opaque"),
            algorithm,
            is_counted,
            count: 0,
        })
    }

    fn answer(&mut self, login: &Login, request: &Request, minter: &mut Minter) -> String {
        self.count = self.count.saturating_add(1);
        let (count, ours) = (format!("{:08x}", self.count), minter.token());
        let (method, uri) = (request.method().as_str(), request.uri().to_string());
        let question = Question {
            algorithm: self.algorithm,
            user: &login.user,
            realm: &self.realm,
            method,
            uri: &uri,
            nonce: &self.nonce,
            counted: self.is_counted.then_some((count.as_str(), ours.as_str())),
        };
        let response = question.answer(&login.password);
        let user = login.user.replace('\\', "\\\\").replace('"', "\\\"");
        let mut value = format!(
            "Digest username=\"{user}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\", algorithm={}",
            self.realm, self.nonce, self.algorithm
        );
        if self.is_counted {
            value.push_str(&format!(", qop=auth, nc={count}, cnonce=\"{ours}\""));
        }
        if let Some(opaque) = &self.opaque {
            value.push_str(&format!(", opaque=\"{opaque}\""));
        }
        value
    }
}

#[cfg(test)]
mod tests;
