//! What the running switch answers.
//! It must never hold a secret: answers are printed.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;
use trunkline_media::session::Stats;

#[cfg(doc)]
use super::{ControlError, Question, ask};
use super::{Drained, Overview};
use crate::config::{Change, Finding};
use crate::ids::CallId;
use crate::leg::LegSummary;
use crate::ops::events::Entry;
use crate::ops::trace::Trace;
use crate::registrar::Binding;
use crate::sip::message::Transport;

/// What the switch answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "answer", content = "data", rename_all = "kebab-case")]
pub enum Answer {
    /// To [`Question::Calls`]: legs of one call stand together, the caller's first.
    Calls(Vec<LegSummary>),
    /// To [`Question::Registrations`], by user.
    Registrations(Vec<RegistrationSummary>),
    /// To [`Question::Trace`].
    Trace(Trace),
    /// To [`Question::Call`].
    Call(Box<CallReport>),
    /// To [`Question::Follow`]: something happened.
    Told(Told),
    /// To [`Question::Follow`]: so many events were left out here, as they were not read in time.
    Missed {
        /// How many.
        events: u64,
    },
    /// To [`Question::Hangup`].
    HungUp {
        /// How many legs were told to end.
        legs: u64,
    },
    /// To [`Question::Overview`].
    Overview(Box<Overview>),
    /// To [`Question::Census`].
    Census(Census),
    /// To [`Question::Drain`] and [`Question::CancelDrain`].
    Draining(Drained),
    /// To [`Question::Reload`].
    Reloaded(Reloaded),
    /// To [`Question::Upgrade`]: another process has taken over.
    Upgraded {
        /// The release that left.
        from: String,
        /// The release that runs.
        to: String,
        /// Its process.
        process: u32,
        /// How long all sound stood still, in microseconds; nothing of it is lost.
        stood_still_us: u64,
    },
    /// It is done, or has begun.
    Done,
    /// It cannot be done. [`ask`] turns this into [`ControlError::Refused`].
    Error {
        /// Why: lower case, no full stop.
        message: String,
    },
}

/// Everything about a call, up or over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallReport {
    /// What happened.
    pub trace: Trace,
    /// Its legs that are up.
    pub up: Vec<LegNow>,
    /// When this was so.
    pub now: Moment,
}

/// A leg that is up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LegNow {
    /// Who and since when.
    pub summary: LegSummary,
    /// Its sound, once it has any: at most a second old.
    #[serde(default)]
    pub quality: Option<Quality>,
}

/// What the sound of a leg is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quality {
    /// Packets that came.
    pub received: u64,
    /// Packets that were sent.
    pub sent: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1), microseconds.
    pub jitter_us: u64,
    /// Round trip, microseconds, once the far end has reported.
    pub round_trip_us: Option<u64>,
    /// The longest time between two packets in a row, milliseconds.
    pub longest_gap_ms: Option<u64>,
    /// Packets of a hundred that the far end lacks, by its last report.
    pub lost_there_percent: Option<u64>,
    /// Packets of strangers, dropped.
    pub foreign: u64,
}

impl From<Stats> for Quality {
    fn from(stats: Stats) -> Self {
        Self {
            received: stats.packets_received,
            sent: stats.packets_sent,
            lost: stats.lost,
            jitter_us: stats.jitter_us.into(),
            round_trip_us: stats.round_trip_us.map(Into::into),
            longest_gap_ms: Some(stats.max_gap_ms.into()),
            lost_there_percent: stats.remote_fraction_lost.map(|of_256| u64::from(of_256) * 100 / 256),
            foreign: stats.foreign,
        }
    }
}

/// One event of a call that is being followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// Whose call.
    pub call: CallId,
    /// The far end of the leg. Events have a `peer` of their own.
    pub far_end: String,
    /// What happened to which leg, and when.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What came of a reload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// What was done.
    pub outcome: Outcome,
    /// What differs between what was in force and the files.
    pub changes: Vec<Change>,
    /// What is wrong with the files.
    pub findings: Vec<Finding>,
}

/// What a reload did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything that changed is in force for what begins from now on.
    Swapped,
    /// Nothing had changed.
    Unchanged,
    /// A dry run: it could be swapped.
    Checked,
    /// Nothing: some of the changes need a restart.
    NeedsRestart,
    /// Nothing: the files are wrong.
    Broken,
}

/// A phone for those who look from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationSummary {
    /// Whose phone.
    pub user: String,
    /// The URI that it wants to be called at.
    pub contact: String,
    /// Where its REGISTER came from: where it is really called.
    pub received: SocketAddr,
    /// What carries its messages.
    pub transport: Transport,
    /// Seconds until the registration lapses.
    pub expires_in_s: u64,
    /// What it calls itself.
    #[serde(default)]
    pub user_agent: Option<String>,
}

impl RegistrationSummary {
    /// The phone of `user` that `binding` tells of.
    pub fn new(user: String, binding: &Binding, now: Moment) -> Self {
        Self {
            user,
            contact: binding.contact.uri.to_string(),
            received: binding.received,
            transport: binding.flow.transport.clone(),
            expires_in_s: binding.expires.since(now).as_secs(),
            user_agent: binding.user_agent.clone(),
        }
    }
}

/// What the switch holds. After the last call every count is zero: what is left would be a leak.
///
/// Only what belongs to calls is counted: neither phones nor the permanent part of the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Census {
    /// Calls.
    pub calls: u64,
    /// Legs, those included whose last transactions are coming to their end.
    pub legs: u64,
    /// Running scripts.
    pub scripts: u64,
    /// Outboxes with status callbacks that are not delivered yet.
    pub outboxes: u64,
    /// Actors of calls, legs and scripts, and their supervisors.
    pub actors: u64,
    /// Tasks that serve calls: sounds being fetched, names being looked up, letters that wait.
    pub tasks: u64,
    /// Letters between actors that are not acknowledged.
    pub mails: u64,
    /// Snapshots kept for those actors.
    pub snapshots: u64,
    /// Port pairs leased.
    pub ports: u64,
    /// Media sessions open.
    pub sessions: u64,
    /// SIP client transactions.
    pub client_transactions: u64,
    /// SIP server transactions.
    pub server_transactions: u64,
    /// INVITE client transactions that outlive their leg.
    pub orphans: u64,
    /// SIP dialogs.
    pub dialogs: u64,
}

impl Census {
    /// Whether nothing of any call is left.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
