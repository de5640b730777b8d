//! The actor around a machine: feeds it inputs, commits what it became, then lets its outputs leave.
//! It must never hold state that the machine's snapshot lacks.

use std::rc::Rc;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, SpawnHandle};
use trunkline_media::moment::Moment;

use super::machine::{Letter, Machine, Party, Receipt, Turn};
use crate::ids::Generation;
use crate::ops::events::Entry;

/// What a runner needs of the arbiter that it lives on. Nothing here waits.
pub trait Host<M: Machine>: 'static {
    /// The span of what is logged about the machine.
    fn span(&self, machine: &M) -> tracing::Span;
    /// The time.
    fn now(&self) -> Moment;
    /// Keeps the machine as it is now, together with its lines for the event log.
    fn commit(&self, machine: &M, events: Vec<Entry>);
    /// Hands a letter to its reader. What does not arrive is offered again later.
    fn deliver(&self, letter: Letter<M::Post>);
    /// Carries an effect out.
    fn execute(&self, party: Party, effect: M::Effect);
    /// Tells the writer that the reader has committed everything up to `number`.
    fn acknowledge(&self, reader: Party, writer: Party, number: u64);
    /// What readers have acknowledged of the writer's letters since this was last asked: reader and last number.
    fn receipts(&self, writer: Party) -> Vec<(Party, u64)>;
    /// The writer waits for receipts alone: it wants to be told of each.
    fn await_receipts(&self, writer: Party);
    /// The reader is about to handle this letter: should it panic, the letter is suspect.
    fn take_in_hand(&self, reader: Party, writer: Party, number: u64);
    /// The reader has survived what it had in hand.
    fn put_down(&self, reader: Party);
    /// Letters on which earlier generations of the reader panicked too often: they count as read.
    fn condemned(&self, reader: Party) -> Vec<(Party, u64)>;
    /// The machine can be reached: letters that it may have missed can be offered again.
    fn begun(&self, machine: &M);
    /// The machine has nothing left to do.
    fn finished(&self, machine: &M);
}

/// Runs one machine.
pub struct Runner<M: Machine, H: Host<M>> {
    machine: M,
    host: Rc<H>,
    span: tracing::Span,
    alarm: Option<(Moment, SpawnHandle)>,
}

impl<M: Machine, H: Host<M>> Runner<M, H> {
    /// A runner for a machine as it was committed last.
    pub fn new(machine: M, host: Rc<H>) -> Self {
        let span = host.span(&machine);
        Self { machine, host, span, alarm: None }
    }

    fn step(&mut self, ctx: &mut Context<Self>, act: impl FnOnce(&mut M, &mut Turn<M>)) {
        let span = self.span.clone();
        let _logged = span.enter();
        self.take_receipts();
        let mut turn = Turn::at(self.host.now());
        act(&mut self.machine, &mut turn);
        self.conclude(turn, ctx);
    }

    /// Commit before outputs.
    fn conclude(&mut self, turn: Turn<M>, ctx: &mut Context<Self>) {
        self.host.commit(&self.machine, turn.events);
        turn.letters.into_iter().for_each(|letter| self.host.deliver(letter));
        let party = self.machine.party();
        turn.effects.into_iter().for_each(|effect| self.host.execute(party, effect));
        self.set_alarm(ctx);
        self.end_if_finished(ctx);
    }

    fn end_if_finished(&mut self, ctx: &mut Context<Self>) {
        if !self.machine.is_ending() {
            return;
        }
        self.take_receipts();
        if self.machine.is_finished() {
            self.host.finished(&self.machine);
            ctx.stop();
        } else {
            self.host.await_receipts(self.machine.party());
        }
    }

    /// Receipts are no messages: they wait with the host until the writer moves again.
    fn take_receipts(&mut self) {
        for (reader, number) in self.host.receipts(self.machine.party()) {
            self.machine.mail().acknowledge(reader, number);
        }
    }

