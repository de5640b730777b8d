//! Slows down guessing: failures per source and per account, delayed first, then dropped.
//! It must never lock an account's owner out of the address where he is known, and never grow beyond its limit.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

/// Addresses at which an account is known: a desk, a home, a mobile network, one to spare.
const HOMES: usize = 4;

/// How much guessing is borne.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tolerance {
    /// Failures that cost nothing: people mistype.
    pub free: u32,
    /// The pause after the first failure beyond those; it doubles with each further one.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// From that many failures on, nothing is answered any more.
    pub silent_from: u32,
    /// How long failures are remembered after the last one.
    pub memory: Duration,
    /// Sources and accounts remembered, each.
    pub limit: usize,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self {
            free: 4,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            silent_from: 12,
            memory: Duration::from_secs(600),
            limit: 16_384,
        }
    }
}

/// What to do with credentials before looking at them; the harsher sorts last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Look at them.
    Proceed,
    /// Answer 403 without looking: the pause after a failure is not over.
    Refuse,
    /// Answer nothing at all.
    Drop,
}

/// The failures of one source, or for one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Failures {
    count: u32,
    last: Moment,
}

impl Failures {
    fn verdict(self, tolerance: &Tolerance, now: Moment) -> Verdict {
        let quiet = now.since(self.last);
        if quiet > tolerance.memory || self.count <= tolerance.free {
            return Verdict::Proceed;
        }
        if self.count >= tolerance.silent_from {
            return Verdict::Drop;
        }
        let doublings = self.count.saturating_sub(tolerance.free).saturating_sub(1).min(31);
        let pause = tolerance.pause.saturating_mul(1 << doublings).min(tolerance.longest_pause);
        if quiet < pause { Verdict::Refuse } else { Verdict::Proceed }
    }

    fn add(&mut self, tolerance: &Tolerance, now: Moment) {
        let remembered = now.since(self.last) <= tolerance.memory;
        self.count = if remembered { self.count.saturating_add(1) } else { 1 };
        self.last = now;
    }
}

/// An address where an account proved itself, and what failed from there since.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Home {
    source: IpAddr,
    failures: Failures,
}

/// Who failed how often. The addresses of an account's last successes answer for themselves alone: neither
/// guesses from elsewhere nor the failures of their neighbours count there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Throttle {
    tolerance: Tolerance,
    sources: BTreeMap<IpAddr, Failures>,
    accounts: BTreeMap<String, Failures>,
    /// Only who knows a password gets in here, so no stranger can crowd these out.
    homes: BTreeMap<String, Vec<Home>>,
}

impl Throttle {
    /// A throttle that remembers nobody yet.
    pub fn new(tolerance: Tolerance) -> Self {
        Self { tolerance, ..Self::default() }
    }

    /// What credentials of `user` from `source` deserve.
    pub fn check(&self, source: IpAddr, user: &str, now: Moment) -> Verdict {
        let source = neighbourhood(source);
        if let Some(home) =
            self.homes.get(user).and_then(|homes| homes.iter().find(|home| home.source == source))
        {
            return home.failures.verdict(&self.tolerance, now);
        }
        let of = |failures: Option<&Failures>| {
            failures.map_or(Verdict::Proceed, |failures| failures.verdict(&self.tolerance, now))
        };
        of(self.sources.get(&source)).max(of(self.accounts.get(user)))
    }

    /// The credentials were wrong. Call it for [`super::Denied::Wrong`] only: there the nonce was ours, which
    /// a forged source address cannot have, so that nobody is blocked in another's name. Returns what the
    /// next attempt would get at once: an alarm is due where that is [`Verdict::Drop`].
    pub fn failed(&mut self, source: IpAddr, user: &str, now: Moment) -> Verdict {
        self.count_failure(neighbourhood(source), user, now);
        self.check(source, user, now)
    }

    /// The credentials were right: `source` is a home of `user` from now on.
    pub fn succeeded(&mut self, source: IpAddr, user: &str, now: Moment) {
        let home = Home { source: neighbourhood(source), failures: Failures { count: 0, last: now } };
        if let Some(homes) = self.homes.get_mut(user) {
            homes.retain(|known| known.source != home.source);
            homes.truncate(HOMES - 1);
            homes.insert(0, home);
        } else {
            let latest =
                |homes: &Vec<Home>| homes.first().map_or(Moment::default(), |home| home.failures.last);
            make_room(&mut self.homes, self.tolerance.limit, latest);
            self.homes.insert(user.to_owned(), vec![home]);
        }
    }

    /// How many sources and accounts are remembered for their failures.
    pub fn suspects(&self) -> usize {
        self.sources.len() + self.accounts.len()
    }

    fn count_failure(&mut self, source: IpAddr, user: &str, now: Moment) {
        let home =
            self.homes.get_mut(user).and_then(|homes| homes.iter_mut().find(|home| home.source == source));
        if let Some(home) = home {
            home.failures.add(&self.tolerance, now);
            return;
        }
        make_room(&mut self.sources, self.tolerance.limit, |failures| failures.last);
        self.sources.entry(source).or_default().add(&self.tolerance, now);
        make_room(&mut self.accounts, self.tolerance.limit, |failures| failures.last);
        self.accounts.entry(user.to_owned()).or_default().add(&self.tolerance, now);
    }
}

