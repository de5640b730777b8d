//! One pure machine for a shard: datagrams to transactions, requests to the owners of dialogs.
//! It must never touch a socket or a clock.
//!
//! The loop around it: feed one input ([`Endpoint::receive`], a request or answer of a leg, [`Endpoint::on_deadline`]),
//! [`poll`](Endpoint::poll) until `None`, commit the [`changes`](Endpoint::changes), then carry out what was polled.
//! [`Endpoint::restore`] builds it again from the parts that were committed; [`Endpoint::offer_again`] repeats to a
//! leg what it may have missed. So every action can come twice, and its receiver knows repeats by their key.

mod action;
mod agenda;
mod client;
mod compose;
mod course;
mod incoming;
mod key;
mod outgoing;
mod part;
mod restore;
mod server;
#[cfg(test)]
mod tests;
mod via;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

pub use self::action::{Action, Census, FailureCause, UnknownTransaction};
use self::agenda::Agenda;
pub use self::client::Client;
use self::key::Origin;
pub use self::key::{ClientKey, DialogKey, ServerKey};
pub use self::part::{Change, Part, PartKey};
pub use self::server::Server;
use super::flow::Flow;
use super::message::Message;
pub use super::transaction::Timing;
use crate::ids::LegId;

/// How many transactions one call of [`Endpoint::on_deadline`] serves: what lapsed during an outage goes out in turns
/// with what comes in.
const PACE: usize = 256;

/// The transactions and dialogs of one shard.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "restore::Image", from = "restore::Image")]
pub struct Endpoint {
    timing: Timing,
    clients: HashMap<ClientKey, Client>,
    /// Names of client transactions that ended a short while ago.
    spent: HashMap<ClientKey, Moment>,
    servers: HashMap<ServerKey, Server>,
    dialogs: HashMap<DialogKey, LegId>,
    owned: HashMap<LegId, BTreeSet<PartKey>>,
    towards: HashMap<SocketAddr, BTreeSet<ClientKey>>,
    origins: HashSet<Origin>,
    agenda: Agenda,
    changed: BTreeSet<PartKey>,
    actions: VecDeque<Action>,
    strays: u64,
}

impl Endpoint {
    /// One without any transaction.
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            clients: HashMap::new(),
            spent: HashMap::new(),
            servers: HashMap::new(),
            dialogs: HashMap::new(),
            owned: HashMap::new(),
            towards: HashMap::new(),
            origins: HashSet::new(),
            agenda: Agenda::default(),
            changed: BTreeSet::new(),
            actions: VecDeque::new(),
            strays: 0,
        }
    }

    /// Takes a message that came by `flow`.
    pub fn receive(&mut self, message: Message, flow: Flow, now: Moment) {
        match message {
            Message::Request(request) => self.receive_request(request, flow, now),
            Message::Response(response) => self.receive_response(response, flow, now),
        }
    }

    /// Fires what is due. Not all at once after a long pause: [`next_deadline`](Self::next_deadline) then lies in
    /// the past.
    pub fn on_deadline(&mut self, now: Moment) {
        for _ in 0..PACE {
            match self.agenda.take_due(now) {
                Some(PartKey::Client(key)) => self.fire_client(&key, now),
                Some(PartKey::Server(key)) => self.fire_server(&key, now),
                Some(PartKey::Dialog(_)) => {}
                None => return,
            }
        }
    }

    /// When [`on_deadline`](Self::on_deadline) wants to be called.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.agenda.next()
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Sends requests of the peer in this dialog to `owner` from now on.
    pub fn bind(&mut self, dialog: DialogKey, owner: LegId) {
        let key = PartKey::Dialog(dialog.clone());
        match self.dialogs.insert(dialog, owner) {
            Some(same) if same == owner => return,
            Some(former) => self.disown(former, &key),
            None => {}
        }
        self.owned.entry(owner).or_default().insert(key.clone());
        self.changed.insert(key);
    }

    /// Forgets the dialogs of `owner`: requests in them get 481.
    pub fn unbind(&mut self, owner: LegId) {
        let Some(owned) = self.owned.get_mut(&owner) else { return };
        let (dialogs, rest) =
            std::mem::take(owned).into_iter().partition(|key| matches!(key, PartKey::Dialog(_)));
        *owned = rest;
        if owned.is_empty() {
            self.owned.remove(&owner);
        }
        self.forget_dialogs(dialogs);
    }

    fn forget_dialogs(&mut self, keys: BTreeSet<PartKey>) {
        for key in keys {
            if let PartKey::Dialog(dialog) = &key {
                self.dialogs.remove(dialog);
            }
            self.changed.insert(key);
        }
    }

    /// The leg is gone. Its INVITEs without final answer are cancelled as soon as that is legal, and a 2xx that still
    /// comes gets ACK and BYE from here; what it left unanswered is answered; nothing is told to it any more.
    pub fn abandon(&mut self, owner: LegId, now: Moment) {
        self.actions.retain(|action| action.owner() != Some(owner));
        self.unbind(owner);
        for key in self.owned.remove(&owner).unwrap_or_default() {
            match &key {
                PartKey::Client(client) => self.orphan(client, None, now),
                PartKey::Server(server) => self.desert(server, now),
                PartKey::Dialog(_) => {}
            }
            self.changed.insert(key);
        }
    }

    /// How much is open. Names of ended transactions do not count.
    pub fn census(&self) -> Census {
        let orphans =
            self.clients.values().filter(|client| client.is_invite() && client.owner.is_none()).count();
        Census {
            client: self.clients.len(),
            server: self.servers.len(),
            dialogs: self.dialogs.len(),
            orphans,
        }
    }

    /// How many messages were dropped because they belong to nothing known.
    pub fn strays(&self) -> u64 {
        self.strays
    }

    fn transmit(&mut self, flow: Flow, bytes: Bytes) {
        self.actions.push_back(Action::Transmit { flow, bytes });
    }

    fn own(&mut self, owner: Option<LegId>, key: PartKey) {
        if let Some(owner) = owner {
            self.owned.entry(owner).or_default().insert(key);
        }
    }

    fn disown(&mut self, owner: LegId, key: &PartKey) {
        if let Some(keys) = self.owned.get_mut(&owner) {
            keys.remove(key);
            if keys.is_empty() {
                self.owned.remove(&owner);
            }
        }
    }
}