    /// One timer, moved only forwards: one that rings early finds nothing due and is set again.
    fn set_alarm(&mut self, ctx: &mut Context<Self>) {
        let Some(due) = self.machine.next_deadline() else { return };
        if let Some((at, handle)) = self.alarm {
            if at <= due {
                return;
            }
            ctx.cancel_future(handle);
        }
        let pause = due.since(self.host.now());
        let handle = ctx.run_later(pause, |runner, ctx| {
            runner.alarm = None;
            if runner.machine.next_deadline().is_some_and(|due| due <= runner.host.now()) {
                runner.step(ctx, |machine, turn| machine.on_deadline(turn));
            } else {
                runner.set_alarm(ctx);
            }
        });
        self.alarm = Some((due, handle));
    }
}

impl<M: Machine, H: Host<M>> Actor for Runner<M, H> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let party = self.machine.party();
        self.take_receipts();
        self.machine.mail().revive();
        for (writer, number) in self.host.condemned(party) {
            self.machine.mail().skip(writer, number);
        }
        let mut turn = Turn::at(self.host.now());
        self.machine.resume(&mut turn);
        // Whatever was under way to others may be lost: all of it is posted again, in order.
        turn.letters = self.machine.mail().pending();
        self.host.begun(&self.machine);
        self.conclude(turn, ctx);
    }
}

/// A letter, in the words of its reader.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Incoming<I> {
    /// Who wrote it.
    pub writer: Party,
    /// Which generation of the writer.
    pub generation: Generation,
    /// Its place in the lane.
    pub number: u64,
    /// What it says.
    pub input: I,
}

impl<M: Machine, H: Host<M>> Handler<Incoming<M::Input>> for Runner<M, H> {
    type Result = ();

    fn handle(&mut self, letter: Incoming<M::Input>, ctx: &mut Self::Context) {
        let Incoming { writer, generation, number, input } = letter;
        let reader = self.machine.party();
        match self.machine.mail().receive(writer, generation, number) {
            Receipt::Early => {}
            Receipt::Repeated => self.host.acknowledge(reader, writer, number),
            Receipt::Fresh => {
                self.host.take_in_hand(reader, writer, number);
                self.step(ctx, |machine, turn| machine.handle(input, turn));
                self.host.put_down(reader);
                self.host.acknowledge(reader, writer, number);
            }
        }
    }
}

/// An input from the edge: not a letter, so it may come twice or be lost with its actor; the conditions that
/// a restored machine states again bring it back.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Signal<I>(pub I);

impl<M: Machine, H: Host<M>> Handler<Signal<M::Input>> for Runner<M, H> {
    type Result = ();

    fn handle(&mut self, signal: Signal<M::Input>, ctx: &mut Self::Context) {
        self.step(ctx, |machine, turn| machine.handle(signal.0, turn));
    }
}

/// What happened to letters that the machine wrote.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub enum Post {
    /// There are receipts, and the machine waits for them.
    Receipts,
    /// `reader` can be reached again, or for the first time: it may have missed something.
    OfferAgain {
        /// Who.
        reader: Party,
    },
    /// `reader` panicked on this letter twice and will not see it again.
    Undeliverable {
        /// Who.
        reader: Party,
        /// Which letter.
        number: u64,
    },
}

impl<M: Machine, H: Host<M>> Handler<Post> for Runner<M, H> {
    type Result = ();

    fn handle(&mut self, post: Post, ctx: &mut Self::Context) {
        match post {
            Post::Receipts => self.end_if_finished(ctx),
            Post::OfferAgain { reader } => {
                let letters = self.machine.mail().pending_for(reader);
                letters.into_iter().for_each(|letter| self.host.deliver(letter));
            }
            Post::Undeliverable { reader, number } => {
                if let Some(post) = self.machine.mail().withdraw(reader, number) {
                    self.step(ctx, |machine, turn| machine.undeliverable(post, turn));
                }
            }
        }
    }
}

/// A message that panics its reader: for tests of recovery, in debug builds only.
#[cfg(debug_assertions)]
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Poison;

#[cfg(debug_assertions)]
impl<M: Machine, H: Host<M>> Handler<Poison> for Runner<M, H> {
    type Result = ();

    fn handle(&mut self, _: Poison, _: &mut Self::Context) {
        panic!("poisoned on demand");
    }
}
