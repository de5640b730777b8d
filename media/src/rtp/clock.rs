//! The output clock: sequence number, timestamp and source of all that one session ever sends.
//! Must never jump: whatever feeds it, the receiver sees one stream (RFC 3550 §5.1).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Samples of the clock in a second.
const RATE: u64 = 8000;

/// A received timestamp further ahead of the time that passed than this is a fault of its sender: 2 s.
const AHEAD: u32 = 16_000;

/// A received packet, as the clock sees it.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Counts the streams of the sender: a new number means that sequence and timestamp began anew.
    pub stream: u32,
    /// Its sequence number, extended by the rounds (RFC 3550 §A.1).
    pub sequence: u64,
    /// Its timestamp.
    pub timestamp: u32,
    /// Its marker.
    pub marker: bool,
    /// How many samples it holds; `None` for an event, whose timestamp is that of its start (RFC 4733 §2.2).
    pub samples: Option<u32>,
}

/// What the clock gives to one outgoing packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp.
    pub timestamp: u32,
    /// Whether a talk spurt or a new source begins.
    pub marker: bool,
}

/// The clock of everything that one session sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputClock {
    ssrc: u32,
    /// Extended sequence number of the next packet; the upper bits are the rollover count of RFC 3711 §3.3.1.
    next: u64,
    /// Timestamp of the very first packet.
    first: u32,
    latest: Option<Latest>,
    feed: Feed,
}

/// The packet with the highest timestamp so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Latest {
    timestamp: u32,
    at: Moment,
    samples: u32,
}

/// What the last packet came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Feed {
    /// Nothing, or a source that has been left: the next packet begins a new one.
    Cut,
    /// Frames made here, each beginning where the one before ended.
    Made,
    /// A stream received elsewhere.
    Forwarded(Offsets),
}

/// How a received stream is renumbered: what is lost or disordered on its way in stays so on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Offsets {
    stream: u32,
    /// Added to the extended sequence number.
    sequence: u64,
    /// Added to the timestamp.
    timestamp: u32,
    /// The lowest extended sequence number that is still forwarded: earlier numbers are taken.
    seam: u64,
    /// The highest timestamp received.
    heard: u32,
}

