//! The header fields of a message, in order, each as the very bytes that came (RFC 3261 §7.3).
//! A value must never break out of its line: what would is replaced before it is kept.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

use bytes::{Bytes, BytesMut};

use super::grammar::printable;
use super::header::HeaderName;

/// Ordered header fields.
#[derive(Clone, Default)]
pub struct Headers {
    fields: Vec<Field>,
}

#[derive(Clone)]
struct Field {
    name: HeaderName,
    /// The line with its continuations and the last CRLF.
    line: Bytes,
    /// Where the value begins: behind the colon.
    value: usize,
}

impl Field {
    fn new(name: HeaderName, value: impl Display) -> Self {
        let mut line = String::with_capacity(64);
        let _ = write!(SingleLine(&mut line), "{name}: ");
        let start = line.len();
        let _ = write!(SingleLine(&mut line), "{value}");
        line.push_str("\r\n");
        Self { name, line: line.into(), value: start }
    }

    fn text(&self) -> Cow<'_, str> {
        unfold(self.line.get(self.value..).unwrap_or_default())
    }
}

/// Writes on one line: control characters become spaces.
struct SingleLine<'a>(&'a mut String);

impl Write for SingleLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend(text.chars().map(printable));
        Ok(())
    }
}

/// A value without the white space around it, and with each line fold as one space (RFC 3261 §7.3.1).
fn unfold(raw: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(raw.trim_ascii()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(raw.trim_ascii()).into_owned().into(),
    };
    if !text.contains("\r\n") {
        return text;
    }
    let lines: Vec<_> = text.split("\r\n").map(|line| line.trim_matches([' ', '\t'])).collect();
    Cow::Owned(lines.join(" "))
}

impl Headers {
    /// No fields.
    pub const fn new() -> Self {
        Self { fields: Vec::new() }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The first value of `name`: unfolded, trimmed; bytes that are no UTF-8 are replaced.
    pub fn get(&self, name: &HeaderName) -> Option<Cow<'_, str>> {
        self.fields.iter().find(|field| field.name == *name).map(Field::text)
    }

    /// The values of `name`, one per header line.
    pub fn all(&self, name: &HeaderName) -> impl Iterator<Item = Cow<'_, str>> {
        self.fields.iter().filter(move |field| field.name == *name).map(Field::text)
    }

    /// Whether `name` is there.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.fields.iter().any(|field| field.name == *name)
    }

    /// Name and value of each field, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, Cow<'_, str>)> {
        self.fields.iter().map(|field| (&field.name, field.text()))
    }

    /// Adds a field at the end. Control characters in the value become spaces.
    pub fn push(&mut self, name: HeaderName, value: impl Display) {
        self.fields.push(Field::new(name, value));
    }

    /// Adds a field before all others.
    pub fn push_front(&mut self, name: HeaderName, value: impl Display) {
        self.fields.insert(0, Field::new(name, value));
    }

    /// Puts one field in the place of all of this name; at the end if there was none.
    pub fn set(&mut self, name: HeaderName, value: impl Display) {
        match self.fields.iter().position(|field| field.name == name) {
            Some(first) => {
                let mut place = 0..;
                self.fields.retain(|field| place.next() == Some(first) || field.name != name);
                self.replace_first(name, value);
            }
            None => self.push(name, value),
        }
    }

    /// Takes all fields of this name out.
    pub fn remove(&mut self, name: &HeaderName) {
        self.fields.retain(|field| field.name != *name);
    }

    /// Puts a field in the place of the first of this name; before all others if there is none.
    pub(super) fn replace_first(&mut self, name: HeaderName, value: impl Display) {
        match self.fields.iter_mut().find(|field| field.name == name) {
            Some(field) => *field = Field::new(name, value),
            None => self.push_front(name, value),
        }
    }

    /// Writes `text` behind the value of the first field of this name, which otherwise stays as it came.
    pub(super) fn append(&mut self, name: &HeaderName, text: impl Display) {
        if let Some(field) = self.fields.iter_mut().find(|field| field.name == *name) {
            let mut line = BytesMut::from(field.line.trim_ascii_end());
            line.extend_from_slice(text.to_string().as_bytes());
            line.extend_from_slice(b"\r\n");
            field.line = line.freeze();
        }
    }

    pub(super) fn remove_first(&mut self, name: &HeaderName) {
        if let Some(first) = self.fields.iter().position(|field| field.name == *name) {
            self.fields.remove(first);
        }
    }

    /// Copies all fields of this name, as the bytes that they are.
    pub(super) fn copy(&mut self, from: &Headers, name: &HeaderName) {
        self.fields.extend(from.fields.iter().filter(|field| field.name == *name).cloned());
    }

    /// Keeps a line that came from the wire; the value begins at `value`.
    pub(super) fn keep(&mut self, name: HeaderName, line: Bytes, value: usize) {
        self.fields.push(Field { name, line, value });
    }

    /// The lines as they are written.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&HeaderName, &Bytes)> {
        self.fields.iter().map(|field| (&field.name, &field.line))
    }
}

/// Names only: values hold numbers of people and credentials.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields.iter().map(|field| field.name.as_str())).finish()
    }
}
