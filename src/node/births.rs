//! How actors begin and end: each is committed before it starts, supervised while it runs, and cleared away once.
//! It must never start anything that has no record: a record is what an actor is brought back from.

use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::cell::{CallActor, Cell, FULL_MAILBOX_PAUSE, LegActor, OutboxActor, ScriptActor};
use super::changes::Key;
use super::house::House;
use super::shard_actor::ShardMail;
use crate::call::opening::Opening;
use crate::call::profile::CallStatus;
use crate::call::script::{Beginning, RunSpec, ScriptInput, ScriptRun};
use crate::call::{Call, Screening};
use crate::callbacks::{Outbox, OutboxInput};
use crate::ids::{CallId, Generation, LegId};
use crate::leg::{Leg, LegInput};
use crate::ops::events::{Entry, Event};
use crate::sip::endpoint::ServerKey;
use crate::supervision::machine::{Machine, Party, Turn};
use crate::supervision::runner::{Host, Runner};
use crate::supervision::{
    Backoff, ChildPolicy, ChildSpec, ExitReason, Handle, Intensity, Restart, StartChild, Strategy,
    Supervisor, Undelivered,
};
use crate::twiml::document::Context;

/// A leg, a call and a script come back three times in ten seconds (style §4).
const TRANSIENT: ChildPolicy = ChildPolicy {
    restart: Restart::Transient,
    intensity: Intensity::new(3, Duration::from_secs(10)),
    backoff: Backoff::NONE,
    mailbox: 64,
    shutdown: Duration::from_secs(2),
};

/// The supervisor of a call is not brought back: its children are, by it.
const TEMPORARY: ChildPolicy = ChildPolicy {
    restart: Restart::Temporary,
    intensity: Intensity::UNLIMITED,
    backoff: Backoff::NONE,
    mailbox: 64,
    shutdown: Duration::from_secs(5),
};

/// A machine at its first step: what it began is committed with it, so that the step is never done twice.
pub(super) fn born<M: Machine>(mut machine: M, first: M::Input, cell: &Cell) -> (M, Vec<Entry>)
where
    Cell: Host<M>,
{
    let mut turn = Turn::at(cell.now());
    machine.handle(first, &mut turn);
    // Letters lie in the machine's mail, and effects are stated again when its actor starts.
    (machine, turn.events)
}

/// A call that was admitted by a step of the shard that is not committed yet.
pub(super) struct Birth {
    leg: Leg,
    call: Call,
    run: ScriptRun,
    key: ServerKey,
    entries: Vec<Entry>,
}

impl Cell {
    /// Makes ready a call with the leg of its caller and its script. It begins with the commit of the step of the
    /// shard that admitted it: should the shard die before, there was no call, and the caller's repeat begins one.
    pub(super) fn stage_call(&self, opening: Opening, key: ServerKey, events: Vec<Event>) {
        let Opening { leg, call, run } = opening;
        let (leg, mut entries) = born(leg, LegInput::Start, self);
        let (run, script_entries) = born(run, ScriptInput::Start, self);
        let (id, at) = (leg.id(), self.now());
        entries.extend(events.into_iter().map(|event| Entry { leg: id, at, event }));
        entries.extend(script_entries);
        self.staged.borrow_mut().push(Birth { leg, call, run, key, entries });
    }

    /// The step of the shard is committed: so are the calls that it admitted, and they begin.
    pub(super) fn begin_staged(&self) {
        for Birth { leg, call, run, key, entries } in self.staged.take() {
            let (id, first) = (call.id(), leg.id());
            Host::<Leg>::commit(self, &leg, entries);
            Host::<Call>::commit(self, &call, Vec::new());
            Host::<ScriptRun>::commit(self, &run, Vec::new());
            self.admitted.borrow_mut().insert(key, first);
            self.records.borrow_mut().changes.note(Key::Admitted(first));
            let founders = vec![self.call_spec(id), self.leg_spec(first), self.script_spec(first)];
            self.start_supervisor(id, founders);
        }
    }

    /// The shard died before its step was committed: what was leased for the calls that it admitted is given back.
    pub(super) fn discard_staged(&self) {
        for birth in self.staged.take() {
            if let Some(lease) = birth.leg.lease() {
                self.give_basis_back(lease, self.now());
            }
            House::give_back(&self.house.load.calls);
        }
    }

    /// The supervisor of a call with its first children.
    pub(super) fn supervisor_of(
        &self,
        call: CallId,
        founders: Vec<ChildSpec>,
    ) -> (ChildSpec, Handle<Supervisor>) {
        let clock = std::sync::Arc::clone(&self.house.clock);
        let founders = Mutex::new(founders);
        let undertaker = self.actors.borrow().undertaker.clone();
        ChildSpec::new(format!("supervisor {call}"), TEMPORARY, move |_| {
            let founders =
                founders.lock().map(|mut founders| std::mem::take(&mut *founders)).unwrap_or_default();
            let empty = Supervisor::new(Strategy::OneForOne, Intensity::UNLIMITED, clock.clone());
            let empty =
                undertaker.iter().fold(empty.ends_when_empty(), |all, one| all.watched_by(one.clone()));
            founders.into_iter().fold(empty, Supervisor::with)
        })
    }

