//! The latest warnings and errors, kept for those who look at the running switch.
//! It must never grow: of each kind the latest one is kept, and how often it came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tracing::callsite::Identifier;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::fields::in_one_line;
use super::throttle::SUMS;
use crate::supervision::clock::{Clock, SystemClock};

/// Kinds that are kept.
const MOST: usize = 32;
/// Characters that are kept of each.
const LONGEST: usize = 300;

/// A warning or an error of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// When it came last: wall time, microseconds since 1970-01-01 UTC.
    pub wall_us: u64,
    /// It is an error.
    pub is_error: bool,
    /// How often its kind came.
    pub times: u64,
    /// What was said last.
    pub text: String,
}

/// The latest complaints. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<VecDeque<(Identifier, Complaint)>>>);

impl Recent {
    /// The latest first.
    pub fn list(&self) -> Vec<Complaint> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().rev().map(|(_, complaint)| complaint.clone()).collect()
    }
}

impl<S: Subscriber> Layer<S> for Recent {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() > Level::WARN || metadata.target() == SUMS {
            return;
        }
        let text: String = in_one_line(event).chars().take(LONGEST).collect();
        let kind = metadata.callsite();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.iter().position(|(known, _)| *known == kind).and_then(|at| kept.remove(at));
        let times = before.map_or(0, |(_, complaint)| complaint.times) + 1;
        if kept.len() >= MOST {
            kept.pop_front();
        }
        let is_error = *metadata.level() == Level::ERROR;
        kept.push_back((kind, Complaint { wall_us: SystemClock.wall(), is_error, times, text }));
    }
}
