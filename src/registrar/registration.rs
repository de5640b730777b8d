//! One REGISTER, read: what it asks for, measured against what may be asked (RFC 3261 §10.3 steps 6 and 7).
//! It must never repair what it cannot read, but for an `expires` (§10.2.1.1).

use std::borrow::Cow;
use std::time::Duration;

use trunkline_media::moment::Moment;

use super::bindings::{Binding, Bounds};
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderError, HeaderName, Headers, NameAddr, Request, StatusCode};

/// Bytes in a Contact value: bindings are kept, and listed in every answer.
const LONGEST_CONTACT: usize = 1024;
/// Characters of a User-Agent that are kept.
const LONGEST_USER_AGENT: usize = 128;

/// Why a REGISTER has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Objection {
    /// A header cannot be read, or `*` does not stand alone with `Expires: 0` (§10.3 step 6).
    #[error("malformed registration")]
    Malformed,
    /// A contact asks for less than the shortest time.
    #[error("interval too brief")]
    TooBrief,
    /// An older REGISTER of the same Call-ID arrived late (§10.3 step 7).
    #[error("out of order")]
    OutOfOrder,
    /// More contacts than one user may have.
    #[error("too many contacts")]
    TooMany,
}

impl From<HeaderError> for Objection {
    fn from(_: HeaderError) -> Self {
        Self::Malformed
    }
}

impl Objection {
    /// The status code to answer with.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TooBrief => StatusCode::INTERVAL_TOO_BRIEF,
            Self::OutOfOrder => StatusCode::SERVER_INTERNAL_ERROR,
            Self::TooMany => StatusCode::FORBIDDEN,
        }
    }
}

/// A REGISTER and the circumstances of its arrival.
pub(super) struct Registration<'a> {
    pub(super) headers: &'a Headers,
    pub(super) bounds: &'a Bounds,
    pub(super) now: Moment,
    flow: &'a Flow,
    call_id: Cow<'a, str>,
    cseq: u32,
}

impl<'a> Registration<'a> {
    pub(super) fn of(
        register: &'a Request,
        flow: &'a Flow,
        bounds: &'a Bounds,
        now: Moment,
    ) -> Result<Self, Objection> {
        let headers = register.headers();
        Ok(Self { headers, bounds, now, flow, call_id: headers.call_id()?, cseq: headers.cseq()?.number })
    }

    /// `*` is for removing only: with `Expires: 0`, and nothing else (§10.3 step 6).
    pub(super) fn is_removal(&self) -> Result<(), Objection> {
        if matches!(self.headers.expires(), Ok(Some(0))) { Ok(()) } else { Err(Objection::Malformed) }
    }

    /// Among REGISTERs of one Call-ID, the CSeq tells which is the latest (§10.3 step 7).
    pub(super) fn is_newer_than<'b>(
        &self,
        mut old: impl Iterator<Item = &'b Binding>,
    ) -> Result<(), Objection> {
        let is_late = old.any(|binding| binding.call_id == self.call_id && self.cseq <= binding.cseq);
        if is_late { Err(Objection::OutOfOrder) } else { Ok(()) }
    }

    /// Whether `present` is just what this very REGISTER asks for: it was done before and comes once more, as after
    /// a crash between the commit and the answer.
    pub(super) fn is_done(&self, contacts: &[NameAddr], present: &[Binding]) -> Result<bool, Objection> {
        for contact in contacts {
            let mut holders = present.iter().filter(|held| held.is_replaced_by(contact));
            let is_held = match self.binding(contact)? {
                None => holders.next().is_none(),
                Some(asked) => holders.any(|held| {
                    held.call_id == asked.call_id && held.cseq == asked.cseq && held.contact == asked.contact
                }),
            };
            if !is_held {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The binding that `contact` asks for; `None` asks for its removal.
    pub(super) fn binding(&self, contact: &NameAddr) -> Result<Option<Binding>, Objection> {
        if contact.to_string().len() > LONGEST_CONTACT {
            return Err(Objection::Malformed);
        }
        let seconds = match self.seconds(contact) {
            0 => return Ok(None),
            brief if brief < self.bounds.min => return Err(Objection::TooBrief),
            long => long.min(self.bounds.max),
        };
        let (instance, reg_id) = device_flow(contact).unzip();
        let user_agent = self.headers.get(&HeaderName::UserAgent);
        let mut kept = contact.clone();
        kept.params.remove("expires");
        Ok(Some(Binding {
            contact: kept,
            flow: self.flow.clone(),
            received: self.flow.remote,
            call_id: self.call_id.to_string(),
            cseq: self.cseq,
            expires: self.now + Duration::from_secs(seconds.into()),
            q: preference(contact),
            user_agent: user_agent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect()),
            instance: instance.or_else(|| instance_of(contact)),
            reg_id,
            registered: self.now,
        }))
    }

    /// The time asked for: the contact's own, else the header's, else our default, which also stands for one
    /// that cannot be read (§10.2.1.1).
    fn seconds(&self, contact: &NameAddr) -> u32 {
        let asked = match contact.params.value("expires") {
            Some(own) => own.parse().ok(),
            None => self.headers.expires().ok().flatten(),
        };
        asked.unwrap_or(self.bounds.default)
    }
}

/// The flow of the device that `contact` names, where it names one (RFC 5626 §4.2): instance and `reg-id`.
pub(super) fn device_flow(contact: &NameAddr) -> Option<(String, u32)> {
    let reg_id = contact.params.value("reg-id")?.parse().ok()?;
    Some((instance_of(contact)?, reg_id))
}

fn instance_of(contact: &NameAddr) -> Option<String> {
    contact.params.unquoted("+sip.instance").map(Cow::into_owned)
}

/// `q`, 1 where there is none: most phones say nothing and want to ring.
fn preference(contact: &NameAddr) -> f32 {
    let q = contact.params.value("q").and_then(|text| text.parse().ok()).unwrap_or(1.0_f32);
    if q.is_finite() { q.clamp(0.0, 1.0) } else { 1.0 }
}
