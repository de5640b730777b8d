//! One m-line with its attributes, typed: where, which way, in which formats.
//! Must never decide whether it will do.

use std::net::{IpAddr, SocketAddr};

use sdp_types::{Attribute, Connection, Media, Session};

use super::direction::Direction;
use super::format::{Encoding, Format};

/// A stream of a description, with what the session level says for it.
#[derive(Clone, Copy, Debug)]
pub struct Stream<'a> {
    session: &'a Session,
    media: &'a Media,
}

impl<'a> Stream<'a> {
    pub(super) fn new(session: &'a Session, media: &'a Media) -> Self {
        Self { session, media }
    }

    /// The kind of media: `audio`, `video`, `image` ...
    pub fn kind(&self) -> &'a str {
        &self.media.media
    }

    /// The transport profile, such as `RTP/AVP`.
    pub fn profile(&self) -> &'a str {
        &self.media.proto
    }

    /// The formats as they stand in the m-line.
    pub fn format_list(&self) -> &'a str {
        &self.media.fmt
    }

    /// An audio stream.
    pub fn is_audio(&self) -> bool {
        self.kind().eq_ignore_ascii_case("audio")
    }

    /// RTP without encryption, with or without early feedback (RFC 3551, RFC 4585).
    pub fn is_plain_rtp(&self) -> bool {
        ["RTP/AVP", "RTP/AVPF"].iter().any(|profile| self.profile().eq_ignore_ascii_case(profile))
    }

    /// Refused, removed or not wanted: the port is 0 (RFC 3264 §6, §8.2).
    pub fn is_declined(&self) -> bool {
        self.media.port == 0
    }

    /// Where RTP is to be sent; nothing where no address stands. `0.0.0.0` and `::` come as they are.
    pub fn rtp(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.ip()?, self.media.port))
    }

    /// Where RTCP is to be sent: as said (RFC 3605), else the next port.
    pub fn rtcp(&self) -> Option<SocketAddr> {
        let ip = self.ip()?;
        let next = SocketAddr::new(ip, self.media.port.saturating_add(1));
        let Some(said) = self.value("rtcp") else { return Some(next) };
        let mut fields = said.split_whitespace();
        let Some(port) = fields.next().and_then(|port| port.parse().ok()) else { return Some(next) };
        let own_ip = fields.nth(2).and_then(|ip| ip.parse::<IpAddr>().ok());
        Some(SocketAddr::new(own_ip.map_or(ip, |ip| ip.to_canonical()), port))
    }

    /// The direction: the stream's own, else the session's, else both ways.
    pub fn direction(&self) -> Direction {
        let said = |attributes: &[Attribute]| {
            attributes.iter().find_map(|attribute| Direction::from_name(attribute.attribute.trim()))
        };
        said(&self.media.attributes).or_else(|| said(&self.session.attributes)).unwrap_or_default()
    }

    /// The payload types in order of preference; what is no payload type is left out.
    pub fn formats(&self) -> Vec<Format> {
        let mut maps: [Option<Encoding>; 128] = [None; 128];
        for map in values(&self.media.attributes, "rtpmap") {
            let Some((number, encoding)) = map.split_once([' ', '\t']) else { continue };
            if let Some(slot) = number.parse::<usize>().ok().and_then(|number| maps.get_mut(number)) {
                // A second map for a number is a mistake; the first counts.
                slot.get_or_insert_with(|| Encoding::from_rtpmap(encoding));
            }
        }
        let numbers = self.media.fmt.split_whitespace().filter_map(|format| format.parse::<u8>().ok());
        numbers
            .filter_map(|payload_type| {
                let map = maps.get(usize::from(payload_type))?;
                let encoding = map.unwrap_or_else(|| Encoding::of_static(payload_type));
                Some(Format { payload_type, encoding })
            })
            .collect()
    }

    /// Milliseconds of sound that a packet to this peer should hold: as it wishes, `ours` if it has no (sane)
    /// wish, never more than it can take.
    pub fn packet_ms(&self, ours: u32) -> u32 {
        let number = |name| {
            let value: u32 = self.value(name)?.split('.').next()?.trim().parse().ok()?;
            (10..=200).contains(&value).then_some(value)
        };
        let wanted = number("ptime").unwrap_or(ours);
        number("maxptime").map_or(wanted, |most| wanted.min(most))
    }

    /// The stream's own address, else the session's; of several, the first that is one.
    fn ip(&self) -> Option<IpAddr> {
        match self.media.connections.as_slice() {
            [] => self.session.connection.as_ref().and_then(address),
            own => own.iter().find_map(address),
        }
    }

    fn value(&self, name: &'static str) -> Option<&'a str> {
        values(&self.media.attributes, name).next()
    }
}

/// The address of a c-line, without time-to-live; one of IPv4 in IPv6 clothes is one of IPv4 (RFC 5118 §4.9).
fn address(connection: &Connection) -> Option<IpAddr> {
    let text = connection.connection_address.split('/').next()?;
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// The values of the attributes of this name, without the blanks that some devices put around them.
fn values<'a>(attributes: &'a [Attribute], name: &'static str) -> impl Iterator<Item = &'a str> {
    attributes
        .iter()
        .filter(move |attribute| attribute.attribute.trim().eq_ignore_ascii_case(name))
        .filter_map(|attribute| attribute.value.as_deref().map(str::trim))
}
