//! What the machines of one arbiter have committed: in memory, outside of any actor, so that a panic takes none of it.
//! It must never be changed but by a commit, and never decide anything.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::changes::{Changes, Key};
use super::metrics::Metrics;
use super::tails::Tails;
use crate::call::Call;
use crate::call::script::ScriptRun;
use crate::callbacks::Outbox;
use crate::ids::{CallId, LegId};
use crate::ledger::CallRecord;
use crate::leg::Leg;
use crate::ops::control::Told;
use crate::ops::events::Entry;
use crate::sip::endpoint::{DialogKey, Part, PartKey};
use crate::sip::message::Request;
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
    pub(super) outboxes: HashMap<CallId, Outbox>,
    pub(super) shard: HashMap<ShardKey, ShardPart>,
    pub(super) logs: HashMap<CallId, CallLog>,
    archive: VecDeque<(CallId, CallLog)>,
    /// Where lines are counted.
    metrics: Option<Arc<Metrics>>,
    /// Those who follow what happens.
    pub(super) tails: Tails,
    /// Records of legs that are on their way to the ledger.
    pub(super) accounts: HashMap<LegId, CallRecord>,
    /// What the journal has not been told yet.
    pub(super) changes: Changes,
    /// Lines of event logs that it has not been told yet.
    pub(super) lines: HashMap<CallId, CallLog>,
    /// In how many parts it has the event log of a call.
    pub(super) parts: HashMap<CallId, u32>,
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
    /// No records; every line that is added to an event log is counted.
    pub fn counted(metrics: Arc<Metrics>) -> Self {
        Self { metrics: Some(metrics), ..Self::default() }
    }

    /// Keeps a leg.
    pub fn put_leg(&mut self, leg: Leg) {
        let call = self.logs.entry(leg.call()).or_default();
        if !call.legs.iter().any(|log| log.id == leg.id()) {
            call.legs.push(LegLog { id: leg.id(), peer: leg.summary().peer, entries: Vec::new() });
        }
        self.changes.note(Key::Leg(leg.id()));
        self.legs.insert(leg.id(), leg);
    }

    /// Keeps a call.
    pub fn put_call(&mut self, call: Call) {
        self.changes.note(Key::Call(call.id()));
        self.calls.insert(call.id(), call);
    }

    /// Keeps a script.
    pub fn put_script(&mut self, script: ScriptRun) {
        self.changes.note(Key::Script(script.leg()));
        self.scripts.insert(script.leg(), script);
    }

    /// Keeps the outbox of a call.
    pub fn put_outbox(&mut self, outbox: Outbox) {
        self.changes.note(Key::Outbox(outbox.call()));
        self.outboxes.insert(outbox.call(), outbox);
    }

    /// Keeps what a step of the shard changed.
    pub fn put_shard(&mut self, changed: Vec<ShardPart>, gone: Vec<ShardKey>) {
        if changed.is_empty() && gone.is_empty() {
            return;
        }
        for key in gone {
            self.shard.remove(&key);
            self.changes.note(Key::Shard(key));
        }
        for part in changed {
            self.changes.note(Key::Shard(part.key()));
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

    /// The leg whose dialog a request of ours is of.
    pub fn leg_that_sends(&self, request: &Request) -> Option<&Leg> {
        let headers = request.headers();
        let (call_id, from) = (headers.call_id().ok()?, headers.from().ok()?);
        let dialog = PartKey::Dialog(DialogKey::new(call_id, from.tag()?));
        match self.shard.get(&ShardKey::Endpoint(dialog))? {
            ShardPart::Endpoint(Part::Dialog { owner, .. }) => self.legs.get(owner),
            _ => None,
        }
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
            if let Some(metrics) = &self.metrics {
                metrics.fold(&leg.entries, &entry);
            }
            if leg.entries.len() >= LINES {
                let mut at = 0;
                leg.entries.retain(|entry| {
                    at += 1;
                    !(17..=LINES / 2).contains(&at) || entry.event.is_milestone()
                });
            }
            if !self.tails.is_empty() {
                self.tails.tell(&Told { call, far_end: leg.peer.clone(), entry: entry.clone() });
            }
            let lines = self.lines.entry(call).or_default();
            lines.leg(entry.leg, &leg.peer).entries.push(entry.clone());
            leg.entries.push(entry);
        }
    }

    /// Forgets a leg that is gone for good.
    pub fn drop_leg(&mut self, leg: LegId) -> Option<Leg> {
        let gone = self.legs.remove(&leg)?;
        self.changes.note(Key::Leg(leg));
        self.archive_if_over(gone.call());
        Some(gone)
    }

    /// Forgets a call that is over.
    pub fn drop_call(&mut self, call: CallId) {
        self.calls.remove(&call);
        self.changes.note(Key::Call(call));
        self.archive_if_over(call);
    }

    /// Forgets a script that is over.
    pub fn drop_script(&mut self, leg: LegId) {
        let gone = self.scripts.remove(&leg);
        self.changes.note(Key::Script(leg));
        gone.into_iter().for_each(|run| self.archive_if_over(run.call()));
    }

    /// Forgets the outbox of a call.
    pub fn drop_outbox(&mut self, call: CallId) -> Option<Outbox> {
        let gone = self.outboxes.remove(&call)?;
        self.changes.note(Key::Outbox(call));
        self.archive_if_over(call);
        Some(gone)
    }

    /// The log of a call is complete when its last callback has arrived.
    fn archive_if_over(&mut self, call: CallId) {
        let is_over = !self.calls.contains_key(&call)
            && !self.outboxes.contains_key(&call)
            && !self.scripts.values().any(|run| run.call() == call)
            && self.legs_of(call).is_empty();
        if is_over && let Some(log) = self.logs.remove(&call) {
            self.lines.remove(&call);
            let parts = self.parts.remove(&call).unwrap_or_default();
            (0..parts).for_each(|part| self.changes.note(Key::Log(call, part)));
            if self.archive.len() >= ARCHIVE {
                self.archive.pop_front();
            }
            self.archive.push_back((call, log));
            self.tails.over(call);
        }
    }

    /// The log of the call that `leg` belongs to, whether it is up or over.
    pub fn log_of(&self, leg: LegId) -> Option<(CallId, &CallLog)> {
        let up = self.logs.iter().map(|(call, log)| (*call, log));
        let over = self.archive.iter().rev().map(|(call, log)| (*call, log));
        up.chain(over).find(|(_, log)| log.legs.iter().any(|log| log.id == leg))
    }

    /// The log of a leg of a call that is up.
    pub(super) fn leg_log(&self, call: CallId, leg: LegId) -> &[Entry] {
        let log = self.logs.get(&call).and_then(|log| log.legs.iter().find(|log| log.id == leg));
        log.map(|log| log.entries.as_slice()).unwrap_or_default()
    }

    /// The log of the call that began last.
    pub fn latest(&self) -> Option<(CallId, &CallLog)> {
        let up = self.logs.iter().map(|(call, log)| (*call, log));
        let over = self.archive.iter().map(|(call, log)| (*call, log));
        up.chain(over).max_by_key(|(_, log)| log.began())
    }

    /// Whether a call goes on: its log may still grow.
    pub fn is_open(&self, call: CallId) -> bool {
        self.logs.contains_key(&call)
    }

    /// The legs of a call that are here. Each stands in the call's log since it was first committed.
    pub fn legs_of(&self, call: CallId) -> Vec<LegId> {
        let known = self.logs.get(&call).map(|log| log.legs.as_slice()).unwrap_or_default();
        known.iter().map(|log| log.id).filter(|leg| self.legs.contains_key(leg)).collect()
    }

    /// The call of a leg that is up.
    pub fn call_of(&self, leg: LegId) -> Option<CallId> {
        self.legs.get(&leg).map(Leg::call)
    }
}

