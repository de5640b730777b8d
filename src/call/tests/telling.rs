//! Who is told how far legs are (webhooks.md §2.3, §6): which events, in which order, with which figures.

use super::*;
use crate::twiml::verb::Method;

fn told(bench: &Bench, name: &str) -> Vec<String> {
    let values = bench.posted.iter().map(|told| value(&told.parameters, name).unwrap_or("-").to_owned());
    values.collect()
}

fn dialled(events: &str) -> Bench {
    let mut bench = Bench::new();
    bench.dial(&format!("<Dial><Client statusCallback='http://app/told' {events}>alice</Client></Dial>"));
    bench
}

const ALL: &str = "statusCallbackEvent='initiated ringing answered completed'";

#[test]
fn every_event_that_is_asked_for_is_told_in_order_and_the_end_once() {
    let mut bench = dialled(ALL);
    bench.callee(1, Report::Ringing);
    bench.callee(1, Report::EarlyMedia);
    bench.now = at(10);
    bench.callee(1, answered());
    bench.now = at(71);
    bench.callee(1, ended(Cause::HungUp));
    assert_eq!(told(&bench, "CallStatus"), ["initiated", "ringing", "in-progress", "completed"]);
    assert_eq!(told(&bench, "SequenceNumber"), ["0", "1", "2", "3"]);
    assert_eq!(told(&bench, "CallDuration"), ["-", "-", "-", "61"]);
    assert_eq!(told(&bench, "Duration"), ["-", "-", "-", "2"], "minutes that have begun");
    assert_eq!(told(&bench, "SipResponseCode"), ["-", "-", "-", "200"]);
    assert_eq!(told(&bench, "Timestamp")[3], "Thu, 01 Jan 1970 00:01:11 +0000");
    for (name, wanted) in [
        ("CallSid", bench.children[0].to_string()),
        ("ParentCallSid", PARENT.to_string()),
        ("Direction", "outbound-dial".to_owned()),
        ("To", "client:alice".to_owned()),
        ("CallbackSource", "call-progress-events".to_owned()),
    ] {
        assert_eq!(told(&bench, name)[0], wanted, "{name}");
    }
    assert!(bench.posted.iter().all(|told| told.lane == bench.children[0] && told.method == Method::Post));
}

#[test]
fn by_default_only_the_end_is_told_and_without_a_url_nothing() {
    let mut bench = dialled("");
    bench.callee(1, Report::Ringing);
    bench.callee(1, answered());
    bench.callee(1, ended(Cause::HungUp));
    assert_eq!(told(&bench, "CallStatus"), ["completed"]);
    assert_eq!(told(&bench, "SequenceNumber"), ["0"]);
    let mut bench = Bench::new();
    bench.dial("<Dial><Client>alice</Client></Dial>");
    bench.callee(1, ended(Cause::Busy));
    assert_eq!(bench.posted.len(), 0);
}

#[test]
fn how_a_callee_failed_is_told_as_webhooks_call_it() {
    for (cause, status) in [
        (Cause::Busy, "busy"),
        (Cause::Declined, "busy"),
        (Cause::NoAnswer, "no-answer"),
        (Cause::NotFound, "failed"),
        (Cause::Unreachable, "failed"),
        (Cause::Cancelled, "canceled"),
    ] {
        let mut bench = dialled("");
        bench.callee(1, ended(cause.clone()));
        assert_eq!(told(&bench, "CallStatus"), [status], "{cause:?}");
        assert_eq!(told(&bench, "CallDuration"), ["0"]);
    }
}

#[test]
fn whoever_asks_at_the_route_is_told_of_the_end_alone() {
    for (act, cause, status, seconds) in [
        (Some(Wanted::Echo), Cause::HungUp, "completed", "5"),
        (None, Cause::Cancelled, "no-answer", "0"),
        (None, Cause::Busy, "busy", "0"),
    ] {
        let mut bench = Bench::new();
        bench.call.notify = Some(Notify { url: "http://app/over".to_owned(), method: Method::Get });
        act.into_iter().for_each(|wanted| drop(bench.wanted(wanted)));
        bench.now = at(5);
        bench.caller(ended(cause.clone()));
        assert_eq!(told(&bench, "CallStatus"), [status], "{cause:?}");
        assert_eq!(told(&bench, "CallDuration"), [seconds]);
        assert_eq!(bench.posted[0].method, Method::Get);
    }
}

#[test]
fn the_call_waits_for_a_script_that_has_still_something_to_tell() {
    let mut bench = Bench::new();
    bench.wanted(Wanted::Echo);
    bench.caller(ended(Cause::HungUp));
    bench.wanted(Wanted::Linger);
    assert!(!bench.is_finished());
    bench.wanted(Wanted::Over);
    assert!(bench.is_finished());
}
