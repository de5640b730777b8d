//! Spoken texts on disk, by the hash of what they say.
//! Must never serve half a file, grow beyond its bound, or fail a call: without a disk, texts are spoken anew.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// A folder of WAV files, bounded.
pub(super) struct Cache {
    folder: PathBuf,
    /// Most bytes in the folder.
    limit: u64,
}

impl Cache {
    pub(super) fn new(folder: PathBuf, limit: u64) -> Self {
        Self { folder, limit }
    }

    /// What is kept under `key`.
    pub(super) async fn get(&self, key: &str) -> Option<Bytes> {
        let (path, limit) = (self.path(key), self.limit);
        let read = tokio::task::spawn_blocking(move || read_wav(&path, limit)).await;
        read.ok()?.ok().map(Bytes::from)
    }

    /// Keeps `audio` under `key`, and lets the oldest go where there is too much.
    pub(super) async fn put(&self, key: &str, audio: Bytes) {
        let (folder, path, limit) = (self.folder.clone(), self.path(key), self.limit);
        let work = move || store(&folder, &path, &audio).and_then(|()| shrink(&folder, limit));
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "speech is not cached"),
            Err(error) => tracing::warn!(%error, "speech is not cached"),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.wav"))
    }
}

/// Makes a folder that only its owner can read: it tells what callers hear.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Reads a file of at most `limit` bytes that begins as a WAV file does.
pub(super) fn read_wav(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut audio = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut audio)?;
    if audio.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes")));
    }
    let is_wav = audio.starts_with(b"RIFF") && audio.get(8..12) == Some(b"WAVE");
    if is_wav { Ok(audio) } else { Err(io::Error::new(io::ErrorKind::InvalidData, "this is no WAV file")) }
}

/// Writes beside the file, then renames: a reader never meets half of it, not even after a crash.
fn store(folder: &Path, path: &Path, audio: &[u8]) -> io::Result<()> {
    make_folder(folder)?;
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let mut file = File::create(&part)?;
    file.write_all(audio)?;
    file.sync_all()?;
    fs::rename(&part, path)
}

/// Removes the oldest files, leftovers of crashes among them, until the folder is within its bound.
fn shrink(folder: &Path, limit: u64) -> io::Result<()> {
    let mut files: Vec<_> = fs::read_dir(folder)?
        .flatten()
        .filter_map(|entry| {
            entry.metadata().ok().filter(fs::Metadata::is_file).map(|data| (entry.path(), data))
        })
        .filter_map(|(path, data)| Some((data.modified().ok()?, path, data.len())))
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|(_, _, length)| length).sum();
    for (_, path, length) in files {
        if total <= limit {
            break;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        total = total.saturating_sub(length);
    }
    Ok(())
}
