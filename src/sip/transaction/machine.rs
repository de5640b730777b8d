//! What the four transactions have in common: classes of messages, inputs, effects, and the runner of a table.
//! Must never decide a move: each transaction's own file does.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::timer::{Timer, Timers, Timing};

/// What a transaction needs to know of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    /// 100: heard, no more.
    Trying,
    /// 101 to 199.
    Provisional,
    /// 200 to 299.
    Success,
    /// 300 to 699.
    Failure,
}

impl Class {
    /// All of them, for tables.
    pub const ALL: [Class; 4] = [Class::Trying, Class::Provisional, Class::Success, Class::Failure];

    /// The class of a status code.
    pub const fn of(code: u16) -> Self {
        match code {
            ..=100 => Class::Trying,
            101..=199 => Class::Provisional,
            200..=299 => Class::Success,
            _ => Class::Failure,
        }
    }
}

/// What happens to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// The peer answered (client), or our user answers (server).
    Response(Class),
    /// The request came again (server).
    Request,
    /// ACK came (INVITE server).
    Ack,
    /// The user wants no answer any more (INVITE client).
    Cancel,
    /// The transport could not deliver.
    Unreachable,
    /// A timer fired.
    Fired(Timer),
}

impl Input {
    /// All of them, for tables.
    pub fn all() -> impl Iterator<Item = Input> {
        Class::ALL
            .into_iter()
            .map(Input::Response)
            .chain([Input::Request, Input::Ack, Input::Cancel, Input::Unreachable])
            .chain(Timer::ALL.into_iter().map(Input::Fired))
    }
}

/// What a move asks for, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Transmit the request (client) or the last response (server).
    Send,
    /// Transmit the ACK of a non-2xx (RFC 3261 §17.1.1.3).
    Ack,
    /// Transmit the CANCEL (RFC 3261 §9.1).
    Cancel,
    /// Answer 100, as nothing else was said in time.
    SayTrying,
    /// Hand the response to the user.
    Deliver,
    /// Tell the user that the peer did not answer in time.
    TimedOut,
    /// Tell the user that the peer cannot be reached.
    Unreachable,
    /// Tell the user that the ACK came.
    Acked,
    /// Tell the user that the ACK did not come.
    Unacked,
    /// Start a timer, or start it anew.
    Start(Timer),
    /// Start a repeating timer again, after a longer pause.
    Again(Timer),
    /// Start a repeating timer again, after the longest pause.
    Slowly(Timer),
    /// Stop a timer.
    Stop(Timer),
    /// Stop every timer.
    StopAll,
}

/// One entry of a transition table.
#[derive(Clone, Copy, Debug)]
pub struct Move<S> {
    /// The state afterwards.
    pub to: S,
    /// What to do.
    pub effects: &'static [Effect],
}

/// The move into `to`.
pub(super) const fn go<S: Copy>(to: S, effects: &'static [Effect]) -> Option<Move<S>> {
    Some(Move { to, effects })
}

/// The states of one kind of transaction, and its transition table.
pub trait Stage: Copy + PartialEq + 'static {
    /// The first state, and what is done on entering it.
    const BEGIN: Move<Self>;
    /// The state in which it is over.
    const OVER: Self;

    /// The table. `None`: the input means nothing here and is absorbed.
    fn on(self, input: Input) -> Option<Move<Self>>;
}

/// A transaction in its course: its state and its running timers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine<S> {
    state: S,
    timers: Timers,
    /// The pause before the next repeat.
    pause: Duration,
    reliable: bool,
}

impl<S: Stage> Machine<S> {
    /// Begins; `reliable` tells that the transport repeats by itself. Also what is to be done first.
    pub fn begin(reliable: bool, timing: &Timing, now: Moment) -> (Self, &'static [Effect]) {
        let mut machine = Self { state: S::BEGIN.to, timers: Timers::default(), pause: timing.t1, reliable };
        machine.arm(S::BEGIN.effects, timing, now);
        (machine, S::BEGIN.effects)
    }

    /// Takes an input; tells what is to be done. Timers are already set.
    pub fn step(&mut self, input: Input, timing: &Timing, now: Moment) -> &'static [Effect] {
        let Some(Move { to, effects }) = self.state.on(input) else { return &[] };
        self.state = to;
        self.arm(effects, timing, now);
        if self.is_over() {
            self.timers.clear();
        }
        effects
    }

    /// Takes out the earliest timer that is due; feed it back as [`Input::Fired`].
    pub fn take_due(&mut self, now: Moment) -> Option<Timer> {
        self.timers.take_due(now)
    }

    /// Brings forward to `latest` the timers that lie beyond: those that were saved under another clock.
    pub fn clamp(&mut self, latest: Moment) {
        self.timers.clamp(latest);
    }

    /// When the next timer fires.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.timers.next()
    }

    /// Where it stands.
    pub const fn state(&self) -> S {
        self.state
    }

    /// True when nothing can happen any more.
    pub fn is_over(&self) -> bool {
        self.state == S::OVER
    }

    fn arm(&mut self, effects: &[Effect], timing: &Timing, now: Moment) {
        for effect in effects {
            match *effect {
                Effect::Start(timer) => {
                    if let Some(span) = timing.span(timer, self.reliable) {
                        self.timers.start(timer, now + span);
                    }
                }
                Effect::Again(timer) => {
                    self.pause = timing.backoff(timer, self.pause);
                    self.timers.start(timer, now + self.pause);
                }
                Effect::Slowly(timer) => {
                    self.pause = timing.t2;
                    self.timers.start(timer, now + self.pause);
                }
                Effect::Stop(timer) => self.timers.stop(timer),
                Effect::StopAll => self.timers.clear(),
                _ => {}
            }
        }
    }
}
