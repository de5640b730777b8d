//! One bound UDP socket: datagrams in and out, and what the network says about those that did not arrive.
//! It must never wait in a send, and never lose the socket to a peer that is gone.

mod error_queue;
mod reader;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;

use self::reader::{Queue, Reader};
use super::{Arrival, Dropped, Sent, Tally};

/// Bytes asked for in each direction: some 3,000 messages may wait for a busy thread. The kernel grants at most
/// `net.core.rmem_max` and `net.core.wmem_max`.
pub const BUFFER: usize = 4 << 20;

/// How often a datagram is offered to the kernel. A failure may be the report on an earlier datagram to someone
/// else: telling it takes it away, but while a reader empties a full error queue the next one takes its place.
const OFFERS: usize = 16;

/// How long a socket at rest is not looked at.
const REST: Duration = Duration::from_millis(1);

/// A SIP socket. It is shared: any thread may send, one task reads.
#[derive(Debug)]
pub struct Udp {
    socket: UdpSocket,
    local: SocketAddr,
    /// Nothing is read.
    rests: AtomicBool,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    received: AtomicU64,
    sent: AtomicU64,
    unreachable: AtomicU64,
    dropped: [AtomicU64; Dropped::ALL.len()],
}

impl Udp {
    /// Binds a socket; port 0 takes a free one. An IPv6 socket carries IPv6 alone.
    ///
    /// # Errors
    /// The address is not of this host or is taken, or the kernel knows no error queues.
    pub fn bind(address: SocketAddr) -> io::Result<Udp> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        prepare(&socket, address)?;
        socket.bind(&address.into())?;
        Self::of(socket)
    }

    /// Takes up the socket of an earlier process, with the datagrams that wait there.
    ///
    /// # Errors
    /// It is not bound to this address, or the kernel knows no error queues.
    pub fn adopt(socket: OwnedFd, address: SocketAddr) -> io::Result<Udp> {
        let socket = Socket::from(socket);
        super::expect_bound(&socket, Type::DGRAM, address)?;
        prepare(&socket, address)?;
        Self::of(socket)
    }

    fn of(socket: Socket) -> io::Result<Udp> {
        let socket = UdpSocket::from(socket);
        let local = socket.local_addr()?;
        Ok(Udp { socket, local, rests: AtomicBool::new(false), counts: Counts::default() })
    }

    /// The address as bound: with the port taken, and unspecified where it was bound to all.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends a datagram, at once or not at all.
    pub fn send(&self, to: SocketAddr, bytes: &[u8]) -> Sent {
        let Err(dropped) = self.offer(to, bytes) else {
            self.counts.sent.fetch_add(1, Ordering::Relaxed);
            return Sent::Done;
        };
        self.counts.dropped[dropped as usize].fetch_add(1, Ordering::Relaxed);
        Sent::Dropped(dropped)
    }

    fn offer(&self, to: SocketAddr, bytes: &[u8]) -> Result<(), Dropped> {
        if to.is_ipv4() != self.local.is_ipv4() {
            return Err(Dropped::Family);
        }
        let mut dropped = Dropped::Failed;
        for _ in 0..OFFERS {
            match self.socket.send_to(bytes, to) {
                Ok(_) => return Ok(()),
                Err(error) => dropped = Dropped::from(&error),
            }
            if dropped == Dropped::Full {
                break;
            }
        }
        Err(dropped)
    }

    /// Reads for as long as the socket can be read, and hands everything to `handler`. After each batch other
    /// tasks of the thread have their turn. It must run inside a tokio runtime; if it is dropped, or if `handler`
    /// panics, it may be called again on the same socket: what waits in the kernel is not lost.
    ///
    /// # Errors
    /// The socket has failed for good.
    pub async fn run(self: Arc<Self>, mut handler: impl FnMut(Arrival)) -> io::Result<Infallible> {
        // A second descriptor of the same socket: senders need no runtime, and a reader leaves nothing registered.
        let watched = tokio::net::UdpSocket::from_std(self.socket.try_clone()?)?;
        let mut reader = Reader::default();
        loop {
            if watched.ready(Interest::READABLE | Interest::ERROR).await?.is_read_closed() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            if self.rests.load(Ordering::Relaxed) {
                tokio::time::sleep(REST).await;
                continue;
            }
            let mut is_more_waiting = false;
            for queue in [Queue::Errors, Queue::Datagrams] {
                let read = |queue, buffers: &mut _| reader::read(&self.socket, queue, buffers);
                let hand_on = |arrival| {
                    self.counts.note(&arrival);
                    handler(arrival);
                };
                match watched.try_io(queue.interest(), || reader.batch(queue, read, hand_on)) {
                    Ok(()) => is_more_waiting = true,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            if is_more_waiting {
                tokio::task::yield_now().await;
            }
        }
    }

    /// From now on nothing is read, or again: meanwhile it waits in the kernel.
    pub fn rest(&self, rests: bool) {
        self.rests.store(rests, Ordering::Relaxed);
    }

    /// What the socket has done so far.
    pub fn tally(&self) -> Tally {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Tally {
            received: read(&self.counts.received),
            sent: read(&self.counts.sent),
            unreachable: read(&self.counts.unreachable),
            dropped: self.counts.dropped.each_ref().map(read),
        }
    }
}

impl AsFd for Udp {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Sets all options that do not depend on when they are set.
fn prepare(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() {
        setsockopt(socket, sockopt::Ipv6RecvErr, &true)?;
    } else {
        setsockopt(socket, sockopt::Ipv4RecvErr, &true)?;
    }
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_send_buffer_size(BUFFER)?;
    socket.set_nonblocking(true)
}

impl Counts {
    fn note(&self, arrival: &Arrival) {
        let count = match arrival {
            Arrival::Datagram { .. } => &self.received,
            Arrival::Unreachable { .. } => &self.unreachable,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