impl CallLog {
    /// The log of one leg, begun if need be.
    pub(super) fn leg(&mut self, id: LegId, peer: &str) -> &mut LegLog {
        let place = self.legs.iter().position(|log| log.id == id).unwrap_or_else(|| {
            self.legs.push(LegLog { id, peer: peer.to_owned(), entries: Vec::new() });
            self.legs.len() - 1
        });
        &mut self.legs[place]
    }

    /// When its first leg began, in microseconds since boot.
    pub fn began(&self) -> u64 {
        let first = self.legs.iter().filter_map(|leg| leg.entries.first()).map(|entry| entry.at.as_micros());
        first.min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use trunkline_media::moment::Moment;

    use super::*;
    use crate::ops::events::Event;

    fn id(number: u16) -> LegId {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        LegId::from_bytes(bytes)
    }

    fn call(number: u16) -> Call {
        Call::new(crate::call::tests::spec(id(number)))
    }

    fn rings(number: u16, at: u64) -> Entry {
        Entry { leg: id(number), at: Moment::from_micros(at), event: Event::Ringing }
    }

    #[test]
    fn the_log_of_a_call_is_found_while_it_is_up_and_after() {
        let mut records = Records::default();
        for number in [1, 2] {
            records.put_call(call(number));
            records.log(CallId(id(number)), vec![rings(number, number.into())]);
        }
        records.drop_call(CallId(id(1)));
        for number in [1, 2] {
            assert_eq!(records.log_of(id(number)).map(|(call, _)| call), Some(CallId(id(number))));
        }
        assert_eq!(records.latest().map(|(call, _)| call), Some(CallId(id(2))));
        assert!(records.log_of(id(3)).is_none());
        assert_eq!((records.logs.len(), records.archive.len()), (1, 1));
    }

    #[test]
    fn of_ended_calls_the_last_thousand_are_kept() {
        let mut records = Records::default();
        for number in 0..=1_000 {
            records.put_call(call(number));
            records.log(CallId(id(number)), vec![rings(number, number.into())]);
            records.drop_call(CallId(id(number)));
        }
        assert_eq!(records.archive.len(), ARCHIVE);
        assert!(records.log_of(id(0)).is_none());
        assert!(records.log_of(id(1)).is_some() && records.log_of(id(1_000)).is_some());
    }

    #[test]
    fn the_log_of_a_long_leg_keeps_its_beginning_and_its_end() {
        let mut records = Records::default();
        records.put_call(call(1));
        for at in 0..10_000 {
            records.log(CallId(id(1)), vec![rings(1, at)]);
        }
        records.log(CallId(id(1)), vec![Entry { event: Event::Answered, ..rings(1, 10_000) }]);
        for at in 10_001..20_000 {
            records.log(CallId(id(1)), vec![rings(1, at)]);
        }
        let (_, log) = records.log_of(id(1)).expect("it is up");
        let is_answer = |entry: &&Entry| entry.event == Event::Answered;
        assert_eq!(
            log.legs[0].entries.iter().filter(is_answer).map(|entry| entry.at.as_micros()).sum::<u64>(),
            10_000
        );
        let times: Vec<u64> = log.legs[0].entries.iter().map(|entry| entry.at.as_micros()).collect();
        assert!(times.len() <= LINES, "{}", times.len());
        assert_eq!((times[..16].to_vec(), times.last()), ((0..16).collect(), Some(&19_999)));
    }
}
