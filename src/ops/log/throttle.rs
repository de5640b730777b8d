//! Keeps repeated warnings out of the log: each kind is one place of the source, said once an episode.
//! It must never keep back what is not a warning or an error.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

use super::episodes::Episodes;
use crate::supervision::clock::{Clock, SystemClock};

/// Errors of one kind that are said in an episode: each may be about another call.
const ERRORS: u32 = 10;

/// Where the sums are said: they are never kept back themselves.
pub(super) const SUMS: &str = "trunkline::repeated";

/// Where findings in the operator's files are said: each is another one, and all of them are told.
pub(super) const FINDINGS: &str = "trunkline::files";

/// Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Throttle(Arc<Mutex<Episodes<Kind>>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    callsite: Identifier,
    is_error: bool,
}

impl Throttle {
    /// Says how often what was kept back came. To be called every few seconds.
    pub fn settle(&self) {
        let sums = self.episodes().settle(SystemClock.now());
        for sum in sums {
            let (times, seconds, goes_on) = (sum.times, sum.span.as_secs(), sum.goes_on);
            if sum.kind.is_error {
                tracing::error!(target: SUMS, times, seconds, goes_on, "again: {}", sum.what);
            } else {
                tracing::warn!(target: SUMS, times, seconds, goes_on, "again: {}", sum.what);
            }
        }
    }

    fn episodes(&self) -> MutexGuard<'_, Episodes<Kind>> {
        // Counts only: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Filter<S> for Throttle {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        let is_error = *metadata.level() == Level::ERROR;
        if *metadata.level() > Level::WARN || matches!(metadata.target(), SUMS | FINDINGS) {
            return true;
        }
        let kind = Kind { callsite: metadata.callsite(), is_error };
        let free = if is_error { ERRORS } else { 1 };
        self.episodes().admits(kind, free, SystemClock.now(), || message_of(event))
    }
}

fn message_of(event: &Event<'_>) -> String {
    struct Message(String);
    impl Visit for Message {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() == "message" {
                self.0 = format!("{value:?}");
            }
        }
    }
    let mut message = Message(String::new());
    event.record(&mut message);
    message.0
}
