//! Restart rules: given that a child ended, what happens to it and to its siblings. Pure.
//! Must never start or stop anything: it answers, the supervisor acts.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::exit::ExitReason;

/// Whom the failure of one child concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// The child alone.
    OneForOne,
    /// The child and those started after it, which depend on it.
    RestForOne,
    /// All children of the group.
    All,
}

/// Whether a child that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// Always: the group cannot be without it.
    Permanent,
    /// Only after an abnormal end.
    Transient,
    /// Never.
    Temporary,
}

/// How many restarts are borne within a sliding window; the next one is too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intensity {
    /// Restarts that are allowed.
    pub restarts: u32,
    /// Length of the window.
    pub within: Duration,
}

impl Intensity {
    /// No limit: for what has to be tried for ever, such as a trunk.
    pub const UNLIMITED: Self = Self { restarts: u32::MAX, within: Duration::ZERO };

    /// At most `restarts` restarts in any span of `within`.
    pub const fn new(restarts: u32, within: Duration) -> Self {
        Self { restarts, within }
    }
}

/// Pause before a restart: doubles with each restart in a row, with full jitter, so that many children
/// that failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// Longest pause before the first restart in a row; zero: at once.
    pub first: Duration,
    /// Longest pause of all.
    pub ceiling: Duration,
}

impl Backoff {
    /// No pause before the first restart, the shortest before the others.
    pub const NONE: Self = Self { first: Duration::ZERO, ceiling: Duration::ZERO };

    /// Shortest pause from the second restart in a row on: a storm must not take the thread.
    pub const FLOOR: Duration = Duration::from_millis(1);

    /// A pause of up to `first`, then of up to twice that, up to `ceiling`.
    pub const fn new(first: Duration, ceiling: Duration) -> Self {
        Self { first, ceiling }
    }

    /// The pause after `streak` restarts in a row: `random` picks evenly between nothing and the longest.
    pub fn pause(self, streak: u32, random: u64) -> Duration {
        let longest =
            self.first.saturating_mul(1_u32.checked_shl(streak).unwrap_or(u32::MAX)).min(self.ceiling);
        let picked = (longest.as_micros() * u128::from(random)) >> u64::BITS;
        let floor = if streak == 0 { Duration::ZERO } else { Self::FLOOR };
        Duration::from_micros(u64::try_from(picked).unwrap_or(u64::MAX)).max(floor)
    }
}

/// What to do about an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// The child has done its work: it leaves the group.
    Forget,
    /// The children in `scope` are stopped, in reverse order, and after `pause` started in order.
    Restart {
        /// Whom it concerns besides the child.
        scope: Scope,
        /// How long to wait before starting.
        pause: Duration,
    },
    /// The child has reached its limit and leaves the group, which can live without it.
    GiveUp,
    /// The group has failed: all children end, in reverse order, then the supervisor.
    Escalate,
}

/// Whom a restart concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// The child alone.
    Child,
    /// The child and those started after it.
    Following,
    /// Everyone.
    Group,
}

/// The sliding window of restarts; never longer than the intensity's number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Window(VecDeque<Moment>);

impl Window {
    /// Counts a restart at `now`, unless it is one too many.
    fn admits(&mut self, intensity: Intensity, now: Moment) -> bool {
        while self.0.front().is_some_and(|first| now.since(*first) >= intensity.within) {
            self.0.pop_front();
        }
        let admitted = self.0.len() < usize::try_from(intensity.restarts).unwrap_or(usize::MAX);
        if admitted {
            self.0.push_back(now);
        }
        admitted
    }
}

/// What the policy knows of one child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    restart: Restart,
    intensity: Intensity,
    backoff: Backoff,
    #[serde(default)]
    window: Window,
    /// Restarts in a row, without a long life in between.
    #[serde(default)]
    streak: u32,
    /// When the present generation began.
    #[serde(default)]
    since: Moment,
}

impl Course {
    /// A child that has not been started.
    pub const fn new(restart: Restart, intensity: Intensity, backoff: Backoff) -> Self {
        Self {
            restart,
            intensity,
            backoff,
            window: Window(VecDeque::new()),
            streak: 0,
            since: Moment::from_micros(0),
        }
    }

    /// A generation begins at `now`.
    pub const fn began(&mut self, now: Moment) {
        self.since = now;
    }

    fn is_to_return(&self, reason: &ExitReason) -> bool {
        match self.restart {
            Restart::Permanent => true,
            Restart::Transient => reason.is_abnormal(),
            Restart::Temporary => false,
        }
    }

    /// The pause before the next generation. A life longer than any pause or window starts a new row.
    fn pause(&mut self, now: Moment, random: u64) -> Duration {
        let settled = self.intensity.within.max(self.backoff.ceiling).max(Duration::from_secs(1));
        if now.since(self.since) >= settled {
            self.streak = 0;
        }
        let pause = self.backoff.pause(self.streak, random);
        self.streak = self.streak.saturating_add(1);
        pause
    }
}

/// The rules of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    strategy: Strategy,
    intensity: Intensity,
    #[serde(default)]
    window: Window,
}

impl Policy {
    /// A group that bears `intensity` restarts of all its children together.
    pub const fn new(strategy: Strategy, intensity: Intensity) -> Self {
        Self { strategy, intensity, window: Window(VecDeque::new()) }
    }

    /// The child on `course` ended at `now` for `reason`, unasked. `random` is any number, for the jitter.
    pub fn on_exit(
        &mut self,
        course: &mut Course,
        reason: &ExitReason,
        now: Moment,
        random: u64,
    ) -> Decision {
        if !course.is_to_return(reason) {
            return Decision::Forget;
        }
        if !course.window.admits(course.intensity, now) {
            return if self.can_lose(course) { Decision::GiveUp } else { Decision::Escalate };
        }
        if !self.window.admits(self.intensity, now) {
            return Decision::Escalate;
        }
        let scope = match self.strategy {
            Strategy::OneForOne => Scope::Child,
            Strategy::RestForOne => Scope::Following,
            Strategy::All => Scope::Group,
        };
        Decision::Restart { scope, pause: course.pause(now, random) }
    }

    /// Siblings that depend on a child cannot go on without it, nor can a group without a permanent one.
    fn can_lose(&self, course: &Course) -> bool {
        self.strategy == Strategy::OneForOne && course.restart != Restart::Permanent
    }
}

#[cfg(test)]
mod tests;
