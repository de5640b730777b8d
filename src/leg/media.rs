//! The media side of a leg as the leg wants it: a condition that can be said again at any time.
//! It must never hold a socket or audio; it names them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trunkline_media::codec::Codec;
use trunkline_media::moment::Moment;
use trunkline_media::port::Lease;
use trunkline_media::sdp::{Agreed, Capabilities, Local, Negotiation};
use trunkline_media::session::{ClockSeed, Keys};
use trunkline_media::tone::Tone;

use crate::ids::{Generation, LegId, Minter, RecordingSid};

/// What the far end hears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hear {
    /// Nothing.
    #[default]
    Silence,
    /// Another leg.
    Leg(LegId),
    /// A prompt, by the key of its asset.
    Prompt {
        /// Names this playing of it.
        activity: u64,
        /// The key of the audio.
        asset: String,
        /// How often; 0 means for ever.
        loops: u32,
    },
    /// A signal tone.
    Tone(Tone),
    /// Itself.
    Echo,
}

/// The wish that what the far end says is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taping {
    /// The recording.
    pub recording: RecordingSid,
    /// Names this taping of the leg: the same one goes on, one that ended stays ended.
    pub activity: u64,
    /// How the channels of the recording are kept.
    pub layout: Layout,
    /// Which channel the leg is, from 0.
    pub channel: u8,
    /// When the recording began.
    pub origin: Moment,
    /// Silence that ends it.
    pub silence: Option<Duration>,
    /// The longest that it may last.
    pub limit: Option<Duration>,
}

/// How the channels of a recording are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One channel, whatever the number of legs: they are added.
    Mono,
    /// The caller on channel 0, the callee on 1.
    Dual,
}

/// The condition that the media side shall be in.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// The session is open, and like this.
    Open {
        /// Whose session.
        leg: LegId,
        /// Which generation of the leg says so.
        generation: Generation,
        /// Its ports.
        lease: Lease,
        /// Where its output clock begins, once for its life.
        clock: ClockSeed,
        /// What offer and answer agreed on.
        agreed: Option<Box<Agreed>>,
        /// Counts offer/answer rounds: each opens the window in which the peer's address is learnt.
        round: u32,
        /// What it sends.
        hear: Hear,
        /// Keys that are sent ahead of that.
        keys: Option<Keys>,
        /// Who records what the far end says.
        taping: Option<Box<Taping>>,
        /// Silence that ends the leg.
        timeout: Option<Duration>,
    },
    /// The session is closed.
    Closed {
        /// Whose session.
        leg: LegId,
    },
}

/// The media side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MediaSide {
    /// Its ports, held until the leg's final end.
    pub lease: Lease,
    /// What the far end shall hear.
    pub hear: Hear,
    /// Keys that are sent to it ahead of that: the latest, sent or not.
    #[serde(default)]
    pub keys: Option<Keys>,
    /// Who records what it says.
    #[serde(default)]
    pub taping: Option<Taping>,
    /// The far end's signalling address, for the log.
    pub peer: SocketAddr,
    /// The negotiation that every dialog of this leg starts from.
    pub negotiation: Negotiation,
    clock: ClockSeed,
    agreed: Option<Agreed>,
    round: u32,
    timeout: Option<Duration>,
    closed: bool,
}

/// Our ports, in the eyes of somebody who sees this address.
fn local(lease: &Lease, advertised: IpAddr) -> Local {
    Local {
        rtp: SocketAddr::new(advertised, lease.port),
        rtcp: SocketAddr::new(advertised, lease.port.saturating_add(1)),
    }
}

impl MediaSide {
    /// Our first offer to somebody who sees our ports at this address, and the negotiation that has it out.
    pub(super) fn offer(&self, advertised: IpAddr) -> (Negotiation, Bytes) {
        let mut negotiation = self.negotiation.clone();
        negotiation.relocate(local(&self.lease, advertised));
        // A fresh negotiation has no offer out and none came: it can always make one.
        let offer = negotiation.offer().unwrap_or_default();
        (negotiation, offer)
    }

    pub(super) fn new(
        minter: &mut Minter,
        leg: LegId,
        lease: Lease,
        advertised: IpAddr,
        codecs: Vec<Codec>,
        timeout: Option<Duration>,
        peer: SocketAddr,
    ) -> Self {
        let local = local(&lease, advertised);
        let capabilities = Capabilities { codecs, telephone_event: true, ptime_ms: 20 };
        let draw = minter.number();
        let [a, b, c, d, e, f, g, h] = draw.to_be_bytes();
        let clock = ClockSeed {
            ssrc: u32::from_be_bytes([a, b, c, d]),
            // A start below 2^15 keeps the rollover of a later SRTP unambiguous (RFC 3711 §3.3.1).
            sequence: u16::from_be_bytes([e & 0x7f, f]),
            timestamp: u32::from_be_bytes([g, h, a, b]),
        };
        Self {
            lease,
            hear: Hear::Silence,
            keys: None,
            taping: None,
            peer,
            // Stays below 2^62: some peers read the session id as a signed number.
            negotiation: Negotiation::new(leg.session_bits() >> 2, local, capabilities),
            clock,
            agreed: None,
            round: 0,
            timeout,
            closed: false,
        }
    }

    /// A round of offer and answer ended with this.
    pub fn agree(&mut self, agreed: &Agreed) {
        self.agreed = Some(agreed.clone());
        self.round += 1;
    }

    /// What was agreed last.
    pub fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// Whether we would be told if nothing came from the far end any more.
    pub fn tells_silence(&self) -> bool {
        self.timeout.is_some() && self.agreed.as_ref().is_some_and(|agreed| agreed.receive && !agreed.held)
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    pub(super) fn wish(&self, leg: LegId, generation: Generation) -> Wish {
        if self.closed {
            return Wish::Closed { leg };
        }
        Wish::Open {
            leg,
            generation,
            lease: self.lease,
            clock: self.clock,
            agreed: self.agreed.clone().map(Box::new),
            round: self.round,
            hear: self.hear.clone(),
            keys: self.keys.clone(),
            taping: self.taping.clone().map(Box::new),
            timeout: self.timeout,
        }
    }
}
