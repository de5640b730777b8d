//! AIFF and AIFF-C: what the common chunk says, and the sound in the sound chunk.
//! Must never expect the chunks in an order: either may come first.

use super::chunks::{Chunks, long, short};
use super::intake::Intake;
use super::pcm::{Encoding, Order};
use super::{AssetError, AudioKind};
use crate::codec::Codec;

/// Reads a whole file.
pub(super) fn read(file: &[u8]) -> Result<Intake, AssetError> {
    let chunk = |wanted: &[u8]| {
        Chunks::of(file, Order::Big).find(|(name, _)| *name == wanted).map(|(_, chunk)| chunk)
    };
    let is_compressed = file.get(8..12) == Some(b"AIFC");
    let common = chunk(b"COMM").and_then(|common| parse(common, is_compressed));
    let (Some((encoding, channels, rate)), Some(sound)) = (common, chunk(b"SSND")) else {
        return Err(AssetError::Unreadable(AudioKind::Aiff));
    };
    // The sound begins behind its offset and block size, both of four octets.
    let offset = long(sound, 0, Order::Big).map_or(usize::MAX, |offset| offset as usize).saturating_add(8);
    let mut intake = Intake::new(rate, channels)?;
    intake.take_pcm(sound.get(offset..).unwrap_or_default(), encoding)?;
    Ok(intake)
}

/// Encoding, channels and sampling rate.
fn parse(chunk: &[u8], is_compressed: bool) -> Option<(Encoding, u16, u32)> {
    let (channels, bits) = (short(chunk, 0, Order::Big)?, short(chunk, 6, Order::Big)?);
    let compression = if is_compressed { chunk.get(18..22)? } else { b"NONE" };
    let encoding = match (compression, bits) {
        (b"NONE" | b"none" | b"twos", _) => Encoding::signed(bits, Order::Big)?,
        (b"sowt", _) => Encoding::signed(bits, Order::Little)?,
        (b"in24", _) => Encoding::signed(24, Order::Big)?,
        (b"in32", _) => Encoding::signed(32, Order::Big)?,
        (b"raw ", 1..=8) => Encoding::Unsigned,
        (b"fl32" | b"FL32", _) => Encoding::Single(Order::Big),
        (b"fl64" | b"FL64", _) => Encoding::Double(Order::Big),
        (b"ulaw" | b"ULAW", _) => Encoding::Law(Codec::Pcmu),
        (b"alaw" | b"ALAW", _) => Encoding::Law(Codec::Pcma),
        _ => return None,
    };
    Some((encoding, channels, rate(chunk.get(8..18)?)?))
}

/// The whole hertz of a number with 15 bits of exponent and 64 of mantissa; `None` if it is out of reach.
fn rate(octets: &[u8]) -> Option<u32> {
    let (exponent, mantissa) = octets.split_first_chunk()?;
    let mantissa = u64::from_be_bytes(*mantissa.first_chunk()?);
    let shift = 16_446_u16.checked_sub(u16::from_be_bytes(*exponent))?;
    u32::try_from(mantissa.checked_shr(shift.into())?).ok()
}
