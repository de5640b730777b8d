//! The text of all metrics, checked by a grammar of its own, and what lines of event logs add to it.
//! The grammar is that of Prometheus' text format 0.0.4; nothing of the exporter is used to read what it wrote.

use std::collections::{BTreeMap, BTreeSet};

use trunkline_media::moment::Moment;

use super::*;
use crate::ids::LegId;
use crate::ops::events::{Cause, Entry, Event, Side};

/// Samples by their name with labels, and the help and type of each family.
#[derive(Debug, Default)]
struct Exposition {
    samples: BTreeMap<String, f64>,
    helps: BTreeMap<String, String>,
    types: BTreeMap<String, String>,
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    let is_first = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || letter == ':';
    letters.next().is_some_and(is_first)
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':')
}

/// `a="b",c="d"` as pairs.
fn labels(mut text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").expect("a label is name=\"value\"");
        assert!(is_name(name), "{name}");
        let mut value = String::new();
        let mut letters = rest.char_indices();
        let end = loop {
            match letters.next().expect("a value ends with a quote") {
                (at, '"') => break at,
                (_, '\\') => {
                    let (_, escaped) = letters.next().expect("something is escaped");
                    assert!(matches!(escaped, '\\' | '"' | 'n'), "{escaped}");
                    value.push(escaped);
                }
                (_, letter) => value.push(letter),
            }
        };
        pairs.push((name.to_owned(), value));
        text = rest[end + 1..].trim_start_matches(',');
    }
    pairs
}

/// Reads the text format, or panics where it is none.
fn read(text: &str) -> Exposition {
    let mut read = Exposition::default();
    assert!(text.ends_with('\n'), "the last line ends too");
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (keyword, name, rest) = (words.next(), words.next().expect("a name"), words.next());
            assert!(is_name(name), "{line}");
            let told = match keyword {
                Some("HELP") => &mut read.helps,
                Some("TYPE") => &mut read.types,
                _ => panic!("{line}"),
            };
            let before = told.insert(name.to_owned(), rest.expect("a rest").to_owned());
            assert_eq!(before, None, "told twice: {line}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
        let value: f64 = value.parse().expect("a number");
        let (name, pairs) = match series.split_once('{') {
            Some((name, rest)) => (name, labels(rest.strip_suffix('}').expect("labels are closed"))),
            None => (series, Vec::new()),
        };
        assert!(is_name(name), "{line}");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let is_typed = |name: &str| read.types.contains_key(name);
        assert!(is_typed(name) || family.is_some_and(is_typed), "a sample before its type: {line}");
        assert_eq!(read.samples.insert(series.to_owned(), value), None, "twice: {series}");
        let names: BTreeSet<&String> = pairs.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), pairs.len(), "{line}");
    }
    read
}

fn metrics() -> Metrics {
    Metrics::new().expect("the table is sound")
}

fn at(millis: u64) -> Moment {
    Moment::from_micros(millis * 1_000)
}

/// Folds the log of one leg.
fn fold(metrics: &Metrics, events: impl IntoIterator<Item = (u64, Event)>) {
    let leg = LegId::from_bytes([1; 16]);
    let mut log: Vec<Entry> = Vec::new();
    for (millis, event) in events {
        let entry = Entry { leg, at: at(millis), event };
        metrics.fold(&log, &entry);
        log.push(entry);
    }
}

fn invited() -> Event {
    Event::Invited { from: "sip:alice@example.com".to_owned(), to: "sip:100@example.com".to_owned() }
}

fn dialled() -> Event {
    Event::Dialled {
        from: String::new(),
        to: "sip:bob@example.com".to_owned(),
        parent: LegId::from_bytes([2; 16]),
    }
}

#[test]
fn the_text_has_the_grammar_of_prometheus_and_every_metric_is_documented() {
    let metrics = metrics();
    fold(&metrics, [(0, dialled()), (200, Event::Ringing), (300, Event::Answered)]);
    metrics.webhook(Errand::Document, Duration::from_millis(80), None);
    let read = read(&metrics.text());
    let known: BTreeMap<&str, &Family> = ALL.iter().map(|family| (family.name, family)).collect();
    assert_eq!(known.len(), ALL.len(), "a name stands once in the table");
    for (name, kind) in &read.types {
        let family = known.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the table"));
        let expected = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        assert_eq!(kind, expected, "{name}");
        assert_eq!(read.helps.get(name).map(String::as_str), Some(family.help), "{name}");
    }
    for family in ALL.iter().filter(|family| family.labels.is_empty()) {
        assert!(read.types.contains_key(family.name), "{} is there from the start", family.name);
    }
}

