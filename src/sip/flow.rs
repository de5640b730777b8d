//! A flow: the way by which messages of one peer come and go.
//! It must never hold the socket itself, only its name.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::message::Transport;

/// One UDP association, or one connection, with a peer (design: requests follow their flow).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Flow {
    /// What carries it.
    pub transport: Transport,
    /// Our side: the address of the listening socket, as bound.
    pub local: SocketAddr,
    /// The peer's side, as seen in its packets.
    pub remote: SocketAddr,
    /// The connection, where the transport has connections.
    pub connection: Option<u64>,
}
