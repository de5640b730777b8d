//! The actor of one connection, a peer's or ours: serves it, and tells every shard when it is over.
//! It must never come back: a connection that is lost is a new one, with another id.

use std::cell::Cell;
use std::io;
use std::net::TcpStream as StdStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::cell::FULL_MAILBOX_PAUSE;
use super::house::House;
use super::shard_actor::{Datagram, ShardActor, ShardMail};
use crate::ids::shard_of;
use crate::sip::flow::Flow;
use crate::sip::message::{Transport, call_id_of};
use crate::sip::transport::connections::{Link, Place, Waiting};
use crate::sip::transport::stream::{Ending, Patience, Service};
use crate::sip::transport::tcp;
use crate::supervision::{
    Backoff, ChildPolicy, ChildSpec, Handle, Intensity, Restart, StartChild, Supervisor,
};

/// How often a message is offered to a shard whose mailbox is full: nothing more is read meanwhile.
const TRIES: usize = 250;

const TEMPORARY: ChildPolicy = ChildPolicy {
    restart: Restart::Temporary,
    intensity: Intensity::new(0, Duration::from_secs(1)),
    backoff: Backoff::NONE,
    mailbox: 1,
    shutdown: Duration::from_secs(1),
};

/// Ways to every arbiter: to its shard, and to the supervisor of its connections.
#[derive(Clone)]
pub(super) struct Arbiters {
    pub shards: Arc<[Handle<ShardActor>]>,
    pub connections: Arc<[Handle<Supervisor>]>,
    next: Arc<AtomicUsize>,
}

impl Arbiters {
    pub fn new(shards: Arc<[Handle<ShardActor>]>, connections: Arc<[Handle<Supervisor>]>) -> Self {
        Self { shards, connections, next: Arc::default() }
    }

    /// Starts a connection on the arbiter whose turn it is. One that finds no room is closed.
    pub fn start(&self, connection: Connection) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len().max(1);
        let name = format!("connection {}", connection.farewell.link.id());
        let connection = Cell::new(Some(connection));
        let (spec, _) = ChildSpec::new(name, TEMPORARY, move |_| Served(connection.take()));
        let started = self.connections.get(turn).map(|supervisor| supervisor.try_send(StartChild(spec)));
        if !matches!(started, Some(Ok(()))) {
            tracing::warn!("a connection is closed: its arbiter has too much to do");
        }
    }
}

/// One connection.
pub(super) struct Connection {
    /// What a peer has opened; `None` where it is ours to open.
    accepted: Option<StdStream>,
    place: Place,
    waiting: Option<Waiting>,
    house: Arc<House>,
    shards: Arc<[Handle<ShardActor>]>,
    farewell: Farewell,
}

/// The actor, which holds a connection until it serves it.
struct Served(Option<Connection>);

/// Tells the shards of the end, however it came.
struct Farewell {
    link: Arc<Link>,
    /// The lost flow in whose place it was opened.
    instead_of: Option<Flow>,
    is_up: bool,
    house: Arc<House>,
    shards: Arc<[Handle<ShardActor>]>,
}

impl Connection {
    /// One that a peer has opened.
    pub fn accepted(stream: StdStream, place: Place, house: &Arc<House>, arbiters: &Arbiters) -> Self {
        Self::new(Some(stream), place, None, house, arbiters)
    }

    /// One that is to be opened, in the place of a flow that was lost or for its own sake.
    pub fn dialled(place: Place, instead_of: Option<Flow>, house: &Arc<House>, arbiters: &Arbiters) -> Self {
        Self::new(None, place, instead_of, house, arbiters)
    }

    fn new(
        accepted: Option<StdStream>,
        mut place: Place,
        instead_of: Option<Flow>,
        house: &Arc<House>,
        arbiters: &Arbiters,
    ) -> Self {
        let (house, shards) = (Arc::clone(house), Arc::clone(&arbiters.shards));
        let link = Arc::clone(place.link());
        let farewell = Farewell {
            link,
            instead_of,
            is_up: false,
            house: Arc::clone(&house),
            shards: Arc::clone(&shards),
        };
        Self { accepted, waiting: place.take_waiting(), place, house, shards, farewell }
    }

