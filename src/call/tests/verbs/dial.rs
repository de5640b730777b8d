//! Dial (twiml.md §4), attribute by attribute.

use trunkline_media::tone::Country;

use super::*;
use crate::leg::Facts;
use crate::recorded::Finished;
use crate::twiml::script::DialStatus;

/// One callee, and what the Dial says about it.
fn dialled(attributes: &str) -> (Bench, Vec<String>) {
    let mut bench = Bench::new();
    let words = bench.dial(&format!("<Dial {attributes}><Client>alice</Client></Dial>"));
    (bench, words)
}

/// A Dial whose parties talk.
fn talking(attributes: &str) -> (Bench, Vec<String>) {
    let (mut bench, _) = dialled(attributes);
    let words = bench.callee(1, answered());
    (bench, words)
}

/// The recording is there.
fn finish(bench: &mut Bench, is_empty: bool) {
    let recording = sid_in(&bench.call);
    bench.step(|call, turn| {
        let result = Ok(Finished { duration: 4, channels: 2, is_empty });
        call.handle(CallInput::Finished { recording, result }, turn);
    });
}

/// The value of a parameter in each callback.
fn told<'b>(bench: &'b Bench, name: &str) -> Vec<&'b str> {
    bench.posted.iter().map(|told| value(&told.parameters, name).unwrap_or("-")).collect()
}

#[test]
fn without_an_action_the_next_verb_follows_and_with_one_it_is_asked_by_post() {
    for (says, attributes, words, method) in [
        ("action: none → fall through", "", "2 prepare \"Next\"", None),
        ("method: POST", "action='after'", "2 fetch http://app/after", Some(Method::Post)),
        ("method: GET", "action='after' method='GET'", "2 fetch http://app/after", Some(Method::Get)),
        ("method: bad, 13210", "action='after' method='PUT'", "2 fetch http://app/after", Some(Method::Post)),
        ("empty action: this document", "action=''", "2 fetch http://app/voice?a=1", Some(Method::Post)),
    ] {
        let (mut run, _) = Run::of(&format!("<Dial {attributes}>101</Dial><Say>Next</Say>"));
        assert_eq!(run.dial_ended(1, DialStatus::NoAnswer), [words], "{says}");
        assert_eq!(run.asked.first().map(|request| request.method), method, "{says}");
    }
}

#[test]
fn it_rings_half_a_minute_or_as_long_as_it_says() {
    for (says, attributes, seconds) in [
        ("timeout: 30", "", 30),
        ("timeout: 5…600 s", "timeout='5'", 5),
        ("timeout: 5…600 s", "timeout='600'", 600),
        ("13212, the default is used", "timeout='4'", 30),
    ] {
        let (mut bench, _) = dialled(attributes);
        assert_eq!(bench.pass(seconds - 1), [""; 0], "{says}");
        let words = bench.pass(seconds);
        assert_eq!(words.last().map(String::as_str), Some("script: 1 NoAnswer"), "{says}");
    }
}

#[test]
fn the_parties_talk_for_four_hours_or_as_long_as_it_says() {
    for (says, attributes, seconds) in [
        ("timeLimit: 14400", "", 14_400),
        ("timeLimit: s", "timeLimit='60'", 60),
        ("13216, the default is used", "timeLimit='0'", 14_400),
    ] {
        let (mut bench, _) = talking(attributes);
        assert_eq!(bench.pass(seconds - 1), [""; 0], "{says}");
        assert_eq!(bench.pass(seconds), ["1: hang up, HungUp"], "{says}");
    }
}

