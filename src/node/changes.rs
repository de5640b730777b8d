//! What has changed of an arbiter's records since its journal was last written, by name. Pure.
//! It must never miss a change: whatever the records take or give up is noted here by themselves.

use std::collections::BTreeSet;

use crate::ids::{CallId, LegId};
use crate::sip::shard::ShardKey;

/// The version of everything that is written. A higher one is not read; unknown fields are ignored.
pub(super) const VERSION: u16 = 1;

/// The name of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The call of these legs.
    Call(CallId),
    /// A leg.
    Leg(LegId),
    /// The script that runs for a leg.
    Script(LegId),
    /// The status callbacks of a call.
    Outbox(CallId),
    /// A piece of the shard.
    Shard(ShardKey),
    /// Which INVITE began a leg.
    Admitted(LegId),
    /// A part of a call's event log.
    Log(CallId, u32),
    /// The telephones of a user.
    User(String),
    /// The record of a leg that is on its way to the ledger.
    Account(LegId),
    /// A media session, by its number.
    Session(u64),
}

impl Key {
    /// As it stands in the journal.
    pub fn text(&self) -> Box<str> {
        let text = match self {
            Key::Call(call) => format!("call/{call}"),
            Key::Leg(leg) => format!("leg/{leg}"),
            Key::Script(leg) => format!("script/{leg}"),
            Key::Outbox(call) => format!("outbox/{call}"),
            Key::Shard(key) => format!("shard/{}", serde_json::to_string(key).unwrap_or_default()),
            Key::Admitted(leg) => format!("admitted/{leg}"),
            Key::Log(call, part) => format!("log/{call}/{part}"),
            Key::User(user) => format!("user/{user}"),
            Key::Account(leg) => format!("account/{leg}"),
            Key::Session(bits) => format!("session/{bits:016x}"),
        };
        text.into()
    }

    /// Reads a name; `None`: it is of a kind that is not known here.
    pub fn read(text: &str) -> Option<Key> {
        let (kind, name) = text.split_once('/')?;
        Some(match kind {
            "call" => Key::Call(CallId(name.parse().ok()?)),
            "leg" => Key::Leg(name.parse().ok()?),
            "script" => Key::Script(name.parse().ok()?),
            "outbox" => Key::Outbox(CallId(name.parse().ok()?)),
            "shard" => Key::Shard(serde_json::from_str(name).ok()?),
            "admitted" => Key::Admitted(name.parse().ok()?),
            "log" => {
                let (call, part) = name.split_once('/')?;
                Key::Log(CallId(call.parse().ok()?), part.parse().ok()?)
            }
            "user" => Key::User(name.to_owned()),
            "account" => Key::Account(name.parse().ok()?),
            "session" => Key::Session(u64::from_str_radix(name, 16).ok()?),
            _ => return None,
        })
    }
}

/// Names of what has changed; each once, however often it did.
#[derive(Debug, Default)]
pub(super) struct Changes(BTreeSet<Key>);

impl Changes {
    /// This one has changed, or is gone.
    pub fn note(&mut self, key: Key) {
        self.0.insert(key);
    }

    /// What has changed since this was last asked, in the order of names.
    pub fn take(&mut self) -> BTreeSet<Key> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::endpoint::{DialogKey, PartKey};

    #[test]
    fn every_name_reads_back_what_it_prints() {
        let leg = LegId::from_bytes([7; 16]);
        let dialog = DialogKey::new("a/b@c", "tag");
        let keys = [
            Key::Call(CallId(leg)),
            Key::Leg(leg),
            Key::Script(leg),
            Key::Outbox(CallId(leg)),
            Key::Shard(ShardKey::Mail(leg)),
            Key::Shard(ShardKey::Endpoint(PartKey::Dialog(dialog))),
            Key::Admitted(leg),
            Key::Log(CallId(leg), 12),
            Key::User("al/ice".to_owned()),
            Key::Account(leg),
            Key::Session(u64::MAX),
        ];
        for key in keys {
            assert_eq!(Key::read(&key.text()), Some(key));
        }
        for foreign in ["", "leg", "leg/CA0", "trunk/x", "log/CA/1", "session/xyz"] {
            assert_eq!(Key::read(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn what_changes_twice_is_named_once() {
        let mut changes = Changes::default();
        (0..2).for_each(|_| changes.note(Key::Session(1)));
        changes.note(Key::Session(2));
        assert_eq!(changes.take().len(), 2);
        assert!(changes.take().is_empty());
    }
}
