//! The media engine: worker threads, each with a bounded queue of commands.
//! Must never wait for a worker: commands are queued or refused, counters are read from copies.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::desk::Desk;
use super::{Command, Destination, thread};
use crate::session::{Session, SessionId, Stats};

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

/// A worker goes on with what it does instead of standing still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("media worker {worker} does not stand still")]
pub struct Restless {
    /// Which.
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
    desks: Vec<Arc<Desk>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Starts the worker threads.
    pub fn start(config: EngineConfig) -> io::Result<Engine> {
        let desks = (0..config.workers.max(1)).map(|_| Desk::new(config.queue).map(Arc::new));
        let engine = Engine { desks: desks.collect::<io::Result<_>>()?, threads: Mutex::default() };
        for (number, desk) in engine.desks.iter().enumerate() {
            let thread = thread::start(number, Arc::clone(desk), config.rest)?;
            engine.threads().push(thread);
        }
        Ok(engine)
    }

    /// How many workers there are.
    pub fn workers(&self) -> usize {
        self.desks.len()
    }

    /// How many of them run.
    pub fn alive(&self) -> usize {
        self.threads().iter().filter(|thread| !thread.is_finished()).count()
    }

    /// The worker for everything that shares this key: the sessions of one call belong together.
    pub fn worker(&self, key: u64) -> usize {
        // At least one worker is started.
        (key % self.desks.len().max(1) as u64) as usize
    }

    /// Hands a command to a worker.
    pub fn send(&self, worker: usize, command: Command) -> Result<(), Full> {
        let desk = self.desks.get(worker).ok_or(Full { worker })?;
        desk.commands.push(command).map_err(|_| Full { worker })?;
        desk.ring();
        Ok(())
    }

    /// Where [`Command::Move`] takes a session to; `None`: there is no such worker.
    pub fn destination(&self, worker: usize) -> Option<Destination> {
        self.desks.get(worker).map(|desk| Destination(Arc::clone(desk)))
    }

    /// The counters of a session, at most a second old.
    pub fn stats(&self, session: SessionId) -> Option<Stats> {
        self.snapshot(session).map(|session| session.stats())
    }

    /// The state of a session, at most a second old, for [`Command::Resume`] in another process.
    pub fn snapshot(&self, session: SessionId) -> Option<Session> {
        self.desks.iter().find_map(|desk| desk.copy(session))
    }

    /// The states of all sessions, each at most a second old.
    pub fn snapshots(&self) -> Vec<Session> {
        self.desks.iter().flat_map(|desk| desk.all_copies()).collect()
    }

    /// Has all workers stand still, and gives the exact states of all sessions, each with its worker: nothing is sent
    /// and nothing read from then on, and what arrives waits in the sockets. To go on: [`Engine::thaw`].
    ///
    /// # Errors
    /// A worker does not stand still in time; all go on.
    pub fn freeze(&self, patience: Duration) -> Result<Vec<(usize, Session)>, Restless> {
        self.desks.iter().for_each(|desk| desk.hold());
        if let Some(worker) = self.desks.iter().position(|desk| !desk.stands_within(patience)) {
            self.thaw();
            return Err(Restless { worker });
        }
        let desks = self.desks.iter().enumerate();
        let sessions =
            desks.flat_map(|(worker, desk)| desk.all_copies().into_iter().map(move |copy| (worker, copy)));
        Ok(sessions.collect())
    }

    /// Lets the workers go on as if nothing had been.
    pub fn thaw(&self) {
        self.desks.iter().for_each(|desk| desk.release());
    }

    /// What the engine holds.
    pub fn census(&self) -> Census {
        let sum = |count: fn(&Desk) -> u64| self.desks.iter().map(|desk| count(desk)).sum::<u64>();
        Census {
            sessions: sum(|desk| desk.sessions.load(Ordering::Relaxed) as u64) as usize,
            queued: sum(|desk| desk.commands.len() as u64) as usize,
            restarts: sum(|desk| desk.restarts.load(Ordering::Relaxed)),
            misdirected: sum(|desk| desk.misdirected.load(Ordering::Relaxed)),
        }
    }

    /// Ends all workers and waits for them; sessions end without goodbye, their ports stay leased.
    pub fn stop(&self) {
        self.desks.iter().for_each(|desk| desk.close());
        let threads: Vec<JoinHandle<()>> = self.threads().drain(..).collect();
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a media thread had died");
            }
        }
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
