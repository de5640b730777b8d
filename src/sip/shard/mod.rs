//! One shard of the SIP side: the endpoint machine, its letters to legs, and what it does with requests from outside.
//! It must never touch a socket or a clock; what it must know of the house it asks an [`Exchange`].

mod gate;
mod reception;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

pub use self::gate::{Gate, GateMemory, Passage};
pub use self::reception::{Admission, Exchange};
use super::dispatch::{Delivery, Errand};
use super::endpoint::{Action, Census, Change, Endpoint, Part, PartKey, ServerKey};
use super::flow::Flow;
use super::message::{Message, Request, StatusCode, Violation};
use super::transaction::Timing;
use crate::ids::{Generation, LegId};
use crate::supervision::machine::{Letter, Mail, Party, Receipt};

/// What a shard writes to legs.
pub type Post = Box<Delivery>;

/// The endpoint and the letters of one arbiter.
#[derive(Debug)]
pub struct Shard {
    endpoint: Endpoint,
    /// One mail per leg, so that a step commits only what it touched.
    mails: HashMap<LegId, Mail<Post>>,
    touched: BTreeSet<LegId>,
    generation: Generation,
}

/// One committed piece of a shard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ShardPart {
    /// A transaction or a dialog.
    Endpoint(Part),
    /// The letters to and from one leg.
    Mail(LegId, Mail<Post>),
}

/// The name of a piece.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ShardKey {
    /// A transaction or a dialog.
    Endpoint(PartKey),
    /// The letters of one leg.
    Mail(LegId),
}

/// The outputs of one input, to be carried out once the changes are committed.
#[derive(Debug, Default)]
pub struct Batch {
    /// Pieces that are new or different: to commit first.
    pub changed: Vec<ShardPart>,
    /// Pieces that are gone.
    pub gone: Vec<ShardKey>,
    /// Letters to legs.
    pub letters: Vec<Letter<Post>>,
    /// Messages to the network.
    pub transmissions: Vec<(Flow, Bytes)>,
}

impl Shard {
    /// A shard from the pieces that were committed; from none it is a new one.
    pub fn restore(
        timing: Timing,
        parts: impl IntoIterator<Item = ShardPart>,
        generation: Generation,
        now: Moment,
    ) -> Self {
        let mut mails = HashMap::new();
        let mut endpoint = Vec::new();
        for part in parts {
            match part {
                ShardPart::Endpoint(part) => endpoint.push(part),
                ShardPart::Mail(leg, mail) => drop(mails.insert(leg, mail)),
            }
        }
        let endpoint = Endpoint::restore(timing, endpoint, now);
        for mail in mails.values_mut() {
            mail.revive_as(generation);
        }
        let mut shard = Self { endpoint, mails, touched: BTreeSet::new(), generation };
        // A request that nobody took up before the end was offered to nobody: it is received now.
        shard.endpoint.offer_again(None);
        shard
    }

    /// A message came in.
    pub fn receive(&mut self, message: Message, flow: Flow, exchange: &dyn Exchange, now: Moment) -> Batch {
        self.endpoint.receive(message, flow, now);
        self.batch(exchange, now)
    }

    /// A request came in that cannot be read whole, but well enough to be answered.
    pub fn refuse(
        &mut self,
        request: Request,
        violation: &Violation,
        flow: &Flow,
        exchange: &dyn Exchange,
        now: Moment,
    ) -> Batch {
        self.endpoint.refuse(request, violation, flow);
        self.batch(exchange, now)
    }

    /// A leg has written.
    pub fn read(&mut self, letter: Letter<Errand>, exchange: &dyn Exchange, now: Moment) -> (Receipt, Batch) {
        let Party::Leg(leg) = letter.from else { return (Receipt::Repeated, Batch::default()) };
        if letter.number > 1 && !self.mails.contains_key(&leg) {
            // The first is missing, or the leg is gone: nothing is begun for it.
            return (Receipt::Early, Batch::default());
        }
        let receipt = self.mail(leg).receive(letter.from, letter.generation, letter.number);
        if receipt != Receipt::Fresh {
            return (receipt, Batch::default());
        }
        self.touched.insert(leg);
        self.run_errand(leg, letter.body, now);
        (receipt, self.batch(exchange, now))
    }