#[test]
fn the_callee_sees_the_caller_or_whom_the_script_names() {
    for (says, attributes, display, user, from) in [
        ("callerId: caller's id", "", Some("Bob"), "bob", "sip:bob@example.com"),
        ("callerId: E.164", "callerId='+15551234'", None, "+15551234", "+15551234"),
        ("callerId: client:x", "callerId='client:desk'", None, "desk", "client:desk"),
        ("callerId: SIP-safe string", "callerId='front.desk'", None, "front.desk", "front.desk"),
        ("13214, the caller's own is shown", "callerId='a b'", Some("Bob"), "bob", "sip:bob@example.com"),
    ] {
        let mut bench = Bench::new();
        bench.dial(&format!("<Dial {attributes}><Client statusCallback='http://t/'>alice</Client></Dial>"));
        let CallerId { display: shown, user: who, .. } = &bench.dialled[0].caller;
        assert_eq!((shown.as_deref(), who.as_str()), (display, user), "{says}");
        bench.callee(1, ended(Cause::Busy));
        assert_eq!(told(&bench, "From"), [from], "{says}");
    }
}

#[test]
fn the_caller_hears_the_ringing_of_the_country_that_is_named() {
    let heard = |attributes: &str| dialled(attributes).1.pop().unwrap_or_default();
    assert_eq!(heard(""), "caller: hear Ringback", "ringTone: default");
    for (name, country) in Country::NAMED {
        assert_eq!(
            heard(&format!("ringTone='{name}'")),
            format!("caller: hear Ringing({country:?})"),
            "{name}"
        );
    }
    assert_eq!(heard("ringTone='xx'"), "caller: hear Ringback", "13220, the default is used");
    let mut bench = Bench::new();
    let both = "<Client>alice</Client><Client>carol</Client>";
    bench.dial(&format!("<Dial ringTone='fr' sequential='true'>{both}</Dial>"));
    bench.callee(1, Report::EarlyMedia);
    let words = bench.callee(1, ended(Cause::Busy));
    assert_eq!(words, ["dial carol", "caller: hear Ringing(Fr)"], "and hears it again for the next");
}

#[test]
fn the_caller_is_answered_at_once_unless_on_the_bridge() {
    for (says, attributes, at_once) in [
        ("answerOnBridge: false", "", true),
        ("answerOnBridge: true", "answerOnBridge='true'", false),
        ("answerOnBridge: bad, the default is used", "answerOnBridge='?'", true),
    ] {
        let (mut bench, words) = dialled(attributes);
        assert_eq!(words.contains(&"caller: answer".to_owned()), at_once, "{says}");
        let words = bench.callee(1, answered());
        assert_eq!(words.contains(&"caller: answer".to_owned()), !at_once, "{says}");
    }
}

#[test]
fn several_are_called_together_unless_in_sequence() {
    for (says, attributes, first) in [
        ("sequential: false = parallel fork", "", &["dial alice", "dial carol"][..]),
        ("sequential: true", "sequential='true'", &["dial alice"]),
        ("sequential: bad, the default is used", "sequential='1'", &["dial alice", "dial carol"]),
    ] {
        let mut bench = Bench::new();
        let words =
            bench.dial(&format!("<Dial {attributes}><Client>alice</Client><Client>carol</Client></Dial>"));
        let dialled: Vec<_> = words.iter().filter(|words| words.starts_with("dial")).collect();
        assert_eq!(dialled, first, "{says}");
    }
}

#[test]
fn nothing_is_recorded_unless_it_says_so_and_silence_stays_unless_it_shall_go() {
    for (says, attributes, words) in [
        ("record: do-not-record", "", None),
        ("record: false", "record='false'", None),
        ("record: bad, the default is used", "record='maybe'", None),
        ("trim: do-not-trim", "record='true'", Some("finish, trim false")),
        ("trim: trim-silence", "record='true' trim='trim-silence'", Some("finish, trim true")),
        ("trim: bad, the default is used", "record='true' trim='x'", Some("finish, trim false")),
    ] {
        let (mut bench, _) = talking(attributes);
        let ends = bench.callee(1, ended(Cause::HungUp));
        let finish = ends.iter().find(|words| words.starts_with("finish"));
        assert_eq!(finish.map(String::as_str), words, "{says}");
    }
}

