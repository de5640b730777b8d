//! `<Client>`: a registered endpoint to dial.
//! Must never know where it is registered.

use serde::{Deserialize, Serialize};

use super::dial::Hooks;

/// A registered endpoint to dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Name of the user, such as `alice`.
    pub identity: String,
    /// Custom parameters, in order: name and value.
    #[serde(default)]
    pub parameters: Vec<(String, String)>,
    /// What is told about the attempt.
    #[serde(default)]
    pub hooks: Hooks,
}
