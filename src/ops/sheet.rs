//! One call at closer range: each leg with its sound, its script and what was pressed, folded from the event log.
//! It must never ask for more than the log and what is up tell: a call that is over looks the same.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use trunkline_media::moment::Moment;

use super::control::{CallReport, LegNow, Quality};
use super::events::{Cause, Entry, Event, Side};
use super::trace::{LegTrace, Wall};
use crate::ids::{CallId, LegId};

/// Events of a leg that are shown.
const RECENT: usize = 10;
/// Digits that are kept.
const DIGITS: usize = 64;

/// A call, up or over.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sheet {
    /// Which.
    pub call: CallId,
    /// Whether it is up.
    pub is_up: bool,
    /// When it began, UTC.
    pub began: String,
    /// Its length until now or until its end, seconds.
    pub length_s: f64,
    /// Its legs, the caller's first.
    pub legs: Vec<LegSheet>,
}

/// A leg of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegSheet {
    /// Which.
    pub id: LegId,
    /// The far end.
    pub peer: String,
    /// `incoming`, `outgoing`, `up`, `leaving` or `over`.
    pub state: String,
    /// How long it has been in that state, or was up: seconds.
    pub for_s: f64,
    /// The codec agreed on.
    pub codec: Option<String>,
    /// Where our sound goes.
    pub sound_to: Option<SocketAddr>,
    /// Where the far end's really comes from.
    pub sound_from: Option<SocketAddr>,
    /// Whether the far end holds the call.
    pub is_held: bool,
    /// The leg that it talks to.
    pub joined_with: Option<LegId>,
    /// The verb that its script is at, with what it does.
    pub verb: Option<String>,
    /// What was pressed so far; of many the latest.
    pub digits: String,
    /// What its sound is like, or was.
    pub quality: Option<Quality>,
    /// Why it ended.
    pub cause: Option<Cause>,
    /// Who ended it.
    pub by: Option<Side>,
    /// The latest events.
    pub recent: Vec<Entry>,
}

impl Sheet {
    /// What a report says.
    pub fn of(report: &CallReport) -> Self {
        let CallReport { trace, up, now } = report;
        let is_up = !up.is_empty();
        let last = trace.legs.iter().filter_map(|leg| leg.entries.last()).map(|entry| entry.at).max();
        let began = trace.began().unwrap_or_default();
        let until = if is_up { *now } else { last.unwrap_or(began) };
        let leg = |leg: &LegTrace| {
            let now_up = up.iter().find(|now_up| now_up.summary.id == leg.id);
            folded(leg, now_up, *now)
        };
        Self {
            call: trace.call,
            is_up,
            began: wall(trace.wall(began)),
            length_s: seconds(until.since(began)),
            legs: trace.legs.iter().map(leg).collect(),
        }
    }
}

fn folded(leg: &LegTrace, up: Option<&LegNow>, now: Moment) -> LegSheet {
    let began = leg.entries.first().map_or(now, |entry| entry.at);
    let mut sheet = LegSheet {
        id: leg.id,
        peer: leg.peer.clone(),
        state: up.map_or_else(|| "over".to_owned(), |up| up.summary.state.clone()),
        for_s: 0.0,
        codec: None,
        sound_to: None,
        sound_from: None,
        is_held: false,
        joined_with: None,
        verb: None,
        digits: String::new(),
        quality: up.and_then(|up| up.quality),
        cause: None,
        by: None,
        recent: leg.entries.iter().rev().take(RECENT).rev().cloned().collect(),
    };
    let mut changed = began;
    let mut ended = None;
    for entry in &leg.entries {
        match &entry.event {
            Event::Answered => changed = entry.at,
            Event::Ended { .. } => ended = Some(entry.at),
            _ => {}
        }
        note(&mut sheet, &entry.event);
    }
    sheet.for_s = seconds(match (up, ended) {
        (Some(up), Some(ended)) if up.summary.state == "leaving" => now.since(ended),
        (Some(_), _) => now.since(changed),
        (None, ended) => ended.unwrap_or(now).since(changed),
    });
    sheet
}

fn note(sheet: &mut LegSheet, event: &Event) {
    match event {
        Event::Negotiated { codec, media } => {
            (sheet.codec, sheet.sound_to) = (Some(codec.clone()), Some(*media));
        }
        Event::MediaLearnt { media } => sheet.sound_from = Some(*media),
        Event::Held => sheet.is_held = true,
        Event::Resumed => sheet.is_held = false,
        Event::Bridged { with } => sheet.joined_with = Some(*with),
        Event::Unbridged => sheet.joined_with = None,
        Event::VerbStarted { verb, detail } if detail.is_empty() => sheet.verb = Some(verb.clone()),
        Event::VerbStarted { verb, detail } => sheet.verb = Some(format!("{verb} “{detail}”")),
        Event::VerbEnded { .. } => sheet.verb = None,
        Event::Digit { digit } => {
            if sheet.digits.len() >= DIGITS {
                sheet.digits.remove(0);
            }
            sheet.digits.push(*digit);
        }
        Event::Quality { received, sent, lost, jitter_us, foreign, .. } => {
            let (received, sent, lost, jitter_us, foreign) = (*received, *sent, *lost, *jitter_us, *foreign);
            sheet.quality = Some(Quality { received, sent, lost, jitter_us, foreign, ..Quality::default() });
        }
        Event::Ended { cause, by } => {
            (sheet.cause, sheet.by) = (Some(cause.clone()), Some(*by));
            (sheet.joined_with, sheet.verb, sheet.is_held) = (None, None, false);
        }
        _ => {}
    }
}