#[test]
fn both_parties_are_recorded_or_the_one_that_is_named() {
    const DUAL: &str = "record='record-from-answer-dual'";
    for (says, track, taped, name, channels) in [
        ("recordingTrack: both", "", &["caller: tape Dual 0", "1: tape Dual 1"][..], "both", "2"),
        (
            "recordingTrack: inbound → mono",
            "recordingTrack='inbound'",
            &["caller: tape Mono 0"],
            "inbound",
            "1",
        ),
        (
            "recordingTrack: outbound → mono",
            "recordingTrack='outbound'",
            &["1: tape Mono 0"],
            "outbound",
            "1",
        ),
    ] {
        let told_at = "recordingStatusCallback='http://t/' recordingStatusCallbackEvent='in-progress'";
        let (bench, words) = talking(&format!("{DUAL} {told_at} {track}"));
        let tapes: Vec<_> = words.iter().filter(|words| words.contains("tape")).collect();
        assert_eq!(tapes, taped, "{says}");
        assert_eq!(told(&bench, "RecordingTrack"), [name], "{says}");
        assert_eq!(told(&bench, "RecordingChannels"), [channels], "{says}: known from its beginning");
    }
}

#[test]
fn the_end_of_its_recording_is_told_by_post_and_other_stages_where_they_are_asked_for() {
    for (says, events, is_empty, stages) in [
        ("recordingStatusCallbackEvent: completed", "", false, &["completed"][..]),
        ("recordingStatusCallbackEvent: completed", "", true, &[]),
        ("in-progress", "recordingStatusCallbackEvent='in-progress'", false, &["in-progress"]),
        ("absent", "recordingStatusCallbackEvent='absent'", true, &["absent"]),
        ("absent", "recordingStatusCallbackEvent='absent'", false, &[]),
    ] {
        let (mut bench, _) = talking(&format!("record='true' recordingStatusCallback='http://t/' {events}"));
        bench.callee(1, ended(Cause::HungUp));
        finish(&mut bench, is_empty);
        assert_eq!(told(&bench, "RecordingStatus"), stages, "{says}");
        let is_absent = stages == ["absent"];
        let reason = if is_absent { "16101" } else { "-" };
        assert!(told(&bench, "ErrorCode").iter().all(|code| *code == reason), "{says}: ErrorCode on absent");
        for posted in &bench.posted {
            assert_eq!(posted.method, Method::Post, "{says}: method POST");
            let of = |name: &str| value(&posted.parameters, name);
            assert_eq!(of("RecordingSource"), Some("DialVerb"));
            assert_eq!(of("CallSid"), Some(PARENT.to_string().as_str()), "that of the parent");
            assert!(of("RecordingStartTime").is_some_and(|time| time.ends_with("+0000")));
        }
    }
    let (mut bench, _) =
        talking("record='true' recordingStatusCallback='http://t/' recordingStatusCallbackMethod='GET'");
    bench.callee(1, ended(Cause::HungUp));
    finish(&mut bench, false);
    assert_eq!(bench.posted[0].method, Method::Get);
    assert_eq!(
        (told(&bench, "RecordingDuration"), told(&bench, "RecordingChannels")),
        (vec!["4"], vec!["2"])
    );
}

#[test]
fn the_star_of_the_caller_is_a_key_like_any_other_unless_it_shall_end_the_talk() {
    for (says, attributes, words) in [
        ("hangupOnStar: false", "", &["1: press *"][..]),
        ("hangupOnStar: true", "hangupOnStar='true'", &["1: hang up, HungUp"]),
        ("hangupOnStar: bad, the default is used", "hangupOnStar='?'", &["1: press *"]),
    ] {
        let (mut bench, _) = talking(attributes);
        let star = Report::Digit { digit: '*', by: crate::leg::DigitWay::Info };
        assert_eq!(bench.caller(star), words, "{says}");
        if attributes.contains("true") {
            let words = bench.callee(1, ended(Cause::HungUp));
            assert_eq!(
                words,
                ["caller: hear Silence", "script: 1 Completed"],
                "{says}: drops the callee alone"
            );
        }
    }
}

