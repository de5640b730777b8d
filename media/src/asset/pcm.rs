//! Samples as octets: linear of all widths, floating point, G.711.
//! Must never give a number that is none.

use crate::codec::Codec;

/// In which order the octets of a sample lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The least significant one first.
    Little,
    /// The most significant one first.
    Big,
}

/// How a sample is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// One octet, silence at 128.
    Unsigned,
    /// Two's complement of one to four octets; narrower samples are justified to the left.
    Signed(usize, Order),
    /// IEEE 754 of four octets.
    Single(Order),
    /// IEEE 754 of eight octets.
    Double(Order),
    /// G.711.
    Law(Codec),
}

impl Encoding {
    /// Two's complement of so many bits; `None` if there is no such thing.
    pub(super) fn signed(bits: u16, order: Order) -> Option<Self> {
        let octets = usize::from(bits).div_ceil(8);
        (1..=4).contains(&octets).then_some(Encoding::Signed(octets, order))
    }

    /// IEEE 754 of so many bits.
    pub(super) fn float(bits: u16, order: Order) -> Option<Self> {
        match bits {
            32 => Some(Encoding::Single(order)),
            64 => Some(Encoding::Double(order)),
            _ => None,
        }
    }

    /// Octets of a sample.
    pub(super) fn width(self) -> usize {
        match self {
            Encoding::Unsigned | Encoding::Law(_) => 1,
            Encoding::Signed(octets, _) => octets,
            Encoding::Single(_) => 4,
            Encoding::Double(_) => 8,
        }
    }

    /// The sample that these octets are, full scale being one.
    pub(super) fn read(self, octets: &[u8]) -> f32 {
        let sample = match self {
            Encoding::Unsigned => octets.first().map_or(0.0, |octet| (f32::from(*octet) - 128.0) / 128.0),
            Encoding::Signed(_, order) => {
                let high = gather::<4>(octets, order) << (32 - 8 * octets.len().clamp(1, 4));
                high as u32 as i32 as f32 / -(i32::MIN as f32)
            }
            Encoding::Single(order) => f32::from_bits(gather::<4>(octets, order) as u32),
            Encoding::Double(order) => f64::from_bits(gather::<8>(octets, order)) as f32,
            Encoding::Law(codec) => {
                let mut sample = [0];
                codec.decode(octets, &mut sample);
                sample.first().map_or(0.0, |sample| f32::from(*sample) / 32_768.0)
            }
        };
        if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }
    }
}

/// A number of up to `N` octets.
fn gather<const N: usize>(octets: &[u8], order: Order) -> u64 {
    let push = |number: u64, octet: &u8| number << 8 | u64::from(*octet);
    let octets = octets.get(..N.min(octets.len())).unwrap_or_default();
    match order {
        Order::Little => octets.iter().rev().fold(0, push),
        Order::Big => octets.iter().fold(0, push),
    }
}
