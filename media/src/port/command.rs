//! What signalling asks of a media worker, and how it is told what happened.
//! Must never name a packet: commands are conditions, events are changes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::PortPair;
use super::desk::Desk;
use crate::asset::Asset;
use crate::session::{ClockSeed, Event, Plan, Session, SessionId};

/// Receives the events of a session, on the worker's thread.
pub trait EventSink: Send + Sync {
    /// Takes one event. Never blocks, never waits for a lock that is held for long.
    fn event(&self, event: Event);
}

/// Another worker of the same engine.
#[derive(Clone)]
pub struct Destination(pub(super) Arc<Desk>);

/// A session on its way from worker to worker.
#[derive(Clone)]
pub struct Moving {
    pub(super) session: Box<Session>,
    pub(super) sockets: Arc<PortPair>,
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) asset: Option<Arc<Asset>>,
}

/// What a media worker is asked to do. Each may be sent twice.
#[derive(Clone)]
pub enum Command {
    /// Makes a session; one that is open already stays as it is.
    Open {
        /// Its name.
        session: SessionId,
        /// Its sockets, from the port table.
        sockets: Arc<PortPair>,
        /// Where its output clock starts.
        clock: ClockSeed,
        /// Who hears of it.
        sink: Arc<dyn EventSink>,
        /// After how much silence a [`Event::MediaTimeout`] is told; `None` is never.
        timeout: Option<Duration>,
    },
    /// Makes a session from a snapshot of another process; one that is open already stays as it is.
    Resume {
        /// Its state, from [`Engine::snapshot`](super::Engine::snapshot).
        snapshot: Box<Session>,
        /// Its sockets, taken again by [`PortTable::retake`](super::PortTable::retake).
        sockets: Arc<PortPair>,
        /// Who hears of it.
        sink: Arc<dyn EventSink>,
    },
    /// Makes a session from the exact state in which [`Engine::freeze`](super::Engine::freeze) found it, in this process
    /// or another: its stream goes on as if nothing had been. One that is open already stays as it is.
    Continue {
        /// Its state.
        snapshot: Box<Session>,
        /// The very sockets that it had.
        sockets: Arc<PortPair>,
        /// Who hears of it.
        sink: Arc<dyn EventSink>,
    },
    /// Brings a session into the condition wanted.
    Apply {
        /// Which session.
        session: SessionId,
        /// The generation of the actor that asks; one older than seen is refused.
        generation: u64,
        /// The condition wanted.
        plan: Plan,
    },
    /// Hands a session to another worker: its state, sockets and place in the stream stay. [`Event::Moved`] tells
    /// when it is there; what is asked of it meanwhile finds it at neither.
    Move {
        /// Which session.
        session: SessionId,
        /// To whom.
        to: Destination,
    },
    /// From worker to worker: a session that comes over.
    Adopt(Moving),
    /// Ends a session: says goodbye, tells [`Event::Closed`]. The ports stay leased.
    Close {
        /// Which session.
        session: SessionId,
    },
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Open { session, sockets, .. } => write!(f, "Open({session:?}, {sockets:?})"),
            Command::Resume { snapshot, sockets, .. } => {
                write!(f, "Resume({:?}, {sockets:?})", snapshot.id())
            }
            Command::Continue { snapshot, sockets, .. } => {
                write!(f, "Continue({:?}, {sockets:?})", snapshot.id())
            }
            Command::Move { session, .. } => write!(f, "Move({session:?})"),
            Command::Adopt(moving) => write!(f, "Adopt({:?})", moving.session.id()),
            Command::Apply { session, generation, plan } => {
                write!(f, "Apply({session:?}, {generation}, {plan:?})")
            }
            Command::Close { session } => write!(f, "Close({session:?})"),
        }
    }
}
