//! The server side of the endpoint: requests of peers, and the answers of legs.
//! Must never open a transaction for a request that it can refuse without one.

use trunkline_media::moment::Moment;

use super::action::{Action, UnknownTransaction};
use super::key::{DialogKey, Origin, ServerKey};
use super::part::PartKey;
use super::server::{Arrival, Server};
use super::{Endpoint, via};
use crate::ids::LegId;
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderName, Method, Request, Response, StatusCode, Via, Violation};
use crate::sip::transaction::{Class, Effect, Input};

/// The shortest Retry-After of a 503, and how much longer it may be: not all come back at once.
const RETRY_AFTER: (u64, u64) = (5, 6);

impl Endpoint {
    /// Answers the request that came as `key` with [`Action::Incoming`]. A 2xx to INVITE is sent each
    /// time (its repeats are the leg's, RFC 3261 §13.3.1.4), a provisional answer too (RFC 3262 §3); a repeated
    /// failure, or anything else after the final answer, changes nothing.
    ///
    /// # Errors
    /// The transaction is over, or never was.
    pub fn respond(
        &mut self,
        key: &ServerKey,
        response: Response,
        now: Moment,
    ) -> Result<(), UnknownTransaction> {
        let server = self.servers.get_mut(key).ok_or(UnknownTransaction)?;
        let input = Input::Response(Class::of(response.status().code()));
        let effects = server.course.step(input, &self.timing, now);
        if effects.contains(&Effect::Send) {
            server.answer = Some(response.to_bytes());
            if response.status().is_final() {
                server.request = None;
                server.cancel = None;
            }
        }
        if !effects.is_empty() {
            self.carry_out_server(key, effects);
        }
        Ok(())
    }

    /// Answers a request and keeps nothing of it: its repeat is received as if it were new, and gets the same
    /// answer. Without an answer it is as if it had never come.
    pub fn dismiss(&mut self, key: &ServerKey, response: Option<Response>) {
        let Some(mut server) = self.servers.remove(key) else { return };
        let part = PartKey::Server(key.clone());
        self.agenda.reschedule(part.clone(), &mut server.scheduled, None);
        if let Some(owner) = server.owner {
            self.disown(owner, &part);
        }
        if let Some(origin) = &server.origin {
            self.origins.remove(origin);
        }
        self.changed.insert(part);
        if let Some(response) = response {
            self.transmit(server.reply, response.to_bytes());
        }
    }

