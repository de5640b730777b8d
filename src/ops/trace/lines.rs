//! The story of a call line by line: for those who follow it, and for its latest events.
//! It must never need more than was told so far: what comes later changes no line.

use std::collections::HashMap;

use trunkline_media::moment::Moment;

use super::story::{Direction, Step, What, latest, tell};
use super::{LegTrace, Trace, Wall, names};
use crate::ids::CallId;
use crate::ops::events::{Entry, Event};
use crate::ops::screen::cells;

/// Calls that a follower remembers at a time; past it, what it knows of the oldest is forgotten.
const CALLS: usize = 10_000;

/// One line of a call's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Moment,
    /// What: a message with an arrow, or a sentence.
    pub text: String,
}

/// The story of a call, line by line.
pub fn lines(trace: &Trace) -> Vec<Line> {
    let names = names::of_legs(trace);
    tell(trace, &names).into_iter().map(|step| line(step, &names)).collect()
}

fn line(step: Step, names: &[String]) -> Line {
    let name = names.get(step.leg).map_or("somebody", String::as_str);
    let text = match step.what {
        What::Message { text, direction: Direction::FromPeer, .. } => format!("{name} → {text}"),
        What::Message { text, direction: Direction::ToPeer, .. } => format!("{name} ← {text}"),
        What::Note { text, .. } => text,
    };
    // What strangers said must not steer the terminal.
    Line { at: step.at, text: cells(&text).into_iter().filter(|c| *c != '\0').collect() }
}

/// Remembers what was told of each call, so that a new event can be said in a sentence.
#[derive(Debug)]
pub struct Follower {
    boot_wall_us: u64,
    shows_calls: bool,
    calls: HashMap<CallId, Trace>,
}

impl Follower {
    /// A follower of all calls, or of one: then its name need not stand in each line. `boot_wall_us` is the wall clock of
    /// [`Moment`] 0.
    pub fn new(boot_wall_us: u64, shows_calls: bool) -> Self {
        Self { boot_wall_us, shows_calls, calls: HashMap::new() }
    }

    /// What happened before.
    pub fn begin(&mut self, trace: Trace) -> Vec<String> {
        let call = trace.call;
        let told = lines(&trace).into_iter().map(|line| self.written(call, line)).collect();
        self.calls.insert(call, trace);
        told
    }

    /// Something happened to a leg with this far end. `None`: the line before has said so.
    pub fn told(&mut self, call: CallId, peer: &str, entry: Entry) -> Option<String> {
        if self.calls.len() >= CALLS && !self.calls.contains_key(&call) {
            let oldest = self.calls.values().min_by_key(|trace| trace.began()).map(|trace| trace.call);
            oldest.map(|call| self.calls.remove(&call));
        }
        let boot_wall_us = self.boot_wall_us;
        let trace = self.calls.entry(call).or_insert(Trace { call, boot_wall_us, legs: Vec::new() });
        let at = trace.legs.iter().position(|leg| leg.id == entry.leg).unwrap_or_else(|| {
            trace.legs.push(LegTrace { id: entry.leg, peer: peer.to_owned(), entries: Vec::new() });
            trace.legs.len() - 1
        });
        trace.legs.get_mut(at)?.entries.push(entry);
        let names = names::of_legs(trace);
        let said = latest(trace, &names, at).map(|step| line(step, &names));
        if is_over(trace) {
            self.calls.remove(&call);
        }
        said.map(|line| self.written(call, line))
    }

    fn written(&self, call: CallId, line: Line) -> String {
        let wall = Wall::from_micros(line.at.wall(self.boot_wall_us));
        let call = if self.shows_calls { format!("{call}  ") } else { String::new() };
        format!("{wall:.3}  {call}{}", line.text)
    }
}

/// Nothing but the quality may follow the end of the caller's leg, once every leg has ended.
fn is_over(trace: &Trace) -> bool {
    let has_ended =
        |leg: &LegTrace| leg.entries.iter().any(|entry| matches!(entry.event, Event::Quality { .. }));
    trace.legs.iter().all(has_ended)
}
