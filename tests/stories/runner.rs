//! What the actor around a machine does, without the actor: feed, commit, then let outputs leave.
//! It must never differ from `supervision::runner` but in that it can be killed at any line.

use std::collections::BTreeMap;

use trunkline::call::script::{ScriptEffect, ScriptInput, ScriptRun, Wanted};
use trunkline::call::{Call, CallEffect, CallInput, CallPost};
use trunkline::callbacks::{Outbox, OutboxEffect, OutboxInput, Unwritten};
use trunkline::ids::{CallId, LegId};
use trunkline::leg::{Leg, LegEffect, LegInput, LegPost};
use trunkline::ops::events::Entry;
use trunkline::supervision::machine::{Letter, Machine, Party, Receipt, Turn};
use trunkline::supervision::runner::{Incoming, Post};

use crate::parcel::{Parcel, ShardMail};
use crate::records::{Records, reborn};
use crate::world::{Death, Live, World};

/// What lies in a mailbox.
#[derive(Debug)]
pub enum Mailed<I> {
    /// Begin, or begin again.
    Start,
    Letter(Incoming<I>),
    Signal(I),
    Post(Post),
    /// A deadline has passed.
    Alarm,
}

/// A kind of machine and its place in the world.
pub trait Kind: Machine {
    type Name: Copy + Ord;

    fn party_of(name: Self::Name) -> Party;
    fn among(live: &mut Live) -> &mut BTreeMap<Self::Name, Option<Self>>;
    fn put(records: &mut Records, machine: Self);
    fn committed(records: &Records, name: Self::Name) -> Option<&Self>;
    /// A letter as its reader finds it; `None` for a letter to nobody.
    fn parcel(letter: &Letter<Self::Post>) -> Option<Parcel>;
    fn execute(world: &mut World, name: Self::Name, effect: Self::Effect);
    fn finished(world: &mut World, machine: &Self);
    fn last_word(machine: &mut Self, turn: &mut Turn<Self>);
}

impl World {
    /// One input of one actor.
    pub fn run<M: Kind>(&mut self, name: M::Name, mailed: Mailed<M::Input>) {
        match mailed {
            Mailed::Start => return self.start::<M>(name),
            Mailed::Letter(letter) => self.read::<M>(name, letter),
            Mailed::Signal(input) => self.step::<M>(name, |machine, turn| machine.handle(input, turn)),
            Mailed::Alarm => self.step::<M>(name, |machine, turn| machine.on_deadline(turn)),
            Mailed::Post(post) => self.post::<M>(name, &post),
        }
        if std::mem::take(&mut self.is_dying) {
            match self.death {
                Death::GivenUp { .. } => self.give_up::<M>(name),
                _ => self.kill::<M>(name),
            }
        }
    }

    fn machine<M: Kind>(&mut self, name: M::Name) -> Option<&mut M> {
        M::among(&mut self.live).get_mut(&name)?.as_mut()
    }

    /// The actor is gone with its mailbox; another one will begin from what was committed.
    fn kill<M: Kind>(&mut self, name: M::Name) {
        M::among(&mut self.live).insert(name, None);
        let party = M::party_of(name);
        self.queue.retain(|parcel| parcel.reader() != party);
        self.queue.push_back(Parcel::start(party));
    }

    fn start<M: Kind>(&mut self, name: M::Name) {
        let Some(committed) = M::committed(&self.records, name) else { return };
        let mut machine = reborn(committed);
        let party = M::party_of(name);
        for (reader, number) in self.take_receipts_of(party) {
            machine.mail().acknowledge(reader, number);
        }
        machine.mail().revive();
        if let Some((writer, number)) = self.condemned(party) {
            machine.mail().skip(writer, number);
        }
        let mut turn = Turn::at(self.now);
        machine.resume(&mut turn);
        turn.letters = machine.mail().pending();
        M::among(&mut self.live).insert(name, Some(machine));
        self.offer_again_to(party);
        self.conclude::<M>(name, turn);
    }

    fn step<M: Kind>(&mut self, name: M::Name, act: impl FnOnce(&mut M, &mut Turn<M>)) {
        self.take_receipts::<M>(name);
        let mut turn = Turn::at(self.now);
        let Some(machine) = self.machine::<M>(name) else { return };
        act(machine, &mut turn);
        self.conclude::<M>(name, turn);
    }

    fn take_receipts<M: Kind>(&mut self, name: M::Name) {
        for (reader, number) in self.take_receipts_of(M::party_of(name)) {
            self.machine::<M>(name)
                .into_iter()
                .for_each(|machine| machine.mail().acknowledge(reader, number));
        }
    }

    /// Commit before outputs.
    fn conclude<M: Kind>(&mut self, name: M::Name, turn: Turn<M>) {
        if self.is_dying {
            return;
        }
        let Some(machine) = self.machine::<M>(name).cloned() else { return };
        M::put(&mut self.records, machine);
        self.log(turn.events);
        if self.committed() {
            return;
        }
        for letter in turn.letters {
            self.deliver::<M>(&letter);
        }
        for effect in turn.effects {
            M::execute(self, name, effect);
            if self.is_fallen {
                return;
            }
        }
        self.end_if_finished::<M>(name);
    }

