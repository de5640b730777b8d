//! Whether anybody speaks: the loudness of what was received, and for how long it has been low.
//! Must never count what did not come: missing packets are no silence.

use serde::{Deserialize, Serialize};

/// The mean magnitude from which on 20 ms are loud: 43 dB below full scale, well above the noise of a quiet line and
/// well below a quiet voice.
const LOUD: u32 = 200;
/// Loudness must last for 40 ms to be a voice; a click is none.
const VOICE: u64 = 320;
/// Silence counts from 200 ms after a voice: words end softly.
const HANG_OVER: u64 = 1600;

/// What is known of the loudness of a channel, in samples heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Loudness {
    /// Loud samples in a row.
    loud: u64,
    /// Samples since the last voice.
    quiet: u64,
    /// Whether there was any voice.
    pub(crate) is_voiced: bool,
}

/// Whether these samples are loud.
pub(crate) fn is_loud(samples: &[i16]) -> bool {
    let sum: u32 = samples.iter().map(|sample| u32::from(sample.unsigned_abs())).sum();
    sum >= LOUD.saturating_mul(samples.len() as u32).max(1)
}

impl Loudness {
    /// Hears up to 20 ms.
    pub(crate) fn hear(&mut self, samples: u64, is_loud: bool) {
        self.loud = if is_loud { self.loud.saturating_add(samples) } else { 0 };
        if self.loud >= VOICE {
            (self.quiet, self.is_voiced) = (0, true);
        } else {
            self.quiet = self.quiet.saturating_add(samples);
        }
    }

    /// How many more quiet samples make a silence of this length.
    pub(crate) fn until(&self, silence: u64) -> u64 {
        let hang_over = if self.is_voiced { HANG_OVER } else { 0 };
        silence.saturating_add(hang_over).saturating_sub(self.quiet)
    }
}
