//! `[journal]`: whether calls outlive the process, and what that may cost on disk.
//! Must never depend on the machine: a default is the same everywhere.

use serde::{Deserialize, Serialize};

/// `[journal]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// Whether calls are written down in the data folder, so that they outlive the process.
    pub enabled: bool,
    /// Bytes on disk; past it calls go on, but do not outlive the process.
    pub bytes: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self { enabled: true, bytes: 4 << 30 }
    }
}
