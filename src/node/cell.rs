//! The executor of one arbiter: keeps what machines commit, carries letters and effects, starts and ends actors.
//! It must never decide anything about a call: it does what machines say.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use trunkline_media::moment::Moment;
use trunkline_media::port::EventSink;

use super::admitted::Admitted;
use super::commits::Commits;
use super::house::House;
use super::pace::Pace;
use super::post::{Receipts, Suspects};
use super::records::Records;
use super::shard_actor::{ShardActor, ShardMail};
use crate::call::script::{ScriptInput, ScriptRun};
use crate::call::{Call, CallInput};
use crate::callbacks::{Outbox, OutboxInput};
use crate::ids::{CallId, Generation, LegId, Minter};
use crate::journal::Journal;
use crate::leg::{Leg, LegInput};
use crate::ops::events::Event;
use crate::supervision::machine::{Machine, Party};
use crate::supervision::runner::{Incoming, Post, Runner, Signal};
use crate::supervision::{Handle, Supervisor, Undelivered, fenced};

/// Runs a leg.
pub type LegActor = Runner<Leg, Cell>;
/// Runs a call.
pub type CallActor = Runner<Call, Cell>;
/// Runs a script.
pub type ScriptActor = Runner<ScriptRun, Cell>;
/// Runs the outbox of a call.
pub type OutboxActor = Runner<Outbox, Cell>;

/// How long a letter waits that found its reader's mailbox full.
pub(super) const FULL_MAILBOX_PAUSE: Duration = Duration::from_millis(20);

/// How often an input from the edge is offered to a full mailbox.
const TRIES: usize = 250;

thread_local! {
    /// The cell of this arbiter: factories of supervised actors run on its thread and find it here.
    static PRESENT: RefCell<Option<Rc<Cell>>> = const { RefCell::new(None) };
}

/// One arbiter's executor.
pub struct Cell {
    /// Which arbiter, of how many.
    pub(super) seat: crate::leg::Seat,
    pub(super) house: Arc<House>,
    pub(super) records: RefCell<Records>,
    pub(super) minter: RefCell<Minter>,
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) actors: RefCell<Actors>,
    /// Legs by media session: those whose session was opened.
    pub(super) sessions: RefCell<HashMap<u64, super::sound::Session>>,
    /// Legs by the transaction that began them: an INVITE offered twice begins one call.
    pub(super) admitted: RefCell<Admitted>,
    /// Calls that begin with the next commit of the shard.
    pub(super) staged: RefCell<Vec<super::births::Birth>>,
    /// How fast calls may begin here.
    pub(super) pace: RefCell<Pace>,
    receipts: RefCell<Receipts>,
    pub(super) suspects: RefCell<Suspects>,
    /// Callbacks being posted, by their call and number.
    pub(super) posting: RefCell<HashSet<(CallId, u64)>>,
    /// Tasks under way that serve calls.
    pub(super) tasks: std::cell::Cell<u64>,
    /// What is on its way to the journal, and what waits for it.
    pub(super) commits: RefCell<Commits>,
    /// How late the shard is: queue delay of what it handles.
    pub(super) lag: std::cell::Cell<Duration>,
}

/// Ways to the actors of an arbiter.
#[derive(Default)]
pub(super) struct Actors {
    pub root: Option<Addr<Supervisor>>,
    pub undertaker: Option<actix::Recipient<crate::supervision::Down>>,
    pub shard: Option<Handle<ShardActor>>,
    /// Those of all arbiters, once all have started.
    pub arbiters: Option<super::connection::Arbiters>,
    pub supervisors: HashMap<CallId, Handle<Supervisor>>,
    pub legs: HashMap<LegId, Handle<LegActor>>,
    pub calls: HashMap<CallId, Handle<CallActor>>,
    pub scripts: HashMap<LegId, Handle<ScriptActor>>,
    pub outboxes: HashMap<CallId, Handle<OutboxActor>>,
}

