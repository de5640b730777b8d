//! Nonces in use, each with a window of the counts that it has seen (RFC 7616 §3.4, `nc`).
//! It must never take the same count of a nonce twice, and never grow beyond its limit.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Nonce;

/// What a nonce and its count are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Not seen before; it is now.
    Fresh,
    /// Seen before, or too far behind the newest count to be sure.
    Replayed,
    /// Older than what a full table had to forget: nobody can say any more.
    Full,
}

/// The counts seen of one nonce: the highest, and which of the 64 up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NonceWindow {
    highest: u32,
    seen: u64,
}

impl NonceWindow {
    /// Takes `count` if it was not taken before. Late ones within 64 of the highest are taken as well:
    /// requests of one phone may overtake each other.
    pub fn accept(&mut self, count: u32) -> bool {
        if count > self.highest {
            self.seen = self.seen.checked_shl(count - self.highest).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let bit = 1_u64.checked_shl(self.highest - count).unwrap_or(0);
        // Counts begin at 1 (RFC 7616 §3.4).
        let fresh = count > 0 && bit != 0 && self.seen & bit == 0;
        self.seen |= bit;
        fresh
    }

    /// A window that takes nothing any more.
    const fn spent() -> Self {
        Self { highest: u32::MAX, seen: u64::MAX }
    }
}

/// The nonces in use under one secret. A nonce enters with its first valid use and leaves with its lifetime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NonceTable {
    windows: BTreeMap<Nonce, NonceWindow>,
    limit: usize,
    lifetime: Duration,
    /// Nonces given out up to then (wall seconds) may have been forgotten before their time.
    #[serde(default)]
    forgotten: u64,
}

impl NonceTable {
    /// An empty table for at most `limit` nonces that live for `lifetime`.
    pub fn new(limit: usize, lifetime: Duration) -> Self {
        Self { windows: BTreeMap::new(), limit: limit.max(1), lifetime, forgotten: 0 }
    }

    /// Takes use number `count` of a nonce that its realm vouches for, at `now` (wall seconds).
    pub fn accept(&mut self, nonce: &Nonce, count: u32, now: u64) -> Acceptance {
        let known = self.windows.get_mut(nonce);
        let is_known = known.is_some();
        let mut first = NonceWindow::default();
        match known.unwrap_or(&mut first).accept(count) {
            false => Acceptance::Replayed,
            true if is_known => Acceptance::Fresh,
            true => self.enter(*nonce, first, now),
        }
    }

    /// Takes the one and only use of a nonce by a phone that does not count (RFC 2069, no `qop`).
    pub fn accept_once(&mut self, nonce: &Nonce, now: u64) -> Acceptance {
        match self.windows.contains_key(nonce) {
            true => Acceptance::Replayed,
            false => self.enter(*nonce, NonceWindow::spent(), now),
        }
    }

    /// How many nonces are in use.
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Whether none is in use.
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    fn enter(&mut self, nonce: Nonce, window: NonceWindow, now: u64) -> Acceptance {
        self.expire(now);
        if nonce.issued() <= self.forgotten {
            return Acceptance::Full;
        }
        if self.windows.len() >= self.limit {
            self.forget_oldest();
        }
        self.windows.insert(nonce, window);
        Acceptance::Fresh
    }

    fn expire(&mut self, now: u64) {
        let horizon = now.saturating_sub(self.lifetime.as_secs());
        while self.windows.first_key_value().is_some_and(|(oldest, _)| oldest.issued() < horizon) {
            self.windows.pop_first();
        }
        // A clock that was set back must not lock everybody out until it has caught up.
        if self.forgotten > now {
            self.forgotten = 0;
        }
    }

