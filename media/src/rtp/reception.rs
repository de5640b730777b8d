//! What is known of a received stream: order, loss, jitter and gaps (RFC 3550 §A.1, §A.3, §A.8).
//! Must never read a clock: the time of arrival is an argument.

use serde::{Deserialize, Serialize};

use super::Header;
use crate::moment::Moment;

/// A jump ahead of more than this may be a restart (RFC 3550 §A.1).
const MAX_DROPOUT: u16 = 3000;
/// A packet later than this may be a restart (RFC 3550 §A.1).
const MAX_MISORDER: u16 = 100;
/// A transit time that changes by more than this is a new timeline, not jitter: 5 s.
const MAX_SKEW: u32 = 40_000;

/// What a packet is to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// New, in order or late; with its extended sequence number.
    Fresh(u64),
    /// Seen already.
    Duplicate,
    /// Too far off to belong; the next one tells whether the stream began anew.
    Suspect,
}

/// Loss since the last report (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Lost packets in 1/256 of those expected since the last report.
    pub fraction: u8,
    /// Lost packets since the stream began; negative if more came than were expected.
    pub total: i64,
    /// The highest extended sequence number.
    pub highest: u32,
}

/// A received stream and the ones before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reception {
    stream: u32,
    ssrc: Option<u32>,
    /// Extended sequence number of the stream's first packet; starts one round up, so that late ones stay positive.
    first: u64,
    highest: u64,
    /// Bit n stands for the packet n before the highest one.
    seen: u64,
    /// Different packets of this stream.
    received: u64,
    suspect: Option<u16>,
    transit: Option<u32>,
    /// Jitter in 1/16 of a sample.
    jitter: u32,
    arrived: Option<Moment>,
    max_gap_us: u64,
    lost_before: u64,
    duplicates: u64,
    /// Expected and received packets at the last report.
    reported: (u64, u64),
}

impl Reception {
    /// Registers a packet from the locked source.
    pub fn register(&mut self, header: &Header, is_audio: bool, now: Moment) -> Arrival {
        if self.ssrc != Some(header.ssrc) {
            self.begin(header);
        }
        let arrival = self.place(header);
        if let Arrival::Fresh(_) = arrival {
            if let Some(before) = self.arrived {
                self.max_gap_us = self.max_gap_us.max(now.since(before).as_micros() as u64);
            }
            if is_audio {
                self.measure_jitter(header.timestamp, now);
            }
        }
        self.arrived = Some(now);
        arrival
    }

    /// The stream is not listened to for a while: what follows is a new one to those who forward it, and no gap.
    pub fn interrupt(&mut self) {
        self.stream = self.stream.wrapping_add(1);
        self.arrived = None;
        self.transit = None;
    }

    /// Counts the streams: a new number means that the sequence began anew.
    pub const fn stream(&self) -> u32 {
        self.stream
    }

    /// The source of the stream.
    pub const fn ssrc(&self) -> Option<u32> {
        self.ssrc
    }

    /// Packets that never came, over all streams.
    pub fn lost(&self) -> u64 {
        self.lost_before + self.missing()
    }

    /// Packets that came more than once.
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Interarrival jitter in samples (RFC 3550 §A.8).
    pub const fn jitter(&self) -> u32 {
        self.jitter >> 4
    }

    /// Interarrival jitter in microseconds at 8 kHz.
    pub const fn jitter_us(&self) -> u32 {
        (self.jitter as u64 * 125 / 16) as u32
    }

    /// The longest time between two packets, in milliseconds.
    pub fn max_gap_ms(&self) -> u32 {
        u32::try_from(self.max_gap_us / 1000).unwrap_or(u32::MAX)
    }

    /// Loss since the last call (RFC 3550 §A.3); `None` while there is no stream.
    pub fn report(&mut self) -> Option<Loss> {
        self.ssrc?;
        let expected = self.expected();
        let (expected_before, received_before) = self.reported;
        self.reported = (expected, self.received);
        let due = expected.saturating_sub(expected_before);
        let missing = due.saturating_sub(self.received.saturating_sub(received_before));
        let fraction = (missing * 256).checked_div(due).unwrap_or(0).min(255) as u8;
        Some(Loss {
            fraction,
            total: expected as i64 - self.received as i64,
            highest: self.highest.wrapping_sub(0x1_0000) as u32,
        })
    }

    fn begin(&mut self, header: &Header) {
        self.lost_before += self.missing();
        self.stream = self.stream.wrapping_add(1);
        self.ssrc = Some(header.ssrc);
        self.first = 0x1_0000 + u64::from(header.sequence);
        self.highest = self.first - 1;
        self.seen = 0;
        self.received = 0;
        self.suspect = None;
        self.transit = None;
        self.reported = (0, 0);
    }

    fn place(&mut self, header: &Header) -> Arrival {
        let ahead = header.sequence.wrapping_sub(self.highest as u16);
        if (1..MAX_DROPOUT).contains(&ahead) {
            self.suspect = None;
            self.highest += u64::from(ahead);
            self.seen = self.seen.checked_shl(u32::from(ahead)).unwrap_or(0) | 1;
            self.received += 1;
            return Arrival::Fresh(self.highest);
        }
        let behind = ahead.wrapping_neg();
        if behind <= MAX_MISORDER {
            let bit = 1u64.checked_shl(u32::from(behind));
            // What lies beyond the window is taken for a duplicate: too late to be of use.
            let Some(bit) = bit.filter(|bit| self.seen & bit == 0) else {
                self.duplicates += 1;
                return Arrival::Duplicate;
            };
            self.seen |= bit;
            self.received += 1;
            let sequence = self.highest - u64::from(behind);
            self.first = self.first.min(sequence);
            return Arrival::Fresh(sequence);
        }
        if self.suspect == Some(header.sequence) {
            self.begin(header);
            return self.place(header);
        }
        self.suspect = Some(header.sequence.wrapping_add(1));
        Arrival::Suspect
    }

    fn measure_jitter(&mut self, timestamp: u32, now: Moment) {
        let arrival = (now.as_micros() / 125) as u32;
        let transit = arrival.wrapping_sub(timestamp);
        let before = self.transit.replace(transit);
        let Some(change) = before.map(|before| (transit.wrapping_sub(before) as i32).unsigned_abs()) else {
            return;
        };
        if change <= MAX_SKEW {
            // J += (|D| - J) / 16, with J kept sixteenfold and rounded (RFC 3550 §A.8).
            self.jitter = self.jitter + change - ((self.jitter + 8) >> 4);
        }
    }

    fn expected(&self) -> u64 {
        if self.ssrc.is_some() { (self.highest + 1).saturating_sub(self.first) } else { 0 }
    }

    fn missing(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }
}

#[cfg(test)]
mod tests;