#[test]
fn its_action_is_told_what_it_was_and_nothing_that_it_was_not() {
    for (says, status, told) in [
        ("completed", DialStatus::Completed, "completed"),
        ("busy", DialStatus::Busy, "busy"),
        ("no-answer", DialStatus::NoAnswer, "no-answer"),
        ("failed", DialStatus::Failed, "failed"),
        ("canceled", DialStatus::Canceled, "canceled"),
    ] {
        let (mut run, _) = Run::of("<Dial action='after'>101</Dial>");
        run.dial_ended(1, status);
        for (name, wanted) in [
            ("DialCallStatus", Some(told)),
            ("DialBridged", Some("false")),
            ("DialCallDuration", None),
            ("DialCallSid", None),
            ("DialSipResponseCode", None),
            ("RecordingUrl", None),
            ("Direction", Some("inbound")),
            ("CallStatus", Some("in-progress")),
        ] {
            assert_eq!(run.parameter(name), wanted, "DialCallStatus {says}: {name}");
        }
    }
}

#[test]
fn a_callback_at_no_url_is_told_and_the_dial_goes_on() {
    for (says, body, code) in [
        ("13256", "<Dial recordingStatusCallback='ftp://h/'>101</Dial>", 13_256),
        ("13256", "<Record playBeep='false' recordingStatusCallback='ftp://h/'/>", 13_256),
        ("11100", "<Dial><Number statusCallback='ftp://h/'>101</Number></Dial>", 11_100),
    ] {
        let (run, words) = Run::of(body);
        assert!(words[0].starts_with("1 dial") || words[0].starts_with("1 tape"), "{says}: {words:?}");
        assert_eq!(run.codes(), [code], "{says}");
    }
}

#[test]
fn what_signalling_said_is_told_of_a_sip_address_and_of_nobody_else_who_was_called_beside_it() {
    let facts = |status| Some(Box::new(Facts { call_id: "one".to_owned(), status, ..Facts::default() }));
    let both = "<Dial><Client>alice</Client><Sip>sip:kate@far</Sip></Dial>";
    for (who, is_told) in [(1, false), (2, true)] {
        let mut bench = Bench::new();
        bench.dial(both);
        bench.callee(who, Report::Answered { voice: None, facts: facts(Some(200)) });
        bench.callee(who, Report::Ended { cause: Cause::HungUp, by: Side::Peer, facts: facts(Some(200)) });
        assert_eq!(bench.results[0].facts.is_some(), is_told, "the callee hangs up");

        let mut bench = Bench::new();
        bench.dial(both);
        bench.callee(who, Report::Answered { voice: None, facts: facts(Some(200)) });
        bench.caller(ended(Cause::HungUp));
        assert_eq!(bench.results[0].facts.is_some(), is_told, "the caller hangs up");

        let mut bench = Bench::new();
        bench.dial(both);
        bench.callee(3 - who, ended(Cause::Busy));
        bench.callee(who, Report::Ended { cause: Cause::Busy, by: Side::Peer, facts: facts(Some(486)) });
        let status = bench.results[0].facts.as_ref().and_then(|facts| facts.status);
        assert_eq!(status, is_told.then_some(486), "the last one fails");
    }
}

/// Call-ID and status, as the signalling of a callee said.
type Said<'a> = Option<(&'a str, Option<u16>)>;

/// What the action of a Dial is told: of which callee, by its place from 1.
fn told_of_sip(bench: &Bench) -> (DialStatus, Option<usize>, Said<'_>) {
    let result = &bench.results[0];
    let whose = bench.children.iter().position(|child| Some(*child) == result.leg).map(|at| at + 1);
    (result.status, whose, result.facts.as_ref().map(|facts| (&*facts.call_id, facts.status)))
}

