//! What lies in mailboxes, of every kind of actor.
//! It must never be kept beyond the death of its reader.

use std::net::SocketAddr;

use bytes::Bytes;
use trunkline::call::CallInput;
use trunkline::call::script::ScriptInput;
use trunkline::callbacks::OutboxInput;
use trunkline::ids::{CallId, LegId};
use trunkline::leg::LegInput;
use trunkline::sip::dispatch::Errand;
use trunkline::supervision::machine::{Letter, Party};
use trunkline::supervision::runner::{Incoming, Post};

use crate::runner::Mailed;

/// What waits in the mailboxes, in the order in which it was put there.
#[derive(Debug)]
pub enum Parcel {
    Leg(LegId, Mailed<LegInput>),
    Call(CallId, Mailed<CallInput>),
    Script(LegId, Mailed<ScriptInput>),
    Outbox(CallId, Mailed<OutboxInput>),
    Shard(ShardMail),
}

/// What the shard is told.
#[derive(Debug)]
pub enum ShardMail {
    Start,
    Datagram { from: SocketAddr, bytes: Bytes },
    Errand(Box<Letter<Errand>>),
    Post(Post),
    Farewell(LegId),
    Unreachable(SocketAddr),
    Alarm,
}

impl Parcel {
    pub fn reader(&self) -> Party {
        match self {
            Parcel::Leg(leg, _) => Party::Leg(*leg),
            Parcel::Call(call, _) => Party::Call(*call),
            Parcel::Script(leg, _) => Party::Script(*leg),
            Parcel::Outbox(call, _) => Party::Outbox(*call),
            Parcel::Shard(_) => Party::Shard,
        }
    }

    pub fn start(party: Party) -> Self {
        match party {
            Party::Leg(leg) => Parcel::Leg(leg, Mailed::Start),
            Party::Call(call) => Parcel::Call(call, Mailed::Start),
            Party::Script(leg) => Parcel::Script(leg, Mailed::Start),
            Party::Outbox(call) => Parcel::Outbox(call, Mailed::Start),
            Party::Shard => Parcel::Shard(ShardMail::Start),
        }
    }

    pub fn alarm(party: Party) -> Self {
        match party {
            Party::Leg(leg) => Parcel::Leg(leg, Mailed::Alarm),
            Party::Call(call) => Parcel::Call(call, Mailed::Alarm),
            Party::Script(leg) => Parcel::Script(leg, Mailed::Alarm),
            Party::Outbox(call) => Parcel::Outbox(call, Mailed::Alarm),
            Party::Shard => Parcel::Shard(ShardMail::Alarm),
        }
    }

    /// Nobody repeats a provisional answer: one that is lost with the shard might as well have been lost on its way.
    pub fn is_irreplaceable(&self) -> bool {
        matches!(self, Parcel::Shard(ShardMail::Datagram { bytes, .. }) if bytes.starts_with(b"SIP/2.0 1"))
    }

    /// Reader, writer and number, if it is a letter to a machine.
    pub fn letter(&self) -> Option<(Party, Party, u64)> {
        let (writer, number) = match self {
            Parcel::Leg(_, Mailed::Letter(Incoming { writer, number, .. })) => (writer, number),
            Parcel::Script(_, Mailed::Letter(Incoming { writer, number, .. })) => (writer, number),
            Parcel::Call(_, Mailed::Letter(Incoming { writer, number, .. })) => (writer, number),
            Parcel::Outbox(_, Mailed::Letter(Incoming { writer, number, .. })) => (writer, number),
            Parcel::Shard(ShardMail::Errand(letter)) => (&letter.from, &letter.number),
            _ => return None,
        };
        Some((self.reader(), *writer, *number))
    }

    pub fn is_start(&self) -> bool {
        matches!(
            self,
            Parcel::Leg(_, Mailed::Start)
                | Parcel::Call(_, Mailed::Start)
                | Parcel::Script(_, Mailed::Start)
                | Parcel::Outbox(_, Mailed::Start)
                | Parcel::Shard(ShardMail::Start)
        )
    }
}
