//! Own addresses: which one a peer sees of the switch, for signalling and for sound (design §5, Addresses).
//! It must never tell a host outside an address that only the inside can reach, if the operator gave another.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use trunkline_media::moment::Moment;

use crate::config::{Advertised, Config, Network};
use crate::supervision::clock::Clock;

/// How long a route is believed: an interface that came or went is noticed within it.
const FRESH: Duration = Duration::from_secs(10);

/// Routes kept at a time. When the table is full it starts anew: a look-up costs four system calls.
const ROUTES: usize = 4_096;

/// Any port: connecting a UDP socket sends nothing.
const ANY_PORT: u16 = 9;

/// Finds the local address of the route to a host.
type LookUp = Box<dyn Fn(IpAddr) -> io::Result<IpAddr> + Send + Sync>;

/// The own addresses, as each peer is to see them. Shared by all threads.
pub struct LocalAddresses {
    told: ArcSwap<Told>,
    clock: Arc<dyn Clock>,
    look_up: LookUp,
    routes: DashMap<IpAddr, Route>,
}

/// What the configuration says.
#[derive(Debug)]
struct Told {
    signalling: Option<Advertised>,
    media: Option<IpAddr>,
    media_sockets: Option<IpAddr>,
    inside: Vec<Network>,
}

#[derive(Clone, Copy, Debug)]
struct Route {
    local: IpAddr,
    until: Moment,
}

impl LocalAddresses {
    /// The addresses that `config` describes, with routes from the kernel.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        Self::with_routes(config, clock, Box::new(kernel_route))
    }

    fn with_routes(config: &Config, clock: Arc<dyn Clock>, look_up: LookUp) -> Self {
        Self { told: ArcSwap::from_pointee(Told::by(config)), clock, look_up, routes: DashMap::new() }
    }

    /// Follows another configuration from now on.
    pub fn adopt(&self, config: &Config) {
        self.told.store(Told::by(config).into());
    }

    /// The local address that packets to `remote` leave from; none if no route leads there.
    pub fn towards(&self, remote: IpAddr) -> Option<IpAddr> {
        let remote = remote.to_canonical();
        let now = self.clock.now();
        let known = self.routes.get(&remote).map(|route| *route);
        if let Some(route) = known.filter(|route| now < route.until) {
            return Some(route.local);
        }
        let local = (self.look_up)(remote).ok()?;
        if self.routes.len() >= ROUTES {
            self.routes.clear();
        }
        self.routes.insert(remote, Route { local, until: now + FRESH });
        Some(local)
    }

    /// The address for Via and Contact towards `remote`, of the socket bound to `listen`. Outside the local
    /// networks it is the configured one, if that is of the peer's family. Where no route leads, it is the loopback
    /// address: nothing sent there leaves anyway.
    pub fn advertised(&self, listen: SocketAddr, remote: IpAddr) -> SocketAddr {
        let remote = remote.to_canonical();
        match self.told.load().signalling.filter(|told| self.is_for(told.ip, remote)) {
            Some(told) => SocketAddr::new(told.ip, told.port.unwrap_or(listen.port())),
            None => SocketAddr::new(self.own(listen.ip(), remote), listen.port()),
        }
    }

    /// The address of a socket bound to `bound` as hosts of no network in particular see it.
    pub fn seen_by_networks(&self, bound: IpAddr) -> IpAddr {
        // Documentation addresses (RFC 5737, RFC 3849): nothing is sent there, the route to them is what counts.
        let far = match bound {
            IpAddr::V4(_) => IpAddr::from([192, 0, 2, 1]),
            IpAddr::V6(_) => IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]),
        };
        self.own(bound, far)
    }

    /// The address to bind RTP sockets to for a session with `remote`: the configured one, if it is of the peer's
    /// family, else that of the route; unspecified where no route leads (yet).
    pub fn media_bind_ip(&self, remote: IpAddr) -> IpAddr {
        let remote = remote.to_canonical();
        let configured = self.told.load().media_sockets.filter(|ip| ip.is_ipv4() == remote.is_ipv4());
        configured.or_else(|| self.towards(remote)).unwrap_or(unspecified(remote))
    }

    /// The address to bind media sockets to that `remote` and any of `others` may reach: that towards all of them, or
    /// every one that we have.
    pub fn media_bind_ip_of(&self, remote: IpAddr, mut others: impl Iterator<Item = IpAddr>) -> IpAddr {
        let bound = self.media_bind_ip(remote);
        let is_one = others.all(|other| self.media_bind_ip(other) == bound);
        if is_one { bound } else { unspecified(remote.to_canonical()) }
    }

    /// The address in session descriptions for `remote`. The rules are those of [`Self::advertised`].
    pub fn media_advertised_ip(&self, remote: IpAddr) -> IpAddr {
        let remote = remote.to_canonical();
        match self.told.load().media.filter(|told| self.is_for(*told, remote)) {
            Some(told) => told,
            None => self.own(self.media_bind_ip(remote), remote),
        }
    }

    /// Whether `remote` sees the own addresses: it is in a local network, or on this host.
    pub fn is_inside(&self, remote: IpAddr) -> bool {
        remote.to_canonical().is_loopback()
            || self.told.load().inside.iter().any(|network| network.contains(remote))
    }

    fn is_for(&self, told: IpAddr, remote: IpAddr) -> bool {
        told.is_ipv4() == remote.is_ipv4() && !self.is_inside(remote)
    }

    /// The address that a socket bound to `bound` has in the eyes of `remote`.
    fn own(&self, bound: IpAddr, remote: IpAddr) -> IpAddr {
        if !bound.is_unspecified() {
            return bound;
        }
        self.towards(remote).unwrap_or(loopback(remote))
    }
}

impl fmt::Debug for LocalAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalAddresses")
            .field("told", &self.told.load())
            .field("routes", &self.routes.len())
            .finish_non_exhaustive()
    }
}

impl Told {
    fn by(config: &Config) -> Self {
        Self {
            signalling: config.sip.advertised,
            media: config.media.advertised,
            media_sockets: config.media.address,
            inside: config.local_networks.ranges.clone(),
        }
    }
}

/// Asks the kernel for the route: a connected UDP socket has its local address, and nothing is sent.
fn kernel_route(remote: IpAddr) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((unspecified(remote), 0))?;
    socket.connect((remote, ANY_PORT))?;
    Ok(socket.local_addr()?.ip())
}

fn unspecified(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn loopback(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}
