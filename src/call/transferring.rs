//! A transfer that a party asks for by REFER: somebody else is called and takes its place (RFC 3515, RFC 5589 §6).
//! It must never leave anybody alone: a transfer that fails leaves the parties as they were.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::codec::Codec;
use trunkline_media::moment::{Moment, earliest};
use trunkline_media::tone::Tone;

use super::foreign::{PENDING, SAID_AGAIN};
use super::{Asked, Call, CallEffect, CallerId, Child, Dialled, Phase, Referrer, Word};
use crate::ids::{CallId, LegId};
use crate::leg::{Hear, Order, Refer, status_of};
use crate::ops::events::{Cause, Event};
use crate::sip::message::{Replaces, Uri};
use crate::supervision::machine::Turn;
use crate::twiml::verb::{Noun, Sip};

/// How long another call has to say whether its leg can be replaced.
const ANSWERS: Duration = Duration::from_secs(5);

/// How long the one rings to whom a party is transferred: shorter than the subscription of whoever asked for it.
const RINGS: Duration = Duration::from_secs(60);

/// There is nobody who could be transferred.
pub(super) const DECLINED: u16 = 603;
/// The other party hung up meanwhile.
const TERMINATED: u16 = 487;

/// A transfer that is not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Transfer {
    /// Who asked for it, perhaps a leg of another call. It may hang up before the end.
    by: LegId,
    /// Who is transferred.
    other: LegId,
    /// Who is called.
    target: LegId,
    /// How long that may ring.
    until: Moment,
    /// How long the parties may talk.
    limit: Moment,
    is_ringing: bool,
    /// The dialog whose place shall be taken; nobody is called then.
    #[serde(default)]
    replaces: Option<Box<Replaces>>,
    /// When that place is asked for again: the question or its answer may be lost.
    #[serde(default)]
    again: Option<Moment>,
    /// With which user's rights somebody is called.
    #[serde(default)]
    owner: Option<String>,
    /// Whose callee is called once it is called no longer.
    #[serde(default)]
    rival: Option<Box<Rival>>,
}

/// A call of whoever asks for a transfer, which has not been answered: the same one is called there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rival {
    pub call: CallId,
    /// Its caller's leg.
    pub leg: LegId,
    /// Whom it calls.
    pub target: Uri,
}

impl Transfer {
    pub fn by(&self) -> LegId {
        self.by
    }

    pub fn other(&self) -> LegId {
        self.other
    }

    pub fn limit(&self) -> Moment {
        self.limit
    }

    /// Looks for the leg whose place shall be taken, or asks for a callee that somebody else calls.
    pub fn seek(&mut self, turn: &mut Turn<Call>) {
        if let Some(rival) = &self.rival {
            let word = Word::Yield { leg: self.other, replaced: rival.leg };
            turn.effect(CallEffect::Tell { to: rival.call, word });
            self.again = Some(turn.now + SAID_AGAIN);
        }
        if let Some(replaces) = self.replaces.clone() {
            turn.effect(CallEffect::Replace { by: self.by, leg: self.other, replaces });
            self.again = Some(turn.now + SAID_AGAIN);
        }
    }

    /// When something is to be done.
    fn deadline(&self) -> Moment {
        self.again.map_or(self.until, |again| self.until.min(again))
    }
}

/// Two callees who talk with each other since the caller has transferred one of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pair {
    legs: [LegId; 2],
    /// How long they may talk.
    until: Moment,
    /// Which legs were asked to change to which codec.
    asked: Vec<(LegId, Codec)>,
}

impl Pair {
    fn other(&self, leg: LegId) -> Option<LegId> {
        match self.legs {
            [one, other] if one == leg => Some(other),
            [other, one] if one == leg => Some(other),
            _ => None,
        }
    }

    pub fn legs(&self) -> [LegId; 2] {
        self.legs
    }

