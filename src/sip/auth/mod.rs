//! Digest authentication of requests (RFC 7616, RFC 8760), as the one who asks and as the one who answers.
//! It must never tell which part of a credential was wrong.
//!
//! Whom we call may challenge us: [`Proofs`] answer for a [`Login`]. The rest is what we ask of others:
//! A request without credentials gets a [`challenge`], for which nothing is kept. One with credentials makes a
//! [`Claim`]; the [`Throttle`] may refuse the claim unseen; [`Claim::prove`] looks at it.

mod claim;
pub mod digest;
mod login;
mod nonce;
mod replay;
mod throttle;

use std::net::IpAddr;

pub use claim::{Authenticated, Claim, Denied, verify};
pub use login::{Login, Proofs, Unanswerable};
pub use nonce::{ForeignNonce, Nonce, Realm};
pub use replay::{Acceptance, NonceTable, NonceWindow};
pub use throttle::{Throttle, Tolerance, Verdict};

use self::digest::Algorithm;
use super::message::{HeaderName, Request, Response, StatusCode};
use super::stateless;

/// The values of WWW-Authenticate or Proxy-Authenticate for `request`, one for each algorithm, the strongest
/// first (RFC 8760 §2.4). `now` is in wall seconds; `stale` tells the phone that its password may have been
/// right. A retransmission within the second gets the same values.
pub fn challenge(realm: &Realm, request: &Request, source: IpAddr, now: u64, stale: bool) -> Vec<String> {
    let nonce = realm.mint(source, stateless::fingerprint(request), now);
    let name = realm.name.replace('\\', "\\\\").replace('"', "\\\"");
    let stale = if stale { ", stale=true" } else { "" };
    let value = |algorithm: Algorithm| {
        format!(r#"Digest realm="{name}", nonce="{nonce}", algorithm={algorithm}, qop="auth"{stale}"#)
    };
    let agent = request.headers().get(&HeaderName::UserAgent);
    Algorithm::offered_to(agent.as_deref()).iter().copied().map(value).collect()
}

/// The whole answer to a request that was denied: 400 for what cannot be read, a challenge otherwise, alike
/// whatever was wrong. `header` is where the credentials were looked for: Authorization gives 401,
/// Proxy-Authorization 407.
pub fn refuse(
    denied: Denied,
    realm: &Realm,
    request: &Request,
    header: &HeaderName,
    source: IpAddr,
    now: u64,
) -> Response {
    let tag = stateless::tag(request);
    if denied == Denied::Malformed {
        return request.response_tagged(StatusCode::BAD_REQUEST, &tag);
    }
    let (status, name) = match header {
        HeaderName::ProxyAuthorization => {
            (StatusCode::PROXY_AUTHENTICATION_REQUIRED, HeaderName::ProxyAuthenticate)
        }
        _ => (StatusCode::UNAUTHORIZED, HeaderName::WwwAuthenticate),
    };
    let mut response = request.response_tagged(status, &tag);
    for value in challenge(realm, request, source, now, denied.is_stale()) {
        response.headers_mut().push(name.clone(), value);
    }
    response
}

#[cfg(test)]
mod tests;
