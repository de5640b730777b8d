//! What can be said about an operator's files: an error that forbids to use them, or a warning.
//! Must never hold a secret: findings are printed and logged.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It cannot work so.
    Error,
    /// It may not do what is wanted.
    Warning,
}

/// One thing to say about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// The file, and the line if it has one; empty where it is about the host.
    pub place: String,
    /// What is wrong, and what would be right: lower case, no full stop.
    pub message: String,
}

/// Something to say about one key: its place in the file is still to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// How grave it is.
    pub severity: Severity,
    /// The key with its table.
    pub key: &'static str,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Finding {
    /// It cannot work so.
    pub fn error(place: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { severity: Severity::Error, place: place.into(), message: message.to_string() }
    }

    /// It may not do what is wanted.
    pub fn warning(place: impl Into<String>, message: impl fmt::Display) -> Self {
        Self { severity: Severity::Warning, place: place.into(), message: message.to_string() }
    }

    /// Whether it forbids to use the files.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Doubt {
    /// It cannot work so.
    pub fn error(key: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, key, message: message.into() }
    }

    /// It may not do what is wanted.
    pub fn warning(key: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, key, message: message.into() }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, place, message } = self;
        if place.is_empty() {
            write!(f, "{severity}: {message}")
        } else {
            write!(f, "{place}: {severity}: {message}")
        }
    }
}
