//! Watches for media that ceases to come.
//! Must never tell the same silence twice.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// The watch over what a session receives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Vigil {
    timeout: Option<Duration>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// Nothing is expected.
    Off,
    /// The last sign of life.
    Watching(Moment),
    /// The silence has been told.
    Silent,
}

impl Vigil {
    pub(super) const fn new(timeout: Option<Duration>) -> Self {
        Vigil { timeout, state: State::Off }
    }

    /// Begins or ends the watch; a watch that is on goes on.
    pub(super) fn watch(&mut self, expected: bool, now: Moment) {
        self.state = match self.state {
            _ if !expected => State::Off,
            State::Off => State::Watching(now),
            on => on,
        };
    }

    /// Forgives the silence so far.
    pub(super) fn restart(&mut self, now: Moment) {
        if let State::Watching(since) = &mut self.state {
            *since = now;
        }
    }

    /// A packet came; `true` if it ends a silence that was told.
    pub(super) fn note(&mut self, now: Moment) -> bool {
        let was = self.state;
        if was != State::Off {
            self.state = State::Watching(now);
        }
        was == State::Silent
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        match (self.state, self.timeout) {
            (State::Watching(since), Some(timeout)) => Some(since + timeout),
            _ => None,
        }
    }

    /// Whether a silence is to be told now.
    pub(super) fn expire(&mut self, now: Moment) -> bool {
        let is_due = self.deadline().is_some_and(|deadline| deadline <= now);
        if is_due {
            self.state = State::Silent;
        }
        is_due
    }
}
