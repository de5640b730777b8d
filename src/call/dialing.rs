//! A Dial: callees that ring together or one after the other, the first answer, the time limits.
//! It must never look anybody up: nouns are resolved at the edge.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::codec::Codec;
use trunkline_media::moment::Moment;
use trunkline_media::tone::Tone;

use super::{Call, CallEffect, CallerId, Child, Dialled, Phase};
use crate::ids::LegId;
use crate::leg::{Hear, Order};
use crate::ops::events::{Cause, Event};
use crate::supervision::machine::Turn;
use crate::twiml::script::DialStatus;
use crate::twiml::verb::{Dial, Noun};

/// A Dial that is not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Dialing {
    activity: u64,
    dial: Dial,
    /// Nouns that come later, of a sequential Dial.
    later: VecDeque<Noun>,
    candidates: Vec<LegId>,
    failures: Vec<Cause>,
    /// The caller hears the early sound of a candidate.
    #[serde(default)]
    is_heard: bool,
    /// Which legs were asked to change to which codec.
    #[serde(default)]
    asked: Vec<(LegId, Codec)>,
    stage: Stage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stage {
    Ringing { until: Moment },
    Talking { with: LegId, until: Moment },
}

impl Dialing {
    pub fn rings_until(&self) -> Option<Moment> {
        match self.stage {
            Stage::Ringing { until } => Some(until),
            Stage::Talking { .. } => None,
        }
    }

    /// The callee who has answered.
    pub fn talks_with(&self) -> Option<LegId> {
        match self.stage {
            Stage::Talking { with, .. } => Some(with),
            Stage::Ringing { .. } => None,
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
            Stage::Ringing { .. } => None,
        }
    }
}

impl Call {
    pub(super) fn dial(&mut self, activity: u64, dial: Dial, turn: &mut Turn<Call>) {
        self.forget_remarks();
        if !dial.answer_on_bridge {
            self.answer(turn);
        }
        if self.phase == Phase::Answered {
            self.order(self.parent, Order::Hear(Hear::Tone(Tone::Ringback)), turn);
        }
        let mut nouns: VecDeque<Noun> = dial.nouns.iter().cloned().collect();
        let later = if dial.sequential { nouns.split_off(nouns.len().min(1)) } else { VecDeque::new() };
        let until = turn.now + Duration::from_secs(u64::from(dial.timeout));
        self.dialing = Some(Dialing {
            activity,
            dial,
            later,
            candidates: Vec::new(),
            failures: Vec::new(),
            is_heard: false,
            asked: Vec::new(),
            stage: Stage::Ringing { until },
        });
        nouns.into_iter().for_each(|noun| self.call_noun(noun, turn));
        self.end_if_nobody_is_left(turn);
    }

