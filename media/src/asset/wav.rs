//! RIFF WAVE: what its format chunk says, and the sound in its data chunk.
//! Must never take the format for what it is not: unknown ones are refused.

use super::chunks::{Chunks, long, short};
use super::gsm::{self, Packing};
use super::intake::Intake;
use super::pcm::{Encoding, Order};
use super::{AssetError, AudioKind};
use crate::codec::Codec;

/// Formats (RFC 2361 and its registry).
const LINEAR: u16 = 1;
const FLOAT: u16 = 3;
const ALAW: u16 = 6;
const MULAW: u16 = 7;
const GSM: u16 = 0x31;
/// The format is the beginning of an identifier further behind.
const EXTENSIBLE: u16 = 0xFFFE;

enum Format {
    Pcm(Encoding),
    Gsm,
}

/// Reads a whole file.
pub(super) fn read(file: &[u8]) -> Result<Intake, AssetError> {
    let unreadable = AssetError::Unreadable(AudioKind::Wav);
    let mut format = None;
    for (name, chunk) in Chunks::of(file, Order::Little) {
        match (name, &format) {
            (b"fmt ", _) => format = parse(chunk),
            (b"data", Some((Format::Pcm(encoding), channels, rate))) => {
                let mut intake = Intake::new(*rate, *channels)?;
                intake.take_pcm(chunk, *encoding)?;
                return Ok(intake);
            }
            (b"data", Some((Format::Gsm, 1, rate))) => {
                let mut intake = Intake::new(*rate, 1)?;
                gsm::read(chunk, Packing::Wav, &mut intake)?;
                return Ok(intake);
            }
            (b"data", _) => return Err(unreadable),
            _ => {}
        }
    }
    Err(unreadable)
}

/// Format, channels and sampling rate.
fn parse(chunk: &[u8]) -> Option<(Format, u16, u32)> {
    let word = |at| short(chunk, at, Order::Little);
    let (bits, block, channels) = (word(14)?, word(12)?, word(2)?);
    let tag = match word(0)? {
        EXTENSIBLE => word(24)?,
        tag => tag,
    };
    // Samples may lie in wider places than they need.
    let place = block.checked_div(channels).unwrap_or(0).saturating_mul(8);
    let bits = if bits <= place && place <= 32 { place } else { bits };
    let format = match (tag, bits) {
        (LINEAR, 1..=8) => Format::Pcm(Encoding::Unsigned),
        (LINEAR, _) => Format::Pcm(Encoding::signed(bits, Order::Little)?),
        (FLOAT, _) => Format::Pcm(Encoding::float(bits, Order::Little)?),
        (ALAW, 8) => Format::Pcm(Encoding::Law(Codec::Pcma)),
        (MULAW, 8) => Format::Pcm(Encoding::Law(Codec::Pcmu)),
        (GSM, _) => Format::Gsm,
        _ => return None,
    };
    Some((format, channels, long(chunk, 4, Order::Little)?))
}
