//! One connection at work: bytes in to messages, messages out to bytes, pings answered, deadlines kept.
//! It must never read on while its messages are not taken, nor wait for a peer that does not read.

mod patience;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};

pub use self::patience::{Patience, TooSlow};
use super::connections::{Link, Waiting};
use crate::sip::message::{Frame, FrameError, Framer, Limits};
use crate::supervision::Clock;

/// Bytes read at a time.
const READ: usize = 8 << 10;

/// How long the kernel may refuse bytes of ours because the peer does not read.
const STALLED: Duration = Duration::from_secs(10);

/// How long a connection that ends may take to say so (TLS).
const FAREWELL: Duration = Duration::from_secs(1);

/// One line end: the answer to two (RFC 5626 §4.4.1).
const PONG: &[u8] = b"\r\n";

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
pub enum Ending {
    /// The peer has closed it.
    #[error("closed by the peer")]
    Closed,
    /// We have: it could not take what it was given, or what came by it was no SIP.
    #[error("closed by us")]
    Dismissed,
    /// The peer took too long.
    #[error(transparent)]
    TooSlow(#[from] TooSlow),
    /// The peer does not read what it is sent.
    #[error("the peer does not read")]
    Stalled,
    /// What came cannot be cut into messages.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The network, or TLS.
    #[error(transparent)]
    Broken(#[from] io::Error),
    /// What came by it could not be handed on.
    #[error("nobody takes its messages")]
    Untaken,
}

/// What serves one connection.
pub struct Service<'a> {
    /// The connection as others see it.
    pub link: &'a Link,
    /// What is to be sent.
    pub waiting: Waiting,
    /// How long its peer is waited for.
    pub patience: Patience,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

impl Service<'_> {
    /// Serves `stream` until it ends. Each message goes to `take`; while that waits nothing more is read, and `false`
    /// ends the connection.
    pub async fn run<S>(self, stream: S, take: impl AsyncFnMut(Bytes) -> bool) -> Ending
    where
        S: AsyncRead + AsyncWrite,
    {
        let Self { link, waiting, patience, clock } = self;
        let (reading, mut writing) = tokio::io::split(stream);
        let patience = RefCell::new(patience);
        let ending = tokio::select! {
            ending = read(reading, link, &patience, clock, take) => ending,
            ending = write(&mut writing, waiting, &patience, clock) => ending,
            () = link.closed() => Ending::Dismissed,
        };
        // A peer that hears the end of TLS knows that nothing was cut off; one that does not listen is not waited for.
        let _ = tokio::time::timeout(FAREWELL, writing.shutdown()).await;
        ending
    }
}

async fn read<S: AsyncRead>(
    mut stream: ReadHalf<S>,
    link: &Link,
    patience: &RefCell<Patience>,
    clock: &dyn Clock,
    mut take: impl AsyncFnMut(Bytes) -> bool,
) -> Ending {
    let mut framer = Framer::new(Limits::default());
    let mut buffer = BytesMut::with_capacity(READ);
    loop {
        buffer.clear();
        let (deadline, lapse) = patience.borrow().deadline(link.held_until());
        let read = stream.read_buf(&mut buffer);
        match tokio::time::timeout(deadline.since(clock.now()), read).await {
            Ok(Ok(0)) => return Ending::Closed,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return error.into(),
            // What was sent meanwhile, or a registration, may have moved the deadline.
            Err(_) if patience.borrow().deadline(link.held_until()).0 > clock.now() => continue,
            Err(_) => return lapse.into(),
        }
        framer.push(&buffer);
        let mut has_message = false;
        while let Some(frame) = framer.next() {
            match frame {
                Ok(Frame::Message(message)) => {
                    has_message = true;
                    if !take(message).await {
                        return Ending::Untaken;
                    }
                }
                Ok(Frame::Ping) => {
                    if !link.offer(Bytes::from_static(PONG)) {
                        return Ending::Stalled;
                    }
                }
                Ok(Frame::Pong) => {}
                Err(error) => return error.into(),
            }
        }
        patience.borrow_mut().received(has_message, framer.progress(), clock.now());
    }
}

async fn write<S: AsyncWrite>(
    stream: &mut WriteHalf<S>,
    mut waiting: Waiting,
    patience: &RefCell<Patience>,
    clock: &dyn Clock,
) -> Ending {
    while let Some(bytes) = waiting.next().await {
        let written = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        match tokio::time::timeout(STALLED, written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(_) => return Ending::Stalled,
        }
        waiting.sent(bytes.len());
        patience.borrow_mut().sent(clock.now());
    }
    // The table keeps the other end for as long as the connection has its place.
    Ending::Dismissed
}
