//! The caller goes, or the call is given up: what becomes of the others, and of what the script has still to tell.
//! It must never end whom a transfer has joined with somebody else.

use super::script::Told;
use super::{Call, Owing, Phase};
use crate::leg::{Facts, Order};
use crate::ops::events::Cause;
use crate::supervision::machine::Turn;

impl Call {
    pub(super) fn on_parent_ended(&mut self, cause: &Cause, facts: Option<&Facts>, turn: &mut Turn<Self>) {
        self.note_over(cause, facts, turn);
        self.phase = Phase::Over;
        let ends = match cause {
            Cause::Cancelled => Cause::Cancelled,
            Cause::Internal => Cause::Internal,
            Cause::Maintenance => Cause::Maintenance,
            _ => Cause::HungUp,
        };
        if *cause != Cause::Internal && self.outlives_parent() {
            return self.leave(turn);
        }
        self.end(ends, turn);
    }

    /// The caller is gone, and those whom it has transferred talk on.
    fn leave(&mut self, turn: &mut Turn<Self>) {
        self.tell_gone(turn);
        self.untape_callee(turn);
        self.leave_dial(turn);
    }

    /// Ends the call for everybody.
    pub(super) fn end(&mut self, cause: Cause, turn: &mut Turn<Self>) {
        self.tell_gone(turn);
        self.leave_dial(turn);
        self.abandon_transfer(turn);
        self.end_all(cause, turn);
    }

    /// Ends every leg that is not over.
    pub(super) fn end_all(&mut self, cause: Cause, turn: &mut Turn<Self>) {
        self.dialing = None;
        self.transfer = None;
        self.pair = None;
        self.leave_foreign(turn);
        for leg in self.legs() {
            self.order(leg, Order::Hangup { cause: cause.clone() }, turn);
        }
    }

    /// The script hears how its Dial stands: that is how it ends. The call waits for it if there is something to tell.
    fn tell_gone(&mut self, turn: &mut Turn<Self>) {
        let dial_ends = self.dialing.is_some() || self.ending.is_some();
        self.lingers |= match self.script {
            Owing::Dial => dial_ends,
            Owing::Recording => true,
            Owing::Nothing => false,
        };
        self.tell_script(Told::Gone { dial_ends, waits: self.lingers }, turn);
    }
}
