//! The world: one switch, its phones and a network, on one clock that jumps from event to event.
//! It must never let an output leave before its commit, nor keep anything of the switch beyond a fall but bytes.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use trunkline::call::script::{ScriptInput, ScriptRun, Sound, SoundError};
use trunkline::call::{Call, CallInput, Dialled};
use trunkline::callbacks::Outbox;
use trunkline::ids::{CallId, Generation, LegId};
use trunkline::leg::{Leg, LegInput, Notice, Wish};
use trunkline::ops::events::{Entry, Event};
use trunkline::sip::shard::Shard;
use trunkline::supervision::machine::{Machine, Party};
use trunkline::supervision::runner::Post;
use trunkline::webhook::Request;
use trunkline_media::moment::{Moment, earliest};

use crate::house::{Dialling, House};
use crate::media::Media;
use crate::network::{Arrival, Network};
use crate::parcel::{Parcel, ShardMail};
use crate::phone::Phone;
use crate::post::PostOffice;
use crate::records::{Records, encoded};
use crate::runner::{Mailed, born};
use crate::web::Web;

/// How long a sound takes to be fetched.
const FETCHING: Duration = Duration::from_millis(1);

/// What dies, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Death {
    #[default]
    Nothing,
    /// Everything, right after this commit: only its bytes, and what is on the wire, are left.
    Everything { commit: usize },
    /// The same, and the next process takes its time: whoever writes meanwhile waits in the sockets. Then each leg asks
    /// its far end whether that is still there. Where the journal `lacks` the last words, numbers are skipped.
    Process { commit: usize, lacks: bool },
    /// Whoever has this input, before its commit; the mailbox goes along.
    Actor { input: usize },
    /// Whoever has this letter, each time that it has it.
    Poison { input: usize },
    /// Whoever has this input, for good.
    GivenUp { input: usize },
    /// Of a thousand inputs and commits so many kill, by the dice of the network.
    Often { actors: u64, everything: u64 },
}

/// The actors. `None`: known, but between two lives.
#[derive(Default)]
pub struct Live {
    pub shard: Option<Shard>,
    pub legs: BTreeMap<LegId, Option<Leg>>,
    pub calls: BTreeMap<CallId, Option<Call>>,
    pub scripts: BTreeMap<LegId, Option<ScriptRun>>,
    pub outboxes: BTreeMap<CallId, Option<Outbox>>,
}

/// Everything.
pub struct World {
    pub now: Moment,
    pub phones: Vec<Phone>,
    pub network: Network,
    pub media: Media,
    pub house: House,
    pub records: Records,
    pub live: Live,
    pub queue: VecDeque<Parcel>,
    pub shard_generation: Generation,
    pub death: Death,
    /// The present input kills its actor.
    pub is_dying: bool,
    /// Everything has just died.
    pub is_fallen: bool,
    /// The letter that kills its reader: reader, writer, number.
    pub poison: Option<(Party, Party, u64)>,
    pub office: PostOffice,
    pub commits: usize,
    pub inputs: usize,
    /// When nothing was left of any call, if so.
    pub emptied: Option<Moment>,
    /// Documents as they were asked for, each under its token once.
    pub asked: Vec<Request>,
    /// Status callbacks as they were posted.
    pub posted: Vec<(Moment, Request)>,
    pub web: Web,
    pub fetching: BTreeMap<(Moment, usize), (LegId, u64, Sound)>,
    fetched: usize,
    /// When the next process begins, if there is none.
    pub rises_at: Option<Moment>,
    /// What lies in the sockets until then.
    held: Vec<Arrival>,
    told: bool,
    /// Nothing goes on beyond: what is still there then is left over.
    end: Moment,
}

impl World {
    pub fn new(death: Death, seed: u64) -> Self {
        let mut world = Self {
            now: Moment::from_micros(1_000_000_000),
            phones: Vec::new(),
            network: Network::new(seed),
            media: Media::default(),
            house: House::new(),
            records: Records::default(),
            live: Live::default(),
            queue: VecDeque::new(),
            shard_generation: Generation::default(),
            death: Death::Nothing,
            is_dying: false,
            is_fallen: false,
            poison: None,
            office: PostOffice::default(),
            commits: 0,
            inputs: 0,
            emptied: None,
            asked: Vec::new(),
            posted: Vec::new(),
            web: Web::default(),
            fetching: BTreeMap::new(),
            fetched: 0,
            rises_at: None,
            held: Vec::new(),
            told: false,
            end: Moment::from_micros(3_000_000_000),
        };
        world.queue.push_back(Parcel::start(Party::Shard));
        world.run_to_rest();
        world.death = death;
        world
    }

