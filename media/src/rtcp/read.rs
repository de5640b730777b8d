//! Reads what other ends report.
//! Must never believe a length: what does not fit ends the reading.

use bytes::Buf;

use super::{RECEIVER_REPORT, SENDER_REPORT};

/// What a sender says of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// The sender's source.
    pub ssrc: u32,
    /// Middle 32 bits of its NTP timestamp.
    pub sent_at: u32,
}

/// What the other end says of our stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Lost packets since its last report, in 1/256.
    pub fraction_lost: u8,
    /// Interarrival jitter in ticks of the codec's clock.
    pub jitter: u32,
    /// Middle 32 bits of the last report of ours that it has; 0 for none.
    pub last_report: u32,
    /// How long it had that report, in 1/65536 s.
    pub delay: u32,
}

/// What matters in a compound packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// From its sender report.
    pub sender: Option<SenderInfo>,
    /// From the report block about our stream.
    pub heard: Option<Heard>,
}

/// Reads a compound packet for the one whose stream is `ssrc`; `None` if it is no RTCP.
/// Packets of other kinds, goodbyes among them, are passed over.
pub fn read(mut datagram: &[u8], ssrc: u32) -> Option<Digest> {
    let mut digest = Digest::default();
    let mut is_first = true;
    while let Some((head, rest)) = datagram.split_first_chunk() {
        let &[first, kind, l0, l1] = head;
        if first >> 6 != 2 {
            return None;
        }
        // A compound packet begins with a report (RFC 3550 §6.1); reduced ones may not (RFC 5506 §3.4.1).
        let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        let Some((body, rest)) = rest.split_at_checked(length) else {
            return (!is_first).then_some(digest);
        };
        match kind {
            SENDER_REPORT => read_sender_report(body, first & 0x1F, ssrc, &mut digest),
            RECEIVER_REPORT => read_receiver_report(body, first & 0x1F, ssrc, &mut digest),
            _ => Some(()),
        };
        datagram = rest;
        is_first = false;
    }
    (!is_first).then_some(digest)
}

fn read_sender_report(mut body: &[u8], blocks: u8, ours: u32, digest: &mut Digest) -> Option<()> {
    let ssrc = body.try_get_u32().ok()?;
    let sent_at = super::middle(body.try_get_u64().ok()?);
    // RTP timestamp, packets and octets are not needed.
    let (_, body) = body.split_at_checked(12)?;
    digest.sender = Some(SenderInfo { ssrc, sent_at });
    read_blocks(body, blocks, ours, digest)
}

fn read_receiver_report(body: &[u8], blocks: u8, ours: u32, digest: &mut Digest) -> Option<()> {
    let (_, body) = body.split_at_checked(4)?;
    read_blocks(body, blocks, ours, digest)
}

fn read_blocks(mut body: &[u8], blocks: u8, ours: u32, digest: &mut Digest) -> Option<()> {
    for _ in 0..blocks {
        let about = body.try_get_u32().ok()?;
        let fraction_lost = body.try_get_u8().ok()?;
        let (_, rest) = body.split_at_checked(7)?;
        body = rest;
        let jitter = body.try_get_u32().ok()?;
        let last_report = body.try_get_u32().ok()?;
        let delay = body.try_get_u32().ok()?;
        if about == ours {
            digest.heard = Some(Heard { fraction_lost, jitter, last_report, delay });
        }
    }
    Some(())
}
