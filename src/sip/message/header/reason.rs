//! Reason: why a request was sent, or why an answer is what it is (RFC 3326, RFC 6432).
//! It must never be passed on as it came: what leaves is written anew from what was understood.

use std::fmt;
use std::str::FromStr;

use super::HeaderName;
use crate::sip::message::grammar::{self, Cursor, SyntaxError, read_list, serde_as_text};
use crate::sip::message::{Headers, Params};

/// Letters of a text that are kept.
const LONGEST_TEXT: usize = 128;

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Whose numbers these are.
    pub protocol: Protocol,
    /// The number: a status of SIP, or a cause of Q.850.
    pub cause: u16,
    /// In words, for people.
    pub text: Option<String>,
}

/// The protocols whose causes mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Status codes.
    Sip,
    /// The causes of telephone exchanges.
    Q850,
}

impl Reason {
    fn read(cursor: &mut Cursor<'_>) -> Result<Option<Self>, SyntaxError> {
        let protocol = cursor.token("a protocol")?;
        let params = Params::read(cursor)?;
        let protocol = [Protocol::Sip, Protocol::Q850]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(protocol));
        let cause = params.value("cause").and_then(|cause| grammar::number(cause).ok());
        let text = params.unquoted("text").map(|text| text.chars().take(LONGEST_TEXT).collect());
        Ok(protocol.zip(cause).map(|(protocol, cause)| Self { protocol, cause, text }))
    }
}

impl Protocol {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sip => "SIP",
            Self::Q850 => "Q.850",
        }
    }
}

impl FromStr for Reason {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        let reason = Self::read(&mut cursor)?;
        cursor.end()?;
        reason.ok_or(SyntaxError { wanted: "a cause of SIP or Q.850" })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};cause={}", self.protocol.as_str(), self.cause)?;
        match &self.text {
            Some(text) => write!(f, ";text={}", grammar::quote(text)),
            None => Ok(()),
        }
    }
}

serde_as_text!(Reason);

impl Headers {
    /// Why: at most one reason of each protocol that we know. What cannot be read is no reason to refuse anything.
    pub fn reasons(&self) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = Vec::new();
        for value in self.all(&HeaderName::Reason) {
            for reason in read_list(&value, Reason::read).into_iter().flatten().flatten() {
                if reasons.iter().all(|known| known.protocol != reason.protocol) {
                    reasons.push(reason);
                }
            }
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(lines: &[&str]) -> Vec<String> {
        let mut headers = Headers::new();
        lines.iter().for_each(|line| headers.push(HeaderName::Reason, line));
        headers.reasons().iter().map(Reason::to_string).collect()
    }

    #[test]
    fn what_is_understood_is_written_anew_and_the_rest_is_left_out() {
        let lines = ["Q.850 ;cause=16;text=\"Terminated\", SIP;cause=200;text=Elsewhere", "sip;cause=600"];
        assert_eq!(
            reasons(&lines),
            ["Q.850;cause=16;text=\"Terminated\"", "SIP;cause=200;text=\"Elsewhere\""]
        );
        assert_eq!(reasons(&["preemption;cause=1", "Q.850", "SIP;cause=x", "", ";;"]), [""; 0]);
        let long = format!("SIP;cause=480;text=\"{}\"", "a".repeat(500));
        assert_eq!(reasons(&[&long])[0].len(), "SIP;cause=480;text=\"\"".len() + LONGEST_TEXT);
    }

    #[test]
    fn one_is_kept_as_its_text() {
        let reason: Reason = "q.850;cause=34;text=\"No \\\"circuit\\\"\"".parse().expect("it is sound");
        assert_eq!(reason.to_string(), "Q.850;cause=34;text=\"No \\\"circuit\\\"\"");
        assert_eq!(reason.to_string().parse(), Ok(reason));
        assert!("isup;cause=1".parse::<Reason>().is_err());
    }
}
