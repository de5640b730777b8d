//! Reading the ledger, whether a switch writes it meanwhile or none runs. Edge.
//! It must never trust a line: what is no record is passed over.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::{CallRecord, FILE};
use crate::ids::LegId;

/// Bytes of a line; a longer one is no record.
const LONGEST: u64 = 64 << 10;

/// Older files that are looked for.
const MOST: usize = 100;

/// The latest records of the ledger in this folder, the oldest of them first: `most` at most.
///
/// # Errors
/// A file cannot be read. One that is not there is empty.
pub fn last(folder: &Path, most: usize) -> io::Result<Vec<CallRecord>> {
    let mut found: VecDeque<CallRecord> = VecDeque::new();
    for number in 0..=MOST {
        let room = most.saturating_sub(found.len());
        if room == 0 {
            break;
        }
        let mut kept: VecDeque<CallRecord> = VecDeque::new();
        each(folder, number, |record| {
            if kept.len() >= room {
                kept.pop_front();
            }
            kept.push_back(record);
        })?;
        kept.append(&mut found);
        found = kept;
    }
    Ok(found.into())
}

/// The records of the call that `leg` belonged to, those of its legs that ended first in front.
///
/// # Errors
/// A file cannot be read. One that is not there is empty.
pub fn find(folder: &Path, leg: LegId) -> io::Result<Vec<CallRecord>> {
    let mut call = None;
    for number in 0..=MOST {
        each(folder, number, |record| call = call.or((record.sid == leg).then_some(record.call)))?;
    }
    let Some(call) = call else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for number in (0..=MOST).rev() {
        each(folder, number, |record| found.extend((record.call == call).then_some(record)))?;
    }
    Ok(found)
}

/// Every record of one file.
fn each(folder: &Path, number: usize, mut take: impl FnMut(CallRecord)) -> io::Result<()> {
    let file = match File::open(path_of(folder, number)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut lines = Lines::of(&file);
    while let Some(line) = lines.next_line()? {
        if let Ok(record) = serde_json::from_slice(line) {
            take(record);
        }
    }
    Ok(())
}

/// The file that is written, 0, or an older one.
pub(super) fn path_of(folder: &Path, number: usize) -> PathBuf {
    folder.join(if number == 0 { FILE.to_owned() } else { format!("{FILE}.{number}") })
}

/// The whole lines of a file.
pub(super) struct Lines<'f> {
    reader: BufReader<&'f File>,
    line: Vec<u8>,
    whole: u64,
}

impl<'f> Lines<'f> {
    /// From where the file stands.
    pub fn of(file: &'f File) -> Self {
        Self { reader: BufReader::new(file), line: Vec::new(), whole: 0 }
    }

    /// The next line that ends; of one that is too long only its end is given.
    pub fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        let mut read = 0;
        loop {
            self.line.clear();
            let mut bounded = self.reader.by_ref().take(LONGEST);
            read += u64::try_from(bounded.read_until(b'\n', &mut self.line)?).unwrap_or(u64::MAX);
            match self.line.last() {
                Some(b'\n') => {
                    self.whole += read;
                    return Ok(Some(&self.line));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// Bytes of the lines that were given.
    pub fn whole(&self) -> u64 {
        self.whole
    }
}