    fn run_errand(&mut self, leg: LegId, errand: Errand, now: Moment) {
        match errand {
            Errand::Request { request, flow } => self.endpoint.request(Some(leg), request, flow, now),
            Errand::Respond { key, response } => {
                if let Err(error) = self.endpoint.respond(&key, response, now) {
                    tracing::debug!(%leg, %key, %error, "answer to a transaction that is over");
                }
            }
            Errand::Ack { request, flow } => self.endpoint.send_ack(request, flow),
            Errand::Cancel { key, reason } => self.endpoint.cancel(&key, reason.as_deref(), now),
            Errand::Bind { dialog } => self.endpoint.bind(dialog, leg),
            Errand::Abandon => self.endpoint.abandon(leg, now),
        }
    }

    /// The network says that this peer cannot be reached (ICMP, RFC 3261 §18.4).
    pub fn transport_failed(&mut self, remote: SocketAddr, exchange: &dyn Exchange, now: Moment) -> Batch {
        self.endpoint.transport_failed(remote, now);
        self.batch(exchange, now)
    }

    /// A connection is over, or none could be made to where `flow` leads.
    pub fn flow_failed(&mut self, flow: &Flow, exchange: &dyn Exchange, now: Moment) -> Batch {
        self.endpoint.flow_failed(flow, now);
        self.batch(exchange, now)
    }

    /// Does what is due.
    pub fn on_deadline(&mut self, exchange: &dyn Exchange, now: Moment) -> Batch {
        self.endpoint.on_deadline(now);
        self.batch(exchange, now)
    }

