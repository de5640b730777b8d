//! Prompts in memory: mono samples at 8 kHz, made once and shared by all who play them.
//! Must never be made on a media worker.

mod aiff;
mod chunks;
mod gsm;
mod intake;
mod kind;
mod mpeg;
mod pcm;
mod wav;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::gsm::Packing;
use self::intake::Intake;
pub use self::kind::AudioKind;
use crate::codec::Codec;
use crate::tone::Tone;

/// A prompt, ready to be played.
#[derive(Clone, PartialEq, Eq)]
pub struct Asset {
    /// Samples in a second; always 8000.
    pub rate: u32,
    /// The samples.
    pub samples: Arc<[i16]>,
    /// Names the content in snapshots; made from the samples unless [`Asset::named`].
    pub key: String,
}

/// Why bytes could not become a prompt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssetError {
    /// No file of that kind, or of a variety that is not read.
    #[error("not a readable {0} file")]
    Unreadable(AudioKind),
    /// Larger than [`Asset::LARGEST`].
    #[error("larger than {} MiB", Asset::LARGEST >> 20)]
    TooLarge,
    /// Longer than [`Asset::LIMIT`].
    #[error("longer than {} minutes", Asset::LIMIT.as_secs() / 60)]
    TooLong,
    /// A sampling rate outside 1 kHz to 192 kHz.
    #[error("a sampling rate of {0} Hz")]
    Rate(u32),
    /// No channel at all, or more than 16.
    #[error("{0} channels")]
    Channels(u16),
}

impl Asset {
    /// The longest prompt.
    pub const LIMIT: Duration = Duration::from_secs(40 * 60);

    /// The largest file, in octets.
    pub const LARGEST: usize = 128 << 20;

    /// Samples in a second.
    const RATE: u32 = 8000;

    /// Reads a file of this kind, of any rate and number of channels.
    pub fn decode(bytes: &[u8], kind: AudioKind) -> Result<Asset, AssetError> {
        if bytes.len() > Self::LARGEST {
            return Err(AssetError::TooLarge);
        }
        match kind {
            AudioKind::Wav => wav::read(bytes).map(Intake::finish),
            AudioKind::Mpeg => mpeg::read(bytes).map(Intake::finish),
            AudioKind::Aiff => aiff::read(bytes).map(Intake::finish),
            AudioKind::Ulaw => Self::from_mulaw(bytes),
            AudioKind::Gsm => {
                let mut intake = Intake::new(Self::RATE, 1)?;
                gsm::read(bytes, Packing::Plain, &mut intake)?;
                Ok(intake.finish())
            }
        }
    }

    /// Reads a WAV file: 8 to 32 bits, floating point, G.711 or GSM 06.10.
    pub fn from_wav(file: &[u8]) -> Result<Asset, AssetError> {
        Self::decode(file, AudioKind::Wav)
    }

    /// Takes raw µ-law at 8 kHz.
    pub fn from_mulaw(octets: &[u8]) -> Result<Asset, AssetError> {
        if octets.len() as u64 > Self::LIMIT.as_secs() * u64::from(Self::RATE) {
            return Err(AssetError::TooLong);
        }
        let mut samples = vec![0; octets.len()];
        Codec::Pcmu.decode(octets, &mut samples);
        Ok(Self::from_samples(&samples))
    }

    /// A prompt that is a tone; an endless one is cut after `length`.
    pub fn from_tone(tone: Tone, length: Duration) -> Asset {
        let length = length.min(Self::LIMIT).as_millis() as u64 * 8;
        let mut samples = vec![0; tone.length().unwrap_or(u64::MAX).min(length) as usize];
        tone.fill(0, &mut samples);
        Self::from_samples(&samples)
    }

    /// Takes samples at 8 kHz as they are.
    pub fn from_samples(samples: &[i16]) -> Asset {
        Asset { rate: Self::RATE, samples: samples.into(), key: key(samples) }
    }

    /// The same prompt under another key.
    pub fn named(self, key: impl Into<String>) -> Asset {
        Asset { key: key.into(), ..self }
    }

    /// How long the prompt is.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.samples.len() as u64 * 125)
    }
}

impl fmt::Debug for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Asset({}, {:?})", self.key, self.duration())
    }
}

/// FNV-1a over the samples: tells prompts apart, proves nothing.
fn key(samples: &[i16]) -> String {
    let octets = samples.iter().flat_map(|sample| sample.to_le_bytes());
    let hash = octets.fold(0xCBF2_9CE4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    format!("{hash:016x}-{}", samples.len())
}

#[cfg(test)]
mod tests;
