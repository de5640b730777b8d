//! The output clock: sequence number, timestamp and source of all that one session ever sends.
//! Must never jump: whatever feeds it, the receiver sees one stream (RFC 3550 §5.1).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Samples of the clock in a second.
const RATE: u64 = 8000;

/// A received timestamp further ahead of the time that passed than this is a fault of its sender: 2 s.
const AHEAD: u32 = 16_000;

/// How long a segment of an event may be that is too long for its field (RFC 4733 §2.5.1.3).
pub(crate) const SEGMENT: std::ops::RangeInclusive<u32> = 0xF000..=0x1_0000;

/// A received packet, as the clock sees it.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Counts the streams of the sender: a new number means that sequence and timestamp began anew.
    pub stream: u32,
    /// Its sequence number, extended by the rounds (RFC 3550 §A.1).
    pub sequence: u64,
    /// Its timestamp.
    pub timestamp: u32,
    /// Its marker; of an event: whether it is the first packet of it that came.
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
    /// Timestamp of the very first packet, sent or not.
    first: u32,
    latest: Option<Latest>,
    feed: Feed,
    /// The event that was forwarded last.
    #[serde(default)]
    event: Option<Renamed>,
}

/// The timestamp of an event, as received and as sent: all of its packets keep it (RFC 4733 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Renamed {
    heard: u32,
    told: u32,
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
    /// Taken up with an event, whose timestamp says little of the time: the first sound sets the timestamps right.
    #[serde(default)]
    is_loose: bool,
}

impl OutputClock {
    /// A clock that starts at these values (random, RFC 3550 §5.1).
    pub const fn new(ssrc: u32, sequence: u16, timestamp: u32) -> Self {
        OutputClock {
            ssrc,
            next: sequence as u64,
            first: timestamp,
            latest: None,
            feed: Feed::Cut,
            event: None,
        }
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
        self.event = None;
    }

    /// Skips numbers that may have been used after this state was saved, `age` ago.
    pub fn leap(&mut self, age: Duration) {
        // Packets of 10 ms are the shortest in use.
        self.next += u64::try_from(age.as_millis() / 10).unwrap_or(u64::MAX >> 16) + 100;
        if self.latest.is_none() {
            self.first = self.first.wrapping_add(samples(age));
        }
        self.cut();
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

    /// Stamps a report of an event made here that began at `start`, or begins now: time goes on as with frames, but
    /// the timestamp stays (RFC 4733 §2.2).
    pub fn report(&mut self, start: Option<u32>, samples: u32, now: Moment) -> Stamp {
        let stamp = self.make(samples, now);
        Stamp { timestamp: start.unwrap_or(stamp.timestamp), marker: start.is_none(), ..stamp }
    }

    /// Stamps a packet of a received stream; `None` for one from before the stream was taken up.
    pub fn forward(&mut self, incoming: &Incoming, now: Moment) -> Option<Stamp> {
        let (mut offsets, is_fresh) = match self.feed {
            Feed::Forwarded(offsets) if offsets.stream == incoming.stream => (offsets, false),
            _ => (self.take_up(incoming, now), true),
        };
        if incoming.sequence < offsets.seam {
            return None;
        }
        let extended = incoming.sequence.wrapping_add(offsets.sequence);
        let stamp = match incoming.samples {
            Some(samples) => {
                let is_broken = extended >= self.next && self.is_broken(&offsets, incoming.timestamp, now);
                if is_broken || offsets.is_loose {
                    offsets.timestamp = self.splice(now).wrapping_sub(incoming.timestamp);
                }
                let marker = incoming.marker || is_fresh || is_broken || offsets.is_loose;
                offsets.is_loose = false;
                let timestamp = incoming.timestamp.wrapping_add(offsets.timestamp);
                self.note(timestamp, samples, now);
                if is_later(incoming.timestamp, offsets.heard) || marker {
                    offsets.heard = incoming.timestamp;
                }
                Stamp { sequence: extended as u16, timestamp, marker }
            }
            None => {
                let Some(timestamp) = self.rename(incoming, &offsets) else {
                    self.omit(incoming);
                    return None;
                };
                if self.latest.is_none() {
                    self.note(timestamp, 0, now);
                }
                Stamp { sequence: extended as u16, timestamp, marker: incoming.marker }
            }
        };
        self.next = self.next.max(extended + 1);
        self.feed = Feed::Forwarded(offsets);
        Some(stamp)
    }

    /// The timestamp of an event's packet; `None` for the rest of an event that began before its stream was taken up:
    /// whoever pressed that key meant somebody else.
    fn rename(&mut self, incoming: &Incoming, offsets: &Offsets) -> Option<u32> {
        let heard = incoming.timestamp;
        let known = self.event.filter(|event| event.heard == heard);
        let goes_on = |event: Renamed| SEGMENT.contains(&heard.wrapping_sub(event.heard));
        if known.is_none() && !incoming.marker && !self.event.is_some_and(goes_on) {
            return None;
        }
        let event = known.unwrap_or(Renamed { heard, told: heard.wrapping_add(offsets.timestamp) });
        self.event = Some(event);
        Some(event.told)
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
            is_loose: incoming.samples.is_none(),
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
