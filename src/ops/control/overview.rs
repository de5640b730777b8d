//! The switch at one look: how much it does, how well it keeps up, what it complains of.
//! It must never cost the calls anything to ask for: counts are read, nobody waits.

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;
use trunkline_media::session::Stats;

use super::Drain;
use crate::leg::LegSummary;
use crate::ops::log::Complaint;

/// The switch at one moment. What grows is counted since its start: two looks make a rate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overview {
    /// Its release.
    pub version: String,
    /// When this was so.
    pub now: Moment,
    /// Wall time of that: microseconds since 1970-01-01 UTC.
    pub wall_us: u64,
    /// When it started.
    pub started: Moment,
    /// It is being stopped.
    pub is_closing: bool,
    /// It is being drained.
    pub drain: Option<Drain>,
    /// Calls that are up.
    pub calls: u64,
    /// The most that it takes.
    pub calls_limit: u64,
    /// Legs that are up.
    pub legs: u64,
    /// The most that it takes.
    pub legs_limit: u64,
    /// Calls that began since its start.
    pub begun: u64,
    /// Telephones that are registered.
    pub registrations: u64,
    /// Processor time that it used, microseconds.
    pub cpu_us: u64,
    /// Processors of the host.
    pub cores: u64,
    /// Memory that it holds, bytes.
    pub memory: u64,
    /// Files and sockets that it has open.
    pub files: u64,
    /// The most that the host allows.
    pub files_limit: u64,
    /// RTP packets, of legs that are up and those that are over.
    pub traffic: Traffic,
    /// How long the slowest signalling thread takes to answer, microseconds.
    pub lag_us: u64,
    /// Signalling threads that did not answer at all.
    pub silent: u64,
    /// SIP messages that found a full queue.
    pub shed: u64,
    /// The callers' legs of the longest calls, the longest first.
    pub longest: Vec<LegSummary>,
    /// The latest warnings and errors of the log, the latest first.
    pub complaints: Vec<Complaint>,
}

/// RTP packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traffic {
    /// That came.
    pub received: u64,
    /// That were sent.
    pub sent: u64,
    /// That never came.
    pub lost: u64,
}

impl From<Stats> for Traffic {
    fn from(stats: Stats) -> Self {
        Self { received: stats.packets_received, sent: stats.packets_sent, lost: stats.lost }
    }
}

impl std::ops::Add for Traffic {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            received: self.received.saturating_add(other.received),
            sent: self.sent.saturating_add(other.sent),
            lost: self.lost.saturating_add(other.lost),
        }
    }
}
