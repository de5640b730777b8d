//! What a new configuration would change: each key with its old and its new value, and whether that needs a restart.
//! Must never show a secret: that one changed is all that is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ciborium::Value;
use serde::{Deserialize, Serialize};

use super::{Config, keys};

/// Keys, or tables of them, that a running switch takes up: everything else is read once, at the start.
const TAKEN_UP: &[&str] = &[
    "sip.timers.ring",
    "sip.advertised",
    "media.address",
    "media.advertised",
    "media.timeout",
    "media.codecs",
    "limits.calls",
    "limits.legs",
    "limits.calls_per_second",
    "limits.call_duration",
    "limits.screening",
    "limits.bindings_per_user",
    "gateway",
    "registrar",
    "dialplan",
    "local_networks",
    "log.filter",
];

/// One key that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The key with its table.
    pub key: String,
    /// What it was, as far as it is shown; none if it was not there.
    pub old: Option<String>,
    /// What it will be, as far as it is shown; none if it goes.
    pub new: Option<String>,
    /// Only a restart brings it about.
    pub needs_restart: bool,
}

/// Everything that changes between two configurations, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference(pub Vec<Change>);

impl Difference {
    /// What `new` changes of `old`.
    pub fn between(old: &Config, new: &Config) -> Self {
        let (old, new) = (leaves(old), leaves(new));
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let changes = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
        Self(
            changes
                .map(|key| Change {
                    key: key.clone(),
                    old: old.get(key).map(|leaf| leaf.shown.clone()),
                    new: new.get(key).map(|leaf| leaf.shown.clone()),
                    needs_restart: !is_taken_up(key),
                })
                .collect(),
        )
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that only a restart changes.
    pub fn needing_restart(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|change| change.needs_restart).map(|change| change.key.as_str())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, old, new, needs_restart } = self;
        match (old.as_deref(), new.as_deref()) {
            (None, Some("")) => write!(f, "{key}: added")?,
            (Some(""), None) => write!(f, "{key}: removed")?,
            (None, Some(new)) => write!(f, "{key}: added, {new}")?,
            (Some(old), None) => write!(f, "{key}: removed, was {old}")?,
            (Some(old), Some(new)) if old != new => write!(f, "{key}: {old} → {new}")?,
            // What differs is not shown.
            (Some(_), Some(_)) | (None, None) => write!(f, "{key}: changed")?,
        }
        if *needs_restart { f.write_str(" (needs a restart)") } else { Ok(()) }
    }
}

/// Whether a running switch takes up a change of this key.
pub(super) fn is_taken_up(key: &str) -> bool {
    TAKEN_UP
        .iter()
        .any(|one| key.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

/// A value twice: as people may see it, and as it is.
#[derive(Debug, PartialEq)]
struct Leaf {
    shown: String,
    real: Option<Value>,
}

/// Every value by its key. A format for machines tells secrets apart; what is shown comes from one for people.
fn leaves(config: &Config) -> BTreeMap<String, Leaf> {
    let mut leaves = BTreeMap::new();
    if let (Ok(shown), Ok(real)) = (toml::Value::try_from(config), Value::serialized(config)) {
        gather(String::new(), &shown, Some(&real), &mut leaves);
    }
    leaves
}

/// Walks both side by side: what looks alike for people may look different for machines, but not its tables.
fn gather(path: String, shown: &toml::Value, real: Option<&Value>, into: &mut BTreeMap<String, Leaf>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match shown {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let mut entries = real.and_then(Value::as_map).into_iter().flatten();
                let real = entries.find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value);
                gather(below(key), value, real, into);
            }
        }
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            for (number, item) in items.iter().enumerate() {
                let real = real.and_then(Value::as_array).and_then(|items| items.get(number));
                gather(below(&keys::label(item, number)), item, real, into);
            }
        }
        leaf => drop(into.insert(path, Leaf { shown: keys::shown(leaf), real: real.cloned() })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn each_key_that_changes_is_told_with_what_it_was_and_whether_it_needs_a_restart() {
        let old = Config::default();
        let new = Config::parse(
            "[sip]\nlisten = [\"127.0.0.1:5070\"]\n[limits]\ncalls = 10\n[log]\nfilter = \"debug\"\n",
        )
        .expect("it is sound");
        let difference = Difference::between(&old, &new);
        let told: Vec<String> = difference.0.iter().map(Change::to_string).collect();
        assert_eq!(
            told,
            [
                "limits.calls: 2000 → 10",
                "log.filter: \"info\" → \"debug\"",
                "sip.listen: [\"0.0.0.0:5060\"] → [\"127.0.0.1:5070\"] (needs a restart)",
            ]
        );
        assert_eq!(difference.needing_restart().collect::<Vec<_>>(), ["sip.listen"]);
        assert!(Difference::between(&new, &new).is_empty());
    }

    #[test]
    fn a_new_key_needs_a_restart_until_somebody_says_that_it_does_not() {
        assert!(!is_taken_up("webhooks.new") && !is_taken_up("data.folder"));
        assert!(is_taken_up("registrar.min_expires") && !is_taken_up("registrars"));
        let keys = Config::default().values();
        for taken in TAKEN_UP {
            assert!(
                keys.keys().any(|key| key == taken || key.starts_with(&format!("{taken}."))),
                "{taken} is no key"
            );
        }
    }

    #[test]
    fn a_secret_that_changes_is_told_without_being_shown() {
        #[derive(Serialize)]
        struct Host {
            name: &'static str,
            secret: Secret,
        }
        let leaves = |secret: &str| {
            let hosts = [Host { name: "a", secret: Secret::new(secret) }];
            let mut leaves = BTreeMap::new();
            let (shown, real) = (toml::Value::try_from(&hosts), Value::serialized(&hosts));
            gather("gateway".to_owned(), &shown.expect("data"), Some(&real.expect("data")), &mut leaves);
            leaves
        };
        let (old, new) = (leaves("hunter2"), leaves("hunter3"));
        assert_eq!(old["gateway.a.name"], new["gateway.a.name"]);
        assert_ne!(old["gateway.a.secret"], new["gateway.a.secret"]);
        assert_eq!(new["gateway.a.secret"].shown, "\"(hidden)\"");
    }
}
