//! What a leg is made from: everything that the edge found out before the leg begins.
//! It must never hold a handle, a socket or a clock.

use trunkline_media::codec::Codec;
use trunkline_media::moment::Moment;
use trunkline_media::port::Lease;

use super::media::MediaSide;
use super::path::Path;
use super::presses::Presses;
use super::{Core, Facts, Remarks};
use crate::ids::{CallId, LegId, Minter, shard_of};
use crate::sip::auth::Login;
use crate::sip::dialog::SessionPolicy;
use crate::sip::endpoint::ServerKey;
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderName, NameAddr, Request, Uri};
use crate::sip::transaction::Timing;
use crate::supervision::machine::{Mail, Party};

/// The place of a call among the shards: Call-IDs of its legs are minted so that they hash to it.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// Which shard.
    pub shard: usize,
    /// Of how many.
    pub of: usize,
}

impl Seat {
    /// A new Call-ID that this shard owns.
    pub fn call_id(self, minter: &mut Minter, host: &str) -> String {
        // One draw in `of` fits; a thousand draws without a hit do not happen with a sound hash.
        let draw = |minter: &mut Minter| format!("{}@{host}", minter.token());
        let mut call_id = draw(minter);
        for _ in 0..1000 {
            if shard_of(&call_id, self.of) == self.shard {
                break;
            }
            call_id = draw(minter);
        }
        call_id
    }
}

/// What both directions need.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The new leg.
    pub id: LegId,
    /// Its call.
    pub call: CallId,
    /// Which user of ours is at the far end: one who has proved it, or whose telephones are called.
    pub owner: Option<String>,
    /// Secret randomness for its names.
    pub seed: [u8; 16],
    /// Ports for its media.
    pub lease: Lease,
    /// The address of those ports as the far end sees it.
    pub media_ip: std::net::IpAddr,
    /// Codecs by preference.
    pub codecs: Vec<Codec>,
    /// How long no media may come before the leg is ended; `None`: for ever.
    pub media_timeout: Option<std::time::Duration>,
    /// The timers of SIP.
    pub timing: Timing,
    /// How long a session lasts without a refresh.
    pub session: SessionPolicy,
    /// Whether the far end's word on who calls is taken, and whether it may know who wants to stay unknown (RFC 3325).
    pub is_trusted: bool,
    /// When it begins.
    pub began: Moment,
}

/// A caller's leg.
#[derive(Clone, Debug)]
pub struct InboundSpec {
    /// What both directions need.
    pub basis: Basis,
    /// The INVITE.
    pub invite: Request,
    /// Its server transaction.
    pub key: ServerKey,
    /// The way back to the caller.
    pub path: Path,
}

/// Somebody to send an INVITE to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The Request-URI.
    pub uri: Uri,
    /// The way to it.
    pub path: Path,
    /// The address of our media ports as it sees it: one telephone may be in the house, the next one outside.
    pub media_ip: std::net::IpAddr,
    /// How it knows us, should it ask.
    pub login: Option<Login>,
}

/// A leg that calls.
#[derive(Clone, Debug)]
pub struct OutboundSpec {
    /// What both directions need.
    pub basis: Basis,
    /// Where the call sits.
    pub seat: Seat,
    /// Who calls, without tag.
    pub from: NameAddr,
    /// Whether the caller wants to stay unknown to whom is not trusted.
    pub is_private: bool,
    /// Who is called.
    pub to: NameAddr,
    /// Further headers of the INVITE: what a script says to whom it calls.
    pub headers: Vec<(HeaderName, String)>,
    /// All of them ring at once; the first answer wins. At least one.
    pub targets: Vec<Target>,
    /// What is left of the caller's Max-Forwards, already lowered.
    pub max_forwards: u8,
}

impl Basis {
    pub(super) fn core(self, peer: String, flow: Option<&Flow>) -> Core {
        let address = flow.map_or_else(|| ([0, 0, 0, 0], 0).into(), |flow| flow.remote);
        let mut minter = Minter::new(self.seed);
        let media = MediaSide::new(
            &mut minter,
            self.id,
            self.lease,
            self.media_ip,
            self.codecs,
            self.media_timeout,
            address,
        );
        Core {
            id: self.id,
            call: self.call,
            peer,
            owner: self.owner,
            transport: flow.map(|flow| flow.transport.clone()),
            began: self.began,
            minter,
            media,
            timing: self.timing,
            session: self.session,
            proofs: None,
            facts: Facts::default(),
            remarks: Remarks::default(),
            presses: Presses::default(),
            mail: Mail::new(Party::Leg(self.id)),
        }
    }
}