    /// Registers the phones, which is no part of the story, and clears the page.
    pub fn register_all(&mut self) {
        let death = std::mem::take(&mut self.death);
        for at in 0..self.phones.len() {
            let said = self.phones[at].register(self.now);
            self.say(at, said);
            self.run_to_rest();
            self.phones[at].heard.clear();
        }
        (self.commits, self.inputs, self.death) = (0, 0, death);
    }

    /// Everyone begins; ends when nothing is left to happen.
    pub fn tell(&mut self) {
        self.told = true;
        for at in 0..self.phones.len() {
            let said = self.phones[at].begin(self.now);
            self.say(at, said);
        }
        self.run_to_rest();
    }

    fn run_to_rest(&mut self) {
        let (mut since, mut steps) = (self.now, 0);
        loop {
            while let Some(parcel) = self.queue.pop_front() {
                self.handle(parcel);
                if self.is_fallen {
                    self.fall();
                }
                steps += 1;
                assert!(steps < 20_000, "it never comes to rest at {since:?}: {:?}", self.queue.front());
            }
            self.note_emptiness();
            let Some(next) = self.next_event().filter(|next| *next <= self.end) else {
                if self.fall_silent() {
                    // Whoever refreshes its session never comes to rest by itself.
                    self.end = self.end.max(self.now + Duration::from_secs(200));
                    continue;
                }
                return;
            };
            if next > self.now {
                self.now = next;
                (since, steps) = (next, 0);
            }
            steps += 1;
            assert!(steps < 20_000, "time stands still at {since:?}");
            self.wake();
        }
    }

    /// A leg whose BYE was poison hears it never: in the end its media side notices that nobody is there.
    fn fall_silent(&mut self) -> bool {
        let open = if self.poison.is_some() { self.media.take_open() } else { Vec::new() };
        for leg in &open {
            self.signal_leg(*leg, LegInput::Media(Notice::Timeout));
        }
        !open.is_empty()
    }

    fn handle(&mut self, parcel: Parcel) {
        if !parcel.is_start() {
            self.inputs += 1;
            self.is_dying = self.kills(&parcel);
        }
        match parcel {
            Parcel::Leg(leg, mailed) => self.run::<Leg>(leg, mailed),
            Parcel::Call(call, mailed) => self.run::<Call>(call, mailed),
            Parcel::Script(leg, mailed) => self.run::<ScriptRun>(leg, mailed),
            Parcel::Outbox(call, mailed) => self.run::<Outbox>(call, mailed),
            Parcel::Shard(mail) => self.run_shard(mail),
        }
        self.is_dying = false;
    }

    /// Whether whoever reads this dies of it.
    fn kills(&mut self, parcel: &Parcel) -> bool {
        match self.death {
            Death::Actor { input } => input == self.inputs && !parcel.is_irreplaceable(),
            Death::Poison { input } if input == self.inputs => {
                self.poison = parcel.letter();
                false
            }
            Death::GivenUp { input } => input == self.inputs && parcel.reader() != Party::Shard,
            Death::Often { actors, .. } => self.network.roll(1000) < actors,
            Death::Poison { .. } | Death::Everything { .. } | Death::Process { .. } | Death::Nothing => false,
        }
    }

    /// Counts a commit; tells whether everything dies of it.
    pub fn committed(&mut self) -> bool {
        self.commits += 1;
        self.is_fallen = match self.death {
            Death::Everything { commit } | Death::Process { commit, .. } => commit == self.commits,
            Death::Often { everything, .. } => self.network.roll(1000) < everything,
            _ => false,
        };
        self.is_fallen
    }

    fn deadlines(&self) -> Vec<(Moment, Party)> {
        let live = &self.live;
        let legs =
            live.legs.iter().map(|(id, m)| (Party::Leg(*id), m.as_ref().and_then(Machine::next_deadline)));
        let calls =
            live.calls.iter().map(|(id, m)| (Party::Call(*id), m.as_ref().and_then(Machine::next_deadline)));
        let scripts = live
            .scripts
            .iter()
            .map(|(id, m)| (Party::Script(*id), m.as_ref().and_then(Machine::next_deadline)));
        let outboxes = live
            .outboxes
            .iter()
            .map(|(id, m)| (Party::Outbox(*id), m.as_ref().and_then(Machine::next_deadline)));
        let shard = (Party::Shard, live.shard.as_ref().and_then(Shard::next_deadline));
        let all = legs.chain(calls).chain(scripts).chain(outboxes).chain([shard]);
        all.filter_map(|(party, due)| Some((due?, party))).collect()
    }

