//! A switch that is taken out of service, and what it keeps of its calls.
//! It must never believe the switch where the wire can be asked.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Capture, Switch, eventually};

/// Seconds by which a record and the wire may differ, on a machine that is busy.
const CLOSE: f64 = 0.05;

fn legs_up(switch: &Switch) -> usize {
    let legs = switch.json(&["calls"]);
    legs.as_array().map_or(0, |legs| legs.iter().filter(|leg| leg["state"] == "up").count())
}

/// The status line and the body that the web server answers with.
fn asked(switch: &Switch, path: &str) -> String {
    let web = switch.web();
    let host = web.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).expect("the web server listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn a_switch_that_is_drained_takes_no_new_calls_and_ends_with_the_last_one() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    let talking = switch.telephone("alice").with("talk", 10_000).dials("caller", "bob");
    eventually("the call is up", Duration::from_secs(5), || legs_up(&switch) == 2);

    let first = switch.json(&["drain", "--deadline", "5m"]);
    assert_eq!((first["calls"].as_u64(), first["legs"].as_u64()), (Some(1), Some(2)), "{first}");
    let second = switch.json(&["drain", "--deadline", "10m"]);
    assert_eq!(second["drain"]["since"], first["drain"]["since"]);
    assert_ne!(second["drain"]["until"], first["drain"]["until"]);

    let carol = switch.telephone("carol");
    carol.with("status", 503).dials("caller-refused", "bob").succeeds();
    switch.telephone("carol").registered();
    let probe = switch.probe();
    probe.send(probe.request("OPTIONS", "anybody", "drained", ""));
    assert_eq!(probe.final_status(Duration::from_secs(5)), Some(503));
    let ready = asked(&switch, "/ready");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("draining"), "{ready}");
    assert!(asked(&switch, "/health").starts_with("HTTP/1.1 200"));
    assert!(asked(&switch, "/metrics").contains("trunkline_draining 1"));
    assert!(switch.command(&["top", "--once"]).contains("draining"));

    talking.succeeds();
    answered.succeeds();
    let capture = switch.ends_by_itself(Duration::from_secs(10));
    capture.judge();
    let refused = format!("{} && sip.Status-Code == 503", capture.our_sip());
    let refused = capture.rows(&refused, &["sip.CSeq.method", "sip.Retry-After"]);
    for method in ["INVITE", "OPTIONS"] {
        let pause = refused.iter().find(|row| row[0] == method).map(|row| row[1].parse::<u32>());
        assert!(matches!(pause, Some(Ok(1..))), "{method} says no Retry-After: {refused:?}");
    }
}

#[test]
fn a_drain_that_is_taken_back_leaves_no_trace() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    // An empty switch would be gone at once.
    let answered = bob.waits("callee");
    let talking = switch.telephone("alice").with("talk", 4000).dials("caller", "bob");
    eventually("the call is up", Duration::from_secs(5), || legs_up(&switch) == 2);
    switch.command(&["drain"]);
    let told = switch.json(&["drain", "--cancel"]);
    assert!(told["drain"].is_null(), "{told}");
    talking.succeeds();
    answered.succeeds();
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller", "bob").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn at_the_deadline_of_a_drain_both_sides_are_told_why_they_are_hung_up_on() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    let talking = switch.telephone("alice").dials("caller-hung-up-on", "bob");
    eventually("the call is up", Duration::from_secs(5), || legs_up(&switch) == 2);
    switch.command(&["drain", "--deadline", "1s"]);
    talking.succeeds();
    answered.succeeds();
    let capture = switch.ends_by_itself(Duration::from_secs(10));
    capture.judge();
    let goodbyes = format!("{} && sip.Method == \"BYE\"", capture.our_sip());
    let reasons = capture.rows(&goodbyes, &["sip.Reason"]);
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    for reason in reasons {
        assert!(reason[0].contains("SIP;cause=503") && reason[0].contains("Q.850;cause=41"), "{reason:?}");
    }
}

/// The latest records, the oldest first.
pub fn records(switch: &Switch, last: &str) -> Vec<Value> {
    let lines = switch.command(&["records", "--last", last, "--json"]);
    lines.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

/// Seconds since 1970 of a time in a record.
fn epoch(time: &Value) -> f64 {
    let time = time.as_str().expect("a time");
    let told = Command::new("date").args(["-u", "-d", time, "+%s.%N"]).output().expect("date is there");
    String::from_utf8_lossy(&told.stdout).trim().parse().expect("a number")
}

/// When the first message of this kind was on the wire.
fn on_wire(capture: &Capture, filter: &str) -> f64 {
    let rows = capture.rows(filter, &["frame.time_epoch"]);
    rows.first().unwrap_or_else(|| panic!("nothing is {filter}"))[0].parse().expect("a number")
}

#[test]
fn each_leg_has_one_record_with_the_times_of_the_wire() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").with("talk", 2500).dials("caller", "bob").succeeds();
    answered.succeeds();
    eventually("both legs have records", Duration::from_secs(10), || records(&switch, "9").len() == 2);
    let kept = records(&switch, "9");
    let of = |direction: &str| {
        kept.iter()
            .find(|record| record["direction"] == direction)
            .unwrap_or_else(|| panic!("{kept:?}"))
            .clone()
    };
    let (caller, callee) = (of("inbound"), of("outbound-dial"));
    for record in [&caller, &callee] {
        assert_eq!(record["status"], "completed", "{record}");
        assert_eq!((&record["cause"], &record["sip_status"]), (&"hung-up".into(), &200.into()), "{record}");
        assert_eq!(record["call"], caller["sid"], "{record}");
    }
    assert_eq!((&caller["by"], &callee["by"]), (&"peer".into(), &"switch".into()));
    assert_eq!(callee["parent"], caller["sid"]);
    assert!(caller["from"].as_str().is_some_and(|from| from.starts_with("sip:alice@")), "{caller}");

    switch.restart();
    assert_eq!(records(&switch, "9"), kept, "a restart changes nothing");
    let shown = switch.command(&["call", caller["sid"].as_str().expect("a SID")]);
    assert!(shown.contains("completed"), "a call of before is not found: {shown}");
    let capture = switch.finish();
    let ours = capture.our_sip();
    let answer = "sip.Status-Code == 200 && sip.CSeq.method == \"INVITE\"";
    let bye = "sip.Method == \"BYE\"";
    for (record, answer, bye) in [
        (&caller, format!("{ours} && {answer}"), format!("!({ours}) && {bye}")),
        (&callee, format!("!({ours}) && {answer}"), format!("{ours} && {bye}")),
    ] {
        let (answer, bye) = (on_wire(&capture, &answer), on_wire(&capture, &bye));
        assert!((epoch(&record["answer"]) - answer).abs() < CLOSE, "{record}: answered at {answer}");
        assert!((epoch(&record["end"]) - bye).abs() < CLOSE, "{record}: ended at {bye}");
        let billable = record["billable_ms"].as_f64().expect("a number") / 1_000.0;
        assert!((billable - (bye - answer)).abs() < CLOSE, "{record}: talked {}", bye - answer);
    }
}
