//! A bridge's direction as a table entry: all that is needed to rewrite its packets without the session.
//! Must never cover more than plain audio: whatever does not match goes the long way.

use std::net::SocketAddr;

use super::{Session, Voice};

/// How packets of one locked source are rewritten for one destination. The seam for a path in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarding {
    /// The only source that counts.
    pub from: SocketAddr,
    /// Its synchronisation source.
    pub source_ssrc: u32,
    /// The only payload type that counts.
    pub receive_payload_type: u8,
    /// Where packets go.
    pub to: SocketAddr,
    /// The synchronisation source that they get.
    pub ssrc: u32,
    /// The payload type that they get.
    pub send_payload_type: u8,
    /// Added to the sequence number.
    pub sequence_offset: u16,
    /// Added to the timestamp.
    pub timestamp_offset: u32,
}

impl Session {
    /// The entry for what `heard` receives and this session sends, once packets flow and nothing but their headers
    /// has to change.
    pub fn forwarding(&self, heard: &Session) -> Option<Forwarding> {
        if self.dialling.is_busy() || heard.is_tapped() || !heard.has_events() {
            return None;
        }
        let (theirs, ours) = (heard.remote.as_ref()?, self.remote.as_ref()?);
        let is_bridged =
            heard.receive && self.voice == Voice::Session(heard.id) && theirs.codec == ours.codec;
        let (sequence_offset, timestamp_offset) = self.clock.offsets().filter(|_| is_bridged)?;
        Some(Forwarding {
            from: heard.lock.address()?,
            source_ssrc: heard.reception.ssrc()?,
            receive_payload_type: theirs.receive_payload_type,
            to: self.destination()?,
            ssrc: self.clock.ssrc(),
            send_payload_type: ours.send_payload_type,
            sequence_offset,
            timestamp_offset,
        })
    }
}

impl Forwarding {
    /// Rewrites a datagram in place; `None`, and nothing changed, if it is not covered.
    pub fn rewrite(&self, datagram: &mut [u8], from: SocketAddr) -> Option<()> {
        let [0x80, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3, ..] = datagram else { return None };
        let is_covered = from == self.from
            && *kind & 0x7F == self.receive_payload_type
            && u32::from_be_bytes([*i0, *i1, *i2, *i3]) == self.source_ssrc;
        if !is_covered {
            return None;
        }
        *kind = (*kind & 0x80) | self.send_payload_type;
        [*s0, *s1] = u16::from_be_bytes([*s0, *s1]).wrapping_add(self.sequence_offset).to_be_bytes();
        let timestamp = u32::from_be_bytes([*t0, *t1, *t2, *t3]).wrapping_add(self.timestamp_offset);
        [*t0, *t1, *t2, *t3] = timestamp.to_be_bytes();
        [*i0, *i1, *i2, *i3] = self.ssrc.to_be_bytes();
        Some(())
    }
}
