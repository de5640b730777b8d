//! What a session counts, as plain numbers.
//! Must never be shared by reference with the fast path: it is copied out.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Counters and quality of one session since it opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stats {
    /// Synchronisation source of what is sent.
    pub ssrc: u32,
    /// Synchronisation source of what is received, once there is one.
    pub remote_ssrc: Option<u32>,
    /// Where packets come from, once learnt.
    pub locked: Option<SocketAddr>,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Octets of payload sent.
    pub octets_sent: u64,
    /// RTP packets received from the locked source, duplicates among them.
    pub packets_received: u64,
    /// Octets of payload received.
    pub octets_received: u64,
    /// Packets that never came (RFC 3550 §A.3).
    pub lost: u64,
    /// Packets that came more than once.
    pub duplicates: u64,
    /// Packets from strangers, dropped.
    pub foreign: u64,
    /// Packets that were no RTP or of a payload type not agreed, dropped.
    pub unusable: u64,
    /// Packets that the socket refused to send.
    pub unsent: u64,
    /// Interarrival jitter in microseconds (RFC 3550 §6.4.1).
    pub jitter_us: u32,
    /// The longest time between two packets in a row while audio was expected, in milliseconds.
    pub max_gap_ms: u32,
    /// Round trip by RTCP, in microseconds.
    pub round_trip_us: Option<u32>,
    /// Loss that the other end reports, in 1/256 of the packets since its last report.
    pub remote_fraction_lost: Option<u8>,
    /// Jitter that the other end reports, in microseconds.
    pub remote_jitter_us: Option<u32>,
}

/// Packets and octets of payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Traffic {
    pub(super) packets: u64,
    pub(super) octets: u64,
}

impl Traffic {
    pub(super) const fn count(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }
}

/// What the session itself counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Counters {
    pub(super) sent: Traffic,
    pub(super) received: Traffic,
    pub(super) foreign: u64,
    pub(super) unusable: u64,
    pub(super) unsent: u64,
}
