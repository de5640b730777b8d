//! Records of another boot: how far their moments lie from ours, and reading them so that they are moved by it.
//! Must never read a clock, nor let a shift outlive the reading that it was for.

use std::cell::Cell;

use super::Moment;

/// Clocks that were read together when something was written down, and the boot that they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark<Boot> {
    /// Which boot of the host.
    pub boot: Boot,
    /// The monotonic clock.
    pub at: Moment,
    /// The wall clock: microseconds since the Unix epoch.
    pub wall: u64,
}

/// By how much moments of a record are moved, in signed microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift(i64);

impl Shift {
    /// Moments of our own boot stay as they are.
    pub const NONE: Self = Self(0);

    /// From a record that was stamped `then` to `now`: a deadline that was a minute ahead is that minute ahead, less the
    /// time that has passed.
    ///
    /// Only the wall clock knows how long the host was down, and it may have been set back meanwhile. What was written
    /// under another boot was written before this one, however: at least our own uptime has passed.
    pub fn between<Boot: PartialEq>(then: &Mark<Boot>, now: &Mark<Boot>) -> Self {
        if then.boot == now.boot {
            return Self::NONE;
        }
        let uptime = i128::from(now.at.0);
        let passed = (i128::from(now.wall) - i128::from(then.wall)).max(uptime);
        let shift = uptime - passed - i128::from(then.at.0);
        Self(i64::try_from(shift).unwrap_or(i64::MIN))
    }

    /// Microseconds; negative towards the past.
    pub const fn micros(self) -> i64 {
        self.0
    }
}

thread_local! {
    // The one exception to purity here. serde hands no context down to the values that it reads, and a Deserializer
    // around every other one only to carry a number would be some hundred lines of pure forwarding. The cell lives as
    // long as one call of `rebased`, is seen by its thread alone, and is empty for everybody else.
    static SHIFT: Cell<Shift> = const { Cell::new(Shift::NONE) };
}

/// Puts the shift back that was there before, be it by unwinding.
struct Restored(Shift);

impl Drop for Restored {
    fn drop(&mut self) {
        SHIFT.set(self.0);
    }
}

/// What `read` makes of a record, with each [`Moment`] in it moved by `shift`.
///
/// The record has to be read within `read`, not later. Moments that would leave the range of time stay at its end.
pub fn rebased<T>(shift: Shift, read: impl FnOnce() -> T) -> T {
    let _restored = Restored(SHIFT.replace(shift));
    read()
}

impl Moment {
    /// Moved by the shift of the reading that is under way.
    pub(super) fn moved(self) -> Self {
        Self(self.0.saturating_add(SHIFT.get().0))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::time::Duration;

    use super::*;

    const HOUR: u64 = 3_600_000_000;

    fn mark(boot: &str, at: u64, wall: u64) -> Mark<&str> {
        Mark { boot, at: Moment::from_micros(at), wall }
    }

    fn read(json: &str) -> Moment {
        serde_json::from_str(json).expect("a moment")
    }

    #[test]
    fn a_record_of_the_same_boot_is_read_as_it_was_written() {
        let shift = Shift::between(&mark("a", 5, 100 * HOUR), &mark("a", 9 * HOUR, 90 * HOUR));
        assert_eq!(shift, Shift::NONE);
        assert_eq!(rebased(shift, || read("7")), Moment::from_micros(7));
    }

    #[test]
    fn after_a_boot_a_deadline_is_as_far_ahead_as_it_was_less_the_time_that_has_passed() {
        let (then, now) = (mark("a", 50 * HOUR, 100 * HOUR), mark("b", HOUR, 102 * HOUR));
        let deadline = rebased(Shift::between(&then, &now), || read(&(53 * HOUR).to_string()));
        assert_eq!(deadline.since(now.at), Duration::from_micros(HOUR));
    }

    #[test]
    fn what_lies_before_the_boot_keeps_its_distance_and_its_order() {
        let (then, now) = (mark("a", 50 * HOUR, 100 * HOUR), mark("b", HOUR, 102 * HOUR));
        let shift = Shift::between(&then, &now);
        let (began, lapsed) = rebased(shift, || (read("0"), read(&(50 * HOUR + 1).to_string())));
        assert!(began < lapsed && lapsed < now.at);
        assert_eq!(now.at.since(began), Duration::from_micros(52 * HOUR));
        assert_eq!(began.as_micros(), 0, "unsigned, it is the boot");
        assert_eq!(began.wall(101 * HOUR), 50 * HOUR, "on the wall it is where it was");
        let again: Moment = serde_json::from_str(&serde_json::to_string(&began).unwrap()).unwrap();
        assert_eq!(again, began, "written down again, it is the same");
    }

    #[test]
    fn a_wall_clock_that_was_set_back_makes_nothing_younger_than_our_boot() {
        let (then, now) = (mark("a", 50 * HOUR, 100 * HOUR), mark("b", HOUR, 3 * HOUR));
        let written = rebased(Shift::between(&then, &now), || read(&(50 * HOUR).to_string()));
        assert_eq!(now.at.since(written), Duration::from_micros(HOUR));
    }

    #[test]
    fn clocks_out_of_their_mind_move_time_to_its_end_and_nothing_overflows() {
        let far = Shift::between(&mark("a", u64::MAX, 0), &mark("b", 0, u64::MAX));
        assert_eq!(far.micros(), i64::MIN);
        assert_eq!(rebased(far, || read("-5")), rebased(far, || read("-6")));
    }

    #[test]
    fn a_shift_ends_with_its_reading_and_with_a_panic_in_it() {
        let shift = Shift(1000);
        let nested = rebased(shift, || (rebased(Shift(1), || read("5")), read("5")));
        assert_eq!(nested, (Moment::from_micros(6), Moment::from_micros(1005)));
        assert!(catch_unwind(|| rebased(shift, || read("nonsense"))).is_err());
        assert_eq!(read("5"), Moment::from_micros(5));
    }
}