impl Cell {
    pub(super) fn new(
        seat: crate::leg::Seat,
        house: Arc<House>,
        minter: Minter,
        sink: Arc<dyn EventSink>,
        journal: Option<Journal>,
    ) -> Rc<Self> {
        let records = RefCell::new(Records::counted(Arc::clone(&house.metrics)));
        let cell = Rc::new(Self {
            seat,
            house,
            records,
            minter: RefCell::new(minter),
            sink,
            actors: RefCell::default(),
            sessions: RefCell::default(),
            admitted: RefCell::default(),
            staged: RefCell::default(),
            pace: RefCell::default(),
            receipts: RefCell::default(),
            suspects: RefCell::default(),
            posting: RefCell::default(),
            tasks: std::cell::Cell::new(0),
            commits: RefCell::new(Commits::new(journal)),
            lag: std::cell::Cell::new(Duration::ZERO),
        });
        PRESENT.with(|present| *present.borrow_mut() = Some(Rc::clone(&cell)));
        cell
    }

    /// The cell of this thread, where it is an arbiter's.
    pub(super) fn present() -> Option<Rc<Self>> {
        PRESENT.with(|present| present.borrow().clone())
    }

    pub(super) fn now(&self) -> Moment {
        self.house.clock.now()
    }

    pub(super) fn seed(&self) -> [u8; 16] {
        self.minter.borrow_mut().bytes()
    }

    /// Gives an actor an input from the edge. One that is gone misses it; a full one gets it a little later.
    pub(super) fn signal_leg(&self, leg: LegId, input: LegInput) {
        signal(self.actors.borrow().legs.get(&leg), Party::Leg(leg), input);
    }

    pub(super) fn signal_call(&self, call: CallId, input: CallInput) {
        signal(self.actors.borrow().calls.get(&call), Party::Call(call), input);
    }

    pub(super) fn signal_script(&self, leg: LegId, input: ScriptInput) {
        signal(self.actors.borrow().scripts.get(&leg), Party::Script(leg), input);
    }

    pub(super) fn signal_outbox(&self, call: CallId, input: OutboxInput) {
        signal(self.actors.borrow().outboxes.get(&call), Party::Outbox(call), input);
    }

    /// Hands a letter to the runner of its reader.
    pub(super) fn hand<M>(
        self: &Rc<Self>,
        way: Option<Handle<Runner<M, Cell>>>,
        reader: Party,
        letter: Incoming<M::Input>,
    ) where
        M: Machine,
        Cell: crate::supervision::runner::Host<M>,
    {
        let (writer, number) = (letter.writer, letter.number);
        match way.map(|way| way.try_send(letter)) {
            // It begins only now, or its last word is still on the way: until it is gone it has not read.
            None if self.is_here(reader) || self.is_wanted(writer, reader) => {}
            // The reader has ended: what it was told counts as read.
            None => self.note_receipt(reader, writer, number),
            Some(Err(Undelivered::Full)) => self.offer_later(writer, reader),
            // Between two generations: the next one asks for it.
            Some(Ok(()) | Err(Undelivered::Gone)) => {}
        }
    }

    /// `reader` has ended for good: nobody waits for it to read anything any more.
    pub(super) fn reads_no_more(self: &Rc<Self>, reader: Party, writers: impl IntoIterator<Item = Party>) {
        for writer in writers {
            self.note_receipt(reader, writer, u64::MAX);
        }
    }

    /// Tells the writer of letters what became of them.
    pub(super) fn told(self: &Rc<Self>, writer: Party, post: Post) {
        let again = post.clone();
        let actors = self.actors.borrow();
        let result = match writer {
            Party::Shard => actors.shard.as_ref().map(|shard| shard.try_send(ShardMail::from(post))),
            Party::Leg(leg) => actors.legs.get(&leg).map(|way| way.try_send(post)),
            Party::Call(call) => actors.calls.get(&call).map(|way| way.try_send(post)),
            Party::Script(leg) => actors.scripts.get(&leg).map(|way| way.try_send(post)),
            Party::Outbox(call) => actors.outboxes.get(&call).map(|way| way.try_send(post)),
        };
        if let Some(Err(Undelivered::Full)) = result {
            drop(actors);
            self.tell_later(writer, again);
        }
    }

