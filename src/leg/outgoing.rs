//! A leg that calls: INVITEs to every target, forked early dialogs, the first answer wins.
//! It must never be answered twice: a second 2xx gets ACK and BYE.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use trunkline_media::sdp::Negotiation;

use super::established::{Established, Forks};
use super::leaving::Leaving;
use super::path::Path;
use super::spec::{OutboundSpec, Target};
use super::{ALLOW, Core, Leg, Next, Order, Report};
use crate::ops::events::{Cause, Event, Side};
use crate::sip::auth::Proofs;
use crate::sip::dialog::Dialog;
use crate::sip::dispatch::{Delivery, Errand};
use crate::sip::endpoint::{ClientKey, DialogKey, FailureCause};
use crate::sip::flow::Flow;
use crate::sip::message::{CSeq, HeaderName, Method, NameAddr, Request, Response, StatusCode};
use crate::supervision::machine::Turn;

/// Early dialogs kept per attempt, and answers per leg: what a forking proxy may send is bounded.
pub(crate) const MAX_FORKS: usize = 16;

/// A leg that nobody has answered yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    attempts: Vec<Attempt>,
    /// The negotiation with our offer out; every early dialog goes on from a copy.
    offered: Negotiation,
    offer: Bytes,
    /// The early dialog that the caller hears: attempt and To-tag.
    audible: Option<(ClientKey, String)>,
    rang: bool,
}

/// One INVITE to one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub key: ClientKey,
    pub invite: Request,
    pub path: Path,
    early: Vec<Early>,
    /// Its final status, if it failed.
    failed: Option<u16>,
    /// What this target may be proved.
    #[serde(default)]
    proofs: Option<Proofs>,
}

/// One early dialog of a forked INVITE (design: each keeps its own remote SDP and To-tag).
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Early {
    tag: String,
    negotiation: Negotiation,
}

impl Outgoing {
    pub fn from_spec(spec: OutboundSpec) -> (Core, Self) {
        let OutboundSpec { basis, seat, from, to, headers, targets, max_forwards } = spec;
        let peer = to.uri.to_string();
        let address =
            targets.first().map_or_else(|| ([0, 0, 0, 0], 0).into(), |target| target.path.flow.remote);
        let mut core = basis.core(peer, address);
        let mut offered = core.media.negotiation.clone();
        // A fresh negotiation has no offer out and none came: it can always make one.
        let offer = offered.offer().unwrap_or_default();
        let tag = core.minter.token();
        let from = from.with_tag(&tag);
        let attempts = targets
            .into_iter()
            .map(|target| {
                let host = target.path.advertised.ip().to_string();
                let call_id = seat.call_id(&mut core.minter, &host);
                let mut attempt = attempt(&mut core, target, &from, &to, &call_id, max_forwards, &offer);
                for (name, value) in &headers {
                    attempt.invite.headers_mut().push(name.clone(), value);
                }
                attempt
            })
            .collect();
        (core, Self { attempts, offered, offer, audible: None, rang: false })
    }

    pub fn call_ids(&self) -> Vec<String> {
        let call_id = |attempt: &Attempt| attempt.invite.headers().call_id().ok().map(|id| id.into_owned());
        self.attempts.iter().filter_map(call_id).collect()
    }

    pub fn start(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        core.apply_media(turn);
        for attempt in &self.attempts {
            if let Some(dialog) = attempt.dialog_key() {
                core.errand(Errand::Bind { dialog }, turn);
            }
            let errand = Errand::Request { request: attempt.invite.clone(), flow: attempt.path.flow.clone() };
            core.errand(errand, turn);
        }
    }

    pub fn on_order(&mut self, core: &mut Core, order: Order, turn: &mut Turn<Leg>) -> Next {
        match order {
            Order::Hangup { cause } | Order::Refuse { cause, .. } => {
                let reason = matches!(cause, Cause::AnsweredElsewhere)
                    .then(|| "SIP;cause=200;text=\"Call completed elsewhere\"".to_owned());
                for attempt in self.attempts.iter().filter(|attempt| attempt.failed.is_none()) {
                    let errand = Errand::Cancel { key: attempt.key.clone(), reason: reason.clone() };
                    core.errand(errand, turn);
                }
                let leaving = Leaving::new(None, Forks::new(self.attempts.clone()), turn.now);
                Next::Leave { leaving, cause, by: Side::Switch }
            }
            // There is no caller to tell.
            Order::Ring
            | Order::Progress
            | Order::Answer
            | Order::Hear(_)
            | Order::Press(_)
            | Order::Referred { .. }
            | Order::Tape(_)
            | Order::Joined(_)
            | Order::Align(_) => Next::Stay,
        }
    }

