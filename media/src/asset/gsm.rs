//! GSM 06.10 full rate, decoding only: 33 octets are 160 samples.
//! Must never compute but as the standard's fixed-point operators do, bit by bit (ETSI EN 300 961).

use super::intake::Intake;
use super::{AssetError, AudioKind};

/// Samples of a frame, and of one of its four parts.
const FRAME: usize = 160;
const PART: usize = 40;
/// Samples of the past that the long-term prediction reaches back to.
const PAST: usize = 120;

/// How frames lie in their octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// 33 octets a frame, the highest bits first, behind a signature of four bits.
    Plain,
    /// 65 octets for two frames, the lowest bits first, as in WAV files.
    Wav,
}

/// Widths of the log area ratios (§1.7, Table 1.1).
const RATIO_BITS: [usize; 8] = [6, 6, 5, 5, 4, 4, 3, 3];
/// Inverse of their quantisation (§4.2.8, Table 4.1): offset, smallest value, inverse factor.
const OFFSETS: [i16; 8] = [0, 0, 2048, -2560, 94, -1792, -341, -1144];
const SMALLEST: [i16; 8] = [-32, -32, -16, -16, -8, -8, -4, -4];
const FACTORS: [i16; 8] = [13_107, 13_107, 13_107, 13_107, 19_223, 17_476, 31_454, 29_708];
/// Gains of the long-term prediction (Table 4.3b).
const GAINS: [i16; 4] = [3277, 11_469, 21_299, 32_767];
/// Normalised direct mantissas of the pulses (Table 4.6).
const MANTISSAS: [i16; 8] = [18_431, 20_479, 22_527, 24_575, 26_623, 28_671, 30_719, 32_767];
/// The de-emphasis (§4.3.5).
const EMPHASIS: i16 = 28_180;

/// Reads all whole frames into `intake`.
pub(super) fn read(octets: &[u8], packing: Packing, intake: &mut Intake) -> Result<(), AssetError> {
    let mut decoder = Decoder::default();
    let mut give = |decoder: &mut Decoder, bits: &mut Bits| {
        let samples = decoder.frame(&Frame::read(bits));
        intake.take(samples.iter().map(|sample| f32::from(*sample) / 32_768.0))
    };
    match packing {
        Packing::Plain => {
            for octets in octets.chunks_exact(33) {
                let mut bits = Bits { octets, at: 0, packing };
                if bits.take(4) != 0xD {
                    return Err(AssetError::Unreadable(AudioKind::Gsm));
                }
                give(&mut decoder, &mut bits)?;
            }
        }
        Packing::Wav => {
            for octets in octets.chunks_exact(65) {
                let mut bits = Bits { octets, at: 0, packing };
                give(&mut decoder, &mut bits)?;
                give(&mut decoder, &mut bits)?;
            }
        }
    }
    Ok(())
}

struct Bits<'a> {
    octets: &'a [u8],
    at: usize,
    packing: Packing,
}

impl Bits<'_> {
    fn take(&mut self, width: usize) -> i16 {
        let mut value = 0;
        for n in 0..width {
            let octet = self.octets.get(self.at / 8).copied().unwrap_or_default();
            value |= match self.packing {
                Packing::Plain => i16::from(octet >> (7 - self.at % 8) & 1) << (width - 1 - n),
                Packing::Wav => i16::from(octet >> (self.at % 8) & 1) << n,
            };
            self.at += 1;
        }
        value
    }
}

/// The parameters of a frame (§1.7).
struct Frame {
    ratios: [i16; 8],
    parts: [Part; 4],
}

#[derive(Clone, Copy)]
struct Part {
    lag: i16,
    gain: i16,
    /// The grid that the pulses lie on.
    grid: i16,
    maximum: i16,
    pulses: [i16; 13],
}

impl Frame {
    fn read(bits: &mut Bits) -> Self {
        let ratios = RATIO_BITS.map(|width| bits.take(width));
        let parts = [(); 4].map(|()| Part {
            lag: bits.take(7),
            gain: bits.take(2),
            grid: bits.take(2),
            maximum: bits.take(6),
            pulses: [(); 13].map(|()| bits.take(3)),
        });
        Frame { ratios, parts }
    }
}

struct Decoder {
    /// The reconstructed short-term residual: the past, and the part at work.
    residual: [i16; PAST + PART],
    lag: i16,
    /// Log area ratios of the frame before.
    ratios: [i16; 8],
    /// Memory of the synthesis filter.
    memory: [i16; 9],
    emphasis: i16,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder { residual: [0; PAST + PART], lag: 40, ratios: [0; 8], memory: [0; 9], emphasis: 0 }
    }
}

