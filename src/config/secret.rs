//! A secret of the configuration: a password, a token, a key.
//! Must never show itself in a print, a log, or a format that people read.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What stands for a secret wherever people read.
pub const HIDDEN: &str = "(hidden)";

/// A secret. It is written in plain words in the configuration file, and as `(hidden)` everywhere else: in debug
/// prints, in logs, in the effective configuration, in JSON. Only formats for machines (snapshots) carry it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// A secret from its plain text.
    pub fn new(plain: impl Into<String>) -> Self {
        Self(plain.into())
    }

    /// The plain text, for whoever computes with it. Not to be printed or kept.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is empty: the default, which stands for none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // An empty one is no secret: that there is none may be seen.
        let is_shown = self.is_empty() || !serializer.is_human_readable();
        serializer.serialize_str(if is_shown { &self.0 } else { HIDDEN })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let plain = Cow::<'de, str>::deserialize(deserializer)?;
        if plain == HIDDEN {
            // The effective configuration was saved as a file: its secrets are not in it.
            return Err(de::Error::custom(
                "the secret itself is needed here: this one was hidden when printed",
            ));
        }
        Ok(Self(plain.into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Gateway {
        password: Secret,
    }

    #[test]
    fn a_secret_shows_in_no_print_and_in_no_format_for_people() {
        let gateway: Gateway = toml::from_str("password = \"hunter2\"").expect("plain in the file");
        assert_eq!(gateway.password.reveal(), "hunter2");
        for shown in [
            format!("{gateway:?} {}", gateway.password),
            toml::to_string(&gateway).expect("written"),
            serde_json::to_string(&gateway).expect("written"),
        ] {
            assert!(shown.contains(HIDDEN) && !shown.contains("hunter2"), "{shown}");
        }
        let none = Gateway { password: Secret::default() };
        assert_eq!(toml::to_string(&none).expect("written").trim(), "password = \"\"");
    }

    #[test]
    fn a_snapshot_keeps_the_secret_and_a_hidden_one_is_not_taken_for_it() {
        let gateway = Gateway { password: Secret::new("hunter2") };
        let mut bytes = Vec::new();
        ciborium::into_writer(&gateway, &mut bytes).expect("written");
        assert_eq!(ciborium::from_reader::<Gateway, _>(bytes.as_slice()).expect("read"), gateway);
        let printed = toml::to_string(&gateway).expect("written");
        let refused = toml::from_str::<Gateway>(&printed).expect_err("it is hidden");
        assert!(refused.message().contains("the secret itself is needed"), "{refused}");
    }
}
