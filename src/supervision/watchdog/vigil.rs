//! When an arbiter counts as late, stuck or well again. Pure.
//! Must never blame an arbiter for time in which the watcher itself did not run.

use std::time::Duration;

use trunkline_media::moment::Moment;

/// Without a tick for this long an arbiter is late.
pub const LATE: Duration = Duration::from_secs(1);

/// Without a tick for this long an arbiter is stuck.
pub const STUCK: Duration = Duration::from_secs(5);

/// A change in how an arbiter does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Late,
    Stuck,
    Recovered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
    Well,
    Late,
    Stuck,
}

/// The watch over one arbiter.
#[derive(Clone, Debug)]
pub(super) struct Vigil {
    condition: Condition,
    /// The tick that was seen last.
    beat: Moment,
    /// Time without a tick, as far as the watcher was awake.
    silence: Duration,
    looked: Moment,
}

impl Vigil {
    pub const fn new(now: Moment) -> Self {
        Self { condition: Condition::Well, beat: now, silence: Duration::ZERO, looked: now }
    }

    /// Looks at the arbiter's last tick; answers a change of its condition once. Time in which the watcher
    /// did not look counts for at most half of [`LATE`]: the host was asleep, or had no processor for either.
    pub fn look(&mut self, beat: Moment, now: Moment) -> Option<Change> {
        let gap = now.since(self.looked).min(LATE / 2);
        self.looked = now;
        if beat == self.beat {
            self.silence += gap;
        } else {
            self.beat = beat;
            self.silence = now.since(beat).min(gap);
        }
        let condition = match self.silence {
            silence if silence >= STUCK => Condition::Stuck,
            silence if silence >= LATE => Condition::Late,
            _ => Condition::Well,
        };
        let before = std::mem::replace(&mut self.condition, condition);
        match condition {
            Condition::Well if before > Condition::Well => Some(Change::Recovered),
            Condition::Late if before < Condition::Late => Some(Change::Late),
            Condition::Stuck if before < Condition::Stuck => Some(Change::Stuck),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_micros(millis * 1_000)
    }

    /// Changes seen by a watcher that looks at these moments, with the last tick of each.
    fn changes(looks: impl IntoIterator<Item = (u64, u64)>) -> Vec<(u64, Change)> {
        let mut vigil = Vigil::new(at(0));
        looks.into_iter().filter_map(|(beat, now)| Some((now, vigil.look(at(beat), at(now))?))).collect()
    }

    #[test]
    fn an_arbiter_that_ticks_is_never_told() {
        assert_eq!(changes((0..100).map(|n| (n * 100, n * 100 + 37))), []);
    }

    #[test]
    fn a_blocked_arbiter_is_told_late_once_stuck_once_and_recovered_once() {
        let blocked = (0..=60).map(|n| (0, n * 100));
        let well = (61..80).map(|n| (n * 100, n * 100));
        let expected = [(1_000, Change::Late), (5_000, Change::Stuck), (6_100, Change::Recovered)];
        assert_eq!(changes(blocked.chain(well)), expected);
    }

    #[test]
    fn a_host_that_slept_blames_nobody() {
        assert_eq!(changes([(0, 100), (100, 3_600_000), (3_600_050, 3_600_100)]), []);
    }
}
