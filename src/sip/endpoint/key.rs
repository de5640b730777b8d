//! Names of transactions and dialogs, and what is derived from them.
//! Must never depend on anything but the message, so that a repeat has the name of the original.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sip::message::{Method, Request, Response, Via};

/// The cookie with which branches begin that are unique (RFC 3261 §8.1.1.7).
const COOKIE: &str = "z9hG4bK";

/// A client transaction: branch and method of a request that we sent (RFC 3261 §17.1.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientKey(Arc<str>);

impl ClientKey {
    /// The key of a request of ours.
    pub fn of(request: &Request) -> Self {
        let via = request.headers().top_via().ok();
        Self::join(via.as_ref().and_then(Via::branch).unwrap_or_default(), request.method())
    }

    /// The key of the request that `response` answers; `None` if it has not exactly one Via, which is then not
    /// ours (RFC 3261 §8.1.3.3), or if it lacks what a key is made of.
    pub fn answered_by(response: &Response) -> Option<Self> {
        let vias = response.headers().vias().ok()?;
        let [via] = vias.as_slice() else { return None };
        let cseq = response.headers().cseq().ok()?;
        Some(Self::join(via.branch()?, &cseq.method))
    }

    fn join(branch: &str, method: &Method) -> Self {
        let method = method.as_str();
        let mut key = String::with_capacity(branch.len() + 1 + method.len());
        key.push_str(branch);
        key.push(' ');
        key.push_str(method);
        Self(key.into())
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A server transaction (RFC 3261 §17.2.3): branch, sent-by and method, where ACK counts as INVITE.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerKey(Arc<str>);

impl ServerKey {
    /// The key of a request that came in; `None` if it lacks what a key is made of.
    pub fn of(request: &Request) -> Option<Self> {
        let method = match request.method() {
            Method::Ack => &Method::Invite,
            other => other,
        };
        Self::with_method(request, &request.headers().top_via().ok()?, method)
    }

    /// The key of the INVITE that this CANCEL is for (RFC 3261 §9.2).
    pub fn cancelled_by(cancel: &Request) -> Option<Self> {
        Self::with_method(cancel, &cancel.headers().top_via().ok()?, &Method::Invite)
    }

    pub(super) fn with_method(request: &Request, via: &Via, method: &Method) -> Option<Self> {
        let mut key = String::with_capacity(96);
        key.push_str(via.branch().unwrap_or_default());
        key.push(' ');
        push_sent_by(&mut key, via);
        if !via.branch().is_some_and(|branch| branch.starts_with(COOKIE)) {
            // A client of RFC 2543. The To tag is left out: it is the one thing by which an ACK differs
            // from its INVITE, and no two requests differ in nothing else.
            let headers = request.headers();
            let from = headers.from().ok()?;
            let (from_tag, call_id) = (from.tag().unwrap_or_default(), headers.call_id().ok()?);
            write!(key, " {} {from_tag} {call_id} {}", request.uri(), headers.cseq().ok()?.number).ok()?;
        }
        key.push(' ');
        key.push_str(method.as_str());
        Some(Self(key.into()))
    }

    /// A To tag for answers that no user composes: the same for each repeat (RFC 3261 §8.2.7).
    pub(super) fn tag(&self) -> String {
        format!("{:016x}", fingerprint(&[&self.0]))
    }

    /// A number that differs from key to key, to spread what would come back all at once.
    pub(super) fn spread(&self, over: u64) -> u64 {
        fingerprint(&[&self.0]) % over.max(1)
    }
}

fn push_sent_by(key: &mut String, via: &Via) {
    let start = key.len();
    key.push_str(&via.sent_by());
    if let Some(host) = key.get_mut(start..) {
        host.make_ascii_lowercase();
    }
}

impl fmt::Display for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Our side of a dialog: all that a request of the peer needs to find its owner. Dialogs that an INVITE of ours
/// forks into share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DialogKey {
    /// The Call-ID.
    pub call_id: String,
    /// Our tag: that of To in the peer's requests.
    pub local_tag: String,
}

impl DialogKey {
    /// The dialog of that Call-ID in which our tag is `local_tag`.
    pub fn new(call_id: impl Into<String>, local_tag: impl Into<String>) -> Self {
        Self { call_id: call_id.into(), local_tag: local_tag.into() }
    }
}

/// What copies of one request share that came by different ways (RFC 3261 §8.2.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Origin(Arc<str>);

impl Origin {
    pub(super) fn of(request: &Request) -> Option<Self> {
        let headers = request.headers();
        let from = headers.from().ok()?;
        let cseq = headers.cseq().ok()?;
        let (tag, call_id) = (from.tag()?, headers.call_id().ok()?);
        Some(Self(format!("{tag} {call_id} {} {}", cseq.number, cseq.method).into()))
    }
}

/// FNV-1a over the texts: the same in every process, so that what is derived is a repeat and not new.
pub(super) fn fingerprint(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([b' ']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
