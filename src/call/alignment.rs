//! Joined legs that speak different codecs: one is asked to change, so that packets can be passed on as they come.
//! It must never insist: a far end that wants it otherwise is asked once.

use super::Call;
use crate::ids::LegId;
use crate::leg::{Order, Voice};
use crate::supervision::machine::Turn;

impl Call {
    /// A leg speaks like this from now on.
    pub(super) fn note_voice(&mut self, leg: LegId, voice: Voice, turn: &mut Turn<Self>) {
        if leg == self.parent {
            self.voice = Some(voice);
        } else if let Some(child) = self.children.get_mut(&leg) {
            child.voice = Some(voice);
        }
        self.align(turn);
    }

    fn voice_of(&self, leg: LegId) -> Option<&Voice> {
        let child = self.children.get(&leg).map(|child| child.voice.as_ref());
        child.unwrap_or_else(|| self.voice.as_ref().filter(|_| leg == self.parent))
    }

    /// Of two that talk the one that came later is asked first: it has not said much yet that could be cut off.
    pub(super) fn align(&mut self, turn: &mut Turn<Self>) {
        let callee = self.dialing.as_ref().and_then(|dialing| dialing.talks_with());
        let parties = self.pair.as_ref().map(|pair| pair.legs());
        let Some([first, later]) = parties.or(callee.map(|callee| [self.parent, callee])) else { return };
        let (Some(ours), Some(theirs)) = (self.voice_of(first), self.voice_of(later)) else { return };
        let (leg, codec) = if ours.codec == theirs.codec {
            return;
        } else if theirs.understood.contains(&ours.codec) {
            (later, ours.codec)
        } else if ours.understood.contains(&theirs.codec) {
            (first, theirs.codec)
        } else {
            return;
        };
        let is_new = match (&mut self.pair, &mut self.dialing) {
            (Some(pair), _) => pair.ask(leg, codec),
            (None, Some(dialing)) => dialing.ask(leg, codec),
            (None, None) => false,
        };
        if is_new {
            self.order(leg, Order::Align(codec), turn);
        }
    }
}
