//! `<Say>`: speak a text.
//! Must never choose an engine: it names a language and perhaps a voice.

use serde::{Deserialize, Serialize};

/// Speak a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Say {
    /// The text, without markup, at most 4096 characters, not empty.
    pub text: String,
    /// BCP 47 tag.
    pub language: String,
    /// The voice by name, where one is asked for.
    #[serde(default)]
    pub voice: Option<String>,
    /// How often, 1 to 1000.
    pub loops: u32,
}
