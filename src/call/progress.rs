//! How far legs are, told to those who asked for it: the status callbacks of nouns and routes (webhooks.md §2.3).
//! It must never tell an end twice.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::dialing::{Dialing, Ending};
use super::opening::domain_sid;
use super::profile::{CallStatus, Direction, Profile};
use super::script::token;
use super::{Call, CallEffect, CallPost, Dialled, Notify};
use crate::callbacks::Callback;
use crate::ids::LegId;
use crate::leg::Facts;
use crate::ops::events::Cause;
use crate::sip::message::Uri;
use crate::supervision::machine::{Party, Turn};
use crate::twiml::verb::{Hooks, Noun, Progress};

/// How far a child is, and who wants to know.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progressing {
    #[serde(default)]
    hooks: Hooks,
    /// Who calls whom; only where somebody is told or asked.
    #[serde(default)]
    profile: Option<Arc<Profile>>,
    /// Callbacks so far.
    told: u32,
    rang: bool,
    pub answered: Option<Moment>,
    #[serde(default)]
    pub facts: Option<Box<Facts>>,
}

impl Progressing {
    /// Who calls whom.
    pub fn profile(&self) -> Option<&Arc<Profile>> {
        self.profile.as_ref()
    }

    /// What the noun asks for.
    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }
}

/// Whole seconds from the answer to the end, rounded up; 0 if there was none (webhooks.md §6).
pub(super) fn seconds(answered: Option<Moment>, ended: Moment) -> u32 {
    let talked = answered.map_or(Duration::ZERO, |answered| ended.since(answered));
    let whole = talked.as_secs() + u64::from(talked.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX)
}

impl Call {
    /// What is noted of a child from the start.
    pub(super) fn progressing(&self, dialled: &Dialled, caller: Option<&str>) -> Box<Progressing> {
        let hooks = dialled.noun.hooks().clone();
        if hooks.url.is_none() && hooks.status_callback.is_none() {
            return Box::default();
        }
        let to = match &dialled.noun {
            Noun::Number(number) => number.number.clone(),
            Noun::Client(client) => format!("client:{}", client.identity),
            Noun::Sip(sip) => sip.uri.clone(),
        };
        let profile = Profile {
            leg: dialled.leg,
            parent: Some(self.parent),
            account: self.profile.account.clone(),
            from: caller.unwrap_or(&self.profile.from).to_owned(),
            to,
            direction: Direction::OutboundDial,
            clock: self.profile.clock,
            further: Vec::new(),
        };
        Box::new(Progressing { hooks, profile: Some(Arc::new(profile)), ..Progressing::default() })
    }

    pub(super) fn note_initiated(&mut self, leg: LegId, turn: &mut Turn<Self>) {
        self.note(leg, Progress::Initiated, CallStatus::Initiated, Vec::new(), turn);
    }

    pub(super) fn note_ringing(&mut self, leg: LegId, turn: &mut Turn<Self>) {
        let rings = self.children.get_mut(&leg).map(|child| &mut child.progress.rang);
        if rings.is_some_and(|rang| !std::mem::replace(rang, true)) {
            self.note(leg, Progress::Ringing, CallStatus::Ringing, Vec::new(), turn);
        }
    }

    pub(super) fn note_answered(&mut self, leg: LegId, facts: Option<Box<Facts>>, turn: &mut Turn<Self>) {
        let Some(child) = self.children.get_mut(&leg) else { return };
        child.progress.answered = Some(turn.now);
        if let (Some(profile), Some(facts)) = (&mut child.progress.profile, &facts)
            && profile.to.starts_with("sip")
        {
            // What SIP adds once an address has answered (webhooks.md §2.2).
            let headers = facts.headers.iter();
            let headers = headers.map(|(name, value)| (format!("SipHeader_{name}"), value.clone()));
            let domain = profile.to.parse::<Uri>().ok().and_then(|uri| uri.host().map(ToString::to_string));
            let sid = domain.as_deref().map(|domain| domain_sid(&profile.account, domain));
            let own = [
                ("SipDomain", domain),
                ("SipDomainSid", sid),
                ("SipCallId", Some(facts.call_id.clone())),
                ("SipSourceIp", facts.source.map(|source| source.to_string())),
            ];
            let own = own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            let further = own.chain(headers).collect();
            Arc::make_mut(profile).further = further;
        }
        child.progress.facts = facts;
        self.note(leg, Progress::Answered, CallStatus::InProgress, Vec::new(), turn);
    }

    pub(super) fn note_ended(
        &mut self,
        leg: LegId,
        cause: &Cause,
        facts: Option<&Facts>,
        turn: &mut Turn<Self>,
    ) {
        let Some(child) = self.children.get(&leg) else { return };
        let answered = child.progress.answered;
        let status = CallStatus::at_end(Direction::OutboundDial, answered.is_some(), cause);
        let response = match facts.or(child.progress.facts.as_deref()).and_then(|facts| facts.status) {
            Some(response) => Some(response),
            None if answered.is_some() => Some(200),
            None if *cause == Cause::NoAnswer => Some(487),
            None if *cause == Cause::NotFound => Some(404),
            None => None,
        };
        let mut further = durations(answered, turn.now);
        further.extend(response.map(|response| ("SipResponseCode".to_owned(), response.to_string())));
        self.note(leg, Progress::Completed, status, further, turn);
    }