    fn call_noun(&mut self, noun: Noun, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        let leg = LegId::from_bytes(self.minter.bytes());
        dialing.candidates.push(leg);
        let caller = match &dialing.dial.caller_id {
            Some(user) => CallerId { display: None, user: user.clone(), privacy: false },
            None => self.caller.clone(),
        };
        let (seed, max_forwards) = (self.minter.bytes(), self.max_forwards);
        let dialled = Box::new(Dialled { leg, parent: self.parent, noun, caller, seed, max_forwards });
        self.children.insert(leg, Child { unheard: Some(dialled.clone()), voice: None });
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

    pub(super) fn on_answered(&mut self, leg: LegId, turn: &mut Turn<Call>) {
        let elsewhere = Order::Hangup { cause: Cause::AnsweredElsewhere };
        let Some(dialing) = &mut self.dialing else { return };
        if let Stage::Talking { with, .. } = dialing.stage {
            if with != leg {
                self.order(leg, elsewhere, turn);
            }
            return;
        }
        let until = turn.now + Duration::from_secs(u64::from(dialing.dial.time_limit));
        dialing.stage = Stage::Talking { with: leg, until };
        let losing: Vec<LegId> = dialing.candidates.iter().copied().filter(|other| *other != leg).collect();
        losing.into_iter().for_each(|other| self.order(other, elsewhere.clone(), turn));
        self.answer(turn);
        self.join(leg, turn);
        self.order(self.parent, Order::Joined(leg), turn);
        self.order(leg, Order::Joined(self.parent), turn);
    }

    pub(super) fn on_candidate_ended(&mut self, leg: LegId, cause: Cause, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        match dialing.stage {
            Stage::Talking { with, .. } if with == leg => {
                let activity = dialing.activity;
                turn.tell(self.parent, Event::Unbridged);
                self.failure = None;
                self.dial_over(activity, DialStatus::Completed, turn);
            }
            Stage::Talking { .. } => {}
            Stage::Ringing { .. } if dialing.candidates.contains(&leg) => {
                dialing.candidates.retain(|candidate| *candidate != leg);
                dialing.failures.push(cause);
                if dialing.candidates.is_empty() {
                    self.call_next(turn);
                }
            }
            // Its time had run out before.
            Stage::Ringing { .. } => {}
        }
    }

    /// Whether somebody is still wanted on this leg.
    pub(super) fn is_candidate(&self, leg: LegId) -> bool {
        self.dialing.as_ref().is_some_and(|dialing| dialing.candidates.contains(&leg))
    }

    /// Calls the next noun of a sequential Dial; without one the Dial is over.
    fn call_next(&mut self, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        let Some(noun) = dialing.later.pop_front() else { return self.end_if_nobody_is_left(turn) };
        let until = turn.now + Duration::from_secs(u64::from(dialing.dial.timeout));
        dialing.stage = Stage::Ringing { until };
        if std::mem::take(&mut dialing.is_heard) {
            self.order(self.parent, Order::Hear(Hear::Tone(Tone::Ringback)), turn);
        }
        self.call_noun(noun, turn);
    }

    fn end_if_nobody_is_left(&mut self, turn: &mut Turn<Call>) {
        let Some(dialing) = self.dialing.as_ref().filter(|dialing| dialing.candidates.is_empty()) else {
            return;
        };
        let activity = dialing.activity;
        let cause = best_failure(&dialing.failures);
        let status = status_of(&cause);
        self.failure = Some(cause);
        self.dial_over(activity, status, turn);
    }

    pub(super) fn on_dial_deadline(&mut self, turn: &mut Turn<Call>) {
        let Some(dialing) = &mut self.dialing else { return };
        match dialing.stage.clone() {
            Stage::Ringing { until } if turn.now >= until => {
                dialing.failures.push(Cause::NoAnswer);
                for leg in std::mem::take(&mut dialing.candidates) {
                    self.order(leg, Order::Hangup { cause: Cause::NoAnswer }, turn);
                }
                self.call_next(turn);
            }
            Stage::Talking { with, until } if turn.now >= until => {
                // Asked again after a minute, should the leg still be there.
                dialing.stage = Stage::Talking { with, until: turn.now + Duration::from_secs(60) };
                self.order(with, Order::Hangup { cause: Cause::HungUp }, turn);
            }
            Stage::Ringing { .. } | Stage::Talking { .. } => {}
        }
    }
}

/// Of several failures the one that is told: busy, then no answer, then the rest (twiml.md §4 leaves it open).
fn best_failure(failures: &[Cause]) -> Cause {
    let rank = |cause: &Cause| match cause {
        Cause::Busy => 0,
        Cause::Declined => 1,
        Cause::NoAnswer => 2,
        _ => 3,
    };
    failures.iter().min_by_key(|cause| rank(cause)).cloned().unwrap_or(Cause::NotFound)
}

fn status_of(cause: &Cause) -> DialStatus {
    match cause {
        Cause::Busy | Cause::Declined => DialStatus::Busy,
        Cause::NoAnswer | Cause::AnsweredElsewhere => DialStatus::NoAnswer,
        Cause::Cancelled => DialStatus::Canceled,
        _ => DialStatus::Failed,
    }
}
