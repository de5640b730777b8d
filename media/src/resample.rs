//! Sampling rate conversion of whole recordings: a windowed-sinc low-pass, one set of taps per phase.
//! Must never be used on a live stream: it looks ahead.

/// Zero crossings of the sinc on each side.
const CROSSINGS: f64 = 24.0;
/// Shape of the Kaiser window: about 80 dB of stop band.
const BETA: f64 = 8.0;
/// Share of the lower Nyquist frequency that is kept.
const PASS: f64 = 0.94;

/// Converts samples at `from` hertz into samples at `to` hertz. Both rates must not be zero.
pub fn resample(input: &[f32], from: u32, to: u32) -> Vec<f32> {
    let divisor = gcd(from, to).max(1);
    let (up, down) = (u64::from(to / divisor), u64::from(from / divisor));
    if up == down || up == 0 || down == 0 {
        return input.to_vec();
    }
    let bank = Bank::new(up, down);
    let length = (input.len() as u64 * up).div_ceil(down);
    (0..length).map(|n| bank.sample(input, n * down / up, n * down % up)).collect()
}

/// The filter, cut into phases: output samples fall between input samples at `up` different places.
struct Bank {
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
        let phase = |phase: u64| {
            let at = before as f64 + phase as f64 / up as f64;
            let taps: Vec<f64> =
                (0..2 * before + 1).map(|tap| kernel(tap as f64 - at, cutoff, reach)).collect();
            // Each phase passes a constant unchanged: otherwise the phases would hum.
            let gain: f64 = taps.iter().sum();
            taps.into_iter().map(|tap| (tap / gain) as f32).collect()
        };
        Bank { phases: (0..up).map(phase).collect(), before }
    }

    fn sample(&self, input: &[f32], place: u64, phase: u64) -> f32 {
        let taps = self.phases.get(phase as usize).map_or(&[][..], Vec::as_slice);
        // Beyond both ends of the input lies silence.
        let missing = self.before.saturating_sub(place) as usize;
        let first = place.saturating_sub(self.before) as usize;
        let (taps, input) = (taps.get(missing..), input.get(first..));
        let pairs = taps.unwrap_or_default().iter().zip(input.unwrap_or_default());
        pairs.map(|(tap, sample)| tap * sample).sum()
    }
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
        for rate in [11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000] {
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
}
