//! The record of each leg that is over, on its way to the ledger.
//! It must never make one of a leg that goes on.

use std::sync::atomic::Ordering;

use super::cell::Cell;
use super::changes::Key;
use super::dialing::spoken;
use crate::call::Dialled;
use crate::call::profile::WallClock;
use crate::ids::{CallId, LegId};
use crate::ledger::CallRecord;
use crate::ops::events::{Cause, Entry, Event, Side};

impl Cell {
    /// The record of a leg by its log as it is now.
    pub(super) fn account(&self, call: CallId, leg: LegId) -> CallRecord {
        let records = self.records.borrow();
        CallRecord::of(call, leg, records.leg_log(call, leg), &self.wall_clock())
    }

    /// A leg is gone for good.
    pub(super) fn post_record(&self, leg: LegId) {
        let call = self.records.borrow().call_of(leg);
        if let Some(call) = call {
            self.enter(self.account(call, leg));
        }
    }

    /// Has a record written into the ledger. The journal has it until then: should the process die, the next one posts it
    /// again, and the ledger takes each once.
    pub(super) fn enter(&self, record: CallRecord) {
        let leg = record.sid;
        {
            let mut records = self.records.borrow_mut();
            records.accounts.insert(leg, record.clone());
            records.changes.note(Key::Account(leg));
        }
        self.commit_soon();
        let post = self.house.posts.get().and_then(|posts| posts.get(self.seat.shard)).cloned();
        self.house.ledger.post(record, move || {
            if let Some(post) = post {
                post.tell(move |cell| cell.entered(leg));
            }
        });
    }

    /// The record of a leg is in the ledger for good.
    fn entered(&self, leg: LegId) {
        {
            let mut records = self.records.borrow_mut();
            records.accounts.remove(&leg);
            records.changes.note(Key::Account(leg));
        }
        self.commit_soon();
    }

    /// A leg that was dialled could not even begin: whoever asked for its status is told of it, and so is the ledger.
    pub(super) fn post_unbegun(&self, call: CallId, dialled: &Dialled, cause: &Cause) {
        let (leg, at) = (dialled.leg, self.house.clock.now());
        let (from, to) = spoken(dialled);
        let events = [
            Event::Dialled { from, to, parent: dialled.parent },
            Event::Ended { cause: cause.clone(), by: Side::Switch },
        ];
        let log = events.map(|event| Entry { leg, at, event });
        let record = CallRecord { sip_status: None, ..CallRecord::of(call, leg, &log, &self.wall_clock()) };
        self.enter(record);
    }

    /// The node is about to end: legs that are over, but whose far ends have not acknowledged it, have records, too.
    pub(super) fn post_rest(&self) {
        if !self.house.load.closing.load(Ordering::Relaxed) {
            return;
        }
        let legs: Vec<(CallId, LegId)> =
            self.records.borrow().legs.values().map(|leg| (leg.call(), leg.id())).collect();
        let has_ended = |call, leg| {
            let records = self.records.borrow();
            records.leg_log(call, leg).iter().any(|entry| matches!(entry.event, Event::Ended { .. }))
        };
        let over = legs.into_iter().filter(|(call, leg)| has_ended(*call, *leg));
        over.for_each(|(_, leg)| self.post_record(leg));
    }

    fn wall_clock(&self) -> WallClock {
        let clock = &self.house.clock;
        WallClock { at: clock.now(), wall: clock.wall() }
    }
}