    /// When it wants to be woken.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.endpoint.next_deadline()
    }

    /// A leg has committed what it was told up to `number`.
    pub fn acknowledge(&mut self, leg: LegId, number: u64) {
        if let Some(mail) = self.mails.get_mut(&leg) {
            mail.acknowledge(Party::Leg(leg), number);
        }
    }

    /// The letters that a leg has not acknowledged: all of them, or only those to `leg`.
    pub fn pending(&self, leg: Option<LegId>) -> Vec<Letter<Post>> {
        match leg {
            Some(leg) => {
                self.mails.get(&leg).map(|mail| mail.pending_for(Party::Leg(leg))).unwrap_or_default()
            }
            None => self.mails.values().flat_map(Mail::pending).collect(),
        }
    }

    /// A leg panicked on this letter twice: a request in it is answered with 500 (design §4).
    pub fn undeliverable(&mut self, leg: LegId, number: u64, exchange: &dyn Exchange, now: Moment) -> Batch {
        let post = self.mails.get_mut(&leg).and_then(|mail| mail.withdraw(Party::Leg(leg), number));
        self.touched.insert(leg);
        if let Some(Delivery::Request { key, request, .. }) = post.as_deref() {
            let response = request.response(StatusCode::SERVER_INTERNAL_ERROR);
            if let Err(error) = self.endpoint.respond(key, response, now) {
                tracing::debug!(%leg, %key, %error, "the request is answered already");
            }
        }
        self.batch(exchange, now)
    }

    /// The shard panicked on this letter of a leg twice: it counts as read.
    pub fn skip(&mut self, leg: LegId, number: u64) {
        self.mail(leg).skip(Party::Leg(leg), number);
        self.touched.insert(leg);
    }

    /// A leg is gone and acknowledged everything: its letters are forgotten.
    pub fn forget(&mut self, leg: LegId, exchange: &dyn Exchange, now: Moment) -> Batch {
        self.endpoint.abandon(leg, now);
        self.mails.remove(&leg);
        self.touched.insert(leg);
        self.batch(exchange, now)
    }

    /// Forgets every leg that is not `here` any more: a shard that dies before it hears that a leg is gone is never
    /// told again. To be called once it is brought back.
    pub fn forget_departed(
        &mut self,
        here: impl Fn(LegId) -> bool,
        exchange: &dyn Exchange,
        now: Moment,
    ) -> Batch {
        let departed: Vec<LegId> = self.mails.keys().copied().filter(|leg| !here(*leg)).collect();
        for leg in departed {
            self.endpoint.abandon(leg, now);
            self.mails.remove(&leg);
            self.touched.insert(leg);
        }
        self.batch(exchange, now)
    }

    /// How much is open.
    pub fn census(&self) -> Census {
        self.endpoint.census()
    }

    /// Everything, as pieces.
    pub fn parts(&self) -> Vec<ShardPart> {
        let mails = self.mails.iter().map(|(leg, mail)| ShardPart::Mail(*leg, mail.clone()));
        self.endpoint.parts().into_iter().map(ShardPart::Endpoint).chain(mails).collect()
    }

    fn mail(&mut self, leg: LegId) -> &mut Mail<Post> {
        let generation = self.generation;
        self.mails.entry(leg).or_insert_with(|| {
            let mut mail = Mail::new(Party::Shard);
            mail.revive_as(generation);
            mail
        })
    }

    fn post(&mut self, leg: LegId, delivery: Delivery, batch: &mut Batch) {
        self.touched.insert(leg);
        let letter = self.mail(leg).post(Party::Leg(leg), Box::new(delivery));
        batch.letters.push(letter);
    }

    /// Carries the endpoint's actions on until it has none, and gathers what changed.
    fn batch(&mut self, exchange: &dyn Exchange, now: Moment) -> Batch {
        let mut batch = Batch::default();
        while let Some(action) = self.endpoint.poll() {
            match action {
                Action::Transmit { flow, bytes } => batch.transmissions.push((flow, bytes)),
                Action::Incoming { key, request, flow, owner: Some(leg) } => {
                    self.post(leg, Delivery::Request { key, request, flow }, &mut batch);
                }
                Action::Incoming { key, request, flow, owner: None } => {
                    self.receive_stranger(&key, &request, &flow, exchange, now);
                }
                Action::Ack { owner, request } => self.post(owner, Delivery::Ack { request }, &mut batch),
                Action::Cancelled { key, owner: Some(leg), request } => {
                    self.post(leg, Delivery::Cancelled { key, request }, &mut batch);
                }
                Action::Response { owner, key, response, flow } => {
                    self.post(owner, Delivery::Response { key, response, flow }, &mut batch);
                }
                Action::Failed { owner, key, cause } => {
                    self.post(owner, Delivery::Failed { key, cause }, &mut batch);
                }
                // Without a leg there is nobody to tell; whether a refusal was acknowledged changes nothing.
                Action::Cancelled { owner: None, .. }
                | Action::Confirmed { .. }
                | Action::Unconfirmed { .. } => {}
            }
        }
        for change in self.endpoint.changes() {
            match change {
                Change::Put(part) => batch.changed.push(ShardPart::Endpoint(part)),
                Change::Gone(key) => batch.gone.push(ShardKey::Endpoint(key)),
            }
        }
        for leg in std::mem::take(&mut self.touched) {
            match self.mails.get(&leg) {
                Some(mail) => batch.changed.push(ShardPart::Mail(leg, mail.clone())),
                None => batch.gone.push(ShardKey::Mail(leg)),
            }
        }
        batch
    }

    fn receive_stranger(
        &mut self,
        key: &ServerKey,
        request: &Request,
        flow: &Flow,
        exchange: &dyn Exchange,
        now: Moment,
    ) {
        match reception::receive(key, request, flow, exchange, now) {
            reception::Outcome::Admitted(leg) => self.endpoint.assign(key, leg),
            reception::Outcome::Answered(response) => {
                if let Err(error) = self.endpoint.respond(key, *response, now) {
                    tracing::debug!(%key, %error, "answer to a transaction that is over");
                }
            }
            reception::Outcome::Dismissed(response) => self.endpoint.dismiss(key, response.map(|r| *r)),
        }
    }
}

impl ShardPart {
    /// The name under which it is kept.
    pub fn key(&self) -> ShardKey {
        match self {
            ShardPart::Endpoint(part) => ShardKey::Endpoint(part.key()),
            ShardPart::Mail(leg, _) => ShardKey::Mail(*leg),
        }
    }
}