    /// Makes room at the price of fresh challenges for the oldest, never of a replay.
    fn forget_oldest(&mut self) {
        if let Some((oldest, _)) = self.windows.pop_first() {
            self.forgotten = self.forgotten.max(oldest.issued());
            while self.windows.first_key_value().is_some_and(|(next, _)| next.issued() <= self.forgotten) {
                self.windows.pop_first();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::sip::auth::Realm;

    const LIFETIME: Duration = Duration::from_secs(300);

    fn nonce(salt: u64, issued: u64) -> Nonce {
        let realm = Realm { name: "example".into(), secret: [1; 32], lifetime: LIFETIME };
        realm.mint([192, 0, 2, 1].into(), salt, issued)
    }

    proptest! {
        #[test]
        fn nothing_is_ever_taken_twice_while_its_nonce_lives(
            uses in prop::collection::vec((0_u64..6, 1000_u64..1010, 0_u32..80), 1..300),
            limit in 1_usize..8,
        ) {
            let (mut table, mut taken) = (NonceTable::new(limit, LIFETIME), HashSet::new());
            for (at, (salt, issued, count)) in uses.into_iter().enumerate() {
                let now = 1010 + at as u64 / 2;
                if table.accept(&nonce(salt, issued), count, now) == Acceptance::Fresh {
                    prop_assert!(taken.insert((salt, issued, count)));
                }
                prop_assert!(table.len() <= limit);
            }
        }
    }

    #[test]
    fn each_count_is_taken_once_in_whatever_order_it_comes() {
        let mut window = NonceWindow::default();
        for count in [1, 2, 5, 4, 70, 7, 69, u32::MAX] {
            assert!(window.accept(count), "{count} is new");
            assert!(!window.accept(count), "{count} is a replay");
        }
        for stale in [0, 1, 6, 3, u32::MAX - 64] {
            assert!(!window.accept(stale), "{stale} is too far behind");
        }
        assert!(window.accept(u32::MAX - 63));
    }

    #[test]
    fn a_replay_is_refused_and_the_next_count_is_not() {
        let mut table = NonceTable::new(8, LIFETIME);
        let nonce = nonce(1, 1000);
        assert_eq!(table.accept(&nonce, 0, 1000), Acceptance::Replayed, "counts begin at 1");
        assert!(table.is_empty());
        assert_eq!(table.accept(&nonce, 1, 1000), Acceptance::Fresh);
        assert_eq!(table.accept(&nonce, 1, 1001), Acceptance::Replayed);
        assert_eq!(table.accept(&nonce, 2, 1002), Acceptance::Fresh);
    }

    #[test]
    fn a_phone_that_does_not_count_has_one_use_of_a_nonce() {
        let mut table = NonceTable::new(8, LIFETIME);
        let (nonce, other) = (nonce(1, 1000), nonce(2, 1000));
        assert_eq!(table.accept_once(&nonce, 1000), Acceptance::Fresh);
        assert_eq!(table.accept_once(&nonce, 1000), Acceptance::Replayed);
        assert_eq!(table.accept(&nonce, 9, 1000), Acceptance::Replayed, "nor may it begin to count");
        assert_eq!(table.accept(&other, 1, 1000), Acceptance::Fresh);
        assert_eq!(table.accept_once(&other, 1000), Acceptance::Replayed, "nor stop counting");
    }

    #[test]
    fn nonces_leave_the_table_with_their_lifetime() {
        let mut table = NonceTable::new(8, LIFETIME);
        table.accept(&nonce(1, 1000), 1, 1000);
        table.accept(&nonce(2, 1100), 1, 1100);
        table.accept(&nonce(3, 1301), 1, 1301);
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn a_full_table_forgets_the_oldest_but_never_takes_it_again() {
        let mut table = NonceTable::new(2, LIFETIME);
        for (salt, issued) in [(1, 1000), (2, 1001), (3, 1002)] {
            assert_eq!(table.accept(&nonce(salt, issued), 1, 1002), Acceptance::Fresh);
        }
        assert_eq!(table.len(), 2);
        assert_eq!(table.accept(&nonce(1, 1000), 1, 1002), Acceptance::Full);
        assert_eq!(table.accept(&nonce(2, 1001), 1, 1002), Acceptance::Replayed, "what stays is still known");
        assert_eq!(table.accept(&nonce(4, 1003), 1, 1003), Acceptance::Fresh, "what is younger gets in");
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let mut table = NonceTable::new(1, LIFETIME);
        table.accept(&nonce(1, 9000), 1, 9000);
        table.accept(&nonce(2, 9001), 1, 9001);
        assert_eq!(table.accept(&nonce(3, 5000), 1, 5000), Acceptance::Fresh);
    }
}
