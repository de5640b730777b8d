//! `[recordings]`: where recordings are kept, and how many.
//! Must never depend on the machine: a default is the same everywhere.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::notation::auto_path;

/// `[recordings]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recordings {
    /// Folder of the recordings; `auto`: `recordings` in the data folder.
    #[serde(with = "auto_path")]
    pub folder: Option<PathBuf>,
    /// Recordings at a time; a call beyond goes on without one.
    pub open: usize,
    /// Bytes of all recordings in the folder; past it nothing is recorded.
    pub bytes: u64,
    /// Bytes that recordings leave free on their disk.
    pub keep_free: u64,
}

impl Default for Recordings {
    fn default() -> Self {
        Self { folder: None, open: 1_000, bytes: 100 << 30, keep_free: 256 << 20 }
    }
}
