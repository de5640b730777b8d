//! One line of a ladder, cell by cell.
//! It must never be wider than the screen.

use std::fmt::Write;
use std::ops::Range;

use crate::ops::screen::{REST_OF_WIDE, WIDTH, cells, shortened};

/// A line being drawn.
#[derive(Clone, Debug)]
pub(super) struct Row {
    cells: Vec<char>,
    painted: Vec<(Range<usize>, &'static str)>,
}

impl Row {
    /// An empty line.
    pub fn new() -> Self {
        Self { cells: vec![' '; WIDTH], painted: Vec::new() }
    }

    /// Puts text where `at` says; what would stand beyond the edge is cut.
    pub fn put(&mut self, at: usize, text: &str) -> Range<usize> {
        let text = shortened(text, WIDTH.saturating_sub(at));
        let text = cells(&text);
        let range = at..at + text.len();
        self.cells.iter_mut().skip(at).zip(text).for_each(|(cell, c)| *cell = c);
        range
    }

    /// Puts text in the middle of `within`, cut to it.
    pub fn centre(&mut self, within: Range<usize>, text: &str) -> Range<usize> {
        let text = shortened(text, within.len());
        let at = within.start + (within.len() - cells(&text).len()) / 2;
        self.put(at, &text)
    }

    /// Draws from `from` towards `to`, both excluded, with a head at the end; crosses what is there.
    pub fn arrow(&mut self, from: usize, to: usize) -> Range<usize> {
        let range = from.min(to) + 1..from.max(to);
        for cell in self.cells.iter_mut().take(range.end).skip(range.start) {
            *cell = if *cell == '│' { '┼' } else { '─' };
        }
        if from < to {
            self.put(to.saturating_sub(1), ">");
        } else {
            self.put(to + 1, "<");
        }
        range
    }

    /// Gives cells a colour, for those who want colours: parameters of a terminal's SGR sequence.
    pub fn paint(&mut self, range: Range<usize>, colour: &'static str) {
        self.painted.push((range, colour));
    }

    /// The line without white space at its end, with colours or without.
    pub fn print(&self, with_colour: bool, into: &mut String) {
        let end = self.cells.iter().rposition(|c| *c != ' ').map_or(0, |last| last + 1);
        for (at, c) in self.cells.iter().take(end).enumerate() {
            for (range, colour) in self.painted.iter().filter(|_| with_colour) {
                if range.start == at && !range.is_empty() {
                    // Writing to a string cannot fail.
                    let _ = write!(into, "\x1b[{colour}m");
                }
            }
            if *c != REST_OF_WIDE {
                into.push(*c);
            }
            if with_colour && self.painted.iter().any(|(range, _)| range.end.min(end) == at + 1) {
                into.push_str("\x1b[0m");
            }
        }
        into.push('\n');
    }
}
