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

use super::house::House;
use super::pace::Pace;
use super::records::Records;
use super::shard_actor::{ShardActor, ShardMail};
use crate::call::script::ScriptRun;
use crate::call::{Call, CallInput};
use crate::ids::{CallId, Generation, LegId, Minter};
use crate::leg::{Leg, LegInput};
use crate::ops::events::Event;
use crate::sip::endpoint::ServerKey;
use crate::sip::shard::Gate;
use crate::supervision::machine::{Machine, Party};
use crate::supervision::runner::{Incoming, Post, Runner, Signal};
use crate::supervision::{Handle, Supervisor, Undelivered};

/// Runs a leg.
pub type LegActor = Runner<Leg, Cell>;
/// Runs a call.
pub type CallActor = Runner<Call, Cell>;
/// Runs a script.
pub type ScriptActor = Runner<ScriptRun, Cell>;

/// How long a letter waits that found its reader's mailbox full.
const FULL_MAILBOX_PAUSE: Duration = Duration::from_millis(20);

/// Panics on one letter after which it is taken out of the way (design §4).
const STRIKES: u32 = 2;

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
    pub(super) gate: RefCell<Gate>,
    pub(super) minter: RefCell<Minter>,
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) actors: RefCell<Actors>,
    /// Legs by media session: those whose session was opened.
    pub(super) sessions: RefCell<HashMap<u64, super::sound::Session>>,
    /// Legs by the transaction that began them: an INVITE offered twice begins one call.
    pub(super) admitted: RefCell<Admitted>,
    /// How fast calls may begin here.
    pub(super) pace: RefCell<Pace>,
    receipts: RefCell<Receipts>,
    suspects: RefCell<Suspects>,
    /// How late the shard is: queue delay of what it handles.
    pub(super) lag: std::cell::Cell<Duration>,
}

/// Ways to the actors of an arbiter.
#[derive(Default)]
pub(super) struct Actors {
    pub root: Option<Addr<Supervisor>>,
    pub undertaker: Option<actix::Recipient<crate::supervision::Down>>,
    pub shard: Option<Handle<ShardActor>>,
    pub supervisors: HashMap<CallId, Handle<Supervisor>>,
    pub legs: HashMap<LegId, Handle<LegActor>>,
    pub calls: HashMap<CallId, Handle<CallActor>>,
    pub scripts: HashMap<LegId, Handle<ScriptActor>>,
}

/// Which transaction began which leg.
#[derive(Default)]
pub(super) struct Admitted {
    legs: HashMap<ServerKey, LegId>,
    keys: HashMap<LegId, ServerKey>,
}

impl Admitted {
    pub fn leg(&self, key: &ServerKey) -> Option<LegId> {
        self.legs.get(key).copied()
    }

    pub fn insert(&mut self, key: ServerKey, leg: LegId) {
        self.keys.insert(leg, key.clone());
        self.legs.insert(key, leg);
    }

    pub fn remove(&mut self, leg: LegId) {
        if let Some(key) = self.keys.remove(&leg) {
            self.legs.remove(&key);
        }
    }
}

/// What readers have acknowledged and writers have not taken note of yet.
#[derive(Default)]
struct Receipts {
    noted: HashMap<Party, Vec<(Party, u64)>>,
    /// Writers that wait for nothing else.
    awaited: HashSet<Party>,
}

/// What was being handled when an actor panicked.
#[derive(Default)]
struct Suspects {
    in_hand: HashMap<Party, (Party, u64)>,
    strikes: HashMap<(Party, Party, u64), u32>,
    datagram: Option<u64>,
    quarantine: HashSet<u64>,
}

