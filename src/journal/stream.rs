//! One stream: batches go to memory and to the segment; checkpoints are begun, and failures outlasted.
//! It must never wait for a disk beyond one write, nor write after a hole before a checkpoint has closed it.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use trunkline_media::moment::Moment;

use super::change::Change;
use super::checkpoint::{Job, Running};
use super::disk::{Disk, Local};
use super::folder::{Claim, Folder, Name, Part};
use super::frame::{Batch, Entry, encode};
use super::health::{Health, Trouble, explain};
use super::image::{Fold, Image};
use super::restore::{Restored, restore};
use super::segment::{Link, Segment};
use super::stamp::Stamp;
use super::{Limits, OpenError};

/// How often the segment is looked for under its name.
const LOOK: Duration = Duration::from_secs(1);

/// The journal of one arbiter.
#[derive(Debug)]
pub struct Journal {
    claim: Claim,
    disk: Arc<dyn Disk>,
    limits: Limits,
    fold: Fold,
    buffer: Vec<u8>,
    /// None after a failure: what follows a hole is not written.
    segment: Option<Segment>,
    checkpoint: Option<Pending>,
    /// The next file's number.
    next: u32,
    /// Bytes of all files but the segment.
    older: u64,
    /// Bytes appended since the state that the newest whole checkpoint holds, without those in the segment.
    since: u64,
    looked: Moment,
    /// Number of the newest mark that batches are missing on disk.
    hole: Option<u32>,
    trouble: Option<Trouble>,
}

/// A checkpoint under way, and how many bytes of `older` and `since` it replaces.
#[derive(Debug)]
struct Pending {
    running: Running,
    older: u64,
    since: u64,
}

