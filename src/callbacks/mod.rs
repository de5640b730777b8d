//! The outbox of one call: status callbacks on their way, in order per leg, each delivered at least once or expired.
//! It must never post anything itself, nor hold one leg's callbacks back for another's.

mod lane;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use self::lane::Lane;
use crate::ids::{CallId, LegId, Minter};
use crate::supervision::machine::{Machine, Mail, Party, Turn};
use crate::twiml::verb::Method;
use crate::webhook::{Cookies, Request, WebhookError};

/// A callback waited too long for its turn (webhooks.md §2.3).
pub const EXPIRED: u32 = 15_002;

/// A callback was answered with 4xx or 5xx.
pub const REFUSED: u32 = 15_003;

/// Something that a script asked to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The leg that it is about; callbacks of one leg arrive in order, one at a time.
    pub lane: LegId,
    /// Where, with its connection overrides in the fragment.
    pub url: String,
    /// How.
    #[serde(default)]
    pub method: Method,
    /// What is told.
    pub parameters: Vec<(String, String)>,
    /// The idempotency token: a UUID, the same in every try.
    pub token: String,
}

/// What may happen to an outbox.
#[derive(Debug)]
pub enum OutboxInput {
    /// The call has something to be told.
    Callback(Box<Callback>),
    /// How a post went: the status of its answer, or why there was none.
    Delivered {
        /// Which post.
        number: u64,
        /// How it went.
        result: Result<u16, WebhookError>,
    },
    /// The call is over: nothing more will come.
    CallGone,
}

/// What an outbox wants of the world outside.
#[derive(Debug)]
pub enum OutboxEffect {
    /// Post this and tell how it went. Asked again under the same number, it is the same post.
    Post {
        /// Names the post.
        number: u64,
        /// What.
        request: Box<Request>,
    },
    /// Tell when the call is over, or that it is.
    Watch,
}

/// An outbox writes no letters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Unwritten {}

/// The callbacks of one call that are not delivered yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outbox {
    call: CallId,
    /// A callback that is older is given up.
    patience: Duration,
    minter: Minter,
    lanes: BTreeMap<LegId, Lane>,
    /// The number of the next post.
    next: u64,
    is_call_gone: bool,
    mail: Mail<Unwritten>,
}

impl Outbox {
    /// The outbox of `call`; each callback has `patience` to arrive. The seed randomises the pauses between tries and
    /// where posts are counted from: one of an outbox that this one follows may still be under way.
    pub fn new(call: CallId, patience: Duration, seed: [u8; 16]) -> Self {
        let mut minter = Minter::new(seed);
        // In the lower half of all numbers, so that counting on from there never ends.
        let next = minter.number() >> 1;
        Self {
            call,
            patience,
            minter,
            lanes: BTreeMap::new(),
            next,
            is_call_gone: false,
            mail: Mail::new(Party::Outbox(call)),
        }
    }

    /// Whose callbacks these are.
    pub fn call(&self) -> CallId {
        self.call
    }

    /// Callbacks that are not delivered yet.
    pub fn pending(&self) -> usize {
        self.lanes.values().map(Lane::len).sum()
    }

    /// Its actor cannot be kept alive: everything is posted once more, without an eye on what becomes of it.
    pub fn give_up(&mut self, turn: &mut Turn<Self>) {
        for (_, mut lane) in std::mem::take(&mut self.lanes) {
            while let Some(callback) = lane.abandon() {
                self.post(&callback, turn);
            }
        }
        self.is_call_gone = true;
    }

    /// Posts what is due and gives up what is too old, in every lane.
    fn advance(&mut self, turn: &mut Turn<Self>) {
        let due: Vec<LegId> = self.lanes.keys().copied().collect();
        for leg in due {
            let Some(lane) = self.lanes.get_mut(&leg) else { continue };
            lane.expire(turn.now).into_iter().for_each(|event| turn.tell(leg, event));
            if let Some(callback) = lane.begin(self.next, turn.now) {
                self.post(&callback, turn);
            }
        }
        self.lanes.retain(|_, lane| lane.len() > 0);
    }

    fn post(&mut self, callback: &Callback, turn: &mut Turn<Self>) {
        turn.effect(OutboxEffect::Post { number: self.next, request: Box::new(request(callback)) });
        self.next += 1;
    }

    fn on_delivered(&mut self, number: u64, result: Result<u16, WebhookError>, turn: &mut Turn<Self>) {
        let Some((leg, lane)) = self.lanes.iter_mut().find(|(_, lane)| lane.posting() == Some(number)) else {
            // Of a try that was given up, or told before.
            return;
        };
        let chance = self.minter.number();
        let event = lane.conclude(&result, chance, turn.now);
        event.into_iter().for_each(|event| turn.tell(*leg, event));
        self.advance(turn);
    }
}

/// A callback as a request. It takes part in no session: cookies belong to scripts.
fn request(callback: &Callback) -> Request {
    Request {
        url: callback.url.clone(),
        method: callback.method,
        parameters: callback.parameters.clone(),
        token: callback.token.clone(),
        cookies: Cookies::default(),
    }
}

impl Machine for Outbox {
    type Input = OutboxInput;
    type Post = Unwritten;
    type Effect = OutboxEffect;

    fn party(&self) -> Party {
        Party::Outbox(self.call)
    }

    fn handle(&mut self, input: OutboxInput, turn: &mut Turn<Self>) {
        match input {
            OutboxInput::Callback(callback) => {
                let leg = callback.lane;
                let shed =
                    self.lanes.entry(leg).or_default().accept(*callback, turn.now, turn.now + self.patience);
                shed.into_iter().for_each(|event| turn.tell(leg, event));
                self.advance(turn);
            }
            OutboxInput::Delivered { number, result } => self.on_delivered(number, result, turn),
            OutboxInput::CallGone => self.is_call_gone = true,
        }
    }

    fn on_deadline(&mut self, turn: &mut Turn<Self>) {
        let silent: Vec<u64> = self.lanes.values().filter_map(|lane| lane.overdue(turn.now)).collect();
        for number in silent {
            self.on_delivered(number, Err(lane::silence()), turn);
        }
        self.advance(turn);
    }

    fn next_deadline(&self) -> Option<Moment> {
        self.lanes.values().filter_map(Lane::next_deadline).min()
    }

    fn resume(&mut self, turn: &mut Turn<Self>) {
        turn.effect(OutboxEffect::Watch);
        for lane in self.lanes.values_mut() {
            if let Some((number, callback)) = lane.resume(turn.now) {
                turn.effect(OutboxEffect::Post { number, request: Box::new(request(callback)) });
            }
        }
        self.advance(turn);
    }

    fn mail(&mut self) -> &mut Mail<Unwritten> {
        &mut self.mail
    }

    fn is_ending(&self) -> bool {
        self.is_call_gone && self.lanes.is_empty()
    }

    fn is_finished(&self) -> bool {
        self.is_ending()
    }

    fn undeliverable(&mut self, post: Unwritten, _: &mut Turn<Self>) {
        match post {}
    }
}
