//! What `trunkline call` prints: one call with all its legs, and what happened last.
//! It must never be wider than 100 columns.

use std::time::Duration;

use super::super::control::{CallReport, Quality};
use super::super::screen::{WIDTH, shortened, span, wrapped};
use super::super::sheet::{LegSheet, Sheet};
use super::super::trace::lines;
use super::counted;
use crate::ids::LegId;

/// Lines of the story that are shown.
const LINES: usize = 12;

/// A call at closer range.
pub fn sheet(report: &CallReport) -> String {
    let sheet = Sheet::of(report);
    let state = if sheet.is_up { "up" } else { "over" };
    let length = span(Duration::from_secs_f64(sheet.length_s.max(0.0)));
    let legs = counted(sheet.legs.len(), "leg");
    let mut text = format!("Call {}  {state}, {legs}\nbegan {} UTC, {length}\n", sheet.call, sheet.began);
    for leg in &sheet.legs {
        text.push('\n');
        of_leg(leg, &sheet, &mut text);
    }
    let story = lines(&report.trace);
    let first = story.len().saturating_sub(LINES);
    let began = report.trace.began().unwrap_or_default();
    text.push_str(if first > 0 { "\nLately\n" } else { "\nSo far\n" });
    for line in story.iter().skip(first) {
        let since = line.at.since(began);
        let time = format!("+{}.{:03}", since.as_secs(), since.subsec_millis());
        for (number, part) in wrapped(&line.text, WIDTH - 12, 3).into_iter().enumerate() {
            let time = if number == 0 { time.as_str() } else { "" };
            text.push_str(&format!("{time:>10}  {part}\n"));
        }
    }
    text
}

fn of_leg(leg: &LegSheet, sheet: &Sheet, text: &mut String) {
    let length = span(Duration::from_secs_f64(leg.for_s.max(0.0)));
    let end = match (&leg.cause, leg.by) {
        (Some(cause), Some(by)) => format!(": {}, by the {}", word(cause), word(&by)),
        _ => String::new(),
    };
    let held = if leg.is_held { ", held by the far end" } else { "" };
    let rows = [
        (leg.id.to_string(), Some(format!("{} for {length}{held}{end}", leg.state))),
        ("far end".to_owned(), Some(leg.peer.clone())),
        ("sound".to_owned(), sound(leg)),
        ("quality".to_owned(), leg.quality.as_ref().map(quality)),
        ("joined with".to_owned(), leg.joined_with.map(|other| name(other, sheet))),
        ("script".to_owned(), leg.verb.clone()),
        ("digits".to_owned(), Some(leg.digits.clone()).filter(|digits| !digits.is_empty())),
    ];
    for (number, (title, row)) in rows.into_iter().enumerate() {
        let Some(row) = row else { continue };
        if number == 0 {
            text.push_str(&format!("{}\n", shortened(&format!("{title}  {row}"), WIDTH)));
            continue;
        }
        for (part, row) in wrapped(&row, WIDTH - 15, 3).into_iter().enumerate() {
            let title = if part == 0 { title.as_str() } else { "" };
            text.push_str(&format!("  {title:<13}{row}\n"));
        }
    }
}

fn sound(leg: &LegSheet) -> Option<String> {
    let codec = leg.codec.as_ref()?;
    let to = leg.sound_to.map(|to| format!(" to {to}")).unwrap_or_default();
    let from = match leg.sound_from {
        Some(from) if Some(from) != leg.sound_to => format!(", comes from {from}"),
        _ => String::new(),
    };
    Some(format!("{codec}{to}{from}"))
}

/// One line about the sound.
fn quality(quality: &Quality) -> String {
    let expected = quality.received.saturating_add(quality.lost);
    let permille = quality.lost.saturating_mul(1_000).checked_div(expected).unwrap_or(0);
    let millis = |micros: u64| format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100);
    let mut text = format!(
        "{} in, {} lost ({}.{} %), {} out, jitter {}",
        quality.received,
        quality.lost,
        permille / 10,
        permille % 10,
        quality.sent,
        millis(quality.jitter_us)
    );
    let there = quality.lost_there_percent.map(|percent| format!("{percent} % lost there"));
    let more = [
        quality.round_trip_us.map(|round| format!("round trip {}", millis(round))),
        quality.longest_gap_ms.filter(|gap| *gap > 0).map(|gap| format!("longest gap {gap} ms")),
        there,
        Some(format!("{} of strangers", quality.foreign)).filter(|_| quality.foreign > 0),
    ];
    more.into_iter().flatten().for_each(|more| text.push_str(&format!(", {more}")));
    text
}

fn name(leg: LegId, sheet: &Sheet) -> String {
    let peer = sheet.legs.iter().find(|other| other.id == leg).map(|other| other.peer.as_str());
    format!("{leg}  {}", peer.unwrap_or_default())
}

/// A value by the word that stands for it in JSON.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word.replace('-', " "),
        Ok(serde_json::Value::Object(map)) => {
            map.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}
