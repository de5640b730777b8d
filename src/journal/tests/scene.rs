//! A folder that goes with its test, a disk that fails on demand, and the words the stories use.
//! It must never sleep, nor decide what is right.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use trunkline_media::moment::Moment;

use crate::journal::disk::{Disk, Local, Output};
use crate::journal::{Change, Folder, Image, Journal, Limits, Stamp};

/// What should be there: keys and values.
pub(in crate::journal) type Table = BTreeMap<String, Vec<u8>>;

/// A folder of its own.
#[derive(Debug)]
pub(in crate::journal) struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trunkline-journal-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a scratch folder");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// As a death of the process now leaves it.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        for (name, bytes) in self.files() {
            std::fs::write(copy.path().join(name), bytes).expect("writable");
        }
        copy
    }

    /// All files of streams and their bytes.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let names =
            std::fs::read_dir(&self.0).expect("readable").map(|entry| entry.expect("readable").file_name());
        let names = names.map(|name| name.into_string().expect("ours")).filter(|name| name != "lock");
        names.map(|name| (name.clone(), std::fs::read(self.0.join(&name)).expect("readable"))).collect()
    }

    pub fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }

    /// What a process that starts now finds.
    pub fn image(&self) -> Image {
        let folder = Folder::lock(self.path()).expect("free");
        let (journal, image) = Journal::open(&folder, "a", Limits::default(), at(1_000_000)).expect("opens");
        journal.close(at(1_000_000));
        image
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A stamp so many milliseconds after the boot.
pub(in crate::journal) fn at(milliseconds: u64) -> Stamp {
    let at = Moment::default() + Duration::from_millis(milliseconds);
    Stamp {
        boot: "0f2e5a667d1c4b8a9e432b1d5c7f9a01".parse().expect("a boot"),
        at,
        wall: 1_700_000_000_000_000 + at.as_micros(),
    }
}

pub(in crate::journal) fn put(key: &str, value: &[u8]) -> Change {
    Change::Put { key: key.into(), version: 1, value: value.to_vec() }
}

pub(in crate::journal) fn gone(key: &str) -> Change {
    Change::Gone { key: key.into() }
}

pub(in crate::journal) fn table(image: &Image) -> Table {
    image.records.iter().map(|record| (record.key.to_string(), record.value.to_vec())).collect()
}

/// The state after each number of batches, from none to all.
pub(in crate::journal) fn states(batches: &[Vec<Change>]) -> Vec<Table> {
    let mut state = Table::new();
    let mut states = vec![state.clone()];
    for batch in batches {
        for change in batch {
            match change {
                Change::Put { key, value, .. } => drop(state.insert(key.to_string(), value.clone())),
                Change::Gone { key } => drop(state.remove(&**key)),
            }
        }
        states.push(state.clone());
    }
    states
}

/// A disk that has so many bytes left and does so many things yet; then each of them fails.
#[derive(Clone, Debug)]
pub(in crate::journal) struct Failing {
    pub bytes: Arc<AtomicI64>,
    pub deeds: Arc<AtomicI64>,
}

impl Failing {
    pub fn well() -> Self {
        Self { bytes: Arc::new(AtomicI64::new(i64::MAX)), deeds: Arc::new(AtomicI64::new(i64::MAX)) }
    }

    pub fn after(deeds: i64) -> Self {
        Self { deeds: Arc::new(AtomicI64::new(deeds)), ..Self::well() }
    }

    pub fn fill(&self) {
        self.bytes.store(0, Ordering::SeqCst);
    }

    pub fn free(&self) {
        self.bytes.store(i64::MAX, Ordering::SeqCst);
    }

    fn deed(&self) -> io::Result<()> {
        if self.deeds.fetch_sub(1, Ordering::SeqCst) > 0 {
            Ok(())
        } else {
            Err(io::Error::other("the host is dead"))
        }
    }
}

impl Disk for Failing {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        self.deed()?;
        Ok(Box::new(Leaking { disk: self.clone(), file: Local.create(path)? }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.deed()?;
        Local.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.deed()?;
        Local.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.deed()?;
        Local.sync_folder(path)
    }
}

#[derive(Debug)]
struct Leaking {
    disk: Failing,
    file: Box<dyn Output>,
}

impl Write for Leaking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(dead) = self.disk.deed() {
            // A death in the middle of a write leaves a part of it; no error comes after that.
            let _ = self.file.write(&bytes[..bytes.len() / 2]);
            return Err(dead);
        }
        let left = usize::try_from(self.disk.bytes.load(Ordering::SeqCst)).unwrap_or(0);
        let fits = &bytes[..bytes.len().min(left)];
        if fits.is_empty() && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.disk.bytes.fetch_sub(i64::try_from(fits.len()).expect("short"), Ordering::SeqCst);
        self.file.write_all(fits)?;
        Ok(fits.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Output for Leaking {
    fn sync(&self) -> io::Result<()> {
        self.disk.deed()
    }

    fn is_at(&self, path: &Path) -> bool {
        self.file.is_at(path)
    }
}
