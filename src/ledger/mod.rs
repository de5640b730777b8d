//! The ledger: one line in `calls.jsonl` for each leg that ended, written by one thread, in batches. Edge.
//! It must never hold up a call, write a leg twice, or grow without bound where the disk fails.

mod book;
mod read;
mod record;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use self::read::{find, last};
pub use self::record::{CallRecord, VERSION};

/// The file in the data folder that is written; older ones are `calls.jsonl.1`, the next newest, and so on.
pub const FILE: &str = "calls.jsonl";

/// Records that may wait for a disk; what comes on top is left out.
const WAITING: usize = 20_000;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file; then the next one is begun. A file that holds one batch may be larger.
    pub bytes: u64,
    /// Older files.
    pub files: usize,
}

/// How the ledger does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Records that are not on the disk yet.
    pub waiting: usize,
    /// Records that were left out since the start, as too many waited for a disk that fails.
    pub left_out: u64,
    /// Whether the disk fails.
    pub is_failing: bool,
}

/// The ledger of a node. Dropped, it writes what still waits, once, and is closed.
#[derive(Debug)]
pub struct Ledger {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What is called once a record is on the disk.
type Settled = Box<dyn FnOnce() + Send>;

/// A record on its way.
struct Posted {
    record: CallRecord,
    settled: Settled,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    /// Something was posted, or it is over.
    posted: Condvar,
    /// Nothing waits any more, or the disk fails.
    rested: Condvar,
}

/// What waits to be written.
#[derive(Default)]
struct Desk {
    waiting: VecDeque<Posted>,
    /// Records that the writer has taken and not written yet.
    taken: usize,
    left_out: u64,
    is_failing: bool,
    is_over: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Starts the writer. The folder is opened by it, again and again until that succeeds: a disk that fails is no
    /// reason not to serve calls.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(folder: &Path, limits: Limits) -> io::Result<Self> {
        let (shared, folder): (Arc<Shared>, PathBuf) = (Arc::default(), folder.to_owned());
        let writer = std::thread::Builder::new().name("ledger".to_owned());
        let theirs = Arc::clone(&shared);
        let thread = writer.spawn(move || writer::run(&theirs, &folder, limits))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Has a record written, and calls `settled` once it is on the disk, on the thread of the writer: there it must
    /// neither wait nor panic. Of a leg that has a line already none is written; it is settled. Never blocks: where too
    /// many wait for the disk, the record is left out, counted, and never settled.
    pub fn post(&self, record: CallRecord, settled: impl FnOnce() + Send + 'static) {
        let mut desk = self.shared.desk();
        if desk.waiting.len() + desk.taken >= WAITING {
            desk.left_out += 1;
            return;
        }
        desk.waiting.push_back(Posted { record, settled: Box::new(settled) });
        drop(desk);
        self.shared.posted.notify_one();
    }

    /// How it does.
    pub fn health(&self) -> Health {
        let desk = self.shared.desk();
        let waiting = desk.waiting.len() + desk.taken;
        Health { waiting, left_out: desk.left_out, is_failing: desk.is_failing }
    }

    /// Waits until everything that was posted is on the disk; `false` if `patience` is over before, or the disk fails.
    /// Blocks the thread.
    pub fn is_settled_within(&self, patience: Duration) -> bool {
        let is_busy = |desk: &mut Desk| desk.waiting.len() + desk.taken > 0 && !desk.is_failing;
        let waited = self.shared.rested.wait_timeout_while(self.shared.desk(), patience, is_busy);
        let (desk, _) = waited.unwrap_or_else(PoisonError::into_inner);
        desk.waiting.is_empty() && desk.taken == 0
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.shared.desk().is_over = true;
        self.shared.posted.notify_one();
        // It has told of its own panic, if that is how it ended.
        drop(self.thread.take().map(JoinHandle::join));
    }
}
