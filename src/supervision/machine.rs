//! What an actor executes: a machine that is plain data, and the mail between machines.
//! It must never send anything itself: a machine answers with outputs, its runner carries them out.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use crate::ids::{CallId, Generation, LegId};
use crate::ops::events::{Entry, Event};

/// Someone who sends and receives letters within one arbiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Party {
    /// The SIP shard of this arbiter.
    Shard,
    /// One leg.
    Leg(LegId),
    /// One call.
    Call(CallId),
    /// The script that runs for a leg.
    Script(LegId),
    /// The status callbacks of a call.
    Outbox(CallId),
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::Shard => f.write_str("shard"),
            Party::Leg(id) => write!(f, "leg {id}"),
            Party::Call(id) => write!(f, "call {id}"),
            Party::Script(id) => write!(f, "script {id}"),
            Party::Outbox(id) => write!(f, "outbox {id}"),
        }
    }
}

/// A protocol or script machine: state that is advanced by inputs and the time, and nothing else.
///
/// Its runner commits a clone after every input, before any output leaves. All that the machine needs
/// to go on elsewhere is in the value.
pub trait Machine: Clone + Unpin + fmt::Debug + Serialize + DeserializeOwned + 'static {
    /// What may happen to it.
    type Input: fmt::Debug + Send + 'static;
    /// What it writes to other machines.
    type Post: Clone + fmt::Debug + Serialize + DeserializeOwned + 'static;
    /// What it wants of the world outside: a condition or an idempotent act, repeated after a restore.
    type Effect: fmt::Debug + 'static;

    /// Its name.
    fn party(&self) -> Party;
    /// Takes one input.
    fn handle(&mut self, input: Self::Input, turn: &mut Turn<Self>);
    /// Does what is due.
    fn on_deadline(&mut self, turn: &mut Turn<Self>);
    /// When it wants to be woken.
    fn next_deadline(&self) -> Option<Moment>;
    /// Called once after it was brought back: says again which conditions it wants.
    fn resume(&mut self, turn: &mut Turn<Self>);
    /// Its letters in flight.
    fn mail(&mut self) -> &mut Mail<Self::Post>;
    /// Whether it waits for nothing any more but that its letters are read.
    fn is_ending(&self) -> bool;
    /// Whether it has nothing left to do and may be forgotten.
    fn is_finished(&self) -> bool;
    /// The receiver could not be made to take this letter: it panicked on it twice, or is gone for good.
    fn undeliverable(&mut self, post: Self::Post, turn: &mut Turn<Self>);
}

/// The outputs of one input.
#[derive(Debug)]
pub struct Turn<M: Machine> {
    /// The time of this input.
    pub now: Moment,
    /// Letters posted, already kept in the machine's [`Mail`].
    pub letters: Vec<Letter<M::Post>>,
    /// Wishes to the world outside.
    pub effects: Vec<M::Effect>,
    /// Lines for the event log, committed together with the state.
    pub events: Vec<Entry>,
}

impl<M: Machine> Turn<M> {
    /// An empty turn at `now`.
    pub fn at(now: Moment) -> Self {
        Self { now, letters: Vec::new(), effects: Vec::new(), events: Vec::new() }
    }

    /// Asks for an effect.
    pub fn effect(&mut self, effect: M::Effect) {
        self.effects.push(effect);
    }

    /// Writes a line into the event log of `leg`.
    pub fn tell(&mut self, leg: LegId, event: Event) {
        self.events.push(Entry { leg, at: self.now, event });
    }
}

/// One numbered message from machine to machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter<P> {
    /// Who wrote it.
    pub from: Party,
    /// Which generation of the writer.
    pub generation: Generation,
    /// Who shall have it.
    pub to: Party,
    /// Its place in the lane from writer to reader, from 1.
    pub number: u64,
    /// What it says.
    pub body: P,
}

/// What a reader does with a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// New and in order: handle it, commit, acknowledge.
    Fresh,
    /// Handled before, or written by an older generation: acknowledge only.
    Repeated,
    /// One before it is missing: it will be offered again, do nothing.
    Early,
}

