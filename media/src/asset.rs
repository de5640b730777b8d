//! Prompts in memory: mono samples at 8 kHz, made once and shared by all who play them.
//! Must never be made on a media worker.

mod companded;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hound::{SampleFormat, WavReader};

use self::companded::Companded;
use crate::codec::Codec;
use crate::resample;
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
#[derive(Debug, thiserror::Error)]
pub enum AssetError {
    /// No WAV file that can be read.
    #[error("not a readable wav file: {0}")]
    Wav(#[from] hound::Error),
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

    /// Samples in a second.
    const RATE: u32 = 8000;

    /// Reads a WAV file of any rate, any number of channels, and 8 to 32 bits, floating point or G.711.
    pub fn from_wav(file: &[u8]) -> Result<Asset, AssetError> {
        if let Some(Companded { rate, channels, samples }) = companded::read(file) {
            check(rate, channels, samples.len() as u64)?;
            let scaled: Vec<f32> = samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
            return Ok(Self::from_interleaved(&scaled, channels, rate));
        }
        let mut reader = WavReader::new(file)?;
        let spec = reader.spec();
        check(spec.sample_rate, spec.channels, reader.len().into())?;
        let interleaved: Vec<f32> = match spec.sample_format {
            SampleFormat::Float => reader.samples::<f32>().collect::<Result<_, _>>()?,
            SampleFormat::Int => {
                let full_scale = 2f32.powi(i32::from(spec.bits_per_sample) - 1);
                let scaled = |sample: i32| sample as f32 / full_scale;
                reader.samples::<i32>().map(|sample| sample.map(scaled)).collect::<Result<_, _>>()?
            }
        };
        Ok(Self::from_interleaved(&interleaved, spec.channels, spec.sample_rate))
    }

    fn from_interleaved(interleaved: &[f32], channels: u16, rate: u32) -> Asset {
        let share = 1.0 / f32::from(channels);
        let frames = interleaved.chunks_exact(usize::from(channels));
        let mono: Vec<f32> = frames.map(|frame| frame.iter().sum::<f32>() * share).collect();
        let mono = resample::resample(&mono, rate, Self::RATE);
        let samples: Vec<i16> = mono.into_iter().map(|sample| (sample * 32_768.0).round() as i16).collect();
        Self::from_samples(&samples)
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

/// What a file may claim about itself; `samples` counts those of all channels.
fn check(rate: u32, channels: u16, samples: u64) -> Result<(), AssetError> {
    if !(1000..=192_000).contains(&rate) {
        return Err(AssetError::Rate(rate));
    }
    if !(1..=16).contains(&channels) {
        return Err(AssetError::Channels(channels));
    }
    if samples / u64::from(channels) > Asset::LIMIT.as_secs() * u64::from(rate) {
        return Err(AssetError::TooLong);
    }
    Ok(())
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