/// What was tried, on which file, and how it ended.
type Failure = (&'static str, PathBuf, io::Error);

impl Journal {
    /// Reads what `stream` holds and goes on with it. Damage does not keep it from opening: it is in the image's
    /// findings. Nor does a disk that cannot be written: that is in the journal's [`health`](Self::health).
    ///
    /// # Errors
    /// The name is none, this process has the stream open, the folder cannot be listed, or a later release with
    /// another format wrote it.
    pub fn open(
        folder: &Folder,
        stream: &str,
        limits: Limits,
        stamp: Stamp,
    ) -> Result<(Self, Image), OpenError> {
        Self::open_on(Arc::new(Local), folder, stream, limits, stamp)
    }

    pub(super) fn open_on(
        disk: Arc<dyn Disk>,
        folder: &Folder,
        stream: &str,
        limits: Limits,
        stamp: Stamp,
    ) -> Result<(Self, Image), OpenError> {
        let claim = folder.claim(stream)?;
        let Restored { fold, findings, next, bytes, drafts } = restore(&claim)?;
        // What a death left half written; if it stays, the next whole checkpoint removes it.
        drafts.into_iter().for_each(|draft| drop(disk.remove(&claim.file(draft))));
        let image = Image { records: fold.map.records(), last: fold.last, findings };
        let mut journal = Self {
            claim,
            disk,
            limits,
            fold,
            buffer: Vec::new(),
            segment: None,
            checkpoint: None,
            next,
            older: bytes,
            since: 0,
            looked: stamp.at,
            hole: None,
            trouble: None,
        };
        journal.begin(stamp);
        if journal.segment.is_none() {
            journal.mark();
        }
        Ok((journal, image))
    }

    /// Commits a batch: all of it is found after a death of the process, or nothing. Never fails for the caller: while
    /// the disk does, the batch is kept in memory and stored with the next whole checkpoint.
    pub fn append(&mut self, batch: Vec<Change>, stamp: Stamp) {
        self.tend(stamp);
        if batch.is_empty() {
            return;
        }
        batch.iter().for_each(|change| self.fold.map.apply(change));
        self.fold.sequence = self.fold.sequence.saturating_add(1);
        self.fold.last = Some(stamp);
        if let Err(failure) = self.write(&batch, stamp) {
            self.break_off(failure, stamp);
        }
        let room =
            self.limits.segment.max(self.fold.map.bytes().saturating_mul(u64::from(self.limits.slack)));
        if self.trouble.is_none() && self.checkpoint.is_none() && self.appended() > room {
            self.begin(stamp);
        }
    }

    /// Takes note of a checkpoint that is done, and tries again what failed. [`append`](Self::append) does it, too; a
    /// timer should do it about each second, so that a quiet stream recovers.
    pub fn tend(&mut self, stamp: Stamp) {
        if self.checkpoint.as_ref().is_some_and(|pending| pending.running.is_finished()) {
            self.settle(stamp);
        }
        if stamp.at.since(self.looked) >= LOOK {
            self.looked = stamp.at;
            if let Some(lost) = self.segment.as_ref().filter(|segment| !segment.is_found()) {
                let error = io::Error::new(io::ErrorKind::NotFound, "the file was removed");
                self.break_off(("the journal has lost", lost.path.clone(), error), stamp);
            }
        }
        let is_due = self.trouble.as_ref().is_some_and(|trouble| stamp.at >= trouble.retry);
        if is_due && self.checkpoint.is_none() {
            self.begin(stamp);
        }
    }

    /// Waits for a checkpoint that is being written; for the end of a process and for tests, never for a call.
    pub fn settle(&mut self, stamp: Stamp) {
        let Some(Pending { running, older, since }) = self.checkpoint.take() else { return };
        let done = running.join().unwrap_or_else(|_| Err(io::Error::other("the thread that wrote it died")));
        match done {
            Ok(bytes) => {
                self.older = self.older.saturating_sub(older).saturating_add(bytes);
                self.since = self.since.saturating_sub(since);
                self.recover();
            }
            Err(error) => {
                let folder = self.claim.folder().path().to_owned();
                self.fail(("a checkpoint cannot be written in", folder, error), stamp);
            }
        }
    }

    /// Ends the stream in this process, without losing anything: the next one may open it at once.
    pub fn close(mut self, stamp: Stamp) -> Health {
        self.settle(stamp);
        self.health()
    }

    /// Removes all files of a stream whose records were taken over elsewhere.
    ///
    /// # Errors
    /// A file cannot be removed; the rest is still a sound stream, or none.
    pub fn remove(mut self, stamp: Stamp) -> io::Result<()> {
        self.settle(stamp);
        let mut names = self.claim.folder().files(self.claim.stream())?;
        // From the newest: what stays is a beginning of the chain.
        names.sort_unstable_by(|a, b| b.cmp(a));
        names.into_iter().try_for_each(|name| self.disk.remove(&self.claim.file(name)))
    }

    /// How it fares.
    pub fn health(&self) -> Health {
        Health {
            trouble: self.trouble.clone(),
            disk: self.on_disk(),
            live: self.fold.map.bytes(),
            records: self.fold.map.len(),
        }
    }

    fn on_disk(&self) -> u64 {
        self.older.saturating_add(self.segment.as_ref().map_or(0, |segment| segment.bytes))
    }

    fn appended(&self) -> u64 {
        self.since.saturating_add(self.segment.as_ref().map_or(0, |segment| segment.bytes))
    }

    fn write(&mut self, batch: &[Change], stamp: Stamp) -> Result<(), Failure> {
        let (used, live, total) = (self.on_disk(), self.fold.map.bytes(), self.limits.total);
        let Some(segment) = &mut self.segment else { return Ok(()) };
        let entry = Entry::Batch(Batch { stamp, changes: Cow::Borrowed(batch) });
        let written = encode(&mut self.buffer, self.fold.sequence, &entry)
            .map_err(|damage| io::Error::new(io::ErrorKind::FileTooLarge, damage))
            .and_then(|()| {
                // What lives must fit beside it, or no checkpoint could free the space again.
                within(used.saturating_add(self.buffer.len() as u64).saturating_add(live), total)
            })
            .and_then(|()| segment.write(&self.buffer));
        written.map_err(|error| ("the journal cannot be written:", segment.path.clone(), error))
    }

    /// Begins a segment, and a checkpoint of all before it.
    fn begin(&mut self, stamp: Stamp) {
        if let Err(error) = self.try_begin(stamp) {
            let folder = self.claim.folder().path().to_owned();
            self.fail(("a checkpoint cannot be begun in", folder, error), stamp);
        }
    }

    fn try_begin(&mut self, stamp: Stamp) -> io::Result<()> {
        self.claim.folder().renew()?;
        within(self.fold.map.bytes().saturating_mul(2), self.limits.total)?;
        let link = Link { number: self.number(), after: self.fold.sequence, last: self.fold.last };
        let segment = Segment::begin(&self.disk, &self.claim, link, &mut self.buffer)?;
        if let Some(closed) = self.segment.replace(segment) {
            self.close_segment(&closed);
        }
        let job = Job {
            claim: self.claim.clone(),
            disk: self.disk.clone(),
            number: link.number,
            map: self.fold.map.clone(),
            sequence: link.after,
            last: link.last,
            stamp,
        };
        self.fold.sequence = link.base();
        self.checkpoint = Some(Pending { running: job.start()?, older: self.older, since: self.since });
        Ok(())
    }

    fn number(&mut self) -> u32 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        number
    }

    fn close_segment(&mut self, closed: &Segment) {
        self.older = self.older.saturating_add(closed.bytes);
        self.since = self.since.saturating_add(closed.bytes);
    }

    /// Stores nothing more until a whole checkpoint is stored.
    fn break_off(&mut self, failure: Failure, stamp: Stamp) {
        if let Some(broken) = self.segment.take() {
            self.close_segment(&broken);
            self.mark();
        }
        self.fail(failure, stamp);
    }

    /// Says on disk, if it can still be said, that what lies there grows old; and counts on where no file can follow.
    fn mark(&mut self) {
        let number = self.number();
        self.fold.sequence = u64::from(number) << 32;
        let path = |number| self.claim.file(Name::new(number, Part::Hole));
        match self.disk.create(&path(number)) {
            Ok(_) => {
                // The newer one says all that the older one did.
                if let Some(older) = self.hole.replace(number) {
                    let _ = self.disk.remove(&path(older));
                }
            }
            Err(error) => tracing::debug!(%error, number, "the hole in the journal is not marked"),
        }
    }

    fn fail(&mut self, failure: Failure, stamp: Stamp) {
        let (doing, path, error) = failure;
        let stored = self.trouble.as_ref().is_none_or(|trouble| trouble.stores);
        let stores = stored && self.segment.is_some();
        if !stored && let Some(orphan) = self.segment.take() {
            // It goes on from a checkpoint that will not come: no reader would follow it.
            let _ = self.disk.remove(&orphan.path);
        }
        let message = explain(doing, &path, &error);
        let stream = self.claim.stream();
        match &mut self.trouble {
            Some(trouble) => {
                tracing::debug!(stream, stores, "{message}");
                trouble.again(stamp, stores, message);
            }
            none => {
                tracing::error!(stream, stores, "{message}; calls go on");
                *none = Some(Trouble::new(stamp, stores, message));
            }
        }
    }

    fn recover(&mut self) {
        if self.segment.is_none() {
            return;
        }
        self.hole = None; // its mark went with the older files
        if let Some(trouble) = self.trouble.take() {
            let (stream, attempts) = (self.claim.stream(), trouble.attempts);
            tracing::warn!(stream, attempts, "the journal stores everything again");
        }
    }
}

/// Whoever opens the stream next in this process must not meet the thread of a checkpoint.
impl Drop for Journal {
    fn drop(&mut self) {
        if let Some(pending) = self.checkpoint.take() {
            // How it ended is on disk for the next one to read.
            drop(pending.running.join());
        }
    }
}

fn within(needed: u64, total: u64) -> io::Result<()> {
    if needed <= total {
        return Ok(());
    }
    let text = format!("{needed} bytes are needed, but a stream may have {total}");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, text))
}
