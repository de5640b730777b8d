//! `trunkline calls` and `trunkline registrations`: lists, and what is left out of them.
//! It must never tear a call apart: who talks to somebody is shown with them.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use trunkline::ids::CallId;
use trunkline::leg::LegSummary;
use trunkline::ops::control::{self, Answer, Question};
use trunkline::ops::print;
use trunkline::supervision::{Clock as _, SystemClock};
use trunkline_media::moment::Moment;

use super::show::{json, say};

/// The legs that are up.
pub fn calls(
    data: &Path,
    user: Option<&str>,
    longer_than: Option<Duration>,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let Answer::Calls(legs) = control::ask(data, &Question::Calls)? else {
        anyhow::bail!("the switch answered another question");
    };
    let now = SystemClock.now();
    let legs = of_interest(legs, user, longer_than, now);
    say(&if as_json { json(&legs)? } else { print::calls(&legs, now) })
}

/// The phones that are registered.
pub fn registrations(data: &Path, user: Option<&str>, as_json: bool) -> anyhow::Result<ExitCode> {
    let Answer::Registrations(mut phones) = control::ask(data, &Question::Registrations)? else {
        anyhow::bail!("the switch answered another question");
    };
    phones.retain(|phone| user.is_none_or(|user| phone.user == user));
    say(&if as_json { json(&phones)? } else { print::registrations(&phones) })
}

/// The legs of every call in which one leg is wanted.
fn of_interest(
    legs: Vec<LegSummary>,
    user: Option<&str>,
    longer_than: Option<Duration>,
    now: Moment,
) -> Vec<LegSummary> {
    let is_wanted = |leg: &&LegSummary| {
        user.is_none_or(|user| leg.peer.contains(user))
            && longer_than.is_none_or(|span| now.since(leg.began) > span)
    };
    let calls: HashSet<CallId> = legs.iter().filter(is_wanted).map(|leg| leg.call).collect();
    legs.into_iter().filter(|leg| calls.contains(&leg.call)).collect()
}

#[cfg(test)]
mod tests {
    use trunkline::ids::LegId;

    use super::*;

    #[test]
    fn a_call_is_shown_whole_if_one_of_its_legs_is_wanted() {
        let leg = |id: u8, call: u8, peer: &str, began_s: u64| LegSummary {
            id: LegId::from_bytes([id; 16]),
            call: CallId(LegId::from_bytes([call; 16])),
            peer: peer.to_owned(),
            state: "up".to_owned(),
            began: Moment::from_micros(began_s * 1_000_000),
        };
        let legs =
            vec![leg(1, 1, "sip:alice@x", 10), leg(2, 1, "sip:bob@x", 12), leg(3, 3, "sip:carol@x", 90)];
        let now = Moment::from_micros(100_000_000);
        let shown = |user, longer_than| -> Vec<String> {
            let legs = of_interest(legs.clone(), user, longer_than, now);
            legs.into_iter().map(|leg| leg.peer).collect()
        };
        assert_eq!(shown(None, None).len(), 3);
        assert_eq!(shown(Some("bob"), None), ["sip:alice@x", "sip:bob@x"]);
        assert_eq!(shown(None, Some(Duration::from_secs(60))), ["sip:alice@x", "sip:bob@x"]);
        assert!(shown(Some("carol"), Some(Duration::from_secs(60))).is_empty());
    }
}
