//! The source lock: from where a session accepts packets, learnt once per round of offer and answer.
//! Must never let a stranger in: outside of its window only silence and the old source open it again.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;

/// Packets that must agree before an address other than the signalled one is believed.
const AGREEING: u8 = 3;
/// The time within which they must come.
const AGREEMENT: Duration = Duration::from_millis(200);
/// The silence after which a source may come back from a new address, or an old one counts as not moving.
const SILENCE: Duration = Duration::from_secs(2);
/// Addresses that are looked at side by side.
const CANDIDATES: usize = 4;

/// What the lock says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes from the locked source.
    Accepted,
    /// It comes from the source that is locked from now on.
    Learnt,
    /// It may become the source; dropped until it is sure.
    Pending,
    /// It has no business here.
    Stranger,
}

/// From where packets are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLock {
    /// The last address from a session description that names a host.
    signalled: Option<SocketAddr>,
    round: Option<u32>,
    held: Option<Held>,
    window: Option<Window>,
    candidates: [Option<Candidate>; CANDIDATES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    address: SocketAddr,
    ssrc: u32,
    last: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    opened: Moment,
    /// Whether the signalled address differs from the round before.
    moved: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Candidate {
    address: SocketAddr,
    ssrc: u32,
    first: Moment,
    count: u8,
}

impl SourceLock {
    /// Opens the window for a round of offer and answer; the same round twice changes nothing.
    pub fn open(&mut self, round: u32, signalled: SocketAddr, now: Moment) {
        // A hold by 0.0.0.0 says nothing about where the other end is.
        let named = is_reachable(&signalled).then_some(signalled).or(self.signalled);
        let moved = named != self.signalled;
        if self.round == Some(round) && !moved {
            return;
        }
        self.round = Some(round);
        self.signalled = named;
        self.window = Some(Window { opened: now, moved });
        self.candidates = [None; CANDIDATES];
    }

    /// Judges a packet of an agreed payload type.
    pub fn judge(&mut self, from: SocketAddr, ssrc: u32, now: Moment) -> Verdict {
        if let Some(held) = &mut self.held
            && held.address == from
        {
            (held.ssrc, held.last) = (ssrc, now);
            // Whoever has not moved, or still has not, is where it stays.
            if self.window.is_some_and(|window| !window.moved || now.since(window.opened) >= SILENCE) {
                self.window = None;
            }
            return Verdict::Accepted;
        }
        if self.window.is_some() && self.signalled == Some(from) {
            return self.learn(from, ssrc, now);
        }
        let returns = |held: Held| held.ssrc == ssrc && now.since(held.last) >= SILENCE;
        if self.window.is_none() && !self.held.is_some_and(returns) {
            return Verdict::Stranger;
        }
        if self.agreeing(from, ssrc, now) >= AGREEING {
            return self.learn(from, ssrc, now);
        }
        Verdict::Pending
    }

    /// The locked source.
    pub fn address(&self) -> Option<SocketAddr> {
        self.held.map(|held| held.address)
    }

    /// Where packets go: to the locked source, or to the signalled address until one is learnt.
    pub fn destination(&self) -> Option<SocketAddr> {
        let left = self.window.is_some_and(|window| window.moved);
        self.address().filter(|_| !left).or(self.signalled)
    }

    fn learn(&mut self, address: SocketAddr, ssrc: u32, now: Moment) -> Verdict {
        self.held = Some(Held { address, ssrc, last: now });
        self.window = None;
        self.candidates = [None; CANDIDATES];
        Verdict::Learnt
    }

    /// How many packets this address has sent lately, this one included.
    fn agreeing(&mut self, address: SocketAddr, ssrc: u32, now: Moment) -> u8 {
        let fresh = |candidate: &Candidate| now.since(candidate.first) <= AGREEMENT;
        let known = self.candidates.iter_mut().flatten().find(|known| known.address == address);
        if let Some(known) = known {
            if known.ssrc != ssrc || !fresh(known) {
                *known = Candidate { address, ssrc, first: now, count: 0 };
            }
            known.count += 1;
            return known.count;
        }
        // Who agreed least gives way, the longest known first: noise from many addresses keeps nobody out.
        let standing = |place: &&mut Option<Candidate>| place.map(|known| (known.count, known.first));
        if let Some(place) = self.candidates.iter_mut().min_by_key(standing) {
            *place = Some(Candidate { address, ssrc, first: now, count: 1 });
        }
        1
    }
}

/// Whether packets can be sent there at all.
fn is_reachable(address: &SocketAddr) -> bool {
    !address.ip().is_unspecified() && address.port() != 0
}

#[cfg(test)]
mod tests;
