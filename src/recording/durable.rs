//! The thread that has the disk keep what was written, each second, and looks how much space is left. Edge.
//! It must never hold up the writer: a slow disk makes it late, nothing else.

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::{Shared, lock};

/// What a host may lose of a recording when its power fails, besides what was not yet written.
const SECOND: Duration = Duration::from_secs(1);

/// Rounds after which the folder is counted anew: a minute.
const COUNT: u64 = 60;

/// Runs until the other end of `gone` is dropped.
pub(super) fn run(shared: &Shared, gone: &mpsc::Receiver<()>) {
    for number in 1_u64.. {
        round(shared, number);
        if gone.recv_timeout(SECOND) != Err(mpsc::RecvTimeoutError::Timeout) {
            return;
        }
        let files: Vec<_> =
            lock(&shared.durable).iter().map(|(sid, file)| (*sid, Arc::clone(file))).collect();
        for (sid, file) in files {
            if let Err(error) = file.sync_data() {
                tracing::error!(%sid, %error, "the disk does not keep a recording");
            }
        }
    }
}

/// What is done besides syncing, each second.
pub(super) fn round(shared: &Shared, number: u64) {
    look(shared);
    put_away(shared);
    if number.is_multiple_of(COUNT)
        && let Err(error) = shared.count()
    {
        tracing::warn!(%error, "how much is recorded cannot be told");
    }
}

/// Puts recordings on the shelf that nobody asks for.
pub(super) fn put_away(shared: &Shared) {
    let orphans = std::mem::take(&mut *lock(&shared.orphans));
    for sid in orphans.into_iter().chain(shared.forgotten()) {
        if let Err(error) = shared.shelve(sid, false) {
            tracing::error!(%sid, %error, "a recording that nobody finished is not kept");
        }
    }
}

/// Takes note of how much space is left.
pub(super) fn look(shared: &Shared) {
    match shared.folder.free() {
        Ok(free) => {
            let is_full = free < shared.limits.keep_free;
            let was_full = shared.counts.is_full.swap(is_full, Ordering::Relaxed);
            if is_full && !was_full {
                let keep_free = shared.limits.keep_free;
                tracing::error!(free, keep_free, "the disk is nearly full: nothing is recorded");
            }
        }
        Err(error) => tracing::warn!(%error, "how much space is left cannot be told"),
    }
}
