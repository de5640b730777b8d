//! Sampling rate conversion of whole recordings: a windowed-sinc low-pass, one set of taps per phase.
//! Must never be used on a live stream: it looks ahead.

/// Zero crossings of the sinc on each side.
const CROSSINGS: f64 = 24.0;
/// Shape of the Kaiser window: about 80 dB of stop band.
const BETA: f64 = 8.0;
/// Phases that are computed at most: rates that have little in common fall onto the nearest one.
const PHASES: u64 = 512;
/// Share of the lower Nyquist frequency that is kept.
const PASS: f64 = 0.94;

/// Converts samples at `from` hertz into samples at `to` hertz. Both rates must not be zero.
pub fn resample(input: &[f32], from: u32, to: u32) -> Vec<f32> {
    let mut resampler = Resampler::new(from, to);
    let mut output = Vec::new();
    resampler.take(input, &mut output);
    resampler.finish(&mut output);
    output
}

/// A conversion under way: a recording may come in pieces, however large.
pub struct Resampler {
    /// `None` if there is nothing to convert.
    bank: Option<Bank>,
    up: u64,
    down: u64,
    /// The input that is still of use; beyond both of its ends lies silence.
    input: Vec<f32>,
    /// The place of its first sample in all of the input.
    first: u64,
    /// Output samples so far.
    given: u64,
}

impl Resampler {
    /// Converts from one rate to another one, in hertz. Neither must be zero.
    pub fn new(from: u32, to: u32) -> Self {
        let divisor = gcd(from, to).max(1);
        let (up, down) = (u64::from(to / divisor).max(1), u64::from(from / divisor).max(1));
        let bank = (up != down).then(|| Bank::new(up, down));
        Resampler { bank, up, down, input: Vec::new(), first: 0, given: 0 }
    }

    /// Takes the next piece, and gives what can be given without the ones that follow.
    pub fn take(&mut self, input: &[f32], output: &mut Vec<f32>) {
        let Some(bank) = &self.bank else { return output.extend_from_slice(input) };
        self.input.extend_from_slice(input);
        let end = self.first + self.input.len() as u64;
        // An output sample needs the input up to `before` samples behind its place.
        let ready = end.saturating_sub(bank.before) * self.up / self.down;
        self.give(ready, output);
        let needed = (self.given * self.down / self.up)
            .saturating_sub(self.bank.as_ref().map_or(0, |bank| bank.before));
        let done = needed.saturating_sub(self.first).min(self.input.len() as u64);
        self.input.drain(..done as usize);
        self.first += done;
    }

    /// Gives the rest.
    pub fn finish(mut self, output: &mut Vec<f32>) {
        let end = self.first + self.input.len() as u64;
        self.give((end * self.up).div_ceil(self.down), output);
    }

    fn give(&mut self, until: u64, output: &mut Vec<f32>) {
        let Some(bank) = &self.bank else { return };
        for n in self.given..until {
            output.push(bank.sample(
                &self.input,
                self.first,
                n * self.down / self.up,
                n * self.down % self.up,
            ));
        }
        self.given = self.given.max(until);
    }
}

/// The filter, cut into phases: output samples fall between input samples at `up` different places.
struct Bank {
    /// How many places there are, of which each phase stands for one or more.
    up: u64,
    phases: Vec<Vec<f32>>,
    /// Taps before the input sample at or below the output sample.
    before: u64,
}

impl Bank {
    fn new(up: u64, down: u64) -> Self {
        // The cut-off in cycles per input sample.
        let cutoff = 0.5 * PASS * (up as f64 / down as f64).min(1.0);
        let reach = CROSSINGS / (2.0 * cutoff);
        let before = reach.ceil() as u64;
        let phases = up.min(PHASES);
        let phase = |phase: u64| {
            let at = before as f64 + phase as f64 / phases as f64;
            let taps: Vec<f64> =
                (0..2 * before + 1).map(|tap| kernel(tap as f64 - at, cutoff, reach)).collect();
            // Each phase passes a constant unchanged: otherwise the phases would hum.
            let gain: f64 = taps.iter().sum();
            taps.into_iter().map(|tap| (tap / gain) as f32).collect()
        };
        Bank { up, phases: (0..phases).map(phase).collect(), before }
    }

