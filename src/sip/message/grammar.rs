//! The letters of SIP (RFC 3261 §25.1): character classes, a cursor over header text, escapes and quotes.
//! It must never split a multi-byte character, nor read past what it was given.

use std::borrow::Cow;

/// A text does not follow the grammar of RFC 3261 §25.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("wanted {wanted}")]
pub struct SyntaxError {
    /// What the grammar asks for at the place where reading stopped.
    pub wanted: &'static str,
}

pub(super) const fn wanted<T>(wanted: &'static str) -> Result<T, SyntaxError> {
    Err(SyntaxError { wanted })
}

/// `token` of the grammar.
pub(super) const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// `unreserved` of the grammar.
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

pub(super) const fn is_lws(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether `text` is a token of at least one character.
pub(super) fn is_token_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token)
}

/// Whether all of `text` is made of bytes that `allowed` admits and of whole `%XX` escapes.
pub(super) fn is_escaped_text(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                [bytes.next(), bytes.next()].iter().flatten().filter(|hex| hex.is_ascii_hexdigit()).count()
                    == 2
            }
            other => allowed(other),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// `text` without its `%XX` escapes; what is no UTF-8 then is replaced.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, after @ ..] if *first == b'%' => hex_pair(*high, *low).map(|byte| (byte, after)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, tail));
        plain.push(byte);
        rest = after;
    }
    Cow::Owned(
        String::from_utf8(plain).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned()),
    )
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// `text` with every byte that `allowed` does not admit written as `%XX`.
pub(super) fn escape(text: &str, allowed: impl Fn(u8) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if allowed(byte) && byte.is_ascii() && byte != b'%' {
            escaped.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().map_or('0', char::from);
            escaped.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    escaped
}

/// The inside of a quoted string without its backslashes.
pub(super) fn unquote(inside: &str) -> Cow<'_, str> {
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let mut plain = String::with_capacity(inside.len());
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    Cow::Owned(plain)
}

/// `text` as a quoted string. Control characters become spaces: nothing can be smuggled out of the quotes.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            other => quoted.push(printable(other)),
        }
    }
    quoted.push('"');
    quoted
}

/// `letter`, or a space in the place of a control character, which no line may hold.
pub(super) const fn printable(letter: char) -> char {
    if letter.is_ascii_control() && letter != '\t' { ' ' } else { letter }
}

/// A decimal number that fits `T`; leading zeros are allowed, signs are not.
pub(super) fn number<T: TryFrom<u64>>(text: &str) -> Result<T, SyntaxError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number =
        if digits { text.parse::<u64>().ok().and_then(|number| T::try_from(number).ok()) } else { None };
    number.ok_or(SyntaxError { wanted: "a decimal number in range" })
}

/// Reads unfolded header text from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(super) const fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Takes the run of bytes that `belongs` admits. It must treat all bytes above 0x7F alike.
    pub(super) fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.bytes().position(|byte| !belongs(byte)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        run
    }

    pub(super) fn skip_lws(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Takes `byte` (ASCII) if it comes next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        match self.rest.strip_prefix(char::from(byte)) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes `byte` with white space on both sides (`SEMI`, `COMMA`, `EQUAL`, `SLASH`); nothing if it is not there.
    pub(super) fn eat_spaced(&mut self, byte: u8) -> bool {
        let mut ahead = *self;
        ahead.skip_lws();
        let found = ahead.eat(byte);
        if found {
            ahead.skip_lws();
            *self = ahead;
        }
        found
    }

    pub(super) fn token(&mut self, name: &'static str) -> Result<&'a str, SyntaxError> {
        let token = self.run(is_token);
        if token.is_empty() { wanted(name) } else { Ok(token) }
    }

    /// The inside of a quoted string, still with its backslashes.
    pub(super) fn quoted(&mut self) -> Result<&'a str, SyntaxError> {
        const ENDS: &str = "a closed quoted string";
        let inside = self.rest.strip_prefix('"').ok_or(SyntaxError { wanted: ENDS })?;
        let mut escaped = false;
        for (at, byte) in inside.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let (text, rest) = inside.split_at_checked(at).ok_or(SyntaxError { wanted: ENDS })?;
                    self.rest = rest.strip_prefix('"').unwrap_or(rest);
                    return Ok(text);
                }
                _ => {}
            }
        }
        wanted(ENDS)
    }

    /// A quoted string with its quotes.
    pub(super) fn quoted_whole(&mut self) -> Result<&'a str, SyntaxError> {
        let start = self.rest;
        self.quoted()?;
        Ok(start.get(..start.len().saturating_sub(self.rest.len())).unwrap_or_default())
    }

    /// Nothing but white space may be left.
    pub(super) fn end(mut self) -> Result<(), SyntaxError> {
        self.skip_lws();
        if self.is_empty() { Ok(()) } else { wanted("the end of the value") }
    }
}

/// Reads a comma-separated list of at least one item to its end.
pub(super) fn read_list<'a, T>(
    text: &'a str,
    mut item: impl FnMut(&mut Cursor<'a>) -> Result<T, SyntaxError>,
) -> Result<Vec<T>, SyntaxError> {
    let mut cursor = Cursor::new(text);
    cursor.skip_lws();
    let mut items = vec![item(&mut cursor)?];
    while cursor.eat_spaced(b',') {
        items.push(item(&mut cursor)?);
    }
    cursor.end().map(|()| items)
}

/// Serialises a type as the text that it prints, and reads it back with `FromStr`.
macro_rules! serde_as_text {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(super) use serde_as_text;
