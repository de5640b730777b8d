//! A leg that talks with a leg of another call: an attended transfer joins what is left of two calls (RFC 5589 §7).
//! It must never count on the other call: either may end first, and either may be brought back in between.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::{Moment, earliest};

use super::delegating::{Granted, Wish};
use super::pressing::Told;
use super::transferring::DECLINED;
use super::{Call, CallEffect, Phase};
use crate::ids::{CallId, LegId};
use crate::leg::{Hear, Order, Refer};
use crate::ops::events::{Cause, Event};
use crate::supervision::machine::Turn;

/// Another transfer is under way there.
pub(super) const PENDING: u16 = 491;
/// How long a call waits for the answer of another one before it says its word again.
pub(super) const SAID_AGAIN: Duration = Duration::from_millis(500);

/// How often two calls make sure that they are still joined: the word that one of them has left may be lost.
const ASSURED: Duration = Duration::from_secs(10);

/// What calls say to each other. Each word may come twice, or not at all: it is said again until it is answered, and
/// when a call is brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// My leg shall take the place of yours.
    Replace {
        /// Mine.
        leg: LegId,
        /// Yours: it belongs to whoever asks for the transfer.
        replaced: LegId,
    },
    /// My leg talks with yours.
    Joined {
        /// Mine.
        leg: LegId,
        /// Yours.
        with: LegId,
    },
    /// Nobody talks with your leg.
    Declined {
        /// Yours.
        with: LegId,
        /// Why.
        status: u16,
    },
    /// My leg wants yours to talk with somebody else.
    Refer {
        /// Mine.
        leg: LegId,
        /// Yours.
        with: LegId,
        /// Which of its wishes: said again, it has the same number, and a later one a higher.
        number: u64,
        /// What it asks for.
        refer: Box<Refer>,
    },
    /// How what your leg wished for goes. Once somebody has its place, nobody talks with it.
    Referred {
        /// Yours.
        with: LegId,
        /// Which wish.
        number: u64,
        /// The status of the call that it leads to.
        status: u16,
    },
    /// A leg of a third call shall take the place of mine.
    Hand {
        /// Mine.
        leg: LegId,
        /// Yours.
        with: LegId,
        /// The third call.
        call: CallId,
        /// Its leg.
        heir: LegId,
    },
    /// My leg talks with yours no longer, but with one that has its place.
    Replaced {
        /// Mine.
        leg: LegId,
        /// Yours.
        with: LegId,
    },
    /// Whom your leg calls shall be called for mine instead.
    Yield {
        /// Mine.
        leg: LegId,
        /// Yours, which nobody has answered.
        replaced: LegId,
    },
    /// Nobody is called any more whom you could not call.
    Yielded {
        /// Your leg.
        with: LegId,
    },
    /// The far end of my leg has pressed keys for yours.
    Keys {
        /// Mine.
        leg: LegId,
        /// Yours.
        with: LegId,
        /// The number of the first of them, the first ever being 0.
        first: u64,
        /// All that were not confirmed.
        keys: String,
    },
    /// So many keys were passed on to my leg.
    Pressed {
        /// Mine.
        leg: LegId,
        /// Yours.
        with: LegId,
        /// Counted from the first ever.
        count: u64,
    },
    /// My leg talks with yours no longer.
    Gone {
        /// Mine.
        leg: LegId,
        /// Yours.
        with: LegId,
    },
}

/// A leg of another call that one of ours talks with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Foreign {
    /// Ours.
    pub leg: LegId,
    /// The other call.
    pub call: CallId,
    /// Its leg.
    pub other: LegId,
    /// How long they may talk.
    pub until: Moment,
    /// The leg whose place is taken, if that was with ours. One of this call stays until the other call has said
    /// that it is joined: not before is it sure that there is somebody in its place.
    pub replaced: Option<LegId>,
    /// How ours is joined with that leg, if it is one of another call: it waits for the same.
    #[serde(default)]
    pub former: Option<Box<Foreign>>,
    /// The other call has said that it is joined.
    is_sure: bool,
    /// When it is told again that we are.
    again: Moment,
    /// What our leg wants to become of the other one.
    #[serde(default)]
    pub wish: Option<Box<Wish>>,
    /// What the other one wanted last.
    #[serde(default)]
    pub granted: Option<Granted>,
    /// Keys for the other one.
    #[serde(default)]
    pub told: Told,
    /// How many keys of the other one were passed on to ours.
    #[serde(default)]
    pub pressed: u64,
}

