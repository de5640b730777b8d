//! The actor of one TCP or TLS socket: accepts connections, and starts an actor for each, over all arbiters.
//! It must never read from a connection, nor keep one beyond the limits.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::connection::{Arbiters, Connection};
use super::house::House;
use crate::sip::message::Transport;
use crate::sip::transport::tcp;

/// The pause after an attempt that failed: the host has no descriptor left, and may have one later.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that listens.
#[derive(Debug)]
pub struct Entrance {
    /// TCP or TLS.
    pub transport: Transport,
    /// The address as bound.
    pub local: SocketAddr,
    socket: TcpListener,
}

/// Accepts by one socket.
pub(super) struct Acceptor {
    entrance: Arc<Entrance>,
    house: Arc<House>,
    arbiters: Arbiters,
}

impl Entrance {
    /// Opens the socket.
    ///
    /// # Errors
    /// The address is not of this host, or is taken.
    pub fn open(transport: Transport, address: SocketAddr) -> io::Result<Self> {
        Self::of(transport, tcp::listen(address)?)
    }

    /// Takes up the socket of an earlier process, with the connections that wait there.
    ///
    /// # Errors
    /// It does not listen at this address.
    pub fn adopt(transport: Transport, address: SocketAddr, socket: OwnedFd) -> io::Result<Self> {
        Self::of(transport, tcp::adopt(socket, address)?)
    }

    fn of(transport: Transport, socket: TcpListener) -> io::Result<Self> {
        Ok(Self { transport, local: socket.local_addr()?, socket })
    }
}

impl AsFd for Entrance {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Acceptor {
    pub fn new(entrance: Arc<Entrance>, house: Arc<House>, arbiters: Arbiters) -> Self {
        Self { entrance, house, arbiters }
    }

    async fn accept(entrance: Arc<Entrance>, house: Arc<House>, arbiters: Arbiters) -> io::Result<()> {
        // A second descriptor of the same socket: what waits to be accepted outlives this actor.
        let socket = tokio::net::TcpListener::from_std(entrance.socket.try_clone()?)?;
        let mut is_full = false;
        loop {
            if house.load.resting.load(Ordering::Relaxed) {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let (stream, remote) = match socket.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(local = %entrance.local, %error, "a connection cannot be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            // A peer may be gone again already.
            let Ok(local) = stream.local_addr() else { continue };
            match house.connections.accept(entrance.transport.clone(), local, remote) {
                Ok(place) => {
                    is_full = false;
                    let Ok(stream) = stream.into_std() else { continue };
                    arbiters.start(Connection::accepted(stream, place, &house, &arbiters));
                }
                Err(refusal) => {
                    if !is_full {
                        tracing::warn!(source = %remote.ip(), reason = %refusal, "connections are closed at once");
                    }
                    is_full = true;
                }
            }
        }
    }
}

impl Actor for Acceptor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (entrance, local) = (Arc::clone(&self.entrance), self.entrance.local);
        let accept = Self::accept(entrance, Arc::clone(&self.house), self.arbiters.clone());
        ctx.spawn(accept.into_actor(self).map(move |ended, _, ctx| {
            tracing::error!(%local, ?ended, "a socket failed and is served again by its supervisor");
            ctx.terminate();
        }));
    }
}
