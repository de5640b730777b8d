//! Content-Type: what the body is (RFC 3261 §20.15).
//! It must never guess a type from the body.

use super::HeaderName;
use crate::sip::message::Headers;
use crate::sip::message::grammar::Cursor;

impl Headers {
    /// `type/subtype` in lower case, without parameters; none if there is none that can be read.
    pub fn content_type(&self) -> Option<String> {
        let value = self.get(&HeaderName::ContentType)?;
        let mut cursor = Cursor::new(&value);
        let kind = cursor.token("a type").ok()?;
        let subtype = cursor.eat_spaced(b'/').then(|| cursor.token("a subtype"))?.ok()?;
        Some(format!("{kind}/{subtype}").to_ascii_lowercase())
    }
}
