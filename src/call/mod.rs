//! A call: joins its legs and does what the script wants, as a machine that is plain data.
//! It must never speak SIP or touch media: it gives orders to legs and reads their reports.

mod alignment;
mod dialing;
pub mod opening;
mod remarks;
pub mod script;
pub mod sound;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::{Moment, earliest};

use self::dialing::Dialing;
use self::script::{Told, Wanted};
use crate::callbacks::Callback;
use crate::ids::{CallId, LegId, Minter};
use crate::leg::{Facts, Hear, Order, Remarks, Report, Voice};
use crate::ops::events::{Cause, Event};
use crate::supervision::machine::{Machine, Mail, Party, Turn};
use crate::twiml::script::{DialStatus, Outcome};
use crate::twiml::verb::Noun;

/// What may happen to a call.
#[derive(Debug)]
pub enum CallInput {
    /// One of its legs tells something.
    Leg(LegId, Report),
    /// Its script wants something.
    Script(Wanted),
    /// A leg that it wanted could not even begin.
    Refused(LegId, Cause),
    /// Whoever runs the switch ends the call.
    End(Cause),
}

/// What a call writes to others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum CallPost {
    /// To one of its legs.
    Leg(Order),
    /// To its script.
    Script(Told),
    /// To its outbox.
    Callback(Box<Callback>),
}

/// A leg that the call wants to exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dialled {
    /// The name it shall have: asking twice makes one leg.
    pub leg: LegId,
    /// Whose call it joins.
    pub parent: LegId,
    /// Whom to call.
    pub noun: Noun,
    /// Who is shown as the caller.
    pub caller: CallerId,
    /// Secret randomness for its names.
    pub seed: [u8; 16],
    /// What is left of Max-Forwards.
    pub max_forwards: u8,
}

/// Who calls, as it is shown to the callee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerId {
    /// The name.
    pub display: Option<String>,
    /// The number or user.
    pub user: String,
    /// Whether the caller wants to stay unknown (RFC 3323): only trusted far ends are told.
    #[serde(default)]
    pub privacy: bool,
}

/// What a call wants of the world outside.
#[derive(Debug)]
pub enum CallEffect {
    /// This leg shall exist.
    Dial(Box<Dialled>),
    /// The outbox of this call shall exist: there are callbacks to be posted.
    OpenOutbox,
}

/// A call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    id: CallId,
    parent: LegId,
    phase: Phase,
    /// What the caller speaks, once it is answered.
    #[serde(default)]
    voice: Option<Voice>,
    caller: CallerId,
    max_forwards: u8,
    minter: Minter,
    children: BTreeMap<LegId, Child>,
    dialing: Option<Dialing>,
    /// Why the latest Dial failed: an unanswered caller is refused with it.
    failure: Option<Cause>,
    /// What callees said when they ended, of the latest Dial.
    #[serde(default)]
    remarks: Vec<(Cause, Remarks)>,
    mail: Mail<CallPost>,
}

/// How far the caller's leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// Not answered.
    Waiting,
    /// Answered, or being answered.
    Answered,
    /// Ended.
    Over,
}

/// A leg that the call dialled and that has not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Child {
    /// What was asked for, until the leg has reported anything.
    unheard: Option<Box<Dialled>>,
    /// What it speaks, once it has answered.
    #[serde(default)]
    voice: Option<Voice>,
}

/// What a call is made from.
#[derive(Clone, Debug)]
pub struct CallSpec {
    /// The caller's leg; it names the call.
    pub parent: LegId,
    /// Who calls.
    pub caller: CallerId,
    /// What is left of the caller's Max-Forwards, already lowered.
    pub max_forwards: u8,
    /// Secret randomness for names.
    pub seed: [u8; 16],
}

impl Call {
    /// The call that begins with a caller's leg. Its script is a machine of its own.
    pub fn new(spec: CallSpec) -> Self {
        let id = CallId(spec.parent);
        Self {
            id,
            parent: spec.parent,
            phase: Phase::Waiting,
            voice: None,
            caller: spec.caller,
            max_forwards: spec.max_forwards,
            minter: Minter::new(spec.seed),
            children: BTreeMap::new(),
            dialing: None,
            failure: None,
            remarks: Vec::new(),
            mail: Mail::new(Party::Call(id)),
        }
    }

    /// Which call this is.
    pub fn id(&self) -> CallId {
        self.id
    }