/// Whoever has one IPv6 address of a /64 has them all.
fn neighbourhood(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

/// Forgets the half that was quiet longest once `limit` is reached, so that a flood pays for sorting only now
/// and then.
fn make_room<K: Ord, V>(table: &mut BTreeMap<K, V>, limit: usize, last: impl Fn(&V) -> Moment) {
    if table.len() < limit.max(2) {
        return;
    }
    let mut ages: Vec<Moment> = table.values().map(&last).collect();
    let middle = ages.len() / 2;
    let (_, median, _) = ages.select_nth_unstable(middle);
    let median = *median;
    table.retain(|_, value| last(value) > median);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn fail(throttle: &mut Throttle, source: IpAddr, user: &str, times: u32, seconds: u64) {
        for _ in 0..times {
            throttle.failed(source, user, at(seconds));
        }
    }

    /// The verdict on each of `attempts` guesses, one every `pace` seconds; only what is looked at can fail.
    fn guess(throttle: &mut Throttle, source: IpAddr, user: &str, attempts: u64, pace: u64) -> Vec<Verdict> {
        (1..=attempts)
            .map(|attempt| {
                let now = at(1000 + attempt * pace);
                let verdict = throttle.check(source, user, now);
                if verdict == Verdict::Proceed {
                    throttle.failed(source, user, now);
                }
                verdict
            })
            .collect()
    }

    #[test]
    fn a_guesser_is_first_paused_then_ignored() {
        let mut throttle = Throttle::new(Tolerance::default());
        let verdicts = guess(&mut throttle, address("198.51.100.9"), "alice", 600, 1);
        let count = |wanted: Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count();
        assert_eq!(count(Verdict::Proceed), 12, "no more than that many passwords are tried");
        assert!(verdicts.is_sorted_by_key(|verdict| *verdict == Verdict::Drop), "silence is for good");
        assert!(count(Verdict::Refuse) > 60 && count(Verdict::Drop) > 300, "{verdicts:?}");
    }

    #[test]
    fn who_waits_out_the_pause_is_heard_and_who_is_quiet_long_enough_is_forgiven() {
        let mut throttle = Throttle::new(Tolerance::default());
        let phone = address("192.0.2.1");
        let verdicts = [(); 5].map(|()| throttle.failed(phone, "alice", at(10)));
        assert_eq!(verdicts, [[Verdict::Proceed; 4].as_slice(), &[Verdict::Refuse]].concat()[..]);
        assert_eq!(throttle.check(phone, "alice", at(11)), Verdict::Proceed);
        fail(&mut throttle, phone, "alice", 20, 12);
        assert_eq!(throttle.check(phone, "alice", at(600)), Verdict::Drop);
        assert_eq!(throttle.check(phone, "alice", at(613)), Verdict::Proceed);
    }

    #[test]
    fn guessing_one_account_from_everywhere_is_throttled_by_the_account() {
        let mut throttle = Throttle::new(Tolerance::default());
        for host in 1..=50 {
            throttle.failed(IpAddr::from([198, 51, 100, host]), "alice", at(10));
        }
        assert_eq!(throttle.check(address("203.0.113.5"), "alice", at(11)), Verdict::Drop);
        assert_eq!(throttle.check(address("203.0.113.5"), "bob", at(11)), Verdict::Proceed);
    }

    #[test]
    fn the_victims_own_addresses_stay_open_during_the_attack() {
        let mut throttle = Throttle::new(Tolerance::default());
        let (desk, mobile, guesser) = (address("192.0.2.1"), address("2001:db8::1"), address("198.51.100.9"));
        throttle.succeeded(desk, "alice", at(1));
        throttle.succeeded(mobile, "alice", at(2));
        fail(&mut throttle, guesser, "alice", 500, 10);
        assert_eq!(throttle.check(guesser, "alice", at(11)), Verdict::Drop);
        assert_eq!(throttle.check(desk, "alice", at(11)), Verdict::Proceed);
        assert_eq!(throttle.check(address("2001:db8::2"), "alice", at(11)), Verdict::Proceed, "same /64");
    }

    #[test]
    fn a_guesser_beside_the_victim_silences_nobody_but_himself() {
        let mut throttle = Throttle::new(Tolerance::default());
        let office = address("192.0.2.1");
        throttle.succeeded(office, "alice", at(1));
        fail(&mut throttle, office, "bob", 500, 10);
        assert_eq!(throttle.check(office, "bob", at(11)), Verdict::Drop);
        assert_eq!(throttle.check(office, "alice", at(11)), Verdict::Proceed);
    }

    #[test]
    fn even_at_home_guessing_is_throttled_until_the_next_success() {
        let mut throttle = Throttle::new(Tolerance::default());
        let home = address("192.0.2.1");
        throttle.succeeded(home, "alice", at(1));
        fail(&mut throttle, home, "alice", 12, 10);
        assert_eq!(throttle.check(home, "alice", at(11)), Verdict::Drop);
        throttle.succeeded(home, "alice", at(12));
        assert_eq!(throttle.check(home, "alice", at(12)), Verdict::Proceed);
    }

    #[test]
    fn a_flood_of_names_and_addresses_is_bounded_and_the_latest_are_kept() {
        let mut throttle = Throttle::new(Tolerance { limit: 100, ..Tolerance::default() });
        throttle.succeeded(address("192.0.2.1"), "alice", at(0));
        for guess in 0..10_000_u32 {
            throttle.failed(IpAddr::from(guess.to_be_bytes()), &format!("user{guess}"), at(u64::from(guess)));
            assert!(throttle.suspects() <= 200);
        }
        fail(&mut throttle, address("198.51.100.9"), "alice", 20, 10_000);
        assert_eq!(throttle.check(address("198.51.100.9"), "carol", at(10_001)), Verdict::Drop);
        assert_eq!(throttle.check(address("192.0.2.1"), "alice", at(10_001)), Verdict::Proceed);
    }
}
