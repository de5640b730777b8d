//! A call: joins its legs and does what the script wants, as a machine that is plain data.
//! It must never speak SIP or touch media: it gives orders to legs and reads their reports.

mod alignment;
mod country;
mod delegating;
mod dialing;
mod foreign;
mod leaving;
pub mod opening;
mod pressing;
pub mod profile;
mod progress;
mod redirecting;
mod remarks;
mod replacing;
mod screening;
pub mod script;
pub mod sound;
mod taping;
mod transferring;
mod words;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::{Moment, earliest};
use trunkline_media::session::Keys;

use self::dialing::{Dialing, Ending};
use self::foreign::Foreign;
pub use self::foreign::Word;
use self::pressing::Pressing;
use self::profile::{CallStatus, Profile};
use self::progress::Progressing;
pub use self::replacing::{Found, Verdict};
use self::script::{Told, Wanted};
use self::transferring::{Pair, Rival, Transfer};
pub use self::words::{
    CallEffect, CallInput, CallPost, CallSpec, CallerId, Dialled, Notify, Referrer, Screening,
};
use crate::callbacks::Callback;
use crate::ids::{CallId, LegId, Minter};
use crate::leg::{Facts, Hear, Order, Remarks, Report, Taping, Voice};
use crate::ops::events::{Cause, Event};
use crate::supervision::machine::{Machine, Mail, Party, Turn};
use crate::twiml::verb::Noun;

/// A call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    id: CallId,
    parent: LegId,
    phase: Phase,
    /// Who calls whom.
    profile: Arc<Profile>,
    /// Who is told when the call is over.
    #[serde(default)]
    notify: Option<Notify>,
    /// Where recordings are fetched from: a SID follows.
    recordings: Arc<str>,
    answered: Option<Moment>,
    /// What the caller speaks, once it is answered.
    #[serde(default)]
    voice: Option<Voice>,
    caller: CallerId,
    max_forwards: u8,
    /// When it has lasted as long as it may; none until it is answered, and once it was ended for that.
    #[serde(default)]
    ends_at: Option<Moment>,
    /// The longest that it may last, from its answer on.
    #[serde(default)]
    longest: Duration,
    /// How long a callee who has answered may be asked, and be sent keys, before it is joined.
    #[serde(default)]
    screening: Duration,
    minter: Minter,
    children: BTreeMap<LegId, Child>,
    dialing: Option<Dialing>,
    /// A Dial that is over and whose recording is being brought to its end.
    #[serde(default)]
    ending: Option<Box<Ending>>,
    /// The end of a callee that is told once its recording can be fetched.
    #[serde(default)]
    held: Option<Box<Callback>>,
    /// What is told of a recording with the end of its callee, should that come later.
    #[serde(default)]
    recorded: Option<(LegId, Vec<(String, String)>)>,
    /// A transfer under way.
    #[serde(default)]
    transfer: Option<Box<Transfer>>,
    /// Two callees that talk without the caller.
    #[serde(default)]
    pair: Option<Box<Pair>>,
    /// A leg of another call that one of ours talks with.
    #[serde(default)]
    foreign: Option<Box<Foreign>>,
    /// What another call was told last.
    #[serde(default)]
    parted: Option<(CallId, Word)>,
    /// Keys on their way to legs.
    #[serde(default)]
    pressing: BTreeMap<LegId, Pressing>,
    /// The number of the latest act that the call itself began on a leg.
    #[serde(default)]
    acts: u64,
    /// What the script of the caller's leg may have to tell when that is gone.
    #[serde(default)]
    script: Owing,
    /// The script has still something to tell, although the caller's leg is gone.
    #[serde(default)]
    lingers: bool,
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

/// What the script of a caller who goes may have to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Owing {
    /// How its Dial went, should there be one.
    #[default]
    Dial,
    /// What it has recorded.
    Recording,
    /// Nothing: it has said its last word.
    Nothing,
}

/// A leg that the call dialled and that has not ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Child {
    /// Whom the leg calls.
    #[serde(default)]
    noun: Option<Noun>,
    /// What was asked for, until the leg has reported anything.
    unheard: Option<Box<Dialled>>,
    /// What it speaks, once it has answered.
    #[serde(default)]
    voice: Option<Voice>,
    /// Who is told how far it is.
    #[serde(default)]
    progress: Box<Progressing>,
    /// Keys that are sent to it before anybody speaks.
    #[serde(default)]
    send_digits: Option<String>,
    /// Whether a script asks it before it is joined.
    #[serde(default)]
    asked: Asked,
}

impl Child {
    fn is_sip(&self) -> bool {
        matches!(self.noun, Some(Noun::Sip(_)))
    }
}

