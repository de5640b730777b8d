//! Parameters: `;name=value` lists behind URIs, addresses and Vias (RFC 3261 §25.1 `generic-param`).
//! It must never let a value break out of its place: what is no token is quoted.

use std::fmt;

use super::grammar::{self, Cursor, SyntaxError, is_token, wanted};

/// An ordered list of parameters, kept as the text that it prints. Names compare without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Params(String);

impl Params {
    /// No parameters.
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and value of each, in order; quotes are off, backslashes still in ([`Params::unquoted`] takes them out).
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.written().map(|(name, value)| (name, value.map(without_quotes)))
    }

    /// The parameter called `name`: `Some(None)` if it is there without a value.
    pub fn get(&self, name: &str) -> Option<Option<&str>> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the parameter called `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).flatten()
    }

    /// The value of `name` as its owner meant it: without quotes and backslashes.
    pub fn unquoted(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        self.value(name).map(grammar::unquote)
    }

    /// Whether `name` is there.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets `name`, in its place if it is there, else at the end. A value that is no token or host is quoted.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(|value| if is_plain(value) { value.to_owned() } else { grammar::quote(value) });
        self.set_written(name, value.as_deref());
    }

    /// Sets `name` to a value that is already in wire form.
    pub(super) fn set_written(&mut self, name: &str, value: Option<&str>) {
        let mut changed = Self::new();
        let mut pending = Some(value);
        for (known, old) in self.written() {
            if !known.eq_ignore_ascii_case(name) {
                changed.append(known, old);
            } else if let Some(value) = pending.take() {
                changed.append(name, value);
            }
        }
        if let Some(value) = pending {
            changed.append(name, value);
        }
        *self = changed;
    }

    /// Takes `name` out.
    pub fn remove(&mut self, name: &str) {
        let mut changed = Self::new();
        for (known, value) in self.written().filter(|(known, _)| !known.eq_ignore_ascii_case(name)) {
            changed.append(known, value);
        }
        *self = changed;
    }

    fn append(&mut self, name: &str, value: Option<&str>) {
        self.0.push(';');
        self.0.push_str(name);
        if let Some(value) = value {
            self.0.push('=');
            self.0.push_str(value);
        }
    }

    /// Like [`Params::iter`], with the quotes on.
    fn written(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let mut cursor = Cursor::new(&self.0);
        std::iter::from_fn(move || cursor.eat(b';').then(|| read_param(&mut cursor).ok()).flatten())
    }

    /// Reads `*(SEMI param)` and stops at what is no semicolon.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let mut params = Self::new();
        while cursor.eat_spaced(b';') {
            let (name, value) = read_param(cursor)?;
            params.append(name, value);
        }
        Ok(params)
    }

    /// Reads the parameters of a URI, which know escapes but neither white space nor quotes.
    pub(super) fn read_uri(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let start = cursor.rest();
        while cursor.eat(b';') {
            let param = cursor.run(|byte| !matches!(byte, b';' | b'?'));
            let (name, value) =
                param.split_once('=').map_or((param, None), |(name, value)| (name, Some(value)));
            let fits = |text: &str| !text.is_empty() && grammar::is_escaped_text(text, is_uri_param);
            if !fits(name) || !value.is_none_or(fits) {
                return wanted("a URI parameter");
            }
        }
        let length = start.len().saturating_sub(cursor.rest().len());
        Ok(Self(start.get(..length).unwrap_or_default().to_owned()))
    }
}

/// Name and value as written, quotes included.
fn read_param<'a>(cursor: &mut Cursor<'a>) -> Result<(&'a str, Option<&'a str>), SyntaxError> {
    let name = cursor.run(|byte| is_token(byte) || is_uri_param(byte));
    if name.is_empty() {
        return wanted("a parameter name");
    }
    if !cursor.eat_spaced(b'=') {
        return Ok((name, None));
    }
    let written = if cursor.peek() == Some(b'"') { cursor.quoted_whole()? } else { cursor.run(is_value) };
    if written.is_empty() { wanted("a parameter value") } else { Ok((name, Some(written))) }
}

fn without_quotes(written: &str) -> &str {
    written.strip_prefix('"').and_then(|written| written.strip_suffix('"')).unwrap_or(written)
}

/// `paramchar` of a URI, escapes apart.
pub(super) const fn is_uri_param(byte: u8) -> bool {
    grammar::is_unreserved(byte) || matches!(byte, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$')
}

/// What may stand in a value without quotes: tokens, hosts, URI parameters, and `=`, which branches of the field hold.
const fn is_value(byte: u8) -> bool {
    is_token(byte) || is_uri_param(byte) || matches!(byte, b'=' | b'@' | b'|' | b'#')
}

fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| is_token(byte) || matches!(byte, b'[' | b']' | b':'))
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
