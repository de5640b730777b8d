//! What a client and a server transaction share: one machine if it is an INVITE, another if not.
//! Must never know which side it is on.

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use crate::sip::message::Method;
use crate::sip::transaction::{Effect, Input, Machine, Stage, Timing};

/// The course of a transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Course<I, O> {
    Invite(Machine<I>),
    Other(Machine<O>),
}

impl<I: Stage, O: Stage> Course<I, O> {
    /// Begins; also what is to be done first.
    pub(super) fn begin(
        method: &Method,
        reliable: bool,
        timing: &Timing,
        now: Moment,
    ) -> (Self, &'static [Effect]) {
        if *method == Method::Invite {
            let (machine, effects) = Machine::begin(reliable, timing, now);
            (Course::Invite(machine), effects)
        } else {
            let (machine, effects) = Machine::begin(reliable, timing, now);
            (Course::Other(machine), effects)
        }
    }

    pub(super) fn step(&mut self, input: Input, timing: &Timing, now: Moment) -> &'static [Effect] {
        match self {
            Course::Invite(machine) => machine.step(input, timing, now),
            Course::Other(machine) => machine.step(input, timing, now),
        }
    }

    /// Fires the earliest timer, if it is due.
    pub(super) fn fire(&mut self, timing: &Timing, now: Moment) -> &'static [Effect] {
        let timer = match self {
            Course::Invite(machine) => machine.take_due(now),
            Course::Other(machine) => machine.take_due(now),
        };
        timer.map_or(&[], |timer| self.step(Input::Fired(timer), timing, now))
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        match self {
            Course::Invite(machine) => machine.next_deadline(),
            Course::Other(machine) => machine.next_deadline(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match self {
            Course::Invite(machine) => machine.is_over(),
            Course::Other(machine) => machine.is_over(),
        }
    }

    /// The state, if it is an INVITE.
    pub(super) fn invite(&self) -> Option<I> {
        match self {
            Course::Invite(machine) => Some(machine.state()),
            Course::Other(_) => None,
        }
    }

    /// The state, if it is none.
    pub(super) fn other(&self) -> Option<O> {
        match self {
            Course::Invite(_) => None,
            Course::Other(machine) => Some(machine.state()),
        }
    }

    /// Brings forward to `latest` the timers that lie beyond.
    pub(super) fn clamp(&mut self, latest: Moment) {
        match self {
            Course::Invite(machine) => machine.clamp(latest),
            Course::Other(machine) => machine.clamp(latest),
        }
    }
}
