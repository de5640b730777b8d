//! What was committed, typed for those who look things up, and as bytes for those who come back.
//! It must never be read for a restart but through its bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use trunkline::call::Call;
use trunkline::call::script::ScriptRun;
use trunkline::callbacks::Outbox;
use trunkline::ids::{CallId, LegId};
use trunkline::leg::Leg;
use trunkline::ops::events::Entry;
use trunkline::registrar::Bindings;
use trunkline::sip::shard::{ShardKey, ShardPart};

/// The committed state of the switch.
#[derive(Clone, Default)]
pub struct Records {
    pub legs: BTreeMap<LegId, Leg>,
    pub calls: BTreeMap<CallId, Call>,
    pub scripts: BTreeMap<LegId, ScriptRun>,
    pub outboxes: BTreeMap<CallId, Outbox>,
    pub shard: BTreeMap<ShardKey, ShardPart>,
    pub bindings: BTreeMap<String, Bindings>,
    pub log: Vec<Entry>,
    /// The far end of every leg that ever was, in the order in which they began.
    pub peers: Vec<(LegId, String)>,
}

/// A record as it is written down.
pub fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("every record can be written");
    bytes
}

/// A record from its bytes alone.
pub fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> T {
    ciborium::from_reader(bytes).expect("every record can be read back")
}

/// What is left of a value when only its bytes are.
pub fn reborn<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let bytes = encoded(value);
    let heir: T = decoded(&bytes);
    assert_eq!(encoded(&heir).len(), bytes.len(), "a record comes back another one than it was");
    heir
}

fn all_reborn<K: Clone + Ord, T: Serialize + DeserializeOwned>(values: &BTreeMap<K, T>) -> BTreeMap<K, T> {
    values.iter().map(|(key, value)| (key.clone(), reborn(value))).collect()
}

impl Records {
    /// Everything, through bytes.
    pub fn reborn(&self) -> Self {
        Self {
            legs: all_reborn(&self.legs),
            calls: all_reborn(&self.calls),
            scripts: all_reborn(&self.scripts),
            outboxes: all_reborn(&self.outboxes),
            shard: all_reborn(&self.shard),
            bindings: all_reborn(&self.bindings),
            log: reborn(&self.log),
            peers: self.peers.clone(),
        }
    }

    pub fn put_leg(&mut self, leg: Leg) {
        if !self.peers.iter().any(|(id, _)| *id == leg.id()) {
            self.peers.push((leg.id(), leg.summary().peer));
        }
        self.legs.insert(leg.id(), leg);
    }

    pub fn put_shard(&mut self, changed: Vec<ShardPart>, gone: &[ShardKey]) {
        gone.iter().for_each(|key| drop(self.shard.remove(key)));
        self.shard.extend(changed.into_iter().map(|part| (part.key(), part)));
    }

    /// Legs to which the shard still has letters on record.
    pub fn legs_with_mail(&self) -> BTreeSet<LegId> {
        let leg = |key: &ShardKey| match key {
            ShardKey::Mail(leg) => Some(*leg),
            ShardKey::Endpoint(_) => None,
        };
        self.shard.keys().filter_map(leg).collect()
    }
}
