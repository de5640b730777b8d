//! `[recordings]`: where recordings are kept, and how many.
//! Must never depend on the machine: a default is the same everywhere.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::notation::auto;

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

/// As [`auto`], for a path: those print only by way of `display`.
mod auto_path {
    use std::path::PathBuf;

    use serde::{Deserializer, Serializer};

    use super::auto;

    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        auto::serialize(&path.as_ref().map(|path| path.display()), serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        auto::deserialize::<String, _>(deserializer).map(|path| path.map(PathBuf::from))
    }
}
