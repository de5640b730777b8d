//! Prompts in memory: mono samples at 8 kHz, made once and shared by all who play them.
//! Must never be made on a media worker.

use std::sync::Arc;
use std::time::Duration;

/// A prompt, ready to be played.
#[derive(Clone, PartialEq, Eq)]
pub struct Asset {
    /// Samples in a second; always 8000.
    pub rate: u32,
    /// The samples.
    pub samples: Arc<[i16]>,
    /// Names the content in snapshots.
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
}

impl Asset {
    /// The longest prompt.
    pub const LIMIT: Duration = Duration::from_secs(40 * 60);

    /// How long the prompt is.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.samples.len() as u64 * 125)
    }
}

impl std::fmt::Debug for Asset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asset({}, {:?})", self.key, self.duration())
    }
}
