//! Audio codecs: what the octets of a payload mean, and how samples become octets.
//! Must never allocate per frame, and never keep a clock.

use serde::{Deserialize, Serialize};

pub mod g711;

/// An audio codec that a leg can negotiate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 µ-law (RFC 3551 §4.5.14).
    Pcmu,
    /// G.711 A-law (RFC 3551 §4.5.14).
    Pcma,
}

impl Codec {
    /// The static payload type of RFC 3551 §6.
    pub const fn payload_type(self) -> u8 {
        match self {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
        }
    }

    /// The encoding name as written in `a=rtpmap` (RFC 3551 §6).
    pub const fn name(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
        }
    }

    /// The codec of this encoding name; case does not matter (RFC 4855 §3).
    pub fn from_name(name: &str) -> Option<Codec> {
        [Codec::Pcmu, Codec::Pcma].into_iter().find(|codec| codec.name().eq_ignore_ascii_case(name))
    }

    /// The codec of this static payload type.
    pub const fn from_payload_type(payload_type: u8) -> Option<Codec> {
        match payload_type {
            0 => Some(Codec::Pcmu),
            8 => Some(Codec::Pcma),
            _ => None,
        }
    }

    /// Ticks of the RTP timestamp in a second (RFC 3551 §6).
    pub const fn clock_rate(self) -> u32 {
        8000
    }

    /// The octet that decodes to the quietest sample.
    pub const fn silence(self) -> u8 {
        match self {
            Codec::Pcmu => 0xFF,
            Codec::Pcma => 0xD5,
        }
    }

    /// Encodes samples until either slice ends; returns the octets written.
    pub fn encode(self, samples: &[i16], octets: &mut [u8]) -> usize {
        let encode = match self {
            Codec::Pcmu => g711::ulaw_from_linear,
            Codec::Pcma => g711::alaw_from_linear,
        };
        let pairs = samples.iter().zip(octets.iter_mut());
        pairs.map(|(sample, octet)| *octet = encode(*sample)).count()
    }

    /// Decodes octets until either slice ends; returns the samples written.
    pub fn decode(self, octets: &[u8], samples: &mut [i16]) -> usize {
        let decode = match self {
            Codec::Pcmu => g711::linear_from_ulaw,
            Codec::Pcma => g711::linear_from_alaw,
        };
        let pairs = octets.iter().zip(samples.iter_mut());
        pairs.map(|(octet, sample)| *sample = decode(*octet)).count()
    }

    /// Copies a payload of this codec into one of `other`, octet by octet; returns the octets written.
    pub fn transcode(self, other: Codec, from: &[u8], to: &mut [u8]) -> usize {
        let pairs = from.iter().zip(to.iter_mut());
        match (self, other) {
            (Codec::Pcmu, Codec::Pcma) => pairs.map(|(a, b)| *b = g711::alaw_from_ulaw(*a)).count(),
            (Codec::Pcma, Codec::Pcmu) => pairs.map(|(a, b)| *b = g711::ulaw_from_alaw(*a)).count(),
            _ => pairs.map(|(a, b)| *b = *a).count(),
        }
    }
}
