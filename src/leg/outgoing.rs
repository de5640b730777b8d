//! A leg that calls: INVITEs to every target, forked early dialogs, the first answer wins.
//! It must never be answered twice: a second 2xx gets ACK and BYE.

mod attempt;
mod early;

use serde::{Deserialize, Serialize};

pub(crate) use self::attempt::Attempt;
use self::attempt::{Failure, Letterhead};
use super::established::{Established, Forks};
use super::identity::present;
use super::leaving::Leaving;
use super::spec::OutboundSpec;
use super::verdict::MAINTENANCE;
use super::{Core, Facts, Leg, Next, Order, Readopted};
use crate::ops::events::{Cause, Event, Side};
use crate::sip::dispatch::{Delivery, Errand};
use crate::sip::endpoint::{ClientKey, FailureCause};
use crate::sip::flow::Flow;
use crate::sip::message::{Headers, Response, StatusCode};
use crate::supervision::machine::Turn;

/// Early dialogs kept per attempt, and answers per leg: what a forking proxy may send is bounded.
pub(crate) const MAX_FORKS: usize = 16;

/// Why the other phones stop ringing: theirs is no missed call (RFC 3326).
const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// A leg that nobody has answered yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    attempts: Vec<Attempt>,
    /// The early dialog that the caller hears: attempt and To-tag.
    audible: Option<(ClientKey, String)>,
    rang: bool,
}

impl Outgoing {
    pub fn from_spec(spec: OutboundSpec) -> (Core, Self) {
        let OutboundSpec { basis, seat, from, is_private, to, headers, targets, max_forwards } = spec;
        let (from, identity) = present(from, is_private, basis.is_trusted);
        let headers: Vec<_> = identity.into_iter().chain(headers).collect();
        let peer = to.uri.to_string();
        let mut core = basis.core(peer, targets.first().map(|target| &target.path.flow));
        let tag = core.minter.token();
        let from = from.with_tag(&tag);
        let letterhead = Letterhead { from: &from, to: &to, headers: &headers, max_forwards };
        let attempts: Vec<Attempt> = targets
            .into_iter()
            .map(|target| {
                let call_id = seat.call_id(&mut core.minter, &target.path.advertised.ip().to_string());
                Attempt::new(&mut core, target, &call_id, &letterhead)
            })
            .collect();
        let first = attempts.first().and_then(Attempt::call_id);
        core.facts = Facts::of_dialog(&first.unwrap_or_default());
        (core, Self { attempts, audible: None, rang: false })
    }

    pub fn call_ids(&self) -> Vec<String> {
        self.attempts.iter().filter_map(Attempt::call_id).collect()
    }

    /// The leg was brought back by another process.
    pub fn readopted(&mut self, readopted: &Readopted) {
        let Some(room) = readopted.room else { return };
        for early in self.attempts.iter_mut().flat_map(|attempt| &mut attempt.early) {
            early.negotiation.leap(room);
            early.dialog.iter_mut().for_each(|dialog| dialog.leap(room));
        }
    }

    pub fn start(&mut self, core: &mut Core, turn: &mut Turn<Leg>) {
        core.apply_media(turn);
        for attempt in &self.attempts {
            if let Some(dialog) = attempt.dialog_key() {
                core.errand(Errand::Bind { dialog }, turn);
            }
            core.errand(attempt.errand(), turn);
        }
    }

    pub fn on_order(&mut self, core: &mut Core, order: Order, turn: &mut Turn<Leg>) -> Next {
        match order {
            Order::Hangup { cause } | Order::Refuse { cause, .. } => {
                let own = match cause {
                    Cause::AnsweredElsewhere => Some(ELSEWHERE.to_owned()),
                    Cause::Maintenance => Some(MAINTENANCE.to_owned()),
                    _ => None,
                };
                let reason = own.or_else(|| core.remarks.reason());
                let given_up = self.attempts.iter().find(|attempt| attempt.is_open());
                let call_id = given_up.and_then(Attempt::call_id).unwrap_or_default();
                let status = Some(StatusCode::REQUEST_TERMINATED.code());
                core.facts = Facts { status, ..Facts::of_dialog(&call_id) };
                self.cancel_others(None, core, reason.as_deref(), turn);
                let leaving = Leaving::new(None, Forks::new(self.attempts.clone()), turn.now);
                Next::Leave { leaving: Box::new(leaving), cause, by: Side::Switch }
            }
            // There is no caller to tell.
            Order::Ring
            | Order::Progress
            | Order::Answer
            | Order::Remark(_)
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
            Delivery::Failed { key, cause } => self.on_silence(core, &key, cause, turn),
            Delivery::Request { key, request, .. } => {
                let response = self.early_request(core, &request, turn);
                core.errand(Errand::Respond { key, response }, turn);
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
            self.on_provisional(core, key, response, flow, turn);
            Next::Stay
        } else if status.is_success() {
            self.on_success(core, key, response, flow, turn)
        } else if self.is_mended(core, key, response, turn)
            || status.is_challenge() && self.is_prack_proved(core, key, response, turn)
        {
            Next::Stay
        } else {
            self.attempt_failed(core, key, Failure::refused(response), turn)
        }
    }

    /// Sends an INVITE once more whose refusal names what was missing: the proof (RFC 3261 §22.2), or a longer interval
    /// (RFC 4028 §7.3). `false` if that is no use.
    fn is_mended(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        refusal: &Response,
        turn: &mut Turn<Leg>,
    ) -> bool {
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.key == *key) else {
            return false;
        };
        match refusal.status() {
            status if status.is_challenge() => {
                let Some(proofs) = &mut attempt.proofs else { return false };
                if let Err(error) = proofs.challenged(refusal) {
                    tracing::info!(leg = %core.id, %error, "a login of ours was of no use");
                    return false;
                }
                self.try_again(core, key, |_| {}, turn);
            }
            StatusCode::SESSION_INTERVAL_TOO_SMALL => {
                if !attempt.timer.is_raised_by(refusal.headers()) {
                    return false;
                }
                let timer = attempt.timer.clone();
                self.try_again(core, key, |headers| timer.ask(headers), turn);
            }
            _ => return false,
        }
        true
    }

