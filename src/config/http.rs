//! `[http]`: the web server for recordings, metrics and health.
//! Must never be reachable from other hosts unless the operator says so.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::notation::auto;

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// TCP address to listen on.
    pub listen: SocketAddr,
    /// What begins the URLs that scripts are told, such as `https://voice.example.com`; `auto`: the address of `listen`.
    #[serde(with = "auto")]
    pub public_url: Option<String>,
    /// Whether whoever knows its URL may fetch a recording; otherwise it takes AccountSid and AuthToken (HTTP Basic).
    pub public_recordings: bool,
    /// Connections at a time.
    pub connections: usize,
    /// Connections at a time from one host.
    pub per_source: usize,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            public_recordings: false,
            connections: 512,
            per_source: 64,
        }
    }
}

impl Http {
    /// Whether `public_url` is a URL of HTTP that paths can be put behind.
    pub(super) fn is_sound(&self) -> bool {
        let Some(public) = &self.public_url else { return true };
        public.parse::<url::Url>().is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        })
    }
}
