//! What the parties of a call are called in its ladder.
//! It must never give two of them the same name.

use super::Trace;
use crate::ops::events::Event;

/// A name for every leg, in the order of the trace.
pub(super) fn of_legs(trace: &Trace) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(trace.legs.len());
    for (at, leg) in trace.legs.iter().enumerate() {
        let told = leg.entries.iter().find_map(|entry| match &entry.event {
            Event::Invited { from, .. } => Some(from),
            Event::Dialled { to, .. } => Some(to),
            _ => None,
        });
        let name = match (short(&leg.peer), told.map(|uri| short(uri))) {
            (peer, _) if !peer.is_empty() => peer.to_owned(),
            (_, Some(told)) if !told.is_empty() => told.to_owned(),
            _ if at == 0 => "the caller".to_owned(),
            _ => "a callee".to_owned(),
        };
        let same = names.iter().filter(|other| without_count(other) == name).count();
        names.push(if same == 0 { name } else { format!("{name} ({})", same + 1) });
    }
    names
}

fn without_count(name: &str) -> &str {
    name.strip_suffix(')').and_then(|name| name.rsplit_once(" (")).map_or(name, |(name, _)| name)
}

/// The part of a URI, or of a header with one, by which people know somebody: the user, else the host.
pub(super) fn short(address: &str) -> &str {
    let uri = address.rsplit_once('<').map_or(address, |(_, uri)| uri);
    let uri = uri.split(['>', '?']).next().unwrap_or_default().trim();
    let schemes = ["sip:", "sips:", "tel:", "client:"];
    let is = |scheme: &&str| uri.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let rest =
        schemes.iter().find(|scheme| is(scheme)).and_then(|scheme| uri.get(scheme.len()..)).unwrap_or(uri);
    match rest.rsplit_once('@') {
        Some((user, _)) => user.split([':', ';']).next().unwrap_or_default(),
        None => rest.split(';').next().unwrap_or_default(),
    }
}
