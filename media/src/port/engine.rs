//! The media engine: worker threads, each with a bounded queue of commands.
//! Must never wait for a worker: commands are queued or refused, counters are read from copies.

use std::io;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use super::Command;
use crate::session::{SessionId, Stats};

/// How the engine is built.
#[derive(Clone, Copy, Debug)]
pub struct EngineConfig {
    /// Worker threads; at least one is started.
    pub workers: usize,
    /// Commands that may wait at each worker.
    pub queue: usize,
    /// How long a worker rests after each round with packets, so that one wake-up serves many.
    pub rest: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        EngineConfig { workers: 1, queue: 4096, rest: Duration::from_millis(1) }
    }
}

/// A worker's queue of commands is full; nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue of media worker {worker} is full")]
pub struct Full {
    /// The worker asked.
    pub worker: usize,
}

/// What the engine holds, for reconciling with those who think that they hold it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Open sessions.
    pub sessions: usize,
    /// Commands waiting.
    pub queued: usize,
    /// Worker loops that panicked and were begun anew.
    pub restarts: u64,
    /// Commands that named a session that is not open.
    pub misdirected: u64,
}

/// All media workers of the process.
pub struct Engine {
    queues: Vec<ArrayQueue<Command>>,
}

impl Engine {
    /// Starts the worker threads.
    pub fn start(config: EngineConfig) -> io::Result<Engine> {
        let queues = (0..config.workers.max(1)).map(|_| ArrayQueue::new(config.queue.max(1)));
        Ok(Engine { queues: queues.collect() })
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.queues.len()
    }

    /// The worker for everything that shares this key: the sessions of one call belong together.
    pub fn worker(&self, key: u64) -> usize {
        (key % self.queues.len() as u64) as usize
    }

    /// Hands a command to a worker.
    pub fn send(&self, worker: usize, command: Command) -> Result<(), Full> {
        let queue = self.queues.get(worker).ok_or(Full { worker })?;
        queue.push(command).map_err(|_| Full { worker })
    }

    /// The counters of a session, at most a second old.
    pub fn stats(&self, session: SessionId) -> Option<Stats> {
        let _ = session;
        None
    }

    /// What the engine holds.
    pub fn census(&self) -> Census {
        Census::default()
    }

    /// Ends all workers and waits for them; sessions end without goodbye, their ports stay leased.
    pub fn stop(&self) {}
}
