//! Where signalling and one media worker meet: commands in, copies of sessions out.
//! Must never make the worker wait: it tries locks, and takes them only where a session opens or closes.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossbeam_queue::ArrayQueue;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::Command;
use crate::session::{Session, SessionId};

/// A copy of a session, at most a second old.
pub(super) type Copy = Arc<Mutex<Session>>;

/// What an engine and one of its workers share.
pub(super) struct Desk {
    pub(super) commands: ArrayQueue<Command>,
    /// Wakes the worker.
    pub(super) bell: EventFd,
    /// The bell rings and the worker has not come yet: ringing again would cost a system call for nothing.
    rings: AtomicBool,
    pub(super) sessions: AtomicUsize,
    pub(super) restarts: AtomicU64,
    pub(super) misdirected: AtomicU64,
    is_closing: AtomicBool,
    /// The worker shall stand still, whatever comes: looked at in each round, so no lock.
    is_held: AtomicBool,
    /// Whether it stands still.
    stands: Mutex<bool>,
    moves: Condvar,
    copies: Mutex<HashMap<SessionId, Copy>>,
}

impl Desk {
    pub(super) fn new(commands: usize) -> io::Result<Desk> {
        Ok(Desk {
            commands: ArrayQueue::new(commands.max(1)),
            bell: EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?,
            rings: AtomicBool::new(false),
            sessions: AtomicUsize::new(0),
            restarts: AtomicU64::new(0),
            misdirected: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
            is_held: AtomicBool::new(false),
            stands: Mutex::default(),
            moves: Condvar::new(),
            copies: Mutex::default(),
        })
    }

    /// Wakes the worker; a bell that rings already is enough.
    pub(super) fn ring(&self) {
        if !self.rings.swap(true, Ordering::AcqRel) {
            let _ = self.bell.write(1);
        }
    }

    /// The worker has come. Called before it looks at the commands: whoever adds one later rings again.
    pub(super) fn hear(&self) {
        self.rings.store(false, Ordering::Release);
    }

    /// Asks the worker to end.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.release();
        self.ring();
    }

    /// Asks the worker to stand still once it has done what it was asked before.
    pub(super) fn hold(&self) {
        self.is_held.store(true, Ordering::Release);
        self.ring();
    }

    /// Lets it go on.
    pub(super) fn release(&self) {
        let _stands = self.stands.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_held.store(false, Ordering::Release);
        self.moves.notify_all();
    }

    pub(super) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    /// The worker stands still until it is released.
    pub(super) fn stand(&self) {
        let mut stands = self.stands.lock().unwrap_or_else(PoisonError::into_inner);
        *stands = true;
        self.moves.notify_all();
        while self.is_held() {
            stands = self.moves.wait(stands).unwrap_or_else(PoisonError::into_inner);
        }
        *stands = false;
    }

    /// Whether the worker stands still within this time.
    pub(super) fn stands_within(&self, patience: Duration) -> bool {
        let stands = self.stands.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.moves.wait_timeout_while(stands, patience, |stands| !*stands);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// Lists a session that has been opened.
    pub(super) fn list(&self, session: &Session) -> Copy {
        let copy = Arc::new(Mutex::new(session.clone()));
        self.copies().insert(session.id(), Arc::clone(&copy));
        self.sessions.fetch_add(1, Ordering::Relaxed);
        copy
    }

    /// Strikes a session that has been closed.
    pub(super) fn strike(&self, session: SessionId) {
        if self.copies().remove(&session).is_some() {
            self.sessions.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The last copy of a session.
    pub(super) fn copy(&self, session: SessionId) -> Option<Session> {
        let copy = Arc::clone(self.copies().get(&session)?);
        let session = copy.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(session)
    }

    /// The last copies of all sessions.
    pub(super) fn all_copies(&self) -> Vec<Session> {
        let copies: Vec<Copy> = self.copies().values().cloned().collect();
        copies.iter().map(|copy| copy.lock().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }

    fn copies(&self) -> MutexGuard<'_, HashMap<SessionId, Copy>> {
        // Insertions and removals only: a panic elsewhere leaves nothing half done.
        self.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
