//! Calls that speak with each other: whose leg takes the place of whose.
//! It must never lose a word that the real node would carry.

use trunkline::call::{CallInput, Word};
use trunkline::ids::{CallId, LegId};
use trunkline::sip::message::Replaces;

use crate::world::World;

impl World {
    /// A leg shall take the place of the one with a dialog.
    pub fn replace(&mut self, call: CallId, by: LegId, leg: LegId, replaces: &Replaces) {
        let asking = self.records.legs.get(&by);
        let found = self.records.legs.values().find(|leg| leg.has_dialog(replaces));
        match (asking, found) {
            (Some(asking), Some(replaced)) if replaced.is_of_whom(asking) => {
                let (to, replaced) = (replaced.call(), replaced.id());
                self.tell_call(call, to, Word::Replace { leg, replaced });
            }
            (_, found) => {
                let status = if found.is_some() { 403 } else { 481 };
                self.signal_call(call, CallInput::Unreplaceable { leg, status });
            }
        }
    }

    /// A word from call to call. One that is gone has no leg that anybody could talk with.
    pub fn tell_call(&mut self, from: CallId, to: CallId, word: Word) {
        if self.records.calls.contains_key(&to) {
            return self.signal_call(to, CallInput::Word(from, word));
        }
        let answer = match word {
            Word::Joined { leg, with } => Word::Gone { leg: with, with: leg },
            Word::Replace { leg, .. } => Word::Declined { with: leg, status: 481 },
            Word::Declined { .. } | Word::Gone { .. } => return,
        };
        self.signal_call(from, CallInput::Word(to, answer));
    }
}
