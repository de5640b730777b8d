//! The thread that writes the ledger: a batch, one `fdatasync`, word to whoever posted it. Edge.
//! It must never give up on a disk while the node runs, nor tell of the same failure twice.

use std::io;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use super::book::Book;
use super::{CallRecord, Limits, Posted, Shared};

/// Records of one batch.
const BATCH: usize = 500;

/// Between two tries of a disk that fails.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until it is over and nothing waits, or the disk fails then.
pub(super) fn run(shared: &Shared, folder: &Path, limits: Limits) {
    let mut book: Option<Book> = None;
    let mut batch: Vec<Posted> = Vec::new();
    loop {
        let written = write(&mut book, folder, limits, &batch);
        let is_well = written.is_ok();
        if is_well {
            batch.drain(..).for_each(|posted| (posted.settled)());
        }
        tell(shared, folder, &written);
        if !next(shared, &mut batch, is_well) {
            return;
        }
    }
}

/// The file is opened with the first batch, which is empty: the SIDs in it are read before anybody waits for them.
fn write(book: &mut Option<Book>, folder: &Path, limits: Limits, batch: &[Posted]) -> io::Result<()> {
    let records: Vec<&CallRecord> = batch.iter().map(|posted| &posted.record).collect();
    match book {
        Some(book) => book.write(&records),
        None => book.insert(Book::open(folder, limits)?).write(&records),
    }
}

/// One alarm for a disk that fails, one word when it is well again.
fn tell(shared: &Shared, folder: &Path, written: &io::Result<()>) {
    let mut desk = shared.desk();
    let was_failing = std::mem::replace(&mut desk.is_failing, written.is_err());
    let left_out = desk.left_out;
    drop(desk);
    match written {
        Err(error) if !was_failing => {
            tracing::error!(folder = %folder.display(), %error, "call records cannot be written: they wait in memory");
        }
        Ok(()) if was_failing => {
            tracing::warn!(folder = %folder.display(), left_out, "call records are written again");
        }
        _ => {}
    }
}

/// Waits for the next batch; one that is not written stays, and is tried again after a pause. `false`: it is over.
fn next(shared: &Shared, batch: &mut Vec<Posted>, is_well: bool) -> bool {
    let mut desk = shared.desk();
    desk.taken = batch.len();
    if is_well {
        if desk.waiting.is_empty() {
            shared.rested.notify_all();
        }
        let waited = shared.posted.wait_while(desk, |desk| desk.waiting.is_empty() && !desk.is_over);
        desk = waited.unwrap_or_else(PoisonError::into_inner);
    } else {
        shared.rested.notify_all();
        let waited = shared.posted.wait_timeout_while(desk, PAUSE, |desk| !desk.is_over);
        desk = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    // At the end a disk that fails is not waited for; what waits is tried once.
    if desk.is_over && (!is_well || desk.waiting.is_empty()) {
        return false;
    }
    let room = BATCH.saturating_sub(batch.len()).min(desk.waiting.len());
    batch.extend(desk.waiting.drain(..room));
    desk.taken = batch.len();
    true
}
