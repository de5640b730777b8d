//! The timers of transactions: their names, their spans (RFC 3261 table 4), and the table of those that run.
//! Must never know what a timer is for: that is the machine's business.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

/// Every timer of every transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// INVITE client: send again.
    A,
    /// INVITE client: no answer at all.
    B,
    /// INVITE client: provisional answers, but no final one (RFC 3261 §16.6 step 11).
    C,
    /// INVITE client: absorb repeated final answers.
    D,
    /// Other client: send again.
    E,
    /// Other client: no final answer.
    F,
    /// INVITE server: send the final answer again.
    G,
    /// INVITE server: the ACK did not come.
    H,
    /// INVITE server: absorb repeated ACKs.
    I,
    /// Other server: absorb repeated requests.
    J,
    /// Other client: absorb repeated final answers.
    K,
    /// INVITE server: absorb repeated requests after a 2xx (RFC 6026 §7.1).
    L,
    /// INVITE client: pass on repeated and forked 2xx (RFC 6026 §7.2).
    M,
    /// INVITE server: a 100 is due, as the user gave no answer (RFC 3261 §17.2.1).
    Trying,
    /// Other server: a 100 is due, as the client now repeats at its slowest (RFC 4320 §4.1).
    Overdue,
    /// How long a cancelled INVITE waits for its end (RFC 3261 §9.1), and a request that is not INVITE
    /// for an answer: past it the client has given up, and 408 must not be sent (RFC 4320 §4.2).
    Expiry,
}

impl Timer {
    /// All of them, for tables.
    pub const ALL: [Timer; 16] = {
        use Timer::*;
        [A, B, C, D, E, F, G, H, I, J, K, L, M, Trying, Overdue, Expiry]
    };
}

/// The spans from which all timers follow, and how many transactions may be open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// Estimate of the round trip; 500 ms.
    pub t1: Duration,
    /// Longest pause between repeats of a request that is not INVITE, or of a final answer; 4 s.
    pub t2: Duration,
    /// How long a message can stay in the network; 5 s.
    pub t4: Duration,
    /// Longest silence of a ringing INVITE; above 3 minutes (RFC 3261 §16.6 step 11).
    pub c: Duration,
    /// When an INVITE that the user left unanswered gets its 100; 200 ms.
    pub trying: Duration,
    /// Open transactions from which on new calls get 503; requests in dialogs are taken up to twice as many.
    pub limit: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            c: Duration::from_secs(185),
            trying: Duration::from_millis(200),
            limit: 20_000,
        }
    }
}

impl Timing {
    /// `64·T1`: how long a transaction tries before it gives up.
    pub fn patience(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// What `timer` is first set to. `None`: it never runs on a transport that repeats by itself.
    pub fn span(&self, timer: Timer, reliable: bool) -> Option<Duration> {
        use Timer::*;
        match timer {
            A | E | G => (!reliable).then_some(self.t1),
            B | F | H | L | M | Expiry => Some(self.patience()),
            C => Some(self.c),
            D | J => Some(if reliable { Duration::ZERO } else { self.patience() }),
            I | K => Some(if reliable { Duration::ZERO } else { self.t4 }),
            Trying => Some(self.trying),
            // T1 + 2·T1 + 4·T1 … up to, without, T2.
            Overdue => Some(self.t2.saturating_sub(self.t1)),
        }
    }

    /// The pause that follows `last` (RFC 3261 §17.1.1.2, §17.1.2.2, §17.2.1): doubled; all but A stop at T2.
    pub fn backoff(&self, timer: Timer, last: Duration) -> Duration {
        let doubled = last.saturating_mul(2);
        if timer == Timer::A { doubled } else { doubled.min(self.t2) }
    }
}

/// The timers that run, and when each fires.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timers(BTreeMap<Timer, Moment>);

impl Timers {
    /// Starts `timer`, or starts it anew.
    pub fn start(&mut self, timer: Timer, at: Moment) {
        self.0.insert(timer, at);
    }

    /// Stops `timer`.
    pub fn stop(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    /// Stops all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Brings forward to `latest` what lies beyond.
    pub fn clamp(&mut self, latest: Moment) {
        self.0.values_mut().for_each(|at| *at = latest.min(*at));
    }

    /// When the next one fires.
    pub fn next(&self) -> Option<Moment> {
        self.0.values().min().copied()
    }

    /// Takes out the earliest timer that is due.
    pub fn take_due(&mut self, now: Moment) -> Option<Timer> {
        let (timer, _) = self.0.iter().min_by_key(|(_, at)| **at).filter(|(_, at)| **at <= now)?;
        let timer = *timer;
        self.0.remove(&timer);
        Some(timer)
    }
}
