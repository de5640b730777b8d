//! Expires and its kin: lifetimes in seconds (RFC 3261 §20.19, §20.23).
//! They must never be read as points in time.

use super::{HeaderError, HeaderName, Within};
use crate::sip::message::{Headers, grammar};

impl Headers {
    /// Lifetime in seconds.
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        self.seconds(HeaderName::Expires)
    }

    /// The shortest lifetime that a registrar takes, in seconds.
    pub fn min_expires(&self) -> Result<Option<u32>, HeaderError> {
        self.seconds(HeaderName::MinExpires)
    }

    fn seconds(&self, name: HeaderName) -> Result<Option<u32>, HeaderError> {
        let value = self.at_most_one(name.clone())?;
        value.map(|value| grammar::number(&value)).transpose().within(name)
    }

    /// How long to wait before asking again, in seconds; comment and duration are left out (RFC 3261 §20.33).
    pub fn retry_after(&self) -> Option<u32> {
        let value = self.get(&HeaderName::RetryAfter)?;
        let digits = value.split(|letter: char| !letter.is_ascii_digit()).next()?;
        grammar::number(digits).ok()
    }
}