    pub fn on_sip(&mut self, core: &mut Core, delivery: Delivery, turn: &mut Turn<Leg>) -> Next {
        match delivery {
            Delivery::Response { key, response, flow } => {
                self.on_response(core, &key, &response, &flow, turn)
            }
            Delivery::Failed { key, cause } => {
                let status = match cause {
                    FailureCause::Timeout => StatusCode::REQUEST_TIMEOUT,
                    FailureCause::Transport => StatusCode::SERVICE_UNAVAILABLE,
                };
                self.attempt_failed(core, &key, status, turn)
            }
            Delivery::Request { key, request, .. } => {
                // Nothing is asked of us before the answer but what any element must bear (RFC 3261 §12.2.2).
                let status = match request.method() {
                    Method::Info | Method::Options => StatusCode::OK,
                    _ => StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
                };
                core.errand(Errand::Respond { key, response: request.response(status) }, turn);
                Next::Stay
            }
            Delivery::Ack { .. } | Delivery::Cancelled { .. } => Next::Stay,
        }
    }

    fn on_response(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        flow: &Flow,
        turn: &mut Turn<Leg>,
    ) -> Next {
        let status = response.status();
        if status.is_provisional() {
            self.on_provisional(core, key, response, turn);
            Next::Stay
        } else if status.is_success() {
            self.on_success(core, key, response, flow, turn)
        } else if self.prove(core, key, response, turn) {
            Next::Stay
        } else {
            self.attempt_failed(core, key, status, turn)
        }
    }

    /// Sends an INVITE that was challenged once more, with the proof (RFC 3261 §22.2); `false` if that is no use.
    fn prove(&mut self, core: &mut Core, key: &ClientKey, refusal: &Response, turn: &mut Turn<Leg>) -> bool {
        if !matches!(refusal.status(), StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED) {
            return false;
        }
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.key == *key) else {
            return false;
        };
        let Some(proofs) = &mut attempt.proofs else { return false };
        if let Err(error) = proofs.challenged(refusal) {
            tracing::info!(leg = %core.id, %error, "a login of ours was of no use");
            return false;
        }
        let number = attempt.invite.headers().cseq().map_or(1, |cseq| cseq.number.saturating_add(1));
        let headers = attempt.invite.headers_mut();
        headers.set(HeaderName::Via, attempt.path.via(&core.minter.branch()));
        headers.set(HeaderName::CSeq, CSeq { number, method: Method::Invite });
        proofs.sign(&mut attempt.invite, &mut core.minter);
        if self.audible.as_ref().is_some_and(|(audible, _)| audible == key) {
            self.audible = None;
        }
        attempt.early.clear();
        attempt.key = ClientKey::of(&attempt.invite);
        let errand = Errand::Request { request: attempt.invite.clone(), flow: attempt.path.flow.clone() };
        core.errand(errand, turn);
        true
    }

    fn on_provisional(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        turn: &mut Turn<Leg>,
    ) {
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.key == *key) else { return };
        let tag = response.headers().to().ok().and_then(|to| to.tag().map(str::to_owned));
        if let Some(tag) = tag.filter(|_| response.status() != StatusCode::TRYING)
            && let Some(early) = attempt.early(&tag, &self.offered)
            && early.negotiation.is_offer_pending()
            && !response.body().is_empty()
        {
            match early.negotiation.on_answer(response.body()) {
                Ok(agreed) if self.audible.is_none() => {
                    self.audible = Some((key.clone(), tag));
                    core.media.agree(&agreed);
                    core.apply_media(turn);
                    core.tell(Event::EarlyMedia, turn);
                    core.report(Report::EarlyMedia, turn);
                }
                Ok(_) => {}
                // It is only provisional: the final answer may be better.
                Err(error) => tracing::debug!(leg = %core.id, %error, "early answer cannot be used"),
            }
        }
        if response.status() == StatusCode::RINGING && !self.rang {
            self.rang = true;
            core.tell(Event::Ringing, turn);
            core.report(Report::Ringing, turn);
        }
    }

    fn on_success(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        response: &Response,
        flow: &Flow,
        turn: &mut Turn<Leg>,
    ) -> Next {
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.key == *key) else {
            return Next::Stay;
        };
        let dialog = match Dialog::uac(&attempt.invite, response, flow) {
            Ok(dialog) => dialog,
            Err(error) => {
                tracing::debug!(leg = %core.id, %error, "a 2xx makes no dialog");
                return self.attempt_failed(core, key, StatusCode::BAD_GATEWAY, turn);
            }
        };
        let early = attempt.early(dialog.remote_tag(), &self.offered);
        let mut negotiation = early.map_or_else(|| self.offered.clone(), |early| early.negotiation.clone());
        let path = attempt.path.clone();
        core.proofs.clone_from(&attempt.proofs);
        let usable = match negotiation.on_answer(response.body()) {
            // What it said in its own early dialog holds (RFC 3261 §13.2.1).
            Err(_) if !negotiation.is_offer_pending() => Ok(()),
            said => said.map(drop),
        };
        let losing: Vec<Attempt> =
            self.attempts.iter().filter(|attempt| attempt.failed.is_none()).cloned().collect();
        for attempt in losing.iter().filter(|attempt| attempt.key != *key) {
            let reason = Some("SIP;cause=200;text=\"Call completed elsewhere\"".to_owned());
            core.errand(Errand::Cancel { key: attempt.key.clone(), reason }, turn);
        }
        let established = Established::answered(dialog, negotiation, path, Side::Switch);
        let mut established = established.with_forks(Forks::new(losing));
        established.acknowledge(core, key, response, turn);
        if let Err(error) = usable {
            tracing::debug!(leg = %core.id, %error, "the answer cannot be used");
            return established.hang_up(core, Cause::NotAcceptable, Side::Switch, turn);
        }
        established.note_agreed(core, turn);
        Next::Up(Box::new(established))
    }

    fn attempt_failed(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        status: StatusCode,
        turn: &mut Turn<Leg>,
    ) -> Next {
        if let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.key == *key) {
            attempt.failed = Some(status.code());
            let target = attempt.invite.uri().to_string();
            core.tell(Event::AttemptFailed { target, status: status.code() }, turn);
        }
        let failures: Option<Vec<u16>> = self.attempts.iter().map(|attempt| attempt.failed).collect();
        let Some(failures) = failures else { return Next::Stay };
        let cause = match best_failure(&failures) {
            Cause::Unreachable if self.rang && failures.contains(&408) => Cause::NoAnswer,
            cause => cause,
        };
        let by = if matches!(cause, Cause::Unreachable) { Side::Switch } else { Side::Peer };
        let leaving = Leaving::new(None, Forks::new(self.attempts.clone()), turn.now);
        Next::Leave { leaving, cause, by }
    }
}

