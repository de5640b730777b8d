//! The trace: the event logs of a call's legs, drawn as a ladder that answers "why did this call do that?".
//! It must never ask a clock or a terminal: the same logs give the same ladder.

mod canvas;
pub mod civil;
mod columns;
mod digest;
mod ladder;
mod lines;
mod names;
mod story;
mod words;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

pub use self::civil::Wall;
pub use self::digest::digest;
pub use self::ladder::{Ink, draw, ladder};
pub use self::lines::{Follower, Line, lines};
use super::events::Entry;
use crate::ids::{CallId, LegId};

/// The event logs of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Which call.
    pub call: CallId,
    /// Wall clock of [`Moment`] 0: microseconds since 1970-01-01 UTC.
    pub boot_wall_us: u64,
    /// The caller's leg first, then those that were dialled, in their order.
    pub legs: Vec<LegTrace>,
}

/// The event log of one leg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegTrace {
    /// Which leg.
    pub id: LegId,
    /// Its far end, as in [`LegSummary::peer`](crate::leg::LegSummary).
    pub peer: String,
    /// Its log, oldest first.
    pub entries: Vec<Entry>,
}

impl Trace {
    /// When the call began: the oldest line of all logs.
    pub fn began(&self) -> Option<Moment> {
        self.entries().map(|entry| entry.at).min()
    }

    /// The wall time of a moment of this call.
    pub fn wall(&self, at: Moment) -> Wall {
        Wall::from_micros(at.wall(self.boot_wall_us))
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.legs.iter().flat_map(|leg| &leg.entries)
    }
}

#[cfg(test)]
mod tests;
