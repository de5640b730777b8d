//! The journal: what every arbiter has committed, on disk, so that calls outlive the process. Edge.
//! It must never make a call wait or fail because of a disk, nor give back what was not appended.
//!
//! A stream is a chain of files: a checkpoint with all live values, and segments of batches that follow it. Each
//! file says after which batch it begins; a reader goes along the chain and stops where it is broken.

mod change;
mod checkpoint;
mod disk;
mod folder;
mod frame;
mod health;
mod image;
mod restore;
mod segment;
mod stamp;
mod stream;

use std::io;
use std::path::PathBuf;

pub use change::Change;
pub use folder::Folder;
pub use frame::Damage;
pub use health::{Health, Trouble};
pub use image::{Finding, Image, Record};
pub use stamp::{BootId, NotABoot, Stamp};
pub use stream::Journal;

/// Bounds of one stream on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of batches after which a checkpoint is written, unless `slack` allows more.
    pub segment: u64,
    /// A checkpoint is also put off until the batches take so many times the bytes of what lives.
    pub slack: u32,
    /// Bytes that the files of the stream may take, with room for the checkpoint that will replace them; only
    /// while a failure is made good, that one comes on top. What lives must fit twice.
    pub total: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment: 16 << 20, slack: 3, total: 1 << 30 }
    }
}

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes here.
    #[error("another process{} uses the journal in {}: two switches need two data folders", named(.holder), path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The process that said it holds the lock.
        holder: Option<u32>,
    },
    /// This process has it open.
    #[error("the stream {stream} is open already")]
    Open {
        /// Its name.
        stream: String,
    },
    /// A stream's name becomes the name of files.
    #[error("`{stream}` cannot be the name of a stream: 1 to 64 of a-z, 0-9 and - are wanted")]
    Name {
        /// The name.
        stream: String,
    },
    /// The folder cannot be made or locked.
    #[error("the folder of the journal {} cannot be used: {source}; the switch's user must be able to write it", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The folder cannot be listed.
    #[error("the journal in {} cannot be read: {source}", path.display())]
    Read {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A later release wrote this; to go on would destroy it.
    #[error(
        "{} is written in format {found}, but this release reads up to {known}: start the release that wrote it, \
         drain it, and come back",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its major version.
        found: u8,
        /// Ours.
        known: u8,
    },
}

fn named(holder: &Option<u32>) -> String {
    holder.map(|id| format!(" ({id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
