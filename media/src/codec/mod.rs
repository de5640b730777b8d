//! The codecs that a session can carry: the names and numbers both sides know them by.
//! Must never touch a socket or a clock.

use serde::{Deserialize, Serialize};

/// A voice codec of the fast path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 µ-law, 8 kHz.
    Pcmu,
    /// G.711 A-law, 8 kHz.
    Pcma,
}
