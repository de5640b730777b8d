//! What an exchange comes to: where to send, in which numbers, which ways are open.
//! Must never remember an earlier exchange, except for what this one leaves unsaid.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::direction::Direction;
use super::error::Obstacle;
use super::format::{Encoding, Format};
use super::stream::Stream;
use crate::codec::Codec;

/// The outcome of an offer and its answer, seen from our side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Where the peer wants RTP. While it holds with `0.0.0.0` this is where it last was, or `0.0.0.0`:
    /// nothing may be sent.
    pub remote_rtp: SocketAddr,
    /// Where the peer wants RTCP.
    pub remote_rtcp: SocketAddr,
    /// The codec, both ways.
    pub codec: Codec,
    /// The payload type of the codec in what we send.
    pub send_payload_type: u8,
    /// The payload type of the codec in what the peer sends.
    pub receive_payload_type: u8,
    /// The payload types of telephone events: in what we send, in what the peer sends.
    pub events: Option<(u8, u8)>,
    /// Milliseconds of sound in a packet to the peer.
    pub ptime_ms: u32,
    /// We may send.
    pub send: bool,
    /// The peer may send.
    pub receive: bool,
    /// The peer holds us: by direction, by address `0.0.0.0`, or by removing the stream.
    pub held: bool,
}

impl Agreed {
    /// The stream is gone (RFC 3264 §8.2), the session is not.
    pub(super) fn silenced(self) -> Self {
        Self { send: false, receive: false, held: true, ..self }
    }
}

/// A peer's stream that will do, reduced to what matters.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Counterpart {
    /// RTP and RTCP; nothing where the peer holds by address.
    addresses: Option<(SocketAddr, SocketAddr)>,
    codec: Codec,
    payload_type: u8,
    events: Option<u8>,
    packet_ms: u32,
    direction: Direction,
}

/// What of ours a stream has to meet.
pub(super) struct Terms<'a> {
    pub is_ipv4: bool,
    pub codecs: &'a [Codec],
    pub telephone_event: bool,
    /// Milliseconds of sound in a packet, if the peer has no wish.
    pub packet_ms: u32,
}

impl Counterpart {
    /// Reads a stream of the peer; the first of its formats that is one of ours is the codec (RFC 3264 §6.1).
    pub fn find(stream: &Stream<'_>, terms: &Terms<'_>) -> Result<Self, Obstacle> {
        if stream.is_declined() {
            return Err(Obstacle::Declined);
        }
        if !stream.is_plain_rtp() {
            return Err(Obstacle::Transport);
        }
        let (Some(rtp), Some(rtcp)) = (stream.rtp(), stream.rtcp()) else { return Err(Obstacle::Address) };
        let addresses = if rtp.ip().is_unspecified() {
            None
        } else {
            check_address(rtp.ip(), terms.is_ipv4)?;
            // An RTCP address that cannot be used costs the reports, not the call.
            let is_rtcp_usable = rtcp.port() != 0 && check_address(rtcp.ip(), terms.is_ipv4).is_ok();
            let next = SocketAddr::new(rtp.ip(), rtp.port().saturating_add(1));
            Some((rtp, if is_rtcp_usable { rtcp } else { next }))
        };
        let formats = stream.formats();
        let voice = formats.iter().find_map(|format| match format.encoding {
            Encoding::Voice(codec) if terms.codecs.contains(&codec) => Some((codec, format.payload_type)),
            _ => None,
        });
        let (codec, payload_type) = voice.ok_or(Obstacle::Codec)?;
        let is_events = |format: &&Format| format.encoding == Encoding::events_of(codec);
        let events = formats.iter().find(is_events).map(|format| format.payload_type);
        Ok(Self {
            addresses,
            codec,
            payload_type,
            events: events.filter(|_| terms.telephone_event),
            packet_ms: stream.packet_ms(terms.packet_ms),
            direction: stream.direction(),
        })
    }

    /// Which ways the peer opens: who has no address receives nothing, whatever it says (RFC 3264 §8.4).
    pub fn direction(&self) -> Direction {
        Direction::new(self.direction.is_sending(), self.is_receiving())
    }

    /// The peer takes sound from us.
    pub fn is_receiving(&self) -> bool {
        self.addresses.is_some() && self.direction.is_receiving()
    }

    /// One codec and its events, in the numbers of the offer (RFC 3264 §6.1): with one there is no codec to
    /// change without a word.
    pub fn answer_formats(&self) -> Vec<Format> {
        let voice = Format { payload_type: self.payload_type, encoding: Encoding::Voice(self.codec) };
        let encoding = Encoding::events_of(self.codec);
        let events = self.events.map(|payload_type| Format { payload_type, encoding });
        std::iter::once(voice).chain(events).collect()
    }

    /// What comes of it when we announce `ours` in direction `wanted`.
    pub fn agree(&self, ours: &[Format], wanted: Direction, held: bool, before: Option<&Agreed>) -> Agreed {
        let number_of =
            |encoding| ours.iter().find(|format| format.encoding == encoding).map(|f| f.payload_type);
        let open = wanted.facing(self.direction());
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        let (remote_rtp, remote_rtcp) = self
            .addresses
            .or(before.map(|agreed| (agreed.remote_rtp, agreed.remote_rtcp)))
            .unwrap_or((nowhere, nowhere));
        let events = self.events.zip(number_of(Encoding::events_of(self.codec)));
        Agreed {
            remote_rtp,
            remote_rtcp,
            codec: self.codec,
            send_payload_type: self.payload_type,
            receive_payload_type: number_of(Encoding::Voice(self.codec)).unwrap_or(self.payload_type),
            events,
            ptime_ms: self.packet_ms,
            send: open.is_sending(),
            receive: open.is_receiving(),
            held,
        }
    }
}

/// A single host of our IP version: nothing is sent to groups.
fn check_address(ip: IpAddr, is_ipv4: bool) -> Result<(), Obstacle> {
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    if ip.is_multicast() || ip.is_unspecified() || is_broadcast {
        return Err(Obstacle::Address);
    }
    if ip.is_ipv4() == is_ipv4 { Ok(()) } else { Err(Obstacle::AddressFamily) }
}
