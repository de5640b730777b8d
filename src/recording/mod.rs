//! Recordings: blocks of sound from the rings of media workers become WAV files that can be read at every moment. Edge.
//! It must never make a media worker or a call wait, and never name a file by anything but a parsed Sid.
//!
//! One thread empties the rings (`writer`), another makes durable what was written (`durable`), and a recording that
//! is over is put on the shelf (`shelf`) by whoever asks for it. One that was going on when the process died goes on in
//! the next: its time is that of its origin, so that what nobody heard is silence.

mod durable;
mod folder;
mod shelf;
mod timeline;
mod trim;
mod wav;
mod writer;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use trunkline_media::moment::Moment;
use trunkline_media::tap::Ring;

use self::folder::{Folder, Kind};
use self::shelf::Past;
pub use self::timeline::Channels;
use self::writer::{Closed, Command};
use crate::ids::RecordingSid;
pub use crate::recorded::{Finished, RecordingError};
use crate::supervision::Clock;

/// Blocks that a ring holds: five seconds of both sides, should the disk make the writer wait.
const RING: usize = 512;

/// A recording that nobody has anything to do with for so long is closed.
const FORGOTTEN: Duration = Duration::from_secs(600);

/// How long [`Recordings::finish`] waits for the writer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bounds of what is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Recordings at a time.
    pub open: usize,
    /// Bytes of all recordings in the folder.
    pub bytes: u64,
    /// Bytes that are left free on the disk.
    pub keep_free: u64,
}

/// What is being recorded, and what went wrong since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Recordings that are written now.
    pub open: u64,
    /// Bytes of all recordings in the folder.
    pub bytes: u64,
    /// Recordings that failed or were refused.
    pub failed: u64,
    /// Blocks (20 ms) that found their ring full.
    pub lost_blocks: u64,
    /// Samples that came too late for their place.
    pub misplaced_samples: u64,
    /// Too little space is left: nothing is recorded.
    pub is_full: bool,
}

/// All recordings of a node.
pub struct Recordings {
    shared: Arc<Shared>,
    commands: Option<mpsc::Sender<Command>>,
    threads: Vec<JoinHandle<()>>,
    /// Dropping it ends the thread that makes durable.
    alive: Option<mpsc::Sender<()>>,
}

/// What callers and threads share.
struct Shared {
    folder: Folder,
    limits: Limits,
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<RecordingSid, Slot>>,
    past: Mutex<Past>,
    shelving: [Mutex<()>; 16],
    durable: Mutex<HashMap<RecordingSid, Arc<File>>>,
    /// Recordings that were closed because nobody had anything to do with them any more.
    orphans: Mutex<Vec<RecordingSid>>,
    /// Where those push who are not to be recorded.
    void: Arc<Ring>,
    counts: Counts,
}

/// A recording that is not on the shelf yet.
enum Slot {
    /// An earlier process died while it recorded, and somebody may take it up again.
    Interrupted {
        since: Moment,
    },
    Open(Arc<Ring>),
    Closed(Closed),
}

#[derive(Default)]
struct Counts {
    bytes: AtomicU64,
    failed: AtomicU64,
    lost_blocks: AtomicU64,
    misplaced_samples: AtomicU64,
    is_full: AtomicBool,
}

impl Recordings {
    /// Opens the folder, finishes what a crash left unfinished, and starts the threads.
    ///
    /// What is `going_on` is left as the crash left it until its [`ring`](Self::ring) is asked for, or its end
    /// ([`finish`](Self::finish)); ten minutes later nobody is waited for any more. To name one too many is harmless.
    ///
    /// # Errors
    /// The folder cannot be made, closed to others or read, or there is no thread to be had.
    pub fn start(
        folder: &Path,
        limits: Limits,
        clock: Arc<dyn Clock>,
        going_on: &HashSet<RecordingSid>,
    ) -> io::Result<Self> {
        let recordings = Self::start_beside(folder, limits, clock)?;
        recordings.repair(going_on)?;
        Ok(recordings)
    }

