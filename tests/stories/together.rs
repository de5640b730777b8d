//! Calls that speak with each other: whose leg takes the place of whose.
//! It must never decide that itself, nor lose a word that the real node would carry.

use trunkline::call::{CallInput, Found, Verdict, Word};
use trunkline::ids::{CallId, LegId};
use trunkline::sip::message::{Replaces, StatusCode};

use crate::world::World;

impl World {
    /// A leg shall take the place of the one with a dialog.
    pub fn replace(&mut self, call: CallId, by: LegId, leg: LegId, replaces: &Replaces) {
        let verdict = self.records.legs.get(&by).map_or(Err(StatusCode::FORBIDDEN), |asking| {
            let found = self.records.legs.values().find(|leg| leg.has_dialog(replaces));
            Found::verdict(found.map(|leg| Found::of(leg, asking)), replaces, call, leg)
        });
        match verdict {
            Ok(Verdict::Tell(to, word)) => self.tell_call(call, to, word),
            Ok(Verdict::Hear(input)) => self.signal_call(call, input),
            Err(status) => {
                self.signal_call(call, CallInput::Unreplaceable { leg, status: status.code() });
            }
        }
    }

    /// A word from call to call.
    pub fn tell_call(&mut self, from: CallId, to: CallId, word: Word) {
        if self.records.calls.contains_key(&to) {
            self.signal_call(to, CallInput::Word(from, word));
        } else if let Some(answer) = word.unheard() {
            self.signal_call(from, CallInput::Word(to, answer));
        }
    }
}
