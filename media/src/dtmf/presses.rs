//! Presses told from reports that come more than once, late, or not at all (RFC 4733 §2.5).
//! Must never tell a press twice: what lies within one that is known is part of it.

use serde::{Deserialize, Serialize};

use super::{Key, Report};
use crate::rtp::SEGMENT;

/// Presses that are remembered, so that a late packet of one finds it; more than half a second of the fastest dialling.
const REMEMBERED: usize = 4;
/// How far a press that has not ended may have gone on since it was last reported: 50 ms.
const PENDING: u32 = 400;

/// What is known of the presses of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presses {
    known: [Option<Press>; REMEMBERED],
    /// The place that is used next.
    next: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Press {
    key: Key,
    /// The timestamp of its first segment.
    start: u32,
    /// The timestamp of its last segment.
    segment: u32,
    /// The longest duration that was reported of its last segment.
    duration: u16,
    is_over: bool,
}

impl Presses {
    /// Takes a report with the timestamp and the marker of its packet; gives the key if it is the first of a press.
    pub fn take(&mut self, report: Report, timestamp: u32, marker: bool) -> Option<Key> {
        let key = Key::from_event(report.event)?;
        let known = self.known.iter_mut().flatten();
        let same = known.into_iter().find(|press| press.key == key && press.is_same(timestamp, marker));
        if let Some(press) = same {
            press.note(report, timestamp);
            return None;
        }
        let Report { is_end, duration, .. } = report;
        let press = Press { key, start: timestamp, segment: timestamp, duration, is_over: is_end };
        if let Some(place) = self.known.get_mut(self.next) {
            *place = Some(press);
        }
        self.next = (self.next + 1) % REMEMBERED;
        Some(key)
    }

    /// Whether a key was, or may still be, pressed at this time.
    pub fn covers(&self, timestamp: u32) -> bool {
        self.known.iter().flatten().any(|press| {
            let pending = if press.is_over { 0 } else { PENDING };
            timestamp.wrapping_sub(press.start) < press.span().saturating_add(pending)
        })
    }
}

impl Press {
    /// How long it has lasted as far as is known.
    fn span(&self) -> u32 {
        self.segment.wrapping_sub(self.start).saturating_add(self.duration.into())
    }

    /// Whether a report of the same key with this timestamp belongs to it: a key cannot be pressed while it is pressed.
    fn is_same(&self, timestamp: u32, marker: bool) -> bool {
        let goes_on = !self.is_over && !marker && SEGMENT.contains(&timestamp.wrapping_sub(self.segment));
        timestamp.wrapping_sub(self.start) <= self.span() || goes_on
    }

    fn note(&mut self, report: Report, timestamp: u32) {
        if timestamp == self.segment {
            self.duration = self.duration.max(report.duration);
        } else if timestamp.wrapping_sub(self.segment) as i32 > 0 {
            (self.segment, self.duration) = (timestamp, report.duration);
        }
        self.is_over |= report.is_end && timestamp == self.segment;
    }
}

#[cfg(test)]
mod tests;
