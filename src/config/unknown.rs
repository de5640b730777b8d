//! Finds keys that mean nothing, and the valid key that was probably meant.
//! Must never accept a key that the typed configuration would not read.

use toml::Table;
use toml::de::{DeTable, DeValue};

use super::notation::line_of;
use super::{Config, ConfigError};

/// How alike two keys must be for one to be suggested for the other: 1 less the share of letters to change.
const ALIKE: f64 = 0.6;

/// Takes every unknown key out of a configuration, and tells of each.
pub(super) fn take_out(text: &str, given: &mut DeTable<'_>) -> Vec<ConfigError> {
    // Every key has a default that is written out, so that the default configuration lists all keys.
    let known = Table::try_from(Config::default()).unwrap_or_default();
    let mut errors = Vec::new();
    compare(text, given, &known, "", &mut errors);
    errors.sort_by_key(|error| match error {
        ConfigError::UnknownKey { line, .. } | ConfigError::Value { line, .. } => *line,
        _ => 0,
    });
    errors
}

fn compare(text: &str, given: &mut DeTable<'_>, known: &Table, path: &str, errors: &mut Vec<ConfigError>) {
    let mut unknown = Vec::new();
    for (key, value) in given.iter_mut() {
        let name = format!("{path}{}", key.get_ref());
        match (known.get(key.get_ref().as_ref()), value.get_mut()) {
            (None, _) => {
                let (line, nearest) = (line_of(text, Some(key.span())), nearest(key.get_ref(), known, path));
                errors.push(ConfigError::UnknownKey { line, key: name, nearest });
                unknown.push(key.clone());
            }
            (Some(toml::Value::Table(known)), DeValue::Table(given)) => {
                compare(text, given, known, &format!("{name}."), errors);
            }
            (Some(toml::Value::Table(_)), _) => {
                let message = format!("`{name}` is one table: write [{name}], and its keys below");
                errors.push(ConfigError::Value { line: line_of(text, Some(key.span())), key: None, message });
                unknown.push(key.clone());
            }
            (Some(_), _) => {}
        }
    }
    unknown.iter().for_each(|key| drop(given.remove(key)));
}

/// The key that looks most like `key`: of the same table, or else of any.
fn nearest(key: &str, table: &Table, path: &str) -> Option<String> {
    let siblings = table.keys().map(|name| format!("{path}{name}")).collect();
    most_alike(key, siblings).or_else(|| {
        let mut all = Vec::new();
        paths(&Table::try_from(Config::default()).unwrap_or_default(), "", &mut all);
        most_alike(key, all)
    })
}

/// The path whose last word looks most like `key`.
pub(crate) fn most_alike(key: &str, candidates: Vec<String>) -> Option<String> {
    let key = key.to_lowercase();
    let likeness =
        |path: &str| strsim::normalized_damerau_levenshtein(&key, path.rsplit('.').next().unwrap_or(path));
    let scored = candidates.into_iter().map(|path| (likeness(&path), path));
    let best = scored.filter(|(score, _)| *score >= ALIKE).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map(|(_, path)| path)
}

fn paths(table: &Table, path: &str, into: &mut Vec<String>) {
    for (key, value) in table {
        let name = format!("{path}{key}");
        match value {
            toml::Value::Table(inner) => paths(inner, &format!("{name}."), into),
            _ => into.push(name),
        }
    }
}
