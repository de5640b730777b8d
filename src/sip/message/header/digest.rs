//! Digest challenges and credentials (RFC 3261 §20.7, §20.44, RFC 7616).
//! They must never be logged: they hold what a guesser needs.

use std::borrow::Cow;
use std::fmt;

use super::{HeaderError, HeaderName, Within};
use crate::sip::message::Headers;
use crate::sip::message::grammar::{self, Cursor, SyntaxError, is_token, read_list, wanted};

/// The parameters behind the word `Digest`, with their quotes taken off.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestParams(Vec<(String, String)>);

impl DigestParams {
    /// The value of the parameter called `name`, in whatever case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Name and value of each, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn read(text: &str) -> Result<Self, SyntaxError> {
        let params = read_list(text, |cursor| {
            let name = cursor.token("a parameter name")?;
            if !cursor.eat_spaced(b'=') {
                return wanted("a parameter value");
            }
            let value = match cursor.peek() {
                Some(b'"') => grammar::unquote(cursor.quoted()?),
                // Some phones send URIs and base64 without quotes.
                _ => Cow::Borrowed(
                    cursor.run(|byte| is_token(byte) || matches!(byte, b':' | b'/' | b'=' | b'@' | b';')),
                ),
            };
            Ok((name, value.into_owned()))
        })?;
        let mut known: Vec<(String, String)> = Vec::with_capacity(params.len().min(MOST));
        for (name, value) in params {
            if known.len() == MOST || known.iter().any(|(other, _)| name.eq_ignore_ascii_case(other)) {
                return wanted("each parameter once, and few of them");
            }
            known.push((name.to_owned(), value));
        }
        Ok(Self(known))
    }
}

/// More parameters than any scheme defines.
const MOST: usize = 32;

impl fmt::Debug for DigestParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Headers {
    /// The Digest challenges or credentials of `name`, one per line; other schemes are passed over.
    pub fn digest(&self, name: &HeaderName) -> Vec<Result<DigestParams, HeaderError>> {
        let read = |value: Cow<'_, str>| {
            let mut cursor = Cursor::new(&value);
            let is_digest = cursor.run(is_token).eq_ignore_ascii_case("Digest");
            is_digest.then(|| DigestParams::read(cursor.rest()).within(name.clone()))
        };
        self.all(name).filter_map(read).collect()
    }
}
