//! The RTP packet on the wire (RFC 3550 §5.1).
//! Must never trust a length: whatever does not fit is no packet.

/// The fields of the fixed header that matter to a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The first packet of a talk spurt or an event.
    pub marker: bool,
    /// Payload type, 0 to 127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Timestamp in ticks of the codec's clock.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

impl Header {
    /// Octets of a header without contributing sources and extensions.
    pub const LENGTH: usize = 12;

    /// Writes the header to the front of `out` and returns the space behind it; `None` if there is not enough.
    pub fn write<'a>(&self, out: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (head, rest) = out.split_first_chunk_mut::<{ Header::LENGTH }>()?;
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [i0, i1, i2, i3] = self.ssrc.to_be_bytes();
        let kind = u8::from(self.marker) << 7 | (self.payload_type & 0x7F);
        *head = [0x80, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3];
        Some(rest)
    }
}

/// A received packet: header and payload, without contributing sources, extension and padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed header.
    pub header: Header,
    /// What the codec reads.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram; `None` if it is no RTP of version 2 or contradicts itself.
    pub fn parse(datagram: &'a [u8]) -> Option<Packet<'a>> {
        let (&[first, kind, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3], rest) = datagram.split_first_chunk()?;
        if first >> 6 != 2 {
            return None;
        }
        let contributors = usize::from(first & 0x0F) * 4;
        let (_, rest) = rest.split_at_checked(contributors)?;
        let rest = if first & 0x10 != 0 { after_extension(rest)? } else { rest };
        let payload = if first & 0x20 != 0 { before_padding(rest)? } else { rest };
        let header = Header {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
        };
        Some(Packet { header, payload })
    }
}

/// Whether a datagram on a port shared by both is RTCP (RFC 5761 §4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [first, 192..=223, ..] if first >> 6 == 2)
}

fn after_extension(rest: &[u8]) -> Option<&[u8]> {
    let (&[_, _, l0, l1], rest) = rest.split_first_chunk()?;
    let words = usize::from(u16::from_be_bytes([l0, l1]));
    rest.split_at_checked(words * 4).map(|(_, rest)| rest)
}

fn before_padding(rest: &[u8]) -> Option<&[u8]> {
    let padding = usize::from(*rest.last()?);
    if padding == 0 {
        return None;
    }
    rest.get(..rest.len().checked_sub(padding)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contributors_extension_and_padding_are_stripped() {
        let mut datagram = vec![0xB1, 0x80, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5];
        datagram.extend([1, 2, 3, 4]);
        datagram.extend([0xBE, 0xDE, 0, 1, 9, 9, 9, 9]);
        datagram.extend(*b"sound");
        datagram.extend([0, 0, 3]);
        let packet = Packet::parse(&datagram).expect("a valid packet");
        let header = Header { marker: true, payload_type: 0, sequence: 7, timestamp: 9, ssrc: 5 };
        assert_eq!(packet, Packet { header, payload: b"sound" });
    }

    #[test]
    fn padding_longer_than_the_packet_is_refused() {
        let datagram = [0xA0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 200];
        assert_eq!(Packet::parse(&datagram), None);
    }

    #[test]
    fn a_sender_report_is_told_from_audio() {
        assert!(is_rtcp(&[0x80, 200]));
        assert!(!is_rtcp(&[0x80, 0x80]), "a marked PCMU packet");
        assert!(!is_rtcp(&[0x80, 0xE5]), "a marked packet of dynamic payload type 101");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(marker: bool, kind in 0u8..128, sequence: u16, timestamp: u32, ssrc: u32) {
            let header = Header { marker, payload_type: kind, sequence, timestamp, ssrc };
            let mut out = [0; 12];
            header.write(&mut out).expect("twelve octets");
            prop_assert_eq!(Packet::parse(&out), Some(Packet { header, payload: &[] }));
        }

        #[test]
        fn no_datagram_panics(datagram in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(packet) = Packet::parse(&datagram) {
                prop_assert!(packet.payload.len() + 12 <= datagram.len());
            }
        }
    }
}