    fn start_supervisor(&self, call: CallId, founders: Vec<ChildSpec>) {
        let (spec, handle) = self.supervisor_of(call, founders);
        let root = self.actors.borrow().root.clone();
        if root.is_some_and(|root| root.try_send(StartChild(spec)).is_ok()) {
            self.actors.borrow_mut().supervisors.insert(call, handle);
        } else {
            tracing::error!(%call, "a call cannot be started: its arbiter has too much to do");
            [Party::Script(call.0), Party::Leg(call.0), Party::Call(call)]
                .into_iter()
                .for_each(|party| self.lost(party));
        }
    }

    /// Begins a leg of a running call.
    pub(super) fn begin_leg(&self, leg: Leg) {
        let (leg, events) = born(leg, LegInput::Start, self);
        Host::<Leg>::commit(self, &leg, events);
        let spec = self.leg_spec(leg.id());
        let supervisor = self.actors.borrow().supervisors.get(&leg.call()).cloned();
        let started = supervisor.map(|supervisor| supervisor.try_send(StartChild(spec)));
        if !matches!(started, Some(Ok(()))) {
            tracing::error!(leg = %leg.id(), "the supervisor of its call cannot take it");
            self.lost(Party::Leg(leg.id()));
        }
    }

    /// Begins the script that asks a callee before it is joined. Asked again for one that exists, or for a callee that
    /// is gone by now, nothing happens.
    pub(super) fn screen(&self, screening: Screening) {
        let Screening { leg, call, hook, profile, seed } = screening;
        {
            let records = self.records.borrow();
            let is_wanted = records.calls.get(&call).is_some_and(|call| call.wants_asked(leg));
            if records.scripts.contains_key(&leg) || !is_wanted {
                return;
            }
        }
        let run = ScriptRun::new(RunSpec {
            leg,
            call,
            context: Context::Screening,
            profile,
            status: CallStatus::InProgress,
            recordings: self.house.recordings_at(),
            beginning: Beginning::Hook(hook),
            fallback: None,
            seed,
        });
        let (run, events) = born(run, ScriptInput::Start, self);
        Host::<ScriptRun>::commit(self, &run, events);
        let spec = self.script_spec(leg);
        let supervisor = self.actors.borrow().supervisors.get(&call).cloned();
        let started = supervisor.map(|supervisor| supervisor.try_send(StartChild(spec)));
        if !matches!(started, Some(Ok(()))) {
            tracing::error!(%leg, "the supervisor of its call cannot take a script");
            self.lost(Party::Script(leg));
        }
    }

    /// Begins the outbox of a call that has something to be told. Asked again for one that exists, nothing happens.
    ///
    /// One that follows another that could not be kept alive begins with the letters which that one has not read.
    pub(super) fn open_outbox(&self, call: CallId) {
        let machine = {
            let records = self.records.borrow();
            if records.outboxes.contains_key(&call) {
                return;
            }
            let Some(owner) = records.calls.get(&call) else { return };
            let patience = self.house.config.webhooks.callback_patience;
            let mut machine = Outbox::new(call, patience, self.seed());
            let first = owner.unread_by(Party::Outbox(call));
            machine.mail().skip(Party::Call(call), first.map_or(0, |number| number - 1));
            machine
        };
        Host::<Outbox>::commit(self, &machine, Vec::new());
        self.house.load.outboxes.fetch_add(1, Ordering::Relaxed);
        let spec = self.outbox_spec(call);
        let supervisor = self.actors.borrow().supervisors.get(&call).cloned();
        let started = supervisor.map(|supervisor| supervisor.try_send(StartChild(spec)));
        if !matches!(started, Some(Ok(()))) {
            tracing::error!(%call, "the supervisor of the call cannot take its outbox");
            self.lost(machine.party());
        }
    }

    pub(super) fn leg_spec(&self, leg: LegId) -> ChildSpec {
        let (spec, handle): (_, Handle<LegActor>) =
            ChildSpec::new(name(Party::Leg(leg)), TRANSIENT, move |generation| {
                restored(Party::Leg(leg), generation, |cell| cell.records.borrow().legs.get(&leg).cloned())
            });
        self.actors.borrow_mut().legs.insert(leg, handle);
        guarded(spec, Party::Leg(leg))
    }

    pub(super) fn call_spec(&self, call: CallId) -> ChildSpec {
        let (spec, handle): (_, Handle<CallActor>) =
            ChildSpec::new(name(Party::Call(call)), TRANSIENT, move |generation| {
                restored(Party::Call(call), generation, |cell| {
                    cell.records.borrow().calls.get(&call).cloned()
                })
            });
        self.actors.borrow_mut().calls.insert(call, handle);
        guarded(spec, Party::Call(call))
    }