fn over(cause: Cause, call_id: &str, status: u16) -> Report {
    let facts = Facts { call_id: call_id.to_owned(), status: Some(status), ..Facts::default() };
    Report::Ended { cause, by: Side::Switch, facts: Some(Box::new(facts)) }
}

#[test]
fn an_address_that_does_not_answer_in_time_is_told_of_with_what_its_signalling_said() {
    let mut bench = Bench::new();
    bench.dial("<Dial timeout='10'><Sip>sip:kate@far</Sip></Dial>");
    assert_eq!(bench.pass(10), ["1: hang up, NoAnswer"]);
    assert_eq!(bench.callee(1, answered()), ["1: hang up, NoAnswer"], "it crossed");
    let words = bench.callee(1, over(Cause::NoAnswer, "one", 487));
    assert_eq!(words, ["caller: hear Silence", "script: 1 NoAnswer"]);
    assert_eq!(told_of_sip(&bench), (DialStatus::NoAnswer, Some(1), Some(("one", Some(487)))));

    let mut bench = Bench::new();
    bench.dial("<Dial timeout='10'><Sip>sip:kate@far</Sip></Dial>");
    bench.pass(10);
    assert_eq!(bench.pass(12), ["caller: hear Silence", "script: 1 NoAnswer"], "nobody waits long for it");
    assert_eq!(told_of_sip(&bench), (DialStatus::NoAnswer, Some(1), None));

    let mut bench = Bench::new();
    bench.dial("<Dial timeout='10'><Sip>sip:kate@far</Sip></Dial>");
    bench.pass(10);
    bench.caller(ended(Cause::Cancelled));
    assert_eq!(told_of_sip(&bench), (DialStatus::NoAnswer, Some(1), None), "it had not answered before");
}

#[test]
fn of_several_addresses_status_leg_and_signalling_are_those_of_the_same_one() {
    let both = "<Dial timeout='10'><Sip>sip:a@far</Sip><Sip>sip:b@far</Sip></Dial>";
    let mut bench = Bench::new();
    bench.dial(both);
    bench.callee(1, over(Cause::Busy, "one", 486));
    bench.callee(2, over(Cause::NotFound, "two", 404));
    assert_eq!(told_of_sip(&bench), (DialStatus::Busy, Some(1), Some(("one", Some(486)))));

    let mut bench = Bench::new();
    bench.dial(both);
    bench.callee(1, over(Cause::Busy, "one", 486));
    bench.pass(10);
    bench.callee(2, over(Cause::NoAnswer, "two", 487));
    assert_eq!(told_of_sip(&bench), (DialStatus::Busy, Some(1), Some(("one", Some(486)))));

    let mut bench = Bench::new();
    bench.dial("<Dial timeout='10' sequential='true'><Sip>sip:a@far</Sip><Sip>sip:b@far</Sip></Dial>");
    bench.pass(10);
    assert_eq!(bench.callee(1, over(Cause::NoAnswer, "one", 487)), ["dial sip:b@far"]);
    bench.callee(2, over(Cause::NotFound, "two", 404));
    assert_eq!(told_of_sip(&bench), (DialStatus::NoAnswer, Some(1), Some(("one", Some(487)))));
}

#[test]
fn a_dial_of_numbers_that_are_none_fails_and_its_action_is_asked() {
    let mut bench = Bench::new();
    bench.dial("<Dial><Number>abc</Number></Dial>");
    let result = bench.results.remove(0);
    assert_eq!((result.status, result.leg, result.bridged), (DialStatus::Failed, None, false));

    let (mut run, words) = Run::of("<Dial action='/after'><Number>abc</Number></Dial>");
    assert_eq!(words, ["1 dial 0"]);
    run.told(Told::DialEnded { activity: 1, result: Box::new(result) });
    assert_eq!(run.asked.last().map(|request| request.url.as_str()), Some("http://app/after"));
    assert_eq!(run.parameter("DialCallStatus"), Some("failed"));
    assert_eq!(run.parameter("DialCallSid"), None);
}
