//! The early dialogs of our INVITEs: what they say before the answer, and what they ask.
//! It must never take a provisional answer out of order that has to arrive (RFC 3262 §4).

use super::{Attempt, Outgoing};
use crate::leg::requests::{bystander, introduce, later, refusal_of, unsuitable};
use crate::leg::{Core, Leg, Report};
use crate::ops::events::Event;
use crate::sip::dialog::is_reliable;
use crate::sip::dispatch::Errand;
use crate::sip::endpoint::ClientKey;
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderName, Method, RAck, Request, Response, StatusCode};
use crate::supervision::machine::Turn;

impl Outgoing {
    pub(super) fn on_provisional(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        flow: &Flow,
        turn: &mut Turn<Leg>,
    ) {
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.key == *key) else { return };
        let tag = response.headers().to().ok().and_then(|to| to.tag().map(str::to_owned));
        let tag = tag.filter(|_| response.status() != StatusCode::TRYING);
        if let Some(tag) = &tag
            && attempt.note_early(tag, response, flow)
            && is_reliable(response)
        {
            let Some(prack) = attempt.prack(core, tag, response) else { return };
            core.errand(Errand::Request { request: prack, flow: attempt.path.flow.clone() }, turn);
        }
        if let Some(tag) = tag.filter(|_| !response.body().is_empty()) {
            self.hear(core, key, &tag, response, turn);
        }
        if response.status() == StatusCode::RINGING && !self.rang {
            self.rang = true;
            core.tell(Event::Ringing, turn);
            core.report(Report::Ringing, turn);
        }
    }

    /// The answer to our offer came before the call was answered. The first early dialog with one is heard.
    fn hear(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        tag: &str,
        response: &Response,
        turn: &mut Turn<Leg>,
    ) {
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.key == *key) else { return };
        let Some(early) = attempt.early(tag).filter(|early| !early.is_settled) else { return };
        let is_first = early.negotiation.is_offer_pending();
        if !is_first && !is_reliable(response) {
            return;
        }
        match early.negotiation.on_answer(response.body()) {
            Ok(agreed) => {
                early.is_settled = is_reliable(response);
                let is_heard = self.audible.as_ref().is_some_and(|(heard, by)| heard == key && by == tag);
                if self.audible.is_some() && !is_heard {
                    return;
                }
                core.media.agree(&agreed);
                core.apply_media(turn);
                if !is_heard {
                    self.audible = Some((key.clone(), tag.to_owned()));
                    core.tell(Event::EarlyMedia, turn);
                    core.report(Report::EarlyMedia, turn);
                }
            }
            // It is only provisional: the final answer may be better.
            Err(error) => tracing::debug!(leg = %core.id, %error, "early answer cannot be used"),
        }
    }

    /// Acknowledges once more where the far end wants to know first who does (RFC 3261 §22.2). `false` if that was no
    /// PRACK, or is no use.
    pub(super) fn is_prack_proved(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        refusal: &Response,
        turn: &mut Turn<Leg>,
    ) -> bool {
        let proved = self.attempts.iter_mut().find_map(|attempt| {
            let request = attempt.prack_proved(core, key, refusal)?;
            Some(Errand::Request { request, flow: attempt.path.flow.clone() })
        });
        let is_proved = proved.is_some();
        proved.into_iter().for_each(|errand| core.errand(errand, turn));
        is_proved
    }

    /// A request of somebody who has not answered yet.
    pub(super) fn early_request(
        &mut self,
        core: &mut Core,
        request: &Request,
        turn: &mut Turn<Leg>,
    ) -> Response {
        if let Some(response) = unsuitable(request) {
            return response;
        }
        let headers = request.headers();
        let (call_id, from) = (headers.call_id().ok().map(|id| id.into_owned()), headers.from().ok());
        let tag = from.as_ref().and_then(|from| from.tag()).unwrap_or_default();
        let attempt = self.attempts.iter_mut().find(|attempt| attempt.call_id() == call_id);
        let Some((key, early)) = attempt.and_then(|attempt| {
            Some((attempt.key.clone(), attempt.early.iter_mut().find(|one| one.tag == tag)?))
        }) else {
            // Nothing is known of it yet but what any element must bear (RFC 3261 §12.2.2).
            return match request.method() {
                Method::Info | Method::Options => bystander(core, request, turn),
                _ => request.response(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST),
            };
        };
        if let Some(Err(refusal)) = early.dialog.as_mut().map(|dialog| dialog.receive(request)) {
            return request.response(refusal.status());
        }
        let is_heard = self.audible.as_ref().is_some_and(|(heard, by)| *heard == key && by == tag);
        match request.method() {
            Method::Update if request.body().is_empty() => early.updated(request),
            // The offer of our INVITE has no answer yet that counts (RFC 3311 §5.2).
            Method::Update if !early.is_settled => request.response(StatusCode::REQUEST_PENDING),
            Method::Update => match early.negotiation.on_offer(request.body()) {
                Ok((answer, agreed)) => {
                    let mut response = early.updated(request);
                    response.set_body("application/sdp", answer);
                    if is_heard {
                        core.media.agree(&agreed);
                        core.apply_media(turn);
                    }
                    response
                }
                Err(error) => request.response(refusal_of(&error)),
            },
            Method::Invite => later(core, request),
            Method::Bye | Method::Prack => request.response(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST),
            _ => bystander(core, request, turn),
        }
    }
}

impl super::attempt::Early {
    /// The answer to an UPDATE that is accepted; its Contact is where requests go from now on.
    fn updated(&mut self, update: &Request) -> Response {
        let mut response = update.response(StatusCode::OK);
        if let Some(dialog) = &mut self.dialog {
            dialog.refresh(update.headers());
        }
        introduce(&self.path, response.headers_mut());
        response
    }
}

impl Attempt {
    /// The PRACK of a provisional answer; none for one that is repeated or out of order.
    fn prack(&mut self, core: &mut Core, tag: &str, response: &Response) -> Option<Request> {
        let early = self.early.iter_mut().find(|early| early.tag == tag)?;
        let rack = early.heard.receive(response)?;
        self.write_prack(core, tag, rack)
    }

    fn write_prack(&mut self, core: &mut Core, tag: &str, rack: RAck) -> Option<Request> {
        let early = self.early.iter_mut().find(|early| early.tag == tag)?;
        let via = self.path.via(&core.minter.branch());
        let mut prack = early.dialog.as_mut()?.request(Method::Prack, &via, None);
        prack.headers_mut().push(HeaderName::RAck, &rack);
        early.pracked = Some((ClientKey::of(&prack), rack));
        if let Some(proofs) = &mut self.proofs {
            proofs.sign(&mut prack, &mut core.minter);
        }
        Some(prack)
    }

    /// The PRACK with this key once more, with the proof that its refusal asks for.
    fn prack_proved(&mut self, core: &mut Core, key: &ClientKey, refusal: &Response) -> Option<Request> {
        let mut early = self.early.iter();
        let (tag, rack) = early.find_map(|early| {
            let (_, rack) = early.pracked.as_ref().filter(|(pracked, _)| pracked == key)?;
            Some((early.tag.clone(), rack.clone()))
        })?;
        self.proofs.as_mut()?.challenged(refusal).ok()?;
        self.write_prack(core, &tag, rack)
    }
}
