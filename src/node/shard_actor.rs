//! The actor that drives a shard: datagrams and errands in, commit, then letters and messages out.
//! It must never hold state beside the shard, which is rebuilt from its committed pieces.

use std::net::SocketAddr;
use std::rc::Rc;

use actix::{Actor, AsyncContext, Context, Handler, Message, SpawnHandle};
use bytes::Bytes;
use trunkline_media::moment::Moment;

use super::cell::Cell;
use super::hosts::for_leg;
use crate::ids::{Generation, LegId};
use crate::ops::log::Direction;
use crate::sip::dispatch::Errand;
use crate::sip::flow::Flow;
use crate::sip::message::{self, Limits, Rejected};
use crate::sip::shard::{Batch, Shard};
use crate::supervision::machine::{Letter, Party, Receipt};
use crate::supervision::runner::Post;

/// Drives one shard.
pub struct ShardActor {
    shard: Shard,
    cell: Rc<Cell>,
    alarm: Option<(Moment, SpawnHandle)>,
}

/// A message, as it came: a datagram, or one cut out of a stream.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Datagram {
    /// What it says.
    pub bytes: Bytes,
    /// How it came.
    pub flow: Flow,
    /// When.
    pub arrived: Moment,
}

/// What the shard is told besides datagrams.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum ShardMail {
    /// A leg has written.
    Errand(Box<Letter<Errand>>),
    /// Legs have read.
    Receipts,
    /// A leg may have missed something.
    OfferAgain(Party),
    /// A leg will never read this.
    Undeliverable(Party, u64),
    /// A leg is gone.
    Farewell(LegId),
    /// The network says that a peer cannot be reached.
    Unreachable(SocketAddr),
    /// A connection is over, or none could be made to where this leads.
    Lost(Box<Flow>),
}

impl From<Post> for ShardMail {
    fn from(post: Post) -> Self {
        match post {
            Post::Receipts => Self::Receipts,
            Post::OfferAgain { reader } => Self::OfferAgain(reader),
            Post::Undeliverable { reader, number } => Self::Undeliverable(reader, number),
        }
    }
}

impl ShardActor {
    /// The shard as its pieces were committed.
    pub(super) fn restored(cell: Rc<Cell>, generation: Generation) -> Self {
        if generation > Generation::default() {
            cell.suspects.borrow_mut().quarantine();
            cell.discard_staged();
            cell.note_restored(Party::Shard, generation);
        }
        let timing = cell.house.timing();
        let parts = cell.records.borrow().shard_parts();
        let shard = Shard::restore(timing, parts, generation, cell.now());
        Self { shard, cell, alarm: None }
    }

    fn take_receipts(&mut self) {
        for (reader, number) in self.cell.take_receipts(Party::Shard) {
            if let Party::Leg(leg) = reader {
                self.shard.acknowledge(leg, number);
            }
        }
    }

    /// Commit before outputs.
    fn carry_out(&mut self, batch: Batch, ctx: &mut Context<Self>) {
        self.cell.records.borrow_mut().put_shard(batch.changed, batch.gone);
        self.cell.commit_soon();
        self.cell.begin_staged();
        batch.letters.into_iter().for_each(|letter| self.deliver(letter));
        for (flow, bytes) in batch.transmissions {
            self.cell.transmit(flow, bytes);
        }
        self.set_alarm(ctx);
    }

    fn deliver(&self, letter: Letter<crate::sip::shard::Post>) {
        let Party::Leg(leg) = letter.to else { return };
        let way = self.cell.actors.borrow().legs.get(&leg).cloned();
        self.cell.hand(way, letter.to, for_leg(letter));
    }

    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.shard.next_deadline() else { return };
        if let Some((at, handle)) = self.alarm {
            if at <= due {
                return;
            }
            ctx.cancel_future(handle);
        }
        let pause = due.since(self.cell.now());
        let handle = ctx.run_later(pause, |actor, ctx| {
            actor.alarm = None;
            let now = actor.cell.now();
            if actor.shard.next_deadline().is_some_and(|due| due <= now) {
                let batch = actor.shard.on_deadline(&*actor.cell, now);
                actor.carry_out(batch, ctx);
            } else {
                actor.set_alarm(ctx);
            }
        });
        self.alarm = Some((due, handle));
    }
}