    /// The legs that have not ended.
    pub fn legs(&self) -> Vec<LegId> {
        let parent = (self.phase != Phase::Over).then_some(self.parent);
        parent.into_iter().chain(self.children.keys().copied()).collect()
    }

    /// Whether a leg that has not reported yet shall still begin, or go on beginning.
    pub fn wants(&self, leg: LegId) -> bool {
        self.is_candidate(leg) && self.children.get(&leg).is_some_and(|child| child.unheard.is_some())
    }

    /// The oldest letter that `reader` has not read, by its number.
    pub fn unread_by(&self, reader: Party) -> Option<u64> {
        self.mail.pending_for(reader).first().map(|letter| letter.number)
    }

    fn order(&mut self, leg: LegId, order: Order, turn: &mut Turn<Self>) {
        turn.letters.push(self.mail.post(Party::Leg(leg), CallPost::Leg(order)));
    }

    fn tell_script(&mut self, told: Told, turn: &mut Turn<Self>) {
        turn.letters.push(self.mail.post(Party::Script(self.parent), CallPost::Script(told)));
    }

    /// Its actor cannot be kept alive: ends its legs, from the snapshot.
    pub fn give_up(&mut self, turn: &mut Turn<Self>) {
        self.end_all(Cause::Internal, turn);
        self.tell_script(Told::CallerGone, turn);
        self.phase = Phase::Over;
    }

    /// Ends every leg that is not over.
    fn end_all(&mut self, cause: Cause, turn: &mut Turn<Self>) {
        self.dialing = None;
        for leg in self.legs() {
            self.order(leg, Order::Hangup { cause: cause.clone() }, turn);
        }
    }

    fn answer(&mut self, turn: &mut Turn<Self>) {
        if self.phase == Phase::Waiting {
            self.phase = Phase::Answered;
            self.order(self.parent, Order::Answer, turn);
        }
    }

    fn on_wanted(&mut self, wanted: Wanted, turn: &mut Turn<Self>) {
        if self.phase == Phase::Over {
            return;
        }
        match wanted {
            Wanted::Prompt { activity, asset, loops } => {
                self.forget_remarks();
                self.answer(turn);
                self.order(self.parent, Order::Hear(Hear::Prompt { activity, asset, loops }), turn);
            }
            Wanted::Echo => {
                self.forget_remarks();
                self.answer(turn);
                self.order(self.parent, Order::Hear(Hear::Echo), turn);
            }
            Wanted::Dial { activity, dial } => self.dial(activity, *dial, turn),
            Wanted::Hangup => self.hang_up(turn),
        }
    }

    /// The script is at its end. A caller that was never answered is told why its Dial failed.
    fn hang_up(&mut self, turn: &mut Turn<Self>) {
        let cause = match (self.phase, self.failure.take()) {
            (Phase::Waiting, Some(failure)) => failure,
            _ => {
                self.answer(turn);
                Cause::HungUp
            }
        };
        self.remark_to_caller(&cause, turn);
        self.order(self.parent, Order::Hangup { cause }, turn);
    }

    fn on_report(&mut self, leg: LegId, report: Report, turn: &mut Turn<Self>) {
        if leg == self.parent {
            return self.on_parent(report, turn);
        }
        let Some(child) = self.children.get_mut(&leg) else { return };
        child.unheard = None;
        match report {
            // Its name was still being looked up when it was told to hang up, or its answer crossed that.
            Report::Ringing | Report::EarlyMedia | Report::Answered { .. } if !self.is_candidate(leg) => {
                let cause = if self.phase == Phase::Over { Cause::Cancelled } else { Cause::NoAnswer };
                self.order(leg, Order::Hangup { cause }, turn);
            }
            Report::Ringing => self.on_ringing(turn),
            Report::EarlyMedia => self.on_early_media(leg, turn),
            Report::Answered { voice, .. } => {
                self.on_answered(leg, turn);
                voice.into_iter().for_each(|voice| self.note_voice(leg, voice, turn));
            }
            Report::Revoiced(voice) => self.note_voice(leg, voice, turn),
            Report::Ended { cause, facts, .. } => self.on_child_ended(leg, cause, facts.as_deref(), turn),
            Report::Refer(_) => self.order(leg, Order::Referred { status: 603 }, turn),
            Report::Played { .. } | Report::Digit { .. } | Report::Pressed { .. } | Report::Taped { .. } => {}
        }
    }