    /// Whether `leg` may be asked to change to `codec`: not if it was before.
    pub fn ask(&mut self, leg: LegId, codec: Codec) -> bool {
        let is_new = !self.asked.contains(&(leg, codec));
        if is_new {
            self.asked.push((leg, codec));
        }
        is_new
    }
}

impl Call {
    /// Whom `leg` talks with.
    pub(super) fn partner(&self, leg: LegId) -> Option<LegId> {
        if self.foreign.is_some() {
            return None;
        }
        if let Some(pair) = &self.pair {
            return pair.other(leg);
        }
        let callee = self.dialing.as_ref()?.talks_with()?;
        let other = match leg {
            leg if leg == self.parent => callee,
            leg if leg == callee => self.parent,
            _ => return None,
        };
        self.is_up(other).then_some(other)
    }

    pub(super) fn is_up(&self, leg: LegId) -> bool {
        self.children.contains_key(&leg) || leg == self.parent && self.phase != Phase::Over
    }

    /// Whether `leg` is called because somebody shall be transferred to it.
    pub(super) fn is_target(&self, leg: LegId) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.target == leg)
    }

    /// Whether `leg` is to take the place of a leg of another call.
    pub(super) fn is_offered(&self, leg: LegId) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.other == leg && transfer.replaces.is_some())
    }

    /// Whether another call shall yield its callee to `leg`.
    pub(super) fn has_rival(&self, leg: LegId) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.other == leg && transfer.rival.is_some())
    }

    /// How long those who talk may do so.
    pub(super) fn talks_until(&self) -> Option<Moment> {
        match (&self.pair, &self.dialing) {
            (Some(pair), _) => Some(pair.until),
            (None, Some(dialing)) => dialing.talks_until(),
            (None, None) => None,
        }
    }

    /// Whether `leg` has asked for a transfer that is not over.
    pub(super) fn is_referrer(&self, leg: LegId) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.by == leg)
    }

    /// A party wants the one that it talks with to talk with somebody else.
    pub(super) fn on_refer(&mut self, by: LegId, refer: Refer, turn: &mut Turn<Self>) {
        if self.transfer.is_some() {
            return self.order(by, Order::Referred { status: PENDING }, turn);
        }
        if self.is_abroad(by) {
            return self.delegate(by, refer, turn);
        }
        let (Some(other), Some(limit)) = (self.partner(by), self.talks_until()) else {
            return self.order(by, Order::Referred { status: DECLINED }, turn);
        };
        self.carry_out(by, (other, limit), &refer, turn);
    }

    /// Has `other`, which may talk until `limit`, talk with whom `by` refers it to.
    pub(super) fn carry_out(
        &mut self,
        by: LegId,
        (other, limit): (LegId, Moment),
        refer: &Refer,
        turn: &mut Turn<Self>,
    ) {
        let target = LegId::from_bytes(self.minter.bytes());
        let replaces = refer.refer_to.replaces.clone().map(Box::new);
        let is_attended = replaces.is_some();
        let mut transfer = Transfer {
            by,
            other,
            target,
            until: turn.now + if is_attended { ANSWERS } else { RINGS },
            limit,
            is_ringing: false,
            replaces,
            again: None,
            owner: refer.owner.clone(),
            rival: None,
        };
        transfer.seek(turn);
        self.transfer = Some(Box::new(transfer));
        if !is_attended {
            self.call_target(refer.refer_to.target.to_string(), turn);
        }
    }

    /// Whoever's place should be taken has not been answered: the one that it calls is called for the other party
    /// instead. A telephone that rings for one would be busy for the other, so the one comes to its end first.
    pub(super) fn on_unanswered(&mut self, leg: LegId, rival: Rival, turn: &mut Turn<Self>) {
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| transfer.other == leg) else { return };
        if transfer.replaces.take().is_some() {
            transfer.until = turn.now + RINGS;
            transfer.rival = Some(Box::new(rival));
            transfer.seek(turn);
        }
    }

    /// The one whom another call has called is called there no longer.
    pub(super) fn on_yielded(&mut self, leg: LegId, turn: &mut Turn<Self>) {
        let Some(transfer) = self.transfer.as_mut().filter(|transfer| transfer.other == leg) else { return };
        if let Some(rival) = transfer.rival.take() {
            transfer.again = None;
            self.call_target(rival.target.to_string(), turn);
        }
    }

    /// Calls the one to whom a party is transferred.
    fn call_target(&mut self, uri: String, turn: &mut Turn<Self>) {
        let Some(transfer) = &self.transfer else { return };
        let (by, other, target, owner) =
            (transfer.by, transfer.other, transfer.target, transfer.owner.clone());
        if self.is_up(by) {
            self.order(by, Order::Hear(Hear::Silence), turn);
        }
        self.order(other, Order::Hear(Hear::Tone(Tone::Ringback)), turn);
        let dialled = Box::new(Dialled {
            leg: target,
            parent: self.parent,
            noun: Noun::Sip(Sip::of(uri)),
            caller: self.shown_as(other),
            seed: self.minter.bytes(),
            max_forwards: self.max_forwards,
            referrer: Some(owner.map_or(Referrer::Stranger, Referrer::User)),
        });
        let child = Child {
            noun: Some(dialled.noun.clone()),
            unheard: Some(dialled.clone()),
            voice: None,
            progress: Box::default(),
            send_digits: None,
            asked: Asked::No,
        };
        self.children.insert(target, child);
        turn.effect(CallEffect::Dial(dialled));
    }

    /// How a party is shown to whom it is transferred to.
    fn shown_as(&self, leg: LegId) -> CallerId {
        if leg == self.parent {
            return self.caller.clone();
        }
        let user = match self.children.get(&leg).and_then(|child| child.noun.as_ref()) {
            Some(Noun::Client(client)) => Some(client.identity.clone()),
            Some(Noun::Number(number)) => Some(number.number.clone()),
            Some(Noun::Sip(sip)) => {
                sip.uri.parse::<Uri>().ok().and_then(|uri| uri.user().map(Cow::into_owned))
            }
            None => None,
        };
        CallerId { display: None, user: user.unwrap_or_else(|| "anonymous".to_owned()), privacy: false }
    }

    pub(super) fn on_target_ringing(&mut self, turn: &mut Turn<Self>) {
        let Some(transfer) = &mut self.transfer else { return };
        let by = transfer.by;
        if !std::mem::replace(&mut transfer.is_ringing, true) {
            self.tell_referrer(by, 180, turn);
        }
    }

    /// The place of whoever asked for the transfer is taken.
    pub(super) fn on_target_answered(&mut self, turn: &mut Turn<Self>) {
        let Some(transfer) = self.transfer.take() else { return };
        let Transfer { other, target, limit, .. } = *transfer;
        match self.dialing.as_mut().filter(|_| other == self.parent) {
            Some(dialing) => dialing.replace_callee(target),
            None => {
                self.pair = Some(Box::new(Pair { legs: [other, target], until: limit, asked: Vec::new() }));
            }
        }
        self.connect(other, target, turn);
        self.order(other, Order::Joined(target), turn);
        self.order(target, Order::Joined(other), turn);
        if other == self.parent {
            self.tape_joined(target, turn);
        }
        self.end_referral(&transfer, turn);
        self.align(turn);
    }

    /// Somebody has the place of whoever asked for it.
    pub(super) fn end_referral(&mut self, transfer: &Transfer, turn: &mut Turn<Self>) {
        self.tell_referrer(transfer.by, 200, turn);
        if self.is_up(transfer.by) {
            self.order(transfer.by, Order::Hangup { cause: Cause::HungUp }, turn);
        }
    }

    /// Nobody takes the place: all is as it was, if whoever asked is still there.
    pub(super) fn on_target_ended(&mut self, cause: &Cause, turn: &mut Turn<Self>) {
        self.on_target_refused(status_of(cause).code(), turn);
    }

    pub(super) fn on_target_refused(&mut self, status: u16, turn: &mut Turn<Self>) {
        let Some(transfer) = self.transfer.take() else { return };
        let Transfer { by, other, .. } = *transfer;
        self.tell_referrer(by, status, turn);
        if self.is_up(by) {
            self.connect(by, other, turn);
        } else if self.is_abroad(other) {
            self.order(other, Order::Hear(Hear::Leg(by)), turn);
        } else if other == self.parent {
            self.part(turn);
        } else {
            self.order(other, Order::Hangup { cause: Cause::HungUp }, turn);
        }
    }

    /// The one who should be transferred is gone, or may not talk any longer.
    pub(super) fn abandon_transfer(&mut self, turn: &mut Turn<Self>) {
        let Some(transfer) = self.transfer.take() else { return };
        if self.children.contains_key(&transfer.target) {
            self.order(transfer.target, Order::Hangup { cause: Cause::Cancelled }, turn);
        }
        self.tell_referrer(transfer.by, TERMINATED, turn);
    }

    /// A child is gone that may have to do with a transfer. `true` if that is all there is to say of it.
    pub(super) fn on_transferred_ended(&mut self, leg: LegId, cause: &Cause, turn: &mut Turn<Self>) -> bool {
        if self.is_target(leg) {
            self.on_target_ended(cause, turn);
            return true;
        }
        if self.transfer.as_ref().is_some_and(|transfer| transfer.other == leg) {
            self.abandon_transfer(turn);
        }
        if self.is_abroad(leg) {
            self.leave_foreign(turn);
        }
        let Some(other) = self.pair.as_ref().and_then(|pair| pair.other(leg)) else { return false };
        self.pair = None;
        if !self.is_referrer(leg) {
            self.order(other, Order::Hangup { cause: Cause::HungUp }, turn);
        }
        false
    }

    /// Whether the others go on when the caller is gone: it has transferred them.
    pub(super) fn outlives_parent(&self) -> bool {
        let is_abroad = self.foreign.as_ref().is_some_and(|foreign| foreign.leg != self.parent);
        self.pair.is_some() || is_abroad || self.is_referrer(self.parent)
    }

    pub(super) fn tell_referrer(&mut self, by: LegId, status: u16, turn: &mut Turn<Self>) {
        if !self.tell_foreign_referrer(by, status, turn) {
            self.tell_own_referrer(by, status, turn);
        }
    }

    pub(super) fn tell_own_referrer(&mut self, by: LegId, status: u16, turn: &mut Turn<Self>) {
        if status >= 200 {
            turn.tell(by, Event::Transferred { status });
        }
        if self.is_up(by) {
            self.order(by, Order::Referred { status }, turn);
        }
    }

    pub(super) fn on_transfer_deadline(&mut self, turn: &mut Turn<Self>) {
        let overdue = self.transfer.as_ref().filter(|transfer| turn.now >= transfer.until);
        if let Some(target) = overdue.map(|transfer| transfer.target) {
            if self.children.contains_key(&target) {
                self.order(target, Order::Hangup { cause: Cause::NoAnswer }, turn);
            }
            self.on_target_ended(&Cause::NoAnswer, turn);
        }
        if let Some(transfer) = &mut self.transfer
            && transfer.again.is_some_and(|again| turn.now >= again)
        {
            transfer.seek(turn);
        }
        self.on_foreign_deadline(turn);
        if let Some(pair) = self.pair.as_mut().filter(|pair| turn.now >= pair.until) {
            // Asked again after a minute, should they still be there.
            pair.until = turn.now + Duration::from_secs(60);
            for leg in pair.legs {
                self.order(leg, Order::Hangup { cause: Cause::HungUp }, turn);
            }
        }
    }

    pub(super) fn transfer_deadline(&self) -> Option<Moment> {
        let transfer = self.transfer.as_ref().map(|transfer| transfer.deadline());
        let pair = self.pair.as_ref().map(|pair| pair.until);
        earliest(earliest(transfer, self.foreign_deadline()), pair)
    }
}