impl OutputClock {
    /// A clock that starts at these values (random, RFC 3550 §5.1).
    pub const fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        OutputClock { ssrc, next: sequence as u64, first: timestamp, latest: None, feed: Feed::Cut }
    }

    /// The synchronisation source, the same for ever.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// How often the sequence number has wrapped (RFC 3711 §3.3.1).
    pub const fn rollovers(&self) -> u64 {
        self.next >> 16
    }

    /// The timestamp that a sample taken at `now` has (RFC 3550 §6.4.1).
    pub fn timestamp(&self, now: Moment) -> u32 {
        self.latest.map_or(self.first, |latest| latest.timestamp.wrapping_add(samples(now.since(latest.at))))
    }

    /// When the last packet went out.
    pub fn last_sent(&self) -> Option<Moment> {
        self.latest.map(|latest| latest.at)
    }

    /// When the last packet has been heard to its end, so that a new source does not overlap it.
    pub fn free_at(&self) -> Option<Moment> {
        self.latest.map(|latest| latest.at + Duration::from_micros(u64::from(latest.samples) * 125))
    }

    /// Leaves the source: the next packet begins a new one, with marker, by the time that passed.
    pub fn cut(&mut self) {
        self.feed = Feed::Cut;
    }

    /// Skips numbers that may have been used after this state was saved, `age` ago.
    pub fn leap(&mut self, age: Duration) {
        // Packets of 10 ms are the shortest in use.
        self.next += u64::try_from(age.as_millis() / 10).unwrap_or(u64::MAX >> 16) + 100;
        self.feed = Feed::Cut;
    }

    /// Stamps a frame made here.
    pub fn make(&mut self, samples: u32, now: Moment) -> Stamp {
        let (timestamp, marker) = match (self.feed, self.latest) {
            (Feed::Made, Some(latest)) => (latest.timestamp.wrapping_add(latest.samples), false),
            _ => (self.splice(now), true),
        };
        self.feed = Feed::Made;
        self.latest = Some(Latest { timestamp, at: now, samples });
        let sequence = self.next as u16;
        self.next += 1;
        Stamp { sequence, timestamp, marker }
    }

    /// Stamps a packet of a received stream; `None` for one from before the stream was taken up.
    pub fn forward(&mut self, incoming: &Incoming, now: Moment) -> Option<Stamp> {
        let (mut offsets, fresh) = match self.feed {
            Feed::Forwarded(offsets) if offsets.stream == incoming.stream => (offsets, false),
            _ => (self.take_up(incoming, now), true),
        };
        if incoming.sequence < offsets.seam {
            return None;
        }
        let extended = incoming.sequence.wrapping_add(offsets.sequence);
        let mut marker = incoming.marker || fresh;
        if let Some(samples) = incoming.samples {
            if extended >= self.next && self.is_broken(&offsets, incoming.timestamp, now) {
                offsets.timestamp = self.splice(now).wrapping_sub(incoming.timestamp);
                marker = true;
            }
            self.note(incoming.timestamp.wrapping_add(offsets.timestamp), samples, now);
            if is_later(incoming.timestamp, offsets.heard) || marker {
                offsets.heard = incoming.timestamp;
            }
        } else if self.latest.is_none() {
            self.note(incoming.timestamp.wrapping_add(offsets.timestamp), 0, now);
        }
        self.next = self.next.max(extended + 1);
        self.feed = Feed::Forwarded(offsets);
        let timestamp = incoming.timestamp.wrapping_add(offsets.timestamp);
        Some(Stamp { sequence: extended as u16, timestamp, marker })
    }

    /// Closes the hole of a packet that is not forwarded on purpose, so that it does not look lost.
    pub fn omit(&mut self, incoming: &Incoming) {
        if let Feed::Forwarded(offsets) = &mut self.feed
            && offsets.stream == incoming.stream
            && incoming.sequence.wrapping_add(offsets.sequence) >= self.next
        {
            offsets.sequence = offsets.sequence.wrapping_sub(1);
            offsets.seam = incoming.sequence + 1;
        }
    }

    /// Sequence and timestamp offsets of the stream being forwarded, modulo their widths: what a kernel path needs.
    pub fn offsets(&self) -> Option<(u16, u32)> {
        match self.feed {
            Feed::Forwarded(offsets) => Some((offsets.sequence as u16, offsets.timestamp)),
            Feed::Cut | Feed::Made => None,
        }
    }

    fn take_up(&self, incoming: &Incoming, now: Moment) -> Offsets {
        Offsets {
            stream: incoming.stream,
            sequence: self.next.wrapping_sub(incoming.sequence),
            timestamp: self.splice(now).wrapping_sub(incoming.timestamp),
            seam: incoming.sequence,
            heard: incoming.timestamp,
        }
    }

    /// The timestamp of a new source: by the time that passed, but never inside of the last packet.
    fn splice(&self, now: Moment) -> u32 {
        self.latest.map_or(self.first, |latest| {
            latest.timestamp.wrapping_add(samples(now.since(latest.at)).max(latest.samples))
        })
    }

    /// Whether a sender's timestamp went back, or ran ahead of time, though its sequence went on.
    fn is_broken(&self, offsets: &Offsets, timestamp: u32, now: Moment) -> bool {
        let Some(latest) = self.latest else { return false };
        let step = timestamp.wrapping_sub(offsets.heard);
        step > samples(now.since(latest.at)).saturating_add(AHEAD)
    }

    fn note(&mut self, timestamp: u32, samples: u32, now: Moment) {
        if self.latest.is_none_or(|latest| is_later(timestamp, latest.timestamp)) {
            self.latest = Some(Latest { timestamp, at: now, samples });
        }
    }
}

/// Samples in a span of time.
fn samples(span: Duration) -> u32 {
    (span.as_micros() as u64).wrapping_mul(RATE).wrapping_div(1_000_000) as u32
}

/// Whether a timestamp follows another one, modulo its width.
fn is_later(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

#[cfg(test)]
mod tests;
