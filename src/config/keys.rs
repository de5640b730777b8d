//! Keys by their whole path, such as `sip.timers.t1`: what they are set to, and where in a file they stand.
//! Must never show more of a value than fits into a line.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::notation::line_of;

/// Most characters of a value in a message.
const SHOWN: usize = 60;

/// Where a key stands in a file, and what it says there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The value as it is written, in one line, shortened.
    pub written: String,
    span: Range<usize>,
}

/// Every value of a table by its path. The tables of an array are told apart by their `name`, else by number.
pub(super) fn leaves(table: &Table) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    for (key, value) in table {
        gather(key.clone(), value, &mut leaves);
    }
    leaves
}

fn gather(path: String, value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Table(table) => {
            table.iter().for_each(|(key, value)| gather(format!("{path}.{key}"), value, into));
        }
        Value::Array(items) if items.iter().any(Value::is_table) => {
            for (number, item) in items.iter().enumerate() {
                gather(format!("{path}.{}", label(item, number)), item, into);
            }
        }
        leaf => drop(into.insert(path, leaf.clone())),
    }
}

/// Every key that a file sets, with its place. The names are those of [`leaves`].
pub(super) fn places(text: &str, table: &DeTable<'_>) -> BTreeMap<String, Place> {
    let mut found = BTreeMap::new();
    for (key, value) in table {
        locate(key.get_ref().to_string(), key.span(), value, text, &mut found);
    }
    found
}

fn locate(
    path: String,
    key: Range<usize>,
    value: &Spanned<DeValue<'_>>,
    text: &str,
    into: &mut BTreeMap<String, Place>,
) {
    match value.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                locate(format!("{path}.{}", key.get_ref()), key.span(), value, text, into);
            }
        }
        DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
            for (number, item) in items.iter().enumerate() {
                let name = item.get_ref().get("name").and_then(|name| name.get_ref().as_str());
                locate(format!("{path}.{}", named(name, number)), item.span(), item, text, into);
            }
        }
        _ => {
            let written = shortened(text.get(value.span()).unwrap_or_default());
            let place = Place { line: line_of(text, Some(key)), written, span: value.span() };
            into.insert(path, place);
        }
    }
}

/// The key whose value holds this span of the text.
pub(super) fn at<'p>(
    places: &'p BTreeMap<String, Place>,
    span: &Range<usize>,
) -> Option<(&'p str, &'p Place)> {
    let found = places.iter().find(|(_, place)| place.span.start <= span.start && span.end <= place.span.end);
    found.map(|(key, place)| (key.as_str(), place))
}

/// A value as a file would say it, in one line, shortened.
pub(super) fn shown(value: &Value) -> String {
    shortened(&value.to_string())
}

/// What a table of an array is called in a path: its `name`, else its number from 1.
pub(super) fn label(item: &Value, number: usize) -> String {
    named(item.get("name").and_then(Value::as_str), number)
}

fn named(name: Option<&str>, number: usize) -> String {
    name.map_or_else(|| (number + 1).to_string(), str::to_owned)
}

fn shortened(value: &str) -> String {
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Takes the value that holds this span out of a table. False if there is none.
pub(super) fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let holds = |whole: Range<usize>| whole.start <= span.start && span.end <= whole.end;
    let mut gone = None;
    for (key, value) in table.iter_mut() {
        let is_whole = holds(value.span());
        let was_inside = match value.get_mut() {
            DeValue::Table(inner) => remove(inner, span),
            DeValue::Array(items) => items.iter_mut().any(|item| match item.get_mut() {
                DeValue::Table(inner) => remove(inner, span),
                _ => false,
            }),
            _ => false,
        };
        if was_inside {
            return true;
        }
        if is_whole {
            gone = Some(key.clone());
        }
    }
    gone.is_some_and(|key| table.remove(&key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_places_go_by_the_same_names() {
        let text = "[sip]\nlisten = [\n  \"a\",\n]\ntimers = { t1 = \"1s\" }\n\n[[gateway]]\nname = \"carrier\"\nport = 1\n\
                    [[gateway]]\nport = 2\n";
        let values = leaves(&toml::from_str(text).expect("TOML"));
        let places = places(text, DeTable::parse(text).expect("TOML").get_ref());
        let names =
            ["gateway.2.port", "gateway.carrier.name", "gateway.carrier.port", "sip.listen", "sip.timers.t1"];
        assert_eq!(values.keys().collect::<Vec<_>>(), names);
        assert_eq!(places.keys().collect::<Vec<_>>(), names);
        let lines: Vec<usize> = places.values().map(|place| place.line).collect();
        assert_eq!(lines, [11, 8, 9, 2, 5]);
        assert_eq!(places["sip.listen"].written, "[ \"a\", ]");
        assert_eq!(shown(&values["sip.timers.t1"]), "\"1s\"");
        assert_eq!(shown(&Value::String("x".repeat(80))).chars().count(), SHOWN + 1);
    }

    #[test]
    fn the_value_at_a_place_of_the_text_is_taken_out() {
        let text = "[sip]\nlisten = 5\n[[gateway]]\nport = \"x\"\nname = \"c\"\n";
        let mut table = DeTable::parse(text).expect("TOML");
        for wrong in ["5", "\"x\""] {
            let start = text.find(wrong).expect("it is there");
            assert!(remove(table.get_mut(), &(start..start + wrong.len())));
        }
        let left = places(text, table.get_ref());
        assert_eq!(left.keys().collect::<Vec<_>>(), ["gateway.c.name"]);
        assert!(!remove(table.get_mut(), &(1_000..1_001)));
    }
}
