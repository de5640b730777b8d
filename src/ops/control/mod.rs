//! The control socket: how the commands of an operator ask the running switch, and what it answers.
//! It must never be reachable by another user of the host, and never carry text where data will do.
//!
//! One JSON value a line each way, on the Unix socket `control.sock` in the data folder: a [`Question`], then its
//! [`Answer`]; as many as one likes on a connection, one after the other.

mod client;
mod server;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

pub use self::client::ask;
pub use self::server::{Asked, ControlSocket, serve};
use super::trace::Trace;
use crate::config::{Change, Finding};
use crate::ids::LegId;
use crate::leg::LegSummary;
use crate::registrar::Binding;
use crate::sip::message::Transport;

/// The socket's name in the data folder.
pub const SOCKET: &str = "control.sock";

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
    /// Refuse new calls, drain, end: [`Answer::Done`] at once.
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
    /// To [`Question::Census`].
    Census(Census),
    /// To [`Question::Reload`].
    Reloaded(Reloaded),
    /// It is done, or has begun.
    Done,
    /// It cannot be done. [`ask`] turns this into [`ControlError::Refused`].
    Error {
        /// Why: lower case, no full stop.
        message: String,
    },
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

/// Why the switch could not be asked, or its control socket not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens.
    #[error("no switch is running with data folder {}", .0.display())]
    NotRunning(PathBuf),
    /// Somebody listens already.
    #[error("another switch is running with data folder {}", .0.display())]
    Running(PathBuf),
    /// The path does not fit into a socket address (107 bytes).
    #[error("the path {} is too long for a socket: choose a shorter data folder", .0.display())]
    LongPath(PathBuf),
    /// The socket belongs to somebody else.
    #[error("the switch with data folder {} runs as another user", .0.display())]
    Forbidden(PathBuf),
    /// No answer in time.
    #[error("the switch with data folder {} did not answer within {} s", .0.display(), .1.as_secs())]
    Deadline(PathBuf, Duration),
    /// It was closed before the answer.
    #[error("the switch with data folder {} hung up before it answered", .0.display())]
    HungUp(PathBuf),
    /// The answer is no [`Answer`]: another release.
    #[error("the switch answered something unknown ({0}): is it of another release?")]
    Unintelligible(String),
    /// The switch says that it cannot be done.
    #[error("{0}")]
    Refused(String),
    /// The system says that it cannot be done.
    #[error("control socket: {0}")]
    Io(#[from] io::Error),
}
