//! The tables of the configuration, with their defaults.
//! Must never depend on the machine: a default is the same everywhere.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::network::{Advertised, Network, PortSpan};
use super::notation::{auto, span};
use super::session_timer::SessionTimer;
use super::transports::{Connections, Tls};

/// `[sip]`: signalling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sip {
    /// UDP addresses to listen on.
    pub listen: Vec<SocketAddr>,
    /// TCP addresses to listen on.
    pub listen_tcp: Vec<SocketAddr>,
    /// TLS addresses to listen on.
    pub listen_tls: Vec<SocketAddr>,
    /// Threads that carry signalling; 0: the cores that media leaves, at least one.
    pub shards: usize,
    /// Address told to hosts outside the local networks; `auto`: the one that the route to them leaves from.
    #[serde(with = "auto")]
    pub advertised: Option<Advertised>,
    /// Domain of the users' addresses and realm of their passwords; `auto`: every address of the switch counts as its
    /// domain.
    #[serde(with = "auto")]
    pub domain: Option<String>,
    /// RFC 3261 §17 timers.
    pub timers: Timers,
    /// Certificates.
    pub tls: Tls,
    /// Bounds of TCP and TLS connections.
    pub connections: Connections,
    /// RFC 4028.
    pub session_timer: SessionTimer,
}

/// `[sip.timers]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Timers {
    /// Estimated round trip, RFC 3261 T1.
    #[serde(with = "span")]
    pub t1: Duration,
    /// Longest retransmission interval, RFC 3261 T2.
    #[serde(with = "span")]
    pub t2: Duration,
    /// How long a message stays in the network, RFC 3261 T4.
    #[serde(with = "span")]
    pub t4: Duration,
    /// How long a call may ring when the script does not say, at most 3 minutes (RFC 3261 §16.6 timer C).
    #[serde(with = "span")]
    pub ring: Duration,
}

/// `[media]`: sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Media {
    /// Address of the RTP sockets; `auto`: the one that the route to the peer leaves from.
    #[serde(with = "auto")]
    pub address: Option<IpAddr>,
    /// Address in session descriptions for hosts outside the local networks; `auto`: that of the sockets.
    #[serde(with = "auto")]
    pub advertised: Option<IpAddr>,
    /// RTP and RTCP ports.
    pub ports: PortSpan,
    /// How long a port rests before it is used again.
    #[serde(with = "span")]
    pub port_rest: Duration,
    /// Threads that move RTP; 0: half the cores, at least one.
    pub workers: usize,
    /// A leg without RTP for so long is lost; `0s`: never.
    #[serde(with = "span")]
    pub timeout: Duration,
    /// Codecs offered and accepted, the preferred one first.
    pub codecs: Vec<Codec>,
}

/// A codec by its name in session descriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 µ-law.
    #[serde(rename = "PCMU")]
    Pcmu,
    /// G.711 A-law.
    #[serde(rename = "PCMA")]
    Pcma,
}

/// `[limits]`: bounds of everything that could grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Calls at a time; the next is answered with 503.
    pub calls: usize,
    /// Legs at a time.
    pub legs: usize,
    /// New calls in a second.
    pub calls_per_second: usize,
    /// The longest that a call may last, from its answer on.
    #[serde(with = "span")]
    pub call_duration: Duration,
    /// How long a callee who has answered may be asked, and be sent keys, before it is joined.
    #[serde(with = "span")]
    pub screening: Duration,
    /// SIP transactions at a time, per shard.
    pub transactions: usize,
    /// Telephones registered for one user.
    pub bindings_per_user: usize,
    /// Bytes of synthesised speech kept on disk.
    pub speech_cache: u64,
}

/// `[registrar]`: registrations of telephones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Registrar {
    /// Shortest registration accepted; a shorter wish is answered with 423.
    #[serde(with = "span")]
    pub min_expires: Duration,
    /// Longest registration granted.
    #[serde(with = "span")]
    pub max_expires: Duration,
    /// Granted to a telephone without a wish.
    #[serde(with = "span")]
    pub default_expires: Duration,
}

/// `[data]`: what must survive the switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataFolder {
    /// Folder for credentials, journal, caches and the control socket.
    pub folder: PathBuf,
}

/// `[dialplan]`: routes and scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialplan {
    /// Folder with `routes.toml`, the scripts and their sounds.
    pub folder: PathBuf,
}

/// `[local_networks]`: who sees the switch from inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalNetworks {
    /// In CIDR notation.
    pub ranges: Vec<Network>,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Level, or directives such as `info,trunkline::sip=debug`.
    pub filter: String,
    /// For people or for machines.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5060))],
            listen_tcp: Vec::new(),
            listen_tls: Vec::new(),
            shards: 0,
            advertised: None,
            domain: None,
            timers: Timers::default(),
            tls: Tls::default(),
            connections: Connections::default(),
            session_timer: SessionTimer::default(),
        }
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            ring: Duration::from_secs(30),
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        Self {
            address: None,
            advertised: None,
            // Below the kernel's ephemeral ports (from 32768), so that no client socket takes one of ours.
            ports: PortSpan { first: 20_000, last: 29_999 },
            port_rest: Duration::from_secs(2),
            workers: 0,
            timeout: Duration::from_secs(60),
            codecs: vec![Codec::Pcmu, Codec::Pcma],
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 2_000,
            legs: 5_000,
            calls_per_second: 200,
            call_duration: Duration::from_secs(4 * 3600),
            screening: Duration::from_secs(600),
            transactions: 20_000,
            bindings_per_user: 10,
            speech_cache: 256 << 20,
        }
    }
}

impl Default for Registrar {
    fn default() -> Self {
        Self {
            min_expires: Duration::from_secs(30),
            max_expires: Duration::from_secs(3600),
            default_expires: Duration::from_secs(600),
        }
    }
}

impl Default for DataFolder {
    fn default() -> Self {
        Self { folder: PathBuf::from("data") }
    }
}

impl Default for Dialplan {
    fn default() -> Self {
        Self { folder: PathBuf::from("dialplans") }
    }
}

impl Default for LocalNetworks {
    /// Private and link-local ranges: RFC 1918, RFC 3927, RFC 4193, RFC 4291, and loopback.
    fn default() -> Self {
        Self { ranges: Network::PRIVATE.to_vec() }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".into(), format: LogFormat::Text }
    }
}
