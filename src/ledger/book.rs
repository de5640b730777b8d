//! The file of the ledger: opened, mended, appended to, and put aside when it is full. Edge.
//! It must never leave half a line before a whole one, nor let anybody else read it.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::read::{Lines, path_of};
use super::{CallRecord, Limits};
use crate::ids::LegId;

/// The open file, and which legs have a line in it and in the one before.
#[derive(Debug)]
pub(super) struct Book {
    folder: PathBuf,
    limits: Limits,
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// What the disk did not keep may stand behind them: it is written again, as nobody knows what of it is there.
    is_torn: bool,
    newest: HashSet<LegId>,
    before: HashSet<LegId>,
}

impl Book {
    /// Opens the file. A last line that a crash tore is cut off.
    pub fn open(folder: &Path, limits: Limits) -> io::Result<Self> {
        let path = path_of(folder, 0);
        let file = opened(&path)?;
        let (newest, length) = known(&file)?;
        let torn = file.metadata()?.len().saturating_sub(length);
        if torn > 0 {
            file.set_len(length)?;
            file.sync_all()?;
            tracing::warn!(file = %path.display(), bytes = torn, "a torn last line is cut off");
        }
        File::open(folder)?.sync_all()?;
        let before = match File::open(path_of(folder, 1)) {
            Ok(file) => known(&file)?.0,
            Err(error) if error.kind() == ErrorKind::NotFound => HashSet::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { folder: folder.to_owned(), limits, file, length, is_torn: false, newest, before })
    }

    /// Writes the lines of those legs that have none, and waits for the disk.
    pub fn write(&mut self, records: &[&CallRecord]) -> io::Result<()> {
        let mut lines = Vec::new();
        let mut fresh = HashSet::new();
        for record in records {
            if self.has(record.sid) || !fresh.insert(record.sid) {
                continue;
            }
            serde_json::to_writer(&mut lines, record)?;
            lines.push(b'\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.is_torn = false;
        }
        let bytes = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if self.length > 0 && self.length.saturating_add(bytes) > self.limits.bytes {
            self.turn_over()?;
        }
        self.is_torn = true;
        self.file.write_all(&lines)?;
        self.file.sync_data()?;
        self.is_torn = false;
        self.length = self.length.saturating_add(bytes);
        self.newest.extend(fresh);
        Ok(())
    }

    fn has(&self, leg: LegId) -> bool {
        self.newest.contains(&leg) || self.before.contains(&leg)
    }

    /// Begins a new file. The older ones move up to the first place that is free, as a crash half-way leaves one; where
    /// there is none, the oldest goes.
    fn turn_over(&mut self) -> io::Result<()> {
        let files = self.limits.files;
        let place = |number: usize| path_of(&self.folder, number);
        match (0..=files).find(|number| !place(*number).exists()).unwrap_or(files) {
            0 if files == 0 && place(0).exists() => fs::remove_file(place(0))?,
            free => (0..free).rev().try_for_each(|number| fs::rename(place(number), place(number + 1)))?,
        }
        self.file = opened(&place(0))?;
        File::open(&self.folder)?.sync_all()?;
        (self.length, self.before) = (0, std::mem::take(&mut self.newest));
        Ok(())
    }
}

/// A file of ours, for its owner alone. What stands in its place and is no file is not followed.
fn opened(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW.bits();
    let mut options = OpenOptions::new();
    let file = options.read(true).append(true).create(true).mode(0o600).custom_flags(flags).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Whose lines a file holds, and how many bytes of it are whole lines.
fn known(file: &File) -> io::Result<(HashSet<LegId>, u64)> {
    /// As little of a record as can be: it may be of a later version.
    #[derive(serde::Deserialize)]
    struct Named {
        sid: LegId,
    }

    let mut lines = Lines::of(file);
    let mut legs = HashSet::new();
    while let Some(line) = lines.next_line()? {
        legs.extend(serde_json::from_slice(line).ok().map(|Named { sid }| sid));
    }
    Ok((legs, lines.whole()))
}
