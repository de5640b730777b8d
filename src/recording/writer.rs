//! The thread that empties the rings of all open recordings into their files. Edge.
//! It must never end because of one recording: what the disk refuses marks that one as failed.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;
use trunkline_media::moment::Moment;
use trunkline_media::tap::Ring;

use super::folder::Kind;
use super::timeline::{Channels, HORIZON, RATE, Timeline};
use super::wav::{self, Growing};
use super::{FORGOTTEN, Shared, Slot, lock};
use crate::ids::RecordingSid;

/// How often rings are emptied.
const ROUND: Duration = Duration::from_millis(100);

/// How often, while a recording waits for its last blocks: a packet's time.
const PACKET: Duration = Duration::from_millis(20);

/// No block for so long means that the last one is in.
const QUIET: Duration = Duration::from_millis(40);

/// Nobody waits longer for the last block.
const ENOUGH: Duration = Duration::from_secs(2);

/// Bytes of sound that are worth a write: a quarter of a second of one channel.
const WRITE: usize = 4_000;

/// How far ahead of time a block may lie, in samples.
const AHEAD: u64 = RATE;

/// What the writer is told.
pub(super) enum Command {
    /// A recording begins, or one that a crash has interrupted goes on.
    Open { sid: RecordingSid, channels: Channels, origin: Moment, ring: Arc<Ring>, is_resumed: bool },
    /// Everything that has come so far is to be in the files: the reply comes when it is.
    Flush { reply: mpsc::Sender<()> },
    /// A recording is over: the reply comes when its file is closed, or at once if it is not open.
    Close { sid: RecordingSid, reply: oneshot::Sender<()> },
}

/// How a recording was when its file was closed.
#[derive(Clone, Debug, Default)]
pub(super) struct Closed {
    pub lost_blocks: u64,
    pub misplaced_samples: u64,
    /// A process died while it was recorded.
    pub interruption: Option<Interruption>,
    pub failure: Option<String>,
}

/// What the death of a process did to a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Interruption {
    /// Frames of silence up to the first block that came afterwards; 0 when none did.
    pub frames: u64,
}

/// An open recording.
struct Tape {
    origin: Moment,
    ring: Arc<Ring>,
    timeline: Timeline,
    /// None after a failure.
    file: Option<Growing>,
    failure: Option<String>,
    /// Frames that wait to be written.
    pending: Vec<u8>,
    /// Samples from the future.
    ahead: u64,
    last_block: Moment,
    /// Where the hole begins, of a recording that was interrupted.
    resumed_at: Option<u64>,
    /// Where the first block lies that came.
    first: Option<u64>,
    /// Since when it is to be closed, and who waits for that.
    closing: Option<Moment>,
    waiting: Vec<oneshot::Sender<()>>,
}

/// All open recordings.
#[derive(Default)]
pub(super) struct Tapes(HashMap<RecordingSid, Tape>);

