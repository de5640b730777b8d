//! The network: packets that take their time, may be lost, doubled or refused.
//! It must never be reset: what is on the wire survives every death of the switch.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use trunkline_media::moment::Moment;

/// The switch.
pub const SWITCH: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 5060);

/// What arrives.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// A datagram of a phone, at the switch.
    AtSwitch { from: SocketAddr, bytes: Bytes },
    /// A datagram of the switch, at a phone.
    AtPhone { to: SocketAddr, bytes: Bytes },
    /// Word that nobody listens there (ICMP), at the switch.
    Unreachable(SocketAddr),
}

/// Of a hundred packets.
#[derive(Clone, Copy, Default)]
pub struct Weather {
    pub lost: u64,
    pub doubled: u64,
    /// Milliseconds by which a packet may be late.
    pub late: u64,
}

/// Packets on their way.
pub struct Network {
    flying: BTreeMap<(Moment, u64), Arrival>,
    sent: u64,
    dice: u64,
    pub weather: Weather,
    /// When something was last sent.
    pub last: Moment,
}

impl Network {
    pub fn new(seed: u64) -> Self {
        let dice = seed.wrapping_mul(2).wrapping_add(1);
        Self { flying: BTreeMap::new(), sent: 0, dice, weather: Weather::default(), last: Moment::default() }
    }

    /// A number below `sides` (splitmix64).
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides.max(1)
    }

    /// Sends one packet.
    pub fn send(&mut self, arrival: &Arrival, latency: Duration, now: Moment) {
        self.last = now;
        let Weather { lost, doubled, late } = self.weather;
        let copies = if doubled > 0 && self.roll(100) < doubled { 2 } else { 1 };
        for _ in 0..copies {
            if lost > 0 && self.roll(100) < lost {
                continue;
            }
            let late = if late > 0 { Duration::from_millis(self.roll(late)) } else { Duration::ZERO };
            self.sent += 1;
            self.flying.insert((now + latency + late, self.sent), arrival.clone());
        }
    }

    pub fn next(&self) -> Option<Moment> {
        self.flying.keys().next().map(|(at, _)| *at)
    }

    pub fn take_due(&mut self, now: Moment) -> Option<Arrival> {
        let entry = self.flying.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}
