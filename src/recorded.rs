//! What a recording came to, in words that who wants it and who writes it share.
//! It must never hold more than words.

use serde::{Deserialize, Serialize};

/// What a recording came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    /// Seconds, rounded up, with the silence that was trimmed.
    pub duration: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Nothing worth keeping was recorded: less than half a second, or only silence which was to be trimmed. There is
    /// no file.
    pub is_empty: bool,
}

/// Why there is no recording, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingError {
    /// Nothing was ever recorded under this name, or it was deleted.
    #[error("there is no such recording")]
    Unknown,
    /// It was not begun: a limit is reached.
    #[error("the recording was not begun: {0}")]
    Refused(String),
    /// It broke off. What had been written is kept.
    #[error("the recording failed: {0}")]
    Failed(String),
    /// The disk does not answer; it may be asked for again.
    #[error("the recording is not written yet: the disk does not answer")]
    Unresponsive,
}
