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

    /// Of two that talk the callee is asked first: it has not said much yet that could be cut off.
    pub(super) fn align(&mut self, turn: &mut Turn<Self>) {
        let Some(dialing) = &mut self.dialing else { return };
        let Some(callee) = dialing.talks_with() else { return };
        let theirs = self.children.get(&callee).and_then(|child| child.voice.as_ref());
        let (Some(ours), Some(theirs)) = (&self.voice, theirs) else { return };
        let (leg, codec) = if ours.codec == theirs.codec {
            return;
        } else if theirs.understood.contains(&ours.codec) {
            (callee, ours.codec)
        } else if ours.understood.contains(&theirs.codec) {
            (self.parent, theirs.codec)
        } else {
            return;
        };
        if dialing.ask(leg, codec) {
            self.order(leg, Order::Align(codec), turn);
        }
    }
}
