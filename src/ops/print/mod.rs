//! Tables and the start banner: what the commands of an operator print.
//! It must never be wider than 100 columns, nor decide what is printed.

mod banner;
mod reload;
mod sheet;
mod table;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use trunkline_media::moment::Moment;

pub use self::banner::{Banner, banner};
pub use self::reload::{count, findings, reload};
pub use self::sheet::sheet;
use self::table::Table;
use super::control::{Census, Drained, RegistrationSummary};
use super::screen::span;
use crate::config::Credentials;
use crate::ids::CallId;
use crate::ledger::CallRecord;
use crate::leg::LegSummary;

/// The table of `trunkline calls`: the oldest call first, each with the caller's leg first.
pub fn calls(legs: &[LegSummary], now: Moment) -> String {
    let mut began: HashMap<CallId, Moment> = HashMap::new();
    for leg in legs {
        began.entry(leg.call).and_modify(|first| *first = leg.began.min(*first)).or_insert(leg.began);
    }
    if legs.is_empty() {
        return "no calls\n".to_owned();
    }
    let mut sorted: Vec<&LegSummary> = legs.iter().collect();
    sorted.sort_by_key(|leg| {
        (began.get(&leg.call).copied(), leg.call, leg.id != leg.call.0, leg.began, leg.id)
    });
    let mut table = Table::of(&[("CallSid", 36), ("State", 10), ("Since", 11), ("With", 36)]);
    for leg in sorted {
        let indent = if leg.id == leg.call.0 { "" } else { "  " };
        let since = span(now.since(leg.began));
        table.row([format!("{indent}{}", leg.id), leg.state.clone(), since, leg.peer.clone()]);
    }
    format!("{}{}, {}\n", table.print(), counted(began.len(), "call"), counted(legs.len(), "leg"))
}

/// The table of `trunkline registrations`, by user.
pub fn registrations(phones: &[RegistrationSummary]) -> String {
    if phones.is_empty() {
        return "no telephone is registered\n".to_owned();
    }
    let mut sorted: Vec<&RegistrationSummary> = phones.iter().collect();
    sorted.sort_by(|a, b| (&a.user, &a.contact).cmp(&(&b.user, &b.contact)));
    let columns = [("User", 14), ("Contact", 28), ("Reached at", 23), ("Lapses in", 11), ("Software", 16)];
    let mut table = Table::of(&columns);
    for phone in sorted {
        table.row([
            phone.user.clone(),
            phone.contact.clone(),
            format!("{} {}", phone.transport, phone.received),
            span(std::time::Duration::from_secs(phone.expires_in_s)),
            phone.user_agent.clone().unwrap_or_default(),
        ]);
    }
    table.print()
}

/// The output of `trunkline credentials`.
pub fn credentials(credentials: &Credentials) -> String {
    let mut table = Table::of(&[("User", 20), ("Password", 40)]);
    for (user, password) in &credentials.users {
        table.row([user.clone(), password.clone()]);
    }
    let account =
        format!("Account SID  {}\nAuth token   {}\n", credentials.account_sid, credentials.auth_token);
    format!("{}\n{account}", table.print())
}

/// The table of `trunkline census`.
pub fn census(census: &Census) -> String {
    let counts = [
        ("calls", census.calls),
        ("legs", census.legs),
        ("scripts", census.scripts),
        ("outboxes", census.outboxes),
        ("actors", census.actors),
        ("tasks", census.tasks),
        ("letters in flight", census.mails),
        ("snapshots", census.snapshots),
        ("port pairs", census.ports),
        ("media sessions", census.sessions),
        ("client transactions", census.client_transactions),
        ("server transactions", census.server_transactions),
        ("orphaned INVITEs", census.orphans),
        ("dialogs", census.dialogs),
    ];
    let mut text: String = counts.iter().map(|(name, count)| format!("{name:<20}{count:>8}\n")).collect();
    if census.is_empty() {
        text.push_str("nothing is left of any call\n");
    }
    text
}

/// How far a drain is.
pub fn draining(drained: &Drained) -> String {
    let Drained { drain, now, calls, legs, outboxes } = drained;
    let Some(drain) = drain else { return "new calls are taken".to_owned() };
    let count = |count: &u64, noun: &str| counted(usize::try_from(*count).unwrap_or(usize::MAX), noun);
    format!(
        "draining for {}: {}, {} and the callbacks of {} are left; what is still up in {} is ended",
        span(now.since(drain.since)),
        count(calls, "call"),
        count(legs, "leg"),
        count(outboxes, "call"),
        span(drain.until.since(*now)),
    )
}

/// The table of `trunkline records`.
pub fn records(records: &[CallRecord]) -> String {
    if records.is_empty() {
        return "no call is over\n".to_owned();
    }
    let columns = [("CallSid", 36), ("Start, UTC", 24), ("Talked", 9), ("Status", 9), ("To", 18)];
    let mut table = Table::of(&columns);
    for record in records {
        let indent = if record.parent.is_some() { "  " } else { "" };
        let talked = span(std::time::Duration::from_millis(record.billable_ms));
        let status = record.status.as_str().to_owned();
        table.row([
            format!("{indent}{}", record.sid),
            record.start.clone(),
            talked,
            status,
            record.to.clone(),
        ]);
    }
    table.print()
}

/// What `trunkline hangup` did.
pub fn hung_up(legs: u64) -> String {
    match legs {
        0 => "nobody talks".to_owned(),
        1 => "1 leg is being ended".to_owned(),
        legs => format!("{legs} legs are being ended"),
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