    pub(super) fn script_spec(&self, leg: LegId) -> ChildSpec {
        let (spec, handle): (_, Handle<ScriptActor>) =
            ChildSpec::new(name(Party::Script(leg)), TRANSIENT, move |generation| {
                restored(Party::Script(leg), generation, |cell| {
                    cell.records.borrow().scripts.get(&leg).cloned()
                })
            });
        self.actors.borrow_mut().scripts.insert(leg, handle);
        guarded(spec, Party::Script(leg))
    }

    pub(super) fn outbox_spec(&self, call: CallId) -> ChildSpec {
        let (spec, handle): (_, Handle<OutboxActor>) =
            ChildSpec::new(name(Party::Outbox(call)), TRANSIENT, move |generation| {
                restored(Party::Outbox(call), generation, |cell| {
                    cell.records.borrow().outboxes.get(&call).cloned()
                })
            });
        self.actors.borrow_mut().outboxes.insert(call, handle);
        guarded(spec, Party::Outbox(call))
    }

    /// A leg is over and everything it wrote was read.
    pub(super) fn leg_gone(self: &Rc<Self>, leg: &Leg) {
        self.actors.borrow_mut().legs.remove(&leg.id());
        self.clear_leg(leg.id());
        self.reads_no_more(Party::Leg(leg.id()), [Party::Call(leg.call())]);
        self.forget(Party::Leg(leg.id()));
    }

    /// Clears away what belongs to a leg outside of its machine.
    fn clear_leg(self: &Rc<Self>, leg: LegId) {
        self.sessions.borrow_mut().remove(&leg.session_bits());
        self.house.places().remove(&leg.session_bits());
        self.admitted.borrow_mut().remove(leg);
        self.records.borrow_mut().changes.note(Key::Admitted(leg));
        self.post_record(leg);
        if self.records.borrow_mut().drop_leg(leg).is_some() {
            House::give_back(&self.house.load.legs);
        }
        self.bid_farewell(leg);
    }

    /// Tells the shard that a leg is gone. One that is just being brought back finds out by itself.
    fn bid_farewell(self: &Rc<Self>, leg: LegId) {
        let shard = self.actors.borrow().shard.clone();
        let told = shard.map(|shard| shard.try_send(ShardMail::Farewell(leg)));
        if matches!(told, Some(Err(Undelivered::Full))) {
            let cell = Rc::clone(self);
            super::cell::spawn(async move {
                tokio::time::sleep(FULL_MAILBOX_PAUSE).await;
                cell.bid_farewell(leg);
            });
        }
    }

    /// A call is over.
    pub(super) fn call_gone(self: &Rc<Self>, call: &Call) {
        let writers = self.correspondents(Party::Call(call.id()));
        self.records.borrow_mut().drop_call(call.id());
        self.actors.borrow_mut().calls.remove(&call.id());
        self.reads_no_more(Party::Call(call.id()), writers);
        self.forget(Party::Call(call.id()));
        House::give_back(&self.house.load.calls);
        self.signal_outbox(call.id(), OutboxInput::CallGone);
    }

    /// An outbox has delivered everything, and its call is over.
    pub(super) fn outbox_gone(self: &Rc<Self>, outbox: &Outbox) {
        let call = outbox.call();
        self.actors.borrow_mut().outboxes.remove(&call);
        if self.records.borrow_mut().drop_outbox(call).is_some() {
            House::give_back(&self.house.load.outboxes);
        }
        self.reads_no_more(Party::Outbox(call), [Party::Call(call)]);
        self.forget(Party::Outbox(call));
    }

    /// A script is over.
    pub(super) fn script_gone(self: &Rc<Self>, run: &ScriptRun) {
        self.records.borrow_mut().drop_script(run.leg());
        self.actors.borrow_mut().scripts.remove(&run.leg());
        self.reads_no_more(Party::Script(run.leg()), [Party::Call(run.call())]);
        self.forget(Party::Script(run.leg()));
    }

    /// A supervisor of a call has ended: its handle goes.
    pub(super) fn supervisor_gone(&self, call: CallId) {
        self.actors.borrow_mut().supervisors.remove(&call);
    }
}

fn name(party: Party) -> String {
    party.to_string()
}

/// A new value from the last commit, never the old struct (actors.md §3).
fn restored<M: Machine>(
    party: Party,
    generation: Generation,
    find: impl Fn(&Cell) -> Option<M>,
) -> Runner<M, Cell>
where
    Cell: Host<M>,
{
    let cell = Cell::present().expect("factories run on the thread of their arbiter, which has its cell");
    if generation > Generation::default() {
        cell.note_restored(party, generation);
    }
    let machine =
        find(&cell).expect("an actor is committed before it is started, and cleared after it has ended");
    Runner::new(machine, cell)
}

fn guarded(spec: ChildSpec, party: Party) -> ChildSpec {
    spec.on_give_up(move |reason: &ExitReason| {
        tracing::error!(%party, %reason, "given up");
        if let Some(cell) = Cell::present() {
            cell.lost(party);
        }
    })
}
