//! Call progress tones: frequencies and cadence, sample by sample.
//! Must never keep state: a sample depends on its place alone.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A call progress tone, as heard in North America (ITU-T E.180 Supplement 2).
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

/// Samples in a second.
const RATE: usize = 8000;
/// Peak of one frequency: two together stay 6 dB below full scale.
const PEAK: f32 = 5000.0;
/// Samples over which a tone swells and fades, so that it does not click: 5 ms.
const EDGE: u64 = 40;

/// One second of a 1 Hz sine. Every whole frequency is periodic in it: stepping by `f` plays `f` Hz, exactly, for ever.
static SINE: LazyLock<Box<[i16]>> = LazyLock::new(|| {
    let angle = |place: usize| place as f32 / RATE as f32 * std::f32::consts::TAU;
    (0..RATE).map(|place| (angle(place).sin() * PEAK) as i16).collect()
});

struct Shape {
    hertz: &'static [usize],
    /// Samples of sound and of silence in turn.
    sound: u64,
    pause: u64,
    is_endless: bool,
}

impl Tone {
    /// Fills a frame with the tone from the sample at `place` on; silence once the tone is over.
    pub fn fill(self, place: u64, frame: &mut [i16]) {
        let shape = self.shape();
        for (place, sample) in (place..).zip(frame) {
            *sample = shape.sample(place);
        }
    }

    /// How many samples the tone has; `None` if it has no end.
    pub const fn length(self) -> Option<u64> {
        let shape = self.shape();
        if shape.is_endless { None } else { Some(shape.sound) }
    }

    const fn shape(self) -> Shape {
        let (hertz, sound_ms, pause_ms): (&[usize], u64, u64) = match self {
            Tone::Ringback => (&[440, 480], 2000, 4000),
            Tone::Busy => (&[480, 620], 500, 500),
            Tone::Congestion => (&[480, 620], 250, 250),
            Tone::Beep => (&[1000], 500, 0),
        };
        Shape { hertz, sound: sound_ms * 8, pause: pause_ms * 8, is_endless: pause_ms > 0 }
    }
}

impl Shape {
    fn sample(&self, place: u64) -> i16 {
        let within = if self.is_endless { place % (self.sound + self.pause) } else { place };
        if within >= self.sound {
            return 0;
        }
        let edge = (within + 1).min(self.sound - within).min(EDGE) as i32;
        let sine =
            |hertz: &usize| SINE.get((place % RATE as u64) as usize * hertz % RATE).copied().unwrap_or(0);
        let sum: i32 = self.hertz.iter().map(|hertz| i32::from(sine(hertz))).sum();
        (sum * edge / EDGE as i32) as i16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(samples: &[i16], hertz: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            let angle = std::f64::consts::TAU * hertz * n as f64 / 8000.0;
            re += f64::from(*sample) * angle.cos();
            im += f64::from(*sample) * angle.sin();
        }
        (re * re + im * im).sqrt() / samples.len() as f64
    }

    #[test]
    fn ringback_sounds_two_seconds_and_pauses_four() {
        let mut samples = vec![0; 8 * 8000];
        Tone::Ringback.fill(0, &mut samples);
        let (sound, rest) = samples.split_at(16_000);
        let (pause, again) = rest.split_at(32_000);
        assert!(pause.iter().all(|sample| *sample == 0));
        for hertz in [440.0, 480.0] {
            assert!(power(sound, hertz) > 2000.0 && power(again, hertz) > 2000.0);
        }
        assert!(power(sound, 620.0) < 50.0);
    }

    #[test]
    fn frames_join_without_a_seam() {
        let mut whole = vec![0; 1600];
        Tone::Busy.fill(3900, &mut whole);
        let mut frames = vec![0; 1600];
        for (n, frame) in frames.chunks_mut(160).enumerate() {
            Tone::Busy.fill(3900 + 160 * n as u64, frame);
        }
        assert_eq!(whole, frames);
    }

    #[test]
    fn a_beep_sounds_once_and_never_clips() {
        let mut samples = vec![0; 8000];
        Tone::Beep.fill(0, &mut samples);
        assert!(power(&samples[..4000], 1000.0) > 2000.0);
        assert!(samples[4000..].iter().all(|sample| *sample == 0));
        assert_eq!(Tone::Beep.length(), Some(4000));
        assert!(samples.iter().all(|sample| sample.unsigned_abs() <= 5000));
    }
}
