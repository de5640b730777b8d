//! The attributes of one element, read by name into types; what is wrong or unknown becomes a finding.
//! Must never fail: a bad value means the default, and an error of the dictionary is kept beside the findings.

use std::ops::RangeInclusive;

use super::element::{Element, MAX_ATTRIBUTES, Place};
use super::finding::{Finding, ScriptError, code, shortened};
use super::verb::Method;

/// Findings kept of one document; what exceeds it adds nothing that a developer would read.
const MAX_FINDINGS: usize = 100;

/// `loop="0"` means until the call ends, but never more often than this.
const MAX_LOOPS: u32 = 1_000;

/// The findings of one document, bounded.
#[derive(Debug, Default)]
pub(super) struct Findings {
    warnings: Vec<Finding>,
    /// The first that the document cannot be run with.
    error: Option<ScriptError>,
}

impl Findings {
    pub(super) fn add(&mut self, place: Place, code: u32, message: impl Into<String>) {
        if code::is_error(code) {
            self.error.get_or_insert_with(|| place.error(code, message));
        } else if self.warnings.len() < MAX_FINDINGS {
            let Place { line, column } = place;
            self.warnings.push(Finding { line, column, code, message: shortened(message) });
        }
    }

    /// The warnings of a document that can be run.
    ///
    /// # Errors
    /// The first finding that the dictionary calls an error.
    pub(super) fn finish(self) -> Result<Vec<Finding>, ScriptError> {
        self.error.map_or(Ok(self.warnings), Err)
    }

    /// Tells of every element in `parent`: nothing may be in there.
    pub(super) fn refuse_children(&mut self, parent: &Element<'_>) {
        self.children_not_yet(parent, &[]);
    }

    /// Tells of every element in `parent`: those named are understood, but nothing is done for them yet, and others
    /// may not be in there.
    pub(super) fn children_not_yet(&mut self, parent: &Element<'_>, names: &[&str]) {
        for child in parent.elements() {
            let (name, parent) = (child.name, parent.name);
            let message = if names.contains(&name) {
                format!("<{name}> in <{parent}> is not supported yet; it is ignored")
            } else {
                format!("<{name}> is not allowed in <{parent}>")
            };
            self.add(child.place, code::SCHEMA, message);
        }
    }

    /// Tells of text in `parent`: only elements may be in there.
    pub(super) fn refuse_text(&mut self, parent: &Element<'_>) {
        if parent.has_text() {
            self.add(parent.place, code::SCHEMA, format!("<{}>: text in it is ignored", parent.name));
        }
    }
}

/// Reads the attributes of an element and remembers which were asked for.
pub(super) struct Attributes<'a> {
    element: &'a Element<'a>,
    findings: &'a mut Findings,
    /// A bit for each attribute, of which there are at most [`MAX_ATTRIBUTES`].
    known: u128,
}

const _: () = assert!(MAX_ATTRIBUTES <= u128::BITS as usize);

impl<'a> Attributes<'a> {
    pub(super) fn of(element: &'a Element<'a>, findings: &'a mut Findings) -> Self {
        Self { element, findings, known: 0 }
    }

