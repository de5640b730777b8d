//! Provisional answers that must arrive (RFC 3262): ours, one at a time until its PRACK; and the order of the peer's.
//! It must never repeat one whose INVITE has its final answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use crate::sip::message::{HeaderName, Headers, RAck, Response};
use crate::sip::transaction::Timing;

/// The option tag.
pub const RELIABLE: &str = "100rel";

/// Our provisional answers to one INVITE.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Provisionals {
    next: u32,
    out: Option<Outstanding>,
}

/// The one that was not acknowledged yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Outstanding {
    rack: RAck,
    response: Response,
    due: Moment,
    pause: Duration,
    give_up: Moment,
}

/// What is due.
#[derive(Clone, Debug)]
pub enum Overdue {
    /// Send it once more.
    Again(Response),
    /// Nobody will acknowledge it any more (RFC 3262 §3).
    GivenUp,
}

impl Provisionals {
    /// The RSeq of the first is drawn from below 2³¹ (RFC 3262 §3).
    pub fn new(draw: u64) -> Self {
        let first = u32::try_from(draw % (1 << 31)).unwrap_or(0).max(1);
        Self { next: first, out: None }
    }

    /// Makes `response` one that must arrive, and keeps it until it is acknowledged. To be called only while none
    /// [waits](Self::is_waiting).
    pub fn send(&mut self, response: &mut Response, timing: &Timing, now: Moment) {
        let Ok(cseq) = response.headers().cseq() else { return };
        response.headers_mut().push(HeaderName::Require, RELIABLE);
        response.headers_mut().push(HeaderName::RSeq, self.next);
        self.out = Some(Outstanding {
            rack: RAck { rseq: self.next, cseq },
            response: response.clone(),
            due: now + timing.t1,
            pause: timing.t1,
            give_up: now + timing.patience(),
        });
        self.next = self.next.wrapping_add(1).max(1);
    }

    /// Whether one was not acknowledged yet: the next has to wait.
    pub fn is_waiting(&self) -> bool {
        self.out.is_some()
    }

    /// Whether that one bears a session description: then a 2xx has to wait, too (RFC 3262 §3).
    pub fn holds_session(&self) -> bool {
        self.out.as_ref().is_some_and(|out| !out.response.body().is_empty())
    }

    /// A PRACK came: the answer that it acknowledges; `None` where it matches none.
    pub fn acknowledge(&mut self, prack: &Headers) -> Option<Response> {
        let rack = prack.rack().ok()?;
        self.out.take_if(|out| out.rack == rack).map(|out| out.response)
    }

    /// The INVITE has its final answer: nothing is repeated any more, but the PRACK may still come.
    pub fn stop(&mut self) -> Option<RAck> {
        self.out.take().map(|out| out.rack)
    }

    /// Does what is due: repeats after T1, then twice as long each time; gives up after 64·T1.
    pub fn on_deadline(&mut self, now: Moment) -> Option<Overdue> {
        let out = self.out.as_mut()?;
        if now >= out.give_up {
            self.out = None;
            return Some(Overdue::GivenUp);
        }
        (now >= out.due).then(|| {
            out.pause = out.pause.saturating_mul(2);
            out.due = now + out.pause;
            Overdue::Again(out.response.clone())
        })
    }

    /// When something is due.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.out.as_ref().map(|out| out.due.min(out.give_up))
    }
}

/// What the peer's provisional answers in one early dialog have come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Heard(Option<u32>);

impl Heard {
    /// What to acknowledge of a provisional answer that must arrive; `None` where it need not, where it is a repeat, or
    /// where one before it is missing (RFC 3262 §4).
    pub fn receive(&mut self, response: &Response) -> Option<RAck> {
        let headers = response.headers();
        let (rseq, cseq) = (headers.rseq().ok().flatten()?, headers.cseq().ok()?);
        let is_next = self.0.is_none_or(|last| last.checked_add(1) == Some(rseq));
        if !headers.requires(RELIABLE) || !is_next {
            return None;
        }
        self.0 = Some(rseq);
        Some(RAck { rseq, cseq })
    }
}

/// Whether a provisional answer must arrive.
pub fn is_reliable(response: &Response) -> bool {
    let headers = response.headers();
    response.status().is_provisional() && headers.requires(RELIABLE) && headers.contains(&HeaderName::RSeq)
}

#[cfg(test)]
mod tests;
