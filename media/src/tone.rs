//! Call progress tones: frequencies and cadence, sample by sample.
//! Must never keep state: a sample depends on its place alone.

mod country;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

pub use country::{Country, UnknownCountry};

/// A call progress tone, as heard in North America unless it names a country (ITU-T E.180 Supplement 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tone {
    /// The other end rings.
    Ringback,
    /// The other end rings, as it does in that country.
    Ringing(Country),
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
/// Samples in a millisecond.
const MS: u64 = 8;

/// One second of a 1 Hz sine. Every whole frequency is periodic in it: stepping by `f` plays `f` Hz, exactly, for ever.
static SINE: LazyLock<Box<[i16]>> = LazyLock::new(|| {
    let angle = |place: usize| place as f32 / RATE as f32 * std::f32::consts::TAU;
    (0..RATE).map(|place| (angle(place).sin() * PEAK) as i16).collect()
});

/// What is heard while a tone sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timbre {
    /// One frequency.
    Pure(usize),
    /// Two frequencies together.
    Pair(usize, usize),
    /// The first frequency, swelling and fading with the second one.
    Trill(usize, usize),
}

/// Milliseconds of sound and of silence, in turn.
type Cadence = &'static [(u64, u64)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    timbre: Timbre,
    cadence: Cadence,
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
    pub fn length(self) -> Option<u64> {
        let shape = self.shape();
        (!shape.is_endless).then(|| shape.period())
    }

    const fn shape(self) -> Shape {
        let (timbre, cadence): (Timbre, Cadence) = match self {
            Tone::Ringback => (Timbre::Pair(440, 480), &[(2000, 4000)]),
            Tone::Ringing(country) => country.ringing(),
            Tone::Busy => (Timbre::Pair(480, 620), &[(500, 500)]),
            Tone::Congestion => (Timbre::Pair(480, 620), &[(250, 250)]),
            Tone::Beep => (Timbre::Pure(1000), &[(500, 0)]),
        };
        Shape { timbre, cadence, is_endless: !matches!(self, Tone::Beep) }
    }
}

impl Shape {
    /// Samples of one round of the cadence.
    fn period(&self) -> u64 {
        self.cadence.iter().map(|(sound, pause)| (sound + pause) * MS).sum()
    }

    fn sample(&self, place: u64) -> i16 {
        let mut within = if self.is_endless { place % self.period().max(1) } else { place };
        for (sound, pause) in self.cadence {
            let (sound, pause) = (sound * MS, pause * MS);
            if within < sound {
                let edge = (within + 1).min(sound - within).min(EDGE) as i32;
                return (self.timbre.sample(place) * edge / EDGE as i32) as i16;
            }
            if within < sound + pause {
                return 0;
            }
            within -= sound + pause;
        }
        0
    }
}

impl Timbre {
    fn sample(self, place: u64) -> i32 {
        match self {
            Timbre::Pure(hertz) => sine(hertz, place),
            Timbre::Pair(low, high) => sine(low, place) + sine(high, place),
            // Nine tenths of full modulation: never quite silent, and no louder than a pure tone.
            Timbre::Trill(hertz, beat) => {
                let depth = PEAK as i32 * 19 / 10;
                sine(hertz, place) * (PEAK as i32 + sine(beat, place) * 9 / 10) / depth
            }
        }
    }
}

/// The sample at `place` of a sine of 5000 at its peak, 13 dB below full load.
pub(crate) fn sine(hertz: usize, place: u64) -> i32 {
    SINE.get((place % RATE as u64) as usize * hertz % RATE).copied().unwrap_or(0).into()
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

    #[test]
    fn germany_rings_one_second_in_five_and_britain_twice() {
        let heard = |tone: Tone| {
            let mut samples = vec![0; 10 * 8000];
            tone.fill(0, &mut samples);
            samples.chunks(800).map(|tenth| tenth.iter().any(|sample| *sample != 0)).collect::<Vec<bool>>()
        };
        let german: Vec<bool> = (0..100).map(|tenth| tenth % 50 < 10).collect();
        assert_eq!(heard(Tone::Ringing(Country::De)), german);
        let british: Vec<bool> = (0..100).map(|tenth| matches!(tenth % 30, 0..4 | 6..10)).collect();
        assert_eq!(heard(Tone::Ringing(Country::Uk)), british);
    }

    #[test]
    fn a_trill_carries_its_beat_in_the_side_bands() {
        let mut samples = vec![0; 3200];
        Tone::Ringing(Country::Za).fill(0, &mut samples);
        let carrier = power(&samples, 400.0);
        for band in [367.0, 433.0] {
            assert!(power(&samples, band) > carrier / 4.0, "{band} Hz");
        }
        assert!(samples.iter().all(|sample| sample.unsigned_abs() <= 5000));
    }
}
