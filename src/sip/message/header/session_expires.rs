//! Session-Expires and Min-SE: how long a session lasts without a refresh (RFC 4028 §4, §5).
//! They must never be read as points in time.

use std::fmt;
use std::str::FromStr;

use super::{HeaderError, HeaderName, Within};
use crate::sip::message::grammar::{self, Cursor, SyntaxError};
use crate::sip::message::{Headers, Params};

/// Session-Expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// Seconds until the session is over, counted from its latest refresh.
    pub seconds: u32,
    /// Whether the sender of the request (`uac`) or its receiver (`uas`) does the refreshes; open if not named.
    pub refresher: Option<Role>,
}

/// The two sides of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Who sent the request.
    Uac,
    /// Who answered it.
    Uas,
}

impl FromStr for SessionExpires {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        let seconds = grammar::number(cursor.run(|byte| byte.is_ascii_digit()))?;
        let params = Params::read(&mut cursor)?;
        cursor.end()?;
        let refresher = match params.value("refresher") {
            Some(role) if role.eq_ignore_ascii_case("uac") => Some(Role::Uac),
            Some(role) if role.eq_ignore_ascii_case("uas") => Some(Role::Uas),
            _ => None,
        };
        Ok(Self { seconds, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        match self.refresher {
            Some(Role::Uac) => f.write_str(";refresher=uac"),
            Some(Role::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}

impl Headers {
    /// Session-Expires.
    pub fn session_expires(&self) -> Result<Option<SessionExpires>, HeaderError> {
        let value = self.at_most_one(HeaderName::SessionExpires)?;
        value.map(|value| value.parse()).transpose().within(HeaderName::SessionExpires)
    }

    /// Min-SE: the shortest session interval that somebody on the way puts up with, in seconds.
    pub fn min_se(&self) -> Result<Option<u32>, HeaderError> {
        let value = self.at_most_one(HeaderName::MinSe)?;
        let seconds = |value: &str| {
            let mut cursor = Cursor::new(value);
            cursor.skip_lws();
            grammar::number(cursor.run(|byte| byte.is_ascii_digit()))
        };
        value.map(|value| seconds(&value)).transpose().within(HeaderName::MinSe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (text, seconds, refresher) in [
            ("1800;refresher=uac", 1800, Some(Role::Uac)),
            ("90;refresher=uas", 90, Some(Role::Uas)),
            ("4000", 4000, None),
        ] {
            let value: SessionExpires = text.parse().expect("it is sound");
            assert_eq!(value, SessionExpires { seconds, refresher });
            assert_eq!(value.to_string(), text);
        }
        let spaced: SessionExpires = " 1800 ; x=y; Refresher = UAC ".parse().expect("white space is legal");
        assert_eq!(spaced.refresher, Some(Role::Uac));
        for broken in ["", "soon", "-1", "99999999999", "1800 uac"] {
            assert!(broken.parse::<SessionExpires>().is_err(), "{broken}");
        }
    }
}
