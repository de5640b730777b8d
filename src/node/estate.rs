//! What a former process has left of an arbiter, read from its journal. Pure.
//! It must never let a call go on of which a part is missing: no call is better than a wrong one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use trunkline_media::moment::{self, Shift};
use trunkline_media::session::Session;

use super::changes::{Key, VERSION};
use super::commits::Telephones;
use super::records::CallLog;
use crate::call::Call;
use crate::call::script::ScriptRun;
use crate::callbacks::Outbox;
use crate::ids::{CallId, LegId, RecordingSid};
use crate::journal::Record;
use crate::ledger::CallRecord;
use crate::leg::Leg;
use crate::sip::endpoint::ServerKey;
use crate::sip::shard::ShardPart;

/// Everything that an arbiter had committed.
#[derive(Debug, Default)]
pub(super) struct Estate {
    pub calls: HashMap<CallId, Call>,
    pub legs: HashMap<LegId, Leg>,
    pub scripts: HashMap<LegId, ScriptRun>,
    pub outboxes: HashMap<CallId, Outbox>,
    pub shard: Vec<ShardPart>,
    pub admitted: Vec<(LegId, ServerKey)>,
    pub logs: HashMap<CallId, CallLog>,
    /// In how many parts the logs are.
    pub parts: HashMap<CallId, u32>,
    pub telephones: HashMap<String, Telephones>,
    /// Records of legs that may not be in the ledger yet.
    pub accounts: Vec<CallRecord>,
    /// Media sessions, by their number.
    pub sessions: HashMap<u64, Session>,
    /// Records that lead nowhere any more: the journal shall forget them.
    pub stale: Vec<Arc<str>>,
    /// Whether the last that was committed may be missing.
    pub is_stale: bool,
    /// What could not be taken up, for the log.
    pub losses: Vec<String>,
}

impl Estate {
    /// Reads records, whose times are moved by `shift` if they are of another boot.
    pub fn read(records: Vec<Record>, shift: Shift) -> Self {
        let mut estate = Self::default();
        let mut unreadable = BTreeSet::new();
        let mut parts = BTreeMap::new();
        for record in records {
            let Some(key) = Key::read(&record.key) else {
                estate.losses.push(format!("{}: a kind of record that is not known here", record.key));
                estate.stale.push(record.key);
                continue;
            };
            let read = moment::rebased(shift, || estate.take(&key, &record, &mut parts));
            if let Err(reason) = read {
                estate.losses.push(format!("{}: {reason}", record.key));
                estate.stale.push(record.key);
                unreadable.insert(key);
            } else if *key.text() != *record.key {
                // Written by a release that names it otherwise: it is written anew under the present name.
                estate.stale.push(record.key);
            }
        }
        estate.assemble_logs(parts);
        estate.drop_incomplete(&unreadable);
        estate
    }

    fn take(
        &mut self,
        key: &Key,
        record: &Record,
        parts: &mut BTreeMap<(CallId, u32), CallLog>,
    ) -> Result<(), String> {
        match key {
            Key::Call(call) => drop(self.calls.insert(*call, decoded(record)?)),
            Key::Leg(leg) => drop(self.legs.insert(*leg, decoded(record)?)),
            Key::Script(leg) => drop(self.scripts.insert(*leg, decoded(record)?)),
            Key::Outbox(call) => drop(self.outboxes.insert(*call, decoded(record)?)),
            Key::Shard(_) => self.shard.push(decoded(record)?),
            Key::Admitted(leg) => self.admitted.push((*leg, decoded(record)?)),
            Key::Account(_) => self.accounts.push(decoded(record)?),
            Key::User(user) => drop(self.telephones.insert(user.clone(), decoded(record)?)),
            Key::Log(call, part) => drop(parts.insert((*call, *part), decoded(record)?)),
            Key::Session(bits) => drop(self.sessions.insert(*bits, decoded(record)?)),
        }
        Ok(())
    }

    fn assemble_logs(&mut self, parts: BTreeMap<(CallId, u32), CallLog>) {
        for ((call, part), lines) in parts {
            let log = self.logs.entry(call).or_default();
            for leg in lines.legs {
                log.leg(leg.id, &leg.peer).entries.extend(leg.entries);
            }
            let count = self.parts.entry(call).or_default();
            *count = (*count).max(part + 1);
        }
    }

    /// A call goes on with everything that it had, or not at all.
    fn drop_incomplete(&mut self, unreadable: &BTreeSet<Key>) {
        let of_leg = |leg: &LegId| {
            let known = self.legs.get(leg).map(Leg::call);
            known.or_else(|| {
                let lists = |log: &CallLog| log.legs.iter().any(|log| log.id == *leg);
                self.logs.iter().find(|(_, log)| lists(log)).map(|(call, _)| *call)
            })
        };
        let broken: HashSet<CallId> = unreadable
            .iter()
            .filter_map(|key| match key {
                Key::Call(call) => Some(*call),
                Key::Leg(leg) | Key::Script(leg) => of_leg(leg),
                // Its callbacks are lost, the call is not.
                _ => None,
            })
            .collect();
        for call in broken {
            self.losses.push(format!("call {call} cannot go on: a part of it cannot be read"));
            self.drop_call(call);
        }
    }

    fn drop_call(&mut self, call: CallId) {
        let legs: Vec<LegId> = self.legs.values().filter(|leg| leg.call() == call).map(Leg::id).collect();
        let scripts: Vec<LegId> =
            self.scripts.values().filter(|run| run.call() == call).map(ScriptRun::leg).collect();
        for leg in &legs {
            self.legs.remove(leg);
            self.stale.extend([Key::Leg(*leg), Key::Admitted(*leg)].iter().map(|key| Arc::from(key.text())));
        }
        for leg in scripts {
            self.scripts.remove(&leg);
            self.stale.push(Key::Script(leg).text().into());
        }
        self.admitted.retain(|(leg, _)| !legs.contains(leg));
        self.calls.remove(&call);
        self.outboxes.remove(&call);
        self.logs.remove(&call);
        self.stale.extend([Key::Call(call), Key::Outbox(call)].iter().map(|key| Arc::from(key.text())));
        let parts = self.parts.remove(&call).unwrap_or_default();
        self.stale.extend((0..parts).map(|part| Arc::from(Key::Log(call, part).text())));
    }

    /// Recordings that are not at their end.
    pub fn recordings(&self) -> impl Iterator<Item = RecordingSid> {
        let of_legs = self.legs.values().filter_map(Leg::recording);
        let of_calls = self.calls.values().flat_map(Call::recordings);
        of_legs.chain(of_calls).chain(self.scripts.values().filter_map(ScriptRun::recording))
    }

    /// Whether a call is still known in any way.
    pub fn calls(&self) -> BTreeSet<CallId> {
        let of_legs = self.legs.values().map(Leg::call);
        let of_scripts = self.scripts.values().map(ScriptRun::call);
        self.calls.keys().chain(self.outboxes.keys()).copied().chain(of_legs).chain(of_scripts).collect()
    }
}

fn decoded<T: DeserializeOwned>(record: &Record) -> Result<T, String> {
    if record.version > VERSION {
        let (version, known) = (record.version, VERSION);
        return Err(format!("written in version {version}, and this release reads up to {known}"));
    }
    ciborium::from_reader(&*record.value).map_err(|error| error.to_string())
}
