//! Where the parties of a call stand in its ladder: the caller, Trunkline, the callees.
//! It must never let one of them without a place, however many there are.

use std::collections::HashMap;
use std::ops::Range;

use super::canvas::Row;
use super::story::Step;
use crate::ops::screen::{WIDTH, cells};

/// Where the caller's line is; left of it stand times.
const CALLER: usize = 13;
/// The widest space between two lines that looks good.
const WIDEST: usize = 28;
/// Columns right of the last line: half of a name stands there.
const RIGHT: usize = 8;
/// Callees side by side; more than that take each other's place.
const MOST: usize = 3;

/// The places.
#[derive(Debug)]
pub(super) struct Columns {
    gap: usize,
    /// Callees' columns: from which step on who stands there.
    tenants: Vec<Vec<(usize, usize)>>,
    /// The column of each callee.
    places: HashMap<usize, Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    column: usize,
    /// Others stand there at the same time.
    is_shared: bool,
}

impl Columns {
    /// The places for this story: each callee has its own while there is room, then that of one who has left.
    pub fn of(steps: &[Step]) -> Self {
        let mut lives: Vec<(usize, Range<usize>)> = Vec::new();
        for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.leg > 0) {
            match lives.iter_mut().find(|(leg, _)| *leg == step.leg) {
                Some((_, life)) => life.end = at + 1,
                None => lives.push((step.leg, at..at + 1)),
            }
        }
        let mut tenants: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut free_from: Vec<usize> = Vec::new();
        let mut places = HashMap::new();
        for (leg, life) in lives {
            let free = free_from.iter().position(|end| *end <= life.start);
            let column = if tenants.len() < MOST { tenants.len() } else { free.unwrap_or(MOST - 1) };
            let is_shared = tenants.len() >= MOST && free.is_none();
            if column == tenants.len() {
                tenants.push(Vec::new());
                free_from.push(0);
            }
            if let (Some(tenants), Some(until)) = (tenants.get_mut(column), free_from.get_mut(column)) {
                tenants.push((life.start, leg));
                *until = life.end.max(*until);
            }
            places.insert(leg, Place { column, is_shared });
        }
        let gap = ((WIDTH - RIGHT - CALLER) / (tenants.len() + 1)).min(WIDEST);
        Self { gap, tenants, places }
    }

    /// Where Trunkline's line is.
    pub fn switch(&self) -> usize {
        CALLER + self.gap
    }

    /// Where the line of a leg is.
    pub fn line_of(&self, leg: usize) -> usize {
        match self.places.get(&leg) {
            Some(place) => self.callee(place.column),
            None => CALLER,
        }
    }

    /// Whether messages of this leg need its name beside them.
    pub fn is_shared(&self, leg: usize) -> bool {
        self.places.get(&leg).is_some_and(|place| place.is_shared)
    }

    /// The space beside the line of `leg`, towards Trunkline: there its messages are written.
    pub fn beside(&self, leg: usize) -> Range<usize> {
        let line = self.line_of(leg);
        if line < self.switch() { line + 1..self.switch() } else { line + 1 - self.gap..line }
    }

    /// The space for `text` above the line of a leg, or of Trunkline.
    pub fn above(&self, line: usize, text: &str) -> Range<usize> {
        let width = cells(text).len().min(self.gap - 1);
        let start = line.saturating_sub(width / 2).min(WIDTH - width);
        start..start + width
    }

    /// The first of each callee's column: their names stand at the top.
    pub fn first_tenants(&self) -> impl Iterator<Item = usize> {
        self.tenants.iter().filter_map(|tenants| tenants.first()).map(|(_, leg)| *leg)
    }

    /// The legs that take over another one's column at this step.
    pub fn moves_in(&self, step: usize) -> Option<usize> {
        let later = self.tenants.iter().flat_map(|tenants| tenants.iter().skip(1));
        later.filter(|(from, leg)| *from == step && !self.is_shared(*leg)).map(|(_, leg)| *leg).next()
    }

    /// A row with everybody's line.
    pub fn row(&self) -> Row {
        let mut row = Row::new();
        let callees = (0..self.tenants.len()).map(|column| self.callee(column));
        for line in [CALLER, self.switch()].into_iter().chain(callees) {
            row.put(line, "│");
        }
        row
    }

    fn callee(&self, column: usize) -> usize {
        self.switch() + self.gap * (column + 1)
    }
}
