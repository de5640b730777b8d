//! The one typed configuration, parsed once and handed down by value.
//! Nothing else may read the environment or a configuration file.

pub mod credentials;
pub mod files;
pub mod network;
mod notation;
mod sections;
mod unknown;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use credentials::Credentials;
pub use network::{Advertised, Network, PortSpan};
pub use sections::{
    Codec, DataFolder, Dialplan, Limits, LocalNetworks, Log, LogFormat, Media, Registrar, Sip, Timers,
};

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
        /// What is wrong and what would be right.
        message: String,
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
        toml::to_string(self).unwrap_or_default()
    }

    /// The folder of the dialplan's sounds.
    pub fn audio_folder(&self) -> PathBuf {
        self.dialplan.folder.join("audio")
    }

    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}
