//! A tap on what a session receives: samples with their places in time, for a recorder on another thread.
//! Must never wait for who reads it: what finds the ring full is dropped and counted.

mod loudness;
mod timeline;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use serde::{Deserialize, Serialize};

use crate::moment::Moment;

pub(crate) use loudness::{Loudness, is_loud};
pub(crate) use timeline::Timeline;

/// Samples of one block: 20 ms at 8 kHz.
pub const BLOCK: usize = 160;

/// Up to 20 ms of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The channel of the recording, from 0.
    pub channel: u8,
    /// Where its first sample lies: samples at 8 kHz since the recording's origin.
    pub position: u64,
    /// How many samples there are.
    pub length: u16,
    /// The samples, linear.
    pub samples: [i16; BLOCK],
}

/// The bounded way from media workers to the writer of a recording.
pub struct Ring {
    blocks: ArrayQueue<Block>,
    lost: AtomicU64,
}

/// The wish that what a session receives is recorded.
#[derive(Clone, Debug)]
pub struct Tap {
    /// Names this recording among all of the session: the same activity goes on where it is, one that ended stays
    /// ended.
    pub activity: u64,
    /// Which channel of the recording the session is.
    pub channel: u8,
    /// When the recording began: place 0 of every channel.
    pub origin: Moment,
    /// Silence, as heard, that ends it; `None`: never. RTP that does not come is no silence.
    pub silence: Option<Duration>,
    /// The longest that it may last; `None`: until it is no longer wished.
    pub limit: Option<Duration>,
    /// Where the samples go.
    pub ring: Arc<Ring>,
}

/// Why a tap ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TapEnd {
    /// The far end was silent for as long as was said.
    Silence,
    /// It lasted as long as it may.
    Limit,
    /// It is no longer wished, or its session is closed.
    Stopped,
}

impl Ring {
    /// A ring for this many blocks.
    pub fn new(blocks: usize) -> Self {
        Self { blocks: ArrayQueue::new(blocks.max(1)), lost: AtomicU64::new(0) }
    }

    /// Puts a block; a full ring loses it.
    pub fn push(&self, block: Block) {
        if self.blocks.push(block).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes the oldest block.
    pub fn pop(&self) -> Option<Block> {
        self.blocks.pop()
    }

    /// Blocks that found the ring full.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring").field("waiting", &self.blocks.len()).field("lost", &self.lost()).finish()
    }
}

impl PartialEq for Tap {
    fn eq(&self, other: &Self) -> bool {
        let key = |tap: &Self| (tap.activity, tap.channel, tap.origin, tap.silence, tap.limit);
        key(self) == key(other) && Arc::ptr_eq(&self.ring, &other.ring)
    }
}