    /// The value as written, trimmed; from now on the attribute is known.
    fn written(&mut self, name: &str) -> Option<&'a str> {
        let element = self.element;
        let place = element.attributes.iter().position(|(key, _)| *key == name)?;
        self.known |= 1 << place;
        element.attributes.get(place).map(|(_, value)| value.trim())
    }

    /// The value, trimmed. One with control characters is refused: it may end in a header of a message.
    fn value(&mut self, name: &str) -> Option<&'a str> {
        let value = self.written(name)?;
        if value.chars().any(char::is_control) {
            self.complain(code::SCHEMA, format!("{name} has control characters; it is ignored"));
            return None;
        }
        Some(value)
    }

    /// The value, trimmed. One with control characters is refused: it may end in a header of a message.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.value(name).map(str::to_owned)
    }

    /// A URL that is asked for only if it is there: an empty one is none.
    pub(super) fn url(&mut self, name: &'static str) -> Option<String> {
        self.text(name).filter(|url| !url.is_empty())
    }

    /// A whole number within `range`.
    pub(super) fn whole(
        &mut self,
        name: &'static str,
        code: u32,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> u32 {
        let Some(text) = self.value(name) else { return default };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let (low, high) = range.into_inner();
                let wanted = format!("{name} is a whole number from {low} to {high}; {default} is used");
                self.complain(code, wanted);
                default
            }
        }
    }

    /// A whole number from 1, where there is one.
    pub(super) fn at_least_one(&mut self, name: &'static str, code: u32) -> Option<u32> {
        match self.value(name)?.parse() {
            Ok(number) if number > 0 => Some(number),
            _ => {
                self.complain(code, format!("{name} is a whole number from 1; it is ignored"));
                None
            }
        }
    }

    /// Whether the value is this word, in any case.
    pub(super) fn is(&mut self, name: &'static str, word: &str) -> bool {
        self.written(name).is_some_and(|value| value.eq_ignore_ascii_case(word))
    }

    /// How often something is repeated: 1 to 1000, where the document's 0 means 1000.
    pub(super) fn loops(&mut self, code: u32) -> u32 {
        match self.whole("loop", code, 0..=u32::MAX, 1) {
            0 => MAX_LOOPS,
            times => times.min(MAX_LOOPS),
        }
    }

    /// One of several words, in any case.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        name: &'static str,
        code: u32,
        words: &[(&str, T)],
        default: T,
    ) -> T {
        let Some(text) = self.value(name) else { return default };
        if let Some((_, value)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            return *value;
        }
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        self.complain(code, format!("{name} is one of {}; the default is used", words.join(", ")));
        default
    }

    /// Words out of a set, separated by blanks, each once; an unknown word is left out. None where none is left.
    /// A list that the official Python library is given stands there as Python prints it: `['one', 'two']`.
    pub(super) fn set_of<T: Copy + PartialEq>(
        &mut self,
        name: &'static str,
        code: u32,
        words: &[(&str, T)],
    ) -> Option<Vec<T>> {
        let text = self.value(name)?;
        let mut set = Vec::new();
        let parts = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '\'' | ',');
        for word in text.split(parts).filter(|word| !word.is_empty()) {
            match words.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) {
                Some((_, value)) if !set.contains(value) => set.push(*value),
                Some(_) => {}
                None => self.complain(code, format!("{name} has an unknown word; it is left out")),
            }
        }
        Some(set).filter(|set| !set.is_empty())
    }

    /// `true` or `false`, in any case.
    pub(super) fn flag(&mut self, name: &'static str, code: u32, default: bool) -> bool {
        self.one_of(name, code, &[("true", true), ("false", false)], default)
    }

    /// `GET` or `POST`; POST if not given.
    pub(super) fn method(&mut self, name: &'static str, code: u32) -> Method {
        self.one_of(name, code, &[("GET", Method::Get), ("POST", Method::Post)], Method::Post)
    }

    /// Telephone keys with pauses: `0-9 A-D # * w W`.
    pub(super) fn keys(&mut self, name: &'static str, code: u32) -> Option<String> {
        let keys = self.text(name)?;
        if keys.chars().all(|key| matches!(key, '0'..='9' | 'A'..='D' | 'a'..='d' | '#' | '*' | 'w' | 'W')) {
            return Some(keys).filter(|keys| !keys.is_empty());
        }
        self.complain(code, format!("{name} is made of 0-9 A-D # * w W; it is ignored"));
        None
    }

    /// Tells which of these the element has: they are understood, but nothing is done for them yet.
    pub(super) fn not_yet(&mut self, names: &[&'static str]) {
        for name in names {
            if self.written(name).is_some() {
                self.complain(code::SCHEMA, format!("{name} is not supported yet; it is ignored"));
            }
        }
    }

    /// Records something that is wrong with the element.
    pub(super) fn complain(&mut self, code: u32, message: impl Into<String>) {
        let message = format!("<{}>: {}", self.element.name, message.into());
        self.findings.add(self.element.place, code, message);
    }
}

impl Drop for Attributes<'_> {
    /// What nobody asked for is unknown. Namespace declarations are no attributes of ours.
    fn drop(&mut self) {
        for (place, (name, _)) in self.element.attributes.iter().enumerate() {
            let namespace = name.starts_with("xml");
            if !namespace && self.known & (1 << place) == 0 {
                let message = format!("<{}>: unknown attribute {name}; it is ignored", self.element.name);
                self.findings.add(self.element.place, code::SCHEMA, message);
            }
        }
    }
}
