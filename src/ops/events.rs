//! The event log: everything that happened to a leg, in order. Callbacks, records and traces are folds of it.
//! It must never be bypassed: nothing else tells what happened.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use crate::ids::LegId;
use crate::sip::message::Transport;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose log.
    pub leg: LegId,
    /// When.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// Who brought something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The far end.
    Peer,
    /// The script or the call that the leg belongs to.
    Switch,
}

/// Why a leg ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// One side hung up an answered call.
    HungUp,
    /// The caller gave up before the answer.
    Cancelled,
    /// The callee was busy.
    Busy,
    /// Nobody answered in time.
    NoAnswer,
    /// The callee declined.
    Declined,
    /// There is no such number or user.
    NotFound,
    /// Another leg answered first.
    AnsweredElsewhere,
    /// The far end did not respond at all.
    Unreachable,
    /// Our 2xx was never acknowledged.
    NoAck,
    /// No media came for too long.
    MediaTimeout,
    /// The sides have no codec in common, or an answer could not be used.
    NotAcceptable,
    /// The switch has no capacity: ports, limits.
    Overloaded,
    /// Another refusal of the far end, with its status.
    Refused(u16),
    /// The switch is taken out of service.
    Maintenance,
    /// The switch failed: an actor went over its restart limit.
    Internal,
}