impl Attempt {
    fn dialog_key(&self) -> Option<DialogKey> {
        let headers = self.invite.headers();
        let from = headers.from().ok()?;
        Some(DialogKey::new(headers.call_id().ok()?, from.tag()?))
    }

    /// The early dialog with this To-tag, new if it was not known; `None` beyond the bound.
    fn early(&mut self, tag: &str, offered: &Negotiation) -> Option<&mut Early> {
        let at = match self.early.iter().position(|early| early.tag == tag) {
            Some(at) => at,
            None if self.early.len() >= MAX_FORKS => return None,
            None => {
                self.early.push(Early { tag: tag.to_owned(), negotiation: offered.clone() });
                self.early.len() - 1
            }
        };
        self.early.get_mut(at)
    }
}

fn attempt(
    core: &mut Core,
    target: Target,
    from: &NameAddr,
    to: &NameAddr,
    call_id: &str,
    max_forwards: u8,
    offer: &Bytes,
) -> Attempt {
    let branch = core.minter.branch();
    let mut invite = Request::new(Method::Invite, target.uri);
    let headers = invite.headers_mut();
    headers.push(HeaderName::Via, target.path.via(&branch));
    headers.push(HeaderName::MaxForwards, max_forwards);
    headers.push(HeaderName::From, from);
    headers.push(HeaderName::To, to);
    headers.push(HeaderName::CallId, call_id);
    headers.push(HeaderName::CSeq, CSeq { number: 1, method: Method::Invite });
    headers.push(HeaderName::Contact, target.path.contact());
    headers.push(HeaderName::Allow, ALLOW);
    headers.push(HeaderName::UserAgent, super::established::PRODUCT);
    invite.set_body("application/sdp", offer.clone());
    let proofs = target.login.map(Proofs::new);
    Attempt {
        key: ClientKey::of(&invite),
        invite,
        path: target.path,
        early: Vec::new(),
        failed: None,
        proofs,
    }
}

/// Of several failures the one that tells the caller most: a decision of the callee before a fault on the way.
fn best_failure(statuses: &[u16]) -> Cause {
    let rank = |status: &u16| match status {
        600 | 603 => 0,
        486 => 1,
        601..=699 => 2,
        404 | 410 | 484 => 4,
        480 | 487 | 408 => 5,
        503 | 500 => 6,
        _ => 3,
    };
    match statuses.iter().min_by_key(|status| rank(status)).copied().unwrap_or(503) {
        486 | 600 => Cause::Busy,
        603 => Cause::Declined,
        404 | 410 | 484 | 604 => Cause::NotFound,
        408 | 503 => Cause::Unreachable,
        480 | 487 => Cause::NoAnswer,
        488 | 606 => Cause::NotAcceptable,
        other => Cause::Refused(other),
    }
}