impl Foreign {
    pub fn new(leg: LegId, (call, other): (CallId, LegId), until: Moment, now: Moment) -> Self {
        let (replaced, former, is_sure, wish, granted) = (None, None, false, None, None);
        let told = Told::default();
        Self {
            leg,
            call,
            other,
            until,
            replaced,
            former,
            is_sure,
            again: now,
            wish,
            granted,
            told,
            pressed: 0,
        }
    }

    /// Whether these two are joined by it.
    pub fn joins(&self, leg: LegId, other: LegId) -> bool {
        (self.leg, self.other) == (leg, other)
    }

    /// Tells the other call, now and from time to time.
    pub fn assure(&mut self, turn: &mut Turn<Call>) {
        self.say(Word::Joined { leg: self.leg, with: self.other }, turn);
        if let Some(wish) = &self.wish {
            self.say(wish.word(self.leg, self.other), turn);
        }
        self.say_keys(turn);
        let is_heard = self.wish.as_ref().is_none_or(|wish| wish.is_heard()) && self.told.is_heard();
        let is_settled = self.is_sure && is_heard;
        self.again = turn.now + if is_settled { ASSURED } else { SAID_AGAIN };
    }

    /// Tells what was pressed for the other one and is not confirmed.
    pub fn say_keys(&self, turn: &mut Turn<Call>) {
        if let Some((first, keys)) = self.told.open() {
            self.say(Word::Keys { leg: self.leg, with: self.other, first, keys }, turn);
        }
    }

    /// The other call is told of a key, and again soon unless it confirms it.
    pub fn tell_key(&mut self, digit: char, turn: &mut Turn<Call>) {
        if self.told.push(digit) {
            self.say_keys(turn);
            self.again = self.again.min(turn.now + SAID_AGAIN);
        }
    }

    pub fn say(&self, word: Word, turn: &mut Turn<Call>) {
        turn.effect(CallEffect::Tell { to: self.call, word });
    }
}

impl Call {
    pub(super) fn say(&self, to: CallId, word: Word, turn: &mut Turn<Self>) {
        turn.effect(CallEffect::Tell { to, word });
    }

    /// Another call says something.
    pub(super) fn on_word(&mut self, from: CallId, word: Word, turn: &mut Turn<Self>) {
        match word {
            Word::Replace { leg, replaced } => self.on_replace(from, leg, replaced, turn),
            Word::Joined { leg, with } => self.on_joined(from, leg, with, turn),
            Word::Declined { with, status } => {
                if self.is_offered(with) || self.has_rival(with) {
                    self.on_target_refused(status, turn);
                }
            }
            Word::Refer { leg, with, number, refer } => {
                self.on_foreign_refer(from, (leg, with), number, &refer, turn);
            }
            Word::Referred { with, number, status } => self.on_foreign_referred(with, number, status, turn),
            Word::Hand { leg, with, call, heir } => self.on_hand(from, (leg, with), (call, heir), turn),
            Word::Replaced { leg, with } => self.on_replaced(with, leg, turn),
            Word::Yield { leg, replaced } => self.on_yield(from, leg, replaced, turn),
            Word::Yielded { with } => self.on_yielded(with, turn),
            Word::Keys { leg, with, first, keys } => {
                self.on_foreign_keys(from, (leg, with), first, &keys, turn);
            }
            Word::Pressed { leg, with, count } => {
                if let Some(foreign) = self.foreign.as_mut().filter(|foreign| foreign.joins(with, leg)) {
                    foreign.told.confirm(count);
                }
            }
            Word::Gone { leg, with } => {
                let gone = self.foreign.take_if(|foreign| foreign.joins(with, leg));
                // Whom it has transferred waits for somebody else.
                if let Some(foreign) = gone.filter(|foreign| !self.is_referrer(foreign.other)) {
                    self.release(*foreign, turn);
                }
            }
        }
    }