    /// Sends an attempt's INVITE once more, changed.
    fn try_again(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        change: impl FnOnce(&mut Headers),
        turn: &mut Turn<Leg>,
    ) {
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.key == *key) else { return };
        attempt.renew(core, change);
        core.errand(attempt.errand(), turn);
        self.audible.take_if(|(audible, _)| audible == key);
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
        let dialog = match attempt.dialog(response, flow) {
            Ok(dialog) => dialog,
            Err(error) => {
                tracing::debug!(leg = %core.id, %error, "a 2xx makes no dialog");
                let status = StatusCode::BAD_GATEWAY.code();
                let failure = Failure::silent(attempt, status, Cause::Refused(status));
                return self.attempt_failed(core, key, failure, turn);
            }
        };
        let early =
            attempt.early(dialog.remote_tag()).map(|early| (early.negotiation.clone(), early.is_settled));
        let (mut negotiation, is_settled) = early.unwrap_or_else(|| (attempt.offered.clone(), false));
        let (path, mut timer) = (attempt.path.clone(), attempt.timer.clone());
        timer.settle(response.headers(), turn.now);
        core.proofs.clone_from(&attempt.proofs);
        core.facts = Facts { source: Some(flow.remote.ip()), ..Facts::of_answer(response) };
        let usable = match is_settled {
            true => Ok(()),
            false => match negotiation.on_answer(response.body()) {
                // What it said in its own early dialog holds (RFC 3261 §13.2.1).
                Err(_) if !negotiation.is_offer_pending() => Ok(()),
                said => said.map(drop),
            },
        };
        self.cancel_others(Some(key), core, Some(ELSEWHERE), turn);
        let losing = self.attempts.iter().filter(|attempt| attempt.is_open()).cloned().collect();
        let mut established = Established::answered(dialog, negotiation, path)
            .of(Side::Switch, response.headers(), timer)
            .with_forks(Forks::new(losing));
        established.acknowledge(core, key, response, turn);
        if let Err(error) = usable {
            tracing::debug!(leg = %core.id, %error, "the answer cannot be used");
            return established.hang_up(core, Cause::NotAcceptable, Side::Switch, turn);
        }
        established.note_agreed(core, turn);
        Next::Up(Box::new(established))
    }

    /// Cancels the attempts that are open, all but this one.
    fn cancel_others(
        &self,
        but: Option<&ClientKey>,
        core: &mut Core,
        reason: Option<&str>,
        turn: &mut Turn<Leg>,
    ) {
        for attempt in self.attempts.iter().filter(|attempt| attempt.is_open() && but != Some(&attempt.key)) {
            let reason = reason.map(str::to_owned);
            core.errand(Errand::Cancel { key: attempt.key.clone(), reason }, turn);
        }
    }

    /// An INVITE that nobody answers any more. Where it rang, somebody is there and does not want to.
    fn on_silence(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        cause: FailureCause,
        turn: &mut Turn<Leg>,
    ) -> Next {
        let Some(attempt) = self.attempts.iter().find(|attempt| attempt.key == *key) else {
            return Next::Stay;
        };
        let (status, cause) = match cause {
            FailureCause::Timeout if self.rang => (StatusCode::REQUEST_TIMEOUT, Cause::NoAnswer),
            FailureCause::Timeout => (StatusCode::REQUEST_TIMEOUT, Cause::Unreachable),
            FailureCause::Transport => (StatusCode::SERVICE_UNAVAILABLE, Cause::Unreachable),
        };
        let failure = Failure::silent(attempt, status.code(), cause);
        self.attempt_failed(core, key, failure, turn)
    }

    /// The leg fails when all attempts have, or one speaks for all of them (6xx, RFC 3261 §16.7 step 5).
    fn attempt_failed(
        &mut self,
        core: &mut Core,
        key: &ClientKey,
        failure: Failure,
        turn: &mut Turn<Leg>,
    ) -> Next {
        let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.key == *key) else {
            return Next::Stay;
        };
        let (status, target) = (failure.status(), attempt.invite.uri().to_string());
        core.tell(Event::AttemptFailed { target, status }, turn);
        let is_global = status >= 600;
        attempt.failed = Some(failure);
        if is_global {
            self.cancel_others(None, core, Some(&format!("SIP;cause={status}")), turn);
        } else if self.attempts.iter().any(Attempt::is_open) {
            return Next::Stay;
        }
        let failures = self.attempts.iter().filter_map(|attempt| attempt.failed.as_ref());
        let Some(Failure { cause, facts }) = failures.min_by_key(|failure| failure.rank()).cloned() else {
            return Next::Stay;
        };
        core.facts = facts;
        core.tell_remarks(turn);
        let by = if matches!(cause, Cause::Unreachable) { Side::Switch } else { Side::Peer };
        let leaving = Leaving::new(None, Forks::new(self.attempts.clone()), turn.now);
        Next::Leave { leaving: Box::new(leaving), cause, by }
    }
}
