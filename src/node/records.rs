//! What the machines of one arbiter have committed: in memory, outside of any actor, so that a panic takes none of it.
//! It must never be changed but by a commit, and never decide anything.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::call::script::ScriptRun;
use crate::ids::{CallId, LegId};
use crate::leg::Leg;
use crate::ops::events::Entry;
use crate::sip::endpoint::Part;
use crate::sip::shard::{ShardKey, ShardPart};

/// Ended calls whose event logs are kept for `trace`.
const ARCHIVE: usize = 1_000;

/// Lines kept per leg: a leg that goes on for weeks must not grow for ever. The oldest but the first few go.
const LINES: usize = 2_000;

/// The committed state of one arbiter, and the event logs.
#[derive(Debug, Default)]
pub struct Records {
    pub(super) legs: HashMap<LegId, Leg>,
    pub(super) calls: HashMap<CallId, Call>,
    pub(super) scripts: HashMap<LegId, ScriptRun>,
    shard: HashMap<ShardKey, ShardPart>,
    logs: HashMap<CallId, CallLog>,
    archive: VecDeque<(CallId, CallLog)>,
    commits: u64,
}

/// The event logs of one call's legs, in the order in which they joined.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CallLog {
    /// Each leg with its far end and its log.
    pub legs: Vec<LegLog>,
}

/// The event log of one leg.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LegLog {
    /// Which leg.
    pub id: LegId,
    /// The far end.
    pub peer: String,
    /// What happened.
    pub entries: Vec<Entry>,
}

/// How many pieces of each kind a shard has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ShardCounts {
    pub mails: u64,
    pub client: u64,
    pub server: u64,
    pub dialogs: u64,
    pub orphans: u64,
}

impl Records {
    /// Keeps a leg.
    pub fn put_leg(&mut self, leg: Leg) {
        self.commits += 1;
        let call = self.logs.entry(leg.call()).or_default();
        if !call.legs.iter().any(|log| log.id == leg.id()) {
            call.legs.push(LegLog { id: leg.id(), peer: leg.summary().peer, entries: Vec::new() });
        }
        self.legs.insert(leg.id(), leg);
    }

    /// Keeps a call.
    pub fn put_call(&mut self, call: Call) {
        self.commits += 1;
        self.calls.insert(call.id(), call);
    }

    /// Keeps a script.
    pub fn put_script(&mut self, script: ScriptRun) {
        self.commits += 1;
        self.scripts.insert(script.leg(), script);
    }

    /// Keeps what a step of the shard changed.
    pub fn put_shard(&mut self, changed: Vec<ShardPart>, gone: Vec<ShardKey>) {
        if changed.is_empty() && gone.is_empty() {
            return;
        }
        self.commits += 1;
        for key in gone {
            self.shard.remove(&key);
        }
        for part in changed {
            self.shard.insert(part.key(), part);
        }
    }

    /// How many pieces of each kind the shard has.
    pub(super) fn shard_counts(&self) -> ShardCounts {
        let mut counts = ShardCounts::default();
        for part in self.shard.values() {
            match part {
                ShardPart::Mail(..) => counts.mails += 1,
                ShardPart::Endpoint(Part::Client(client)) => {
                    counts.client += 1;
                    counts.orphans += u64::from(client.is_orphan());
                }
                ShardPart::Endpoint(Part::Server(_)) => counts.server += 1,
                ShardPart::Endpoint(Part::Dialog { .. }) => counts.dialogs += 1,
                ShardPart::Endpoint(Part::Spent { .. }) => {}
            }
        }
        counts
    }

    /// The pieces of the shard.
    pub fn shard_parts(&self) -> Vec<ShardPart> {
        self.shard.values().cloned().collect()
    }

    /// Adds lines to the event logs of `call`.
    pub fn log(&mut self, call: CallId, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let log = self.logs.entry(call).or_default();
        for entry in entries {
            let leg = match log.legs.iter_mut().find(|log| log.id == entry.leg) {
                Some(leg) => leg,
                None => {
                    log.legs.push(LegLog { id: entry.leg, peer: String::new(), entries: Vec::new() });
                    let Some(leg) = log.legs.last_mut() else { continue };
                    leg
                }
            };
            if leg.entries.len() >= LINES {
                leg.entries.drain(16..LINES / 2);
            }
            leg.entries.push(entry);
        }
    }

    /// Forgets a leg that is gone for good.
    pub fn drop_leg(&mut self, leg: LegId) -> Option<Leg> {
        let gone = self.legs.remove(&leg)?;
        self.archive_if_over(gone.call());
        Some(gone)
    }

    /// Forgets a call that is over.
    pub fn drop_call(&mut self, call: CallId) {
        self.calls.remove(&call);
        self.archive_if_over(call);
    }

    fn archive_if_over(&mut self, call: CallId) {
        let is_over = !self.calls.contains_key(&call) && !self.legs.values().any(|leg| leg.call() == call);
        if is_over && let Some(log) = self.logs.remove(&call) {
            if self.archive.len() >= ARCHIVE {
                self.archive.pop_front();
            }
            self.archive.push_back((call, log));
        }
    }

    /// The log of the call that `leg` belongs to, whether it is up or over.
    pub fn log_of(&self, leg: LegId) -> Option<(CallId, &CallLog)> {
        let up = self.logs.iter().map(|(call, log)| (*call, log));
        let over = self.archive.iter().rev().map(|(call, log)| (*call, log));
        up.chain(over).find(|(_, log)| log.legs.iter().any(|log| log.id == leg))
    }

    /// The log of the call that began last.
    pub fn latest(&self) -> Option<(CallId, &CallLog)> {
        let up = self.logs.iter().map(|(call, log)| (*call, log));
        let over = self.archive.iter().map(|(call, log)| (*call, log));
        up.chain(over).max_by_key(|(_, log)| log.began())
    }

    /// The call of a leg that is up.
    pub fn call_of(&self, leg: LegId) -> Option<CallId> {
        self.legs.get(&leg).map(Leg::call)
    }

    /// How many times something was committed.
    pub fn commits(&self) -> u64 {
        self.commits
    }
}

impl CallLog {
    /// When its first leg began, in microseconds since boot.
    pub fn began(&self) -> u64 {
        let first = self.legs.iter().filter_map(|leg| leg.entries.first()).map(|entry| entry.at.as_micros());
        first.min().unwrap_or_default()
    }
}