    fn next_event(&self) -> Option<Moment> {
        let deadline = self.deadlines().into_iter().map(|(due, _)| due).min();
        let fetched = self.fetching.keys().next().map(|(at, _)| *at);
        let phones = self.phones.iter().map(Phone::next_deadline).fold(None, earliest);
        let others = [self.network.next(), self.media.next(), self.web.next(), self.rises_at];
        [deadline, fetched, phones].into_iter().chain(others).fold(None, earliest)
    }

    /// Lets everything happen that is due now. Packets come one by one: the next is still on the wire while the
    /// switch is busy with one.
    fn wake(&mut self) {
        if self.rises_at.is_some_and(|at| at <= self.now) {
            self.rise();
            let held = std::mem::take(&mut self.held);
            return held.into_iter().for_each(|arrival| self.arrive(arrival));
        }
        if let Some(arrival) = self.network.take_due(self.now) {
            return self.arrive(arrival);
        }
        for at in 0..self.phones.len() {
            let said = self.phones[at].wake(self.now);
            self.say(at, said);
        }
        while let Some((leg, notice)) = self.media.take_due(self.now) {
            self.signal_leg(leg, LegInput::Media(notice));
        }
        self.answer_due();
        while let Some(entry) = self.fetching.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (leg, activity, sound) = entry.remove();
            let prepared = match &sound {
                Sound::File(name) if name == "missing.wav" => Err(SoundError::skipped("no such file")),
                sound => Ok(serde_json::to_string(sound).expect("a sound has a name")),
            };
            if self.live.scripts.get(&leg).is_some_and(Option::is_some) {
                let input = ScriptInput::Prepared(activity, prepared);
                self.queue.push_back(Parcel::Script(leg, Mailed::Signal(input)));
            }
        }
        let due: Vec<Party> = self
            .deadlines()
            .into_iter()
            .filter(|(due, _)| *due <= self.now)
            .map(|(_, party)| party)
            .collect();
        self.queue.extend(due.into_iter().map(Parcel::alarm));
    }

    fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::AtSwitch { .. } | Arrival::Unreachable(_) if self.rises_at.is_some() => {
                self.held.push(arrival);
            }
            Arrival::AtSwitch { from, bytes } => {
                self.queue.push_back(Parcel::Shard(ShardMail::Datagram { from, bytes }));
            }
            Arrival::Unreachable(remote) => {
                self.queue.push_back(Parcel::Shard(ShardMail::Unreachable(remote)));
            }
            Arrival::AtPhone { to, bytes } => {
                let Some(at) = self.phones.iter().position(|phone| phone.address == to) else { return };
                if self.phones[at].is_listening {
                    let said = self.phones[at].receive(bytes, self.now);
                    self.say(at, said);
                } else {
                    let latency = self.phones[at].latency;
                    self.network.send(&Arrival::Unreachable(to), latency, self.now);
                }
            }
        }
    }

    fn say(&mut self, at: usize, said: Vec<Bytes>) {
        let (from, latency) = (self.phones[at].address, self.phones[at].latency);
        for bytes in said {
            self.network.send(&Arrival::AtSwitch { from, bytes }, latency, self.now);
        }
    }

    /// The switch sends.
    pub fn transmit(&mut self, to: SocketAddr, bytes: Bytes) {
        let latency = self.phones.iter().find(|phone| phone.address == to).map(|phone| phone.latency);
        let latency = latency.unwrap_or_else(|| panic!("the switch writes to {to}, where nobody ever was"));
        self.network.send(&Arrival::AtPhone { to, bytes }, latency, self.now);
    }

    pub fn log(&mut self, entries: Vec<Entry>) {
        self.records.log.extend(entries);
    }

    /// Whether a party has begun and is not gone for good.
    pub fn is_here(&self, party: Party) -> bool {
        match party {
            Party::Leg(leg) => self.records.legs.contains_key(&leg),
            Party::Call(call) => self.records.calls.contains_key(&call),
            Party::Script(leg) => self.records.scripts.contains_key(&leg),
            Party::Outbox(call) => self.records.outboxes.contains_key(&call),
            Party::Shard => true,
        }
    }

    /// Whether a call waits for this leg, or its outbox, to begin.
    fn is_wanted(&self, call: Party, reader: Party) -> bool {
        let Party::Call(call) = call else { return false };
        match reader {
            Party::Leg(leg) => self.records.calls.get(&call).is_some_and(|call| call.wants(leg)),
            Party::Outbox(_) => self.records.calls.contains_key(&call),
            Party::Script(leg) => self.records.calls.get(&call).is_some_and(|call| call.wants_asked(leg)),
            _ => false,
        }
    }

    /// Hands a letter to its reader. One that has ended has read everything; one that is being born asks for it.
    pub fn hand(&mut self, parcel: Parcel, writer: Party, number: u64) {
        let reader = parcel.reader();
        let state = match reader {
            // Between two lives its mailbox is that of the next one.
            Party::Shard => Some(true),
            Party::Leg(leg) => self.live.legs.get(&leg).map(Option::is_some),
            Party::Call(call) => self.live.calls.get(&call).map(Option::is_some),
            Party::Script(leg) => self.live.scripts.get(&leg).map(Option::is_some),
            Party::Outbox(call) => self.live.outboxes.get(&call).map(Option::is_some),
        };
        match state {
            None if self.is_here(reader) || self.is_wanted(writer, reader) => {}
            None => self.note_receipt(reader, writer, number),
            Some(true) => self.queue.push_back(parcel),
            Some(false) => {}
        }
    }

    /// Tells the writer of letters what became of them.
    pub fn told(&mut self, writer: Party, post: Post) {
        let parcel = match writer {
            Party::Shard => Parcel::Shard(ShardMail::Post(post)),
            Party::Leg(leg) if self.live.legs.get(&leg).is_some_and(Option::is_some) => {
                Parcel::Leg(leg, Mailed::Post(post))
            }
            Party::Call(call) if self.live.calls.get(&call).is_some_and(Option::is_some) => {
                Parcel::Call(call, Mailed::Post(post))
            }
            Party::Script(leg) if self.live.scripts.get(&leg).is_some_and(Option::is_some) => {
                Parcel::Script(leg, Mailed::Post(post))
            }
            Party::Outbox(call) if self.live.outboxes.get(&call).is_some_and(Option::is_some) => {
                Parcel::Outbox(call, Mailed::Post(post))
            }
            _ => return,
        };
        self.queue.push_back(parcel);
    }

    /// An actor can be reached: those who wrote to it offer what it has not acknowledged.
    pub fn offer_again_to(&mut self, reader: Party) {
        let records = &self.records;
        let writers: Vec<Party> = match reader {
            Party::Leg(leg) => {
                let call = records.legs.get(&leg).map(|leg| Party::Call(leg.call()));
                call.into_iter().chain([Party::Shard]).collect()
            }
            Party::Call(call) => {
                // Those included that are over for the call: their last word may be what it has not acknowledged.
                let legs = records.legs.values().filter(|leg| leg.call() == call).map(Leg::id);
                let scripts = records.scripts.values().filter(|run| run.call() == call).map(ScriptRun::leg);
                legs.map(Party::Leg).chain(scripts.map(Party::Script)).collect()
            }
            Party::Script(leg) => {
                records.scripts.get(&leg).map(|run| Party::Call(run.call())).into_iter().collect()
            }
            Party::Outbox(call) => vec![Party::Call(call)],
            Party::Shard => records.legs.keys().copied().map(Party::Leg).collect(),
        };
        writers.into_iter().for_each(|writer| self.told(writer, Post::OfferAgain { reader }));
    }

    fn signal_leg(&mut self, leg: LegId, input: LegInput) {
        if self.live.legs.get(&leg).is_some_and(Option::is_some) {
            self.queue.push_back(Parcel::Leg(leg, Mailed::Signal(input)));
        }
    }

    pub fn wish(&mut self, wish: Wish) {
        if let Some((leg, notice)) = self.media.wish(wish, self.now) {
            self.signal_leg(leg, LegInput::Media(notice));
        }
    }

    pub fn prepare(&mut self, leg: LegId, activity: u64, sound: Sound) {
        self.fetched += 1;
        self.fetching.insert((self.now + FETCHING, self.fetched), (leg, activity, sound));
    }

    /// A call wants a leg.
    pub fn dial(&mut self, call: CallId, dialled: Dialled) {
        if self.records.legs.contains_key(&dialled.leg) {
            return;
        }
        let (id, parent) = (dialled.leg, dialled.parent);
        match self.house.dial(call, dialled, self.now) {
            Dialling::Refused(cause) => {
                self.signal_call(call, CallInput::Refused(id, cause));
            }
            Dialling::Script { hook, fallback } => {
                self.signal_call(call, CallInput::Scripted { leg: id, hook, fallback });
            }
            Dialling::Leg(leg) => {
                let to = leg.summary().peer;
                let (leg, mut events) = born(*leg, LegInput::Start, self);
                events.push(Entry {
                    leg: id,
                    at: self.now,
                    event: Event::Dialled { from: String::new(), to, parent },
                });
                self.records.put_leg(leg);
                self.log(events);
                if !self.committed() {
                    self.live.legs.insert(id, None);
                    self.queue.push_back(Parcel::start(Party::Leg(id)));
                }
            }
        }
    }

    pub fn signal_call(&mut self, call: CallId, input: CallInput) {
        if self.live.calls.get(&call).is_some_and(Option::is_some) {
            self.queue.push_back(Parcel::Call(call, Mailed::Signal(input)));
        }
    }

    /// A leg is over and everything it wrote was read.
    pub fn leg_gone(&mut self, leg: &Leg) {
        let id = leg.id();
        self.media.forget(id);
        self.house.leg_gone(id);
        self.records.legs.remove(&id);
        if !self.committed() {
            self.reads_no_more(Party::Leg(id), [Party::Call(leg.call())]);
            self.forget_receipts(Party::Leg(id));
            self.bid_farewell(id);
        }
    }

    /// A call is over.
    pub fn call_gone(&mut self, call: &Call) {
        let legs = self.records.legs.values().filter(|leg| leg.call() == call.id());
        let writers: Vec<Party> =
            legs.map(|leg| Party::Leg(leg.id())).chain([Party::Script(call.id().0)]).collect();
        self.house.call_gone();
        self.records.calls.remove(&call.id());
        if !self.committed() {
            self.reads_no_more(Party::Call(call.id()), writers);
            self.forget_receipts(Party::Call(call.id()));
            self.watch_call(call.id());
        }
    }

    /// A script is over.
    pub fn script_gone(&mut self, run: &ScriptRun) {
        self.records.scripts.remove(&run.leg());
        if !self.committed() {
            self.reads_no_more(Party::Script(run.leg()), [Party::Call(run.call())]);
            self.forget_receipts(Party::Script(run.leg()));
        }
    }

    /// What is left: words for everything that has to be gone in the end.
    pub fn census(&self) -> Vec<String> {
        let mut left = Vec::new();
        let mut count = |what: &str, n: usize| {
            if n > 0 {
                left.push(format!("{n} {what}"));
            }
        };
        let Records { legs, calls, scripts, outboxes, .. } = &self.records;
        count("legs on record", legs.len());
        count("calls on record", calls.len());
        count("scripts on record", scripts.len());
        count("outboxes on record", outboxes.len());
        count("mails of the shard", self.records.legs_with_mail().len());
        let live = &self.live;
        count("actors", live.legs.len() + live.calls.len() + live.scripts.len() + live.outboxes.len());
        if let Some(shard) = &live.shard {
            let open = shard.census();
            count("client transactions", open.client);
            count("server transactions", open.server);
            count("dialogs", open.dialogs);
            count("letters of the shard", shard.pending(None).len());
        }
        let [leases, admitted, calls, legs] = self.house.held();
        count("leases", leases);
        count("admitted transactions", admitted);
        count("counted calls", calls);
        count("counted legs", legs);
        count("media sessions", self.media.open_sessions());
        left
    }

    fn note_emptiness(&mut self) {
        let is_empty = self.told && self.census().is_empty();
        self.emptied = if is_empty { self.emptied.or(Some(self.now)) } else { None };
    }

    /// Whatever the live shard holds, its record holds: a change that was not told would be lost in a fall.
    pub fn assert_shard_is_on_record(&self) {
        let Some(shard) = &self.live.shard else { return };
        let live: BTreeMap<_, _> = shard.parts().iter().map(|part| (part.key(), encoded(part))).collect();
        let kept: BTreeMap<_, _> =
            self.records.shard.values().map(|part| (part.key(), encoded(part))).collect();
        assert_eq!(
            live.keys().collect::<Vec<_>>(),
            kept.keys().collect::<Vec<_>>(),
            "a change was not committed"
        );
    }
}
