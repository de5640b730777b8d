//! The drawing: times on the left, the caller, Trunkline, the callees; messages as arrows, deeds as sentences.
//! It must never be wider than 100 columns.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use trunkline_media::moment::Moment;

use super::canvas::Row;
use super::columns::Columns;
use super::digest::headline;
use super::story::{Direction, Step, Weight, What, tell};
use super::{Trace, names};
use crate::ops::screen::{WIDTH, cells, wrapped};

/// Columns of the time, right-aligned.
const TIME: usize = 10;
/// Lines that one sentence may take.
const LINES: usize = 4;

const DIM: &str = "2";
const BOLD: &str = "1";
const RED: &str = "31";
const YELLOW: &str = "33";

/// Whether a ladder has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// For files and pipes.
    Plain,
    /// For terminals (ANSI).
    Coloured,
}

/// Draws the ladder of a call, without colours.
pub fn ladder(trace: &Trace) -> String {
    draw(trace, Ink::Plain)
}

/// Draws the ladder of a call: at most 100 columns, a line feed at each line's end.
pub fn draw(trace: &Trace, ink: Ink) -> String {
    let names = names::of_legs(trace);
    let steps = tell(trace, &names);
    let mut rows = Vec::new();
    let head = [format!("Call {}", trace.call), headline(trace, &names), String::new()];
    for (at, line) in head.iter().flat_map(|text| wrapped(text, WIDTH, LINES)).enumerate() {
        let mut row = Row::new();
        let title = row.put(0, &line);
        row.paint(title, if at == 0 { BOLD } else { "0" });
        rows.push(row);
    }
    if let Some(began) = trace.began() {
        Drawing::new(&names, &steps, began).draw(&steps, &mut rows);
    }
    let mut text = String::new();
    rows.iter().for_each(|row| row.print(ink == Ink::Coloured, &mut text));
    text
}

struct Drawing<'a> {
    names: &'a [String],
    columns: Columns,
    began: Moment,
    /// The address that stands under each name.
    addresses: HashMap<usize, SocketAddr>,
    /// The time that stands beside the line above.
    shown: String,
}

impl<'a> Drawing<'a> {
    fn new(names: &'a [String], steps: &[Step], began: Moment) -> Self {
        let mut addresses = HashMap::new();
        for step in steps {
            if let What::Message { peer, .. } = &step.what {
                addresses.entry(step.leg).or_insert(*peer);
            }
        }
        Self { names, columns: Columns::of(steps), began, addresses, shown: String::new() }
    }

    fn draw(mut self, steps: &[Step], rows: &mut Vec<Row>) {
        let top: Vec<usize> = [0].into_iter().chain(self.columns.first_tenants()).collect();
        rows.extend(self.titles(&top, Row::new()));
        if let Some(row) = rows.iter_mut().rev().nth(1) {
            let line = self.columns.switch();
            let title = row.centre(self.columns.above(line, "Trunkline"), "Trunkline");
            row.paint(title, BOLD);
        }
        rows.push(self.columns.row());
        for (at, step) in steps.iter().enumerate() {
            if let Some(leg) = self.columns.moves_in(at) {
                rows.extend(self.titles(&[leg], self.columns.row()));
            }
            self.step(step, rows);
        }
        rows.push(self.columns.row());
    }

    /// Names, and the addresses under them.
    fn titles(&self, legs: &[usize], blank: Row) -> [Row; 2] {
        let (mut names, mut addresses) = (blank.clone(), blank);
        for leg in legs {
            let (line, name) = (self.columns.line_of(*leg), self.name(*leg));
            let title = names.centre(self.columns.above(line, name), name);
            names.paint(title, BOLD);
            if let Some(address) = self.addresses.get(leg) {
                let address = address.to_string();
                let range = addresses.centre(self.columns.above(line, &address), &address);
                addresses.paint(range, DIM);
            }
        }
        [names, addresses]
    }

    fn name(&self, leg: usize) -> &'a str {
        self.names.get(leg).map_or("", String::as_str)
    }

    fn step(&mut self, step: &Step, rows: &mut Vec<Row>) {
        match &step.what {
            What::Message { text, direction, peer, is_failure } => {
                let mut row = self.columns.row();
                let (line, switch) = (self.columns.line_of(step.leg), self.columns.switch());
                let arrow = match direction {
                    Direction::FromPeer => row.arrow(line, switch),
                    Direction::ToPeer => row.arrow(switch, line),
                };
                let label = self.label(step.leg, text, *peer);
                // At least a dash and a space on either side.
                let beside = self.columns.beside(step.leg);
                row.centre(beside.start + 2..beside.end - 2, &format!(" {label} "));
                row.paint(arrow, if *is_failure { RED } else { "0" });
                self.time(step.at, true, &mut row);
                rows.push(row);
            }
            What::Note { text, weight } => {
                let at = self.columns.switch() + 1;
                let lines = wrapped(text, WIDTH - at - 2, LINES);
                for (number, line) in lines.into_iter().enumerate() {
                    let mut row = self.columns.row();
                    let range = row.put(at, &format!(" {line} "));
                    match weight {
                        Weight::Plain => {}
                        Weight::Alarm => row.paint(range, YELLOW),
                        Weight::End => row.paint(range, BOLD),
                    }
                    if number == 0 {
                        self.time(step.at, false, &mut row);
                    }
                    rows.push(row);
                }
            }
        }
    }

    /// What stands on an arrow: the message, and whose or where to if the column does not say it.
    fn label(&self, leg: usize, text: &str, peer: SocketAddr) -> String {
        let space = self.columns.beside(leg).len().saturating_sub(6);
        let whose = if self.columns.is_shared(leg) { format!("{}: ", self.name(leg)) } else { String::new() };
        let label = format!("{whose}{text}");
        let is_elsewhere = self.addresses.get(&leg).is_some_and(|usual| *usual != peer);
        let full = format!("{label} {peer}");
        if is_elsewhere && cells(&full).len() <= space { full } else { label }
    }

    /// The time since the call began; beside a sentence only where it differs from the line above.
    fn time(&mut self, at: Moment, always: bool, row: &mut Row) {
        let since: Duration = at.since(self.began);
        let time = format!("+{}.{:03}", since.as_secs(), since.subsec_millis());
        if always || time != self.shown {
            let start = TIME.saturating_sub(time.len());
            let range = row.put(start, &time);
            row.paint(range, DIM);
        }
        self.shown = time;
    }
}
