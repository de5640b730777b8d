//! What happens when an actor cannot be kept alive: its snapshot is brought to a decent end without it.
//! It must never run without a fence: what killed the actor may be in the snapshot.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use super::cell::Cell;
use crate::call::Call;
use crate::call::script::ScriptRun;
use crate::callbacks::Outbox;
use crate::leg::Leg;
use crate::supervision::machine::{Machine, Party, Turn};
use crate::supervision::runner::Host;

/// Between two offers of a last word.
const PAUSE: Duration = Duration::from_millis(20);

/// How often it is offered: for two seconds.
const TRIES: usize = 100;

impl Cell {
    /// An actor is over its restart limit.
    pub(super) fn lost(&self, party: Party) {
        let Some(cell) = Cell::present() else { return };
        match party {
            Party::Leg(id) => {
                let is_first = cell.actors.borrow_mut().legs.remove(&id).is_some();
                let leg = cell.records.borrow().legs.get(&id).cloned().filter(|_| is_first);
                if let Some(leg) = leg {
                    let leg = cell.last_rites(leg, Leg::give_up, Leg::disown);
                    cell.bury(leg);
                }
            }
            Party::Call(id) => {
                let is_first = cell.actors.borrow_mut().calls.remove(&id).is_some();
                let call = cell.records.borrow().calls.get(&id).cloned().filter(|_| is_first);
                if let Some(call) = call {
                    let call = cell.last_rites(call, Call::give_up, |_, _| {});
                    cell.bury(call);
                }
            }
            Party::Script(leg) => {
                let is_first = cell.actors.borrow_mut().scripts.remove(&leg).is_some();
                let run = cell.records.borrow().scripts.get(&leg).cloned().filter(|_| is_first);
                if let Some(run) = run {
                    let run = cell.last_rites(run, ScriptRun::give_up, |_, _| {});
                    cell.bury(run);
                }
            }
            Party::Outbox(call) => {
                let is_first = cell.actors.borrow_mut().outboxes.remove(&call).is_some();
                let outbox = cell.records.borrow().outboxes.get(&call).cloned().filter(|_| is_first);
                if let Some(outbox) = outbox {
                    let outbox = cell.last_rites(outbox, Outbox::give_up, |_, _| {});
                    cell.outbox_gone(&outbox);
                }
            }
            // The shard is permanent: its supervisor escalates.
            Party::Shard => {}
        }
    }

    /// Keeps the record until the last word was read: its readers may be full, or just being brought back.
    fn bury<M: Machine>(self: &Rc<Self>, mut machine: M)
    where
        Cell: Host<M>,
    {
        let cell = Rc::clone(self);
        super::cell::spawn(async move {
            let party = machine.party();
            for _ in 0..TRIES {
                tokio::time::sleep(PAUSE).await;
                for (reader, number) in cell.take_receipts(party) {
                    machine.mail().acknowledge(reader, number);
                }
                if machine.mail().is_settled() {
                    break;
                }
                machine.mail().pending().into_iter().for_each(|letter| Host::<M>::deliver(&*cell, letter));
            }
            Host::<M>::finished(&*cell, &machine);
        });
    }

    /// Lets the machine say its last word; should it panic at that, too, the plainer word.
    fn last_rites<M: Machine>(
        self: &Rc<Self>,
        machine: M,
        last: impl Fn(&mut M, &mut Turn<M>),
        plain: impl Fn(&mut M, &mut Turn<M>),
    ) -> M
    where
        Cell: Host<M>,
    {
        let speak = |word: &dyn Fn(&mut M, &mut Turn<M>)| {
            let mut machine = machine.clone();
            let mut turn = Turn::at(self.now());
            catch_unwind(AssertUnwindSafe(|| word(&mut machine, &mut turn))).ok().map(|()| (machine, turn))
        };
        let Some((mut machine, turn)) = speak(&last).or_else(|| speak(&plain)) else { return machine };
        Host::<M>::commit(&**self, &machine, turn.events);
        machine.mail().pending().into_iter().for_each(|letter| Host::<M>::deliver(&**self, letter));
        let party = machine.party();
        turn.effects.into_iter().for_each(|effect| Host::<M>::execute(&**self, party, effect));
        machine
    }
}
