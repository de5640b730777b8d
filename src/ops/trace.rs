//! The trace: the event logs of a call's legs, drawn as a ladder that answers "why did this call do that?".
//! It must never ask a clock or a terminal: the same logs give the same ladder.

use serde::{Deserialize, Serialize};

use super::events::Entry;
use crate::ids::{CallId, LegId};

/// The event logs of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Which call.
    pub call: CallId,
    /// Wall clock of [`Moment`](trunkline_media::moment::Moment) 0: microseconds since 1970-01-01 UTC.
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
