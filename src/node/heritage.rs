//! The journals of a node: what a former process has left is read before anything starts, what is committed from then on
//! follows.
//! It must never keep the switch from serving calls: without a journal they go on, but do not outlive the process.

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use trunkline_media::moment::{Mark, Shift};

use super::changes::Key;
use super::commits::{Telephones, change, encoded};
use super::estate::Estate;
use super::house::House;
use crate::config::Config;
use crate::ids::RecordingSid;
use crate::journal::{BootId, Folder, Journal, Limits, OpenError, Stamp};

/// The stream of the media sessions.
const MEDIA: &str = "media";

/// What an arbiter goes on with.
#[derive(Default)]
pub(super) struct Share {
    /// What its former self has left.
    pub estate: Estate,
    /// Where it writes; `None`: nothing outlives the process.
    pub journal: Option<Journal>,
}

/// Everything that a former process has left, and the journals to go on with.
pub(super) struct Heritage {
    /// By arbiter.
    pub shares: Vec<Share>,
    /// The telephones of all users.
    pub telephones: HashMap<String, Telephones>,
    /// Where media sessions are written.
    pub media: Option<MediaBook>,
    /// Where all of it stands.
    pub folder: Option<Folder>,
}

impl Heritage {
    /// Opens the journals, with the `lock` of a process that hands them over, of `arbiters` arbiters; of as many as there were, should calls of theirs still be up.
    ///
    /// # Errors
    /// Another process writes there.
    pub fn open(
        config: &Config,
        arbiters: usize,
        stamp: &Stamp,
        lock: Option<OwnedFd>,
    ) -> Result<Self, OpenError> {
        let mut heritage = Self { shares: Vec::new(), telephones: HashMap::new(), media: None, folder: None };
        if !config.journal.enabled {
            tracing::warn!("journal.enabled is false: calls do not outlive the process");
            heritage.shares.resize_with(arbiters, Share::default);
            return Ok(heritage);
        }
        let path = config.journal_folder();
        let is_handed_over = lock.is_some();
        let folder = match lock.map_or_else(|| Folder::lock(&path), |lock| Folder::inherit(&path, lock)) {
            Ok(folder) => folder,
            Err(locked @ OpenError::Locked { .. }) => return Err(locked),
            // Calls that are up are not to be lost: the other process goes on.
            Err(error) if is_handed_over => return Err(error),
            Err(error) => {
                tracing::error!(%error, "calls do not outlive the process");
                heritage.shares.resize_with(arbiters, Share::default);
                return Ok(heritage);
            }
        };
        let limits = limits(config);
        let streams = folder.streams().unwrap_or_default();
        let former = (0..).take_while(|number| streams.contains(&stream(*number))).count();
        let (journal, estate) = open(&folder, MEDIA, limits, stamp)?;
        let mut sessions = estate.sessions;
        let known = sessions.keys().copied().collect();
        heritage.media = Some(MediaBook { written: Mutex::new((Some(journal), known)) });
        for number in 0..former.max(arbiters) {
            let (journal, mut estate) = open(&folder, &stream(number), limits, stamp)?;
            for leg in estate.legs.keys().map(|leg| leg.session_bits()) {
                estate.sessions.extend(sessions.remove(&leg).map(|session| (leg, session)));
            }
            heritage.merge(std::mem::take(&mut estate.telephones));
            heritage.shares.push(Share { estate, journal: Some(journal) });
        }
        heritage.shrink(arbiters, stamp);
        heritage.folder = Some(folder);
        Ok(heritage)
    }

    /// Recordings that calls go on with.
    pub fn recordings(&self) -> HashSet<RecordingSid> {
        self.shares.iter().flat_map(|share| share.estate.recordings()).collect()
    }

    /// Of two records of a user the later one holds: each arbiter writes those that it registers.
    fn merge(&mut self, telephones: HashMap<String, Telephones>) {
        for (user, telephones) in telephones {
            let known = self.telephones.entry(user).or_default();
            if telephones.revision >= known.revision {
                *known = telephones;
            }
        }
    }

    /// Call-IDs lead to an arbiter by the number of all: it stays while calls are up.
    fn shrink(&mut self, wanted: usize, stamp: &Stamp) {
        let is_quiet = self.shares.iter().all(|share| share.estate.calls().is_empty());
        if self.shares.len() > wanted && is_quiet {
            for share in self.shares.drain(wanted..) {
                let removed = share.journal.map(|journal| journal.remove(*stamp));
                if let Some(Err(error)) = removed {
                    tracing::warn!(%error, "the journal of a thread that is no more cannot be removed");
                }
            }
        } else if self.shares.len() != wanted {
            tracing::warn!(
                wanted,
                kept = self.shares.len(),
                "sip.shards is taken up at a start without calls"
            );
        }
    }
}

/// Bounds of each journal.
pub(super) fn limits(config: &Config) -> Limits {
    Limits { total: config.journal.bytes, ..Limits::default() }
}

/// The stream of an arbiter.
pub(super) fn stream(number: usize) -> String {
    format!("arbiter-{number}")
}

/// Opens a stream with what it holds. Damage is told; what comes after it is lost.
fn open(
    folder: &Folder,
    stream: &str,
    limits: Limits,
    stamp: &Stamp,
) -> Result<(Journal, Estate), OpenError> {
    let (journal, image) = Journal::open(folder, stream, limits, *stamp)?;
    for finding in &image.findings {
        if finding.is_ordinary() {
            tracing::info!(stream, %finding, "the last words of a process that died");
        } else {
            tracing::error!(stream, %finding, "the journal is damaged");
        }
    }
    let shift = image.last.map_or(Shift::NONE, |then| Shift::between(&mark(&then), &mark(stamp)));
    let is_stale = image.findings.iter().any(|finding| !finding.is_ordinary());
    Ok((journal, Estate { is_stale, ..Estate::read(image.records, shift) }))
}

fn mark(stamp: &Stamp) -> Mark<BootId> {
    Mark { boot: stamp.boot, at: stamp.at, wall: stamp.wall }
}

/// The journal of the media sessions.
pub(super) struct MediaBook {
    /// With the sessions that it has, by number.
    written: Mutex<(Option<Journal>, HashSet<u64>)>,
}

impl MediaBook {
    /// Ends it without losing anything: another process goes on with it.
    pub fn close(&self, stamp: Stamp) {
        if let Some(journal) = self.written().0.take() {
            journal.close(stamp);
        }
    }

    /// Goes on after all.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn reopen(&self, folder: &Folder, limits: Limits, stamp: Stamp) -> Result<(), OpenError> {
        let (journal, _) = Journal::open(folder, MEDIA, limits, stamp)?;
        self.written().0 = Some(journal);
        Ok(())
    }

    fn written(&self) -> MutexGuard<'_, (Option<Journal>, HashSet<u64>)> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all sessions as they are; forgets those that are closed. Takes time: for the blocking pool.
    pub fn write(&self, house: &House) {
        let mut guard = self.written();
        let (Some(journal), written) = &mut *guard else { return };
        let sessions = house.engine.snapshots();
        let before = std::mem::replace(written, sessions.iter().map(|session| session.id().0).collect());
        let gone = before.difference(written).filter_map(|bits| change(&Key::Session(*bits), None));
        let mut batch: Vec<_> = gone.collect();
        for session in sessions {
            batch.extend(change(&Key::Session(session.id().0), Some(encoded(&session))));
        }
        if !batch.is_empty() {
            journal.append(batch, house.stamp());
        }
    }
}
