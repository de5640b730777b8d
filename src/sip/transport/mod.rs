//! Transports: the sockets that carry SIP, and the addresses that peers see of them.
//! It must never look into a message: what came in goes to a shard as bytes.

pub mod connections;
pub mod hop;
pub mod local;
pub mod stream;
pub mod tcp;
pub mod tls;
pub mod udp;

use std::fmt;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use nix::errno::Errno;
use socket2::{Socket, Type};

pub use connections::Connections;
pub use hop::Hop;
pub use local::LocalAddresses;
pub use tls::Tls;
pub use udp::{BUFFER, Udp};

/// What a socket has for its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A datagram came in. It may be empty, and may hold anything.
    Datagram {
        /// The whole datagram.
        bytes: Bytes,
        /// Who sent it, as the network says.
        remote: SocketAddr,
    },
    /// Something that was sent cannot arrive: the network says so for good (RFC 3261 §18.4).
    Unreachable {
        /// Where it was sent to.
        remote: SocketAddr,
        /// What the network says.
        error: Unreachable,
    },
}

/// Why the network did not deliver. What passes by itself (a datagram too big for the path, which goes out in
/// fragments the next time, or a lifetime exceeded) is none of these: RFC 3261 §18.4 ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unreachable {
    /// The host is there and nobody listens.
    #[error("port unreachable")]
    Port,
    /// The last router cannot find the host.
    #[error("host unreachable")]
    Host,
    /// A router has no way to its network.
    #[error("network unreachable")]
    Network,
    /// The host knows no UDP.
    #[error("protocol unreachable")]
    Protocol,
    /// A firewall refuses.
    #[error("administratively prohibited")]
    Prohibited,
    /// A router cannot read the packet.
    #[error("parameter problem")]
    Parameter,
}

/// What became of a datagram that was to be sent. It is counted in either case, so it may be ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The kernel has taken it.
    Done,
    /// It is lost.
    Dropped(Dropped),
}

/// Why a datagram did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// The send buffer or the kernel's memory is full: the transaction's retransmission is the second chance.
    Full,
    /// Longer than a datagram can be.
    TooLong,
    /// No route leads there.
    NoRoute,
    /// The host's own firewall refuses.
    Prohibited,
    /// IPv6 over an IPv4 socket, or the reverse.
    Family,
    /// Anything else.
    Failed,
}

/// What a socket has done since it was bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Datagrams read.
    pub received: u64,
    /// Datagrams handed to the kernel.
    pub sent: u64,
    /// Reports of the network that a peer is unreachable.
    pub unreachable: u64,
    /// Datagrams that did not leave, in the order of [`Dropped::ALL`].
    pub dropped: [u64; Dropped::ALL.len()],
}

/// Makes sure that the socket of an earlier process is what is wanted; of port 0, any port is.
fn expect_bound(socket: &Socket, kind: Type, wanted: SocketAddr) -> io::Result<()> {
    let local = socket.local_addr()?.as_socket();
    let is_wanted = local.is_some_and(|local| {
        local.ip() == wanted.ip() && (wanted.port() == 0 || local.port() == wanted.port())
    });
    if is_wanted && socket.r#type()? == kind {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is another one, bound to {local:?}")))
}

impl Dropped {
    /// Every reason, in the order of [`Tally::dropped`].
    pub const ALL: [Dropped; 6] = [
        Dropped::Full,
        Dropped::TooLong,
        Dropped::NoRoute,
        Dropped::Prohibited,
        Dropped::Family,
        Dropped::Failed,
    ];

    /// The name in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Dropped::Full => "full",
            Dropped::TooLong => "too-long",
            Dropped::NoRoute => "no-route",
            Dropped::Prohibited => "prohibited",
            Dropped::Family => "family",
            Dropped::Failed => "failed",
        }
    }
}

impl From<&io::Error> for Dropped {
    fn from(error: &io::Error) -> Self {
        match Errno::from_raw(error.raw_os_error().unwrap_or_default()) {
            Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM => Dropped::Full,
            Errno::EMSGSIZE => Dropped::TooLong,
            Errno::ENETUNREACH | Errno::EHOSTUNREACH | Errno::ENETDOWN | Errno::EADDRNOTAVAIL => {
                Dropped::NoRoute
            }
            Errno::EPERM | Errno::EACCES => Dropped::Prohibited,
            Errno::EAFNOSUPPORT => Dropped::Family,
            _ => Dropped::Failed,
        }
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
