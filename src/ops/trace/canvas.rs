//! One line of a ladder, cell by cell, and the text that goes into cells.
//! It must never let through what could move a cursor: names and reasons come from strangers.

use std::fmt::Write;
use std::ops::Range;

/// Columns of a terminal that a line may use.
pub(super) const WIDTH: usize = 100;

/// The second cell of a wide character.
const REST_OF_WIDE: char = '\0';

/// Text as cells: control characters become `?`, those without width go, wide ones take two.
pub(super) fn cells(text: &str) -> Vec<char> {
    let mut cells = Vec::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' => cells.push(' '),
            c if c.is_control() => cells.push('?'),
            c if is_weightless(c) => {}
            c if is_wide(c) => cells.extend([c, REST_OF_WIDE]),
            c => cells.push(c),
        }
    }
    cells
}

/// Combining marks, joiners and the characters that turn the direction of writing.
fn is_weightless(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// East Asian wide and emoji, roughly as Unicode's annex 11 has them.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}')
}

/// Text of at most `width` cells; what does not fit ends in `…`.
pub(super) fn shortened(text: &str, width: usize) -> String {
    let mut cells = cells(text);
    if cells.len() > width {
        cells.truncate(width.saturating_sub(1));
        if cells.last().copied().is_some_and(is_wide) {
            cells.pop();
        }
        cells.push('…');
    }
    cells.into_iter().filter(|c| *c != REST_OF_WIDE).collect()
}

/// Text in lines of at most `width` cells, broken between words, later lines indented; `…` after `most` lines.
pub(super) fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let word = shortened(word, width.saturating_sub(2));
        if !line.trim().is_empty() && cells(&line).len() + 1 + cells(&word).len() > width {
            lines.push(std::mem::replace(&mut line, " ".to_owned()));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = shortened(&format!("{last} {}", "…".repeat(width)), width);
        }
    }
    lines
}

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