    async fn serve(mut self) {
        let flow = self.place.link().flow().clone();
        let accepted = self.accepted.take();
        let is_ours = accepted.is_none();
        let ending = self.begin(accepted, &flow).await.unwrap_or_else(Ending::Broken);
        if is_ours && !self.farewell.is_up {
            // Whoever configured the peer wants to know why it cannot be reached.
            return tracing::warn!(remote = %flow.remote, transport = %flow.transport, %ending, "cannot connect");
        }
        tracing::debug!(remote = %flow.remote, transport = %flow.transport, %ending, "a connection is over");
    }

    async fn begin(&mut self, accepted: Option<StdStream>, flow: &Flow) -> io::Result<Ending> {
        let is_stranger = accepted.is_some();
        let stream = match accepted {
            Some(stream) => {
                let stream = TcpStream::from_std(stream)?;
                tcp::prepare(&stream)?;
                stream
            }
            None => tcp::connect(flow.remote).await?,
        };
        if flow.transport != Transport::Tls {
            return Ok(self.run(stream, is_stranger).await);
        }
        let limit = self.house.connections.limits().handshake;
        let too_slow = |_| io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake takes too long");
        if is_stranger {
            let Some(acceptor) = self.house.tls.acceptor() else {
                return Err(io::Error::new(io::ErrorKind::NotFound, "there is no certificate"));
            };
            let stream = tokio::time::timeout(limit, acceptor.accept(stream)).await.map_err(too_slow)??;
            return Ok(self.run(stream, is_stranger).await);
        }
        let name = flow.name.clone().unwrap_or_else(|| flow.remote.ip().to_string());
        let Some((connector, name)) = self.house.tls.connector(&name) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no certificate can bear this name"));
        };
        let connected = tokio::time::timeout(limit, connector.connect(name, stream)).await;
        Ok(self.run(connected.map_err(too_slow)??, is_stranger).await)
    }

    async fn run(&mut self, stream: impl AsyncRead + AsyncWrite, is_stranger: bool) -> Ending {
        self.farewell.is_up = true;
        let Some(waiting) = self.waiting.take() else { return Ending::Dismissed };
        let (house, shards, link) = (&self.house, &self.shards, self.place.link());
        let clock = house.clock.as_ref();
        let patience = Patience::new(house.connections.limits(), is_stranger, clock.now());
        let service = Service { link, waiting, patience, clock };
        service.run(stream, async |message| take(message, link.flow(), house, shards).await).await
    }
}

/// Hands a message to its shard, and waits while that has no room.
async fn take(bytes: Bytes, flow: &Flow, house: &House, shards: &[Handle<ShardActor>]) -> bool {
    let Some(shard) = shards.get(shard_of(call_id_of(&bytes).unwrap_or_default(), shards.len())) else {
        return false;
    };
    let mut mail = Datagram { bytes, flow: flow.clone(), arrived: house.clock.now() };
    for _ in 0..TRIES {
        match shard.offer(mail) {
            Ok(()) => return true,
            Err((_, back)) => mail = back,
        }
        tokio::time::sleep(FULL_MAILBOX_PAUSE).await;
    }
    house.load.shed.fetch_add(1, Ordering::Relaxed);
    false
}

impl Actor for Served {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let connection = self.0.take();
        let served = async move {
            if let Some(connection) = connection {
                connection.serve().await;
            }
        };
        ctx.spawn(served.into_actor(self).map(|(), _, ctx| ctx.terminate()));
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(remote = %self.link.flow().remote, "a connection panicked");
        }
        let Self { link, instead_of, is_up, house, shards } = self;
        if let Some(lost) = instead_of.as_ref().filter(|_| !*is_up) {
            house.registrar.flow_failed(lost);
        }
        for flow in instead_of.iter().chain([link.flow()]) {
            for shard in shards.iter() {
                if let Err(error) = shard.try_send(ShardMail::Lost(Box::new(flow.clone()))) {
                    tracing::debug!(%error, "a shard was not told of a connection that is over");
                }
            }
        }
    }
}