impl Decoder {
    fn frame(&mut self, frame: &Frame) -> [i16; FRAME] {
        let mut samples = [0; FRAME];
        for (part, samples) in frame.parts.iter().zip(samples.chunks_exact_mut(PART)) {
            self.predict(part);
            samples.copy_from_slice(&self.residual[PAST..]);
            self.residual.copy_within(PART.., 0);
        }
        self.synthesise(&frame.ratios, &mut samples);
        for sample in &mut samples {
            self.emphasis = sample.saturating_add(multiply(self.emphasis, EMPHASIS));
            // The output has 13 bits (§4.3.6, §4.3.7).
            *sample = self.emphasis.saturating_add(self.emphasis) & !7;
        }
        samples
    }

    /// Long-term synthesis (§4.3.2) of what the pulses of a part excite.
    fn predict(&mut self, part: &Part) {
        if (40..=120).contains(&part.lag) {
            self.lag = part.lag;
        }
        let gain = GAINS[part.gain as usize & 3];
        let excitation = part.excitation();
        for (n, excited) in excitation.into_iter().enumerate() {
            // The lag is 40 at least and 120 at most: it points into the past.
            let before = self.residual[PAST + n - self.lag as usize];
            self.residual[PAST + n] = excited.saturating_add(multiply(gain, before));
        }
    }

    /// Short-term synthesis (§4.3.3, §4.3.4): the ratios of two frames blend over the first 40 samples.
    fn synthesise(&mut self, coded: &[i16; 8], samples: &mut [i16; FRAME]) {
        let mut ratios = [0; 8];
        for (n, ratio) in ratios.iter_mut().enumerate() {
            let scaled = coded[n].saturating_add(SMALLEST[n]) << 10;
            let value = multiply(FACTORS[n], scaled.saturating_sub(OFFSETS[n] << 1));
            *ratio = value.saturating_add(value);
        }
        let before = std::mem::replace(&mut self.ratios, ratios);
        let blend = |mix: fn(i16, i16) -> i16| {
            let mut reflections = [0; 8];
            for (n, reflection) in reflections.iter_mut().enumerate() {
                *reflection = reflect(mix(before[n], ratios[n]));
            }
            reflections
        };
        let (first, rest) = samples.split_at_mut(13);
        self.filter(&blend(|a, b| (a >> 2).saturating_add(b >> 2).saturating_add(a >> 1)), first);
        let (second, rest) = rest.split_at_mut(14);
        self.filter(&blend(|a, b| (a >> 1).saturating_add(b >> 1)), second);
        let (third, rest) = rest.split_at_mut(13);
        self.filter(&blend(|a, b| (a >> 2).saturating_add(b >> 2).saturating_add(b >> 1)), third);
        self.filter(&blend(|_, b| b), rest);
    }

    fn filter(&mut self, reflections: &[i16; 8], samples: &mut [i16]) {
        for sample in samples {
            let mut value = *sample;
            for (n, reflection) in reflections.iter().enumerate().rev() {
                value = value.saturating_sub(multiply(*reflection, self.memory[n]));
                self.memory[n + 1] = self.memory[n].saturating_add(multiply(*reflection, value));
            }
            self.memory[0] = value;
            *sample = value;
        }
    }
}

impl Part {
    /// The pulses, decoded (§4.2.15, §4.2.16) and put onto their grid (§4.2.17).
    fn excitation(&self) -> [i16; PART] {
        let mut exponent = if self.maximum > 15 { (self.maximum >> 3) - 1 } else { 0 };
        let mut mantissa = self.maximum - (exponent << 3);
        if mantissa == 0 {
            (exponent, mantissa) = (-4, 7);
        } else {
            while mantissa <= 7 {
                mantissa = mantissa << 1 | 1;
                exponent -= 1;
            }
            mantissa -= 8;
        }
        let factor = MANTISSAS[mantissa as usize & 7];
        // The exponent is -4 at least and 6 at most.
        let shift = 6 - exponent;
        let round = if shift > 0 { 1 << (shift - 1) } else { 0 };
        let mut excitation = [0; PART];
        for (n, pulse) in self.pulses.iter().enumerate() {
            let scaled = multiply(factor, ((pulse << 1) - 7) << 12);
            excitation[self.grid as usize + 3 * n] = scaled.saturating_add(round) >> shift;
        }
        excitation
    }
}

/// The reflection coefficient of a log area ratio (§4.2.9.2).
fn reflect(ratio: i16) -> i16 {
    let size = ratio.saturating_abs();
    let size = match size {
        ..11_059 => size << 1,
        11_059..20_070 => size + 11_059,
        _ => (size >> 2).saturating_add(26_112),
    };
    if ratio < 0 { -size } else { size }
}

/// The product of two fractions, rounded.
fn multiply(a: i16, b: i16) -> i16 {
    ((i32::from(a) * i32::from(b) + 0x4000) >> 15).min(i16::MAX.into()) as i16
}

#[cfg(test)]
mod tests;