    fn deliver<M: Kind>(&mut self, letter: &Letter<M::Post>) {
        if let Some(parcel) = M::parcel(letter) {
            self.hand(parcel, letter.from, letter.number);
        }
    }

    fn end_if_finished<M: Kind>(&mut self, name: M::Name) {
        if !self.machine::<M>(name).is_some_and(|machine| machine.is_ending()) {
            return;
        }
        self.take_receipts::<M>(name);
        match self.machine::<M>(name).cloned() {
            Some(machine) if machine.is_finished() => self.end::<M>(name, &machine),
            _ => self.await_receipts(M::party_of(name)),
        }
    }

    fn end<M: Kind>(&mut self, name: M::Name, machine: &M) {
        M::among(&mut self.live).remove(&name);
        self.queue.retain(|parcel| parcel.reader() != M::party_of(name));
        M::finished(self, machine);
    }

    fn read<M: Kind>(&mut self, name: M::Name, letter: Incoming<M::Input>) {
        let Incoming { writer, generation, number, input } = letter;
        let reader = M::party_of(name);
        let Some(machine) = self.machine::<M>(name) else { return };
        match machine.mail().receive(writer, generation, number) {
            Receipt::Early => {}
            Receipt::Repeated if self.is_dying => {}
            Receipt::Repeated => self.note_receipt(reader, writer, number),
            Receipt::Fresh => {
                self.take_in_hand(reader, writer, number);
                self.is_dying |= self.poison == Some((reader, writer, number));
                self.step::<M>(name, |machine, turn| machine.handle(input, turn));
                if !self.is_dying && !self.is_fallen {
                    self.put_down(reader);
                    self.note_receipt(reader, writer, number);
                }
            }
        }
    }

    fn post<M: Kind>(&mut self, name: M::Name, post: &Post) {
        match *post {
            _ if self.is_dying => {}
            Post::Receipts => self.end_if_finished::<M>(name),
            Post::OfferAgain { reader } => {
                let machine = self.machine::<M>(name);
                let letters = machine.map(|machine| machine.mail().pending_for(reader)).unwrap_or_default();
                letters.iter().for_each(|letter| self.deliver::<M>(letter));
            }
            Post::Undeliverable { reader, number } => {
                let withdrawn =
                    self.machine::<M>(name).and_then(|machine| machine.mail().withdraw(reader, number));
                if let Some(post) = withdrawn {
                    self.step::<M>(name, |machine, turn| machine.undeliverable(post, turn));
                }
            }
        }
    }

    /// The actor cannot be kept alive: its machine says its last word, from what was committed, and is gone.
    fn give_up<M: Kind>(&mut self, name: M::Name) {
        M::among(&mut self.live).insert(name, None);
        self.queue.retain(|parcel| parcel.reader() != M::party_of(name));
        let Some(mut machine) = M::committed(&self.records, name).map(reborn) else { return };
        let mut turn = Turn::at(self.now);
        M::last_word(&mut machine, &mut turn);
        M::put(&mut self.records, machine.clone());
        self.log(turn.events);
        for letter in machine.mail().pending() {
            self.deliver::<M>(&letter);
        }
        for effect in turn.effects {
            M::execute(self, name, effect);
        }
        self.end::<M>(name, &machine);
    }
}

fn incoming<P, I>(letter: &Letter<P>, input: I) -> Mailed<I> {
    let Letter { from: writer, generation, number, .. } = *letter;
    Mailed::Letter(Incoming { writer, generation, number, input })
}

impl Kind for Leg {
    type Name = LegId;

    fn party_of(name: LegId) -> Party {
        Party::Leg(name)
    }

    fn among(live: &mut Live) -> &mut BTreeMap<LegId, Option<Leg>> {
        &mut live.legs
    }

    fn put(records: &mut Records, machine: Leg) {
        records.put_leg(machine);
    }

    fn committed(records: &Records, name: LegId) -> Option<&Leg> {
        records.legs.get(&name)
    }

    fn parcel(letter: &Letter<LegPost>) -> Option<Parcel> {
        match (&letter.body, letter.from, letter.to) {
            (LegPost::Call(report), Party::Leg(leg), Party::Call(call)) => {
                Some(Parcel::Call(call, incoming(letter, CallInput::Leg(leg, report.clone()))))
            }
            (LegPost::Shard(errand), ..) => {
                let Letter { from, generation, to, number, .. } = *letter;
                let body = errand.as_ref().clone();
                let letter = Letter { from, generation, to, number, body };
                Some(Parcel::Shard(ShardMail::Errand(Box::new(letter))))
            }
            _ => None,
        }
    }

    fn execute(world: &mut World, name: LegId, effect: LegEffect) {
        match effect {
            LegEffect::Media(wish) => world.wish(wish),
            LegEffect::Release(lease) => world.house.release(&lease, name),
        }
    }

    fn finished(world: &mut World, machine: &Leg) {
        world.leg_gone(machine);
    }

