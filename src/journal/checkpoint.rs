//! Writing a checkpoint: on a thread of its own, so that the calls of the arbiter do not wait for a disk.
//! It must never remove a file before the checkpoint that replaces it is safe.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::change::Change;
use super::disk::{Disk, Output};
use super::folder::{Claim, Name, Part};
use super::frame::{Batch, Closed, Entry, Kind, Opened, encode};
use super::image::{Map, Record};
use super::stamp::Stamp;

/// Values of about so many bytes go into one frame.
const PART: usize = 256 << 10;

/// All there is to write; the values are shared with the journal, which goes on.
#[derive(Debug)]
pub(super) struct Job {
    pub claim: Claim,
    pub disk: Arc<dyn Disk>,
    pub number: u32,
    pub map: Map,
    pub sequence: u64,
    pub last: Option<Stamp>,
    pub stamp: Stamp,
}

/// A checkpoint that is being written, and how many bytes it got.
pub(super) type Running = JoinHandle<io::Result<u64>>;

impl Job {
    pub fn start(self) -> io::Result<Running> {
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || self.run())
    }

    fn run(&self) -> io::Result<u64> {
        let draft = self.claim.file(Name::new(self.number, Part::Draft));
        let written = self.write(&draft).and_then(|bytes| {
            self.disk.rename(&draft, &self.claim.file(Name::new(self.number, Part::Checkpoint)))?;
            self.disk.sync_folder(self.claim.folder().path())?;
            Ok(bytes)
        });
        match written {
            Ok(bytes) => self.clear().map(|()| bytes),
            Err(error) => {
                // It may be there or not; the next checkpoint removes it, too.
                let _ = self.disk.remove(&draft);
                Err(error)
            }
        }
    }

    fn write(&self, draft: &std::path::Path) -> io::Result<u64> {
        let mut sheet = Sheet { output: self.disk.create(draft)?, buffer: Vec::new(), next: 0, bytes: 0 };
        let stream = self.claim.stream().to_owned();
        let (number, after, last) = (self.number, self.sequence, self.last);
        sheet.put(&Entry::Opened(Opened { kind: Kind::Checkpoint, stream, number, after, last }))?;
        let mut changes = Vec::new();
        let mut bytes = 0;
        let records = self.map.records();
        for record in &records {
            bytes += record.key.len() + record.value.len();
            changes.push(put(record));
            if bytes >= PART {
                sheet.part(self.stamp, &mut changes)?;
                bytes = 0;
            }
        }
        if !changes.is_empty() {
            sheet.part(self.stamp, &mut changes)?;
        }
        sheet.put(&Entry::Closed(Closed { records: records.len() as u64 }))?;
        sheet.output.sync()?;
        Ok(sheet.bytes)
    }

    /// Removes what the checkpoint replaces.
    fn clear(&self) -> io::Result<()> {
        for name in self.claim.folder().files(self.claim.stream())? {
            if name.number < self.number {
                self.disk.remove(&self.claim.file(name))?;
            }
        }
        Ok(())
    }
}

fn put(record: &Record) -> Change {
    Change::Put { key: record.key.as_ref().into(), version: record.version, value: record.value.to_vec() }
}

#[derive(Debug)]
struct Sheet {
    output: Box<dyn Output>,
    buffer: Vec<u8>,
    next: u64,
    bytes: u64,
}

impl Sheet {
    fn part(&mut self, stamp: Stamp, changes: &mut Vec<Change>) -> io::Result<()> {
        self.put(&Entry::Batch(Batch { stamp, changes: Cow::Borrowed(changes) }))?;
        changes.clear();
        Ok(())
    }

    fn put(&mut self, entry: &Entry) -> io::Result<()> {
        encode(&mut self.buffer, self.next, entry).map_err(io::Error::other)?;
        self.output.write_all(&self.buffer)?;
        self.next += 1;
        self.bytes += self.buffer.len() as u64;
        Ok(())
    }
}
