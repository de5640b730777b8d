//! A Dial: callees that ring together or one after the other, the first answer, the time limits.
//! It must never look anybody up: nouns are resolved at the edge.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::codec::Codec;
use trunkline_media::moment::Moment;
use trunkline_media::session::Keys;
use trunkline_media::tone::Tone;

use super::progress::seconds;
use super::script::DialResult;
use super::taping::Tape;
use super::{Asked, Call, CallEffect, CallerId, Child, Dialled, Phase};
use crate::ids::LegId;
use crate::leg::{Facts, Hear, Order};
use crate::ops::events::{Cause, Event};
use crate::supervision::machine::Turn;
use crate::twiml::script::DialStatus;
use crate::twiml::verb::{Dial, Noun, Recording};

/// A Dial that is not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Dialing {
    activity: u64,
    dial: Dial,
    /// Nouns that come later, of a sequential Dial.
    later: VecDeque<Noun>,
    candidates: Vec<LegId>,
    /// Callees that were tried in vain.
    #[serde(default)]
    tried: Vec<Tried>,
    /// Addresses whose time has run out, and whose signalling has not said its last word yet.
    #[serde(default)]
    given_up: Vec<LegId>,
    /// What the signalling of the callee said who was talked with and is gone.
    #[serde(default)]
    parted: Option<Box<Facts>>,
    /// The caller hears the early sound of a candidate.
    #[serde(default)]
    is_heard: bool,
    /// Which legs were asked to change to which codec.
    #[serde(default)]
    asked: Vec<(LegId, Codec)>,
    /// What is being recorded of it.
    #[serde(default)]
    pub tape: Option<Tape>,
    /// When a callee who has answered has to be joined.
    #[serde(default)]
    joins_until: Option<Moment>,
    stage: Stage,
}

/// How long the last word of an address whose time has run out is waited for: it comes from our own leg.
const LAST_WORD: Duration = Duration::from_secs(2);

/// A callee that was tried in vain.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tried {
    leg: LegId,
    cause: Cause,
    /// What its signalling said; only of a SIP address.
    facts: Option<Box<Facts>>,
}

/// A Dial that is over and whose recording is being brought to its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ending {
    pub activity: u64,
    pub result: DialResult,
    pub tape: Tape,
    pub recording: Recording,
    /// When its file is waited for no longer.
    #[serde(default)]
    pub answer_by: Option<Moment>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stage {
    Ringing {
        until: Moment,
    },
    /// The time has run out: what the signalling of those given up says is waited for.
    GivingUp {
        until: Moment,
    },
    /// The callee has answered; keys are sent before anybody speaks.
    Keying {
        with: LegId,
        activity: u64,
    },
    /// The callee has answered, and is asked whether it takes the call.
    Asking {
        with: LegId,
    },
    Talking {
        with: LegId,
        since: Moment,
        until: Moment,
    },
}

impl Dialing {
    pub fn rings_until(&self) -> Option<Moment> {
        match self.stage {
            Stage::Ringing { until } | Stage::GivingUp { until } => Some(until),
            _ => None,
        }
    }

    /// When a callee who has answered is waited for no longer.
    pub fn joins_until(&self) -> Option<Moment> {
        match self.stage {
            Stage::Keying { .. } | Stage::Asking { .. } => self.joins_until,
            _ => None,
        }
    }

    /// The callee who has answered and was joined.
    pub fn talks_with(&self) -> Option<LegId> {
        match self.stage {
            Stage::Talking { with, .. } => Some(with),
            _ => None,
        }
    }

    /// The callee who is asked whether it takes the call.
    pub fn asks(&self) -> Option<LegId> {
        match self.stage {
            Stage::Asking { with } => Some(with),
            _ => None,
        }
    }

    /// Somebody else has the place of the callee from now on.
    pub fn replace_callee(&mut self, callee: LegId) {
        if let Stage::Talking { with, .. } = &mut self.stage {
            *with = callee;
            self.candidates = vec![callee];
            self.parted = None;
        }
    }

