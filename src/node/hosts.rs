//! What each kind of machine gets from the cell: where its letters go and what its effects mean.
//! It must never change a letter or an effect.

use trunkline_media::moment::Moment;

use super::cell::Cell;
use crate::call::script::{ScriptEffect, ScriptInput, ScriptRun, Wanted};
use crate::call::{Call, CallEffect, CallInput, CallPost};
use crate::callbacks::{Outbox, OutboxEffect, OutboxInput, Unwritten};
use crate::leg::{Leg, LegEffect, LegInput, LegPost};
use crate::ops::events::Entry;
use crate::ops::log::leg_span;
use crate::supervision::machine::{Letter, Machine, Party};
use crate::supervision::runner::{Host, Incoming};

/// What is the same for every kind of machine.
macro_rules! common {
    () => {
        fn now(&self) -> Moment {
            Cell::now(self)
        }

        fn acknowledge(&self, reader: Party, writer: Party, number: u64) {
            if let Some(cell) = Cell::present() {
                cell.note_receipt(reader, writer, number);
            }
        }

        fn receipts(&self, writer: Party) -> Vec<(Party, u64)> {
            self.take_receipts(writer)
        }

        fn await_receipts(&self, writer: Party) {
            Cell::await_receipts(self, writer);
        }

        fn take_in_hand(&self, reader: Party, writer: Party, number: u64) {
            Cell::take_in_hand(self, reader, writer, number);
        }

        fn put_down(&self, reader: Party) {
            Cell::put_down(self, reader);
        }

        fn condemned(&self, reader: Party) -> Vec<(Party, u64)> {
            Cell::present().map(|cell| cell.condemned(reader)).unwrap_or_default()
        }
    };
}

fn incoming<P, I>(letter: &Letter<P>, input: I) -> Incoming<I> {
    Incoming { writer: letter.from, generation: letter.generation, number: letter.number, input }
}

impl Host<Leg> for Cell {
    common!();

    fn span(&self, machine: &Leg) -> tracing::Span {
        leg_span(machine.call(), machine.id())
    }

    fn commit(&self, machine: &Leg, events: Vec<Entry>) {
        let mut records = self.records.borrow_mut();
        records.put_leg(machine.clone());
        records.log(machine.call(), events);
        self.commit_soon();
    }

    fn deliver(&self, letter: Letter<LegPost>) {
        let Some(cell) = Cell::present() else { return };
        match (&letter.body, letter.from) {
            (LegPost::Call(report), Party::Leg(leg)) => {
                let Party::Call(call) = letter.to else { return };
                let way = self.actors.borrow().calls.get(&call).cloned();
                let input = CallInput::Leg(leg, report.clone());
                cell.hand(way, letter.to, incoming(&letter, input));
            }
            (LegPost::Shard(errand), _) => {
                let errand = errand.as_ref().clone();
                let Letter { from, generation, to, number, .. } = letter;
                cell.hand_to_shard(Letter { from, generation, to, number, body: errand });
            }
            (LegPost::Call(_), _) => {}
        }
    }

    fn execute(&self, _: Party, effect: LegEffect) {
        match effect {
            LegEffect::Media(wish) => self.wish(wish),
            LegEffect::Release(lease) => self.house.ports.release(&lease, Cell::now(self)),
        }
    }

    fn begun(&self, machine: &Leg) {
        if let Some(cell) = Cell::present() {
            cell.offer_again_to(machine.party());
        }
    }

    fn finished(&self, machine: &Leg) {
        if let Some(cell) = Cell::present() {
            cell.leg_gone(machine);
        }
    }
}

impl Host<Call> for Cell {
    common!();

    fn span(&self, machine: &Call) -> tracing::Span {
        leg_span(machine.id(), machine.id().0)
    }

    fn commit(&self, machine: &Call, events: Vec<Entry>) {
        let mut records = self.records.borrow_mut();
        records.put_call(machine.clone());
        records.log(machine.id(), events);
        self.commit_soon();
    }

    fn deliver(&self, letter: Letter<CallPost>) {
        let Some(cell) = Cell::present() else { return };
        match (&letter.body, letter.to) {
            (CallPost::Leg(order), Party::Leg(leg)) => {
                let way = self.actors.borrow().legs.get(&leg).cloned();
                cell.hand(way, letter.to, incoming(&letter, LegInput::Order(order.clone())));
            }
            (CallPost::Script(told), Party::Script(leg)) => {
                let way = self.actors.borrow().scripts.get(&leg).cloned();
                cell.hand(way, letter.to, incoming(&letter, ScriptInput::Told(told.clone())));
            }
            (CallPost::Callback(callback), Party::Outbox(call)) => {
                cell.open_outbox(call);
                let way = self.actors.borrow().outboxes.get(&call).cloned();
                cell.hand(way, letter.to, incoming(&letter, OutboxInput::Callback(callback.clone())));
            }
            _ => {}
        }
    }