/// What may happen to a leg.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A call came in.
    Invited {
        /// Who calls.
        from: String,
        /// What was dialled.
        to: String,
    },
    /// Where the call goes, and why.
    Routed {
        /// The script or user chosen.
        target: String,
        /// The reason for it.
        reason: String,
    },
    /// The leg calls somebody.
    Dialled {
        /// Who calls.
        #[serde(default)]
        from: String,
        /// Who is called.
        to: String,
        /// On behalf of which leg.
        parent: LegId,
    },
    /// What carries the messages of this leg.
    Carried {
        /// The transport.
        transport: Transport,
        /// The far end of it.
        #[serde(with = "address")]
        peer: SocketAddr,
    },
    /// A SIP message came.
    Received {
        /// Its start line in short: `INVITE`, `180 Ringing`.
        message: String,
        /// The sequence number and method that it belongs to.
        cseq: String,
        /// From where.
        #[serde(with = "address")]
        peer: SocketAddr,
    },
    /// A SIP message was sent.
    Sent {
        /// Its start line in short.
        message: String,
        /// The sequence number and method that it belongs to.
        cseq: String,
        /// To where.
        #[serde(with = "address")]
        peer: SocketAddr,
    },
    /// One INVITE to one target failed.
    AttemptFailed {
        /// The target's URI.
        target: String,
        /// The final status; 408 where none came.
        status: u16,
    },
    /// The far end rings.
    Ringing,
    /// Sound comes before the answer.
    EarlyMedia,
    /// Answered.
    Answered,
    /// The peer put us on hold.
    Held,
    /// The peer took us back.
    Resumed,
    /// Offer and answer are settled.
    Negotiated {
        /// The codec.
        codec: String,
        /// Where our media goes.
        #[serde(with = "address")]
        media: SocketAddr,
    },
    /// Where the peer's media really comes from.
    MediaLearnt {
        /// The address that is locked now.
        #[serde(with = "address")]
        media: SocketAddr,
    },
    /// Joined with another leg.
    Bridged {
        /// The other one.
        with: LegId,
    },
    /// A callee who has answered was asked, or sent keys, for too long, and is hung up on.
    NotJoined {
        /// The key of the configuration that says how long.
        limit: String,
    },
    /// The far end wants to be replaced: a transfer.
    Referred {
        /// By whom.
        to: String,
    },
    /// What became of a transfer that the far end asked for.
    Transferred {
        /// The status of the call that it led to; 200 if somebody took the far end's place.
        status: u16,
    },
    /// Somebody of another call has come into the far end's place: a transfer that joined the two.
    Replaced {
        /// The other call's leg.
        by: LegId,
    },
    /// No longer joined.
    Unbridged,
    /// The far end ends it, and says why.
    Remarked {
        /// Reasons with the numbers of SIP or Q.850 (RFC 3326).
        reason: String,
    },
    /// A digit was pressed.
    Digit {
        /// One of `0-9*#A-D`.
        digit: char,
    },
    /// A verb of the script began.
    VerbStarted {
        /// Its name.
        verb: String,
        /// What it does, in short.
        detail: String,
    },
    /// A verb of the script ended.
    VerbEnded {
        /// Its name.
        verb: String,
        /// With what.
        outcome: String,
    },
    /// Something is wrong with the script.
    ScriptFinding {
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
        /// Twilio's number for it.
        code: u32,
        /// In words.
        message: String,
    },
    /// A script asked for a document.
    Asked {
        /// Which: a URL without user and overrides, or a file of the dialplan.
        document: String,
    },
    /// The document is there, and runs.
    Obtained {
        /// Where it was found, after redirects.
        document: String,
        /// The status of the answer; none of a file.
        #[serde(default)]
        status: Option<u16>,
        /// How long that took, microseconds.
        #[serde(default)]
        took_us: u64,
    },
    /// The document cannot be had, or is none.
    Unobtained {
        /// Where it was asked for last.
        document: String,
        /// The status of the answer, if there was one.
        #[serde(default)]
        status: Option<u16>,
        /// Twilio's number for what went wrong; a finding says it in words.
        code: u32,
        /// How long that took, microseconds.
        #[serde(default)]
        took_us: u64,
    },
    /// A status callback was posted, or given up.
    Callback {
        /// Where.
        url: String,
        /// Which try, from 1; 0: given up before the first.
        attempt: u32,
        /// The status of the answer, if there was one.
        #[serde(default)]
        status: Option<u16>,
        /// Twilio's number for what went wrong; none: it was delivered.
        #[serde(default)]
        code: Option<u32>,
        /// What went wrong, in words.
        #[serde(default)]
        message: String,
        /// How long the try took, microseconds.
        #[serde(default)]
        took_us: u64,
    },
    /// An actor of this leg panicked.
    Panicked {
        /// Which.
        actor: String,
        /// With what.
        message: String,
    },
    /// An actor of this leg was brought back from its snapshot.
    Restored {
        /// Which.
        actor: String,
        /// How often by now.
        generation: u64,
    },
    /// What the media was like, at the end.
    Quality {
        /// Packets that came and were used.
        received: u64,
        /// Packets that were sent.
        sent: u64,
        /// Packets that never came.
        lost: u64,
        /// Interarrival jitter (RFC 3550 §6.4.1), microseconds.
        jitter_us: u64,
        /// Packets of strangers, dropped.
        foreign: u64,
    },
    /// The end, told once.
    Ended {
        /// Why.
        cause: Cause,
        /// Who wanted it.
        by: Side,
    },
}

impl Event {
    /// Whether it happens once to a leg, and its record depends on it: however long a log grows, this stays in it.
    pub fn is_milestone(&self) -> bool {
        matches!(self, Event::Invited { .. } | Event::Dialled { .. } | Event::Answered | Event::Ended { .. })
    }
}

/// Addresses as text in every format: a tagged event is read by way of a buffer that no longer knows whether the
/// format is one for people, in which addresses are text, or not.
mod address {
    use std::net::SocketAddr;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(address: &SocketAddr, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(address)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_from_a_format_for_people_and_from_one_that_is_not() {
        let peer = SocketAddr::from(([198, 51, 100, 7], 5060));
        let event = Event::Sent { message: "INVITE".to_owned(), cseq: "1 INVITE".to_owned(), peer };
        let line = Entry { leg: LegId::from_bytes([7; 16]), at: Moment::from_micros(5), event };
        let json = serde_json::to_string(&line).expect("written");
        assert_eq!(serde_json::from_str::<Entry>(&json).expect("read"), line);
        let mut bytes = Vec::new();
        ciborium::into_writer(&line, &mut bytes).expect("written");
        assert_eq!(ciborium::from_reader::<Entry, _>(bytes.as_slice()).expect("read"), line);
    }
}
