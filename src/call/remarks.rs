//! What a far end says of its end: told to the other side of the call, with the same end (RFC 3326).
//! It must never be told with an end that it has nothing to do with.

use super::Call;
use crate::ids::LegId;
use crate::leg::{Facts, Order, Remarks};
use crate::ops::events::Cause;
use crate::supervision::machine::Turn;

impl Call {
    /// A callee has ended: what it said is for a caller who is told the same cause.
    pub(super) fn note_remarks(&mut self, cause: &Cause, facts: Option<&Facts>) {
        if let Some(facts) = facts.filter(|facts| !facts.remarks.is_empty()) {
            self.remarks.push((cause.clone(), facts.remarks.clone()));
        }
    }

    /// The script goes on: whatever ends the call now, it is none of that.
    pub(super) fn forget_remarks(&mut self) {
        self.remarks.clear();
    }

    /// The caller is about to be told this cause.
    pub(super) fn remark_to_caller(&mut self, cause: &Cause, turn: &mut Turn<Self>) {
        let said = std::mem::take(&mut self.remarks);
        if let Some((_, remarks)) = said.into_iter().rev().find(|(told, _)| told == cause) {
            self.order(self.parent, Order::Remark(remarks), turn);
        }
    }

    /// The caller has ended, and so will every callee.
    pub(super) fn remark_to_callees(&mut self, facts: Option<&Facts>, turn: &mut Turn<Self>) {
        let remarks: Option<Remarks> = facts.map(|facts| facts.remarks.clone());
        let Some(remarks) = remarks.filter(|remarks| !remarks.is_empty()) else { return };
        let callees: Vec<LegId> = self.children.keys().copied().collect();
        callees.into_iter().for_each(|leg| self.order(leg, Order::Remark(remarks.clone()), turn));
    }
}