    /// Finishes what a process has left unfinished that records no more, except what is `going_on`.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn repair(&self, going_on: &HashSet<RecordingSid>) -> io::Result<()> {
        self.shared.repair(going_on)
    }

    /// Has everything written that has come so far; `false`: not in time.
    pub fn flush(&self, patience: Duration) -> bool {
        let (reply, written) = mpsc::channel();
        self.command(Command::Flush { reply }).is_ok() && written.recv_timeout(patience).is_ok()
    }

    /// As [`Self::start`], while another process still records: what it has not finished is left alone.
    ///
    /// # Errors
    /// As there.
    pub fn start_beside(folder: &Path, limits: Limits, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let shared = Arc::new(Shared::open(folder, limits, clock)?);
        let (commands, taken) = mpsc::channel();
        let (alive, gone) = mpsc::channel();
        let (writing, syncing) = (Arc::clone(&shared), Arc::clone(&shared));
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let threads = vec![
            thread("recordings").spawn(move || writer::run(&writing, &taken))?,
            thread("recordings-sync").spawn(move || durable::run(&syncing, &gone))?,
        ];
        Ok(Self { shared, commands: Some(commands), threads, alive: Some(alive) })
    }

    /// The ring of a recording that began at `origin`: opened once, the same ever after. There always is one, so that
    /// calls go on; [`finish`](Self::finish) tells whether what was pushed could be kept.
    ///
    /// One that an earlier process was recording goes on, if it is asked for with the channels and the origin of then.
    pub fn ring(&self, sid: RecordingSid, channels: Channels, origin: Moment) -> Arc<Ring> {
        let shared = &self.shared;
        let mut slots = shared.slots();
        let is_resumed = match slots.get(&sid) {
            Some(Slot::Open(ring)) => return Arc::clone(ring),
            Some(Slot::Closed(_)) => return Arc::clone(&shared.void),
            Some(Slot::Interrupted { .. }) => true,
            None if shared.past().get(sid).is_some() => return Arc::clone(&shared.void),
            None => false,
        };
        let ring = Arc::new(Ring::new(RING));
        let command = Command::Open { sid, channels, origin, ring: Arc::clone(&ring), is_resumed };
        // One that goes on has its place already.
        let refusal = if is_resumed { None } else { shared.refusal(slots.len()) };
        let refusal = refusal.or_else(|| self.command(command).is_err().then_some("the writer is gone"));
        if let Some(reason) = refusal {
            drop(slots);
            tracing::error!(%sid, reason, "a recording is not begun");
            shared.counts.failed.fetch_add(1, Ordering::Relaxed);
            if !is_resumed {
                shared.past().keep(sid, Err(RecordingError::Refused(reason.to_owned())));
            }
            return Arc::clone(&shared.void);
        }
        slots.insert(sid, Slot::Open(Arc::clone(&ring)));
        ring
    }

    /// Takes in the last blocks, closes the file and puts it on the shelf: from then on it is served. Asking again,
    /// even of the next process, gives the same answer. `trim` cuts silence off both ends.
    ///
    /// To be called on a tokio runtime.
    ///
    /// # Errors
    /// See [`RecordingError`].
    pub async fn finish(&self, sid: RecordingSid, trim: bool) -> Result<Finished, RecordingError> {
        if let Some(closed) = self.close(sid) {
            let closed = tokio::time::timeout(PATIENCE, closed).await;
            // A reply that is dropped comes from a thread that is gone: what is on disk counts.
            drop(closed.map_err(|_| RecordingError::Unresponsive)?);
        }
        let shared = Arc::clone(&self.shared);
        let shelved = tokio::task::spawn_blocking(move || shared.shelve(sid, trim)).await;
        shelved.unwrap_or_else(|error| Err(RecordingError::Failed(error.to_string())))
    }

    /// Puts everything on the shelf that is still open: the process ends.
    ///
    /// To be called on a tokio runtime.
    pub async fn finish_all(&self) {
        let open: Vec<RecordingSid> = self.shared.slots().keys().copied().collect();
        // All of them wait for their last blocks at the same time.
        let closed: Vec<_> = open.iter().filter_map(|sid| self.close(*sid)).collect();
        for closed in closed {
            drop(tokio::time::timeout(PATIENCE, closed).await);
        }
        let shared = Arc::clone(&self.shared);
        let shelved = tokio::task::spawn_blocking(move || {
            for sid in open {
                if let Err(error) = shared.shelve(sid, false) {
                    tracing::error!(%sid, %error, "a recording is not kept");
                }
            }
        });
        if let Err(error) = shelved.await {
            tracing::error!(%error, "recordings were not all finished");
        }
    }

    /// Where the file of a finished recording lies. Asks the disk: for the blocking pool.
    pub fn file(&self, sid: RecordingSid) -> Option<PathBuf> {
        let folder = &self.shared.folder;
        folder.has(sid, Kind::Wav).then(|| folder.path(sid, Kind::Wav))
    }

    /// Opens a finished recording; `None`: there is no such one. Asks the disk: for the blocking pool.
    ///
    /// # Errors
    /// The disk says no.
    pub fn open(&self, sid: RecordingSid) -> io::Result<Option<File>> {
        match self.shared.folder.read(sid, Kind::Wav) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes a finished recording and all that is known of it; says whether there was one. Asks the disk: for the
    /// blocking pool.
    ///
    /// # Errors
    /// The disk says no.
    pub fn delete(&self, sid: RecordingSid) -> io::Result<bool> {
        self.shared.delete(sid)
    }

    /// What is being recorded.
    pub fn census(&self) -> Census {
        let counts = &self.shared.counts;
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let slots = self.shared.slots();
        let open = slots.values().filter_map(|slot| match slot {
            Slot::Open(ring) => Some(ring.lost()),
            Slot::Interrupted { .. } | Slot::Closed(_) => None,
        });
        let (open, lost) = open.fold((0, 0), |(open, lost), ring| (open + 1, lost + ring));
        Census {
            open,
            bytes: count(&counts.bytes),
            failed: count(&counts.failed),
            lost_blocks: count(&counts.lost_blocks) + lost,
            misplaced_samples: count(&counts.misplaced_samples),
            is_full: counts.is_full.load(Ordering::Relaxed),
        }
    }

    /// Has the writer close a recording; the answer comes when it has. `None`: the writer is gone.
    fn close(&self, sid: RecordingSid) -> Option<oneshot::Receiver<()>> {
        let (reply, closed) = oneshot::channel();
        self.command(Command::Close { sid, reply }).ok().map(|()| closed)
    }

    fn command(&self, command: Command) -> Result<(), mpsc::SendError<Command>> {
        match &self.commands {
            Some(commands) => commands.send(command),
            None => Err(mpsc::SendError(command)),
        }
    }
}

