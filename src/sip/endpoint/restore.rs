//! The endpoint from its parts, and what is said again after a restart.
//! Must never assume that an action left: what may not have left is repeated.

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::action::Action;
use super::part::{Change, Part, PartKey};
use super::{Endpoint, Server, Timing};
use crate::ids::LegId;

/// An endpoint as it is saved whole.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Image {
    timing: Timing,
    parts: Vec<Part>,
}

impl From<Endpoint> for Image {
    fn from(endpoint: Endpoint) -> Self {
        Self { parts: endpoint.parts(), timing: endpoint.timing }
    }
}

impl From<Image> for Endpoint {
    fn from(image: Image) -> Self {
        Endpoint::assemble(image.timing, image.parts)
    }
}

impl Endpoint {
    /// What was added, changed and removed since this was last asked: to be committed before the actions leave.
    pub fn changes(&mut self) -> Vec<Change> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|key| self.part(&key).map_or_else(|| Change::Gone(key), Change::Put))
            .collect()
    }

    /// Everything, as parts.
    pub fn parts(&self) -> Vec<Part> {
        let clients = self.clients.values().map(|client| Part::Client(Box::new(client.clone())));
        let spent = self.spent.iter().map(|(key, until)| Part::Spent { key: key.clone(), until: *until });
        let servers = self.servers.values().map(|server| Part::Server(Box::new(server.clone())));
        let dialogs =
            self.dialogs.iter().map(|(key, owner)| Part::Dialog { key: key.clone(), owner: *owner });
        clients.chain(spent).chain(servers).chain(dialogs).collect()
    }

    fn part(&self, key: &PartKey) -> Option<Part> {
        match key {
            PartKey::Client(key) => {
                let open = self.clients.get(key).map(|client| Part::Client(Box::new(client.clone())));
                open.or_else(|| {
                    self.spent.get(key).map(|until| Part::Spent { key: key.clone(), until: *until })
                })
            }
            PartKey::Server(key) => {
                self.servers.get(key).map(|server| Part::Server(Box::new(server.clone())))
            }
            PartKey::Dialog(key) => {
                self.dialogs.get(key).map(|owner| Part::Dialog { key: key.clone(), owner: *owner })
            }
        }
    }

    /// Builds an endpoint from its parts alone. What lapsed meanwhile fires once, at the next deadline; on transports
    /// where nothing is repeated by timers, what may not have left is sent again. Call
    /// [`offer_again`](Self::offer_again) for each leg that is back, and for what nobody has adopted.
    ///
    /// `now` bounds the timers, should the parts come from another boot's clock.
    pub fn restore(timing: Timing, parts: impl IntoIterator<Item = Part>, now: Moment) -> Endpoint {
        let longest = now + timing.c.max(timing.patience());
        let parts = parts.into_iter().map(|mut part| {
            match &mut part {
                Part::Client(client) => client.course.clamp(longest),
                Part::Server(server) => server.course.clamp(longest),
                Part::Spent { until, .. } => *until = longest.min(*until),
                Part::Dialog { .. } => {}
            }
            part
        });
        let mut endpoint = Self::assemble(timing, parts);
        endpoint.send_again();
        endpoint
    }

    /// Parts that never left memory still say where the old agenda had them; the new one has nothing yet.
    fn assemble(timing: Timing, parts: impl IntoIterator<Item = Part>) -> Self {
        let mut endpoint = Self::new(timing);
        for part in parts {
            let key = part.key();
            match part {
                Part::Client(mut client) => {
                    let due = client.course.next_deadline();
                    client.scheduled = None;
                    endpoint.agenda.reschedule(key, &mut client.scheduled, due);
                    endpoint.adopt_client(*client);
                }
                Part::Server(mut server) => {
                    let due = server.course.next_deadline();
                    server.scheduled = None;
                    endpoint.agenda.reschedule(key, &mut server.scheduled, due);
                    endpoint.adopt_server(*server);
                }
                Part::Spent { key, until } => endpoint.spend(key, until),
                Part::Dialog { key, owner } => endpoint.bind(key, owner),
            }
        }
        endpoint.changed.clear();
        endpoint
    }

    fn send_again(&mut self) {
        let clients = self.clients.values().filter(|client| client.may_have_been_lost());
        let requests: Vec<_> =
            clients.map(|client| (client.flow.clone(), client.request.to_bytes())).collect();
        for (flow, bytes) in requests {
            self.transmit(flow, bytes);
        }
        // A provisional answer is repeated only by a caller who asks again, and one that has its 100 never does.
        let is_due = |server: &&Server| server.reply.transport.is_reliable() || server.is_unanswered_invite();
        let servers = self.servers.values().filter(is_due);
        let keys: Vec<_> = servers.map(|server| server.key.clone()).collect();
        keys.iter().for_each(|key| self.resend(key));
    }

    /// Tells a leg that is back what it may not have taken note of: requests that it left unanswered, with their
    /// CANCEL, and final answers. With `None`: requests that nobody has adopted.
    pub fn offer_again(&mut self, owner: Option<LegId>) {
        let keys: Vec<PartKey> = match owner {
            Some(owner) => self.owned.get(&owner).into_iter().flatten().cloned().collect(),
            None => {
                let stray = self.servers.values().filter(|server| server.owner.is_none());
                stray.map(|server| PartKey::Server(server.key.clone())).collect()
            }
        };
        for key in keys {
            match key {
                PartKey::Client(key) => {
                    let Some(client) = self.clients.get(&key) else { continue };
                    if let (Some(owner), Some(response)) = (client.owner, client.answer.clone()) {
                        let flow = client.flow.clone();
                        self.actions.push_back(Action::Response { owner, key, response, flow });
                    }
                }
                PartKey::Server(key) => {
                    self.present(&key);
                    let Some(server) = self.servers.get(&key) else { continue };
                    if let Some(request) = server.cancel.clone() {
                        let owner = server.owner;
                        self.actions.push_back(Action::Cancelled { key, owner, request });
                    }
                }
                PartKey::Dialog(_) => {}
            }
        }
    }
}
