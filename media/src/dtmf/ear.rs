//! Keys heard in sound: eight Goertzel filters over blocks of 12.75 ms (ITU-T Q.24 gives the limits).
//! Must never take speech for a key: two tones must be nearly all that is heard, and last.

use serde::{Deserialize, Serialize};

use super::{Key, ROWS};

/// Samples of a block: short enough that a tone of 40 ms fills two, long enough to tell 697 from 770 Hz.
const BLOCK: u16 = 102;
/// Blocks that must agree before a key is told: a tone of 23 ms cannot fill two.
const AGREEING: u8 = 2;
/// Blocks without the key that end its press: interruptions shorter than 20 ms are none.
const ABSENT: u8 = 2;
/// Bits after the point of a filter's coefficient; with samples of 13 bits all products fit into 32.
const POINT: u32 = 11;
/// Bits of a sample that are left out.
const COARSE: u32 = 3;
/// The power of a tone 36 dB below full load in this scale, as a filter sees it.
const FLOOR: f32 = 45.0 * 45.0 * (BLOCK as f32) * (BLOCK as f32) / 4.0;
/// How much louder than the other tones of its group a tone must be: 8 dB.
const LEAD: f32 = 6.3;
/// How much louder a row may be than its column, and the other way round: 8 and 4 dB.
const TWIST: f32 = 6.3;
const REVERSE_TWIST: f32 = 2.5;
/// The share of all energy that both tones must have.
const SHARE: f32 = 0.82;

/// Twice the cosine of each filter's step, rows first.
const COEFFICIENTS: [i32; 8] = [3497, 3370, 3213, 3027, 2384, 2041, 1636, 1164];

/// What is heard of the sound so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ear {
    /// The last two outputs of each filter.
    filters: [(i32, i32); 8],
    energy: i64,
    /// Samples of the block so far.
    filled: u16,
    /// What the blocks before showed, and how many in a row.
    seen: Option<Key>,
    agreeing: u8,
    /// The key that is pressed, and for how many blocks it has not been heard.
    pressed: Option<Key>,
    absent: u8,
}

impl Ear {
    /// Hears samples that follow the ones before; gives the key that is told by them, if any.
    pub fn hear(&mut self, mut samples: &[i16]) -> Option<Key> {
        let mut told = None;
        while !samples.is_empty() {
            let open = usize::from(BLOCK.saturating_sub(self.filled));
            let (block, rest) = samples.split_at(open.min(samples.len()));
            self.filter(block);
            samples = rest;
            if self.filled >= BLOCK {
                told = told.or(self.judge());
            }
        }
        told
    }

    fn filter(&mut self, samples: &[i16]) {
        let mut filters = self.filters;
        let mut energy = 0;
        for sample in samples {
            let sample = i32::from(*sample) >> COARSE;
            energy += sample * sample / 16;
            for ((last, before), coefficient) in filters.iter_mut().zip(COEFFICIENTS) {
                let next =
                    sample.wrapping_add(coefficient.wrapping_mul(*last) >> POINT).wrapping_sub(*before);
                (*before, *last) = (*last, next);
            }
        }
        self.filters = filters;
        self.energy += i64::from(energy) * 16;
        self.filled += samples.len() as u16;
    }

    /// Ends a block: what it shows becomes certain or not.
    fn judge(&mut self) -> Option<Key> {
        let shown = self.shown();
        (self.filters, self.energy, self.filled) = ([(0, 0); 8], 0, 0);
        self.agreeing = if shown == self.seen { self.agreeing.saturating_add(1) } else { 1 };
        self.seen = shown;
        self.absent = if shown == self.pressed { 0 } else { self.absent.saturating_add(1) };
        if self.absent >= ABSENT {
            self.pressed = None;
        }
        let key = shown.filter(|key| self.agreeing >= AGREEING && self.pressed != Some(*key))?;
        (self.pressed, self.absent) = (Some(key), 0);
        Some(key)
    }

    /// The key that this block shows.
    fn shown(&self) -> Option<Key> {
        let mut powers = [0.0; 8];
        for ((power, (last, before)), coefficient) in powers.iter_mut().zip(self.filters).zip(COEFFICIENTS) {
            let (last, before) = (last as f32, before as f32);
            *power = last * last + before * before - coefficient as f32 / (1 << POINT) as f32 * last * before;
        }
        let (rows, columns) = powers.split_at(ROWS.len());
        let ((row, low), (column, high)) = (loudest(rows)?, loudest(columns)?);
        let has_twist = low > high * TWIST || high > low * REVERSE_TWIST;
        // A tone of amplitude a has a power of (a N / 2)² behind its filter, and an energy of a² N / 2.
        let share = (low + high) * 2.0 / f32::from(BLOCK) / self.energy.max(1) as f32;
        let is_key = low.min(high) >= FLOOR && !has_twist && share >= SHARE;
        is_key.then(|| Key::from_tones(row, column)).flatten()
    }
}

/// The tone of a group that stands out, with its power.
fn loudest(group: &[f32]) -> Option<(usize, f32)> {
    let (place, power) = group.iter().copied().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let stands_out = |(other, weaker): (usize, &f32)| other == place || *weaker * LEAD < power;
    group.iter().enumerate().all(stands_out).then_some((place, power))
}

#[cfg(test)]
mod tests;
