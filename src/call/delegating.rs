//! A transfer by whoever talks with a leg of another call: the call of the one who is transferred carries it out, and
//! lets a third one into its place.
//! It must never believe that it was heard: a wish is said until its end is told.

use serde::{Deserialize, Serialize};

use super::foreign::{Foreign, PENDING};
use super::transferring::DECLINED;
use super::{Call, Word};
use crate::ids::{CallId, LegId};
use crate::leg::{Hear, Order, Refer};
use crate::ops::events::{Cause, Event};
use crate::supervision::machine::Turn;

/// The one who should be transferred is gone.
const TERMINATED: u16 = 487;

/// What a leg of ours wants to become of the leg of another call that it talks with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wish {
    number: u64,
    refer: Box<Refer>,
    /// How far it is, as the other call has told; nothing before it has heard of it.
    told: Option<u16>,
}

impl Wish {
    pub fn word(&self, leg: LegId, with: LegId) -> Word {
        Word::Refer { leg, with, number: self.number, refer: self.refer.clone() }
    }

    /// Whether the other call knows of it.
    pub fn is_heard(&self) -> bool {
        self.told.is_some()
    }
}

/// The latest wish of a leg of another call, and how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Granted {
    number: u64,
    status: u16,
}

impl Granted {
    pub fn word(self, with: LegId) -> Word {
        Word::Referred { with, number: self.number, status: self.status }
    }
}

impl Call {
    /// A leg wants the one of another call that it talks with to talk with somebody else.
    pub(super) fn delegate(&mut self, by: LegId, refer: Refer, turn: &mut Turn<Self>) {
        let number = self.next_act();
        let is_attended = refer.refer_to.replaces.is_some();
        let Some(foreign) = self.foreign.as_mut().filter(|foreign| foreign.wish.is_none()) else {
            return self.order(by, Order::Referred { status: PENDING }, turn);
        };
        foreign.wish = Some(Box::new(Wish { number, refer: Box::new(refer), told: None }));
        foreign.assure(turn);
        if !is_attended {
            self.order(by, Order::Hear(Hear::Silence), turn);
        }
    }

    /// A leg of another call wants ours to talk with somebody else.
    pub(super) fn on_foreign_refer(
        &mut self,
        from: CallId,
        (by, leg): (LegId, LegId),
        number: u64,
        refer: &Refer,
        turn: &mut Turn<Self>,
    ) {
        let is_under_way = self.transfer.is_some();
        let Some(foreign) = self.foreign.as_mut().filter(|foreign| foreign.joins(leg, by)) else {
            return self.say_farewell(from, (leg, by), turn);
        };
        match foreign.granted {
            Some(granted) if granted.number == number => return foreign.say(granted.word(by), turn),
            // It was said again on the way, and is over.
            Some(granted) if granted.number > number => return,
            _ => {}
        }
        let is_busy = is_under_way || foreign.wish.is_some();
        let granted = Granted { number, status: if is_busy { PENDING } else { 100 } };
        foreign.granted = Some(granted);
        foreign.say(granted.word(by), turn);
        let until = foreign.until;
        if !is_busy {
            self.carry_out(by, (leg, until), refer, turn);
        }
    }

    /// Tells the leg of the other call how its wish goes; `false` if `by` is none. At its end that is left alone.
    pub(super) fn tell_foreign_referrer(&mut self, by: LegId, status: u16, turn: &mut Turn<Self>) -> bool {
        let Some(foreign) = self.foreign.as_mut().filter(|foreign| foreign.other == by) else { return false };
        if let Some(granted) = &mut foreign.granted {
            granted.status = status;
            let (to, word) = (foreign.call, granted.word(by));
            foreign.say(word.clone(), turn);
            if (200..300).contains(&status) {
                self.foreign = None;
                self.parted = Some((to, word));
            }
        }
        true
    }

    /// How the wish of our leg goes.
    pub(super) fn on_foreign_referred(
        &mut self,
        leg: LegId,
        number: u64,
        status: u16,
        turn: &mut Turn<Self>,
    ) {
        let Some(foreign) = self.foreign.as_mut().filter(|foreign| foreign.leg == leg) else { return };
        let Some(wish) = foreign.wish.as_mut().filter(|wish| wish.number == number) else { return };
        if wish.told.replace(status) == Some(status) {
            return;
        }
        match status {
            // It was told so with the receipt of its REFER.
            ..=100 => {}
            101..200 => self.tell_own_referrer(leg, status, turn),
            200..300 => {
                self.foreign = None;
                self.tell_own_referrer(leg, status, turn);
                if self.is_up(leg) {
                    self.order(leg, Order::Hangup { cause: Cause::HungUp }, turn);
                }
            }
            _ => {
                let other = foreign.other;
                foreign.wish = None;
                self.tell_own_referrer(leg, status, turn);
                self.order(leg, Order::Hear(Hear::Leg(other)), turn);
            }
        }
    }

    /// Whom our leg wanted to transfer is gone.
    pub(super) fn disappoint(&mut self, foreign: &Foreign, turn: &mut Turn<Self>) {
        if foreign.wish.is_some() {
            self.tell_own_referrer(foreign.leg, TERMINATED, turn);
        }
    }

    /// A leg of a third call shall talk with ours, in the place of the one that does.
    pub(super) fn on_hand(
        &mut self,
        from: CallId,
        (replaced, leg): (LegId, LegId),
        (call, heir): (CallId, LegId),
        turn: &mut Turn<Self>,
    ) {
        let is_busy = self.transfer.is_some() || call == self.id;
        let Some(foreign) = &mut self.foreign else {
            return self.say(call, Word::Declined { with: heir, status: DECLINED }, turn);
        };
        if foreign.joins(leg, heir) && foreign.replaced == Some(replaced) {
            return foreign.assure(turn);
        }
        let is_it = foreign.call == from && foreign.joins(leg, replaced);
        if is_busy || !is_it || foreign.wish.is_some() || foreign.former.is_some() {
            return self.say(call, Word::Declined { with: heir, status: PENDING }, turn);
        }
        let mut heir = Foreign::new(leg, (call, heir), foreign.until, turn.now);
        (heir.replaced, heir.former) = (Some(replaced), Some(foreign.clone()));
        self.meet(heir, turn);
    }

    /// The place of our leg is taken.
    pub(super) fn on_replaced(&mut self, leg: LegId, by: LegId, turn: &mut Turn<Self>) {
        if self.foreign.take_if(|foreign| foreign.joins(leg, by)).is_none() || !self.is_up(leg) {
            return;
        }
        turn.tell(leg, Event::Replaced { by });
        self.order(leg, Order::Hangup { cause: Cause::HungUp }, turn);
    }
}
