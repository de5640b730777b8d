//! When which line wants to be looked at.
//! Must never lose a deadline: one that is outdated fires for nothing, that is all.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::moment::Moment;

/// Deadlines of lines by their place, earliest first.
#[derive(Default)]
pub(super) struct Deadlines(BinaryHeap<Reverse<(Moment, usize)>>);

impl Deadlines {
    pub(super) fn set(&mut self, at: Moment, place: usize) {
        self.0.push(Reverse((at, place)));
    }

    pub(super) fn next(&self) -> Option<Moment> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes the earliest deadline that has come.
    pub(super) fn take(&mut self, now: Moment) -> Option<(Moment, usize)> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop().map(|Reverse(entry)| entry)
    }
}