/// Whether a script asks a callee before it is joined.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum Asked {
    /// None does.
    #[default]
    No,
    /// One shall; what it is made from, until it has said anything.
    Unheard(Box<Screening>),
    /// One does.
    Heard,
}

impl Asked {
    fn is_so(&self) -> bool {
        !matches!(self, Self::No)
    }
}

/// Acts that the call itself begins on legs are numbered from here, those of scripts from 1.
const OWN_ACTS: u64 = 1 << 32;

impl Call {
    /// The call that begins with a caller's leg. Its script is a machine of its own.
    pub fn new(spec: CallSpec) -> Self {
        let id = CallId(spec.parent);
        Self {
            id,
            parent: spec.parent,
            phase: Phase::Waiting,
            profile: spec.profile,
            notify: spec.notify,
            recordings: spec.recordings,
            answered: None,
            voice: None,
            caller: spec.caller,
            max_forwards: spec.max_forwards,
            ends_at: None,
            longest: spec.longest,
            screening: spec.screening,
            minter: Minter::new(spec.seed),
            children: BTreeMap::new(),
            dialing: None,
            ending: None,
            held: None,
            recorded: None,
            transfer: None,
            pair: None,
            foreign: None,
            parted: None,
            pressing: BTreeMap::new(),
            acts: OWN_ACTS,
            script: Owing::Dial,
            lingers: false,
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

    /// Whether a script shall still ask this leg, and has not said anything yet.
    pub fn wants_asked(&self, leg: LegId) -> bool {
        self.children.get(&leg).is_some_and(|child| matches!(child.asked, Asked::Unheard(_)))
    }

    /// The oldest letter that `reader` has not read, by its number.
    pub fn unread_by(&self, reader: Party) -> Option<u64> {
        self.mail.pending_for(reader).first().map(|letter| letter.number)
    }

    fn order(&mut self, leg: LegId, order: Order, turn: &mut Turn<Self>) {
        turn.letters.push(self.mail.post(Party::Leg(leg), CallPost::Leg(order)));
    }

    /// Tells the script of the caller's leg.
    fn tell_script(&mut self, told: Told, turn: &mut Turn<Self>) {
        self.tell(self.parent, told, turn);
    }

    /// Tells the script that runs for a leg.
    fn tell(&mut self, leg: LegId, told: Told, turn: &mut Turn<Self>) {
        turn.letters.push(self.mail.post(Party::Script(leg), CallPost::Script(told)));
    }

    fn next_act(&mut self) -> u64 {
        self.acts += 1;
        self.acts
    }

    /// Its actor cannot be kept alive: ends its legs, from the snapshot.
    pub fn give_up(&mut self, turn: &mut Turn<Self>) {
        // Nobody will hear how the legs end: this is the end that those who asked for it are told.
        let children: Vec<LegId> = self.children.keys().copied().collect();
        children.into_iter().for_each(|leg| self.note_ended(leg, &Cause::Internal, None, turn));
        self.tell_end_of_recorded(None, Vec::new(), turn);
        self.note_over(&Cause::Internal, None, turn);
        self.end_all(Cause::Internal, turn);
        self.ending = None;
        for leg in self.asked() {
            self.tell(leg, Told::Gone { dial_ends: false, waits: false }, turn);
        }
        self.tell_script(Told::Gone { dial_ends: false, waits: false }, turn);
        self.phase = Phase::Over;
    }

    /// The children that a script asks.
    fn asked(&self) -> Vec<LegId> {
        let asked = self.children.iter().filter(|(_, child)| child.asked.is_so());
        asked.map(|(leg, _)| *leg).collect()
    }

    fn answer(&mut self, turn: &mut Turn<Self>) {
        if self.phase == Phase::Waiting {
            self.phase = Phase::Answered;
            self.answered = Some(turn.now);
            self.ends_at = Some(turn.now + self.longest);
            self.order(self.parent, Order::Answer, turn);
        }
    }

    fn on_wanted(&mut self, leg: LegId, wanted: Wanted, turn: &mut Turn<Self>) {
        // Who is to be told is told, whoever is gone by now.
        if let Wanted::Callback(callback) = wanted {
            return self.post(callback, turn);
        }
        if leg != self.parent {
            return self.on_wanted_of_asked(leg, wanted, turn);
        }
        self.script = match wanted {
            // A script that cannot be kept alive hangs up and has nothing more to tell.
            Wanted::Hangup | Wanted::Reject { .. } | Wanted::Over => Owing::Nothing,
            Wanted::Tape { .. } => Owing::Recording,
            Wanted::Untape => self.script,
            _ => Owing::Dial,
        };
        self.lingers &= self.script != Owing::Nothing;
        if self.phase == Phase::Over {
            return;
        }
        match wanted {
            Wanted::Ring => self.order(leg, Order::Ring, turn),
            Wanted::Dial { activity, dial } => self.dial(activity, *dial, turn),
            Wanted::Reject { busy } => self.reject(busy, turn),
            Wanted::Hangup => self.hang_up(turn),
            Wanted::Bridge | Wanted::Over | Wanted::Callback(_) => {}
            heard => {
                self.forget_remarks();
                self.answer(turn);
                self.engage(leg, heard, turn);
            }
        }
    }

    /// What a script does with its own leg.
    fn engage(&mut self, leg: LegId, wanted: Wanted, turn: &mut Turn<Self>) {
        let order = match wanted {
            Wanted::Prompt { activity, asset, loops } => Order::Hear(Hear::Prompt { activity, asset, loops }),
            Wanted::Hush => Order::Hear(Hear::Silence),
            Wanted::Echo => Order::Hear(Hear::Echo),
            Wanted::Keys { activity, keys } => Order::Press(Keys { activity, keys }),
            Wanted::Tape { activity, recording, silence, limit } => Order::Tape(Some(Taping {
                recording,
                activity,
                layout: crate::leg::Layout::Mono,
                channel: 0,
                origin: turn.now,
                silence,
                limit: Some(limit),
            })),
            Wanted::Untape => Order::Tape(None),
            _ => return,
        };
        self.order(leg, order, turn);
    }

    /// A caller that was not answered is refused (twiml.md §5); one that was is hung up on.
    fn reject(&mut self, busy: bool, turn: &mut Turn<Self>) {
        if self.phase != Phase::Waiting {
            return self.hang_up(turn);
        }
        let (status, cause) = if busy { (486, Cause::Busy) } else { (404, Cause::NoAnswer) };
        self.order(self.parent, Order::Refuse { status, cause }, turn);
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
            Report::Ringing | Report::EarlyMedia if self.is_target(leg) => self.on_target_ringing(turn),
            Report::Ringing => {
                self.note_ringing(leg, turn);
                self.on_ringing(turn);
            }
            Report::EarlyMedia => {
                self.note_ringing(leg, turn);
                self.on_early_media(leg, turn);
            }
            Report::Answered { voice, facts } => {
                self.note_answered(leg, facts, turn);
                if self.is_target(leg) {
                    self.on_target_answered(turn);
                } else {
                    self.on_answered(leg, turn);
                }
                voice.into_iter().for_each(|voice| self.note_voice(leg, voice, turn));
            }
            Report::Revoiced(voice) => self.note_voice(leg, voice, turn),
            Report::Ended { cause, facts, .. } => self.on_child_ended(leg, cause, facts, turn),
            Report::Refer(refer) => self.on_refer(leg, *refer, turn),
            Report::Played { activity } => self.tell_asked(leg, Told::Done { activity }, turn),
            Report::Digit { digit, by } => self.on_digit(leg, digit, by, turn),
            Report::Pressed { activity } => self.on_pressed(leg, activity, turn),
            // Its recording ends with the Dial.
            Report::Taped { .. } => {}
        }
    }

    fn on_parent(&mut self, report: Report, turn: &mut Turn<Self>) {
        match report {
            Report::Played { activity } => self.tell_script(Told::Done { activity }, turn),
            Report::Ended { cause, facts, .. } => {
                self.remark_to_callees(facts.as_deref(), turn);
                self.on_parent_ended(&cause, facts.as_deref(), turn);
            }
            Report::Answered { voice: Some(voice), .. } | Report::Revoiced(voice) => {
                self.note_voice(self.parent, voice, turn);
            }
            Report::Answered { voice: None, .. } | Report::Ringing | Report::EarlyMedia => {}
            Report::Refer(refer) => self.on_refer(self.parent, *refer, turn),
            Report::Digit { digit, by } => self.on_digit(self.parent, digit, by, turn),
            Report::Pressed { activity } => self.on_pressed(self.parent, activity, turn),
            Report::Taped { activity, voiced, .. } if activity < OWN_ACTS => {
                self.tell_script(Told::Taped { activity, voiced }, turn);
            }
            Report::Taped { .. } => {}
        }
    }

    fn on_child_ended(&mut self, leg: LegId, cause: Cause, facts: Option<Box<Facts>>, turn: &mut Turn<Self>) {
        self.note_ended(leg, &cause, facts.as_deref(), turn);
        self.note_remarks(&cause, facts.as_deref());
        let child = self.children.remove(&leg);
        // A Dial is told what a SIP address said, and of nobody else.
        let facts = facts.filter(|_| child.as_ref().is_some_and(Child::is_sip));
        self.pressing.remove(&leg);
        if child.is_some_and(|child| child.asked.is_so()) {
            self.tell(leg, Told::Gone { dial_ends: false, waits: false }, turn);
        }
        if cause == Cause::Internal {
            // The switch lost a leg for good: the call cannot go on as if nothing had happened.
            return self.end(Cause::Internal, turn);
        }
        if !self.on_transferred_ended(leg, &cause, turn) {
            self.on_candidate_ended(leg, cause, facts, turn);
        }
    }

    fn join(&mut self, leg: LegId, turn: &mut Turn<Self>) {
        self.connect(self.parent, leg, turn);
    }

    /// Two legs hear each other.
    fn connect(&mut self, one: LegId, other: LegId, turn: &mut Turn<Self>) {
        self.order(one, Order::Hear(Hear::Leg(other)), turn);
        self.order(other, Order::Hear(Hear::Leg(one)), turn);
    }

    /// How the caller's leg stands, as webhooks write it.
    fn status(&self) -> CallStatus {
        match self.phase {
            Phase::Waiting => CallStatus::Ringing,
            Phase::Answered => CallStatus::InProgress,
            Phase::Over => CallStatus::Completed,
        }
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
            CallInput::Script(leg, wanted) => self.on_wanted(leg, wanted, turn),
            CallInput::Word(from, word) => self.on_word(from, word, turn),
            CallInput::Unreplaceable { leg, status } => {
                if self.is_offered(leg) {
                    self.on_target_refused(status, turn);
                }
            }
            CallInput::Unanswered { leg, target, call, replaced } => {
                self.on_unanswered(leg, Rival { call, leg: replaced, target }, turn);
            }
            CallInput::Scripted { leg, hook, fallback } => self.on_scripted(leg, hook, fallback, turn),
            CallInput::End(cause) => self.end(cause, turn),
            CallInput::Finished { recording, result } => self.on_finished(recording, result, turn),
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
        if self.ends_at.take_if(|end| turn.now >= *end).is_some() {
            return self.end(Cause::HungUp, turn);
        }
        self.on_transfer_deadline(turn);
        self.on_dial_deadline(turn);
        self.on_unfinished(turn);
    }

    fn next_deadline(&self) -> Option<Moment> {
        let dialing = self.dialing.as_ref();
        let dial = dialing.and_then(|dialing| {
            earliest(earliest(dialing.rings_until(), dialing.joins_until()), dialing.talks_until())
        });
        let ending = self.ending.as_ref().and_then(|ending| ending.answer_by);
        earliest(earliest(earliest(dial, self.transfer_deadline()), self.ends_at), ending)
    }

    fn resume(&mut self, turn: &mut Turn<Self>) {
        for child in self.children.values() {
            if let Some(dialled) = &child.unheard {
                turn.effect(CallEffect::Dial(dialled.clone()));
            }
            if let Asked::Unheard(screening) = &child.asked {
                turn.effect(CallEffect::Screen(screening.clone()));
            }
        }
        if let Some(transfer) = &mut self.transfer {
            transfer.seek(turn);
        }
        self.resume_foreign(turn);
        if let Some(ending) = &mut self.ending {
            ending.finish(turn);
        }
        if self.unread_by(Party::Outbox(self.id)).is_some() {
            turn.effect(CallEffect::OpenOutbox);
        }
    }

    fn mail(&mut self) -> &mut Mail<CallPost> {
        &mut self.mail
    }

    fn is_ending(&self) -> bool {
        self.phase == Phase::Over && self.children.is_empty() && self.ending.is_none() && !self.lingers
    }

    fn is_finished(&self) -> bool {
        self.is_ending() && self.mail.is_settled()
    }

    fn undeliverable(&mut self, post: CallPost, turn: &mut Turn<Self>) {
        if let CallPost::Callback(callback) = post {
            // Whoever wanted to be told misses it; nobody who talks shall suffer for that.
            return tracing::error!(call = %self.id, leg = %callback.lane, "a status callback is lost");
        }
        // Not what it says: that may be a digit of somebody's.
        let to = if matches!(post, CallPost::Script(_)) { "script" } else { "leg" };
        tracing::error!(call = %self.id, to, "a letter could not be delivered");
        self.end_all(Cause::Internal, turn);
        if matches!(post, CallPost::Script(_)) {
            // It may have been what the script waits for.
            self.tell_script(Told::Gone { dial_ends: false, waits: self.lingers }, turn);
        }
    }
}
