//! The segment that batches go to now.
//! It must never be written again after a failure: what follows a hole cannot be read.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{Disk, Output};
use super::folder::{Claim, Name, Part};
use super::frame::{Entry, Kind, Opened, encode};
use super::stamp::Stamp;

/// An open segment.
#[derive(Debug)]
pub(super) struct Segment {
    output: Box<dyn Output>,
    pub path: PathBuf,
    /// Bytes in it.
    pub bytes: u64,
}

/// Where a segment stands in the chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub number: u32,
    /// Sequence of the batch before it.
    pub after: u64,
    pub last: Option<Stamp>,
}

impl Link {
    /// Batches count from here: no two that were ever appended to a stream have one sequence, though one be dropped.
    pub fn base(&self) -> u64 {
        u64::from(self.number) << 32
    }
}

impl Segment {
    /// Begins a segment; nothing is left of one that cannot be begun.
    pub fn begin(disk: &Arc<dyn Disk>, claim: &Claim, link: Link, buffer: &mut Vec<u8>) -> io::Result<Self> {
        let Link { number, after, last } = link;
        let stream = claim.stream().to_owned();
        encode(
            buffer,
            link.base(),
            &Entry::Opened(Opened { kind: Kind::Segment, stream, number, after, last }),
        )
        .map_err(io::Error::other)?;
        let path = claim.file(Name::new(number, Part::Segment));
        let output = disk.create(&path)?;
        let mut segment = Self { output, path, bytes: 0 };
        if let Err(error) = segment.write(buffer) {
            // A failing disk may keep it: then it is an empty or torn file, which says nothing.
            let _ = disk.remove(&segment.path);
            return Err(error);
        }
        Ok(segment)
    }

    /// Appends one frame with one write.
    pub fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        self.output.write_all(frame)?;
        self.bytes += frame.len() as u64;
        Ok(())
    }

    /// Whether what is written here can still be found.
    pub fn is_found(&self) -> bool {
        self.output.is_at(&self.path)
    }
}
