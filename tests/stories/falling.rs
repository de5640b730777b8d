//! The death of the whole process, and the next one, which has nothing but what was written down.
//! It must never hand anything over but bytes.

use std::time::Duration;

use trunkline::ids::Generation;
use trunkline::leg::Readopted;
use trunkline::supervision::machine::Party;

use crate::house::House;
use crate::parcel::Parcel;
use crate::post::PostOffice;
use crate::web::Web;
use crate::world::{Death, Live, World};

/// How long the next process takes to begin, and how far apart its legs ask.
const DOWN: Duration = Duration::from_millis(80);
/// How long nobody is asked: what was lost with the process, such as an ACK, is asked for again by the phones themselves.
const RESPITE: Duration = Duration::from_secs(2);
const PACE: Duration = Duration::from_millis(5);

impl World {
    /// The process is gone, and with it everything but what it has written down and what is on the wire.
    pub fn fall(&mut self) {
        self.is_fallen = false;
        self.records = self.records.reborn();
        self.live = Live::default();
        self.queue.clear();
        self.fetching.clear();
        self.web = Web::default();
        self.office = PostOffice::default();
        self.media = self.media.restarted();
        match self.death {
            Death::Process { lacks, .. } => {
                self.rises_at = Some(self.now + DOWN);
                self.readopt(lacks);
            }
            _ => self.rise(),
        }
    }

    /// What the next process tells each leg before it begins.
    fn readopt(&mut self, lacks: bool) {
        let mut ask_at = self.now + DOWN + RESPITE;
        for leg in self.records.legs.values_mut() {
            ask_at = ask_at + PACE;
            leg.readopt(&Readopted { ask_at, room: lacks.then_some(Readopted::ROOM) });
        }
    }

    /// A new process begins with the bytes of the old one.
    pub fn rise(&mut self) {
        self.rises_at = None;
        self.house = House::restored(&self.records);
        self.shard_generation = Generation::default();
        self.queue.push_back(Parcel::start(Party::Shard));
        for leg in self.records.legs.keys() {
            self.live.legs.insert(*leg, None);
            self.queue.push_back(Parcel::start(Party::Leg(*leg)));
        }
        for call in self.records.calls.keys() {
            self.live.calls.insert(*call, None);
            self.queue.push_back(Parcel::start(Party::Call(*call)));
        }
        for leg in self.records.scripts.keys() {
            self.live.scripts.insert(*leg, None);
            self.queue.push_back(Parcel::start(Party::Script(*leg)));
        }
        for call in self.records.outboxes.keys() {
            self.live.outboxes.insert(*call, None);
            self.queue.push_back(Parcel::start(Party::Outbox(*call)));
        }
    }
}
