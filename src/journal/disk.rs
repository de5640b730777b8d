//! The five things a journal asks of a disk, so that tests can have one that fails on demand.
//! It must never retry: what a failure means is decided by the journal.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::folder::{self, FILE_MODE};

/// Where files are written. Reading goes past it.
pub(super) trait Disk: Debug + Send + Sync {
    /// A new file; one of that name must not be there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;
    /// Replaces `to`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Has the disk keep the names in the folder.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

/// A file that is being written.
pub(super) trait Output: Write + Debug + Send {
    /// Has the disk keep what was written.
    fn sync(&self) -> io::Result<()>;
    /// Whether the file still has this name.
    fn is_at(&self, path: &Path) -> bool;
}

/// The disk of this host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local;

impl Disk for Local {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl Output for File {
    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn is_at(&self, path: &Path) -> bool {
        folder::is_at(self, path)
    }
}
