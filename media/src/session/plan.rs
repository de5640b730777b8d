//! The condition wanted of a session: with whom it talks and what it sends.
//! Must never hold progress: applying a plan twice is applying it once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::asset::Asset;
use crate::codec::Codec;
use crate::tap::Tap;
use crate::tone::Tone;

/// Names a session in commands and events; minted by whoever opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub u64);

/// Payload types of telephone events (RFC 4733), which may differ by direction (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTypes {
    /// What we send.
    pub send: u8,
    /// What the other end sends.
    pub receive: u8,
}

/// The other end of a session, as offer and answer agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remote {
    /// Where the other end says that it receives RTP.
    pub rtp: SocketAddr,
    /// Where it says that it receives RTCP; equal to `rtp` when both share a port (RFC 5761).
    pub rtcp: SocketAddr,
    /// The codec of both directions.
    pub codec: Codec,
    /// The number of the codec in what we send.
    pub send_payload_type: u8,
    /// The number of the codec in what the other end sends.
    pub receive_payload_type: u8,
    /// Telephone events, if both ends speak them.
    #[serde(default)]
    pub events: Option<EventTypes>,
    /// Packet time that the other end likes, in milliseconds.
    pub ptime_ms: u32,
}

/// What a session sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Packets of silence, so that carriers and address translators see a living stream.
    Silence,
    /// What another session of the same worker receives.
    Session(SessionId),
    /// What the session itself receives.
    Echo,
    /// A prompt. The same activity goes on where it is; one that ended stays ended.
    Player {
        /// Names this playing among all of the session.
        activity: u64,
        /// What is heard.
        asset: Arc<Asset>,
        /// How often; 0 is for ever.
        loops: u32,
    },
    /// A call progress tone. The same tone goes on where it is.
    Tone(Tone),
}

/// Keys to be sent to the other end, ahead of whatever else is sent: telephone events where they are agreed, tones
/// otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Names this sending among all of the session: the same activity goes on where it is, one that ended stays ended.
    pub activity: u64,
    /// `0-9 A-D # *`; `w` waits half a second, `W` one.
    pub keys: String,
}

/// The condition wanted of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The other end; `None` until offer and answer have met.
    pub remote: Option<Remote>,
    /// The round of offer and answer; a new one opens the window in which the source is learnt.
    pub round: u32,
    /// Whether anything is sent; the output clock goes on regardless.
    pub send: bool,
    /// Whether what comes in is passed on.
    pub receive: bool,
    /// What is sent.
    pub source: Source,
    /// Keys that are sent first.
    pub keys: Option<Keys>,
    /// Who else hears what is received.
    pub tap: Option<Tap>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            remote: None,
            round: 0,
            send: false,
            receive: false,
            source: Source::Silence,
            keys: None,
            tap: None,
        }
    }
}

/// Where an output clock starts; random, from the caller (RFC 3550 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSeed {
    /// Synchronisation source of everything that the session will ever send.
    pub ssrc: u32,
    /// The first sequence number.
    pub sequence: u16,
    /// The first timestamp.
    pub timestamp: u32,
}

impl ClockSeed {
    /// Where a clock that started here `age` ago goes on of which nothing else is known: behind all numbers that it can
    /// have used, at the timestamp of this time.
    pub fn later(self, age: Duration) -> Self {
        // Packets of 10 ms are the shortest in use.
        let packets = u64::try_from(age.as_millis() / 10).unwrap_or(u64::MAX).saturating_add(100);
        let samples = u64::try_from(age.as_micros()).unwrap_or(u64::MAX) / 125;
        Self {
            ssrc: self.ssrc,
            sequence: self.sequence.wrapping_add(packets as u16),
            timestamp: self.timestamp.wrapping_add(samples as u32),
        }
    }
}