    /// The output sample at this place and phase; `first` is the place of the first input sample.
    fn sample(&self, input: &[f32], first: u64, place: u64, phase: u64) -> f32 {
        let phase = phase * self.phases.len() as u64 / self.up;
        let taps = self.phases.get(phase as usize).map_or(&[][..], Vec::as_slice);
        // Beyond both ends of the input lies silence.
        let missing = (first + self.before).saturating_sub(place) as usize;
        let skipped = place.saturating_sub(first + self.before) as usize;
        let (taps, input) = (taps.get(missing..), input.get(skipped..));
        dot(taps.unwrap_or_default(), input.unwrap_or_default())
    }
}

/// The sum of products, in eight lanes side by side.
fn dot(taps: &[f32], input: &[f32]) -> f32 {
    let length = taps.len().min(input.len());
    let (taps, input) = (taps.get(..length).unwrap_or_default(), input.get(..length).unwrap_or_default());
    let ((taps, last_taps), (input, last_input)) = (taps.as_chunks::<8>(), input.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (taps, input) in taps.iter().zip(input) {
        for ((lane, tap), sample) in lanes.iter_mut().zip(taps).zip(input) {
            *lane += tap * sample;
        }
    }
    let rest: f32 = last_taps.iter().zip(last_input).map(|(tap, sample)| tap * sample).sum();
    lanes.iter().sum::<f32>() + rest
}

fn kernel(x: f64, cutoff: f64, reach: f64) -> f64 {
    if x.abs() >= reach {
        return 0.0;
    }
    let angle = std::f64::consts::TAU * cutoff * x;
    let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
    let edge = (x / reach) * (x / reach);
    sinc * bessel(BETA * (1.0 - edge).sqrt()) / bessel(BETA)
}

/// Modified Bessel function of the first kind, order zero, by its power series.
fn bessel(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let terms = (1..40).scan(1.0, |term, k| {
        *term *= quarter / f64::from(k * k);
        Some(*term)
    });
    1.0 + terms.sum::<f64>()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hertz: f64, rate: u32) -> Vec<f32> {
        let angle = |n: u32| std::f64::consts::TAU * hertz * f64::from(n) / f64::from(rate);
        (0..rate).map(|n| angle(n).sin() as f32 * 0.5).collect()
    }

    /// Level against the input, in decibels, away from both ends.
    fn gain(hertz: f64, from: u32) -> f64 {
        let output = resample(&sine(hertz, from), from, 8000);
        let middle = &output[1000..7000];
        let mean = middle.iter().map(|sample| f64::from(sample * sample)).sum::<f64>() / middle.len() as f64;
        10.0 * (mean / 0.125).log10()
    }

    #[test]
    fn speech_passes_and_what_would_alias_does_not() {
        for rate in [11_025, 16_000, 22_050, 22_254, 32_000, 44_100, 48_000, 96_000] {
            for hertz in [100.0, 1000.0, 3300.0] {
                assert!(gain(hertz, rate).abs() < 0.1, "{hertz} Hz at {rate}: {} dB", gain(hertz, rate));
            }
            assert!(gain(4400.0, rate) < -60.0, "4400 Hz at {rate}: {} dB", gain(4400.0, rate));
        }
    }

    #[test]
    fn a_tone_keeps_its_pitch_phase_and_length() {
        for rate in [6000, 8000, 44_100, 48_000] {
            let output = resample(&sine(1000.0, rate), rate, 8000);
            assert_eq!(output.len(), 8000);
            let wanted = sine(1000.0, 8000);
            let worst = output
                .iter()
                .zip(&wanted)
                .skip(500)
                .take(7000)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(worst < 0.001, "{worst} at {rate}");
        }
    }

    #[test]
    fn an_empty_recording_stays_empty() {
        assert_eq!(resample(&[], 44_100, 8000), Vec::<f32>::new());
    }

    #[test]
    fn a_recording_in_pieces_sounds_as_the_whole() {
        for rate in [6000, 8000, 11_025, 48_000] {
            let input = sine(300.0, rate);
            let mut resampler = Resampler::new(rate, 8000);
            let mut output = Vec::new();
            for piece in input.chunks(777) {
                resampler.take(piece, &mut output);
            }
            resampler.finish(&mut output);
            assert_eq!(output, resample(&input, rate, 8000));
        }
    }
}
