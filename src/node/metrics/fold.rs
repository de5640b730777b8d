//! The event log as numbers: each line adds what it tells to the metrics.
//! It must never count what no line tells, nor one line twice.

use trunkline_media::moment::Moment;

use super::Metrics;
use super::families::{
    CALLBACKS, DIGITS, FINDINGS, LEGS_ANSWERED, LEGS_BEGUN, LEGS_ENDED, PANICS, POST_DIAL_DELAY, RESTARTS,
    RTP, RTP_FOREIGN, RTP_JITTER, RTP_LOST, TALK,
};
use crate::ops::events::{Cause, Entry, Event, Side};

/// Kinds of actors that lines name.
const ACTORS: [&str; 5] = ["leg", "call", "script", "outbox", "supervisor"];

impl Metrics {
    /// Counts a line that is added to the log of its leg, which was `before`.
    pub(in crate::node) fn fold(&self, before: &[Entry], entry: &Entry) {
        match &entry.event {
            Event::Invited { .. } => self.counter(&LEGS_BEGUN, &["inbound"]).increment(1),
            Event::Dialled { .. } => self.counter(&LEGS_BEGUN, &["outbound"]).increment(1),
            Event::Ringing | Event::EarlyMedia => self.progress(before, entry.at),
            Event::Answered => {
                self.progress(before, entry.at);
                self.counter(&LEGS_ANSWERED, &[direction(before)]).increment(1);
            }
            Event::Digit { .. } => self.counter(&DIGITS, &[]).increment(1),
            Event::ScriptFinding { code, .. } => self.counter(&FINDINGS, &[&code.to_string()]).increment(1),
            Event::Callback { code, .. } => {
                let result = code.map_or_else(|| "delivered".to_owned(), |code| code.to_string());
                self.counter(&CALLBACKS, &[&result]).increment(1);
            }
            Event::Panicked { actor, .. } => self.counter(&PANICS, &[kind(actor)]).increment(1),
            Event::Restored { actor, .. } => self.counter(&RESTARTS, &[kind(actor)]).increment(1),
            Event::Quality { received, sent, lost, jitter_us, foreign } => {
                self.counter(&RTP, &["received"]).increment(*received);
                self.counter(&RTP, &["sent"]).increment(*sent);
                self.counter(&RTP_LOST, &[]).increment(*lost);
                self.counter(&RTP_FOREIGN, &[]).increment(*foreign);
                if *received > 0 {
                    self.histogram(&RTP_JITTER, &[]).record(*jitter_us as f64 / 1e6);
                }
            }
            Event::Ended { cause, by } => self.ended(before, entry.at, cause, *by),
            _ => {}
        }
    }

    /// The first sign of life of a leg that we called.
    fn progress(&self, before: &[Entry], at: Moment) {
        let is_sign = |event: &Event| matches!(event, Event::Ringing | Event::EarlyMedia | Event::Answered);
        if before.iter().any(|entry| is_sign(&entry.event)) {
            return;
        }
        let dialled = before.iter().find(|entry| matches!(entry.event, Event::Dialled { .. }));
        if let Some(dialled) = dialled {
            self.histogram(&POST_DIAL_DELAY, &[]).record(at.since(dialled.at));
        }
    }

    fn ended(&self, before: &[Entry], at: Moment, cause: &Cause, by: Side) {
        let direction = direction(before);
        let by = match by {
            Side::Peer => "peer",
            Side::Switch => "switch",
        };
        self.counter(&LEGS_ENDED, &[direction, label(cause), by]).increment(1);
        let answered = before.iter().find(|entry| matches!(entry.event, Event::Answered));
        if let Some(answered) = answered {
            self.histogram(&TALK, &[direction]).record(at.since(answered.at));
        }
    }
}

/// Which way a leg goes, by the first lines of its log.
fn direction(log: &[Entry]) -> &'static str {
    let told = log.iter().find_map(|entry| match entry.event {
        Event::Invited { .. } => Some("inbound"),
        Event::Dialled { .. } => Some("outbound"),
        _ => None,
    });
    told.unwrap_or("unknown")
}

/// The kind of an actor, of the few that there are.
fn kind(actor: &str) -> &'static str {
    ACTORS.into_iter().find(|known| *known == actor).unwrap_or("other")
}

const fn label(cause: &Cause) -> &'static str {
    match cause {
        Cause::HungUp => "hung-up",
        Cause::Cancelled => "cancelled",
        Cause::Busy => "busy",
        Cause::NoAnswer => "no-answer",
        Cause::Declined => "declined",
        Cause::NotFound => "not-found",
        Cause::AnsweredElsewhere => "answered-elsewhere",
        Cause::Unreachable => "unreachable",
        Cause::NoAck => "no-ack",
        Cause::MediaTimeout => "media-timeout",
        Cause::NotAcceptable => "not-acceptable",
        Cause::Overloaded => "overloaded",
        Cause::Refused(_) => "refused",
        Cause::Maintenance => "maintenance",
        Cause::Internal => "internal",
    }
}
