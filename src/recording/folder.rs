//! The folder of recordings on disk: files named by parsed Sids, opened relative to the folder itself. Edge.
//! It must never take a name from anybody, follow a link, or leave a file that others can read.

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::sys::statvfs::fstatvfs;
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::ids::RecordingSid;

/// What a file of the folder is; its suffix says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Being recorded: a WAV file all the same.
    Part,
    /// A copy without the silence at its ends, not yet complete.
    Trimmed,
    /// Finished.
    Wav,
    /// What is known of a finished recording.
    Manifest,
    /// The same, not yet complete.
    NewManifest,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::Part, Kind::Trimmed, Kind::Wav, Kind::Manifest, Kind::NewManifest];

    const fn suffix(self) -> &'static str {
        match self {
            Kind::Part => "part",
            Kind::Trimmed => "trimmed",
            Kind::Wav => "wav",
            Kind::Manifest => "json",
            Kind::NewManifest => "json.part",
        }
    }
}

/// The folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    handle: OwnedFd,
}

impl Folder {
    /// Opens the folder, made if need be, closed to everybody else.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let handle = File::open(path)?;
        if handle.metadata()?.permissions().mode() & 0o077 != 0 {
            handle.set_permissions(Permissions::from_mode(0o700))?;
        }
        Ok(Self { path: path.to_owned(), handle: handle.into() })
    }

    /// Makes a file; one of that name must not be there.
    pub(super) fn create(&self, sid: RecordingSid, kind: Kind) -> io::Result<File> {
        self.at(sid, kind, OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL)
    }

    /// Opens a file for reading.
    pub(super) fn read(&self, sid: RecordingSid, kind: Kind) -> io::Result<File> {
        self.at(sid, kind, OFlag::O_RDONLY)
    }

    /// Opens a file for reading and writing.
    pub(super) fn edit(&self, sid: RecordingSid, kind: Kind) -> io::Result<File> {
        self.at(sid, kind, OFlag::O_RDWR)
    }

    fn at(&self, sid: RecordingSid, kind: Kind, how: OFlag) -> io::Result<File> {
        let how = how | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&self.handle, name(sid, kind).as_str(), how, Mode::S_IRUSR | Mode::S_IWUSR)?;
        Ok(file.into())
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, sid: RecordingSid, kind: Kind) -> bool {
        self.read(sid, kind).is_ok()
    }

    /// Gives a file another suffix; one that is there already is replaced.
    pub(super) fn rename(&self, sid: RecordingSid, from: Kind, to: Kind) -> io::Result<()> {
        let (from, to) = (name(sid, from), name(sid, to));
        Ok(renameat(&self.handle, from.as_str(), &self.handle, to.as_str())?)
    }

    /// Removes a file; says whether there was one.
    pub(super) fn remove(&self, sid: RecordingSid, kind: Kind) -> io::Result<bool> {
        match unlinkat(&self.handle, name(sid, kind).as_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) => Ok(true),
            Err(nix::errno::Errno::ENOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The recordings' files with their lengths. What else lies in the folder is let alone.
    pub(super) fn list(&self) -> io::Result<Vec<(RecordingSid, Kind, u64)>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            let file_name = entry.file_name();
            if let Some((sid, kind)) = file_name.to_str().and_then(parse) {
                // One that vanishes meanwhile is none.
                found.extend(entry.metadata().ok().map(|data| (sid, kind, data.len())));
            }
        }
        Ok(found)
    }

    /// Where a file lies.
    pub(super) fn path(&self, sid: RecordingSid, kind: Kind) -> PathBuf {
        self.path.join(name(sid, kind))
    }

    /// Makes renames and removals durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        nix::unistd::fsync(&self.handle).map_err(io::Error::from)
    }

    /// Bytes of the disk that are free for us.
    pub(super) fn free(&self) -> io::Result<u64> {
        let disk = fstatvfs(&self.handle)?;
        Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
    }
}

fn name(sid: RecordingSid, kind: Kind) -> String {
    format!("{sid}.{}", kind.suffix())
}

fn parse(name: &str) -> Option<(RecordingSid, Kind)> {
    let (sid, suffix) = name.split_once('.')?;
    let sid: RecordingSid = sid.parse().ok()?;
    // Only as we write it: Sids are read in capitals too.
    let kind = Kind::ALL.into_iter().find(|kind| kind.suffix() == suffix)?;
    (self::name(sid, kind) == name).then_some((sid, kind))
}
