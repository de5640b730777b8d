//! What a caller is told before the final answer, and what it may ask meanwhile: PRACK, UPDATE, BYE.
//! It must never send a second answer that must arrive before the first one has (RFC 3262 §3).

use bytes::Bytes;
use trunkline_media::moment::Moment;

use super::{Incoming, Progress, REMINDER};
use crate::leg::requests::{allowing, bystander, introduce, later, refusal_of, unsuitable};
use crate::leg::{Core, Leg, Next};
use crate::ops::events::{Cause, Event, Side};
use crate::sip::dialog::{Overdue, RELIABLE};
use crate::sip::dispatch::Errand;
use crate::sip::endpoint::ServerKey;
use crate::sip::message::{Method, Request, Response, StatusCode};
use crate::supervision::machine::Turn;

impl Incoming {
    /// Sound before the answer. A late offer goes only into an answer that must arrive (RFC 3261 §13.2.1): a caller who
    /// knows none hears it ring.
    pub(super) fn early_media(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        if self.answer.is_none() && !self.invite.headers().supports(RELIABLE) {
            return self.ring(core, turn);
        }
        self.progress = Progress::EarlyMedia;
        self.say_progress(core, turn);
        core.tell(Event::EarlyMedia, turn);
        core.apply_media(turn);
    }

    pub(super) fn ring(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        if self.progress < Progress::Ringing {
            self.progress = Progress::Ringing;
            self.say_progress(core, turn);
            core.tell(Event::Ringing, turn);
        }
    }

    /// Tells the caller how far the call is, once it has acknowledged what it was told last.
    pub(super) fn say_progress(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        self.reminder = turn.now + REMINDER;
        if self.provisionals.is_waiting() {
            return;
        }
        self.told = self.progress;
        let mut response = self.response(match self.progress {
            Progress::Ringing => StatusCode::RINGING,
            Progress::Nothing | Progress::EarlyMedia => StatusCode::SESSION_PROGRESS,
        });
        let session = self.early_session();
        let must_arrive = self.invite.headers().requires(RELIABLE)
            || session.is_some() && self.invite.headers().supports(RELIABLE);
        if let Some(session) = session {
            response.set_body("application/sdp", session);
        }
        if must_arrive {
            self.provisionals.send(&mut response, &core.timing, turn.now);
        }
        core.errand(Errand::Respond { key: self.key.clone(), response }, turn);
    }

    /// Our answer, if the caller shall hear something; where its offer is late, our offer, which the first answer that
    /// must arrive has to bear. Neither once the caller has it for certain.
    fn early_session(&mut self) -> Option<Bytes> {
        let wants_sound = self.progress == Progress::EarlyMedia;
        match &self.answer {
            _ if self.is_settled => None,
            Some(answer) => wants_sound.then(|| answer.clone()),
            None if wants_sound || self.invite.headers().requires(RELIABLE) => self.negotiation.offer().ok(),
            None => None,
        }
    }

    /// Requests inside the early dialog.
    pub(super) fn early_request(
        &mut self,
        core: &mut Core,
        key: ServerKey,
        request: &Request,
        turn: &mut Turn<Leg>,
    ) -> Next {
        let refused = self.dialog.receive(request).err().map(|refusal| request.response(refusal.status()));
        if let Some(response) = refused.or_else(|| unsuitable(request)) {
            core.errand(Errand::Respond { key, response }, turn);
            return Next::Stay;
        }
        let response = match request.method() {
            // It ends the dialog, and the INVITE with it (RFC 3261 §15).
            Method::Bye => {
                core.note_remarks(request, turn);
                core.errand(Errand::Respond { key, response: request.response(StatusCode::OK) }, turn);
                return self.refuse(core, StatusCode::REQUEST_TERMINATED, Cause::Cancelled, Side::Peer, turn);
            }
            Method::Prack => return self.on_prack(core, key, request, turn),
            Method::Update => self.on_update(core, request, turn),
            // The offer of the first INVITE has no final answer yet (RFC 3261 §14.2).
            Method::Invite => later(core, request),
            _ => bystander(core, request, turn),
        };
        core.errand(Errand::Respond { key, response }, turn);
        Next::Stay
    }

    /// The caller has got the answer that had to arrive; what waited for that goes on.
    fn on_prack(&mut self, core: &mut Core, key: ServerKey, prack: &Request, turn: &mut Turn<Leg>) -> Next {
        let Some(acknowledged) = self.provisionals.acknowledge(prack.headers()) else {
            let response = prack.response(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            core.errand(Errand::Respond { key, response }, turn);
            return Next::Stay;
        };
        if self.negotiation.is_offer_pending() {
            match self.negotiation.on_answer(prack.body()) {
                Ok(agreed) => core.media.agree(&agreed),
                Err(error) => {
                    tracing::debug!(leg = %core.id, %error, "the answer in a PRACK cannot be used");
                    let status = refusal_of(&error);
                    core.errand(Errand::Respond { key, response: prack.response(status) }, turn);
                    let status = StatusCode::NOT_ACCEPTABLE_HERE;
                    return self.refuse(core, status, Cause::NotAcceptable, Side::Switch, turn);
                }
            }
            core.apply_media(turn);
            self.is_settled = true;
            core.errand(Errand::Respond { key, response: prack.response(StatusCode::OK) }, turn);
        } else {
            self.is_settled |= !acknowledged.body().is_empty();
            let response = match prack.body().is_empty() {
                true => prack.response(StatusCode::OK),
                false => self.on_early_offer(core, prack, turn),
            };
            core.errand(Errand::Respond { key, response }, turn);
        }
        if self.is_wanted {
            return self.accept(core, turn);
        }
        if self.told < self.progress {
            self.say_progress(core, turn);
        }
        Next::Stay
    }

    fn on_update(&mut self, core: &mut Core, update: &Request, turn: &mut Turn<Leg>) -> Response {
        let mut response = match update.body().is_empty() {
            true => update.response(StatusCode::OK),
            false => self.on_early_offer(core, update, turn),
        };
        if response.status().is_success() {
            self.dialog.refresh(update.headers());
            introduce(&self.path, response.headers_mut());
        }
        response
    }

    /// Another offer of the caller. It may make one only after the answer to its first (RFC 3311 §5.2).
    fn on_early_offer(&mut self, core: &mut Core, request: &Request, turn: &mut Turn<Leg>) -> Response {
        if !self.is_settled && self.answer.is_some() {
            return later(core, request);
        }
        if !self.is_settled {
            return request.response(StatusCode::REQUEST_PENDING);
        }
        match self.negotiation.on_offer(request.body()) {
            Ok((answer, agreed)) => {
                core.media.agree(&agreed);
                core.apply_media(turn);
                let mut response = request.response(StatusCode::OK);
                response.set_body("application/sdp", answer);
                response
            }
            Err(error) => allowing(request, refusal_of(&error)),
        }
    }

    /// Repeats what must arrive; a caller that never acknowledges it is refused.
    pub(super) fn repeat_provisional(&mut self, core: &mut Core, turn: &mut Turn<Leg>) -> Next {
        match self.provisionals.on_deadline(turn.now) {
            Some(Overdue::Again(response)) => {
                core.errand(Errand::Respond { key: self.key.clone(), response }, turn);
                Next::Stay
            }
            Some(Overdue::GivenUp) => {
                self.refuse(core, StatusCode::SERVER_TIMEOUT, Cause::NoAck, Side::Switch, turn)
            }
            None => Next::Stay,
        }
    }

    pub(super) fn provisional_deadline(&self) -> Option<Moment> {
        self.provisionals.next_deadline()
    }
}