/// Letters of one machine: what it posted and nobody acknowledged yet, and how far it has read.
///
/// It is part of the snapshot. A letter leaves it only when its reader has committed what it made of it,
/// so neither end can lose one by dying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail<P> {
    owner: Party,
    generation: Generation,
    lanes: BTreeMap<Party, Lane<P>>,
    read: BTreeMap<Party, Read>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Lane<P> {
    next: u64,
    pending: VecDeque<(u64, P)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Read {
    upto: u64,
    generation: Generation,
}

impl<P: Clone> Mail<P> {
    /// The empty mail of `owner`.
    pub fn new(owner: Party) -> Self {
        Self { owner, generation: Generation::default(), lanes: BTreeMap::new(), read: BTreeMap::new() }
    }

    /// Posts a letter: it is kept until it is acknowledged.
    pub fn post(&mut self, to: Party, body: P) -> Letter<P> {
        let lane = self.lanes.entry(to).or_insert(Lane { next: 1, pending: VecDeque::new() });
        let number = lane.next;
        lane.next += 1;
        lane.pending.push_back((number, body.clone()));
        Letter { from: self.owner, generation: self.generation, to, number, body }
    }

    /// Judges a letter of `from`; a fresh one counts as read from now on.
    pub fn receive(&mut self, from: Party, generation: Generation, number: u64) -> Receipt {
        let read = self.read.entry(from).or_default();
        if generation < read.generation || number <= read.upto {
            return Receipt::Repeated;
        }
        if number > read.upto + 1 {
            return Receipt::Early;
        }
        *read = Read { upto: number, generation };
        Receipt::Fresh
    }

    /// `reader` has committed everything up to `number`.
    pub fn acknowledge(&mut self, reader: Party, number: u64) {
        if let Some(lane) = self.lanes.get_mut(&reader) {
            while lane.pending.front().is_some_and(|(first, _)| *first <= number) {
                lane.pending.pop_front();
            }
        }
    }

    /// Takes one letter out of its lane and leaves the numbering as it is.
    pub fn withdraw(&mut self, reader: Party, number: u64) -> Option<P> {
        let lane = self.lanes.get_mut(&reader)?;
        let at = lane.pending.iter().position(|(this, _)| *this == number)?;
        lane.pending.remove(at).map(|(_, body)| body)
    }

    /// The reader never made anything of `number` and never will: it counts as read.
    pub fn skip(&mut self, from: Party, number: u64) {
        let read = self.read.entry(from).or_default();
        read.upto = read.upto.max(number);
    }

    /// The letters that `reader` has not acknowledged, oldest first.
    pub fn pending_for(&self, reader: Party) -> Vec<Letter<P>> {
        self.lanes.get(&reader).map(|lane| self.letters(reader, lane)).unwrap_or_default()
    }

    /// All letters that nobody has acknowledged.
    pub fn pending(&self) -> Vec<Letter<P>> {
        self.lanes.iter().flat_map(|(reader, lane)| self.letters(*reader, lane)).collect()
    }

    /// Whether every letter was acknowledged.
    pub fn is_settled(&self) -> bool {
        self.lanes.values().all(|lane| lane.pending.is_empty())
    }

    /// The present generation of the owner.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// The owner was brought back: what its former self still has in flight is refused from now on.
    pub fn revive(&mut self) -> Generation {
        self.generation = self.generation.next();
        self.generation
    }

    /// The same, for an owner that counts its generations itself.
    pub fn revive_as(&mut self, generation: Generation) {
        self.generation = self.generation.max(generation);
    }

    fn letters(&self, to: Party, lane: &Lane<P>) -> Vec<Letter<P>> {
        let letter = |(number, body): &(u64, P)| Letter {
            from: self.owner,
            generation: self.generation,
            to,
            number: *number,
            body: body.clone(),
        };
        lane.pending.iter().map(letter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARD: Party = Party::Shard;

    fn leg() -> Party {
        Party::Leg(LegId::from_bytes([1; 16]))
    }

    #[test]
    fn a_letter_stays_until_its_reader_has_committed_it() {
        let (mut writer, mut reader) = (Mail::new(SHARD), Mail::<()>::new(leg()));
        let first = writer.post(leg(), "invite");
        let second = writer.post(leg(), "bye");
        assert_eq!(reader.receive(SHARD, second.generation, second.number), Receipt::Early);
        assert_eq!(reader.receive(SHARD, first.generation, first.number), Receipt::Fresh);
        writer.acknowledge(leg(), first.number);
        assert_eq!(writer.pending_for(leg()), vec![second.clone()]);
        assert_eq!(reader.receive(SHARD, second.generation, second.number), Receipt::Fresh);
        assert_eq!(reader.receive(SHARD, second.generation, second.number), Receipt::Repeated);
    }

    #[test]
    fn what_an_older_generation_wrote_is_refused_once_the_new_one_has_spoken() {
        let (mut writer, mut reader) = (Mail::new(leg()), Mail::<()>::new(SHARD));
        let mut former = writer.clone();
        writer.revive();
        let now = writer.post(SHARD, "as it is");
        assert_eq!(reader.receive(leg(), now.generation, now.number), Receipt::Fresh);
        former.post(SHARD, "the same place in the lane");
        let stale = former.post(SHARD, "as it was");
        assert_eq!(reader.receive(leg(), stale.generation, stale.number), Receipt::Repeated);
    }
}
