//! What legs hear and say: orders and reports of their call, notices of the media side, wishes to the world outside.
//! It must never decide anything: these are words.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::codec::Codec;
use trunkline_media::moment::Moment;
use trunkline_media::session::Keys;
use trunkline_media::tap::TapEnd;

use super::media::{Hear, Taping, Wish};
use crate::ids::LegId;
use crate::ops::events::{Cause, Event, Side};
use crate::sip::dispatch::{Delivery, Errand};
use crate::sip::message::{Reason, ReferTo};

/// What a call asks of a leg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Tell the caller that it rings (180).
    Ring,
    /// Let the caller hear something before the answer (183 with an answer).
    Progress,
    /// Answer the caller (200).
    Answer,
    /// Refuse the caller with this status; later than the answer it hangs up.
    Refuse {
        /// 400 to 699.
        status: u16,
        /// For the log.
        cause: Cause,
    },
    /// End the leg, whatever it is doing.
    Hangup {
        /// For the log, and for the Reason header.
        cause: Cause,
    },
    /// To be said with whatever ends the leg, unless its cause says better why.
    Remark(Remarks),
    /// From now on the far end shall hear this.
    Hear(Hear),
    /// These keys shall be sent to the far end; told by [`Report::Pressed`].
    Press(Keys),
    /// From now on what the far end says is recorded, or no longer.
    Tape(Option<Taping>),
    /// How the transfer goes that the far end asked for: 100 to 199, or its end.
    Referred {
        /// The status of the call that it leads to.
        status: u16,
    },
    /// The leg was joined with another one: a line for the log.
    Joined(LegId),
    /// An answered leg shall speak this codec, if its far end agrees.
    Align(Codec),
}

/// The codec of a leg, and those that it could change to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// What is agreed on.
    pub codec: Codec,
    /// Codecs of ours that the far end has offered or accepted.
    pub understood: Vec<Codec>,
}

/// What a leg tells its call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Report {
    /// The far end rings.
    Ringing,
    /// Sound comes before the answer.
    EarlyMedia,
    /// The leg is answered.
    Answered {
        /// What the far end speaks; unknown while its answer to a late offer is on the way.
        voice: Option<Voice>,
        /// What its signalling said.
        #[serde(default)]
        facts: Option<Box<Facts>>,
    },
    /// The far end of an answered leg speaks differently from now on.
    Revoiced(Voice),
    /// The prompt of this activity was played to its end.
    Played {
        /// Names the prompt.
        activity: u64,
    },
    /// The far end pressed a key: once for each press, however it was told.
    Digit {
        /// One of `0-9*#A-D`.
        digit: char,
        /// Which telling came first.
        by: DigitWay,
    },
    /// The far end wants to be replaced by somebody else; told by [`Order::Referred`] what became of it.
    Refer(Box<Refer>),
    /// The keys of this activity were sent.
    Pressed {
        /// Names the sending.
        activity: u64,
    },
    /// The taping of this activity is over.
    Taped {
        /// Names the taping.
        activity: u64,
        /// Why it ended.
        end: TapEnd,
        /// How long the recording was by then.
        length: Duration,
        /// Whether anything was heard.
        voiced: bool,
    },
    /// The leg is over; nothing follows.
    Ended {
        /// Why.
        cause: Cause,
        /// Who wanted it.
        by: Side,
        /// What its signalling said.
        #[serde(default)]
        facts: Option<Box<Facts>>,
    },
}

/// How a far end told that a key was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigitWay {
    /// Among the sound: as an event (RFC 4733), or as a tone.
    Rtp,
    /// By INFO (RFC 2976).
    Info,
}

/// What the signalling of a leg said, for webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The Call-ID of its dialog; of several INVITEs that of the one which decided.
    pub call_id: String,
    /// The final status of the far end; 487 when we gave it up, 408 or 503 when it never answered. None for a caller.
    pub status: Option<u16>,
    /// The address that the answer of a callee came from.
    #[serde(default)]
    pub source: Option<IpAddr>,
    /// `X-…` headers and `User-to-User` of the final answer.
    pub headers: Vec<(String, String)>,
    /// What it said of its end: for the other side of the call.
    #[serde(default)]
    pub remarks: Remarks,
}

/// What a far end says of the end besides its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remarks {
    /// Why (RFC 3326): at most one reason of SIP and one of Q.850.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// In how many seconds it makes sense to try again (RFC 3261 §20.33).
    #[serde(default)]
    pub retry_after: Option<u32>,
}

/// A transfer that is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refer {
    /// Whom the other party shall talk to, and perhaps the dialog that is replaced.
    pub refer_to: ReferTo,
    /// Who says that it is by them (RFC 3892).
    pub by: Option<String>,
    /// Which user of ours asks for it: it is done with the rights of that one.
    #[serde(default)]
    pub owner: Option<String>,
}

/// What the media side tells the leg.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The source of the peer's media is locked.
    Learnt(std::net::SocketAddr),
    /// No media came for too long.
    Timeout,
    /// A prompt ended.
    Played {
        /// Names the prompt.
        activity: u64,
    },
    /// A key was pressed at the far end.
    Digit(char),
    /// Keys were sent.
    KeysSent {
        /// Names the sending.
        activity: u64,
    },
    /// A tap is over.
    Taped {
        /// Names the taping.
        activity: u64,
        /// Why.
        end: TapEnd,
        /// How long the recording was by then.
        length: Duration,
        /// Whether anything was heard.
        voiced: bool,
    },
    /// The session is closed; its figures.
    Closed(Box<Event>),
}

/// What may happen to a leg.
#[derive(Debug)]
pub enum LegInput {
    /// Begin.
    Start,
    /// From the shard.
    Sip(Box<Delivery>),
    /// From the call.
    Order(Order),
    /// From the media side.
    Media(Notice),
    /// Another process than the one that wrote it down has taken it up.
    Readopted(Readopted),
}

/// What a leg has to know that comes back in another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readopted {
    /// When it asks its far end whether that is still there. Many legs that come back at once ask one after the other.
    pub ask_at: Moment,
    /// Where the journal may lack the last that the former self has said: so many numbers and names are skipped.
    pub room: Option<u16>,
}

impl Readopted {
    /// More than any leg says between two commits, and no number that a far end could think wrapped around.
    pub const ROOM: u16 = 1000;
}

/// What a leg writes to others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum LegPost {
    /// To its call.
    Call(Report),
    /// To its shard.
    Shard(Box<Errand>),
}

/// What a leg wants of the world outside.
#[derive(Debug)]
pub enum LegEffect {
    /// The media side shall be like this.
    Media(Wish),
    /// The leg is gone: give back what was leased for it.
    Release(trunkline_media::port::Lease),
}
