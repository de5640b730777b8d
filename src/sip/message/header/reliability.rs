//! RSeq and RAck: the order of provisional answers that must arrive (RFC 3262 §7).
//! They must never be compared across dialogs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{CSeq, HeaderError, HeaderName, Within};
use crate::sip::message::Headers;
use crate::sip::message::grammar::{self, Cursor, SyntaxError, wanted};

/// RAck: which provisional answer a PRACK acknowledges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RAck {
    /// The RSeq of the answer.
    pub rseq: u32,
    /// The CSeq of what it answers.
    pub cseq: CSeq,
}

impl FromStr for RAck {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        let rseq = grammar::number(cursor.run(|byte| byte.is_ascii_digit()))?;
        if !cursor.peek().is_some_and(grammar::is_lws) {
            return wanted("white space before the CSeq");
        }
        cursor.rest().parse().map(|cseq| Self { rseq, cseq })
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rseq, self.cseq)
    }
}

impl Headers {
    /// RSeq of a provisional answer; none if it need not arrive.
    pub fn rseq(&self) -> Result<Option<u32>, HeaderError> {
        let value = self.at_most_one(HeaderName::RSeq)?;
        value.map(|value| grammar::number(&value)).transpose().within(HeaderName::RSeq)
    }

    /// The one RAck that every PRACK has.
    pub fn rack(&self) -> Result<RAck, HeaderError> {
        self.exactly_one(HeaderName::RAck)?.parse().within(HeaderName::RAck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::message::Method;

    #[test]
    fn what_is_written_is_read_back() {
        let rack = RAck { rseq: 776_656, cseq: CSeq { number: 1, method: Method::Invite } };
        assert_eq!(rack.to_string(), "776656 1 INVITE");
        assert_eq!("776656  1\tINVITE".parse(), Ok(rack));
        for broken in ["", "1", "1 INVITE", "x 1 INVITE", "1 1", "99999999999 1 INVITE"] {
            assert!(broken.parse::<RAck>().is_err(), "{broken}");
        }
    }
}
