//! One line of the ledger: what came of a leg, folded from its event log. Pure.
//! It must never know more than the log: the same log makes the same record, whenever it is asked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use crate::call::profile::{CallStatus, Direction, WallClock};
use crate::ids::{CallId, LegId};
use crate::leg::cause_of;
use crate::ops::events::{Cause, Entry, Event, Side};
use crate::sip::message::{NameAddr, StatusCode};

/// The version that records are written in. Whoever reads one ignores what it does not know of later ones.
pub const VERSION: u16 = 1;

/// What came of one leg. Its times are UTC as RFC 3339 writes them, to the millisecond: they sort as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Of what version this is: [`VERSION`].
    pub version: u16,
    /// The leg: there is one record of each.
    pub sid: LegId,
    /// The call that it belonged to.
    pub call: CallId,
    /// The leg that dialled it.
    #[serde(default)]
    pub parent: Option<LegId>,
    /// Who called.
    #[serde(default)]
    pub from: String,
    /// Who was called.
    #[serde(default)]
    pub to: String,
    /// Who brought it about.
    pub direction: Direction,
    /// When it began.
    pub start: String,
    /// When it first rang.
    #[serde(default)]
    pub ringing: Option<String>,
    /// When it was answered.
    #[serde(default)]
    pub answer: Option<String>,
    /// When it ended.
    pub end: String,
    /// From its start to its end, milliseconds.
    pub duration_ms: u64,
    /// From its answer to its end, milliseconds; 0 if there was none.
    pub billable_ms: u64,
    /// How it ended: the same as its last status callback says.
    pub status: CallStatus,
    /// Why it ended.
    pub cause: Cause,
    /// Who ended it.
    pub by: Side,
    /// The final status of its INVITE; 487 where it was given up before there was one.
    #[serde(default)]
    pub sip_status: Option<u16>,
}

impl CallRecord {
    /// The record of `leg`, by its log and the wall time at any moment. A leg that was cut off without a word has ended
    /// with the last line of its log, by a fault of ours.
    pub fn of(call: CallId, leg: LegId, log: &[Entry], clock: &WallClock) -> Self {
        let mut fold = Fold::default();
        log.iter().filter(|entry| entry.leg == leg).for_each(|entry| fold.take(entry));
        let last = log.iter().map(|entry| entry.at).max().unwrap_or(clock.at);
        let start = fold.start.unwrap_or(last);
        let (end, cause, by) = fold.end.clone().unwrap_or((last, Cause::Internal, Side::Switch));
        let direction = match fold.parent {
            None if leg == call.0 => Direction::Inbound,
            _ => Direction::OutboundDial,
        };
        let stamp = |at: Moment| clock.wall_at(at).rfc3339();
        Self {
            version: VERSION,
            sid: leg,
            call,
            parent: fold.parent.or_else(|| (direction == Direction::OutboundDial).then_some(call.0)),
            direction,
            start: stamp(start),
            ringing: fold.ringing.map(stamp),
            answer: fold.answer.map(stamp),
            end: stamp(end),
            duration_ms: millis(end.since(start)),
            billable_ms: fold.answer.map_or(0, |answer| millis(end.since(answer))),
            status: CallStatus::at_end(direction, fold.answer.is_some(), &cause),
            sip_status: fold.sip_status(direction, &cause, by),
            from: fold.from,
            to: fold.to,
            cause,
            by,
        }
    }
}

/// What a log has told so far.
#[derive(Debug, Default)]
struct Fold {
    start: Option<Moment>,
    ringing: Option<Moment>,
    answer: Option<Moment>,
    end: Option<(Moment, Cause, Side)>,
    from: String,
    to: String,
    parent: Option<LegId>,
    /// The final answer to an INVITE of its beginning that was sent last, and those that came.
    sent: Option<u16>,
    came: Vec<u16>,
}

impl Fold {
    fn take(&mut self, entry: &Entry) {
        // Who is dialled is noted after the INVITE has left.
        self.start = Some(self.start.map_or(entry.at, |start| start.min(entry.at)));
        match &entry.event {
            Event::Invited { from, to } => (self.from, self.to) = (address(from), address(to)),
            Event::Dialled { from, to, parent } => {
                (self.from, self.to, self.parent) = (address(from), address(to), Some(*parent));
            }
            Event::Ringing => _ = self.ringing.get_or_insert(entry.at),
            Event::Answered => _ = self.answer.get_or_insert(entry.at),
            Event::Sent { message, cseq, .. } if self.answer.is_none() => {
                self.sent = final_answer(message, cseq).or(self.sent);
            }
            Event::Received { message, cseq, .. } if self.answer.is_none() => {
                self.came.extend(final_answer(message, cseq));
            }
            Event::AttemptFailed { status, .. } if *status >= 400 && self.answer.is_none() => {
                self.came.push(*status);
            }
            Event::Ended { cause, by } => _ = self.end.get_or_insert((entry.at, cause.clone(), *by)),
            _ => {}
        }
    }

    /// Of several refusals the last that means the cause of the end.
    fn sip_status(&self, direction: Direction, cause: &Cause, by: Side) -> Option<u16> {
        if direction == Direction::Inbound {
            return self.sent;
        }
        if self.answer.is_some() {
            return self.came.last().copied();
        }
        let means_it =
            |status: &&u16| StatusCode::new(**status).is_some_and(|status| cause_of(status) == *cause);
        let came = self.came.iter().rev().find(means_it).or(self.came.last()).copied();
        let given_up = (by == Side::Switch).then_some(StatusCode::REQUEST_TERMINATED.code());
        came.or(given_up)
    }
}

/// The status of a final answer to an INVITE.
fn final_answer(message: &str, cseq: &str) -> Option<u16> {
    let status: u16 = message.split(' ').next()?.parse().ok()?;
    (status >= 200 && cseq.ends_with(" INVITE")).then_some(status)
}

/// The address in a header: without the name shown, and without parameters. What is none is kept as it is.
fn address(header: &str) -> String {
    let Ok(named) = header.parse::<NameAddr>() else { return header.to_owned() };
    let printed = named.uri.to_string();
    printed.split([';', '?']).next().unwrap_or_default().to_owned()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
