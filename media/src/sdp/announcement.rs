//! The description that we send: our address, our formats, and a refusal for every other stream.
//! Must never say more than it is told.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use sdp_types::{Connection, Media, Origin, Session, Time};
use serde::{Deserialize, Serialize};

use super::description;
use super::direction::Direction;
use super::format::{Encoding, Format};
use super::stream::Stream;
use crate::codec::Codec;

/// What we are able and willing to speak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// The codecs, the preferred one first.
    pub codecs: Vec<Codec>,
    /// Whether digits go as events (RFC 4733).
    pub telephone_event: bool,
    /// Milliseconds of sound in a packet that we like to receive.
    pub ptime_ms: u32,
}

/// The addresses that we announce; they may differ from those that are bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// Where we want RTP.
    pub rtp: SocketAddr,
    /// Where we want RTCP.
    pub rtcp: SocketAddr,
}

/// The m-lines of a session, which keep their number and order for its life (RFC 3264 §8), and the one that
/// is in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Layout {
    pub lines: Vec<Line>,
    pub slot: usize,
}

/// What an m-line needs to be repeated or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub kind: String,
    pub profile: String,
    pub formats: String,
}

impl Layout {
    /// One audio stream: what we offer of our own accord.
    pub fn audio() -> Self {
        let line = Line { kind: "audio".into(), profile: "RTP/AVP".into(), formats: "0".into() };
        Self { lines: vec![line], slot: 0 }
    }

    /// The lines of the peer's offer, of which we take the one at `slot`.
    pub fn of_offer(streams: &[Stream<'_>], slot: usize) -> Self {
        let line = |stream: &Stream<'_>| Line {
            kind: stream.kind().into(),
            profile: stream.profile().into(),
            formats: stream.format_list().into(),
        };
        Self { lines: streams.iter().map(line).collect(), slot }
    }
}

/// Everything that our description says.
pub(super) struct Announcement<'a> {
    pub session_id: u64,
    pub version: u64,
    pub local: Local,
    pub layout: &'a Layout,
    /// The formats of the stream in use; none where that is declined too.
    pub formats: &'a [Format],
    pub direction: Direction,
    pub packet_ms: u32,
}

impl Announcement<'_> {
    /// The text of the description.
    pub fn to_bytes(&self) -> Bytes {
        let ip = self.local.rtp.ip();
        let mut session = Session::new(Origin::with_ip_addr(self.session_id, self.version, ip), "-");
        session.set_connection(Connection::from_ip_addr(ip));
        session.add_time(Time::new(0, 0));
        session.add_medias(self.layout.lines.iter().enumerate().map(|(index, line)| {
            if index == self.layout.slot && !self.formats.is_empty() {
                self.stream(line)
            } else {
                declined(line)
            }
        }));
        description::write(&session)
    }

    fn stream(&self, line: &Line) -> Media {
        let numbers: Vec<String> =
            self.formats.iter().map(|format| format.payload_type.to_string()).collect();
        let mut media = media(line, self.local.rtp.port(), numbers.join(" "));
        for Format { payload_type, encoding } in self.formats {
            if let Some(rtpmap) = encoding.to_rtpmap() {
                media.add_attribute_with_value("rtpmap", format!("{payload_type} {rtpmap}"));
            }
            if matches!(encoding, Encoding::TelephoneEvent { .. }) {
                // The sixteen keys and the hook flash (RFC 4733 §3.2).
                media.add_attribute_with_value("fmtp", format!("{payload_type} 0-16"));
            }
        }
        media.add_attribute_with_value("ptime", self.packet_ms);
        media.add_attribute_from_str(self.direction.as_str());
        if let Some(rtcp) = self.rtcp() {
            media.add_attribute_with_value("rtcp", rtcp);
        }
        media
    }

    /// Said only where it is not the port after RTP's (RFC 3605 §2.1).
    fn rtcp(&self) -> Option<String> {
        let Local { rtp, rtcp } = self.local;
        let is_same_ip = rtp.ip() == rtcp.ip();
        if is_same_ip && rtp.port().checked_add(1) == Some(rtcp.port()) {
            return None;
        }
        let port = rtcp.port();
        Some(match rtcp.ip() {
            _ if is_same_ip => port.to_string(),
            IpAddr::V4(ip) => format!("{port} IN IP4 {ip}"),
            IpAddr::V6(ip) => format!("{port} IN IP6 {ip}"),
        })
    }
}

/// The same line with port 0; its formats mean nothing but must be there (RFC 3264 §6).
fn declined(line: &Line) -> Media {
    media(line, 0, line.formats.clone())
}

fn media(line: &Line, port: u16, fmt: String) -> Media {
    Media {
        media: line.kind.clone(),
        port,
        num_ports: None,
        proto: line.profile.clone(),
        fmt,
        media_title: None,
        connections: Vec::new(),
        bandwidths: Vec::new(),
        key: None,
        attributes: Vec::new(),
    }
}