    /// Notes that `reader` has committed what it read. The writer finds it when it moves next; one that waits for
    /// nothing else is woken.
    pub(super) fn note_receipt(self: &Rc<Self>, reader: Party, writer: Party, number: u64) {
        // Of one who is gone nobody would ever ask for it.
        if self.is_here(writer) && self.receipts.borrow_mut().note(reader, writer, number) {
            self.told(writer, Post::Receipts);
        }
    }

    /// Whether a party has begun and is not gone for good.
    fn is_here(&self, party: Party) -> bool {
        let records = self.records.borrow();
        match party {
            Party::Leg(leg) => records.legs.contains_key(&leg),
            Party::Call(call) => records.calls.contains_key(&call),
            Party::Script(leg) => records.scripts.contains_key(&leg),
            Party::Outbox(call) => records.outboxes.contains_key(&call),
            Party::Shard => true,
        }
    }

    /// Whether a call waits for this leg, or its outbox, to begin.
    fn is_wanted(&self, call: Party, reader: Party) -> bool {
        let Party::Call(call) = call else { return false };
        let records = self.records.borrow();
        match reader {
            Party::Leg(leg) => records.calls.get(&call).is_some_and(|call| call.wants(leg)),
            Party::Outbox(_) => records.calls.contains_key(&call),
            Party::Script(leg) => records.calls.get(&call).is_some_and(|call| call.wants_asked(leg)),
            _ => false,
        }
    }

    /// What was noted for `writer`.
    pub(super) fn take_receipts(&self, writer: Party) -> Vec<(Party, u64)> {
        self.receipts.borrow_mut().take(writer)
    }

    pub(super) fn await_receipts(&self, writer: Party) {
        self.receipts.borrow_mut().wait(writer);
    }

    /// A party is gone for good, and with it what was noted about its letters.
    pub(super) fn forget(&self, party: Party) {
        self.receipts.borrow_mut().forget(party);
        self.suspects.borrow_mut().forget(party);
    }

    /// Lines in the books of letters; after the last call there are none.
    pub(super) fn open_letters(&self) -> usize {
        self.receipts.borrow().open() + self.suspects.borrow().open()
    }

    /// Has the writer offer its letters to `reader` again, in a moment.
    pub(super) fn offer_later(self: &Rc<Self>, writer: Party, reader: Party) {
        self.tell_later(writer, Post::OfferAgain { reader });
    }

    fn tell_later(self: &Rc<Self>, writer: Party, post: Post) {
        let cell = Rc::clone(self);
        spawn(async move {
            tokio::time::sleep(FULL_MAILBOX_PAUSE).await;
            cell.told(writer, post);
        });
    }

    /// Everyone who may have letters for `party`, or it for them.
    pub(super) fn correspondents(&self, party: Party) -> Vec<Party> {
        let records = self.records.borrow();
        match party {
            Party::Leg(leg) => {
                let call = records.call_of(leg).map(Party::Call);
                call.into_iter().chain([Party::Shard]).collect()
            }
            Party::Call(call) => {
                // Those included that are over for the call: their last word may be what it has not acknowledged.
                let legs = records.legs_of(call);
                let scripts = records.scripts.values().filter(|run| run.call() == call).map(ScriptRun::leg);
                legs.into_iter().map(Party::Leg).chain(scripts.map(Party::Script)).collect()
            }
            Party::Outbox(call) => vec![Party::Call(call)],
            Party::Script(leg) => {
                records.scripts.get(&leg).map(|run| Party::Call(run.call())).into_iter().collect()
            }
            Party::Shard => records.legs.keys().copied().map(Party::Leg).collect(),
        }
    }

