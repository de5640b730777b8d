//! The one typed configuration, parsed once and handed down by value.
//! Nothing else may read the environment or a configuration file.

pub mod credentials;
pub mod files;
pub mod gateway;
pub mod network;
mod notation;
pub mod secret;
mod sections;
mod session_timer;
mod unknown;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use credentials::Credentials;
pub use gateway::Gateway;
pub use network::{Advertised, Network, PortSpan};
pub use secret::Secret;
pub use sections::{
    Codec, DataFolder, Dialplan, Limits, LocalNetworks, Log, LogFormat, Media, Registrar, Sip, Timers,
};
pub use session_timer::SessionTimer;

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
    /// Networks whose hosts see the switch's own addresses instead of the advertised ones.
    pub local_networks: LocalNetworks,
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
    #[error("line {line}: {message}")]
    Value {
        /// Line in the file, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// Values that contradict each other or lie out of range.
    #[error("{key}: {message}")]
    Contradiction {
        /// The key with its table.
        key: &'static str,
        /// What would be right.
        message: &'static str,
    },
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// The text is not TOML, has an unknown key, or a value out of its type or range.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        unknown::refuse(text)?;
        let config: Config = toml::from_str(text).map_err(|error| ConfigError::Value {
            line: notation::line_of(text, error.span()),
            message: error.message().to_owned(),
        })?;
        config.check()?;
        Ok(config)
    }

    /// The configuration in force, as TOML that [`Config::parse`] reads back. It holds no secrets.
    pub fn effective(&self) -> String {
        // Only a path that is not UTF-8, from the command line, cannot be written.
        toml::to_string(self).unwrap_or_else(|error| format!("# {error}\n"))
    }

    /// The account's and the users' secrets.
    pub fn credentials_file(&self) -> PathBuf {
        self.data.folder.join("credentials.toml")
    }

    /// Whether `host` sees the switch from inside: it is told the sockets' own addresses.
    pub fn is_local(&self, host: IpAddr) -> bool {
        self.local_networks.ranges.iter().any(|network| network.contains(host))
    }

    fn check(&self) -> Result<(), ConfigError> {
        let Config { sip, media, limits, registrar, .. } = self;
        let timers = &sip.timers;
        let second = Duration::from_secs(1);
        let rules = [
            ("sip.listen", !sip.listen.is_empty(), "at least one address is needed"),
            ("sip.timers.t1", !timers.t1.is_zero(), "it is longer than 0s"),
            ("sip.timers.t2", timers.t2 >= timers.t1, "it is not shorter than t1"),
            ("sip.timers.t4", timers.t4 >= timers.t1, "it is not shorter than t1"),
            (
                "sip.timers.ring",
                (second..=MAX_RING).contains(&timers.ring),
                "it lies between 1s and 3m (timer C)",
            ),
            ("media.codecs", !media.codecs.is_empty(), "at least one codec is needed"),
            ("limits.calls", limits.calls > 0, "at least one call is needed"),
            ("limits.legs", limits.legs >= limits.calls, "each call has a leg: it is not smaller than calls"),
            ("limits.calls_per_second", limits.calls_per_second > 0, "it is greater than 0"),
            ("limits.transactions", limits.transactions > 0, "it is greater than 0"),
            ("limits.bindings_per_user", limits.bindings_per_user > 0, "it is greater than 0"),
            ("registrar.min_expires", registrar.min_expires >= second, "it is not shorter than 1s"),
            (
                "registrar.default_expires",
                (registrar.min_expires..=registrar.max_expires).contains(&registrar.default_expires),
                "it lies between min_expires and max_expires",
            ),
        ];
        match rules.into_iter().chain(sip.session_timer.rules()).find(|(_, holds, _)| !holds) {
            Some((key, _, message)) => Err(ConfigError::Contradiction { key, message }),
            None => match self.gateway.fault() {
                Some((key, message)) => Err(ConfigError::Contradiction { key, message }),
                None => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