    /// Whether `leg` may be asked to change to `codec`: not if it was before.
    pub fn ask(&mut self, leg: LegId, codec: Codec) -> bool {
        let is_new = !self.asked.contains(&(leg, codec));
        if is_new {
            self.asked.push((leg, codec));
        }
        is_new
    }

    pub fn talks_until(&self) -> Option<Moment> {
        match self.stage {
            Stage::Talking { until, .. } => Some(until),
            _ => None,
        }
    }

    pub fn recording(&self) -> &Recording {
        &self.dial.recording
    }

    /// The callee who has answered, whatever is done with it.
    fn answered(&self) -> Option<LegId> {
        match self.stage {
            Stage::Ringing { .. } | Stage::GivingUp { .. } => None,
            Stage::Keying { with, .. } | Stage::Asking { with } | Stage::Talking { with, .. } => Some(with),
        }
    }

    /// What the caller hears while it waits.
    fn ringing(&self) -> Tone {
        self.dial.ring_tone.map_or(Tone::Ringback, Tone::Ringing)
    }
}

impl Call {
    pub(super) fn dial(&mut self, activity: u64, dial: Dial, turn: &mut Turn<Call>) {
        self.forget_remarks();
        if !dial.answer_on_bridge {
            self.answer(turn);
        }
        let mut nouns: VecDeque<Noun> = dial.nouns.iter().cloned().collect();
        let later = if dial.sequential { nouns.split_off(nouns.len().min(1)) } else { VecDeque::new() };
        let until = turn.now + Duration::from_secs(u64::from(dial.timeout));
        let dialing = Dialing {
            activity,
            dial,
            later,
            candidates: Vec::new(),
            tried: Vec::new(),
            given_up: Vec::new(),
            parted: None,
            is_heard: false,
            asked: Vec::new(),
            tape: None,
            joins_until: None,
            stage: Stage::Ringing { until },
        };
        let tone = dialing.ringing();
        self.dialing = Some(dialing);
        if self.phase == Phase::Answered {
            self.order(self.parent, Order::Hear(Hear::Tone(tone)), turn);
        }
        self.tape_ringing(turn);
        nouns.into_iter().for_each(|noun| self.call_noun(noun, turn));
        self.end_if_nobody_is_left(turn);
    }

    fn call_noun(&mut self, noun: Noun, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        let leg = LegId::from_bytes(self.minter.bytes());
        dialing.candidates.push(leg);
        let shown = dialing.dial.caller_id.clone();
        let caller = match &shown {
            Some(user) => {
                let user = user.trim_start_matches("client:").to_owned();
                CallerId { display: None, user, privacy: false }
            }
            None => self.caller.clone(),
        };
        let (seed, max_forwards) = (self.minter.bytes(), self.max_forwards);
        let dialled =
            Box::new(Dialled { leg, parent: self.parent, noun, caller, seed, max_forwards, referrer: None });
        let progress = self.progressing(&dialled, shown.as_deref());
        let send_digits = match &dialled.noun {
            Noun::Number(number) => number.send_digits.clone(),
            _ => None,
        };
        let noun = Some(dialled.noun.clone());
        let child = Child {
            noun,
            unheard: Some(dialled.clone()),
            voice: None,
            progress,
            send_digits,
            asked: Asked::No,
        };
        self.children.insert(leg, child);
        self.note_initiated(leg, turn);
        turn.effect(CallEffect::Dial(dialled));
    }

    pub(super) fn on_ringing(&mut self, turn: &mut Turn<Call>) {
        if self.dialing.is_some() && self.phase == Phase::Waiting {
            self.order(self.parent, Order::Ring, turn);
        }
    }

