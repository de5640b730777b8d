//! Max-Forwards: how many hops are left (RFC 3261 §20.22).
//! It must never grow on the way.

use super::{HeaderError, HeaderName, Within};
use crate::sip::message::{Headers, grammar};

impl Headers {
    /// Hops left, 0 to 255. Old phones send none (RFC 4475 §3.4.1).
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let value = self.at_most_one(HeaderName::MaxForwards)?;
        value.map(|value| grammar::number(&value)).transpose().within(HeaderName::MaxForwards)
    }
}
