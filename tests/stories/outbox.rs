//! Outboxes in the world: how they begin and end, and whoever is told there, content with everything.
//! It must never differ from the node's hosting but in that nothing is really posted.

use std::time::Duration;

use trunkline::callbacks::{Outbox, OutboxInput};
use trunkline::ids::CallId;
use trunkline::supervision::machine::{Machine, Party};
use trunkline::webhook::Request;

use crate::parcel::Parcel;
use crate::runner::Mailed;
use crate::world::World;

/// How long a status callback is tried again.
const PATIENCE: Duration = Duration::from_secs(900);

impl World {
    /// A call has something to be told.
    pub fn open_outbox(&mut self, call: CallId) {
        let Some(owner) =
            self.records.calls.get(&call).filter(|_| !self.records.outboxes.contains_key(&call))
        else {
            return;
        };
        let mut outbox = Outbox::new(call, PATIENCE, [9; 16]);
        let first = owner.unread_by(Party::Outbox(call));
        outbox.mail().skip(Party::Call(call), first.map_or(0, |number| number - 1));
        self.records.outboxes.insert(call, outbox);
        if !self.committed() {
            self.live.outboxes.insert(call, None);
            self.queue.push_back(Parcel::start(Party::Outbox(call)));
        }
    }

    /// Tells an outbox that its call is over, if it is.
    pub fn watch_call(&mut self, call: CallId) {
        if !self.records.calls.contains_key(&call) {
            self.signal_outbox(call, OutboxInput::CallGone);
        }
    }

    /// Posts a callback: whoever is told is there, and content.
    pub fn post_callback(&mut self, call: CallId, number: u64, request: Request) {
        self.posted.push((self.now, request));
        self.signal_outbox(call, OutboxInput::Delivered { number, result: Ok(204) });
    }

    fn signal_outbox(&mut self, call: CallId, input: OutboxInput) {
        if self.live.outboxes.get(&call).is_some_and(Option::is_some) {
            self.queue.push_back(Parcel::Outbox(call, Mailed::Signal(input)));
        }
    }

    /// An outbox has delivered everything, and its call is over.
    pub fn outbox_gone(&mut self, outbox: &Outbox) {
        let call = outbox.call();
        self.records.outboxes.remove(&call);
        if !self.committed() {
            self.reads_no_more(Party::Outbox(call), [Party::Call(call)]);
            self.forget_receipts(Party::Outbox(call));
        }
    }
}