impl Cell {
    pub(super) fn new(
        seat: crate::leg::Seat,
        house: Arc<House>,
        gate: Gate,
        minter: Minter,
        sink: Arc<dyn EventSink>,
    ) -> Rc<Self> {
        // Call-IDs spread evenly over the arbiters: each has its part of the limit.
        let share = house.config.limits.calls_per_second.div_ceil(seat.of.max(1));
        let pace = RefCell::new(Pace::new(share));
        let cell = Rc::new(Self {
            seat,
            house,
            records: RefCell::default(),
            gate: RefCell::new(gate),
            minter: RefCell::new(minter),
            sink,
            actors: RefCell::default(),
            sessions: RefCell::default(),
            admitted: RefCell::default(),
            pace,
            receipts: RefCell::default(),
            suspects: RefCell::default(),
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

    /// Gives an actor an input from the edge; one that is gone or full misses it.
    pub(super) fn signal_leg(&self, leg: LegId, input: LegInput) {
        let handle = self.actors.borrow().legs.get(&leg).cloned();
        if let Some(Err(error)) = handle.map(|handle| handle.try_send(Signal(input))) {
            tracing::debug!(%leg, %error, "an input from the edge is lost");
        }
    }

    pub(super) fn signal_call(&self, call: CallId, input: CallInput) {
        let handle = self.actors.borrow().calls.get(&call).cloned();
        if let Some(Err(error)) = handle.map(|handle| handle.try_send(Signal(input))) {
            tracing::debug!(%call, %error, "an input from the edge is lost");
        }
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
        };
        if let Some(Err(Undelivered::Full)) = result {
            drop(actors);
            self.tell_later(writer, again);
        }
    }

    /// Notes that `reader` has committed what it read. The writer finds it when it moves next; one that waits for
    /// nothing else is woken.
    pub(super) fn note_receipt(self: &Rc<Self>, reader: Party, writer: Party, number: u64) {
        let is_awaited = {
            let mut receipts = self.receipts.borrow_mut();
            let noted = receipts.noted.entry(writer).or_default();
            match noted.iter_mut().find(|(known, _)| *known == reader) {
                Some((_, upto)) => *upto = number.max(*upto),
                None => noted.push((reader, number)),
            }
            receipts.awaited.contains(&writer)
        };
        if is_awaited {
            self.told(writer, Post::Receipts);
        }
    }

    /// What was noted for `writer`.
    pub(super) fn take_receipts(&self, writer: Party) -> Vec<(Party, u64)> {
        self.receipts.borrow_mut().noted.remove(&writer).unwrap_or_default()
    }

    pub(super) fn await_receipts(&self, writer: Party) {
        self.receipts.borrow_mut().awaited.insert(writer);
    }

    /// A writer is gone for good.
    pub(super) fn forget_receipts(&self, writer: Party) {
        let mut receipts = self.receipts.borrow_mut();
        receipts.noted.remove(&writer);
        receipts.awaited.remove(&writer);
    }

    /// Has the writer offer its letters to `reader` again, in a moment.
    pub(super) fn offer_later(self: &Rc<Self>, writer: Party, reader: Party) {
        self.tell_later(writer, Post::OfferAgain { reader });
    }

    fn tell_later(self: &Rc<Self>, writer: Party, post: Post) {
        let cell = Rc::clone(self);
        actix_rt::spawn(async move {
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
                let legs = records.calls.get(&call).map(Call::legs).unwrap_or_default();
                legs.into_iter().map(Party::Leg).chain([Party::Script(call.0)]).collect()
            }
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
        self.suspects.borrow_mut().in_hand.insert(reader, (writer, number));
    }

    pub(super) fn put_down(&self, reader: Party) {
        self.suspects.borrow_mut().in_hand.remove(&reader);
    }

    /// Counts what an actor had in hand when it died, and says which letters must not be tried again.
    pub(super) fn condemned(self: &Rc<Self>, reader: Party) -> Vec<(Party, u64)> {
        let mut suspects = self.suspects.borrow_mut();
        let Some((writer, number)) = suspects.in_hand.remove(&reader) else { return Vec::new() };
        let strikes = suspects.strikes.entry((reader, writer, number)).or_default();
        *strikes += 1;
        if *strikes < STRIKES {
            return Vec::new();
        }
        suspects.strikes.remove(&(reader, writer, number));
        drop(suspects);
        tracing::error!(%reader, %writer, number, "a letter made its reader panic twice and is taken out of the way");
        self.told(writer, Post::Undeliverable { reader, number });
        vec![(writer, number)]
    }

    /// A datagram is about to be handled. One that made the shard panic before is not handled again.
    pub(super) fn take_datagram_in_hand(&self, fingerprint: u64) -> bool {
        let mut suspects = self.suspects.borrow_mut();
        if suspects.quarantine.contains(&fingerprint) {
            return false;
        }
        suspects.datagram = Some(fingerprint);
        true
    }

    pub(super) fn put_datagram_down(&self) {
        self.suspects.borrow_mut().datagram = None;
    }

    /// The shard was brought back: what it had in hand goes into quarantine.
    pub(super) fn quarantine(&self) {
        /// Datagrams remembered; past it the memory begins anew.
        const KEPT: usize = 1_000;
        let mut suspects = self.suspects.borrow_mut();
        if let Some(fingerprint) = suspects.datagram.take() {
            if suspects.quarantine.len() >= KEPT {
                suspects.quarantine.clear();
            }
            suspects.quarantine.insert(fingerprint);
        }
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
            Party::Leg(leg) | Party::Script(leg) | Party::Call(CallId(leg)) => leg,
            Party::Shard => return tracing::warn!(generation = generation.0, "the shard was brought back"),
        };
        let kind = match party {
            Party::Leg(_) => "leg",
            Party::Call(_) => "call",
            _ => "script",
        };
        self.note(leg, Event::Restored { actor: kind.to_owned(), generation: generation.0 });
    }
}
