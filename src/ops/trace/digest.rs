//! A call in one line: who called whom, what came of it, and who ended it.
//! It must never need more than the logs, nor more than 100 columns.

use trunkline_media::moment::Moment;

use super::{LegTrace, Trace, names, words};
use crate::ops::events::{Cause, Event, Side};
use crate::ops::screen::{WIDTH, shortened, span};

/// A call in one line, for lists: `2026-11-24 10:31:07  CA…  alice calls bob: talked 12.4 s, bob hung up`.
pub fn digest(trace: &Trace) -> String {
    let names = names::of_legs(trace);
    let began = trace.began().map(|began| trace.wall(began).to_string()).unwrap_or_default();
    shortened(
        &format!("{began}  {}  {}: {}", trace.call, parties(trace, &names), outcome(trace, &names)),
        WIDTH,
    )
}

/// The second line of a ladder.
pub(super) fn headline(trace: &Trace, names: &[String]) -> String {
    let Some(began) = trace.began() else { return "nothing is known of this call".to_owned() };
    format!("{}, {:.3} UTC: {}", parties(trace, names), trace.wall(began), outcome(trace, names))
}

fn parties(trace: &Trace, names: &[String]) -> String {
    let name = |leg: usize| names.get(leg).map_or("somebody", String::as_str);
    let dialled = trace.entries().find_map(|entry| match &entry.event {
        Event::Invited { to, .. } => Some(names::short(to)),
        _ => None,
    });
    format!("{} calls {}", name(0), dialled.unwrap_or_else(|| name(1)))
}

/// How far the caller got, and how it ended.
fn outcome(trace: &Trace, names: &[String]) -> String {
    let Some(caller) = trace.legs.first() else { return "nobody called".to_owned() };
    let answered = first(caller, |event| matches!(event, Event::Answered));
    let end = caller.entries.iter().find_map(|entry| match &entry.event {
        Event::Ended { cause, by } => Some((entry.at, cause, *by)),
        _ => None,
    });
    let Some((ended, cause, by)) = end else {
        return if answered.is_some() { "answered, not ended" } else { "not answered yet" }.to_owned();
    };
    let name = |leg: usize| names.get(leg).map_or("somebody", String::as_str);
    let who = match by {
        Side::Peer => words::ended(name(0), true, cause, by),
        // The caller's leg only follows: who hung up or refused is told by the last leg that its far end ended.
        Side::Switch => decisive(trace, ended)
            .map(|(leg, cause)| words::ended(name(leg), false, cause, Side::Peer))
            .unwrap_or_else(|| words::ended(name(0), true, cause, by)),
    };
    match answered {
        Some(answered) => format!("talked {}, {who}", span(ended.since(answered))),
        None => who,
    }
}

/// The last callee that ended its leg by itself until `ended`, and why.
fn decisive(trace: &Trace, ended: Moment) -> Option<(usize, &Cause)> {
    let callees = trace.legs.iter().enumerate().skip(1);
    let ends = callees.flat_map(|(leg, log)| log.entries.iter().map(move |entry| (leg, entry)));
    let by_peer = ends.filter_map(|(leg, entry)| match &entry.event {
        Event::Ended { cause, by: Side::Peer } if entry.at <= ended => Some((entry.at, leg, cause)),
        _ => None,
    });
    by_peer.max_by_key(|(at, ..)| *at).map(|(_, leg, cause)| (leg, cause))
}

fn first(leg: &LegTrace, is: impl Fn(&Event) -> bool) -> Option<Moment> {
    leg.entries.iter().find(|entry| is(&entry.event)).map(|entry| entry.at)
}
