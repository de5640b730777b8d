//! The port table: which RTP and RTCP ports are leased, with their sockets, and which rest.
//! Must never close a socket that is leased: workers come and go, ports stay.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use socket2::SockRef;

use crate::moment::Moment;

/// Expedited forwarding (RFC 3246), in the upper six bits: the class of voice (RFC 4594 §4.1).
const EXPEDITED: u32 = 46 << 2;

/// The ports that may be used, both ends included; RTP takes the even ones, RTCP the odd ones above them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    /// The lowest port.
    pub first: u16,
    /// The highest port.
    pub last: u16,
}

impl PortRange {
    /// The lowest even port of a pair in the range.
    fn lowest(self) -> u32 {
        u32::from(self.first).next_multiple_of(2)
    }

    /// How many pairs of an even and the next odd port the range holds.
    pub fn pairs(self) -> usize {
        (u32::from(self.last) + 1).saturating_sub(self.lowest()) as usize / 2
    }

    /// The even port of the pair at `index`, counted around the range.
    fn port(self, index: u64) -> Option<u16> {
        let pairs = self.pairs() as u64;
        let place = index.checked_rem(pairs)?;
        u16::try_from(u64::from(self.lowest()) + 2 * place).ok()
    }
}

/// A pair of ports that belongs to one session until it is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The local address that the sockets are bound to.
    pub ip: IpAddr,
    /// The even RTP port; RTCP has the next.
    pub port: u16,
}

impl Lease {
    /// Where the session receives RTP.
    pub const fn rtp(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }

    /// Where the session receives RTCP.
    pub const fn rtcp(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port.saturating_add(1))
    }
}

/// The two sockets of a session, not blocking.
#[derive(Debug)]
pub struct PortPair {
    /// Bound to the even port.
    pub rtp: UdpSocket,
    /// Bound to the odd port above.
    pub rtcp: UdpSocket,
}

impl PortPair {
    fn bind(lease: &Lease) -> std::io::Result<PortPair> {
        let pair = PortPair { rtp: UdpSocket::bind(lease.rtp())?, rtcp: UdpSocket::bind(lease.rtcp())? };
        pair.prepare(lease)?;
        Ok(pair)
    }

    /// Sets the options of both sockets.
    fn prepare(&self, lease: &Lease) -> std::io::Result<()> {
        for socket in [&self.rtp, &self.rtcp] {
            socket.set_nonblocking(true)?;
            // Networks that know no classes ignore this, and some hosts forbid it.
            let _ = match lease.ip {
                IpAddr::V4(_) => SockRef::from(socket).set_tos_v4(EXPEDITED),
                IpAddr::V6(_) => SockRef::from(socket).set_tclass_v6(EXPEDITED),
            };
        }
        Ok(())
    }
}

/// Whoever lets leased sockets outlive the process. Neither call may wait.
pub trait Custody: Send + Sync {
    /// A pair was leased with new sockets.
    fn leased(&self, lease: &Lease, sockets: &PortPair);

    /// A lease was given back: its sockets are not to outlive it.
    fn released(&self, lease: &Lease);
}

/// Sockets that nobody else holds.
struct NoCustody;

impl Custody for NoCustody {
    fn leased(&self, _: &Lease, _: &PortPair) {}

    fn released(&self, _: &Lease) {}
}

/// No pair of ports is free on this address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no free media ports on {ip}")]
pub struct PortsExhausted {
    /// The address asked for.
    pub ip: IpAddr,
}

enum Pair {
    Leased(Arc<PortPair>),
    Resting(Moment),
}

struct Ledger {
    pairs: HashMap<Lease, Pair>,
    draw: u64,
}

/// All media ports of the process.
pub struct PortTable {
    range: PortRange,
    rest: Duration,
    ledger: Mutex<Ledger>,
    custody: Arc<dyn Custody>,
}

impl PortTable {
    /// A table with nothing leased; a released pair is not leased again before `rest` has passed.
    pub fn new(range: PortRange, rest: Duration) -> Self {
        let ledger = Mutex::new(Ledger { pairs: HashMap::new(), draw: 0 });
        PortTable { range, rest, ledger, custody: Arc::new(NoCustody) }
    }

    /// The same table, whose leased sockets are told to `custody`.
    pub fn with_custody(self, custody: Arc<dyn Custody>) -> Self {
        PortTable { custody, ..self }
    }