    /// One callee's early sound is passed on; of several the caller hears a ringback (twiml.md §4).
    pub(super) fn on_early_media(&mut self, leg: LegId, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        if !matches!(dialing.stage, Stage::Ringing { .. }) || dialing.candidates != [leg] {
            return self.on_ringing(turn);
        }
        dialing.is_heard = true;
        if self.phase == Phase::Waiting {
            self.order(self.parent, Order::Progress, turn);
        }
        self.join(leg, turn);
    }

    /// The first answer stops all other telephones; then keys are sent, the callee is asked, and the two are joined.
    pub(super) fn on_answered(&mut self, leg: LegId, turn: &mut Turn<Call>) {
        let elsewhere = Order::Hangup { cause: Cause::AnsweredElsewhere };
        let Some(dialing) = &mut self.dialing else { return };
        if let Some(with) = dialing.answered() {
            if with != leg {
                self.order(leg, elsewhere, turn);
            }
            return;
        }
        dialing.stage = Stage::Asking { with: leg };
        dialing.joins_until = Some(turn.now + self.screening);
        let losing: Vec<LegId> = dialing.candidates.iter().copied().filter(|other| *other != leg).collect();
        losing.into_iter().for_each(|other| self.order(other, elsewhere.clone(), turn));
        match self.keys_for(leg) {
            Some(keys) => {
                let activity = self.next_act();
                if let Some(dialing) = &mut self.dialing {
                    dialing.stage = Stage::Keying { with: leg, activity };
                }
                self.order(leg, Order::Press(Keys { activity, keys }), turn);
            }
            None => self.ask_or_bridge(leg, turn),
        }
    }

    /// Keys that a noun wants to be sent first.
    fn keys_for(&self, leg: LegId) -> Option<String> {
        self.children.get(&leg)?.send_digits.clone()
    }

    /// Keys were sent; `false` if they were none of a Dial.
    pub(super) fn on_keyed(&mut self, leg: LegId, activity: u64, turn: &mut Turn<Call>) -> bool {
        let stage = self.dialing.as_ref().map(|dialing| dialing.stage.clone());
        let is_it =
            matches!(stage, Some(Stage::Keying { with, activity: sent }) if with == leg && sent == activity);
        if is_it {
            self.ask_or_bridge(leg, turn);
        }
        is_it
    }

    fn ask_or_bridge(&mut self, leg: LegId, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        dialing.stage = Stage::Asking { with: leg };
        let Some(hooks) = self.children.get(&leg).map(|child| child.progress.hooks().clone()) else { return };
        if !self.screen(leg, &hooks, turn) {
            return self.bridge(leg, turn);
        }
        // What the callee sent before its answer is no longer for the caller.
        let Some(dialing) = &mut self.dialing else { return };
        if std::mem::take(&mut dialing.is_heard) {
            let tone = dialing.ringing();
            self.order(self.parent, Order::Hear(Hear::Tone(tone)), turn);
            self.order(leg, Order::Hear(Hear::Silence), turn);
        }
    }

    /// Joins the parties.
    pub(super) fn bridge(&mut self, leg: LegId, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        let until = turn.now + Duration::from_secs(u64::from(dialing.dial.time_limit));
        dialing.stage = Stage::Talking { with: leg, since: turn.now, until };
        self.answer(turn);
        self.join(leg, turn);
        self.order(self.parent, Order::Joined(leg), turn);
        self.order(leg, Order::Joined(self.parent), turn);
        self.tape_joined(leg, turn);
        self.align(turn);
    }

    pub(super) fn hangs_up_on_star(&self) -> bool {
        self.dialing.as_ref().is_some_and(|dialing| dialing.dial.hangup_on_star)
    }

    /// The caller has pressed the star.
    pub(super) fn drop_callee(&mut self, callee: LegId, turn: &mut Turn<Call>) {
        self.order(callee, Order::Hangup { cause: Cause::HungUp }, turn);
    }

