//! Transports as Via and the `transport` parameter of a URI name them (RFC 3261 §20.42, RFC 7118).
//! It must never decide which transport is used.

use std::fmt;
use std::str::FromStr;

use super::grammar::{self, SyntaxError, serde_as_text, wanted};

/// A transport protocol. Read without regard to case, written in capitals.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// Secure WebSocket (RFC 7118).
    Wss,
    /// Any other, such as `SCTP`; in capitals.
    Other(Box<str>),
}

impl Transport {
    /// The transport as in a Via.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
            Self::Other(name) => name,
        }
    }

    /// Whether it delivers by itself, so that timers A, E and G do not run (RFC 3261 §17).
    pub const fn is_reliable(&self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether everything sent over it is encrypted.
    pub const fn is_secure(&self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// The port that is meant where none is written (RFC 3261 §19.1.2, RFC 7118 §5).
    pub const fn default_port(&self) -> u16 {
        match self {
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
            Self::Udp | Self::Tcp | Self::Other(_) => 5060,
        }
    }
}

impl FromStr for Transport {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        if !grammar::is_token_text(text) {
            return wanted("a transport");
        }
        let known = [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss];
        let found = known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
        Ok(found.unwrap_or_else(|| Self::Other(text.to_ascii_uppercase().into())))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_as_text!(Transport);