    /// An actor can be reached: those who wrote to it offer what it has not acknowledged.
    pub(super) fn offer_again_to(self: &Rc<Self>, reader: Party) {
        for writer in self.correspondents(reader) {
            self.told(writer, Post::OfferAgain { reader });
        }
    }

    pub(super) fn take_in_hand(&self, reader: Party, writer: Party, number: u64) {
        self.suspects.borrow_mut().take_in_hand(reader, writer, number);
    }

    pub(super) fn put_down(&self, reader: Party) {
        self.suspects.borrow_mut().put_down(reader);
    }

    /// Counts what an actor had in hand when it died, and says which letters must not be tried again.
    pub(super) fn condemned(self: &Rc<Self>, reader: Party) -> Vec<(Party, u64)> {
        let Some((writer, number)) = self.suspects.borrow_mut().strike(reader) else { return Vec::new() };
        tracing::error!(%reader, %writer, number, "a letter made its reader panic twice and is taken out of the way");
        self.told(writer, Post::Undeliverable { reader, number });
        vec![(writer, number)]
    }

    /// Writes into the event log of a leg from outside its machine.
    pub(super) fn note(&self, leg: LegId, event: Event) {
        let mut records = self.records.borrow_mut();
        if let Some(call) = records.call_of(leg) {
            let entry = crate::ops::events::Entry { leg, at: self.house.clock.now(), event };
            records.log(call, vec![entry]);
        }
    }

    /// An actor was brought back from its snapshot.
    pub(super) fn note_restored(&self, party: Party, generation: Generation) {
        let leg = match party {
            Party::Leg(leg) | Party::Script(leg) | Party::Call(CallId(leg)) | Party::Outbox(CallId(leg)) => {
                leg
            }
            Party::Shard => return tracing::warn!(generation = generation.0, "the shard was brought back"),
        };
        let kind = match party {
            Party::Leg(_) => "leg",
            Party::Call(_) => "call",
            Party::Outbox(_) => "outbox",
            _ => "script",
        };
        self.note(leg, Event::Restored { actor: kind.to_owned(), generation: generation.0 });
    }
}

/// Runs a task that serves a call on this arbiter behind the fence; the census counts those that are under way.
pub(super) fn spawn(task: impl Future<Output = ()> + 'static) {
    let count = |change: i64| {
        if let Some(cell) = Cell::present() {
            cell.tasks.set(cell.tasks.get().saturating_add_signed(change));
        }
    };
    count(1);
    actix_rt::spawn(async move {
        if let Err(caught) = fenced(task).await {
            tracing::error!(%caught, "a task that serves a call panicked");
        }
        count(-1);
    });
}

/// Whether a party of this arbiter has begun and is not gone for good.
fn is_here(party: Party) -> bool {
    Cell::present().is_some_and(|cell| cell.is_here(party))
}

/// Offers an input from the edge; again for a while, to a full mailbox and to one who is only just coming back.
fn signal<M: Machine>(way: Option<&Handle<Runner<M, Cell>>>, party: Party, input: M::Input)
where
    Cell: crate::supervision::runner::Host<M>,
{
    let Some(way) = way else { return };
    let mut waiting = match way.offer(Signal(input)) {
        Ok(()) => return,
        // It is about to begin, or to come back.
        Err((_, signal)) => signal,
    };
    if !is_here(party) {
        return tracing::debug!(%party, "an input from the edge comes too late");
    }
    let way = way.clone();
    spawn(async move {
        for _ in 0..TRIES {
            tokio::time::sleep(FULL_MAILBOX_PAUSE).await;
            match way.offer(waiting) {
                Ok(()) => return,
                Err((_, signal)) => waiting = signal,
            }
            if !is_here(party) {
                return;
            }
        }
        tracing::error!(%party, "an actor takes no inputs");
    });
}
