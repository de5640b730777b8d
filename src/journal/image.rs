//! The fold: batches in their order become the live records, and nothing that does not follow is let in.
//! It must never guess what stood in a gap.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::change::Change;
use super::frame::{Batch, Closed, Damage, Entry, Kind, Opened};
use super::stamp::Stamp;

/// About what a record costs beside its key and value: CBOR names, and its share of a frame, in bytes.
const AROUND: u64 = 40;

/// A live record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Unique within the stream.
    pub key: Arc<str>,
    /// Version of the value's format, for its owner.
    pub version: u16,
    /// The value as it was appended.
    pub value: Arc<[u8]>,
}

/// What a stream held when it was opened.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// The live records in the order of their keys.
    pub records: Vec<Record>,
    /// Stamp of the newest batch that counts; none in a new stream.
    pub last: Option<Stamp>,
    /// What was not as it should be, for a person; empty after a clean end.
    pub findings: Vec<Finding>,
}

impl Image {
    /// Whether calls went on after the last batch that could be stored: what is here is consistent, but older.
    pub fn is_stale(&self) -> bool {
        self.findings.iter().any(|finding| finding.damage == Damage::Hole)
    }
}

/// A place where reading had to stop, and what that cost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset}: {damage}; {lost} bytes from there are not used", file.display())]
pub struct Finding {
    /// The file.
    pub file: PathBuf,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub damage: Damage,
    /// Bytes of this file that are not used because of it.
    pub lost: u64,
}

impl Finding {
    /// Whether this is what a death in the middle of a write leaves: the batch was not committed, nothing is lost.
    pub fn is_ordinary(&self) -> bool {
        self.damage == Damage::Torn
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub version: u16,
    pub value: Arc<[u8]>,
}

/// The live records and about how many bytes they take on disk.
#[derive(Clone, Debug, Default)]
pub struct Map {
    records: HashMap<Arc<str>, Held>,
    bytes: u64,
}

impl Map {
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Put { key, version, value } => {
                let held = Held { version: *version, value: Arc::from(value.as_slice()) };
                self.bytes += size(key, &held);
                let before = match self.records.get_mut(&**key) {
                    Some(before) => Some(std::mem::replace(before, held)),
                    None => self.records.insert(Arc::from(&**key), held),
                };
                self.bytes -= before.map_or(0, |before| size(key, &before));
            }
            Change::Gone { key } => {
                let before = self.records.remove(&**key);
                self.bytes -= before.map_or(0, |before| size(key, &before));
            }
        }
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// About what a checkpoint of it takes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// In the order of their keys.
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> = self
            .records
            .iter()
            .map(|(key, held)| Record { key: key.clone(), version: held.version, value: held.value.clone() })
            .collect();
        records.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        records
    }
}

fn size(key: &str, held: &Held) -> u64 {
    (key.len() + held.value.len()) as u64 + AROUND
}

/// A stream as far as it was read. Sequence 0 is the state of a new stream: nothing.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    pub map: Map,
    pub sequence: u64,
    pub last: Option<Stamp>,
}

impl Fold {
    fn take(&mut self, sequence: u64, batch: &Batch) -> Result<(), Damage> {
        let wanted = self.sequence.saturating_add(1);
        if sequence != wanted {
            return Err(Damage::Gap { wanted, found: sequence });
        }
        batch.changes.iter().for_each(|change| self.map.apply(change));
        self.sequence = sequence;
        self.last = Some(batch.stamp);
        Ok(())
    }
}

/// Which file is being read, by its name.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub stream: &'a str,
    pub number: u32,
}

impl Place<'_> {
    fn check(&self, kind: Kind, opened: &Opened) -> Result<(), Damage> {
        let ours = opened.kind == kind && opened.stream == self.stream && opened.number == self.number;
        if ours { Ok(()) } else { Err(Damage::Misplaced) }
    }
}

/// A segment that is read onto what came before it.
#[derive(Debug)]
pub struct Segment<'a> {
    place: Place<'a>,
    fold: &'a mut Fold,
    opened: bool,
}

impl<'a> Segment<'a> {
    pub fn new(place: Place<'a>, fold: &'a mut Fold) -> Self {
        Self { place, fold, opened: false }
    }

    /// The next frame of the file. Only one whose writer stood exactly where we stand is taken: so a process that
    /// went on after damage is followed, and one that went on from what we could not read is not.
    pub fn take(&mut self, sequence: u64, entry: &Entry) -> Result<(), Damage> {
        match entry {
            Entry::Opened(opened) if !self.opened => {
                self.place.check(Kind::Segment, opened)?;
                let (after, reached) = (opened.after, self.fold.sequence);
                if after != reached {
                    return Err(Damage::Detached { after, reached });
                }
                self.opened = true;
                self.fold.sequence = sequence;
                Ok(())
            }
            Entry::Batch(batch) if self.opened => self.fold.take(sequence, batch),
            _ => Err(Damage::Misplaced),
        }
    }
}

/// A checkpoint that is read; it counts once it is finished.
#[derive(Debug)]
pub struct Checkpoint<'a> {
    place: Place<'a>,
    fold: Fold,
    opened: Option<Opened>,
    next: u64,
    closed: Option<Closed>,
}

impl<'a> Checkpoint<'a> {
    pub fn new(place: Place<'a>) -> Self {
        Self { place, fold: Fold::default(), opened: None, next: 0, closed: None }
    }

    /// The next frame of the file.
    pub fn take(&mut self, sequence: u64, entry: Entry) -> Result<(), Damage> {
        if sequence != self.next {
            return Err(Damage::Gap { wanted: self.next, found: sequence });
        }
        match entry {
            Entry::Opened(opened) if self.opened.is_none() => {
                self.place.check(Kind::Checkpoint, &opened)?;
                self.opened = Some(opened);
            }
            Entry::Batch(batch) if self.opened.is_some() && self.closed.is_none() => {
                batch.changes.iter().for_each(|change| self.fold.map.apply(change));
            }
            Entry::Closed(closed) if self.opened.is_some() && self.closed.is_none() => {
                self.closed = Some(closed)
            }
            _ => return Err(Damage::Misplaced),
        }
        self.next += 1;
        Ok(())
    }

    /// The state that the checkpoint holds, if it is all there.
    pub fn finish(self) -> Result<Fold, Damage> {
        match (self.opened, self.closed) {
            (Some(opened), Some(closed)) if closed.records == self.fold.map.len() as u64 => {
                Ok(Fold { map: self.fold.map, sequence: opened.after, last: opened.last })
            }
            _ => Err(Damage::Incomplete),
        }
    }
}
