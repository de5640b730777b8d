//! Time as data: microseconds since the boot of the host.
//! Must never read a clock; whoever holds one passes a [`Moment`] in.

mod rebase;

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

pub use self::rebase::{Mark, Shift, rebased};

/// A point in monotonic time: microseconds since the host's boot (`CLOCK_BOOTTIME`).
///
/// What was written down before that boot lies before zero: it keeps its distance and its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Moment(i64);

impl Moment {
    /// The moment that lies `micros` microseconds after boot.
    pub const fn from_micros(micros: u64) -> Self {
        Self(if micros > i64::MAX as u64 { i64::MAX } else { micros.cast_signed() })
    }

    /// Microseconds since boot; 0 for what was before.
    pub const fn as_micros(self) -> u64 {
        if self.0 < 0 { 0 } else { self.0.cast_unsigned() }
    }

    /// Microseconds since the Unix epoch, on a host whose boot was at `boot_wall_us` of them.
    pub const fn wall(self, boot_wall_us: u64) -> u64 {
        boot_wall_us.saturating_add_signed(self.0)
    }

    /// Time passed since `earlier`; zero if `earlier` lies ahead.
    pub const fn since(self, earlier: Moment) -> Duration {
        Duration::from_micros(if self.0 <= earlier.0 { 0 } else { self.0.abs_diff(earlier.0) })
    }
}

impl<'de> Deserialize<'de> for Moment {
    /// As it was written, moved by the shift of [`rebased`] if one is under way.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(|micros| Self(micros).moved())
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Moment {
    type Output = Moment;

    fn sub(self, span: Duration) -> Moment {
        Moment(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// The earlier of two optional deadlines.
pub fn earliest(a: Option<Moment>, b: Option<Moment>) -> Option<Moment> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}
