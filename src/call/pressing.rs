//! Keys: from a leg to its script, to the Dial that waits for a star, and across to the leg that it is joined with.
//! It must never let one key overtake another.

use serde::{Deserialize, Serialize};
use trunkline_media::session::Keys;

use super::{Call, OWN_ACTS, Word, script};
use crate::ids::{CallId, LegId};
use crate::leg::{DigitWay, Order};
use crate::supervision::machine::Turn;

/// Keys that may wait for a leg; nobody presses them faster than they are sent for long.
const MOST: usize = 64;

/// Keys on their way to a leg.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Pressing {
    /// The sending that is under way.
    activity: u64,
    /// What follows it.
    waiting: String,
}

/// Keys for a leg of another call that it has not confirmed. They are numbered, so that none is passed on twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// The number of the first.
    first: u64,
    keys: String,
}

impl Told {
    /// One more; `false` if too many wait.
    pub fn push(&mut self, digit: char) -> bool {
        let has_room = self.keys.len() < MOST;
        if has_room {
            self.keys.push(digit);
        }
        has_room
    }

    /// The first `count` ever were passed on.
    pub fn confirm(&mut self, count: u64) {
        while self.first < count && !self.keys.is_empty() {
            self.keys.remove(0);
            self.first += 1;
        }
    }

    /// What is not confirmed, and the number of its first.
    pub fn open(&self) -> Option<(u64, String)> {
        (!self.is_heard()).then(|| (self.first, self.keys.clone()))
    }

    pub fn is_heard(&self) -> bool {
        self.keys.is_empty()
    }
}

impl Call {
    pub(super) fn on_digit(&mut self, leg: LegId, digit: char, by: DigitWay, turn: &mut Turn<Self>) {
        let talks = self.dialing.as_ref().is_some_and(|dialing| dialing.talks_with().is_some());
        let Some(other) = self.partner(leg) else {
            if self.is_abroad(leg) {
                return self.on_digit_abroad(leg, digit, by, turn);
            }
            if talks || self.pair.is_some() || self.foreign.is_some() {
                return;
            }
            // Nobody but a script listens.
            return if leg == self.parent {
                self.tell_script(script::Told::Digit(digit), turn);
            } else {
                self.tell_asked(leg, script::Told::Digit(digit), turn);
            };
        };
        if leg == self.parent && digit == '*' && self.hangs_up_on_star() {
            return self.drop_callee(other, turn);
        }
        // What came in the sound went across in it.
        if by == DigitWay::Info {
            self.press(other, digit, turn);
        }
    }

    /// The same of a leg that talks with one of another call.
    fn on_digit_abroad(&mut self, leg: LegId, digit: char, by: DigitWay, turn: &mut Turn<Self>) {
        if leg == self.parent && digit == '*' && self.hangs_up_on_star() {
            return self.part(turn);
        }
        if let Some(foreign) = self.foreign.as_mut().filter(|_| by == DigitWay::Info) {
            foreign.tell_key(digit, turn);
        }
    }

    /// The far end of a leg of another call has pressed keys for ours.
    pub(super) fn on_foreign_keys(
        &mut self,
        from: CallId,
        (other, leg): (LegId, LegId),
        first: u64,
        keys: &str,
        turn: &mut Turn<Self>,
    ) {
        let Some(foreign) = self.foreign.as_mut().filter(|foreign| foreign.joins(leg, other)) else {
            return self.say_farewell(from, (leg, other), turn);
        };
        let pressed = foreign.pressed;
        let news: Vec<char> =
            (first..).zip(keys.chars()).filter(|(at, _)| *at >= pressed).map(|(_, key)| key).collect();
        foreign.pressed = pressed.max(first.saturating_add(keys.chars().count() as u64));
        foreign.say(Word::Pressed { leg, with: other, count: foreign.pressed }, turn);
        news.into_iter().for_each(|digit| self.press(leg, digit, turn));
    }

    fn press(&mut self, leg: LegId, digit: char, turn: &mut Turn<Self>) {
        if let Some(pressing) = self.pressing.get_mut(&leg) {
            if pressing.waiting.len() < MOST {
                pressing.waiting.push(digit);
            }
            return;
        }
        self.send_keys(leg, digit.to_string(), turn);
    }

    fn send_keys(&mut self, leg: LegId, keys: String, turn: &mut Turn<Self>) {
        let activity = self.next_act();
        self.pressing.insert(leg, Pressing { activity, waiting: String::new() });
        self.order(leg, Order::Press(Keys { activity, keys }), turn);
    }

    pub(super) fn on_pressed(&mut self, leg: LegId, activity: u64, turn: &mut Turn<Self>) {
        if activity < OWN_ACTS {
            return self.tell(leg, script::Told::Done { activity }, turn);
        }
        if self.on_keyed(leg, activity, turn) {
            return;
        }
        let Some(pressing) = self.pressing.get_mut(&leg).filter(|pressing| pressing.activity == activity)
        else {
            return;
        };
        let keys = std::mem::take(&mut pressing.waiting);
        if keys.is_empty() {
            self.pressing.remove(&leg);
        } else {
            self.send_keys(leg, keys, turn);
        }
    }
}