    fn last_word(machine: &mut Self, turn: &mut Turn<Self>) {
        machine.give_up(turn);
    }
}

impl Kind for Call {
    type Name = CallId;

    fn party_of(name: CallId) -> Party {
        Party::Call(name)
    }

    fn among(live: &mut Live) -> &mut BTreeMap<CallId, Option<Call>> {
        &mut live.calls
    }

    fn put(records: &mut Records, machine: Call) {
        records.calls.insert(machine.id(), machine);
    }

    fn committed(records: &Records, name: CallId) -> Option<&Call> {
        records.calls.get(&name)
    }

    fn parcel(letter: &Letter<CallPost>) -> Option<Parcel> {
        match (&letter.body, letter.to) {
            (CallPost::Leg(order), Party::Leg(leg)) => {
                Some(Parcel::Leg(leg, incoming(letter, LegInput::Order(order.clone()))))
            }
            (CallPost::Script(told), Party::Script(leg)) => {
                Some(Parcel::Script(leg, incoming(letter, ScriptInput::Told(told.clone()))))
            }
            (CallPost::Callback(callback), Party::Outbox(call)) => {
                Some(Parcel::Outbox(call, incoming(letter, OutboxInput::Callback(callback.clone()))))
            }
            _ => None,
        }
    }

    fn execute(world: &mut World, name: CallId, effect: CallEffect) {
        match effect {
            CallEffect::Dial(dialled) => world.dial(name, *dialled),
            CallEffect::Screen(screening) => world.screen(*screening),
            CallEffect::Finish { recording, .. } => world.finish_for_call(name, recording),
            CallEffect::Replace { by, leg, replaces } => world.replace(name, by, leg, &replaces),
            CallEffect::Tell { to, word } => world.tell_call(name, to, word),
            CallEffect::Together { .. } => {}
            CallEffect::OpenOutbox => world.open_outbox(name),
        }
    }

    fn finished(world: &mut World, machine: &Call) {
        world.call_gone(machine);
    }

    fn last_word(machine: &mut Self, turn: &mut Turn<Self>) {
        machine.give_up(turn);
    }
}

impl Kind for Outbox {
    type Name = CallId;

    fn party_of(name: CallId) -> Party {
        Party::Outbox(name)
    }

    fn among(live: &mut Live) -> &mut BTreeMap<CallId, Option<Outbox>> {
        &mut live.outboxes
    }

    fn put(records: &mut Records, machine: Outbox) {
        records.outboxes.insert(machine.call(), machine);
    }

    fn committed(records: &Records, name: CallId) -> Option<&Outbox> {
        records.outboxes.get(&name)
    }

    fn parcel(letter: &Letter<Unwritten>) -> Option<Parcel> {
        match letter.body {}
    }

    fn execute(world: &mut World, name: CallId, effect: OutboxEffect) {
        match effect {
            OutboxEffect::Post { number, request } => world.post_callback(name, number, *request),
            OutboxEffect::Watch => world.watch_call(name),
        }
    }

    fn finished(world: &mut World, machine: &Outbox) {
        world.outbox_gone(machine);
    }

    fn last_word(machine: &mut Self, turn: &mut Turn<Self>) {
        machine.give_up(turn);
    }
}

impl Kind for ScriptRun {
    type Name = LegId;

    fn party_of(name: LegId) -> Party {
        Party::Script(name)
    }

    fn among(live: &mut Live) -> &mut BTreeMap<LegId, Option<ScriptRun>> {
        &mut live.scripts
    }

    fn put(records: &mut Records, machine: ScriptRun) {
        records.scripts.insert(machine.leg(), machine);
    }

    fn committed(records: &Records, name: LegId) -> Option<&ScriptRun> {
        records.scripts.get(&name)
    }

    fn parcel(letter: &Letter<Wanted>) -> Option<Parcel> {
        let (Party::Call(call), Party::Script(leg)) = (letter.to, letter.from) else { return None };
        Some(Parcel::Call(call, incoming(letter, CallInput::Script(leg, letter.body.clone()))))
    }

    fn execute(world: &mut World, name: LegId, effect: ScriptEffect) {
        match effect {
            ScriptEffect::Prepare { activity, sound } => world.prepare(name, activity, sound),
            ScriptEffect::Fetch(fetch) => world.fetch(name, *fetch),
            ScriptEffect::Open { number, file, context, .. } => world.open(name, number, file, context),
            ScriptEffect::Finish { recording, .. } => world.finish_for_script(name, recording),
        }
    }

    fn finished(world: &mut World, machine: &ScriptRun) {
        world.script_gone(machine);
    }

    fn last_word(machine: &mut Self, turn: &mut Turn<Self>) {
        machine.give_up(turn);
    }
}

/// A machine at its first step, and what it has to tell of it.
pub fn born<M: Machine>(mut machine: M, first: M::Input, world: &World) -> (M, Vec<Entry>) {
    let mut turn = Turn::at(world.now);
    machine.handle(first, &mut turn);
    (machine, turn.events)
}
