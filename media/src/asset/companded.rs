//! WAV files that hold G.711: telephone systems write them, `hound` does not read them.
//! Must never trust a length that the file states beyond the bytes that are there.

use crate::codec::Codec;

/// Sound of a WAV file that holds G.711.
pub(super) struct Companded {
    pub rate: u32,
    pub channels: u16,
    /// Interleaved.
    pub samples: Vec<i16>,
}

/// WAVE_FORMAT_ALAW and WAVE_FORMAT_MULAW (RFC 2361).
const ALAW: u16 = 6;
const MULAW: u16 = 7;

/// Reads `file` if it is one of those; `None` leaves it to the reader of the common kinds.
pub(super) fn read(file: &[u8]) -> Option<Companded> {
    let mut rest = file.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut format = None;
    while let Some((head, body)) = rest.split_at_checked(8) {
        let (name, length) = head.split_at(4);
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        let chunk = body.get(..length).unwrap_or(body);
        match (name, format) {
            (b"fmt ", _) => format = Some(Format::read(chunk)?),
            (b"data", Some(Format { codec, rate, channels })) => {
                let mut samples = vec![0; chunk.len()];
                codec.decode(chunk, &mut samples);
                return Some(Companded { rate, channels, samples });
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = body.get(length.checked_add(length % 2)?..)?;
    }
    None
}

#[derive(Clone, Copy)]
struct Format {
    codec: Codec,
    rate: u32,
    channels: u16,
}

impl Format {
    /// Only 8 bits a sample, in one of the two laws.
    fn read(chunk: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u16::from_le_bytes(chunk.get(at..at + 2)?.try_into().ok()?));
        let codec = match word(0)? {
            ALAW => Codec::Pcma,
            MULAW => Codec::Pcmu,
            _ => return None,
        };
        let rate = u32::from_le_bytes(chunk.get(4..8)?.try_into().ok()?);
        (word(14)? == 8).then_some(Self { codec, rate, channels: word(2)? })
    }
}
