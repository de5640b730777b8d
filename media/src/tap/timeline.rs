//! Where received packets lie in a recording: by arrival at first, by their timestamps from then on.
//! Must never let a sender's timestamps carry it far from the time that passes.

use serde::{Deserialize, Serialize};

use crate::rtp::Incoming;

/// A packet this far ahead of its time, one second, is a timestamp that jumped.
const AHEAD: i64 = 8000;
/// The time over which the earliest arrival tells how both clocks have drifted apart, two seconds, and the packets
/// that it takes: one late packet says nothing, all of them do.
const WINDOW: u64 = 16_000;
const ENOUGH: u16 = 25;
/// Drift that is made up for in the next silence, 20 ms, and without waiting for one, 60 ms.
const SOFT: u64 = 160;
const HARD: u64 = 480;

/// The timeline of one channel. Places and times of arrival are samples at 8 kHz since the recording's origin.
///
/// A stream is anchored where its first packet arrived, and anew when its source or its sequence changes, when its
/// timestamps go back, or when they run ahead by a second. Drift is made up for by a hole, or by leaving out what would
/// fall onto sound that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timeline {
    anchor: Option<Anchor>,
    /// The end of what was placed by earlier anchors: nothing is placed before it.
    floor: u64,
    /// The end of all that was placed.
    end: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Anchor {
    stream: u32,
    /// The sequence number that it was dropped at.
    first: u64,
    timestamp: u32,
    place: i64,
    /// The newest packet.
    sequence: u64,
    newest: u32,
    drift: Drift,
}

/// How late packets arrive, in samples; negative if they are early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Drift {
    since: u64,
    count: u16,
    least: i64,
    /// What the window before showed, and nobody has made up for yet.
    open: i64,
}

/// The place of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where its first sample lies that is kept.
    pub(crate) position: u64,
    /// How many samples before that one are left out.
    pub(crate) skip: usize,
}

impl Timeline {
    /// Finds the place of a packet of sound; `None` if it has none any more.
    pub(crate) fn place(&mut self, packet: &Incoming, arrival: u64, is_silent: bool) -> Option<Place> {
        let length = u64::from(packet.samples?);
        let known = self.anchor.filter(|anchor| !anchor.is_lost(packet, arrival));
        let mut anchor = known.unwrap_or_else(|| {
            self.floor = self.end;
            Anchor::new(packet, arrival)
        });
        if anchor.is_foreign(packet) {
            return None;
        }
        if anchor.sequence <= packet.sequence {
            (anchor.sequence, anchor.newest) = (packet.sequence, packet.timestamp);
        }
        let shift = anchor.drift.note(arrival as i64 - anchor.place_of(packet.timestamp), arrival, is_silent);
        if shift != 0 {
            anchor.place = anchor.place.saturating_add(shift);
            self.floor = self.end;
        }
        let place = anchor.place_of(packet.timestamp);
        self.anchor = Some(anchor);
        let position = u64::try_from(place).unwrap_or(0).max(self.floor);
        let skip = (position as i64).saturating_sub(place).unsigned_abs();
        if skip >= length || position.saturating_sub(arrival) > AHEAD.unsigned_abs() {
            return None;
        }
        self.end = self.end.max(position + length - skip);
        Some(Place { position, skip: usize::try_from(skip).ok()? })
    }
}

impl Anchor {
    fn new(packet: &Incoming, arrival: u64) -> Self {
        let drift = Drift { since: arrival, count: 0, least: i64::MAX, open: 0 };
        let Incoming { stream, sequence, timestamp, .. } = *packet;
        let place = i64::try_from(arrival).unwrap_or(i64::MAX);
        Anchor { stream, first: sequence, timestamp, place, sequence, newest: timestamp, drift }
    }

    fn place_of(&self, timestamp: u32) -> i64 {
        self.place.saturating_add(i64::from(timestamp.wrapping_sub(self.timestamp) as i32))
    }

    /// Whether this packet contradicts the others: older than the anchor by more than disorder explains, or older than
    /// the newest packet and yet later.
    fn is_foreign(&self, packet: &Incoming) -> bool {
        let before = i64::from(self.timestamp.wrapping_sub(packet.timestamp));
        let is_later = (packet.timestamp.wrapping_sub(self.newest) as i32) > 0;
        (packet.sequence < self.first && before > AHEAD) || (packet.sequence < self.sequence && is_later)
    }

    /// Whether this packet begins another timeline.
    fn is_lost(&self, packet: &Incoming, arrival: u64) -> bool {
        let is_back = (packet.timestamp.wrapping_sub(self.newest) as i32) < 0;
        let is_ahead = self.place_of(packet.timestamp).saturating_sub(arrival as i64) > AHEAD;
        self.stream != packet.stream || (packet.sequence >= self.sequence && (is_back || is_ahead))
    }
}

impl Drift {
    /// Notes how late a packet is; gives by how much all that follow are to be placed later.
    fn note(&mut self, late: i64, arrival: u64, is_silent: bool) -> i64 {
        self.least = self.least.min(late);
        self.count = self.count.saturating_add(1);
        if arrival.saturating_sub(self.since) >= WINDOW {
            self.open = if self.count >= ENOUGH { self.least } else { 0 };
            (self.since, self.count, self.least) = (arrival, 0, i64::MAX);
        }
        let drift = self.open.unsigned_abs();
        if drift > HARD || (drift > SOFT && is_silent) {
            // What has been noted since the window ended was measured before the shift.
            (self.since, self.count, self.least) = (arrival, 0, i64::MAX);
            return std::mem::take(&mut self.open);
        }
        0
    }
}

#[cfg(test)]
mod tests;
