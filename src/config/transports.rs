//! `[sip.tls]` and `[sip.connections]`: certificates, and the bounds of TCP and TLS connections.
//! Must never read a certificate: whether there is one is found at the start.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::notation::{auto_path, span};

/// `[sip.tls]`: who we say we are, and whom we believe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Our certificate with those between it and its authority, PEM; `auto`: one signed by itself, made at the first
    /// start in the data folder.
    #[serde(with = "auto_path")]
    pub certificate: Option<PathBuf>,
    /// The private key of that certificate, PEM.
    #[serde(with = "auto_path")]
    pub key: Option<PathBuf>,
    /// Certificates of authorities that we trust besides those of the host, PEM; `auto`: none.
    #[serde(with = "auto_path")]
    pub authorities: Option<PathBuf>,
    /// Names or addresses of peers that we connect to whatever their certificate says, such as one signed by itself.
    pub unverified: Vec<String>,
}

/// `[sip.connections]`: bounds of TCP and TLS connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connections {
    /// A connection without a byte for so long is closed, unless a telephone is registered by it.
    #[serde(with = "span")]
    pub idle: Duration,
    /// How long a TLS handshake, or the head of a message that has begun, may take; three times as long the first
    /// message, or a message with its body.
    #[serde(with = "span")]
    pub handshake: Duration,
    /// Connections at a time from one host, or one IPv6 network of 64 bits.
    pub per_source: usize,
    /// Connections at a time.
    pub total: usize,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(120),
            handshake: Duration::from_secs(5),
            per_source: 256,
            total: 10_000,
        }
    }
}

impl Tls {
    /// Whether certificate and key come together.
    pub(super) fn is_whole(&self) -> bool {
        self.certificate.is_some() == self.key.is_some()
    }
}
