//! Writes reports: sender or receiver report, source description, goodbye.
//! Must never name a host or a user: the canonical name is drawn from the source number.

use std::io::Write as _;

use bytes::BufMut;

use super::{GOODBYE, RECEIVER_REPORT, SENDER_REPORT, SOURCE_DESCRIPTION, ntp};
use crate::moment::Moment;

/// No report is longer: 52 octets of sender report, 28 of description, 8 of goodbye.
pub const LIMIT: usize = 96;

/// What we say of the stream that we receive (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The source of the stream.
    pub ssrc: u32,
    /// Lost packets since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost packets in all; cut to 24 bits with sign.
    pub lost: i64,
    /// The highest extended sequence number.
    pub highest: u32,
    /// Interarrival jitter in ticks of the codec's clock.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report received; 0 for none.
    pub last_report: u32,
    /// How long ago that was, in 1/65536 s.
    pub delay: u32,
}

/// A report of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Our source.
    pub ssrc: u32,
    /// RTP timestamp of this moment, packets and octets sent; `None` makes a receiver report.
    pub sent: Option<(u32, u32, u32)>,
    /// What we receive.
    pub block: Option<Block>,
    /// Whether it is the last one.
    pub goodbye: bool,
}

/// Writes a compound packet; returns its length.
pub fn write(report: &Report, now: Moment, out: &mut [u8; LIMIT]) -> usize {
    let mut rest = &mut out[..];
    let blocks = u8::from(report.block.is_some());
    let block_words = 6 * u16::from(blocks);
    match report.sent {
        Some((timestamp, packets, octets)) => {
            put_head(&mut rest, blocks, SENDER_REPORT, 6 + block_words);
            rest.put_u32(report.ssrc);
            rest.put_u64(ntp(now));
            rest.put_u32(timestamp);
            rest.put_u32(packets);
            rest.put_u32(octets);
        }
        None => {
            put_head(&mut rest, blocks, RECEIVER_REPORT, 1 + block_words);
            rest.put_u32(report.ssrc);
        }
    }
    if let Some(block) = &report.block {
        put_block(&mut rest, block);
    }
    put_description(&mut rest, report.ssrc);
    if report.goodbye {
        put_head(&mut rest, 1, GOODBYE, 1);
        rest.put_u32(report.ssrc);
    }
    let left = rest.len();
    LIMIT - left
}

fn put_head(out: &mut &mut [u8], count: u8, kind: u8, words: u16) {
    out.put_u8(0x80 | count);
    out.put_u8(kind);
    out.put_u16(words);
}

fn put_block(out: &mut &mut [u8], block: &Block) {
    out.put_u32(block.ssrc);
    out.put_u8(block.fraction_lost);
    let lost = block.lost.clamp(-0x80_0000, 0x7F_FFFF);
    out.put_int(lost, 3);
    out.put_u32(block.highest);
    out.put_u32(block.jitter);
    out.put_u32(block.last_report);
    out.put_u32(block.delay);
}

/// A source description with the one mandatory item (RFC 3550 §6.5.1): 20 octets of chunk, closed by nulls.
fn put_description(out: &mut &mut [u8], ssrc: u32) {
    const NAME: u8 = 1;
    put_head(out, 1, SOURCE_DESCRIPTION, 6);
    out.put_u32(ssrc);
    out.put_u8(NAME);
    out.put_u8(16);
    // Short-term names are random (RFC 7022 §4.2); the source number is, and mixing keeps it from being read back.
    let name = u64::from(ssrc).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut octets = [0; 16];
    let written = write!(&mut octets[..], "{:016x}", name ^ (name >> 29));
    debug_assert!(written.is_ok(), "sixteen digits fit into sixteen octets");
    out.put_slice(&octets);
    out.put_bytes(0, 2);
}
