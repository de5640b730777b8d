//! What the shard's actor does, without the actor.
//! It must never differ from `node::shard_actor` but in that it can be killed at any line.

use std::net::SocketAddr;

use bytes::Bytes;
use trunkline::call::script::ScriptInput;
use trunkline::ids::LegId;
use trunkline::leg::LegInput;
use trunkline::ops::events::{Entry, Event};
use trunkline::sip::message::{Limits, Message, Rejected};
use trunkline::sip::shard::{Batch, Shard};
use trunkline::supervision::machine::{Letter, Party, Receipt};
use trunkline::supervision::runner::{Incoming, Post};
use trunkline::twiml::finding::Finding;

use crate::house::{House, flow};
use crate::parcel::{Parcel, ShardMail};
use crate::records::reborn;
use crate::runner::{Mailed, born};
use crate::world::World;

impl World {
    /// One input of the shard.
    pub fn run_shard(&mut self, mail: ShardMail) {
        if matches!(mail, ShardMail::Start) {
            return self.start_shard();
        }
        let Some(mut shard) = self.live.shard.take() else { return };
        self.step_shard(&mut shard, mail);
        self.live.shard = Some(shard);
        if std::mem::take(&mut self.is_dying) {
            self.kill_shard();
        }
    }

    fn kill_shard(&mut self) {
        self.live.shard = None;
        self.house.discard_staged();
        self.house.reopen_gate();
        self.queue.retain(|parcel| parcel.reader() != Party::Shard);
        self.queue.push_back(Parcel::start(Party::Shard));
    }

    fn start_shard(&mut self) {
        let parts: Vec<_> = self.records.shard.values().map(reborn).collect();
        let mut shard = Shard::restore(House::timing(), parts, self.shard_generation, self.now);
        self.shard_generation = self.shard_generation.next();
        if let Some((Party::Leg(leg), number)) = self.condemned(Party::Shard) {
            shard.skip(leg, number);
        }
        let here = |leg| self.records.legs.contains_key(&leg);
        let departed = shard.forget_departed(here, &self.house, self.now);
        self.carry_out(departed);
        if self.is_fallen {
            return;
        }
        let mut batch = shard.on_deadline(&self.house, self.now);
        batch.letters = shard.pending(None);
        self.carry_out(batch);
        self.live.shard = Some(shard);
        if !self.is_fallen {
            self.offer_again_to(Party::Shard);
        }
    }

    fn step_shard(&mut self, shard: &mut Shard, mail: ShardMail) {
        let now = self.now;
        let batch = match mail {
            ShardMail::Datagram { from, bytes } => {
                self.take_receipts_of_shard(shard);
                self.receive(shard, bytes, from)
            }
            ShardMail::Errand(letter) => return self.read_errand(shard, *letter),
            ShardMail::Post(_) if self.is_dying => return,
            ShardMail::Post(Post::Receipts) => return self.take_receipts_of_shard(shard),
            ShardMail::Post(Post::Undeliverable { reader: Party::Leg(leg), number }) => {
                shard.undeliverable(leg, number, &self.house, now)
            }
            ShardMail::Post(Post::OfferAgain { reader: Party::Leg(leg) }) => {
                return shard.pending(Some(leg)).into_iter().for_each(|letter| self.deliver_to_leg(letter));
            }
            ShardMail::Farewell(leg) => shard.forget(leg, &self.house, now),
            ShardMail::Unreachable(remote) => shard.transport_failed(remote, &self.house, now),
            ShardMail::Alarm => shard.on_deadline(&self.house, now),
            ShardMail::Post(_) | ShardMail::Start => return,
        };
        self.carry_out(batch);
    }

    fn read_errand(&mut self, shard: &mut Shard, letter: Letter<trunkline::sip::dispatch::Errand>) {
        let (writer, number) = (letter.from, letter.number);
        self.take_in_hand(Party::Shard, writer, number);
        self.is_dying |= self.poison == Some((Party::Shard, writer, number));
        let (receipt, batch) = shard.read(letter, &self.house, self.now);
        self.carry_out(batch);
        if !self.is_dying && !self.is_fallen {
            self.put_down(Party::Shard);
        }
        if receipt != Receipt::Early && !self.is_dying && !self.is_fallen {
            self.note_receipt(Party::Shard, writer, number);
        }
    }

    fn take_receipts_of_shard(&mut self, shard: &mut Shard) {
        for (reader, number) in self.take_receipts_of(Party::Shard) {
            if let Party::Leg(leg) = reader {
                shard.acknowledge(leg, number);
            }
        }
    }

    fn receive(&mut self, shard: &mut Shard, bytes: Bytes, from: SocketAddr) -> Batch {
        let (house, flow) = (&self.house, flow(from));
        match Message::parse(bytes, &Limits::default()) {
            Ok(message) => shard.receive(message, flow, house, self.now),
            Err(Rejected::Answer { request, violation }) => {
                shard.refuse(*request, &violation, &flow, house, self.now)
            }
            Err(Rejected::KeepAlive | Rejected::Discard(_)) => Batch::default(),
        }
    }

    /// Commit before outputs; the calls that began in this step are part of the commit.
    fn carry_out(&mut self, batch: Batch) {
        if self.is_dying {
            return;
        }
        let Batch { changed, gone, letters, transmissions } = batch;
        let staged = self.house.take_staged();
        let is_empty = changed.is_empty() && gone.is_empty() && staged.is_empty();
        self.records.put_shard(changed, &gone);
        self.records.bindings = self.house.registrar.snapshot();
        let mut begun = Vec::new();
        for (opening, _) in staged {
            let (leg, events) = born(opening.leg, LegInput::Start, self);
            let (run, script_events) = born(opening.run, ScriptInput::Start, self);
            begun.push((opening.call.id(), leg.id()));
            let findings = self.house.findings.borrow_mut().remove(&leg.id()).unwrap_or_default();
            let found = findings.into_iter().map(|Finding { line, column, code, message }| Entry {
                leg: leg.id(),
                at: self.now,
                event: Event::ScriptFinding { line, column, code, message },
            });
            self.log(found.collect());
            self.log(events);
            self.log(script_events);
            self.records.put_leg(leg);
            self.records.calls.insert(opening.call.id(), opening.call);
            self.records.scripts.insert(run.leg(), run);
        }
        if !is_empty && self.committed() {
            return;
        }
        for (call, leg) in begun {
            self.live.calls.insert(call, None);
            self.live.legs.insert(leg, None);
            self.live.scripts.insert(leg, None);
            for party in [Party::Call(call), Party::Leg(leg), Party::Script(leg)] {
                self.queue.push_back(Parcel::start(party));
            }
        }
        letters.into_iter().for_each(|letter| self.deliver_to_leg(letter));
        for (flow, bytes) in transmissions {
            self.transmit(flow.remote, bytes);
        }
    }

    fn deliver_to_leg(&mut self, letter: Letter<trunkline::sip::shard::Post>) {
        let Letter { from: writer, generation, to, number, body } = letter;
        let Party::Leg(leg) = to else { return };
        let mailed = Mailed::Letter(Incoming { writer, generation, number, input: LegInput::Sip(body) });
        self.hand(Parcel::Leg(leg, mailed), writer, number);
    }

    /// Tells the shard that a leg is gone.
    pub fn bid_farewell(&mut self, leg: LegId) {
        self.queue.push_back(Parcel::Shard(ShardMail::Farewell(leg)));
    }
}
