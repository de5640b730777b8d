//! The bytes of a journal: frames of a checked header and a self-describing CBOR body, read whole or not at all.
//! It must never trust a length, a number or a word of a file, nor give out anything of a damaged frame.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::stamp::Stamp;

/// Major version of the format. Within one, fields may be added (readers ignore unknown ones); anything else raises it.
pub const MAJOR: u8 = 1;

/// Bytes of a header: magic (3), major version (1), length of the body (4), sequence (8), CRC-32 of the body (4),
/// CRC-32 of the header up to here (4); numbers are little-endian. Magic and version stay where they are for ever.
pub const HEADER: usize = 24;

/// The longest body that is written or read, in bytes.
pub const LONGEST: usize = 64 << 20;

const MAGIC: [u8; 3] = *b"TLJ";
const SUMMED: usize = HEADER - 4;

/// What a frame holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Entry<'a> {
    /// First frame of every file.
    Opened(Opened),
    /// Changes that hold together or not at all.
    Batch(Batch<'a>),
    /// Last frame of a checkpoint: without it the checkpoint does not count.
    Closed(Closed),
}

/// Which file this is, and which state it goes on from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub kind: Kind,
    pub stream: String,
    pub number: u32,
    /// Sequence of the last batch the writer knew: a reader that stands elsewhere must not go on with this file.
    pub after: u64,
    /// Stamp of that batch.
    #[serde(default)]
    pub last: Option<Stamp>,
}

/// The two kinds of files that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Segment,
    Checkpoint,
}

/// One batch; in a checkpoint a part of the values, in no order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch<'a> {
    pub stamp: Stamp,
    pub changes: Cow<'a, [Change]>,
}

/// How many values the checkpoint has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    pub records: u64,
}

/// Why a frame, and all that follows it, is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file ends inside a frame: the process or the host died while it was written.
    #[error("the file ends inside a record")]
    Torn,
    /// What should be a header is none, or one that was altered.
    #[error("no record begins here: the header is damaged")]
    Header,
    /// The body was altered.
    #[error("the checksum does not fit: the record is damaged")]
    Checksum,
    /// Longer than any record may be.
    #[error("a record of {length} bytes is longer than a journal allows")]
    Oversize {
        /// What the header claims.
        length: u64,
    },
    /// Sound bytes that say nothing we know.
    #[error("the record cannot be understood: {0}")]
    Content(String),
    /// Written by a later release with another format.
    #[error("written in format {found}, but this release reads up to {MAJOR}")]
    Newer {
        /// The major version found.
        found: u8,
    },
    /// A batch is missing or out of its turn.
    #[error("record {wanted} is wanted next, but {found} is here")]
    Gap {
        /// The sequence that should come.
        wanted: u64,
        /// The one that stands there.
        found: u64,
    },
    /// The file goes on from a state that could not be read.
    #[error("the file goes on after record {after}, but what could be read ends with record {reached}")]
    Detached {
        /// Where the writer stood.
        after: u64,
        /// Where the reader stands.
        reached: u64,
    },
    /// The file is not what its name says.
    #[error("the file belongs to another stream or place: its name was changed")]
    Misplaced,
    /// A checkpoint without its end, or with another number of values than it says.
    #[error("the checkpoint is not complete")]
    Incomplete,
    /// A segment that must follow is not there.
    #[error("the file is missing")]
    Missing,
    /// The disk failed while this process wrote: later changes were never stored.
    #[error("the disk failed here while the switch ran on: what is stored is older than the calls were")]
    Hole,
    /// The file could not be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
}

/// A header that is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub length: u32,
    pub sequence: u64,
    sum: u32,
}

impl Header {
    /// Reads a header. A foreign version is only believed if the bytes do not make sense as ours, too: otherwise
    /// one flipped bit would keep a whole switch from starting.
    pub fn read(bytes: &[u8; HEADER]) -> Result<Self, Damage> {
        let [
            m0,
            m1,
            m2,
            major,
            l0,
            l1,
            l2,
            l3,
            s0,
            s1,
            s2,
            s3,
            s4,
            s5,
            s6,
            s7,
            b0,
            b1,
            b2,
            b3,
            h0,
            h1,
            h2,
            h3,
        ] = *bytes;
        let mut ours = *bytes;
        ours[3] = MAJOR;
        let sound = crc32fast::hash(&ours[..SUMMED]) == u32::from_le_bytes([h0, h1, h2, h3]);
        if [m0, m1, m2] == MAGIC && major > MAJOR && !sound {
            return Err(Damage::Newer { found: major });
        }
        if [m0, m1, m2] != MAGIC || major != MAJOR || !sound {
            return Err(Damage::Header);
        }
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        if usize::try_from(length).is_ok_and(|length| length > LONGEST) {
            return Err(Damage::Oversize { length: u64::from(length) });
        }
        let sequence = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
        Ok(Self { length, sequence, sum: u32::from_le_bytes([b0, b1, b2, b3]) })
    }

    /// What the body says, if it is the body that was written.
    pub fn open(&self, body: &[u8]) -> Result<Entry<'static>, Damage> {
        if crc32fast::hash(body) != self.sum {
            return Err(Damage::Checksum);
        }
        ciborium::from_reader(body).map_err(|error| Damage::Content(error.to_string()))
    }
}

/// Writes the frame of `entry` into `buffer`, whose old content goes and whose memory stays.
/// Refuses a body that no reader would take.
pub fn encode(buffer: &mut Vec<u8>, sequence: u64, entry: &Entry) -> Result<(), Damage> {
    buffer.clear();
    buffer.resize(HEADER, 0);
    ciborium::into_writer(entry, &mut *buffer).map_err(|error| Damage::Content(error.to_string()))?;
    let Some((header, body)) = buffer.split_at_mut_checked(HEADER) else {
        return Err(Damage::Torn);
    };
    let length = match u32::try_from(body.len()) {
        Ok(length) if body.len() <= LONGEST => length,
        _ => return Err(Damage::Oversize { length: body.len() as u64 }),
    };
    header[..3].copy_from_slice(&MAGIC);
    header[3] = MAJOR;
    header[4..8].copy_from_slice(&length.to_le_bytes());
    header[8..16].copy_from_slice(&sequence.to_le_bytes());
    header[16..SUMMED].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
    let sum = crc32fast::hash(&header[..SUMMED]);
    header[SUMMED..].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}

#[cfg(test)]
#[path = "tests/frame.rs"]
mod tests;
