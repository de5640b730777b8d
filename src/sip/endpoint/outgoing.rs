//! The client side of the endpoint: requests of legs, their answers, and orphans.
//! Must never tell anything to a leg that abandoned its request.

use std::net::SocketAddr;

use trunkline_media::moment::Moment;

use super::action::{Action, FailureCause};
use super::client::{Cancel, Client};
use super::key::ClientKey;
use super::part::PartKey;
use super::{Endpoint, compose};
use crate::ids::LegId;
use crate::sip::flow::Flow;
use crate::sip::message::{Method, Request, Response, Transport};
use crate::sip::transaction::{Class, Effect, Input};

/// A response and the way it came.
struct Heard {
    response: Response,
    flow: Flow,
}

impl Endpoint {
    /// Sends a request; its top Via names the transaction. A name that is in use, or was within 64·T1, is a repeat,
    /// which changes nothing. Without an owner nobody hears of the answer.
    pub fn request(&mut self, owner: Option<LegId>, request: Request, flow: Flow, now: Moment) {
        if *request.method() == Method::Ack {
            return self.send_ack(request, flow);
        }
        let key = ClientKey::of(&request);
        if self.is_open(&key) || self.spent.contains_key(&key) {
            return;
        }
        let (client, effects) = Client::begin(key.clone(), owner, request, flow, &self.timing, now);
        self.adopt_client(client);
        self.carry_out(&key, effects, None, now);
        self.settle_client(&key, now);
    }

    /// Sends the ACK of a 2xx. It is no transaction: whoever hears the 2xx again sends it again.
    pub fn send_ack(&mut self, ack: Request, flow: Flow) {
        self.transmit(flow, ack.to_bytes());
    }

    /// Gives up an INVITE: a CANCEL goes now if a provisional answer came, else as soon as one comes; nothing happens
    /// after a final answer (RFC 3261 §9.1). `reason` is the value of a Reason header (RFC 3326).
    pub fn cancel(&mut self, invite: &ClientKey, reason: Option<&str>, now: Moment) {
        let Some(client) = self.clients.get_mut(invite) else { return };
        if client.cancel != Cancel::No || !client.is_unanswered_invite() {
            return;
        }
        client.cancel = Cancel::Wanted { reason: reason.map(str::to_owned) };
        self.changed.insert(PartKey::Client(invite.clone()));
        self.cancel_if_legal(invite, now);
        self.settle_client(invite, now);
    }

    /// Lets go of one INVITE while its leg lives on, such as an attempt that lost: it is cancelled as soon as that is
    /// legal, a 2xx that still comes gets ACK and BYE from here, and its leg hears no more of it.
    pub fn release(&mut self, invite: &ClientKey, reason: Option<&str>, now: Moment) {
        let Some(owner) = self.clients.get(invite).and_then(|client| client.owner) else { return };
        self.actions.retain(|action| !action.answers(invite));
        let part = PartKey::Client(invite.clone());
        self.disown(owner, &part);
        self.changed.insert(part);
        self.orphan(invite, reason, now);
    }

    /// True while a request of ours has not run its course.
    pub fn is_open(&self, key: &ClientKey) -> bool {
        self.clients.contains_key(key)
    }

    /// The peer's host says that nobody listens at `remote`: requests on their way to it by UDP fail.
    pub fn transport_failed(&mut self, remote: SocketAddr, now: Moment) {
        self.fail_those(remote, |client| client.flow.transport == Transport::Udp, now);
    }

    /// The connection that was `flow` is over, or there is none to where it leads: requests fail that were sent by it
    /// and may not have arrived. One that was heard of goes on: its answer comes by another connection (RFC 3261
    /// §18.2.2).
    pub fn flow_failed(&mut self, flow: &Flow, now: Moment) {
        self.fail_those(flow.remote, |client| client.flow.is_carried_by(flow) && client.is_unheard(), now);
    }

    fn fail_those(&mut self, remote: SocketAddr, is_lost: impl Fn(&Client) -> bool, now: Moment) {
        for key in self.towards.get(&remote).cloned().unwrap_or_default() {
            if self.clients.get(&key).is_some_and(&is_lost) {
                self.advance_client(&key, Input::Unreachable, None, now);
            }
        }
    }

    pub(super) fn receive_response(&mut self, response: Response, flow: Flow, now: Moment) {
        let key = ClientKey::answered_by(&response).filter(|key| self.is_open(key));
        let Some(key) = key else {
            self.strays += 1;
            return;
        };
        let input = Input::Response(Class::of(response.status().code()));
        self.advance_client(&key, input, Some(Heard { response, flow }), now);
    }

    pub(super) fn fire_client(&mut self, key: &ClientKey, now: Moment) {
        if let Some(client) = self.clients.get_mut(key) {
            client.scheduled = None;
            let effects = client.course.fire(&self.timing, now);
            self.carry_out(key, effects, None, now);
            self.settle_client(key, now);
        } else if self.spent.remove(key).is_some() {
            self.changed.insert(PartKey::Client(key.clone()));
        }
    }

    /// Nobody hears of it any more.
    pub(super) fn orphan(&mut self, key: &ClientKey, reason: Option<&str>, now: Moment) {
        if let Some(client) = self.clients.get_mut(key) {
            client.owner = None;
            client.answer = None;
        }
        self.cancel(key, reason, now);
    }

