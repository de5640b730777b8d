//! The connections that are open: found by their id or by their peer, bounded in all and per source.
//! It must never wait for a peer: what a connection cannot take at once ends it.

mod link;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use dashmap::{DashMap, Entry};
use trunkline_media::moment::Moment;

pub use self::link::{Link, Waiting};
use crate::config;
use crate::sip::flow::Flow;
use crate::sip::message::Transport;

/// The bits of an IPv6 address that one host or household has to itself.
const NETWORK: Ipv6Addr = Ipv6Addr::new(0xffff, 0xffff, 0xffff, 0xffff, 0, 0, 0, 0);

/// The table of connections. Shared by all threads.
#[derive(Debug)]
pub struct Connections {
    limits: config::Connections,
    links: DashMap<u64, Arc<Link>>,
    /// Those that we opened, by whom they lead to.
    peers: DashMap<Peer, u64>,
    /// How many each source has opened.
    sources: DashMap<IpAddr, usize>,
    open: AtomicUsize,
    refused: AtomicUsize,
    next: AtomicU64,
}

/// Whom a connection of ours leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    transport: Transport,
    remote: SocketAddr,
    name: Option<String>,
}

/// Why there is no further connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// As many as there may be are open.
    #[error("sip.connections.total is reached")]
    Total,
    /// This source has as many as it may have.
    #[error("sip.connections.per_source is reached")]
    Source,
}

/// A place in the table, held for as long as the connection is there.
pub struct Place {
    table: Arc<Connections>,
    link: Arc<Link>,
    waiting: Option<Waiting>,
    source: Option<IpAddr>,
}

/// What [`Connections::to`] has found or made.
#[derive(Debug)]
pub enum Way {
    /// It is open, or is being opened.
    There(Arc<Link>),
    /// It is to be opened by whoever gets this.
    New(Place),
}

impl Connections {
    /// An empty table. Ids go on from `first`, which is to be random: those of an earlier process must mean nothing
    /// here.
    pub fn new(limits: config::Connections, first: u64) -> Self {
        Self {
            limits,
            links: DashMap::new(),
            peers: DashMap::new(),
            sources: DashMap::new(),
            open: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            next: AtomicU64::new(first),
        }
    }

    /// The bounds in force.
    pub fn limits(&self) -> &config::Connections {
        &self.limits
    }

    /// A place for a connection that a peer has opened.
    ///
    /// # Errors
    /// It is one too many, and to be closed.
    pub fn accept(
        self: &Arc<Self>,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<Place, Refusal> {
        let source = source_of(remote.ip());
        let mut count = self.sources.entry(source).or_insert(0);
        let taken = if *count >= self.limits.per_source { Err(Refusal::Source) } else { self.take() };
        if taken.is_ok() {
            *count += 1;
        }
        let is_nobodys = *count == 0;
        drop(count);
        if is_nobodys {
            self.sources.remove_if(&source, |_, count| *count == 0);
        }
        taken.inspect_err(|_| self.note_refused())?;
        Ok(self.place(Flow { transport, connection: None, ..Flow::udp(local, remote) }, Some(source)))
    }

    /// The connection to where a flow without an id leads: the one that is open, or a place for a new one.
    ///
    /// # Errors
    /// It would be one too many.
    pub fn to(self: &Arc<Self>, flow: &Flow) -> Result<Way, Refusal> {
        let entry = match self.peers.entry(Peer::of(flow)) {
            Entry::Occupied(known) => match self.link(*known.get()) {
                Some(link) => return Ok(Way::There(link)),
                None => Entry::Occupied(known),
            },
            vacant => vacant,
        };
        self.take().inspect_err(|_| self.note_refused())?;
        let place = self.place(flow.clone(), None);
        entry.insert(place.link.id());
        Ok(Way::New(place))
    }

    /// Gives a message to the connection of its flow, if that is there. `false`: it is not, or it does not take it and
    /// is closed for that.
    pub fn offer(&self, flow: &Flow, bytes: Bytes) -> bool {
        let id = flow.connection.or_else(|| self.peers.get(&Peer::of(flow)).map(|id| *id));
        id.and_then(|id| self.link(id)).is_some_and(|link| link.offer(bytes))
    }

    /// An open connection.
    pub fn link(&self, id: u64) -> Option<Arc<Link>> {
        self.links.get(&id).map(|link| Arc::clone(&link))
    }

    /// Whether the connection of this flow is open.
    pub fn is_open(&self, flow: &Flow) -> bool {
        flow.connection.is_some_and(|id| self.links.contains_key(&id))
    }

    /// A telephone is registered by this flow until then: its connection may be quiet.
    pub fn hold(&self, flow: &Flow, until: Moment) {
        if let Some(link) = flow.connection.and_then(|id| self.link(id)) {
            link.hold(until);
        }
    }

    /// Ends the connection of this flow.
    pub fn close(&self, flow: &Flow) {
        if let Some(link) = flow.connection.and_then(|id| self.link(id)) {
            link.close();
        }
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// How many were one too many.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    fn take(&self) -> Result<(), Refusal> {
        let more = |open| (open < self.limits.total).then_some(open + 1);
        self.open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .map(drop)
            .map_err(|_| Refusal::Total)
    }

    fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn place(self: &Arc<Self>, flow: Flow, source: Option<IpAddr>) -> Place {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (link, waiting) = Link::new(Flow { connection: Some(id), ..flow }, id);
        let link = Arc::new(link);
        self.links.insert(id, Arc::clone(&link));
        Place { table: Arc::clone(self), link, waiting: Some(waiting), source }
    }
}

impl Peer {
    fn of(flow: &Flow) -> Self {
        Self { transport: flow.transport.clone(), remote: flow.remote, name: flow.name.clone() }
    }
}

impl Place {
    /// The connection as others see it.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// What others have given it to send. There is one reader: asked again, there is none.
    pub fn take_waiting(&mut self) -> Option<Waiting> {
        self.waiting.take()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let id = self.link.id();
        self.table.links.remove(&id);
        if let Some(source) = self.source {
            if let Some(mut count) = self.table.sources.get_mut(&source) {
                *count = count.saturating_sub(1);
            }
            self.table.sources.remove_if(&source, |_, count| *count == 0);
        } else {
            self.table.peers.remove_if(&Peer::of(self.link.flow()), |_, present| *present == id);
        }
        self.table.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place")
            .field("link", &self.link)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// What counts as one source: a host, or the network that it can choose its address from.
fn source_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & NETWORK.to_bits())),
        v4 => v4,
    }
}