impl Actor for ShardActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (cell, now) = (Rc::clone(&self.cell), self.cell.now());
        for (writer, number) in cell.condemned(Party::Shard) {
            if let Party::Leg(leg) = writer {
                self.shard.skip(leg, number);
            }
        }
        let is_here = |leg| cell.records.borrow().legs.contains_key(&leg);
        let farewells = self.shard.forget_departed(is_here, &*cell, now);
        self.carry_out(farewells, ctx);
        let mut batch = self.shard.on_deadline(&*cell, now);
        batch.letters = self.shard.pending(None);
        self.carry_out(batch, ctx);
        self.cell.offer_again_to(Party::Shard);
    }
}

impl Handler<Datagram> for ShardActor {
    type Result = ();

    fn handle(&mut self, datagram: Datagram, ctx: &mut Self::Context) {
        let Datagram { bytes, flow, arrived } = datagram;
        let now = self.cell.now();
        self.cell.lag.set(now.since(arrived));
        self.take_receipts();
        if !self.cell.suspects.borrow_mut().take_datagram_in_hand(fingerprint(&bytes)) {
            return;
        }
        self.cell.house.trace.message(Direction::Received, &flow, &bytes);
        self.cell.house.metrics.received(&bytes);
        let batch = match message::Message::parse(bytes, &Limits::default()) {
            Ok(message) => self.shard.receive(message, flow, &*self.cell, now),
            Err(Rejected::Answer { request, violation }) => {
                self.shard.refuse(*request, &violation, &flow, &*self.cell, now)
            }
            Err(Rejected::KeepAlive) => Batch::default(),
            Err(Rejected::Discard(error)) => {
                tracing::debug!(peer = %flow.remote, %error, "a message is no SIP");
                self.cell.house.connections.close(&flow);
                self.cell.house.load.unreadable.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Batch::default()
            }
        };
        self.carry_out(batch, ctx);
        self.cell.suspects.borrow_mut().put_datagram_down();
    }
}

impl Handler<ShardMail> for ShardActor {
    type Result = ();

    fn handle(&mut self, mail: ShardMail, ctx: &mut Self::Context) {
        let now = self.cell.now();
        let cell = Rc::clone(&self.cell);
        let batch = match mail {
            ShardMail::Errand(letter) => {
                let (writer, number) = (letter.from, letter.number);
                cell.take_in_hand(Party::Shard, writer, number);
                let (receipt, batch) = self.shard.read(*letter, &*cell, now);
                self.carry_out(batch, ctx);
                cell.put_down(Party::Shard);
                if receipt != Receipt::Early {
                    cell.note_receipt(Party::Shard, writer, number);
                }
                return;
            }
            ShardMail::Receipts => return self.take_receipts(),
            ShardMail::OfferAgain(Party::Leg(leg)) => {
                let letters = self.shard.pending(Some(leg));
                return letters.into_iter().for_each(|letter| self.deliver(letter));
            }
            ShardMail::Undeliverable(Party::Leg(leg), number) => {
                self.shard.undeliverable(leg, number, &*cell, now)
            }
            ShardMail::Farewell(leg) => self.shard.forget(leg, &*cell, now),
            ShardMail::Unreachable(remote) => self.shard.transport_failed(remote, &*cell, now),
            ShardMail::Lost(flow) => self.shard.flow_failed(&flow, &*cell, now),
            // Only legs correspond with a shard.
            ShardMail::OfferAgain(_) | ShardMail::Undeliverable(..) => return,
        };
        self.carry_out(batch, ctx);
    }
}

#[cfg(debug_assertions)]
impl Handler<crate::supervision::runner::Poison> for ShardActor {
    type Result = ();

    fn handle(&mut self, _: crate::supervision::runner::Poison, _: &mut Self::Context) {
        panic!("poisoned on demand");
    }
}

impl Cell {
    /// Hands an errand to the shard.
    pub(super) fn hand_to_shard(self: &Rc<Self>, letter: Letter<Errand>) {
        let (writer, shard) = (letter.from, self.actors.borrow().shard.clone());
        let sent = shard.map(|shard| shard.try_send(ShardMail::Errand(Box::new(letter))));
        if matches!(sent, Some(Err(crate::supervision::Undelivered::Full))) {
            self.offer_later(writer, Party::Shard);
        }
    }
}

/// FNV-1a: names a datagram.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
