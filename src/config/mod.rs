//! The one typed configuration, parsed once and handed down by value.
//! Nothing else may read the environment or a configuration file.

pub mod credentials;
mod difference;
mod doubts;
mod examination;
pub mod files;
mod finding;
pub mod gateway;
mod http;
mod journal;
mod keys;
pub mod network;
mod notation;
mod ranges;
mod recordings;
mod records;
pub mod secret;
mod sections;
mod session_timer;
mod transports;
mod unknown;
mod webhooks;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use credentials::Credentials;
pub use difference::{Change, Difference};
pub use examination::Examination;
pub use finding::{Doubt, Finding, Severity};
pub use gateway::Gateway;
pub use http::Http;
pub use journal::Journal;
pub use network::{Advertised, Network, PortSpan};
pub use notation::read_span;
pub use recordings::Recordings;
pub use records::Records;
pub use secret::Secret;
pub use sections::{
    Codec, DataFolder, Dialplan, Limits, LocalNetworks, Log, LogFormat, Media, Registrar, Sip, Timers,
};
pub use session_timer::SessionTimer;
pub use transports::{Connections, Tls};
pub(crate) use unknown::most_alike;
pub use webhooks::Webhooks;

/// The file of secrets in the data folder.
pub const CREDENTIALS: &str = "credentials.toml";

/// Longest time that a call may ring: timer C of RFC 3261 §16.6.
const MAX_RING: Duration = Duration::from_secs(180);

/// Everything an operator can set. What is left out has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Signalling.
    pub sip: Sip,
    /// Sound.
    pub media: Media,
    /// Bounds of everything that could grow.
    pub limits: Limits,
    /// The way out of the house.
    pub gateway: Gateway,
    /// Registrations of telephones.
    pub registrar: Registrar,
    /// Where the switch keeps what must survive it.
    pub data: DataFolder,
    /// Where routes and scripts are.
    pub dialplan: Dialplan,
    /// Documents, sounds and callbacks over HTTP.
    pub webhooks: Webhooks,
    /// Networks whose hosts see the switch's own addresses instead of the advertised ones.
    pub local_networks: LocalNetworks,
    /// The web server.
    pub http: Http,
    /// What of calls outlives the process.
    pub journal: Journal,
    /// Recordings.
    pub recordings: Recordings,
    /// What is kept of calls that are over.
    pub records: Records,
    /// What is logged, and how.
    pub log: Log,
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A key that means nothing here.
    #[error("line {line}: unknown key `{key}`{}", .nearest.as_ref().map(|key| format!(", did you mean `{key}`?")).unwrap_or_default())]
    UnknownKey {
        /// Line in the file, from 1.
        line: usize,
        /// The key with its table, such as `sip.lisen`.
        key: String,
        /// The valid key that looks most alike.
        nearest: Option<String>,
    },
    /// Not TOML, or a value of the wrong type.
    #[error("line {line}: {}{message}", .key.as_ref().map(|key| format!("{key} = ")).unwrap_or_default())]
    Value {
        /// Line in the file, from 1.
        line: usize,
        /// The key with its table, where it is a value of a key.
        key: Option<String>,
        /// The value as written, and what is wrong; a secret is not repeated.
        message: String,
    },
    /// Values that contradict each other or lie out of range.
    #[error("{}{key} = {value}: {message}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Contradiction {
        /// Line in the file, from 1; none if the value is the default.
        line: Option<usize>,
        /// The key with its table.
        key: &'static str,
        /// The value in force.
        value: String,
        /// What would be right.
        message: &'static str,
    },
}