    fn on_parent(&mut self, report: Report, turn: &mut Turn<Self>) {
        match report {
            Report::Played { activity } => self.tell_script(Told::Outcome(Outcome::Done { activity }), turn),
            Report::Ended { cause, facts, .. } => {
                self.phase = Phase::Over;
                self.remark_to_callees(facts.as_deref(), turn);
                let cause = match cause {
                    Cause::Cancelled => Cause::Cancelled,
                    Cause::Internal => Cause::Internal,
                    _ => Cause::HungUp,
                };
                self.end_all(cause, turn);
                self.tell_script(Told::CallerGone, turn);
            }
            Report::Answered { voice: Some(voice), .. } | Report::Revoiced(voice) => {
                self.note_voice(self.parent, voice, turn);
            }
            Report::Answered { voice: None, .. } | Report::Ringing | Report::EarlyMedia => {}
            Report::Refer(_) => self.order(self.parent, Order::Referred { status: 603 }, turn),
            Report::Digit { .. } | Report::Pressed { .. } | Report::Taped { .. } => {}
        }
    }

    fn on_child_ended(&mut self, leg: LegId, cause: Cause, facts: Option<&Facts>, turn: &mut Turn<Self>) {
        self.children.remove(&leg);
        self.note_remarks(&cause, facts);
        if cause == Cause::Internal {
            // The switch lost a leg for good: the call cannot go on as if nothing had happened.
            return self.end_all(Cause::Internal, turn);
        }
        self.on_candidate_ended(leg, cause, turn);
    }

    fn join(&mut self, leg: LegId, turn: &mut Turn<Self>) {
        self.order(self.parent, Order::Hear(Hear::Leg(leg)), turn);
        self.order(leg, Order::Hear(Hear::Leg(self.parent)), turn);
    }

    fn dial_over(&mut self, activity: u64, status: DialStatus, turn: &mut Turn<Self>) {
        self.dialing = None;
        self.order(self.parent, Order::Hear(Hear::Silence), turn);
        self.tell_script(Told::Outcome(Outcome::DialEnded { activity, status }), turn);
    }
}

impl Machine for Call {
    type Input = CallInput;
    type Post = CallPost;
    type Effect = CallEffect;

    fn party(&self) -> Party {
        Party::Call(self.id)
    }

    fn handle(&mut self, input: CallInput, turn: &mut Turn<Self>) {
        match input {
            CallInput::Leg(leg, report) => self.on_report(leg, report, turn),
            CallInput::Script(wanted) => self.on_wanted(wanted, turn),
            CallInput::End(cause) => self.end_all(cause, turn),
            CallInput::Refused(leg, cause) => {
                turn.tell(self.parent, Event::AttemptFailed { target: leg.to_string(), status: 0 });
                // It will never read what was written to it.
                self.mail.acknowledge(Party::Leg(leg), u64::MAX);
                if self.children.contains_key(&leg) {
                    self.on_child_ended(leg, cause, None, turn);
                }
            }
        }
    }

    fn on_deadline(&mut self, turn: &mut Turn<Self>) {
        self.on_dial_deadline(turn);
    }

    fn next_deadline(&self) -> Option<Moment> {
        let dialing = self.dialing.as_ref()?;
        earliest(dialing.rings_until(), dialing.talks_until())
    }

    fn resume(&mut self, turn: &mut Turn<Self>) {
        for child in self.children.values() {
            if let Some(dialled) = &child.unheard {
                turn.effect(CallEffect::Dial(dialled.clone()));
            }
        }
    }

    fn mail(&mut self) -> &mut Mail<CallPost> {
        &mut self.mail
    }

    fn is_ending(&self) -> bool {
        self.phase == Phase::Over && self.children.is_empty()
    }

    fn is_finished(&self) -> bool {
        self.is_ending() && self.mail.is_settled()
    }

    fn undeliverable(&mut self, post: CallPost, turn: &mut Turn<Self>) {
        if let CallPost::Callback(callback) = post {
            // Whoever wanted to be told misses it; nobody who talks shall suffer for that.
            return tracing::error!(call = %self.id, leg = %callback.lane, "a status callback is lost");
        }
        tracing::error!(call = %self.id, ?post, "a letter could not be delivered");
        self.end_all(Cause::Internal, turn);
        if matches!(post, CallPost::Script(Told::CallerGone)) {
            self.tell_script(Told::CallerGone, turn);
        }
    }
}
