//! Credentials of a request: read first, so that the throttle knows the user, then proved.
//! They must never be proved in a time that tells whether the user exists.

use std::net::IpAddr;

use super::digest::{Algorithm, Question};
use super::{Acceptance, Nonce, NonceTable, Realm};
use crate::sip::message::{DigestParams, HeaderName, Request, Uri};

/// Bytes in a user's name. The throttle remembers names that strangers chose.
const LONGEST_USER: usize = 256;

/// Who the request comes from, proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The user's name.
    pub user: String,
}

/// Why a request is not known to come from a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No credentials for this realm.
    #[error("no credentials")]
    Missing,
    /// The nonce is too old, another address's, or none of ours; the password was not looked at.
    #[error("stale nonce")]
    Stale,
    /// Unknown user or wrong password: a failure in the eyes of the [`super::Throttle`].
    #[error("wrong credentials")]
    Wrong,
    /// Right, but used before.
    #[error("replayed credentials")]
    Replayed,
    /// Parameters are missing, unknown or contradict the request: 400 (RFC 7616 §3.4).
    #[error("malformed credentials")]
    Malformed,
}

impl Denied {
    /// Whether the phone should try again with a new nonce, without asking its user for another password.
    pub const fn is_stale(self) -> bool {
        matches!(self, Self::Stale | Self::Replayed)
    }
}

/// Credentials for a realm, well-formed and made for their request, but not yet proved.
#[derive(Clone, Debug)]
pub struct Claim {
    user: String,
    realm: String,
    method: String,
    uri: String,
    nonce: String,
    response: String,
    algorithm: Algorithm,
    counted: Option<Counted>,
}

/// What `qop=auth` adds.
#[derive(Clone, Debug)]
struct Counted {
    count: u32,
    /// The count as it was hashed.
    text: String,
    client_nonce: String,
}

impl Claim {
    /// The credentials that `request` has in `header` for `realm`; those with the strongest algorithm, if
    /// several.
    pub fn of(realm: &Realm, request: &Request, header: &HeaderName) -> Result<Self, Denied> {
        let mut best: Result<Self, Denied> = Err(Denied::Missing);
        for params in request.headers().digest(header) {
            let claim = match params {
                Ok(params) if params.get("realm") != Some(realm.name.as_str()) => continue,
                Ok(params) => Self::read(realm, request, &params).ok_or(Denied::Malformed),
                Err(_) => Err(Denied::Malformed),
            };
            best = match (best, claim) {
                (Ok(best), Ok(claim)) if claim.algorithm < best.algorithm => Ok(claim),
                (Ok(best), _) => Ok(best),
                (Err(_), claim) => claim,
            };
        }
        best
    }

    fn read(realm: &Realm, request: &Request, params: &DigestParams) -> Option<Self> {
        let text = |name: &str| params.get(name).map(str::to_owned);
        let claim = Self {
            user: text("username").filter(|user| user.len() <= LONGEST_USER)?,
            realm: realm.name.clone(),
            method: request.method().as_str().to_owned(),
            uri: text("uri")?,
            nonce: text("nonce")?,
            response: text("response")?,
            algorithm: Algorithm::named(text("algorithm").as_deref())?,
            counted: match text("qop") {
                Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                    Some(Counted::read(text("nc")?, text("cnonce")?)?)
                }
                Some(_) => return None,
                None => None,
            },
        };
        claim.is_made_for(request.uri()).then_some(claim)
    }

    /// Credentials for another resource are another request's (RFC 7616 §3.4.6). Some phones name the switch alone,
    /// without the user they call; the count of the nonce keeps such credentials from being used twice, too.
    fn is_made_for(&self, uri: &Uri) -> bool {
        let is_switch = |claimed: &Uri| {
            claimed.user().is_none() && claimed.host() == uri.host() && claimed.port() == uri.port()
        };
        let claimed = self.uri.parse::<Uri>();
        self.uri == uri.to_string()
            || claimed.is_ok_and(|claimed| claimed.is_equivalent(uri) || is_switch(&claimed))
    }

    /// Who the request claims to come from.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Proves the claim, or denies it, at `now` (wall seconds). `source` is where the request came from,
    /// `password_of` knows the users, `nonces` is the one table of this realm's secret.
    pub fn prove(
        &self,
        realm: &Realm,
        source: IpAddr,
        password_of: impl Fn(&str) -> Option<String>,
        nonces: &mut NonceTable,
        now: u64,
    ) -> Result<Authenticated, Denied> {
        // First of all the nonce: a forged source address has none, and costs no more than this.
        let nonce: Nonce = self.nonce.parse().map_err(|_| Denied::Stale)?;
        if !realm.vouches_for(&nonce, source, now) {
            return Err(Denied::Stale);
        }
        // An unknown user's answer is compared, too, for the sake of time.
        let password = password_of(&self.user);
        let is_right =
            self.question().is_answered_by(&self.response, password.as_deref().unwrap_or_default());
        if !(is_right & password.is_some()) {
            return Err(Denied::Wrong);
        }
        // The count comes last: who does not know the password must not use it up.
        let acceptance = match &self.counted {
            Some(counted) => nonces.accept(&nonce, counted.count, now),
            None => nonces.accept_once(&nonce, now),
        };
        match acceptance {
            Acceptance::Fresh => Ok(Authenticated { user: self.user.clone() }),
            Acceptance::Replayed => Err(Denied::Replayed),
            Acceptance::Full => Err(Denied::Stale),
        }
    }

    fn question(&self) -> Question<'_> {
        Question {
            algorithm: self.algorithm,
            user: &self.user,
            realm: &self.realm,
            method: &self.method,
            uri: &self.uri,
            nonce: &self.nonce,
            counted: self
                .counted
                .as_ref()
                .map(|counted| (counted.text.as_str(), counted.client_nonce.as_str())),
        }
    }
}

impl Counted {
    fn read(text: String, client_nonce: String) -> Option<Self> {
        let is_count = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let count = u32::from_str_radix(&text, 16).ok().filter(|_| is_count)?;
        Some(Self { count, text, client_nonce })
    }
}

/// Reads and proves the credentials of `request` in `header` in one go, where no throttle stands between.
pub fn verify(
    realm: &Realm,
    request: &Request,
    header: &HeaderName,
    source: IpAddr,
    password_of: impl Fn(&str) -> Option<String>,
    nonces: &mut NonceTable,
    now: u64,
) -> Result<Authenticated, Denied> {
    Claim::of(realm, request, header)?.prove(realm, source, password_of, nonces, now)
}
