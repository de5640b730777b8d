//! Reading in batches, so long that neither queue of a socket nor the other tasks of the thread starve.
//! It must never read on for ever from a socket that gives nothing but failures.

use std::io;
use std::net::UdpSocket;

use bytes::Bytes;
use tokio::io::Interest;

use super::error_queue::{self, ControlBuffer};
use crate::sip::transport::Arrival;

/// Arrivals taken from each queue before other tasks have their turn.
pub(super) const BATCH: usize = 64;

/// Failures without anything read in between, after which the socket counts as broken. The report on a datagram
/// that did not arrive is a failure once, and an arrival of the error queue.
pub(super) const STRIKES: usize = 2 * BATCH;

/// More than UDP can carry (65,527 bytes over IPv6), so that no datagram is ever cut.
const LONGEST: usize = 65_535;

/// The two queues of a socket, in the order in which they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// What the network says of datagrams sent. It comes first: emptying it clears the failure that a read of the
    /// other would meet.
    Errors,
    /// Datagrams received.
    Datagrams,
}

/// Where the kernel writes to, for the life of the reader.
#[derive(Debug)]
pub(super) struct Buffers {
    datagram: Box<[u8]>,
    control: ControlBuffer,
}

/// The reader of one socket.
#[derive(Debug)]
pub(super) struct Reader {
    buffers: Buffers,
    strikes: usize,
}

impl Reader {
    /// Takes one batch of `queue` through `read`, which answers none for what concerns nobody. There may be more.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] once the queue is empty; the socket has failed for good.
    pub(super) fn batch(
        &mut self,
        queue: Queue,
        mut read: impl FnMut(Queue, &mut Buffers) -> io::Result<Option<Arrival>>,
        mut handler: impl FnMut(Arrival),
    ) -> io::Result<()> {
        for _ in 0..BATCH {
            match read(queue, &mut self.buffers) {
                Ok(arrival) => {
                    self.strikes = 0;
                    if let Some(arrival) = arrival {
                        handler(arrival);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => {
                    self.strikes += 1;
                    if self.strikes >= STRIKES {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Queue {
    /// What wakes its reader.
    pub(super) fn interest(self) -> Interest {
        match self {
            Queue::Errors => Interest::ERROR,
            Queue::Datagrams => Interest::READABLE,
        }
    }
}

impl Default for Reader {
    fn default() -> Self {
        let buffers =
            Buffers { datagram: vec![0; LONGEST].into_boxed_slice(), control: ControlBuffer::default() };
        Self { buffers, strikes: 0 }
    }
}

/// Reads the next of `queue`, without waiting.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] if the queue is empty; a failure of the socket.
pub(super) fn read(socket: &UdpSocket, queue: Queue, buffers: &mut Buffers) -> io::Result<Option<Arrival>> {
    if queue == Queue::Errors {
        let refused = error_queue::next(socket, &mut buffers.control)?;
        return Ok(refused.map(|(remote, error)| Arrival::Unreachable { remote, error }));
    }
    let (length, remote) = socket.recv_from(&mut buffers.datagram)?;
    let bytes = buffers.datagram.get(..length).map(Bytes::copy_from_slice);
    Ok(bytes.map(|bytes| Arrival::Datagram { bytes, remote }))
}