    /// The same table, drawing its ports in an order that follows from `seed`, so that strangers cannot guess them.
    pub fn seeded(self, seed: u64) -> Self {
        self.ledger().draw = seed;
        self
    }

    /// Leases a pair of ports on `ip` and binds its sockets.
    pub fn lease(&self, ip: IpAddr, now: Moment) -> Result<Lease, PortsExhausted> {
        let mut ledger = self.ledger();
        let start = ledger.draw();
        for step in 0..self.range.pairs() as u64 {
            let Some(port) = self.range.port(start.wrapping_add(step)) else { break };
            let lease = Lease { ip, port };
            let free = match ledger.pairs.get(&lease) {
                None => true,
                Some(Pair::Resting(until)) => *until <= now,
                Some(Pair::Leased(_)) => false,
            };
            // A port that somebody else holds is passed over.
            if free && let Ok(sockets) = PortPair::bind(&lease) {
                let sockets = ledger.enter(&lease, sockets);
                drop(ledger);
                self.custody.leased(&lease, &sockets);
                return Ok(lease);
            }
        }
        Err(PortsExhausted { ip })
    }

    /// The sockets of a lease; `None` once it is released.
    pub fn sockets(&self, lease: &Lease) -> Option<Arc<PortPair>> {
        self.ledger().leased(lease)
    }

    /// Takes up a lease of an earlier process: the very same ports, whatever rests, with new sockets.
    pub fn retake(&self, lease: &Lease) -> std::io::Result<Arc<PortPair>> {
        let mut ledger = self.ledger();
        if let Some(sockets) = ledger.leased(lease) {
            return Ok(sockets);
        }
        let sockets = ledger.enter(lease, PortPair::bind(lease)?);
        drop(ledger);
        self.custody.leased(lease, &sockets);
        Ok(sockets)
    }

    /// Takes up a lease of an earlier process with its very sockets, and the packets that wait there. Whoever had
    /// custody of them has it still and is told nothing. If the lease is held already, its present sockets stay.
    ///
    /// # Errors
    /// The sockets are bound to other addresses, or fail.
    pub fn retake_with(&self, lease: &Lease, sockets: PortPair) -> std::io::Result<Arc<PortPair>> {
        for (socket, wanted) in [(&sockets.rtp, lease.rtp()), (&sockets.rtcp, lease.rtcp())] {
            let local = socket.local_addr()?;
            if local != wanted {
                let told = format!("a socket is bound to {local} instead of {wanted}");
                return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, told));
            }
        }
        sockets.prepare(lease)?;
        let mut ledger = self.ledger();
        Ok(ledger.leased(lease).unwrap_or_else(|| ledger.enter(lease, sockets)))
    }

    /// Gives a lease back; doing it twice changes nothing.
    pub fn release(&self, lease: &Lease, now: Moment) {
        let mut ledger = self.ledger();
        if let Some(pair @ Pair::Leased(_)) = ledger.pairs.get_mut(lease) {
            *pair = Pair::Resting(now + self.rest);
            drop(ledger);
            self.custody.released(lease);
        }
    }

    /// How many pairs are leased.
    pub fn leased(&self) -> usize {
        self.leases().len()
    }

    /// Everything that is leased.
    pub fn leases(&self) -> Vec<Lease> {
        let ledger = self.ledger();
        let leased = ledger.pairs.iter().filter(|(_, pair)| matches!(pair, Pair::Leased(_)));
        leased.map(|(lease, _)| *lease).collect()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Each change is one insertion or one assignment: a panic elsewhere leaves nothing half done.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    fn leased(&self, lease: &Lease) -> Option<Arc<PortPair>> {
        match self.pairs.get(lease) {
            Some(Pair::Leased(sockets)) => Some(Arc::clone(sockets)),
            _ => None,
        }
    }

    fn enter(&mut self, lease: &Lease, sockets: PortPair) -> Arc<PortPair> {
        let sockets = Arc::new(sockets);
        self.pairs.insert(*lease, Pair::Leased(Arc::clone(&sockets)));
        sockets
    }

    /// The next number of a splitmix64 sequence.
    fn draw(&mut self) -> u64 {
        self.draw = self.draw.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.draw ^ (self.draw >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests;