    fn note(
        &mut self,
        leg: LegId,
        progress: Progress,
        status: CallStatus,
        further: Vec<(String, String)>,
        turn: &mut Turn<Self>,
    ) {
        let Some(child) = self.children.get_mut(&leg) else { return };
        let Progressing { hooks, profile: Some(profile), told, .. } = child.progress.as_mut() else { return };
        let Some(url) = hooks.status_callback.clone() else { return };
        if !hooks.status_callback_event.contains(&progress) {
            return;
        }
        let (profile, sequence) = (Arc::clone(profile), *told);
        *told += 1;
        let notify = Notify { url, method: hooks.status_callback_method };
        let mut callback = self.status_callback(&notify, &profile, status, sequence, further, turn.now);
        let is_end = progress == Progress::Completed;
        match &self.recorded {
            _ if is_end && self.is_taped(leg) => return self.held = Some(callback),
            Some((callee, told)) if is_end && *callee == leg => {
                callback.parameters.extend(told.iter().cloned())
            }
            _ => {}
        }
        self.post(callback, turn);
    }

    /// Whether a recording that this callee is part of is not there yet.
    fn is_taped(&self, leg: LegId) -> bool {
        let is_joined = |dialing: &Dialing| dialing.tape.is_some() && dialing.talks_with() == Some(leg);
        let was_joined = |ending: &Ending| ending.result.bridged && ending.result.leg == Some(leg);
        self.dialing.as_ref().is_some_and(is_joined) || self.ending.as_deref().is_some_and(was_joined)
    }

    /// The recording of a Dial is there, or will never be: the end of its callee can be told with it.
    pub(super) fn tell_end_of_recorded(
        &mut self,
        callee: Option<LegId>,
        told: Vec<(String, String)>,
        turn: &mut Turn<Self>,
    ) {
        if let Some(mut callback) = self.held.take() {
            callback.parameters.extend(told);
            return self.post(callback, turn);
        }
        // It may still be on its way to its end.
        let callee = callee.filter(|leg| self.children.contains_key(leg));
        self.recorded = callee.map(|callee| (callee, told));
    }

    /// The call is over for the caller: who asked for it is told, once.
    pub(super) fn note_over(&mut self, cause: &Cause, facts: Option<&Facts>, turn: &mut Turn<Self>) {
        let Some(notify) = self.notify.take() else { return };
        let status = CallStatus::at_end(Direction::Inbound, self.answered.is_some(), cause);
        let profile = Arc::clone(&self.profile);
        let response = facts.and_then(|facts| facts.status).or(self.answered.map(|_| 200));
        let mut further = durations(self.answered, turn.now);
        further.extend(response.map(|response| ("SipResponseCode".to_owned(), response.to_string())));
        let callback = self.status_callback(&notify, &profile, status, 0, further, turn.now);
        self.post(callback, turn);
    }

    fn status_callback(
        &mut self,
        notify: &Notify,
        profile: &Profile,
        status: CallStatus,
        sequence: u32,
        further: Vec<(String, String)>,
        now: Moment,
    ) -> Box<Callback> {
        let mut parameters = profile.parameters(status);
        let own = [
            ("Timestamp", profile.clock.stamp(now)),
            ("CallbackSource", "call-progress-events".to_owned()),
            ("SequenceNumber", sequence.to_string()),
        ];
        parameters.extend(own.map(|(name, value)| (name.to_owned(), value)));
        parameters.extend(further);
        let Notify { url, method } = notify.clone();
        let token = token(&mut self.minter);
        Box::new(Callback { lane: profile.leg, url, method, parameters, token })
    }

    /// Puts a callback into the outbox.
    pub(super) fn post(&mut self, callback: Box<Callback>, turn: &mut Turn<Self>) {
        turn.effect(CallEffect::OpenOutbox);
        turn.letters.push(self.mail.post(Party::Outbox(self.id), CallPost::Callback(callback)));
    }

    /// A callback about the caller's leg that is no status.
    pub(super) fn tell_of_parent(
        &mut self,
        notify: Notify,
        further: Vec<(String, String)>,
        turn: &mut Turn<Self>,
    ) {
        let mut parameters = self.profile.parameters(self.status());
        parameters.extend(further);
        let Notify { url, method } = notify;
        let token = token(&mut self.minter);
        self.post(Box::new(Callback { lane: self.parent, url, method, parameters, token }), turn);
    }
}

/// Seconds, and minutes as they are counted for a bill: a minute that has begun counts.
fn durations(answered: Option<Moment>, ended: Moment) -> Vec<(String, String)> {
    let seconds = seconds(answered, ended);
    let minutes = seconds.div_ceil(60);
    [("CallDuration", seconds), ("Duration", minutes)]
        .map(|(name, value)| (name.to_owned(), value.to_string()))
        .into()
}
