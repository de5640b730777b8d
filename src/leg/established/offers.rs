//! What the peer asks of an answered session: re-INVITE, UPDATE, a late PRACK, and the ACK that follows.
//! It must never pass hold or refresh on: each leg negotiates alone (design §5).

use super::Established;
use crate::leg::requests::{introduce, later, refusal_of};
use crate::leg::{Core, Leg, Next};
use crate::ops::events::{Cause, Side};
use crate::sip::dispatch::Errand;
use crate::sip::endpoint::ServerKey;
use crate::sip::message::{HeaderName, Method, Request, Response, StatusCode};
use crate::supervision::machine::Turn;

impl Established {
    /// A new offer in the dialog, the wish for one of ours (RFC 3261 §14.2, RFC 3264 §8), or a sign of life.
    pub(super) fn on_reinvite(
        &mut self,
        core: &mut Core,
        key: ServerKey,
        request: &Request,
        turn: &mut Turn<Leg>,
    ) {
        // One that overtakes the ACK of our last 2xx proves that it has arrived: nobody begins an INVITE while
        // another is under way (RFC 3261 §14.1).
        let response = self.change(core, request, turn);
        core.errand(Errand::Respond { key: key.clone(), response: response.clone() }, turn);
        if response.status().is_success() {
            self.await_ack(request, key, response, core, turn.now);
            if !request.body().is_empty() {
                self.renegotiated(core, turn);
            }
        }
    }

    /// The same without the wish for an offer of ours, and without an ACK (RFC 3311 §5.2).
    pub(super) fn on_update(
        &mut self,
        core: &mut Core,
        key: ServerKey,
        update: &Request,
        turn: &mut Turn<Leg>,
    ) {
        let response = self.change(core, update, turn);
        let is_changed = response.status().is_success() && !update.body().is_empty();
        core.errand(Errand::Respond { key, response }, turn);
        if is_changed {
            self.renegotiated(core, turn);
        }
    }

    /// Judges what would change or refresh the session, and changes it.
    fn change(&mut self, core: &mut Core, request: &Request, turn: &Turn<Leg>) -> Response {
        if self.hangup.is_some() {
            // The BYE waits for the ACK of our 2xx: another one would prolong the wait.
            return later(core, request);
        }
        if let Some(shortest) = core.session.refuses(request.headers()) {
            let mut response = request.response(StatusCode::SESSION_INTERVAL_TOO_SMALL);
            response.headers_mut().set(HeaderName::MinSe, shortest);
            return response;
        }
        let answer = match (request.body().is_empty(), request.method()) {
            (false, _) => self.negotiation.on_offer(request.body()).map(|(answer, _)| Some(answer)),
            (true, Method::Invite) => self.negotiation.offer_anew().map(Some),
            (true, _) => Ok(None),
        };
        let session = match answer {
            Ok(session) => session,
            Err(error) => return request.response(refusal_of(&error)),
        };
        self.dialog.refresh(request.headers());
        self.note_abilities(request.headers());
        let mut response = request.response(StatusCode::OK);
        introduce(&self.path, response.headers_mut());
        self.timer.grant(request.headers(), response.headers_mut(), turn.now);
        if let Some(session) = session {
            response.set_body("application/sdp", session);
        }
        response
    }

    /// A PRACK that crossed our final answer (RFC 3262 §3); no other has anything to acknowledge here.
    pub(super) fn on_prack(&mut self, prack: &Request) -> Response {
        let is_owed = self.owed.is_some() && prack.headers().rack().ok() == self.owed;
        if is_owed {
            self.owed = None;
            return prack.response(StatusCode::OK);
        }
        prack.response(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST)
    }

    pub(super) fn on_ack(&mut self, core: &mut Core, ack: &Request, turn: &mut Turn<Leg>) -> Next {
        let cseq = ack.headers().cseq().map_or(0, |cseq| cseq.number);
        if self.unacknowledged.as_ref().is_none_or(|waiting| waiting.cseq != cseq) {
            return Next::Stay;
        }
        self.unacknowledged = None;
        self.is_alive();
        if self.negotiation.is_offer_pending() {
            // The answer to a late offer comes in the ACK; one that cannot be used ends the leg (design §5).
            if let Err(error) = self.negotiation.on_answer(ack.body()) {
                tracing::debug!(leg = %core.id, %error, "the answer in the ACK cannot be used");
                return self.hang_up(core, Cause::NotAcceptable, Side::Switch, turn);
            }
            self.renegotiated(core, turn);
        } else if core.media.agreed().is_some() {
            core.apply_media(turn);
        }
        match self.hangup.take() {
            Some(cause) => self.hang_up(core, cause, Side::Switch, turn),
            None => {
                self.reoffer_when_free(core, turn);
                Next::Stay
            }
        }
    }
}
