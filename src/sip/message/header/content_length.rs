//! Content-Length: the bytes of the body (RFC 3261 §20.14).
//! Two of them must never be reconciled: that is how requests are smuggled.

use super::{HeaderError, HeaderName, Within};
use crate::sip::message::{Headers, grammar};

impl Headers {
    /// Bytes of the body as the sender tells.
    pub fn content_length(&self) -> Result<Option<usize>, HeaderError> {
        let value = self.at_most_one(HeaderName::ContentLength)?;
        value.map(|value| grammar::number(&value)).transpose().within(HeaderName::ContentLength)
    }
}
