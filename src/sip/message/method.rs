//! Request methods (RFC 3261 §7.1 and its extensions), an open set.
//! It must never fold case: `invite` is another method than `INVITE`.

use std::fmt;
use std::str::FromStr;

use super::grammar::{self, SyntaxError, serde_as_text, wanted};

/// The method of a request. Case-sensitive; unknown ones are kept, so that they can be answered with 501.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants are the methods' own names")]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Register,
    Options,
    Info,
    Prack,
    Update,
    Refer,
    Notify,
    Subscribe,
    Message,
    Publish,
    /// Any other token.
    Other(Box<str>),
}

const KNOWN: [(&str, Method); 14] = [
    ("INVITE", Method::Invite),
    ("ACK", Method::Ack),
    ("BYE", Method::Bye),
    ("CANCEL", Method::Cancel),
    ("REGISTER", Method::Register),
    ("OPTIONS", Method::Options),
    ("INFO", Method::Info),
    ("PRACK", Method::Prack),
    ("UPDATE", Method::Update),
    ("REFER", Method::Refer),
    ("NOTIFY", Method::Notify),
    ("SUBSCRIBE", Method::Subscribe),
    ("MESSAGE", Method::Message),
    ("PUBLISH", Method::Publish),
];

impl Method {
    /// The method as on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => KNOWN.iter().find(|(_, method)| method == known).map_or("", |(name, _)| name),
        }
    }

    pub(super) fn from_token(token: &str) -> Self {
        KNOWN
            .iter()
            .find(|(name, _)| *name == token)
            .map_or_else(|| Self::Other(token.into()), |(_, method)| method.clone())
    }
}

impl FromStr for Method {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if grammar::is_token_text(text) { Ok(Self::from_token(text)) } else { wanted("a method") }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(Method);
