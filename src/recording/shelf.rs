//! The shelf: a recording whose file is closed gets its manifest, its final name and its last answer. Edge; blocks.
//! It must never lose what was recorded: a file goes only when another one has its sound.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use super::folder::Kind;
use super::timeline::{Channels, RATE};
use super::trim::{self, SPAN};
use super::wav::{self, HEAD};
use super::writer::{Closed, Interruption};
use super::{FORGOTTEN, Finished, RecordingError, Shared, Slot, lock};
use crate::ids::RecordingSid;

/// Frames of a recording that is worth keeping: half a second.
const SHORTEST: u64 = RATE / 2;

/// Bytes of the longest manifest that is read.
const MANIFEST: u64 = 64 * 1024;

/// Answers that are remembered, besides what lies on disk.
const REMEMBERED: usize = 4_096;

/// What is known of a finished recording, beside its sound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    /// 1; a higher one is not understood.
    version: u32,
    channels: u8,
    /// Before trimming.
    frames: u64,
    is_empty: bool,
    /// A process died while it was recorded.
    #[serde(default)]
    is_interrupted: bool,
    /// Frames of silence in the place of what nobody recorded meanwhile; of several interruptions the latest.
    #[serde(default)]
    missing_frames: u64,
    #[serde(default)]
    lost_blocks: u64,
    #[serde(default)]
    misplaced_samples: u64,
    #[serde(default)]
    failure: Option<String>,
}

/// What came of recordings lately.
#[derive(Debug, Default)]
pub(super) struct Past {
    answers: HashMap<RecordingSid, Result<Finished, RecordingError>>,
    order: VecDeque<RecordingSid>,
}

impl Past {
    pub(super) fn get(&self, sid: RecordingSid) -> Option<&Result<Finished, RecordingError>> {
        self.answers.get(&sid)
    }

