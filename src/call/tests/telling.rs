//! Who is told how far legs are (webhooks.md §2.3, §6): which events, in which order, with which figures.

use super::*;
use crate::recorded::Finished;
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
    for (said, cause, status, dial, response) in [
        (Some(486), Cause::Busy, "busy", "busy", "486"),
        (Some(600), Cause::Busy, "busy", "busy", "600"),
        (Some(603), Cause::Declined, "busy", "busy", "603"),
        (Some(480), Cause::NoAnswer, "no-answer", "no-answer", "480"),
        (None, Cause::NoAnswer, "no-answer", "no-answer", "487"),
        (Some(410), Cause::NotFound, "failed", "failed", "410"),
        (None, Cause::NotFound, "failed", "failed", "404"),
        (Some(503), Cause::Unreachable, "failed", "failed", "503"),
        (Some(403), Cause::Refused(403), "failed", "failed", "403"),
        (Some(488), Cause::NotAcceptable, "failed", "failed", "488"),
        (None, Cause::Unreachable, "failed", "failed", "-"),
        (None, Cause::Cancelled, "canceled", "canceled", "-"),
    ] {
        let mut bench = dialled("");
        let facts = said.map(|said| Box::new(Facts { status: Some(said), ..Facts::default() }));
        bench.callee(1, Report::Ended { cause: cause.clone(), by: Side::Peer, facts });
        assert_eq!(told(&bench, "CallStatus"), [status], "{cause:?}");
        assert_eq!(told(&bench, "CallDuration"), ["0"], "unanswered");
        assert_eq!(told(&bench, "Duration"), ["0"], "unanswered");
        assert_eq!(told(&bench, "SipResponseCode"), [response], "{cause:?}");
        assert_eq!(bench.results[0].status.as_str(), dial, "{cause:?}");
    }
}

#[test]
fn the_end_of_a_recorded_callee_is_told_once_its_recording_can_be_fetched() {
    const RECORDED: &str = "<Dial record='true'><Client statusCallback='http://app/told'>a</Client></Dial>";
    let finished = |bench: &mut Bench, recording, is_empty| {
        bench.step(|call, turn| {
            let result = Ok(Finished { duration: 4, channels: 1, is_empty });
            call.handle(CallInput::Finished { recording, result }, turn);
        });
    };
    for (caller_hangs_up, ends_late, is_empty) in
        [(false, false, false), (true, false, false), (true, true, false), (false, false, true)]
    {
        let mut bench = Bench::new();
        bench.dial(RECORDED);
        bench.callee(1, answered());
        let recording = sid_in(&bench.call);
        if caller_hangs_up {
            bench.caller(ended(Cause::HungUp));
        }
        if !ends_late {
            bench.callee(1, ended(Cause::HungUp));
            assert_eq!(bench.posted.len(), 0, "it cannot be fetched yet");
        }
        finished(&mut bench, recording, is_empty);
        if ends_late {
            bench.callee(1, ended(Cause::HungUp));
        }
        let sid = recording.to_string();
        let (sid, url) =
            if is_empty { ("-", "-".to_owned()) } else { (&*sid, format!("http://switch/Recordings/{sid}")) };
        assert_eq!(told(&bench, "CallStatus"), ["completed"]);
        assert_eq!(told(&bench, "RecordingSid"), [sid]);
        assert_eq!(told(&bench, "RecordingUrl"), [url]);
        assert_eq!(told(&bench, "RecordingDuration"), [if is_empty { "-" } else { "4" }]);
    }
    let mut bench = Bench::new();
    bench.dial(RECORDED);
    bench.callee(1, answered());
    bench.callee(1, ended(Cause::HungUp));
    bench.step(|call, turn| call.give_up(turn));
    assert_eq!(told(&bench, "CallStatus"), ["completed"], "nobody will hear of the recording any more");
}

#[test]
fn what_a_sip_address_has_answered_is_told_from_then_on() {
    for (noun, call_id, header) in [("Sip", "one@far", "7"), ("Client", "-", "-")] {
        let mut bench = Bench::new();
        let dial = format!("<Dial><{noun} statusCallback='http://app/told' {ALL}>sip:a@far</{noun}></Dial>");
        bench.dial(&dial.replace(">sip:a@far</Client", ">a</Client"));
        let facts = Facts {
            call_id: "one@far".to_owned(),
            status: Some(200),
            headers: vec![("X-Ticket".to_owned(), "7".to_owned())],
            ..Facts::default()
        };
        bench.callee(1, Report::Answered { voice: None, facts: Some(Box::new(facts)) });
        assert_eq!(told(&bench, "SipCallId"), ["-", call_id]);
        assert_eq!(told(&bench, "SipHeader_X-Ticket"), ["-", header]);
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
    let recording = crate::ids::RecordingSid::from_bytes([8; 16]);
    bench.wanted(Wanted::Tape { activity: 1, recording, silence: None, limit: std::time::Duration::MAX });
    bench.caller(ended(Cause::HungUp));
    assert!(!bench.is_read(), "the script has read that the caller is gone, and says nothing yet");
    bench.wanted(Wanted::Over);
    assert!(bench.is_finished());
}

#[test]
fn whoever_asks_at_the_route_is_told_what_the_caller_was_answered_with() {
    for (status, told_as) in [(Some(486), "486"), (Some(200), "200"), (None, "-")] {
        let mut bench = Bench::new();
        bench.call.notify = Some(Notify { url: "http://app/over".to_owned(), method: Method::Post });
        let facts = Some(Box::new(Facts { status, ..Facts::default() }));
        bench.caller(Report::Ended { cause: Cause::Busy, by: Side::Switch, facts });
        assert_eq!(told(&bench, "SipResponseCode"), [told_as]);
        assert_eq!(told(&bench, "SequenceNumber"), ["0"]);
    }
    let mut bench = Bench::new();
    bench.call.notify = Some(Notify { url: "http://app/over".to_owned(), method: Method::Post });
    bench.wanted(Wanted::Echo);
    bench.step(|call, turn| call.give_up(turn));
    assert_eq!(told(&bench, "SipResponseCode"), ["200"], "it was answered, whatever became of it");
}
