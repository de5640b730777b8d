//! Call-ID: names a call, or the registrations of one device (RFC 3261 §20.8).
//! It must never be folded in case.

use std::borrow::Cow;

use super::{HeaderError, HeaderName, Within};
use crate::sip::message::Headers;
use crate::sip::message::grammar::{is_token, wanted};

impl Headers {
    /// The one Call-ID that every message has.
    pub fn call_id(&self) -> Result<Cow<'_, str>, HeaderError> {
        let value = self.exactly_one(HeaderName::CallId)?;
        let words = value.split('@').count();
        let sane = words <= 2 && value.split('@').all(|word| !word.is_empty() && word.bytes().all(is_word));
        if sane { Ok(value) } else { wanted("a word, or two around an @").within(HeaderName::CallId) }
    }
}

/// `word` of the grammar.
const fn is_word(byte: u8) -> bool {
    is_token(byte)
        || matches!(
            byte,
            b'(' | b')' | b'<' | b'>' | b':' | b'\\' | b'"' | b'/' | b'[' | b']' | b'?' | b'{' | b'}'
        )
}