    pub(super) fn on_candidate_ended(
        &mut self,
        leg: LegId,
        cause: Cause,
        facts: Option<Box<Facts>>,
        turn: &mut Turn<Call>,
    ) {
        let Some(dialing) = &mut self.dialing else { return };
        match dialing.stage {
            Stage::Talking { with, .. } if with == leg => {
                dialing.parted = facts.or(dialing.parted.take());
                if !self.is_referrer(leg) && !self.is_abroad(self.parent) {
                    self.part(turn);
                }
            }
            // Whoever answered and was not joined has not taken the call: the next one is tried.
            Stage::Keying { with, .. } | Stage::Asking { with } if with == leg => {
                dialing.candidates.clear();
                dialing.tried.push(Tried { leg, cause: Cause::NoAnswer, facts });
                self.call_next(turn);
            }
            Stage::Ringing { .. } if dialing.candidates.contains(&leg) => {
                dialing.candidates.retain(|candidate| *candidate != leg);
                dialing.tried.push(Tried { leg, cause, facts });
                if dialing.candidates.is_empty() {
                    self.call_next(turn);
                }
            }
            Stage::GivingUp { .. } if dialing.given_up.contains(&leg) => {
                dialing.given_up.retain(|given_up| *given_up != leg);
                dialing.tried.push(Tried { leg, cause: Cause::NoAnswer, facts });
                if dialing.given_up.is_empty() {
                    self.call_next(turn);
                }
            }
            // Another one has answered, or its time had run out before.
            _ => {}
        }
    }

    /// The callee is gone, and nobody takes its place.
    pub(super) fn part(&mut self, turn: &mut Turn<Call>) {
        let Some(Stage::Talking { since, .. }) = self.dialing.as_ref().map(|dialing| &dialing.stage) else {
            return;
        };
        let duration = seconds(Some(*since), turn.now);
        self.leave_foreign(turn);
        turn.tell(self.parent, Event::Unbridged);
        self.failure = None;
        self.dial_over(DialStatus::Completed, duration, true, turn);
    }

    /// Whether somebody is still wanted on this leg.
    pub(super) fn is_candidate(&self, leg: LegId) -> bool {
        let is_dialled = self.dialing.as_ref().is_some_and(|dialing| dialing.candidates.contains(&leg));
        is_dialled || self.is_target(leg)
    }

    /// Calls the next noun of a sequential Dial; without one the Dial is over.
    fn call_next(&mut self, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        let Some(noun) = dialing.later.pop_front() else { return self.end_if_nobody_is_left(turn) };
        let until = turn.now + Duration::from_secs(u64::from(dialing.dial.timeout));
        dialing.stage = Stage::Ringing { until };
        if std::mem::take(&mut dialing.is_heard) {
            let tone = dialing.ringing();
            self.order(self.parent, Order::Hear(Hear::Tone(tone)), turn);
        }
        self.call_noun(noun, turn);
    }

    fn end_if_nobody_is_left(&mut self, turn: &mut Turn<Call>) {
        let Some(dialing) = self.dialing.as_ref().filter(|dialing| dialing.candidates.is_empty()) else {
            return;
        };
        let cause = told_of(&dialing.tried).map_or(Cause::NotFound, |tried| tried.cause.clone());
        let status = status_of(&cause);
        self.failure = Some(cause);
        self.dial_over(status, 0, false, turn);
    }

    /// The caller is gone: how the Dial stands is how it ends.
    pub(super) fn leave_dial(&mut self, turn: &mut Turn<Call>) {
        let Some(dialing) = &self.dialing else { return };
        let (status, duration, bridged) = match dialing.stage {
            Stage::Talking { since, .. } => (DialStatus::Completed, seconds(Some(since), turn.now), true),
            Stage::GivingUp { .. } => (DialStatus::NoAnswer, 0, false),
            _ => (DialStatus::Canceled, 0, false),
        };
        self.dial_over(status, duration, bridged, turn);
    }