/// Runs until nobody can send commands any more; what is in the rings is written even then.
pub(super) fn run(shared: &Shared, commands: &mpsc::Receiver<Command>) {
    let mut tapes = Tapes::default();
    loop {
        match commands.recv_timeout(tapes.pause()) {
            Ok(command) => {
                tapes.accept(shared, command);
                commands.try_iter().for_each(|command| tapes.accept(shared, command));
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        tapes.turn(shared);
    }
    let now = shared.clock.now();
    for (sid, mut tape) in tapes.0 {
        empty(shared, sid, &mut tape, now);
        close(shared, sid, &mut tape);
    }
}

impl Tapes {
    fn pause(&self) -> Duration {
        if self.0.values().any(|tape| tape.closing.is_some()) { PACKET } else { ROUND }
    }

    pub(super) fn accept(&mut self, shared: &Shared, command: Command) {
        let now = shared.clock.now();
        match command {
            Command::Open { sid, channels, origin, ring, is_resumed } => {
                let mut tape = Tape::new(channels, origin, ring, now);
                let opened = if is_resumed {
                    tape.resumed_at = Some(0);
                    shared.resume(sid, channels)
                } else {
                    shared.begin(sid, channels)
                };
                match opened {
                    Ok(file) => {
                        lock(&shared.durable).insert(sid, file.file());
                        tape.go_on_behind(file.frames());
                        tape.file = Some(file);
                    }
                    Err(error) => tape.fail(shared, sid, error.to_string()),
                }
                self.0.insert(sid, tape);
            }
            Command::Flush { reply } => {
                for (sid, tape) in &mut self.0 {
                    empty(shared, *sid, tape, now);
                    tape.write(shared, *sid);
                }
                // Whoever asked may have lost patience.
                let _ = reply.send(());
            }
            Command::Close { sid, reply } => {
                // One that is not open needs no reply: dropping it is one.
                if let Some(tape) = self.0.get_mut(&sid) {
                    tape.closing.get_or_insert(now);
                    tape.waiting.push(reply);
                }
            }
        }
    }

    /// Empties all rings, and closes what is over.
    pub(super) fn turn(&mut self, shared: &Shared) {
        let now = shared.clock.now();
        self.0.retain(|sid, tape| {
            empty(shared, *sid, tape, now);
            let (is_over, is_orphan) = (tape.is_over(now), tape.is_orphan(now));
            if is_over || is_orphan {
                close(shared, *sid, tape);
            }
            if is_orphan {
                lock(&shared.orphans).push(*sid);
            }
            !is_over && !is_orphan
        });
    }

    /// Puts a file in the place of a recording's own.
    #[cfg(test)]
    pub(super) fn replace(&mut self, sid: RecordingSid, file: std::fs::File) {
        let tape = self.0.get_mut(&sid).expect("it is open");
        tape.file.as_mut().expect("it has not failed").replace(file);
    }
}

/// Empties the ring of one recording. A panic there is that recording's failure.
fn empty(shared: &Shared, sid: RecordingSid, tape: &mut Tape, now: Moment) {
    let emptied = catch_unwind(AssertUnwindSafe(|| tape.empty_ring(shared, sid, now)));
    if emptied.is_err() {
        tape.fail(shared, sid, "the writer panicked".to_owned());
    }
}

/// Writes what is left and hands the recording over to the shelf.
fn close(shared: &Shared, sid: RecordingSid, tape: &mut Tape) {
    while !tape.timeline.settle(tape.timeline.end(), &mut tape.pending) {
        tape.write(shared, sid);
    }
    tape.write(shared, sid);
    lock(&shared.durable).remove(&sid);
    let closed = Closed {
        lost_blocks: tape.ring.lost(),
        misplaced_samples: tape.timeline.misplaced() + tape.ahead,
        interruption: tape.interruption(),
        failure: tape.failure.take(),
    };
    if closed.lost_blocks > 0 {
        tracing::warn!(%sid, blocks = closed.lost_blocks, "parts of a recording are lost: the disk is too slow");
    }
    let counts = &shared.counts;
    let mut slots = shared.slots();
    counts.lost_blocks.fetch_add(closed.lost_blocks, Ordering::Relaxed);
    counts.misplaced_samples.fetch_add(closed.misplaced_samples, Ordering::Relaxed);
    slots.insert(sid, Slot::Closed(closed));
    drop(slots);
    // Whoever no longer waits will ask again.
    for reply in tape.waiting.drain(..) {
        let _ = reply.send(());
    }
}

impl Shared {
    fn begin(&self, sid: RecordingSid, channels: Channels) -> std::io::Result<Growing> {
        if self.folder.has(sid, Kind::Wav) || self.folder.has(sid, Kind::Manifest) {
            return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, "it was finished before"));
        }
        Growing::begin(self.folder.create(sid, Kind::Part)?, channels)
    }

    /// Opens what an earlier process has written, up to its last whole frame.
    fn resume(&self, sid: RecordingSid, channels: Channels) -> std::io::Result<Growing> {
        let part = self.folder.edit(sid, Kind::Part)?;
        let Some((found, bytes)) = wav::repair(&part)? else {
            // Not even its head was there: nothing of it was heard.
            part.set_len(0)?;
            return Growing::begin(part, channels);
        };
        if found != channels {
            let message = format!("it was recorded in {found:?}, not in {channels:?}");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
        }
        Ok(Growing::resume(part, channels, bytes))
    }
}

