//! TCP sockets: one that listens, and one to a peer.
//! It must never wait for a peer beyond a limit, nor believe one for ever that has vanished.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::TcpStream;

/// Peers that may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// How long a peer may take to accept us.
const CONNECT: Duration = Duration::from_secs(5);

/// After so much silence the kernel asks whether the peer is still there, which keeps its NAT awake, too.
const QUIET: Duration = Duration::from_secs(30);
const BETWEEN: Duration = Duration::from_secs(10);
const QUESTIONS: u32 = 3;

/// What was sent has to be acknowledged by the peer's host within this time.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);

/// Opens a socket that listens; port 0 takes a free one. An IPv6 socket carries IPv6 alone.
///
/// # Errors
/// The address is not of this host, or is taken.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of the process before linger; nobody else can listen here meanwhile.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Takes up the listening socket of an earlier process, with the connections that wait there.
///
/// # Errors
/// It does not listen at this address.
pub fn adopt(socket: OwnedFd, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::from(socket);
    super::expect_bound(&socket, Type::STREAM, address)?;
    if !socket.is_listener()? {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it does not listen"));
    }
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Connects to a peer.
///
/// # Errors
/// It refuses, cannot be reached, or does not answer in time.
pub async fn connect(remote: SocketAddr) -> io::Result<TcpStream> {
    let connected = tokio::time::timeout(CONNECT, TcpStream::connect(remote)).await;
    let stream = connected.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    prepare(&stream)?;
    Ok(stream)
}

/// Sets a new connection up: messages leave at once, and one whose peer has vanished ends.
///
/// # Errors
/// It is gone already.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(QUIET).with_interval(BETWEEN).with_retries(QUESTIONS);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))
}
