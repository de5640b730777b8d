//! Episodes of a repeated warning: said when it begins, counted while it lasts, summed up when it is over. Pure.
//! It must never lose the count of what it kept back.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use trunkline_media::moment::Moment;

/// An episode is over when nothing came for so long.
const QUIET: Duration = Duration::from_secs(10);

/// One that does not end is summed up so often.
const INTERIM: Duration = Duration::from_secs(60);

/// What is being repeated at present, by its kind.
#[derive(Debug)]
pub(super) struct Episodes<K>(HashMap<K, Episode>);

#[derive(Debug)]
struct Episode {
    /// What was said when it began.
    what: String,
    said: u32,
    kept_back: u64,
    /// When the count of what was kept back began.
    since: Moment,
    last: Moment,
}

/// What was kept back of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sum<K> {
    pub kind: K,
    pub what: String,
    pub times: u64,
    pub span: Duration,
    pub goes_on: bool,
}

impl<K> Default for Episodes<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash> Episodes<K> {
    /// Whether this one is to be said: the first `free` of an episode are.
    pub fn admits(&mut self, kind: K, free: u32, now: Moment, what: impl FnOnce() -> String) -> bool {
        let episode = self.0.entry(kind).or_insert_with(|| Episode {
            what: what(),
            said: 0,
            kept_back: 0,
            since: now,
            last: now,
        });
        episode.last = now;
        if episode.said < free {
            episode.said += 1;
            return true;
        }
        if episode.kept_back == 0 {
            episode.since = now;
        }
        episode.kept_back += 1;
        false
    }

    /// Ends what is over, and sums up what was kept back.
    pub fn settle(&mut self, now: Moment) -> Vec<Sum<K>> {
        let mut sums = Vec::new();
        self.0.retain(|kind, episode| {
            let goes_on = now.since(episode.last) < QUIET;
            let is_due = !goes_on || now.since(episode.since) >= INTERIM;
            if is_due && episode.kept_back > 0 {
                sums.push(Sum {
                    kind: kind.clone(),
                    what: episode.what.clone(),
                    times: std::mem::take(&mut episode.kept_back),
                    span: episode.last.since(episode.since),
                    goes_on,
                });
            }
            goes_on
        });
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: u64) -> Moment {
        Moment::from_micros(n * 1_000_000)
    }

    #[test]
    fn a_warning_is_said_once_and_counted_when_it_is_over() {
        let mut episodes = Episodes::default();
        let said =
            (0..30).filter(|n| episodes.admits("full", 1, second(*n), || "no room".to_owned())).count();
        assert_eq!(said, 1);
        assert_eq!(episodes.settle(second(30)), []);
        let sums = episodes.settle(second(39));
        let wanted = Sum {
            kind: "full",
            what: "no room".to_owned(),
            times: 29,
            span: Duration::from_secs(28),
            goes_on: false,
        };
        assert_eq!(sums, [wanted]);
        assert_eq!(episodes.settle(second(60)), [], "it is told once");
        assert!(episodes.admits("full", 1, second(61), String::new), "a new episode");
    }

    #[test]
    fn one_that_does_not_end_is_summed_up_each_minute() {
        let mut episodes = Episodes::default();
        let mut sums = Vec::new();
        for n in 0..=200 {
            episodes.admits("full", 1, second(n), String::new);
            sums.extend(episodes.settle(second(n)));
        }
        assert_eq!(sums.iter().map(|sum| sum.times).collect::<Vec<_>>(), [61, 61, 61]);
        assert!(sums.iter().all(|sum| sum.goes_on));
    }

    #[test]
    fn kinds_do_not_silence_each_other_and_one_that_came_once_needs_no_sum() {
        let mut episodes = Episodes::default();
        assert!(
            episodes.admits("one", 2, second(0), String::new)
                && episodes.admits("two", 2, second(0), String::new)
        );
        assert!(episodes.admits("one", 2, second(1), String::new), "two of an episode are free");
        assert_eq!(episodes.settle(second(20)), []);
    }
}
