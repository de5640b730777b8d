//! Call progress tones: frequencies and cadence, sample by sample.
//! Must never keep state: a sample depends on its place alone.

use serde::{Deserialize, Serialize};

/// A call progress tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tone {
    /// The other end rings.
    Ringback,
    /// The other end is busy.
    Busy,
    /// No way through.
    Congestion,
    /// Speak now: sounds once.
    Beep,
}