impl Drop for Recordings {
    /// Everything that is in the rings is written.
    fn drop(&mut self) {
        drop((self.commands.take(), self.alive.take()));
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the recordings had died");
            }
        }
    }
}

impl Shared {
    fn open(folder: &Path, limits: Limits, clock: Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self {
            folder: Folder::open(folder)?,
            limits,
            clock,
            slots: Mutex::default(),
            past: Mutex::default(),
            shelving: Default::default(),
            durable: Mutex::default(),
            orphans: Mutex::default(),
            void: Arc::new(Ring::new(1)),
            counts: Counts::default(),
        })
    }

    /// Why no other recording may begin, with `open` of them open.
    fn refusal(&self, open: usize) -> Option<&'static str> {
        if open >= self.limits.open { Some("recordings.open is reached") } else { self.lack_of_space() }
    }

    fn lack_of_space(&self) -> Option<&'static str> {
        if self.counts.is_full.load(Ordering::Relaxed) {
            Some("the disk has less than recordings.keep_free left")
        } else if self.counts.bytes.load(Ordering::Relaxed) >= self.limits.bytes {
            Some("recordings.bytes is reached")
        } else {
            None
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<RecordingSid, Slot>> {
        lock(&self.slots)
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        lock(&self.past)
    }
}

/// All that is kept behind locks is changed in one go: a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
