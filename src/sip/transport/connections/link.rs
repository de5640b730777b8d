//! One connection as the rest of the switch sees it: a bounded queue of what it is to send, and its end.
//! It must never hold the socket: that is its task's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use trunkline_media::moment::Moment;

use crate::sip::flow::Flow;

/// Messages, and bytes, that may wait for a peer who does not read: the next one ends the connection.
const MESSAGES: usize = 256;
const BYTES: usize = 512 << 10;

/// An open connection, or one that is being opened.
#[derive(Debug)]
pub struct Link {
    id: u64,
    flow: Flow,
    queue: mpsc::Sender<Bytes>,
    /// Bytes in the queue.
    waiting: Arc<AtomicUsize>,
    held_until: AtomicU64,
    closed: Notify,
}

/// The far end of the queue.
#[derive(Debug)]
pub struct Waiting {
    queue: mpsc::Receiver<Bytes>,
    bytes: Arc<AtomicUsize>,
}

impl Link {
    pub(super) fn new(flow: Flow, id: u64) -> (Self, Waiting) {
        let (queue, waiting) = mpsc::channel(MESSAGES);
        let bytes = Arc::new(AtomicUsize::new(0));
        let held_until = AtomicU64::new(0);
        let link = Self { id, flow, queue, waiting: Arc::clone(&bytes), held_until, closed: Notify::new() };
        (link, Waiting { queue: waiting, bytes })
    }

    /// Names it among all connections of this process, and of those before.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The flow of what comes by it.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Has `bytes` sent. `false`: too much waits already, and the connection is closed for that; or it is gone.
    pub fn offer(&self, bytes: Bytes) -> bool {
        let length = bytes.len();
        let before = self.waiting.fetch_add(length, Ordering::Relaxed);
        let is_taken = before.saturating_add(length) <= BYTES && self.queue.try_send(bytes).is_ok();
        if !is_taken {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
            self.close();
        }
        is_taken
    }

    /// Until then it may be quiet. A later call can only prolong it.
    pub fn hold(&self, until: Moment) {
        self.held_until.fetch_max(until.as_micros(), Ordering::Relaxed);
    }

    /// Until when it may be quiet.
    pub fn held_until(&self) -> Moment {
        Moment::from_micros(self.held_until.load(Ordering::Relaxed))
    }

    /// Ends it.
    pub fn close(&self) {
        self.closed.notify_one();
    }

    /// Waits until somebody wants it to end.
    pub async fn closed(&self) {
        self.closed.notified().await;
    }
}

impl Waiting {
    /// The next thing to send. What it gave counts as waiting until [`Waiting::sent`].
    pub async fn next(&mut self) -> Option<Bytes> {
        self.queue.recv().await
    }

    /// So many bytes are the kernel's now.
    pub fn sent(&self, length: usize) {
        self.bytes.fetch_sub(length, Ordering::Relaxed);
    }
}
