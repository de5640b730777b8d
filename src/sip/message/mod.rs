//! The SIP message layer: lossless on bytes, lazily typed (RFC 3261 §7, §25).
//! It must never panic on what the network sends, and never change what it passes on.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod glimpse;
mod grammar;
mod header;
mod headers;
mod host;
mod interop;
mod limits;
mod method;
mod name_addr;
mod params;
mod parse;
mod request;
mod response;
mod status;
mod stream;
mod transport;
mod uri;
mod validate;
mod write;

#[cfg(test)]
mod tests;

pub use glimpse::call_id_of;
pub use grammar::SyntaxError;
pub use header::{
    CSeq, Contacts, DigestParams, HeaderError, HeaderName, Problem, Protocol, RAck, Reason, ReferTo,
    Replaces, Role, SessionExpires, Via,
};
pub use headers::Headers;
pub use host::Host;
pub use interop::InteropError;
pub use limits::Limits;
pub use method::Method;
pub use name_addr::NameAddr;
pub use params::Params;
pub use parse::{ParseError, Rejected};
pub use request::Request;
pub use response::Response;
pub use status::{BadStatus, StatusCode};
pub use stream::{Frame, FrameError, Framer};
pub use transport::Transport;
pub use uri::{Scheme, Uri};
pub use validate::{ALLOW, Violation};

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Asks for something.
    Request(Request),
    /// Answers a request.
    Response(Response),
}

impl Message {
    /// The message as it is sent: for an unchanged one the very bytes that were received.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }

    /// Its header fields.
    pub fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => request.headers(),
            Self::Response(response) => response.headers(),
        }
    }

    /// Its body.
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Request(request) => request.body(),
            Self::Response(response) => response.body(),
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

/// Snapshots hold a message as its bytes. A request that was salvaged is salvaged again.
impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Self::parse(Bytes::deserialize(deserializer)?, &Limits::NONE) {
            Ok(message) => Ok(message),
            Err(Rejected::Answer { request, .. }) => Ok(Self::Request(*request)),
            Err(rejected) => Err(serde::de::Error::custom(rejected)),
        }
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_bytes().serialize(serializer)
    }
}

macro_rules! serde_as_message {
    ($($name:ident),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.to_bytes().serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Message::deserialize(deserializer)? {
                    Message::$name(message) => Ok(message),
                    _ => Err(serde::de::Error::custom(concat!("the message is no ", stringify!($name)))),
                }
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.to_bytes() == other.to_bytes()
            }
        }

        impl Eq for $name {}
    )+};
}
serde_as_message!(Request, Response);
