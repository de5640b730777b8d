//! CSeq: the order of requests within a dialog (RFC 3261 §20.16).
//! It must never be compared across dialogs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{HeaderError, HeaderName, Within};
use crate::sip::message::grammar::{self, Cursor, SyntaxError, wanted};
use crate::sip::message::{Headers, Method};

/// Number and method of a request; a response repeats them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CSeq {
    /// The number, rising within a dialog.
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl FromStr for CSeq {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        let number = grammar::number(cursor.run(|byte| byte.is_ascii_digit()))?;
        if !cursor.peek().is_some_and(grammar::is_lws) {
            return wanted("white space before the method");
        }
        cursor.skip_lws();
        let method = Method::from_token(cursor.token("a method")?);
        cursor.end().map(|()| Self { number, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

impl Headers {
    /// The one CSeq that every message has.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        self.exactly_one(HeaderName::CSeq)?.parse().within(HeaderName::CSeq)
    }
}
