//! From sound as it comes, piece by piece, to a prompt: one channel, 8 kHz.
//! Must never hold more than the prompt and a piece: a small file may be a long one.

use super::pcm::Encoding;
use super::{Asset, AssetError};
use crate::resample::Resampler;

/// Frames of a piece.
const PIECE: usize = 4096;
/// The sampling rates that sound has, in hertz, and its channels.
const RATES: std::ops::RangeInclusive<u32> = 1000..=192_000;
const CHANNELS: std::ops::RangeInclusive<u16> = 1..=16;

/// A prompt in the making.
pub(super) struct Intake {
    channels: u16,
    /// Samples of each channel that may still come.
    left: u64,
    resampler: Resampler,
    /// Scratch: a piece in one channel, before and after its conversion.
    mono: Vec<f32>,
    converted: Vec<f32>,
    samples: Vec<i16>,
}

impl Intake {
    /// For sound of so many hertz and channels.
    pub(super) fn new(rate: u32, channels: u16) -> Result<Self, AssetError> {
        if !RATES.contains(&rate) {
            return Err(AssetError::Rate(rate));
        }
        if !CHANNELS.contains(&channels) {
            return Err(AssetError::Channels(channels));
        }
        Ok(Intake {
            channels,
            left: Asset::LIMIT.as_secs() * u64::from(rate),
            resampler: Resampler::new(rate, Asset::RATE),
            mono: Vec::new(),
            converted: Vec::new(),
            samples: Vec::new(),
        })
    }

    /// Takes whole frames, interleaved; full scale is one.
    pub(super) fn take(&mut self, interleaved: impl ExactSizeIterator<Item = f32>) -> Result<(), AssetError> {
        let channels = usize::from(self.channels);
        let frames = interleaved.len() / channels;
        self.left = self.left.checked_sub(frames as u64).ok_or(AssetError::TooLong)?;
        let share = 1.0 / f32::from(self.channels);
        self.mono.clear();
        self.mono.resize(frames, 0.0);
        for (n, sample) in interleaved.take(frames * channels).enumerate() {
            if let Some(mono) = self.mono.get_mut(n / channels) {
                *mono += sample * share;
            }
        }
        self.converted.clear();
        self.resampler.take(&self.mono, &mut self.converted);
        self.samples.extend(self.converted.iter().map(|sample| quantise(*sample)));
        Ok(())
    }

    /// Takes the octets of frames in this encoding; a frame that is not whole is left out.
    pub(super) fn take_pcm(&mut self, octets: &[u8], encoding: Encoding) -> Result<(), AssetError> {
        let frame = encoding.width() * usize::from(self.channels);
        if (octets.len() / frame.max(1)) as u64 > self.left {
            return Err(AssetError::TooLong);
        }
        let whole = octets.len() - octets.len() % frame.max(1);
        for piece in octets.get(..whole).unwrap_or_default().chunks(frame * PIECE) {
            self.take(piece.chunks_exact(encoding.width()).map(|sample| encoding.read(sample)))?;
        }
        Ok(())
    }

    /// The prompt.
    pub(super) fn finish(mut self) -> Asset {
        self.converted.clear();
        self.resampler.finish(&mut self.converted);
        self.samples.extend(self.converted.iter().map(|sample| quantise(*sample)));
        Asset::from_samples(&self.samples)
    }
}

fn quantise(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}
