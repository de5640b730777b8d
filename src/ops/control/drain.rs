//! A switch that is drained: it takes no new calls, and ends with the last one, or at a deadline.
//! It must never hold more than what has to survive a crash of the switch.

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

/// Since when a switch takes no new calls, and when those that are up are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Since when.
    pub since: Moment,
    /// Until when calls may go on.
    pub until: Moment,
}

/// How far a drain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// The drain; none: new calls are taken.
    pub drain: Option<Drain>,
    /// When this was so.
    pub now: Moment,
    /// Calls that are up.
    pub calls: u64,
    /// Legs that are up.
    pub legs: u64,
    /// Calls whose status callbacks are not delivered yet.
    pub outboxes: u64,
}