    fn execute(&self, party: Party, effect: CallEffect) {
        let Party::Call(call) = party else { return };
        match effect {
            CallEffect::Dial(dialled) => self.dial(call, *dialled),
            CallEffect::Screen(screening) => self.screen(*screening),
            CallEffect::Finish { recording, trim } => self.finish_recording(party, recording, trim),
            CallEffect::Replace { by, leg, replaces } => self.replace(call, by, leg, *replaces),
            CallEffect::Tell { to, word } => self.tell_call(call, to, word),
            CallEffect::Together { leg, call, other } => self.bring_together(leg, call, other),
            CallEffect::OpenOutbox => self.open_outbox(call),
        }
    }

    fn begun(&self, machine: &Call) {
        if let Some(cell) = Cell::present() {
            cell.offer_again_to(machine.party());
        }
    }

    fn finished(&self, machine: &Call) {
        if let Some(cell) = Cell::present() {
            cell.call_gone(machine);
        }
    }
}

impl Host<ScriptRun> for Cell {
    common!();

    fn span(&self, machine: &ScriptRun) -> tracing::Span {
        leg_span(machine.call(), machine.leg())
    }

    fn commit(&self, machine: &ScriptRun, events: Vec<Entry>) {
        let mut records = self.records.borrow_mut();
        records.log(machine.call(), events);
        records.put_script(machine.clone());
        self.commit_soon();
    }

    fn deliver(&self, letter: Letter<Wanted>) {
        let Some(cell) = Cell::present() else { return };
        let (Party::Call(call), Party::Script(leg)) = (letter.to, letter.from) else { return };
        let way = self.actors.borrow().calls.get(&call).cloned();
        cell.hand(way, letter.to, incoming(&letter, CallInput::Script(leg, letter.body.clone())));
    }

    fn execute(&self, party: Party, effect: ScriptEffect) {
        let Party::Script(leg) = party else { return };
        match effect {
            ScriptEffect::Prepare { activity, sound } => self.prepare(leg, activity, sound),
            ScriptEffect::Fetch(fetch) => self.fetch(leg, *fetch),
            ScriptEffect::Open { number, file, otherwise, context } => {
                self.open(leg, number, &file, otherwise.as_deref(), context);
            }
            ScriptEffect::Finish { recording, trim } => self.finish_recording(party, recording, trim),
        }
    }

    fn begun(&self, machine: &ScriptRun) {
        if let Some(cell) = Cell::present() {
            cell.offer_again_to(machine.party());
        }
    }

    fn finished(&self, machine: &ScriptRun) {
        if let Some(cell) = Cell::present() {
            cell.script_gone(machine);
        }
    }
}

impl Host<Outbox> for Cell {
    common!();

    fn span(&self, machine: &Outbox) -> tracing::Span {
        leg_span(machine.call(), machine.call().0)
    }

    fn commit(&self, machine: &Outbox, events: Vec<Entry>) {
        let mut records = self.records.borrow_mut();
        records.log(machine.call(), events);
        records.put_outbox(machine.clone());
        self.commit_soon();
    }

    fn deliver(&self, letter: Letter<Unwritten>) {
        match letter.body {}
    }

    fn execute(&self, party: Party, effect: OutboxEffect) {
        let Party::Outbox(call) = party else { return };
        match effect {
            OutboxEffect::Post { number, request } => self.post_callback(call, number, *request),
            OutboxEffect::Watch => self.watch_call(call),
        }
    }

    fn begun(&self, machine: &Outbox) {
        if let Some(cell) = Cell::present() {
            cell.offer_again_to(machine.party());
        }
    }

    fn finished(&self, machine: &Outbox) {
        if let Some(cell) = Cell::present() {
            cell.outbox_gone(machine);
        }
    }
}

/// What the shard's letters become in the words of a leg.
pub(super) fn for_leg(letter: Letter<crate::sip::shard::Post>) -> Incoming<LegInput> {
    let Letter { from, generation, number, body, .. } = letter;
    Incoming { writer: from, generation, number, input: LegInput::Sip(body) }
}
