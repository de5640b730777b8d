//! What an operator may ask of the running switch.
//! It must never hold what only one of the two sides knows: both may be of different releases.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::Answer;
use crate::ids::LegId;

/// What an operator may ask of the running switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// The legs of this moment: [`Answer::Calls`].
    Calls,
    /// The phones of this moment: [`Answer::Registrations`].
    Registrations,
    /// What happened in a call: [`Answer::Trace`].
    Trace {
        /// Any leg of it; `None`: the call that began last.
        #[serde(default)]
        call: Option<LegId>,
    },
    /// Everything about one call: [`Answer::Call`].
    Call {
        /// Any leg of it; `None`: the call that began last.
        #[serde(default)]
        leg: Option<LegId>,
    },
    /// What happens from now on: [`Answer::Told`] for each event, [`Answer::Missed`] where the asker is too slow. Of
    /// one call first what happened so far, [`Answer::Trace`], and at its end [`Answer::Done`].
    Follow {
        /// Any leg of the call; `None`: all calls.
        #[serde(default)]
        call: Option<LegId>,
    },
    /// End legs as if they hung up: [`Answer::HungUp`].
    Hangup {
        /// Which.
        whom: Whom,
    },
    /// The switch at one look: [`Answer::Overview`].
    Overview,
    /// What the switch holds: [`Answer::Census`].
    Census,
    /// Whether SIP messages are logged in full: [`Answer::Done`].
    SipTrace {
        /// On or off.
        on: bool,
        /// Only those from and to this host.
        #[serde(default)]
        peer: Option<IpAddr>,
        /// Only those of this leg. With neither: all, or no more at all.
        #[serde(default)]
        call: Option<LegId>,
    },
    /// Read the operator's files anew and take up what changed, whole or not at all: [`Answer::Reloaded`].
    Reload {
        /// Only tell the difference.
        #[serde(default)]
        dry_run: bool,
    },
    /// Hand everything over to another binary, calls included: [`Answer::Upgraded`].
    Upgrade {
        /// Its path, from the root.
        binary: PathBuf,
    },
    /// The same with the binary that ran before the last upgrade: [`Answer::Upgraded`].
    Rollback,
    /// Take no new calls from now on, end with the last one, or end those that are left at a deadline:
    /// [`Answer::Draining`] at once. Asked again, only the deadline changes.
    Drain {
        /// How long from now, milliseconds.
        patience_ms: u64,
    },
    /// Take new calls again: [`Answer::Draining`].
    CancelDrain,
    /// Refuse new calls, end those that are up, end: [`Answer::Done`] at once.
    Stop,
    /// Make an actor panic, to see that nobody hears it: [`Answer::Done`]. Release builds do not know it.
    #[cfg(debug_assertions)]
    Poison {
        /// Which kind of actor.
        what: Poisoned,
        /// Which leg, or whose call or shard; `None`: the latest.
        #[serde(default)]
        id: Option<LegId>,
    },
}

/// Whose legs are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// This leg; the call goes on as if its far end had hung up.
    Leg(LegId),
    /// Every leg of the call that this one belongs to.
    Call(LegId),
    /// Everybody.
    All,
}

/// What [`Question::Poison`] makes panic.
#[cfg(debug_assertions)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Poisoned {
    /// The actor of a leg.
    Leg,
    /// The actor of a call.
    Call,
    /// The shard that serves a leg.
    Shard,
}