    /// A leg of another call shall take the place of ours.
    fn on_replace(&mut self, from: CallId, other: LegId, replaced: LegId, turn: &mut Turn<Self>) {
        let known =
            |foreign: &&mut Box<Foreign>| (foreign.other, foreign.replaced) == (other, Some(replaced));
        if let Some(foreign) = self.foreign.as_mut().filter(known) {
            return foreign.assure(turn);
        }
        if let Some(foreign) = self.foreign.as_ref().filter(|foreign| foreign.leg == replaced) {
            // Whoever talks with it decides.
            let word = Word::Hand { leg: replaced, with: foreign.other, call: from, heir: other };
            return foreign.say(word, turn);
        }
        let talk = self.partner(replaced).zip(self.talks_until());
        let (Some((leg, until)), None, true) = (talk, &self.transfer, from != self.id) else {
            let status = if self.transfer.is_some() { PENDING } else { DECLINED };
            return self.say(from, Word::Declined { with: other, status }, turn);
        };
        let foreign = Foreign::new(leg, (from, other), until, turn.now);
        self.meet(Foreign { replaced: Some(replaced), ..foreign }, turn);
    }

    /// Whom our caller waits for shall be called for somebody else: for whom the same party talks with on its other
    /// line.
    fn on_yield(&mut self, from: CallId, other: LegId, replaced: LegId, turn: &mut Turn<Self>) {
        match self.phase {
            Phase::Waiting if replaced == self.parent => self.end(Cause::Cancelled, turn),
            Phase::Over => self.say(from, Word::Yielded { with: other }, turn),
            // It was answered meanwhile.
            _ => self.say(from, Word::Declined { with: other, status: PENDING }, turn),
        }
    }

    /// Our leg has taken the place that it was offered for.
    fn on_joined(&mut self, from: CallId, other: LegId, leg: LegId, turn: &mut Turn<Self>) {
        let known = self.foreign.as_mut().filter(|foreign| foreign.joins(leg, other));
        if let Some(foreign) = known {
            let was_sure = std::mem::replace(&mut foreign.is_sure, true);
            // Whoever asked for the place confirms that it is taken, each time.
            let Some(replaced) = foreign.replaced else { return foreign.assure(turn) };
            if let Some(former) = foreign.former.take() {
                let word = Word::Replaced { leg, with: replaced };
                self.parted = Some((former.call, word.clone()));
                return former.say(word, turn);
            }
            if !was_sure && self.is_up(replaced) {
                turn.tell(replaced, Event::Replaced { by: other });
                self.order(replaced, Order::Hangup { cause: Cause::HungUp }, turn);
            }
            return;
        }
        if !self.is_offered(leg) {
            // It was given up, or is over by now.
            return self.say_farewell(from, (leg, other), turn);
        }
        let Some(transfer) = self.transfer.take() else { return };
        let foreign = Foreign::new(leg, (from, other), transfer.limit(), turn.now);
        let foreign = Foreign { is_sure: true, ..foreign };
        if self.is_foreign(transfer.by()) {
            // One is left before another one is met.
            self.end_referral(&transfer, turn);
            return self.meet(foreign, turn);
        }
        self.meet(foreign, turn);
        self.end_referral(&transfer, turn);
    }

