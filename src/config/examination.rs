//! Everything that is wrong with a configuration file, told at once instead of one fault after the other.
//! Must never stop at the first fault, nor repeat what may be a secret.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use super::keys::{self, Place};
use super::notation::line_of;
use super::{Config, ConfigError, Doubt, Finding, unknown};

/// The last words of keys whose value may be a secret, even where it is of the wrong type.
const SECRETIVE: [&str; 4] = ["password", "secret", "token", "key"];

/// A configuration file as it was understood.
#[derive(Clone, Debug)]
pub struct Examination {
    /// What it says; a value that is wrong is left at its default.
    pub config: Config,
    /// What forbids to use it.
    pub errors: Vec<ConfigError>,
    places: BTreeMap<String, Place>,
}

impl Config {
    /// Reads a configuration file, and tells everything that is wrong with it.
    pub fn examine(text: &str) -> Examination {
        let (mut table, faults) = DeTable::parse_recoverable(text);
        let places = keys::places(text, table.get_ref());
        let mut errors: Vec<ConfigError> = faults.iter().map(|fault| syntax(text, fault)).collect();
        // What could not be parsed is not compared: the rest of it may be missing.
        let is_whole = errors.is_empty();
        errors.extend(unknown::take_out(text, table.get_mut()));
        let config = read(text, table, &places, &mut errors);
        if is_whole {
            let values = config.values();
            let value = |key: &str| values.get(key).map(keys::shown).unwrap_or_default();
            let line = |key: &str| places.get(key).map(|place| place.line);
            let contradictions = config.contradictions().into_iter();
            errors.extend(contradictions.map(|(key, message)| ConfigError::Contradiction {
                line: line(key),
                key,
                value: value(key),
                message,
            }));
        }
        Examination { config, errors, places }
    }

    /// Every value in force, by its key; secrets are hidden.
    pub(super) fn values(&self) -> BTreeMap<String, toml::Value> {
        toml::Table::try_from(self).map(|table| keys::leaves(&table)).unwrap_or_default()
    }
}

impl Examination {
    /// The errors, and the `doubts` about the same configuration, each with its place in `file`.
    pub fn findings(&self, file: &str, doubts: impl IntoIterator<Item = Doubt>) -> Vec<Finding> {
        let values = self.config.values();
        let errors = self.errors.iter().map(|error| Finding::error(file, error));
        let doubts = doubts.into_iter().map(|Doubt { severity, key, message }| {
            let place = match self.places.get(key) {
                Some(place) => format!("{file}: line {}", place.line),
                None => String::new(),
            };
            let value = values.get(key).map(|value| format!(" = {}", keys::shown(value))).unwrap_or_default();
            Finding { severity, place, message: format!("{key}{value}: {message}") }
        });
        let mut all: Vec<Finding> = errors.chain(doubts).collect();
        all.sort_by_key(|finding| finding.severity);
        all
    }

    /// Whether it can be used.
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }
}

/// Reads the table, leaving out one wrong value after the other.
fn read(
    text: &str,
    mut table: Spanned<DeTable<'_>>,
    places: &BTreeMap<String, Place>,
    errors: &mut Vec<ConfigError>,
) -> Config {
    loop {
        let fault = match Config::deserialize(Deserializer::from(table.clone())) {
            Ok(config) => return config,
            Err(fault) => fault,
        };
        let span = fault.span().unwrap_or_default();
        errors.push(wrong_value(text, &fault, &span, places));
        if !keys::remove(table.get_mut(), &span) {
            return Config::default();
        }
    }
}

fn wrong_value(
    text: &str,
    fault: &toml::de::Error,
    span: &Range<usize>,
    places: &BTreeMap<String, Place>,
) -> ConfigError {
    let line = line_of(text, Some(span.clone()));
    let said = fault.message().lines().next().unwrap_or_default();
    let Some((key, place)) = keys::at(places, span) else {
        return ConfigError::Value { line, key: None, message: said.to_owned() };
    };
    let last = key.rsplit('.').next().unwrap_or(key);
    let message = if SECRETIVE.iter().any(|name| last.ends_with(name)) {
        "(hidden): it must be a text in quotes, and not itself have been hidden when it was printed"
            .to_owned()
    } else {
        let default = Config::default().values().remove(key);
        format!("{}: {}", place.written, in_words(said, default.as_ref()))
    };
    ConfigError::Value { line, key: Some(key.to_owned()), message }
}

/// What is said of a wrong value, for people who do not know our types: the default shows what would be right.
fn in_words(said: &str, default: Option<&toml::Value>) -> String {
    use toml::Value;

    if said.contains("socket address") {
        return "an address is written with its port, such as \"0.0.0.0:5060\" or \"[::]:5060\"".to_owned();
    }
    if said.starts_with("invalid IP address") {
        return "must be an IP address, such as \"192.0.2.5\"".to_owned();
    }
    let is_of_wrong_type = said.starts_with("invalid type") || said.starts_with("invalid value");
    let right = match default.filter(|_| is_of_wrong_type) {
        Some(Value::Boolean(_)) => return "must be true or false".to_owned(),
        Some(Value::Integer(_)) => "must be a whole number, not below 0",
        Some(Value::Array(_)) => "must be a list in brackets",
        Some(Value::String(_)) => "must be a text in quotes",
        _ => return said.to_owned(),
    };
    let example = default.map(keys::shown).filter(|shown| !matches!(shown.as_str(), "[]" | "\"\"" | "0"));
    example.map_or_else(|| right.to_owned(), |example| format!("{right}, such as {example}"))
}

fn syntax(text: &str, fault: &toml::de::Error) -> ConfigError {
    ConfigError::Value { line: line_of(text, fault.span()), key: None, message: fault.message().to_owned() }
}
