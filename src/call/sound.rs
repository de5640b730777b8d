//! Sounds that scripts ask for, by what names them in snapshots. Pure.
//! It must never hold a sound itself.

use serde::{Deserialize, Serialize};

use crate::twiml::finding::code;
use crate::webhook::WebhookError;

/// A sound that a step needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sound {
    /// Speech.
    Speech {
        /// What to say.
        text: String,
        /// BCP 47.
        language: String,
        /// By name.
        voice: Option<String>,
    },
    /// The tone after which a caller speaks.
    Beep,
    /// A file of the dialplan, as its document names it.
    File(String),
    /// An absolute URL, with connection overrides in its fragment.
    Url(String),
}

/// Why a sound cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} ({code})")]
pub struct SoundError {
    /// Code of the error dictionary.
    pub code: u32,
    /// What is wrong, for a developer.
    pub message: String,
}

impl SoundError {
    /// The switch itself cannot make it: a file that is missing, a voice that fails.
    pub fn skipped(message: impl Into<String>) -> Self {
        Self { code: code::SKIPPED, message: message.into() }
    }
}

impl From<WebhookError> for SoundError {
    fn from(error: WebhookError) -> Self {
        Self { code: error.code, message: format!("{}: {}", error.url, error.message) }
    }
}