    pub(super) fn keep(&mut self, sid: RecordingSid, answer: Result<Finished, RecordingError>) {
        if self.answers.insert(sid, answer).is_none() {
            self.order.push_back(sid);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

impl Manifest {
    fn answer(self) -> Result<Finished, RecordingError> {
        if let Some(reason) = self.failure {
            return Err(RecordingError::Failed(reason));
        }
        let duration = u32::try_from(self.frames.div_ceil(RATE)).unwrap_or(u32::MAX);
        Ok(Finished { duration, channels: self.channels, is_empty: self.is_empty })
    }
}

impl Shared {
    /// The answer to [`finish`](super::Recordings::finish), for a recording that is not open.
    pub(super) fn shelve(&self, sid: RecordingSid, trim: bool) -> Result<Finished, RecordingError> {
        let _alone = self.alone_with(sid);
        if let Some(answer) = self.past().get(sid) {
            return answer.clone();
        }
        let closed = match self.slots().get_mut(&sid) {
            Some(Slot::Open(_)) => return Err(RecordingError::Unresponsive),
            Some(Slot::Closed(closed)) => Some(closed.clone()),
            Some(slot @ Slot::Interrupted { .. }) => {
                // From now on nobody takes it up again.
                let closed = Closed { interruption: Some(Interruption::default()), ..Closed::default() };
                *slot = Slot::Closed(closed.clone());
                Some(closed)
            }
            None => None,
        };
        let is_ours = closed.is_some();
        let answer = match self.put(sid, trim, closed) {
            Ok(Some(manifest)) => manifest.answer(),
            Ok(None) => Err(RecordingError::Unknown),
            Err(error) => {
                tracing::error!(%sid, %error, "a recording cannot be finished; the next start tries again");
                Err(RecordingError::Failed(error.to_string()))
            }
        };
        // One that was never heard of may yet begin.
        if is_ours || answer.is_ok() {
            self.past().keep(sid, answer.clone());
            self.slots().remove(&sid);
        }
        answer
    }

    /// Deletes what lies on the shelf.
    pub(super) fn delete(&self, sid: RecordingSid) -> io::Result<bool> {
        let _alone = self.alone_with(sid);
        if self.slots().contains_key(&sid) {
            return Ok(false);
        }
        let bytes = self.length(sid, Kind::Wav);
        let was_there = self.folder.remove(sid, Kind::Wav)?;
        let was_known = self.folder.remove(sid, Kind::Manifest)?;
        self.folder.sync()?;
        self.took_away(bytes);
        self.past().keep(sid, Err(RecordingError::Unknown));
        Ok(was_there || was_known)
    }

    /// Finishes what an earlier process left, except for what is going on, and counts what is there.
    pub(super) fn repair(&self, going_on: &HashSet<RecordingSid>) -> io::Result<()> {
        let now = self.clock.now();
        for (sid, kind, _) in self.folder.list()? {
            let repaired = match kind {
                Kind::Part if going_on.contains(&sid) && !self.is_over(sid) => {
                    self.slots().insert(sid, Slot::Interrupted { since: now });
                    Ok(())
                }
                Kind::Part => self.put_interrupted(sid),
                Kind::Trimmed | Kind::NewManifest => self.folder.remove(sid, kind).map(drop),
                Kind::Wav | Kind::Manifest => Ok(()),
            };
            if let Err(error) = repaired {
                tracing::error!(%sid, %error, "what a crash left of a recording cannot be repaired");
            }
        }
        self.count()?;
        super::durable::look(self);
        Ok(())
    }

    /// Counts the bytes that are there: others, too, may delete. A block that is written meanwhile is counted next time,
    /// what will be gone in a moment not at all.
    pub(super) fn count(&self) -> io::Result<()> {
        let lasting = |kind| !matches!(kind, Kind::Trimmed | Kind::NewManifest);
        let files = self.folder.list()?.into_iter();
        let bytes = files.filter(|(_, kind, _)| lasting(*kind)).map(|(_, _, length)| length).sum();
        self.counts.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Its end had begun when the process died.
    fn is_over(&self, sid: RecordingSid) -> bool {
        [Kind::Wav, Kind::Manifest].into_iter().any(|kind| self.folder.has(sid, kind))
    }

    /// Those that nobody has taken up again for long.
    pub(super) fn forgotten(&self) -> Vec<RecordingSid> {
        let now = self.clock.now();
        let is_forgotten =
            |slot: &Slot| matches!(slot, Slot::Interrupted { since } if now.since(*since) >= FORGOTTEN);
        let slots = self.slots();
        slots.iter().filter(|(_, slot)| is_forgotten(slot)).map(|(sid, _)| *sid).collect()
    }

    fn put_interrupted(&self, sid: RecordingSid) -> io::Result<()> {
        if self.folder.has(sid, Kind::Wav) {
            // It was trimmed; only its origin was still to be removed.
            return self.folder.remove(sid, Kind::Part).map(drop);
        }
        self.put(sid, false, None).map(drop)
    }

    /// Brings a recording to the shelf unless it is there, and says what is known of it. `closed` is how it ended;
    /// `None`: with the process.
    fn put(&self, sid: RecordingSid, trim: bool, closed: Option<Closed>) -> io::Result<Option<Manifest>> {
        let known = self.manifest(sid)?;
        let part = match self.folder.edit(sid, Kind::Part) {
            Ok(part) => part,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Not even a file could be made of it.
                let failed = closed.and_then(|closed| closed.failure);
                let failed = failed.map(|failure| Manifest { failure: Some(failure), ..Manifest::default() });
                return Ok(known.or(failed));
            }
            Err(error) => return Err(error),
        };
        let (channels, bytes) = match wav::repair(&part)? {
            Some(found) => found,
            None => {
                self.folder.remove(sid, Kind::Part)?;
                (Channels::Mono, 0)
            }
        };
        let frames = bytes / channels.frame_bytes();
        let spans = 0..frames.div_ceil(SPAN);
        let is_interrupted = closed.as_ref().is_none_or(|closed| closed.interruption.is_some());
        let Closed { lost_blocks, misplaced_samples, interruption, failure } = closed.unwrap_or_default();
        let missing_frames = interruption.unwrap_or_default().frames;
        if is_interrupted {
            let (seconds, missing_ms) = (frames / RATE, missing_frames / (RATE / 1_000));
            tracing::warn!(%sid, seconds, missing_ms, "a recording was interrupted; what was heard is kept");
        }
        let kept = match trim && failure.is_none() {
            true => trim::kept(spans.end, |span| has_sound(&part, channels, span))?,
            false => Some(spans.clone()),
        };
        let manifest = known.unwrap_or(Manifest {
            version: 1,
            channels: channels.count(),
            frames,
            is_empty: frames < SHORTEST || kept.is_none(),
            is_interrupted,
            missing_frames,
            lost_blocks,
            misplaced_samples,
            failure,
        });
        let kept = kept.filter(|_| !manifest.is_empty).unwrap_or_default();
        self.name(sid, &part, channels, kept, spans, &manifest)?;
        Ok(Some(manifest))
    }

    /// Gives the sound its final name, after its manifest.
    fn name(
        &self,
        sid: RecordingSid,
        part: &File,
        channels: Channels,
        kept: std::ops::Range<u64>,
        spans: std::ops::Range<u64>,
        manifest: &Manifest,
    ) -> io::Result<()> {
        let before = part.metadata()?.len();
        if kept.is_empty() {
            self.write_manifest(sid, manifest)?;
            self.folder.remove(sid, Kind::Part)?;
        } else if kept == spans {
            part.sync_all()?;
            self.write_manifest(sid, manifest)?;
            self.folder.rename(sid, Kind::Part, Kind::Wav)?;
        } else {
            self.folder.remove(sid, Kind::Trimmed)?;
            let trimmed = self.folder.create(sid, Kind::Trimmed)?;
            copy(part, &trimmed, channels, kept)?;
            self.write_manifest(sid, manifest)?;
            self.folder.rename(sid, Kind::Trimmed, Kind::Wav)?;
            self.folder.remove(sid, Kind::Part)?;
        }
        self.folder.sync()?;
        self.took_away(before.saturating_sub(self.length(sid, Kind::Wav)));
        Ok(())
    }

    fn manifest(&self, sid: RecordingSid) -> io::Result<Option<Manifest>> {
        let mut text = Vec::new();
        match self.folder.read(sid, Kind::Manifest) {
            Ok(file) => file.take(MANIFEST).read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let manifest: Manifest = serde_json::from_slice(&text)?;
        if manifest.version > 1 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its manifest is of a later release"));
        }
        Ok(Some(manifest))
    }

    fn write_manifest(&self, sid: RecordingSid, manifest: &Manifest) -> io::Result<()> {
        self.folder.remove(sid, Kind::NewManifest)?;
        let mut file = self.folder.create(sid, Kind::NewManifest)?;
        file.write_all(&serde_json::to_vec(manifest)?)?;
        file.sync_all()?;
        self.folder.rename(sid, Kind::NewManifest, Kind::Manifest)
    }

    fn length(&self, sid: RecordingSid, kind: Kind) -> u64 {
        let file = self.folder.read(sid, kind).and_then(|file| file.metadata());
        file.map_or(0, |data| data.len())
    }

    fn took_away(&self, bytes: u64) {
        let counted = &self.counts.bytes;
        let less = |counted: u64| Some(counted.saturating_sub(bytes));
        // The closure always answers.
        let _ = counted.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Two who finish or delete the same recording do so one after the other.
    fn alone_with(&self, sid: RecordingSid) -> Option<std::sync::MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        sid.hash(&mut hasher);
        let place = hasher.finish() % self.shelving.len() as u64;
        self.shelving.get(usize::try_from(place).unwrap_or(0)).map(lock)
    }
}

fn has_sound(part: &File, channels: Channels, span: u64) -> io::Result<bool> {
    let mut bytes = [0; (SPAN * 4) as usize];
    let length = (SPAN * channels.frame_bytes()) as usize;
    let room = bytes.get_mut(..length).unwrap_or_default();
    let read = part.read_at(room, HEAD + span * length as u64)?;
    let pairs = room.get(..read).unwrap_or_default().chunks_exact(2);
    let samples: Vec<i16> =
        pairs.filter_map(|pair| Some(i16::from_le_bytes(pair.try_into().ok()?))).collect();
    Ok(trim::is_sound(&samples, channels.count().into()))
}

/// Copies spans of one file into a new one.
fn copy(mut from: &File, mut to: &File, channels: Channels, spans: std::ops::Range<u64>) -> io::Result<()> {
    let length = SPAN * channels.frame_bytes();
    from.seek(SeekFrom::Start(HEAD + spans.start * length))?;
    to.seek(SeekFrom::Start(HEAD))?;
    let bytes = io::copy(&mut from.take((spans.end - spans.start) * length), &mut to)?;
    wav::write_head(to, channels, bytes)?;
    to.sync_all()
}
