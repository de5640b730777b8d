//! The folder of the journals: one process at a time, one journal a stream, and what the files in it are called.
//! It must never wait for another process, nor touch a file whose name it did not give.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::OpenError;

/// Readable by the owner alone: records hold numbers and credentials.
pub(super) const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
const LOCK: &str = "lock";

/// Numbers of files end here; at one a second for thirty years.
const NUMBERS: u32 = 1_000_000_000;

/// A folder that this process alone writes. Clones mean the same folder; the last one to go frees it.
#[derive(Clone, Debug)]
pub struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// An open file description lock: it goes with the last copy of the descriptor, in whatever process that is.
    lock: Mutex<File>,
    streams: Mutex<HashSet<Box<str>>>,
}

impl Folder {
    /// Makes the folder if there is none and takes it for this process.
    ///
    /// # Errors
    /// Another process has it, or it cannot be made or written.
    pub fn lock(path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Folder { path: path.to_owned(), source };
        make(path).map_err(failed)?;
        let file = lock_file(path).map_err(failed)?;
        Self::hold(path, file)
    }

    /// Takes the folder over from a process that handed over its [`descriptor`](Self::descriptor), without a moment
    /// in which a third one could take it. The giver must have closed its journals.
    ///
    /// # Errors
    /// The descriptor is not that of the folder's lock, or another process has the folder.
    pub fn inherit(path: &Path, lock: OwnedFd) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Folder { path: path.to_owned(), source };
        let file = File::from(lock);
        if !is_at(&file, &path.join(LOCK)) {
            return Err(failed(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not the descriptor of its lock",
            )));
        }
        Self::hold(path, file)
    }

    fn hold(path: &Path, mut file: File) -> Result<Self, OpenError> {
        match take(&mut file) {
            Ok(true) => Ok(Self(Arc::new(Inner {
                path: path.to_owned(),
                lock: Mutex::new(file),
                streams: Mutex::default(),
            }))),
            Ok(false) => Err(OpenError::Locked { path: path.to_owned(), holder: holder(&mut file) }),
            Err(source) => Err(OpenError::Folder { path: path.to_owned(), source }),
        }
    }

    /// The lock, to be handed to the process that goes on with the folder; it lives as long as any copy.
    ///
    /// # Errors
    /// The process has no descriptor left.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        self.0.lock.lock().unwrap_or_else(PoisonError::into_inner).as_fd().try_clone_to_owned()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The streams that have files here, in the order of their names: also those that nobody writes any more.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn streams(&self) -> io::Result<Vec<String>> {
        let mut found = HashSet::new();
        for entry in fs::read_dir(self.path())? {
            let name = entry?.file_name();
            let stream = name.to_str().and_then(|name| name.split('.').next());
            let is_ours =
                |stream: &&str| name.to_str().is_some_and(|name| Name::parse(stream, name).is_some());
            found.extend(stream.filter(is_ours).filter(|stream| is_stream(stream)).map(str::to_owned));
        }
        let mut streams: Vec<String> = found.into_iter().collect();
        streams.sort_unstable();
        Ok(streams)
    }

    /// The files of one stream.
    pub(super) fn files(&self, stream: &str) -> io::Result<Vec<Name>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.path())? {
            found.extend(entry?.file_name().to_str().and_then(|name| Name::parse(stream, name)));
        }
        Ok(found)
    }

    pub(super) fn file(&self, stream: &str, name: Name) -> PathBuf {
        self.0.path.join(name.text(stream))
    }

    /// Makes the folder again and takes it again, if a person has removed it meanwhile.
    pub(super) fn renew(&self) -> io::Result<()> {
        let mut lock = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if is_at(&lock, &self.path().join(LOCK)) {
            return Ok(());
        }
        make(self.path())?;
        let mut file = lock_file(self.path())?;
        if !take(&mut file)? {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process has taken the folder"));
        }
        *lock = file;
        Ok(())
    }

    pub(super) fn claim(&self, stream: &str) -> Result<Claim, OpenError> {
        if !is_stream(stream) {
            return Err(OpenError::Name { stream: stream.chars().take(64).collect() });
        }
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if !streams.insert(stream.into()) {
            return Err(OpenError::Open { stream: stream.into() });
        }
        Ok(Claim(Arc::new(Claimed { folder: self.clone(), stream: stream.into() })))
    }
}

/// The right to write one stream; the last clone to go gives it back.
#[derive(Clone, Debug)]
pub(super) struct Claim(Arc<Claimed>);

#[derive(Debug)]
struct Claimed {
    folder: Folder,
    stream: Box<str>,
}

impl Claim {
    pub fn folder(&self) -> &Folder {
        &self.0.folder
    }

    pub fn stream(&self) -> &str {
        &self.0.stream
    }

    pub fn file(&self, name: Name) -> PathBuf {
        self.folder().file(self.stream(), name)
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.folder.0.streams.lock().unwrap_or_else(PoisonError::into_inner).remove(&*self.stream);
    }
}

/// What a file of a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// All live values as they were when the segment of the same number began.
    Checkpoint,
    /// A checkpoint that is being written.
    Draft,
    /// Batches.
    Segment,
    /// Says that the segment of the same number lacks batches at its end.
    Hole,
}

const PARTS: [(Part, &str); 4] = [
    (Part::Checkpoint, "checkpoint"),
    (Part::Draft, "draft"),
    (Part::Segment, "journal"),
    (Part::Hole, "hole"),
];

/// The name of a file: `STREAM.NUMBER.PART`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name {
    pub number: u32,
    pub part: Part,
}

impl Name {
    pub fn new(number: u32, part: Part) -> Self {
        Self { number, part }
    }

    pub fn text(self, stream: &str) -> String {
        let part = PARTS.iter().find(|(part, _)| *part == self.part).map_or("", |(_, word)| *word);
        format!("{stream}.{:06}.{part}", self.number)
    }

    /// Only what [`text`](Self::text) writes is a name.
    pub fn parse(stream: &str, text: &str) -> Option<Self> {
        let (number, word) = text.strip_prefix(stream)?.strip_prefix('.')?.split_once('.')?;
        let &(part, _) = PARTS.iter().find(|(_, known)| *known == word)?;
        let name = Self { number: number.parse().ok().filter(|&number| number < NUMBERS)?, part };
        (name.text(stream) == text).then_some(name)
    }
}

fn is_stream(name: &str) -> bool {
    let fits = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

fn make(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}

/// Whether the open file is the one that has this name: to any other, all can be written and nothing is found again.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (named.dev(), named.ino())
}

fn lock_file(folder: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(folder.join(LOCK))
}

/// Whether the lock is ours now; it then names this process, for the message another one prints.
fn take(file: &mut File) -> io::Result<bool> {
    let wanted = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(&*file, FcntlArg::F_OFD_SETLK(&wanted)) {
        Ok(_) => {}
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    // Only a courtesy: on a full disk the lock holds without a name.
    let named =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
    if let Err(error) = named {
        tracing::debug!(%error, "the lock of the journal does not name its process");
    }
    Ok(true)
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().and_then(|()| (&*file).take(16).read_to_string(&mut text)).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
#[path = "tests/folder.rs"]
mod tests;
