//! A flow: the way by which messages of one peer come and go.
//! It must never hold the socket itself, only its name.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::message::Transport;

/// One UDP association, or one connection, with a peer (design §5: requests follow their flow).
///
/// It outlives its connection, in snapshots and bindings: an id that nobody knows any more is a flow that is lost.
/// A message on a lost flow is sent to where the message itself says: a request to its next hop (RFC 3261 §8.1.2), an
/// answer to its Via (§18.2.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Flow {
    /// What carries it.
    pub transport: Transport,
    /// Our side: the address of the listening socket, as bound; of a connection, with the IP address it was made to.
    pub local: SocketAddr,
    /// The peer's side, as seen in its packets.
    pub remote: SocketAddr,
    /// The connection that it is, where there are connections. `None` on such a transport: any connection to `remote`,
    /// where the peer listens; one that is open is used, else one is opened (RFC 3261 §18.1.1).
    pub connection: Option<u64>,
    /// The name by which the peer was looked up: its certificate must bear it (RFC 5922 §7.2).
    #[serde(default)]
    pub name: Option<String>,
}

impl Flow {
    /// The UDP association of two addresses.
    pub fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self { transport: Transport::Udp, local, remote, connection: None, name: None }
    }

    /// Whether messages on this flow go by that `connection`: it is the one, or one to the peer that is meant.
    pub fn is_carried_by(&self, connection: &Flow) -> bool {
        self.transport == connection.transport
            && match self.connection {
                Some(id) => connection.connection == Some(id),
                None => self.remote == connection.remote && self.name == connection.name,
            }
    }
}
