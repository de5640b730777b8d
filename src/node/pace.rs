//! How fast calls may begin: a bucket of tokens that fills with time. Pure.
//! It must never hold more than a second's worth: a quiet minute does not buy a flood.

use trunkline_media::moment::Moment;

/// Micro-tokens in a token: time is counted in microseconds.
const TOKEN: u64 = 1_000_000;

/// How much of a limit of calls per second is left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// In micro-tokens.
    filled: u64,
    at: Moment,
}

impl Pace {
    /// Whether one more may begin now, with `per_second` in a second. It begins full: nothing was before boot.
    pub fn admits(&mut self, per_second: usize, now: Moment) -> bool {
        let per_second = per_second as u64;
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        let full = per_second.saturating_mul(TOKEN);
        self.filled = self.filled.saturating_add(passed.saturating_mul(per_second)).min(full);
        self.at = self.at.max(now);
        let admits = self.filled >= TOKEN;
        if admits {
            self.filled -= TOKEN;
        }
        admits
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_s_worth_at_once_then_one_at_a_time() {
        let mut pace = Pace::default();
        let start = Moment::from_micros(5_000_000);
        assert_eq!((0..20).filter(|_| pace.admits(10, start)).count(), 10);
        assert!(!pace.admits(10, start + Duration::from_millis(99)));
        assert!(pace.admits(10, start + Duration::from_millis(100)));
        let later = start + Duration::from_secs(3600);
        assert_eq!(
            (0..20).filter(|_| pace.admits(10, later)).count(),
            10,
            "an hour buys no more than a second"
        );
        assert_eq!((0..20).filter(|_| pace.admits(3, later)).count(), 0, "a lower limit gives nothing away");
    }
}
