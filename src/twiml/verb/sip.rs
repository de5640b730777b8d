//! `<Sip>`: a SIP address to dial.
//! Must never show its password.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::dial::Hooks;

/// A SIP address to dial.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sip {
    /// URI with its scheme; what follows `?` in the document is in `headers`.
    pub uri: String,
    /// Headers for the INVITE, decoded, in order: name and value.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// User for a digest challenge of the far side.
    #[serde(default)]
    pub username: Option<String>,
    /// Password for it.
    #[serde(default)]
    pub password: Option<String>,
    /// What is told about the attempt.
    #[serde(default)]
    pub hooks: Hooks,
}

impl fmt::Debug for Sip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sip")
            .field("uri", &self.uri)
            .field("headers", &self.headers)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "hidden"))
            .field("hooks", &self.hooks)
            .finish()
    }
}
