//! The callbacks of one leg, the oldest first: one is under way at a time, the others wait for it.
//! It must never overtake: what comes first is delivered, refused or expired before the next is tried.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::{Callback, EXPIRED, REFUSED};
use crate::ops::events::Event;
use crate::webhook::{self, WebhookError};

/// Longest pause before the second try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a post may remain without a word. The client's own limits are shorter: what told nothing by then is lost.
const SILENCE: Duration = Duration::from_secs(60);

/// Callbacks that may wait for one leg; past it the oldest that is not under way is given up.
const WAITING: usize = 256;

/// The callbacks of one leg.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lane(VecDeque<Pending>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    callback: Callback,
    expires: Moment,
    /// Tries that are over.
    tries: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    /// For its turn, or for the pause before the next try.
    Waiting { due: Moment },
    /// Under way.
    Posting { number: u64, until: Moment },
}

impl Lane {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes a callback in. Tells what had to make room for it.
    pub fn accept(&mut self, callback: Callback, now: Moment, expires: Moment) -> Option<Event> {
        let shed = (self.0.len() >= WAITING).then(|| {
            let oldest = usize::from(self.posting().is_some());
            self.0.remove(oldest).map(|pending| pending.expired("too many callbacks wait"))
        });
        self.0.push_back(Pending { callback, expires, tries: 0, state: State::Waiting { due: now } });
        shed.flatten()
    }

    /// Begins the next try as post `number` if it is due.
    pub fn begin(&mut self, number: u64, now: Moment) -> Option<Callback> {
        let first = self.0.front_mut()?;
        match first.state {
            State::Waiting { due } if due <= now => {
                first.state = State::Posting { number, until: now + SILENCE };
                Some(first.callback.clone())
            }
            _ => None,
        }
    }

    /// The post that is under way.
    pub fn posting(&self) -> Option<u64> {
        match self.0.front()?.state {
            State::Posting { number, .. } => Some(number),
            State::Waiting { .. } => None,
        }
    }

    /// The post that is under way, if nothing was heard of it for too long.
    pub fn overdue(&self, now: Moment) -> Option<u64> {
        match self.0.front()?.state {
            State::Posting { number, until } if until <= now => Some(number),
            _ => None,
        }
    }

    /// What is under way, to be said again by one who was brought back.
    pub fn resume(&mut self, now: Moment) -> Option<(u64, &Callback)> {
        let first = self.0.front_mut()?;
        let State::Posting { number, .. } = first.state else { return None };
        first.state = State::Posting { number, until: now + SILENCE };
        Some((number, &first.callback))
    }

    /// The post that is under way went like this. The pause before a further try is drawn by `chance`.
    pub fn conclude(
        &mut self,
        result: &Result<u16, WebhookError>,
        chance: u64,
        now: Moment,
    ) -> Option<Event> {
        let first = self.0.front_mut()?;
        first.tries += 1;
        let took_us = match first.state {
            State::Posting { until, .. } => {
                u64::try_from(now.since(until - SILENCE).as_micros()).unwrap_or(u64::MAX)
            }
            State::Waiting { .. } => 0,
        };
        let (status, code, what) = match result {
            Ok(status @ ..400) => (Some(*status), None, String::new()),
            Ok(status) => (Some(*status), Some(REFUSED), format!("answered with {status}")),
            Err(error) => (None, Some(error.code), error.message.clone()),
        };
        let may_help = match result {
            Ok(status) => *status >= 500,
            Err(error) => error.is_passing(),
        };
        let due = now + pause(first.tries, chance);
        let again = may_help && due < first.expires;
        let message = match code {
            None => what,
            Some(_) if again => format!("{what}; it is tried again in {:.1} s", due.since(now).as_secs_f32()),
            Some(_) => format!("{what}; it is given up"),
        };
        let url = webhook::shown(&first.callback.url);
        let event = Event::Callback { url, attempt: first.tries, status, code, message, took_us };
        if again {
            first.state = State::Waiting { due };
        } else {
            self.0.pop_front();
        }
        Some(event)
    }

    /// Gives up what has waited too long for its turn.
    pub fn expire(&mut self, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        while self.posting().is_none() && self.0.front().is_some_and(|first| first.expires <= now) {
            events.extend(self.0.pop_front().map(|pending| pending.expired("its time was over")));
        }
        events
    }

    /// Takes the oldest out, whatever its state.
    pub fn abandon(&mut self) -> Option<Callback> {
        self.0.pop_front().map(|pending| pending.callback)
    }

    /// When something has to be done about the oldest.
    pub fn next_deadline(&self) -> Option<Moment> {
        let first = self.0.front()?;
        Some(match first.state {
            State::Waiting { due } => due.min(first.expires),
            State::Posting { until, .. } => until,
        })
    }
}

impl Pending {
    fn expired(&self, why: &str) -> Event {
        Event::Callback {
            url: webhook::shown(&self.callback.url),
            attempt: self.tries,
            status: None,
            code: Some(EXPIRED),
            message: format!("{why}; it is given up"),
            took_us: 0,
        }
    }
}

/// What is held against a post of which nothing was heard.
pub(super) fn silence() -> WebhookError {
    WebhookError::new(webhook::code::TOTAL_TIMEOUT, "", "nothing was heard of it")
}

/// The pause after `tries` tries: twice as long each time, and of its second half a random part.
fn pause(tries: u32, chance: u64) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(10));
    let whole = doubled.min(LONGEST_PAUSE).as_micros() as u64;
    Duration::from_micros(whole / 2 + chance % (whole / 2 + 1))
}
