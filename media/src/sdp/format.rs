//! Payload types: which number stands for which encoding (RFC 3551, RFC 4733).
//! Must never decide what is agreed.

use serde::{Deserialize, Serialize};

use crate::codec::Codec;

/// What a payload type carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// A voice codec that we speak.
    Voice(Codec),
    /// Digits as events (RFC 4733); their clock must be that of the codec beside them.
    TelephoneEvent {
        /// Units of the RTP timestamp per second.
        clock_rate: u32,
    },
    /// Anything else.
    Other,
}

/// One payload type of a stream, with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Format {
    /// The number in the RTP header, 0 to 127.
    pub payload_type: u8,
    /// What it stands for.
    pub encoding: Encoding,
}

impl Encoding {
    /// The meaning of a payload type that no rtpmap explains (RFC 3551 §6).
    pub fn of_static(payload_type: u8) -> Self {
        match payload_type {
            0 => Self::Voice(Codec::Pcmu),
            8 => Self::Voice(Codec::Pcma),
            _ => Self::Other,
        }
    }

    /// Reads the part of an rtpmap after the number: `PCMU/8000` or `PCMU/8000/1`; without a clock, 8000 Hz.
    pub fn from_rtpmap(text: &str) -> Self {
        let mut parts = text.split('/').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let Ok(clock_rate) = parts.next().map_or(Ok(8000), str::parse::<u32>) else { return Self::Other };
        let is_mono = parts.next().is_none_or(|channels| channels == "1");
        if name.eq_ignore_ascii_case("telephone-event") {
            return Self::TelephoneEvent { clock_rate };
        }
        [Codec::Pcmu, Codec::Pcma]
            .into_iter()
            .find(|&codec| {
                is_mono && name.eq_ignore_ascii_case(codec_name(codec)) && clock_rate == codec_clock(codec)
            })
            .map_or(Self::Other, Self::Voice)
    }

    /// The part of an rtpmap after the number, for what we announce ourselves.
    pub(super) fn to_rtpmap(self) -> Option<String> {
        match self {
            Self::Voice(codec) => Some(format!("{}/{}", codec_name(codec), codec_clock(codec))),
            Self::TelephoneEvent { clock_rate } => Some(format!("telephone-event/{clock_rate}")),
            Self::Other => None,
        }
    }

    /// The events that go with `codec`.
    pub(super) fn events_of(codec: Codec) -> Self {
        Self::TelephoneEvent { clock_rate: codec_clock(codec) }
    }
}

fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Pcmu => "PCMU",
        Codec::Pcma => "PCMA",
    }
}

fn codec_clock(codec: Codec) -> u32 {
    match codec {
        Codec::Pcmu | Codec::Pcma => 8000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rtpmap_is_read_whatever_its_case_channels_and_spaces() {
        for text in ["PCMU/8000", "pcmu/8000", "PCMU/8000/1", "PCMU / 8000", "PCMU"] {
            assert_eq!(Encoding::from_rtpmap(text), Encoding::Voice(Codec::Pcmu), "{text}");
        }
        assert_eq!(
            Encoding::from_rtpmap("TELEPHONE-EVENT/48000"),
            Encoding::TelephoneEvent { clock_rate: 48000 }
        );
    }

    #[test]
    fn what_only_resembles_a_codec_is_another_encoding() {
        for text in ["PCMU/16000", "PCMA/8000/2", "L16/8000", "PCMU/x", "PCMU/-8000", "", "/"] {
            assert_eq!(Encoding::from_rtpmap(text), Encoding::Other, "{text}");
        }
    }
}
