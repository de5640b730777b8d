//! `<Play>`: play a file.
//! Must never fetch it.

use serde::{Deserialize, Serialize};

/// Play a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Play {
    /// URL or path as the document has it, not yet resolved.
    pub source: String,
    /// How often, 1 to 1000.
    pub loops: u32,
}