    /// Tells another call that our leg does not talk with its one: as it was told before, if that is why. One whose
    /// leg is being replaced waits.
    pub(super) fn say_farewell(&self, to: CallId, (leg, with): (LegId, LegId), turn: &mut Turn<Self>) {
        let former = self.foreign.as_ref().and_then(|foreign| foreign.former.as_ref());
        if former.is_some_and(|former| former.call == to && former.joins(leg, with)) {
            return;
        }
        let word = match &self.parted {
            Some((known, word @ (Word::Referred { with: told, .. } | Word::Replaced { with: told, .. })))
                if (*known, *told) == (to, with) =>
            {
                word.clone()
            }
            _ => Word::Gone { leg, with },
        };
        self.say(to, word, turn);
    }

    pub(super) fn meet(&mut self, mut foreign: Foreign, turn: &mut Turn<Self>) {
        let Foreign { leg, call, other, .. } = foreign;
        self.pair = None;
        foreign.assure(turn);
        self.foreign = Some(Box::new(foreign));
        self.order(leg, Order::Hear(Hear::Leg(other)), turn);
        self.order(leg, Order::Joined(other), turn);
        turn.effect(CallEffect::Together { leg, call, other });
    }

    /// Our leg talks with the other one no longer: the other call is told.
    pub(super) fn leave_foreign(&mut self, turn: &mut Turn<Self>) {
        let Some(foreign) = self.foreign.take() else { return };
        let Foreign { leg, call, other, former, .. } = *foreign;
        if let Some(former) = former {
            former.say(Word::Gone { leg, with: former.other }, turn);
        }
        self.parted = Some((call, Word::Gone { leg, with: other }));
        self.say(call, Word::Gone { leg, with: other }, turn);
    }

    /// The one that a leg talked with is gone: the caller's script goes on, a callee is hung up. Where nobody came into
    /// the place of another leg, all is as it was.
    fn release(&mut self, foreign: Foreign, turn: &mut Turn<Self>) {
        let leg = foreign.leg;
        self.disappoint(&foreign, turn);
        if let Some(former) = foreign.former {
            return self.meet(*former, turn);
        }
        let left = foreign.replaced.filter(|replaced| self.partner(leg) == Some(*replaced));
        if let Some(replaced) = left {
            self.connect(replaced, leg, turn);
        } else if leg == self.parent && self.dialing.is_some() {
            self.part(turn);
        } else {
            self.order(leg, Order::Hangup { cause: Cause::HungUp }, turn);
        }
    }

    /// Whether a leg of ours talks with one of another call.
    pub(super) fn is_abroad(&self, leg: LegId) -> bool {
        self.foreign.as_ref().is_some_and(|foreign| foreign.leg == leg)
    }

    /// Whether it is a leg of another call that one of ours talks with.
    pub(super) fn is_foreign(&self, leg: LegId) -> bool {
        self.foreign.as_ref().is_some_and(|foreign| foreign.other == leg)
    }

    /// Says again what the other call may have missed.
    pub(super) fn resume_foreign(&mut self, turn: &mut Turn<Self>) {
        if let Some(foreign) = &mut self.foreign {
            let Foreign { leg, call, other, .. } = **foreign;
            foreign.assure(turn);
            if let Some(granted) = foreign.granted {
                foreign.say(granted.word(other), turn);
            }
            turn.effect(CallEffect::Together { leg, call, other });
        }
        if let Some((call, word)) = &self.parted {
            self.say(*call, word.clone(), turn);
        }
    }

    pub(super) fn on_foreign_deadline(&mut self, turn: &mut Turn<Self>) {
        let parent = self.parent;
        let Some(foreign) = &mut self.foreign else { return };
        if turn.now >= foreign.again {
            foreign.assure(turn);
        }
        if foreign.leg != parent && turn.now >= foreign.until {
            // Asked again after a minute, should it still be there.
            foreign.until = turn.now + Duration::from_secs(60);
            let leg = foreign.leg;
            self.order(leg, Order::Hangup { cause: Cause::HungUp }, turn);
        }
    }

    pub(super) fn foreign_deadline(&self) -> Option<Moment> {
        let foreign = self.foreign.as_ref()?;
        // How long a caller may talk is the Dial's.
        let until = (foreign.leg != self.parent).then_some(foreign.until);
        earliest(Some(foreign.again), until)
    }
}