    /// Tells which leg takes a request that came outside of dialogs.
    pub fn assign(&mut self, key: &ServerKey, owner: LegId) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let part = PartKey::Server(key.clone());
        if let Some(former) = server.owner.replace(owner).filter(|former| *former != owner) {
            self.disown(former, &part);
        }
        self.own(Some(owner), part.clone());
        self.changed.insert(part);
    }

    /// Answers a request that could not be read whole, without a transaction (RFC 3261 §8.2.7).
    pub fn refuse(&mut self, mut request: Request, violation: &Violation, flow: &Flow) {
        match request.headers().top_via() {
            Ok(mut top) if *request.method() != Method::Ack => {
                via::complete(&mut request, &mut top, flow);
                let response = violation.response(&request);
                self.transmit(via::reply(&top, flow), response.to_bytes());
            }
            _ => self.strays += 1,
        }
    }

    pub(super) fn receive_request(&mut self, mut request: Request, flow: Flow, now: Moment) {
        let Ok(mut top) = request.headers().top_via() else {
            self.strays += 1;
            return;
        };
        let method = match request.method() {
            Method::Ack | Method::Cancel => &Method::Invite,
            other => other,
        };
        let Some(key) = ServerKey::with_method(&request, &top, method) else {
            return match request.validate() {
                Err(violation) => self.refuse(request, &violation, &flow),
                Ok(()) => self.strays += 1,
            };
        };
        match request.method() {
            Method::Ack => self.receive_ack(&key, request, now),
            Method::Cancel => {
                via::complete(&mut request, &mut top, &flow);
                self.receive_cancel(&key, request, &via::reply(&top, &flow));
            }
            _ if self.servers.contains_key(&key) => self.advance_server(&key, Input::Request, now),
            _ => {
                via::complete(&mut request, &mut top, &flow);
                self.admit(key, request, &top, flow, now);
            }
        }
    }

    /// An ACK ends the repeats of a failure; that of a 2xx is a request in the dialog (RFC 6026 §7.1).
    fn receive_ack(&mut self, key: &ServerKey, ack: Request, now: Moment) {
        let invite = self.servers.get(key);
        if invite.is_some_and(|invite| !invite.is_accepted()) {
            return self.advance_server(key, Input::Ack, now);
        }
        let adopter = invite.and_then(|invite| invite.owner);
        let owner = ack.validate().ok().and_then(|()| self.owner_of(&ack).or(adopter));
        match owner {
            Some(owner) => self.actions.push_back(Action::Ack { owner, request: ack }),
            None => self.strays += 1,
        }
    }

    /// RFC 3261 §9.2. The answer needs no transaction: it is the same for each repeat, and the leg is told once.
    fn receive_cancel(&mut self, invite: &ServerKey, cancel: Request, reply: &Flow) {
        if let Err(violation) = cancel.validate() {
            return self.transmit(reply.clone(), violation.response(&cancel).to_bytes());
        }
        let Some(server) = self.servers.get_mut(invite) else {
            return self.decline(&cancel, StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST, invite, reply);
        };
        let tag = server.answered_tag().unwrap_or_else(|| invite.tag());
        if server.cancel.is_none() && server.is_unanswered_invite() {
            server.cancel = Some(cancel.clone());
            let (key, owner) = (invite.clone(), server.owner);
            self.actions.push_back(Action::Cancelled { key, owner, request: cancel.clone() });
            self.changed.insert(PartKey::Server(invite.clone()));
        }
        self.transmit(reply.clone(), cancel.response_tagged(StatusCode::OK, &tag).to_bytes());
    }

    /// Begins a server transaction, or refuses the request without one: in the order of RFC 3261 §8.2.
    fn admit(&mut self, key: ServerKey, request: Request, top: &Via, flow: Flow, now: Moment) {
        let reply = via::reply(top, &flow);
        if let Err(violation) = request.validate() {
            return self.transmit(reply, violation.response(&request).to_bytes());
        }
        let in_dialog = request.headers().to().is_ok_and(|to| to.tag().is_some());
        let owner = if in_dialog { self.owner_of(&request) } else { None };
        let origin = if in_dialog { None } else { Origin::of(&request) };
        if in_dialog && owner.is_none() {
            return self.decline(&request, StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST, &key, &reply);
        }
        if origin.as_ref().is_some_and(|origin| self.origins.contains(origin)) {
            return self.decline(&request, StatusCode::LOOP_DETECTED, &key, &reply);
        }
        if self.is_full(in_dialog || *request.method() == Method::Register) {
            return self.decline(&request, StatusCode::SERVICE_UNAVAILABLE, &key, &reply);
        }
        let arrival = Arrival { key: key.clone(), owner, request, flow, reply, origin };
        let (server, effects) = Server::begin(arrival, &self.timing, now);
        self.adopt_server(server);
        self.carry_out_server(&key, effects);
    }

    /// What begins no call has more room: it ends or keeps alive what is there.
    fn is_full(&self, urgent: bool) -> bool {
        let limit = if urgent { self.timing.limit.saturating_mul(2) } else { self.timing.limit };
        self.clients.len() + self.servers.len() >= limit
    }

    fn owner_of(&self, request: &Request) -> Option<LegId> {
        let (headers, to) = (request.headers(), request.headers().to().ok()?);
        let key = DialogKey::new(headers.call_id().ok()?, to.tag()?);
        self.dialogs.get(&key).copied()
    }

    /// Refuses without a transaction: whatever comes again is refused again, with the same tag.
    fn decline(&mut self, request: &Request, status: StatusCode, key: &ServerKey, reply: &Flow) {
        let mut response = request.response_tagged(status, &key.tag());
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let (least, more) = RETRY_AFTER;
            response.headers_mut().push(HeaderName::RetryAfter, least + key.spread(more));
        }
        self.transmit(reply.clone(), response.to_bytes());
    }

    pub(super) fn fire_server(&mut self, key: &ServerKey, now: Moment) {
        let Some(server) = self.servers.get_mut(key) else { return };
        server.scheduled = None;
        let effects = server.course.fire(&self.timing, now);
        self.carry_out_server(key, effects);
    }

    /// Lets go of a server transaction whose leg is gone: it stays to absorb repeats.
    pub(super) fn desert(&mut self, key: &ServerKey, now: Moment) {
        let Some(server) = self.servers.get_mut(key) else { return };
        server.owner = None;
        let Some(request) = server.request.clone() else { return };
        let in_dialog = request.headers().to().is_ok_and(|to| to.tag().is_some());
        let status = match (&server.cancel, in_dialog) {
            (Some(_), _) => StatusCode::REQUEST_TERMINATED,
            (None, true) => StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
            (None, false) => StatusCode::SERVER_INTERNAL_ERROR,
        };
        let tag = server.answered_tag().unwrap_or_else(|| key.tag());
        let response = request.response_tagged(status, &tag);
        if self.respond(key, response, now).is_err() {
            self.strays += 1;
        }
    }

    fn advance_server(&mut self, key: &ServerKey, input: Input, now: Moment) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let effects = server.course.step(input, &self.timing, now);
        if !effects.is_empty() {
            self.carry_out_server(key, effects);
        }
    }

    fn carry_out_server(&mut self, key: &ServerKey, effects: &[Effect]) {
        for effect in effects {
            let Some(server) = self.servers.get_mut(key) else { return };
            let owner = server.owner;
            match effect {
                Effect::Send => self.resend(key),
                Effect::SayTrying => {
                    server.answer =
                        server.request.as_ref().map(|r| r.response(StatusCode::TRYING).to_bytes());
                    self.resend(key);
                }
                Effect::Deliver => self.present(key),
                Effect::Acked => self.actions.push_back(Action::Confirmed { key: key.clone(), owner }),
                Effect::Unacked => self.actions.push_back(Action::Unconfirmed { key: key.clone(), owner }),
                // The rest is the client's, or set the machine's own timers.
                _ => {}
            }
        }
        self.settle_server(key);
    }

    /// Sends the last answer, if there is one.
    pub(super) fn resend(&mut self, key: &ServerKey) {
        let Some(server) = self.servers.get(key) else { return };
        if let Some(bytes) = server.answer.clone() {
            self.transmit(server.reply.clone(), bytes);
        }
    }

    /// Offers an unanswered request to its owner, or to whoever adopts it.
    pub(super) fn present(&mut self, key: &ServerKey) {
        let Some(server) = self.servers.get(key) else { return };
        let Some(request) = server.request.clone() else { return };
        let (flow, owner) = (server.flow.clone(), server.owner);
        self.actions.push_back(Action::Incoming { key: key.clone(), request, flow, owner });
    }

    pub(super) fn adopt_server(&mut self, server: Server) {
        let key = server.key.clone();
        self.own(server.owner, PartKey::Server(key.clone()));
        self.origins.extend(server.origin.clone());
        self.servers.insert(key, server);
    }

    /// After a step: the agenda follows, and what is over goes.
    fn settle_server(&mut self, key: &ServerKey) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let part = PartKey::Server(key.clone());
        let due = server.course.next_deadline();
        self.agenda.reschedule(part.clone(), &mut server.scheduled, due);
        if server.course.is_over()
            && let Some(server) = self.servers.remove(key)
        {
            if let Some(owner) = server.owner {
                self.disown(owner, &part);
            }
            if let Some(origin) = &server.origin {
                self.origins.remove(origin);
            }
        }
        self.changed.insert(part);
    }
}
