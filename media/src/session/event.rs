//! What a session tells those who hold it.
//! Must never be made per packet: each event marks a change.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{SessionId, Stats};
use crate::tap::TapEnd;

/// Something happened to a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The source of the other end's packets is known: they come from `address` and go there.
    Learnt {
        /// Whose.
        session: SessionId,
        /// The source now locked.
        address: SocketAddr,
    },
    /// No RTP came for the session's timeout although it is to receive.
    MediaTimeout {
        /// Whose.
        session: SessionId,
    },
    /// RTP came again after a timeout.
    MediaResumed {
        /// Whose.
        session: SessionId,
    },
    /// A player reached the end of its last loop.
    PlayerEnded {
        /// Whose.
        session: SessionId,
        /// Which playing.
        activity: u64,
        /// How long it played, in milliseconds.
        played_ms: u64,
    },
    /// The other end pressed a key: told once, when it is known which.
    Digit {
        /// Whose other end.
        session: SessionId,
        /// One of `0-9*#A-D`.
        digit: char,
    },
    /// The keys of a plan were sent to their end.
    KeysSent {
        /// Whose.
        session: SessionId,
        /// Which sending.
        activity: u64,
    },
    /// A tap is over: nothing more comes into its ring from this session.
    TapEnded {
        /// Whose.
        session: SessionId,
        /// Which.
        activity: u64,
        /// Why.
        end: TapEnd,
        /// Where it ended: samples at 8 kHz since the recording's origin.
        samples: u64,
        /// Whether anything louder than silence was heard.
        voiced: bool,
    },
    /// The session is with another worker now.
    Moved {
        /// Which.
        session: SessionId,
    },
    /// A plan came from an older generation than one already seen, and was not applied.
    Refused {
        /// Whose.
        session: SessionId,
        /// The generation of the refused plan.
        generation: u64,
        /// The newest generation seen.
        seen: u64,
    },
    /// The session is gone from its worker; its ports are still leased.
    Closed {
        /// Whose.
        session: SessionId,
        /// Its final counters.
        stats: Stats,
    },
}

impl Event {
    /// The session that the event is about.
    pub const fn session(&self) -> SessionId {
        match self {
            Event::Learnt { session, .. }
            | Event::MediaTimeout { session }
            | Event::MediaResumed { session }
            | Event::PlayerEnded { session, .. }
            | Event::Digit { session, .. }
            | Event::Moved { session }
            | Event::KeysSent { session, .. }
            | Event::TapEnded { session, .. }
            | Event::Refused { session, .. }
            | Event::Closed { session, .. } => *session,
        }
    }
}