    fn advance_client(&mut self, key: &ClientKey, input: Input, heard: Option<Heard>, now: Moment) {
        let Some(client) = self.clients.get_mut(key) else { return };
        let effects = client.course.step(input, &self.timing, now);
        if effects.is_empty() {
            return;
        }
        self.carry_out(key, effects, heard, now);
        self.cancel_if_legal(key, now);
        self.settle_client(key, now);
    }

    fn cancel_if_legal(&mut self, key: &ClientKey, now: Moment) {
        let Some(client) = self.clients.get_mut(key) else { return };
        if client.may_cancel() && matches!(client.cancel, Cancel::Wanted { .. }) {
            let effects = client.course.step(Input::Cancel, &self.timing, now);
            self.carry_out(key, effects, None, now);
        }
    }

    fn carry_out(&mut self, key: &ClientKey, effects: &[Effect], mut heard: Option<Heard>, now: Moment) {
        for effect in effects {
            match effect {
                Effect::Send => {
                    if let Some(client) = self.clients.get(key) {
                        self.transmit(client.flow.clone(), client.request.to_bytes());
                    }
                }
                Effect::Ack => self.acknowledge_failure(key, heard.as_ref()),
                Effect::Cancel => self.send_cancel(key, now),
                Effect::Deliver => {
                    if let Some(heard) = heard.take() {
                        self.deliver(key, heard, now);
                    }
                }
                Effect::TimedOut => self.fail(key, FailureCause::Timeout),
                Effect::Unreachable => self.fail(key, FailureCause::Transport),
                // The rest is the server's, or set the machine's own timers.
                _ => {}
            }
        }
    }

    fn acknowledge_failure(&mut self, key: &ClientKey, heard: Option<&Heard>) {
        let (Some(client), Some(heard)) = (self.clients.get(key), heard) else { return };
        match compose::ack_of_failure(&client.request, &heard.response) {
            Ok(ack) => self.transmit(client.flow.clone(), ack.to_bytes()),
            Err(_) => self.strays += 1,
        }
    }

    fn send_cancel(&mut self, key: &ClientKey, now: Moment) {
        let Some(client) = self.clients.get_mut(key) else { return };
        let reason = match std::mem::replace(&mut client.cancel, Cancel::Sent) {
            Cancel::No => None,
            Cancel::Wanted { reason } => reason,
            Cancel::Sent => return,
        };
        if let Ok(cancel) = compose::cancel(&client.request, reason.as_deref()) {
            let flow = client.flow.clone();
            self.request(None, cancel, flow, now);
        }
    }

    fn deliver(&mut self, key: &ClientKey, heard: Heard, now: Moment) {
        let Some(client) = self.clients.get_mut(key) else { return };
        let Heard { response, flow } = heard;
        let Some(owner) = client.owner else {
            if client.is_invite() && response.status().is_success() {
                self.end_orphan(key, &response, now);
            }
            return;
        };
        if response.status().is_final() {
            client.answer = Some(response.clone());
        }
        self.actions.push_back(Action::Response { owner, key: key.clone(), response, flow });
    }

    /// Nobody wants the call that was answered: it is taken up only to be ended (RFC 3261 §9.1, §15).
    fn end_orphan(&mut self, key: &ClientKey, response: &Response, now: Moment) {
        let Some(client) = self.clients.get(key) else { return };
        let Ok((ack, bye)) = compose::ack_and_bye(&client.request, response) else {
            self.strays += 1;
            return;
        };
        let flow = client.flow.clone();
        self.send_ack(ack, flow.clone());
        self.request(None, bye, flow, now);
    }

    fn fail(&mut self, key: &ClientKey, cause: FailureCause) {
        if let Some(owner) = self.clients.get(key).and_then(|client| client.owner) {
            self.actions.push_back(Action::Failed { owner, key: key.clone(), cause });
        }
    }

    pub(super) fn adopt_client(&mut self, client: Client) {
        let key = client.key.clone();
        self.towards.entry(client.flow.remote).or_default().insert(key.clone());
        self.own(client.owner, PartKey::Client(key.clone()));
        self.clients.insert(key, client);
    }

    /// After a step: the agenda follows, and what is over goes.
    fn settle_client(&mut self, key: &ClientKey, now: Moment) {
        let Some(client) = self.clients.get_mut(key) else { return };
        let (part, due) = (PartKey::Client(key.clone()), client.course.next_deadline());
        self.agenda.reschedule(part.clone(), &mut client.scheduled, due);
        if client.course.is_over() {
            let (owner, remote) = (client.owner, client.flow.remote);
            self.clients.remove(key);
            self.spend(key.clone(), now + self.timing.patience());
            if let Some(owner) = owner {
                self.disown(owner, &part);
            }
            if let Some(keys) = self.towards.get_mut(&remote) {
                keys.remove(key);
                if keys.is_empty() {
                    self.towards.remove(&remote);
                }
            }
        }
        self.changed.insert(part);
    }

    pub(super) fn spend(&mut self, key: ClientKey, until: Moment) {
        self.agenda.reschedule(PartKey::Client(key.clone()), &mut None, Some(until));
        self.spent.insert(key, until);
    }
}
