//! Keys: from a leg to its script, to the Dial that waits for a star, and across to the leg that it is joined with.
//! It must never let one key overtake another.

use serde::{Deserialize, Serialize};
use trunkline_media::session::Keys;

use super::{Call, OWN_ACTS, Told};
use crate::ids::LegId;
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

impl Call {
    pub(super) fn on_digit(&mut self, leg: LegId, digit: char, by: DigitWay, turn: &mut Turn<Self>) {
        let talks = self.dialing.as_ref().is_some_and(|dialing| dialing.talks_with().is_some());
        let Some(other) = self.partner(leg) else {
            if talks || self.pair.is_some() || self.foreign.is_some() {
                return;
            }
            // Nobody but a script listens.
            return if leg == self.parent {
                self.tell_script(Told::Digit(digit), turn);
            } else {
                self.tell_asked(leg, Told::Digit(digit), turn);
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
            return self.tell(leg, Told::Done { activity }, turn);
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