    fn dial_over(&mut self, status: DialStatus, duration: u32, bridged: bool, turn: &mut Turn<Self>) {
        let Some(dialing) = self.dialing.take() else { return };
        let talked = dialing.answered();
        let Dialing { activity, dial, tried, given_up, parted, tape, candidates, .. } = dialing;
        let of_callee = || self.children.get(&talked?).filter(|child| child.is_sip())?.progress.facts.clone();
        let waiting = candidates.last().or(given_up.last()).copied();
        let (leg, facts) = match (talked.or(waiting), told_of(&tried)) {
            (None, Some(tried)) => (Some(tried.leg), tried.facts.clone()),
            (leg, _) => (leg, parted.or_else(of_callee)),
        };
        let facts = facts.map(|facts| *facts);
        if self.phase != Phase::Over {
            self.order(self.parent, Order::Hear(Hear::Silence), turn);
        }
        let result = DialResult { status, leg, duration, bridged, facts, recording: None };
        let recorded = tape.map(|tape| (tape, dial.recording));
        self.end_dial(activity, result, recorded, turn);
    }

    pub(super) fn on_dial_deadline(&mut self, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        match dialing.stage.clone() {
            Stage::Ringing { until } if turn.now >= until => {
                self.give_up_ringing(turn);
            }
            Stage::GivingUp { until } if turn.now >= until => {
                for leg in std::mem::take(&mut dialing.given_up) {
                    dialing.tried.push(Tried { leg, cause: Cause::NoAnswer, facts: None });
                }
                self.call_next(turn);
            }
            Stage::Keying { with, .. } | Stage::Asking { with }
                if dialing.joins_until.is_some_and(|until| turn.now >= until) =>
            {
                dialing.joins_until = Some(turn.now + self.screening);
                turn.tell(with, Event::NotJoined { limit: "limits.screening".to_owned() });
                self.order(with, Order::Hangup { cause: Cause::HungUp }, turn);
            }
            Stage::Talking { with, since, until } if turn.now >= until => {
                // Asked again after a minute, should the leg still be there.
                dialing.stage = Stage::Talking { with, since, until: turn.now + Duration::from_secs(60) };
                self.abandon_transfer(turn);
                if self.children.contains_key(&with) {
                    self.order(with, Order::Hangup { cause: Cause::HungUp }, turn);
                } else {
                    // It has transferred the caller and is gone.
                    self.part(turn);
                }
            }
            _ => {}
        }
    }

    /// Nobody has answered in time. An address is told of with what its own signalling says of that (twiml.md §4).
    fn give_up_ringing(&mut self, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        let candidates = std::mem::take(&mut dialing.candidates);
        for leg in candidates {
            self.order(leg, Order::Hangup { cause: Cause::NoAnswer }, turn);
            let is_sip = self.children.get(&leg).is_some_and(Child::is_sip);
            let Some(dialing) = &mut self.dialing else { return };
            if is_sip {
                dialing.given_up.push(leg);
            } else {
                dialing.tried.push(Tried { leg, cause: Cause::NoAnswer, facts: None });
            }
        }
        let Some(dialing) = &mut self.dialing else { return };
        if dialing.given_up.is_empty() {
            return self.call_next(turn);
        }
        dialing.stage = Stage::GivingUp { until: turn.now + LAST_WORD };
    }
}

/// Of several failures the one that is told: busy, then no answer, then the rest, the latest of equals (twiml.md §4
/// leaves it open).
fn told_of(tried: &[Tried]) -> Option<&Tried> {
    let rank = |tried: &&Tried| match tried.cause {
        Cause::Busy => 0,
        Cause::Declined => 1,
        Cause::NoAnswer => 2,
        _ => 3,
    };
    tried.iter().rev().min_by_key(rank)
}

pub(super) fn status_of(cause: &Cause) -> DialStatus {
    match cause {
        Cause::Busy | Cause::Declined => DialStatus::Busy,
        Cause::NoAnswer | Cause::AnsweredElsewhere => DialStatus::NoAnswer,
        Cause::Cancelled => DialStatus::Canceled,
        _ => DialStatus::Failed,
    }
}