#[test]
fn names_follow_the_conventions_and_labels_are_few() {
    for family in ALL {
        let Family { name, kind, labels, help } = family;
        assert!(name.starts_with("trunkline_") || name.starts_with("process_"), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        assert!(help.ends_with('.') && !help.contains('\n'), "{name}");
        assert!(labels.len() <= 3, "{name}");
        let bounded = ["actor", "arbiter", "by", "cause", "code", "direction", "kind", "method", "reason"];
        let bounded = [bounded.as_slice(), &["result", "side", "status", "version"]].concat();
        assert!(labels.iter().all(|label| bounded.contains(label)), "{name}: {labels:?}");
        if let Kind::Histogram(bounds) = kind {
            assert!(bounds.is_sorted() && !bounds.is_empty(), "{name}");
        }
    }
}

#[test]
fn an_outbound_leg_is_counted_from_its_invite_to_its_end() {
    let metrics = metrics();
    let quality = Event::Quality { received: 500, sent: 510, lost: 3, jitter_us: 4_000, foreign: 7 };
    fold(
        &metrics,
        [
            (1_000, dialled()),
            (1_400, Event::Ringing),
            (3_000, Event::EarlyMedia),
            (9_000, Event::Answered),
            (9_500, Event::Digit { digit: '5' }),
            (20_000, quality),
            (20_000, Event::Ended { cause: Cause::HungUp, by: Side::Peer }),
        ],
    );
    let read = read(&metrics.text());
    let sample = |series: &str| *read.samples.get(series).unwrap_or_else(|| panic!("no {series}: {read:#?}"));
    assert_eq!(sample("trunkline_legs_begun_total{direction=\"outbound\"}"), 1.0);
    assert_eq!(sample("trunkline_legs_begun_total{direction=\"inbound\"}"), 0.0);
    assert_eq!(sample("trunkline_legs_answered_total{direction=\"outbound\"}"), 1.0);
    let ended = "trunkline_legs_ended_total{direction=\"outbound\",cause=\"hung-up\",by=\"peer\"}";
    assert_eq!(sample(ended), 1.0);
    assert_eq!(sample("trunkline_post_dial_delay_seconds_count"), 1.0, "the first sign counts, no other");
    assert_eq!(sample("trunkline_post_dial_delay_seconds_bucket{le=\"0.25\"}"), 0.0);
    assert_eq!(sample("trunkline_post_dial_delay_seconds_bucket{le=\"0.5\"}"), 1.0);
    assert_eq!(sample("trunkline_post_dial_delay_seconds_bucket{le=\"+Inf\"}"), 1.0);
    assert_eq!(sample("trunkline_leg_talk_seconds_sum{direction=\"outbound\"}"), 11.0);
    assert_eq!(sample("trunkline_digits_total"), 1.0);
    assert_eq!(sample("trunkline_rtp_packets_total{direction=\"received\"}"), 500.0);
    assert_eq!(sample("trunkline_rtp_lost_packets_total"), 3.0);
    assert_eq!(sample("trunkline_rtp_foreign_packets_total"), 7.0);
    assert_eq!(sample("trunkline_rtp_jitter_seconds_sum"), 0.004);
}

#[test]
fn a_caller_that_gives_up_has_no_post_dial_delay_and_no_talk() {
    let metrics = metrics();
    let ended = Event::Ended { cause: Cause::Cancelled, by: Side::Peer };
    fold(&metrics, [(0, invited()), (50, Event::Ringing), (900, ended)]);
    let read = read(&metrics.text());
    assert_eq!(read.samples["trunkline_post_dial_delay_seconds_count"], 0.0);
    assert!(read.samples.keys().all(|series| !series.starts_with("trunkline_leg_talk")));
    let ended = "trunkline_legs_ended_total{direction=\"inbound\",cause=\"cancelled\",by=\"peer\"}";
    assert_eq!(read.samples[ended], 1.0);
}

#[test]
fn refusals_are_counted_by_reason_from_zero() {
    let metrics = metrics();
    metrics.admission(None);
    metrics.admission(Some(Refusal::Pace));
    metrics.admission(Some(Refusal::Pace));
    let read = read(&metrics.text());
    assert_eq!(read.samples["trunkline_calls_admitted_total"], 1.0);
    assert_eq!(read.samples["trunkline_calls_refused_total{reason=\"pace\"}"], 2.0);
    assert_eq!(read.samples["trunkline_calls_refused_total{reason=\"calls\"}"], 0.0);
}

#[test]
fn what_strangers_make_up_makes_no_new_series() {
    let metrics = metrics();
    let before = read(&metrics.text()).samples.len();
    for number in 0..2_000_u32 {
        metrics.received(format!("METHOD{number} sip:a@b SIP/2.0\r\n\r\n").as_bytes());
        metrics.received(format!("SIP/2.0 {number:03} Hm\r\n\r\n").as_bytes());
        metrics.received(format!("SIP/2.0 {number}").as_bytes());
    }
    for odd in ["", "\r\n\r\n", "SIP/2.0 ", "SIP/2.0 99", "SIP/2.0 +20", "SIP/2.0 abc", " ", "\u{0}\u{0} x"] {
        metrics.received(odd.as_bytes());
    }
    metrics.sent(b"SIP/2.0 486 Busy Here\r\n\r\n");
    metrics.received(b"INVITE sip:a@b SIP/2.0\r\n\r\n");
    for actor in ["leg", "made-up", "another"] {
        let event = Event::Panicked { actor: actor.to_owned(), message: "x".to_owned() };
        fold(&metrics, [(0, event)]);
    }
    let read = read(&metrics.text());
    assert_eq!(read.samples.len(), before + 2, "panics of a leg and of others");
    assert_eq!(read.samples["trunkline_actor_panics_total{actor=\"other\"}"], 2.0);
    assert_eq!(read.samples["trunkline_sip_requests_total{direction=\"received\",method=\"INVITE\"}"], 1.0);
    assert!(read.samples["trunkline_sip_requests_total{direction=\"received\",method=\"other\"}"] >= 2_000.0);
    assert_eq!(read.samples["trunkline_sip_responses_total{direction=\"sent\",status=\"486\"}"], 1.0);
}

#[test]
fn two_nodes_of_one_process_count_apart() {
    let (one, other) = (metrics(), metrics());
    one.admission(None);
    assert_eq!(read(&other.text()).samples["trunkline_calls_admitted_total"], 0.0);
}

#[test]
fn the_process_is_seen() {
    let process = Process::read();
    assert!(process.memory > 1 << 20 && process.descriptors > 2, "{process:?}");
    assert!(process.descriptors_limit >= process.descriptors && process.cpu > Duration::ZERO, "{process:?}");
}
