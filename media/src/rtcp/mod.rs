//! RTCP (RFC 3550 §6): compound packets, read and written.
//! Must never end or redirect anything: reports inform.

mod read;
mod reporter;
mod write;

pub use read::{Digest, SenderInfo, read};
pub use reporter::{Outgoing, Reporter};
pub use write::{Block, LIMIT, Report, write};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;

/// NTP's 64-bit format of a moment. Time since boot is allowed where nobody compares it with a wall clock
/// (RFC 3550 §6.4.1), and no step of the wall clock can then spoil a round trip.
fn ntp(now: crate::moment::Moment) -> u64 {
    let micros = now.as_micros();
    let fraction = ((micros % 1_000_000) << 32) / 1_000_000;
    (micros / 1_000_000) << 32 | fraction
}

/// The middle 32 bits of an NTP timestamp: 1/65536 s.
fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[cfg(test)]
mod tests;