impl Config {
    /// Reads a configuration file. Everything that is wrong with one is told by [`Config::examine`].
    ///
    /// # Errors
    /// The text is not TOML, has an unknown key, or a value out of its type or range.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let Examination { config, errors, .. } = Self::examine(text);
        errors.into_iter().next().map_or(Ok(config), Err)
    }

    /// The configuration in force, as TOML that [`Config::parse`] reads back; but secrets are hidden, and have to be
    /// written in by hand.
    pub fn effective(&self) -> String {
        // Only a path that is not UTF-8, from the command line, cannot be written.
        toml::to_string(self).unwrap_or_else(|error| format!("# {error}\n"))
    }

    /// The account's and the users' secrets.
    pub fn credentials_file(&self) -> PathBuf {
        self.data.folder.join(CREDENTIALS)
    }

    /// Where calls are written down.
    pub fn journal_folder(&self) -> PathBuf {
        self.data.folder.join("journal")
    }

    /// Where recordings are kept.
    pub fn recordings_folder(&self) -> PathBuf {
        self.recordings.folder.clone().unwrap_or_else(|| self.data.folder.join("recordings"))
    }

    /// Whether `host` sees the switch from inside: it is told the sockets' own addresses.
    pub fn is_local(&self, host: IpAddr) -> bool {
        self.local_networks.ranges.iter().any(|network| network.contains(host))
    }

    /// The rules that hold between values: the key that breaks one, and what would be right.
    fn contradictions(&self) -> Vec<(&'static str, &'static str)> {
        let Config { sip, media, limits, registrar, http, journal, recordings, webhooks, .. } = self;
        let (timers, connections) = (&sip.timers, &sip.connections);
        let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
        let rules = [
            ("sip.listen", !sip.listen.is_empty(), "at least one address is needed"),
            ("sip.timers.t1", !timers.t1.is_zero(), "must be longer than 0s"),
            ("sip.timers.t2", timers.t2 >= timers.t1, "must not be shorter than sip.timers.t1"),
            ("sip.timers.t4", timers.t4 >= timers.t1, "must not be shorter than sip.timers.t1"),
            (
                "sip.timers.ring",
                (second..=MAX_RING).contains(&timers.ring),
                "must lie between 1s and 3m (timer C of RFC 3261)",
            ),
            ("sip.tls.key", sip.tls.is_whole(), "certificate and key come together"),
            ("sip.connections.idle", connections.idle >= second, "must not be shorter than 1s"),
            ("sip.connections.handshake", !connections.handshake.is_zero(), "must be longer than 0s"),
            ("sip.connections.per_source", connections.per_source > 0, "must be greater than 0"),
            (
                "sip.connections.total",
                connections.total >= connections.per_source,
                "must not be smaller than sip.connections.per_source",
            ),
            ("media.codecs", !media.codecs.is_empty(), "at least one codec is needed"),
            ("limits.calls", limits.calls > 0, "at least one call is needed"),
            (
                "limits.legs",
                limits.legs >= limits.calls,
                "must not be smaller than limits.calls: each call has a leg",
            ),
            ("limits.calls_per_second", limits.calls_per_second > 0, "must be greater than 0"),
            (
                "limits.call_duration",
                (second..=day).contains(&limits.call_duration),
                "must lie between 1s and 24h",
            ),
            ("limits.screening", (second..=day).contains(&limits.screening), "must lie between 1s and 24h"),
            ("limits.transactions", limits.transactions > 0, "must be greater than 0"),
            ("limits.bindings_per_user", limits.bindings_per_user > 0, "must be greater than 0"),
            ("registrar.min_expires", registrar.min_expires >= second, "must not be shorter than 1s"),
            ("webhooks.concurrency_per_host", webhooks.concurrency_per_host > 0, "must be greater than 0"),
            (
                "registrar.default_expires",
                (registrar.min_expires..=registrar.max_expires).contains(&registrar.default_expires),
                "must lie between registrar.min_expires and registrar.max_expires",
            ),
            ("http.public_url", http.is_sound(), "must be a URL such as \"https://voice.example.com\""),
            ("http.connections", http.connections > 0, "must be greater than 0"),
            ("http.per_source", http.per_source > 0, "must be greater than 0"),
            ("journal.bytes", journal.bytes >= 64 << 20, "must not be smaller than 67108864 (64 MiB)"),
            ("recordings.open", recordings.open > 0, "must be greater than 0"),
        ];
        let broken = rules
            .into_iter()
            .chain(sip.session_timer.rules())
            .chain(self.ranges())
            .filter(|(_, holds, _)| !holds);
        broken.map(|(key, _, message)| (key, message)).chain(self.gateway.fault()).collect()
    }
}

#[cfg(test)]
mod tests;