fn wall(wall: Wall) -> String {
    format!("{wall:.3}")
}

fn seconds(span: Duration) -> f64 {
    // Milliseconds are enough, and read better.
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leg::LegSummary;
    use crate::ops::trace::Trace;

    fn id(number: u8) -> LegId {
        LegId::from_bytes([number; 16])
    }

    fn leg(number: u8, events: Vec<(u64, Event)>) -> LegTrace {
        let entry =
            |(second, event)| Entry { leg: id(number), at: Moment::from_micros(second * 1_000_000), event };
        LegTrace {
            id: id(number),
            peer: "sip:alice@x".into(),
            entries: events.into_iter().map(entry).collect(),
        }
    }

    fn report(legs: Vec<LegTrace>, up: &[(u8, &str)]) -> CallReport {
        let call = CallId(id(1));
        let now = |(number, state): &(u8, &str)| LegNow {
            summary: LegSummary {
                id: id(*number),
                call,
                peer: String::new(),
                state: (*state).to_owned(),
                began: Moment::default(),
            },
            quality: Some(Quality { received: 50, round_trip_us: Some(9_000), ..Quality::default() }),
        };
        CallReport {
            trace: Trace { call, boot_wall_us: 0, legs },
            up: up.iter().map(now).collect(),
            now: Moment::from_micros(20_000_000),
        }
    }

    fn spoken() -> Vec<(u64, Event)> {
        let media = ([192, 0, 2, 7], 4000).into();
        let started = |verb: &str| Event::VerbStarted { verb: verb.into(), detail: "menu".into() };
        vec![
            (5, Event::Negotiated { codec: "PCMU".into(), media }),
            (6, Event::Answered),
            (7, started("Say")),
            (8, Event::VerbEnded { verb: "Say".into(), outcome: "done".into() }),
            (9, started("Gather")),
            (10, Event::Digit { digit: '4' }),
            (11, Event::Digit { digit: '2' }),
            (12, Event::Held),
        ]
    }

    #[test]
    fn a_leg_that_is_up_shows_where_its_script_is_and_what_its_sound_is_like() {
        let sheet = Sheet::of(&report(vec![leg(1, spoken())], &[(1, "up")]));
        let leg = &sheet.legs[0];
        assert_eq!((sheet.is_up, sheet.length_s, leg.for_s), (true, 15.0, 14.0));
        assert_eq!((leg.verb.as_deref(), leg.digits.as_str()), (Some("Gather “menu”"), "42"));
        assert_eq!((leg.codec.as_deref(), leg.is_held), (Some("PCMU"), true));
        assert_eq!(leg.quality.and_then(|quality| quality.round_trip_us), Some(9_000));
        assert_eq!(leg.recent.len(), 8);
    }

    #[test]
    fn a_call_that_is_over_says_why_and_how_long_it_was() {
        let mut events = spoken();
        events.push((16, Event::Bridged { with: id(2) }));
        events.push((18, Event::Ended { cause: Cause::HungUp, by: Side::Peer }));
        events.push((18, Event::Quality { received: 500, sent: 510, lost: 3, jitter_us: 1_000, foreign: 0 }));
        let sheet = Sheet::of(&report(vec![leg(1, events)], &[]));
        let leg = &sheet.legs[0];
        assert_eq!((sheet.is_up, sheet.length_s, leg.for_s), (false, 13.0, 12.0));
        assert_eq!(
            (leg.state.as_str(), &leg.cause, leg.by),
            ("over", &Some(Cause::HungUp), Some(Side::Peer))
        );
        assert_eq!((leg.verb.as_ref(), leg.joined_with, leg.is_held), (None, None, false));
        assert_eq!(leg.quality.map(|quality| (quality.lost, quality.round_trip_us)), Some((3, None)));
        assert!(serde_json::to_string(&sheet).is_ok_and(|json| json.contains("\"cause\":\"hung-up\"")));
    }

    #[test]
    fn of_many_digits_the_latest_are_kept() {
        let digits = (0..100).map(|n| (n, Event::Digit { digit: if n < 50 { '1' } else { '2' } })).collect();
        let sheet = Sheet::of(&report(vec![leg(1, digits)], &[(1, "up")]));
        assert_eq!((sheet.legs[0].digits.len(), sheet.legs[0].digits.matches('2').count()), (64, 50));
    }
}