impl Tape {
    fn new(channels: Channels, origin: Moment, ring: Arc<Ring>, now: Moment) -> Self {
        Self {
            origin,
            ring,
            timeline: Timeline::new(channels),
            file: None,
            failure: None,
            pending: Vec::new(),
            ahead: 0,
            last_block: now,
            resumed_at: None,
            first: None,
            closing: None,
            waiting: Vec::new(),
        }
    }

    /// So many frames are in the file already.
    fn go_on_behind(&mut self, frames: u64) {
        self.timeline.skip(frames);
        self.resumed_at = self.resumed_at.map(|_| frames);
    }

    fn interruption(&self) -> Option<Interruption> {
        let resumed_at = self.resumed_at?;
        let frames = self.first.map_or(0, |first| first.saturating_sub(resumed_at));
        Some(Interruption { frames })
    }

    fn is_over(&self, now: Moment) -> bool {
        let Some(asked) = self.closing else { return false };
        now.since(asked.max(self.last_block)) >= QUIET || now.since(asked) >= ENOUGH
    }

    /// Nobody has pushed for long, nor could: whose call it was is gone.
    fn is_orphan(&self, now: Moment) -> bool {
        // Ours, and that of its slot.
        self.closing.is_none()
            && Arc::strong_count(&self.ring) <= 2
            && now.since(self.last_block) >= FORGOTTEN
    }

    fn empty_ring(&mut self, shared: &Shared, sid: RecordingSid, now: Moment) {
        let present = frames(now.since(self.origin));
        while let Some(block) = self.ring.pop() {
            self.last_block = now;
            if self.file.is_none() {
                continue;
            }
            if block.position > present + AHEAD {
                self.ahead += u64::from(block.length);
                continue;
            }
            self.first.get_or_insert(block.position);
            while !self.timeline.place(&block, &mut self.pending) {
                self.write(shared, sid);
            }
            if self.pending.len() >= WRITE {
                self.write(shared, sid);
            }
        }
        // When no more comes, what waits for late blocks has waited long enough too.
        let settled = present.saturating_sub(HORIZON).min(self.timeline.end());
        while !self.timeline.settle(settled, &mut self.pending) {
            self.write(shared, sid);
        }
        if self.pending.len() >= WRITE {
            self.write(shared, sid);
        }
    }

    /// Appends what is pending to the file.
    fn write(&mut self, shared: &Shared, sid: RecordingSid) {
        if self.pending.is_empty() {
            return;
        }
        let written = match (shared.lack_of_space(), &mut self.file) {
            (_, None) => Ok(()),
            (Some(reason), _) => Err(reason.to_owned()),
            (None, Some(file)) => file.append(&self.pending).map_err(|error| error.to_string()),
        };
        match written {
            Ok(()) => {
                shared.counts.bytes.fetch_add(self.pending.len() as u64, Ordering::Relaxed);
            }
            Err(reason) => self.fail(shared, sid, reason),
        }
        self.pending.clear();
    }

    /// Nothing more is written; the ring is emptied as before, so that nobody waits.
    fn fail(&mut self, shared: &Shared, sid: RecordingSid, reason: String) {
        tracing::error!(%sid, reason, "a recording fails; the call goes on");
        shared.counts.failed.fetch_add(1, Ordering::Relaxed);
        self.file = None;
        self.failure.get_or_insert(reason);
    }
}

/// Frames in a span of time.
fn frames(span: Duration) -> u64 {
    u64::try_from(span.as_micros() * u128::from(RATE) / 1_000_000).unwrap_or(u64::MAX)
}
