//! The sentences of a ladder: what the switch did, in plain words.
//! It must never use a word that only its authors know.

use crate::ops::events::{Cause, Side};

/// How a leg ended. `is_caller`: it is the leg that the call began with.
pub(super) fn ended(name: &str, is_caller: bool, cause: &Cause, by: Side) -> String {
    let told = |what: &str| format!("{name} was told that {what}");
    match (cause, by, is_caller) {
        (Cause::HungUp, Side::Peer, _) => format!("{name} hung up"),
        (Cause::HungUp, Side::Switch, _) => format!("Trunkline ends the call of {name}"),
        (Cause::Cancelled, Side::Peer, _) => format!("{name} gave up before the answer"),
        (Cause::Cancelled, Side::Switch, _) => format!("{name} was let alone, as the caller gave up"),
        (Cause::Busy, _, false) => format!("{name} is busy"),
        (Cause::Busy, _, true) => told("the line is busy"),
        (Cause::NoAnswer, _, false) => format!("{name} did not answer in time"),
        (Cause::NoAnswer, _, true) => told("nobody answers"),
        (Cause::Declined, _, false) => format!("{name} declined"),
        (Cause::Declined, _, true) => told("the call was declined"),
        (Cause::NotFound, _, false) => format!("there is no {name}"),
        (Cause::NotFound, _, true) => told("there is no such number"),
        (Cause::AnsweredElsewhere, ..) => format!("{name} was let alone, as another one answered"),
        (Cause::Unreachable, _, false) => format!("{name} could not be reached"),
        (Cause::Unreachable, _, true) => told("nobody could be reached"),
        (Cause::NoAck, ..) => format!("{name} never acknowledged the answer"),
        (Cause::MediaTimeout, ..) => format!("no sound came from {name} for too long"),
        (Cause::NotAcceptable, ..) => format!("{name} and Trunkline have no codec in common"),
        (Cause::Overloaded, ..) => format!("{name} was refused, as Trunkline has no room left"),
        (Cause::Refused(status), Side::Peer, _) => format!("{name} refused with {status}"),
        (Cause::Refused(status), Side::Switch, _) => format!("{name} was refused with {status}"),
        (Cause::Maintenance, ..) => format!("Trunkline ends the call of {name}: it is taken out of service"),
        (Cause::Internal, ..) => format!("Trunkline lost the leg of {name}: it panicked too often"),
    }
}

/// What came back over HTTP and how long that took, in brackets; nothing of what took no time: that was no exchange.
pub(super) fn exchange(status: Option<u16>, took_us: u64) -> String {
    let took = (took_us > 0).then(|| format!("{} ms", took_us.div_ceil(1000)));
    let parts: Vec<String> = status.map(|status| status.to_string()).into_iter().chain(took).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// What came of one post of a status callback.
pub(super) fn callback(url: &str, attempt: u32, exchange: &str, code: Option<u32>, what: &str) -> String {
    match code {
        None => format!("callback to {url} delivered{exchange}"),
        Some(code) => format!("callback to {url}, try {attempt}{exchange}: {what} ({code})"),
    }
}

/// What an attempt to reach a target came to.
pub(super) fn attempt_failed(target: &str, status: u16) -> String {
    match status {
        0 => "the call to a callee could not even begin".to_owned(),
        408 => format!("no answer at all from {target} (408)"),
        status => format!("{target} says {status}"),
    }
}

/// What the media of a leg was like.
pub(super) fn quality(name: &str, [received, sent, lost, jitter_us, foreign]: [u64; 5]) -> String {
    let expected = received.saturating_add(lost);
    let permille = lost.saturating_mul(1000).checked_div(expected).unwrap_or(0);
    let mut text = format!(
        "sound of {name}: {received} packets, {lost} lost ({}.{} %), {sent} sent, jitter {}.{} ms",
        permille / 10,
        permille % 10,
        jitter_us / 1000,
        jitter_us % 1000 / 100,
    );
    if foreign > 0 {
        text.push_str(&format!(", {foreign} of strangers dropped"));
    }
    text
}
