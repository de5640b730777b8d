//! The clock of the media threads, and their rest.
//! Must never be read by a session: it gets the moment of the round.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::moment::Moment;

/// Microseconds since the host's boot.
pub(super) fn now() -> Moment {
    // The call fails for unknown clocks only, and then each time: time stands still rather than jumps.
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default();
    Moment::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

/// Lets packets gather, so that one wake-up serves many.
#[expect(
    clippy::disallowed_methods,
    reason = "a media thread serves nobody else, and its rest saves a third of its time"
)]
pub(super) fn rest(span: Duration) {
    if !span.is_zero() {
        std::thread::sleep(span);
    }
}
