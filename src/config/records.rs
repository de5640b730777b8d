//! `[records]`: how much is kept of what came of each leg.
//! Must never depend on the machine: a default is the same everywhere.

use serde::{Deserialize, Serialize};

/// `[records]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Records {
    /// Bytes of `calls.jsonl` in the data folder; then a new one is begun.
    pub bytes: u64,
    /// Older files that are kept.
    pub files: usize,
}

impl Default for Records {
    fn default() -> Self {
        Self { bytes: 16 << 20, files: 9 }
    }
}
