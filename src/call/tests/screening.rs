//! Callees that are asked first, keys that are sent, stars that end a talk, recordings of both.

use super::*;
use crate::leg::DigitWay;
use crate::recorded::Finished;

const ASKED: &str = "<Dial><Client url='http://app/ask'>alice</Client><Client>carol</Client></Dial>";

fn digit(digit: char, by: DigitWay) -> Report {
    Report::Digit { digit, by }
}

#[test]
fn a_callee_is_asked_before_it_is_joined_and_nobody_else_rings_meanwhile() {
    let mut bench = Bench::new();
    bench.dial(ASKED);
    let words = bench.callee(1, answered());
    assert_eq!(words, ["ask 1 by http://app/ask", "2: hang up, AnsweredElsewhere"]);
    let alice = bench.children[0];
    let prompt = Wanted::Prompt { activity: 1, asset: "question".to_owned(), loops: 1 };
    assert_eq!(bench.wanted_by(alice, prompt), ["1: hear question"]);
    assert_eq!(bench.callee(1, Report::Played { activity: 1 }), ["script of 1: 1 done"]);
    assert_eq!(bench.callee(1, digit('1', DigitWay::Rtp)), ["script of 1: key 1"]);
    let joined = ["caller: hear 1", "1: hear caller", "caller: joined 1", "1: joined caller"];
    assert_eq!(bench.wanted_by(alice, Wanted::Bridge), joined);
    assert_eq!(bench.callee(1, digit('2', DigitWay::Rtp)), [""; 0], "it talks now");
}

#[test]
fn a_callee_that_does_not_agree_has_not_taken_the_call() {
    let mut bench = Bench::new();
    bench.dial(ASKED);
    bench.callee(1, answered());
    let alice = bench.children[0];
    assert_eq!(bench.wanted_by(alice, Wanted::Hangup), ["1: hang up, HungUp"]);
    let words = bench.callee(1, ended(Cause::HungUp));
    assert_eq!(words, ["script of 1: caller gone", "caller: hear Silence", "script: 1 NoAnswer"]);
    assert!(!bench.results[0].bridged);
}

#[test]
fn of_a_group_the_next_is_tried_when_one_does_not_agree() {
    let mut bench = Bench::new();
    bench.dial(
        "<Dial sequential='true'><Client url='http://app/ask'>alice</Client><Client>carol</Client></Dial>",
    );
    bench.callee(1, answered());
    let words = bench.callee(1, ended(Cause::HungUp));
    assert_eq!(words, ["dial carol", "script of 1: caller gone"]);
}

#[test]
fn a_caller_who_is_gone_ends_the_question() {
    let mut bench = Bench::new();
    bench.dial(ASKED);
    bench.callee(1, answered());
    let words = bench.caller(ended(Cause::HungUp));
    assert_eq!(words[..2], ["script: caller gone", "script: 1 Canceled"]);
    bench.callee(1, ended(Cause::HungUp));
    bench.callee(2, ended(Cause::HungUp));
    assert!(bench.is_finished());
}

#[test]
fn keys_are_sent_before_the_parties_are_joined() {
    let mut bench = Bench::new();
    bench.dial("<Dial><Number sendDigits='ww12'>+15551234</Number></Dial>");
    assert_eq!(bench.callee(1, answered()), ["1: press ww12"]);
    let activity = super::super::OWN_ACTS + 1;
    assert_eq!(bench.callee(1, Report::Pressed { activity }).len(), 4, "joined");
}

#[test]
fn a_star_drops_the_callee_where_the_document_says_so() {
    for (attribute, words) in [("hangupOnStar='true'", &["1: hang up, HungUp"][..]), ("", &[])] {
        let mut bench = Bench::new();
        bench.dial(&format!("<Dial {attribute}><Client>alice</Client></Dial>"));
        bench.callee(1, answered());
        assert_eq!(bench.caller(digit('*', DigitWay::Rtp)), words, "{attribute}");
        assert_eq!(bench.callee(1, digit('*', DigitWay::Rtp)), [""; 0], "not for the callee");
    }
}

#[test]
fn keys_that_did_not_come_in_the_sound_are_sent_across_one_after_the_other() {
    let mut bench = Bench::new();
    bench.dial("<Dial><Client>alice</Client></Dial>");
    bench.callee(1, answered());
    assert_eq!(bench.caller(digit('1', DigitWay::Info)), ["1: press 1"]);
    assert_eq!(bench.caller(digit('2', DigitWay::Info)), [""; 0]);
    assert_eq!(bench.caller(digit('3', DigitWay::Info)), [""; 0]);
    let activity = super::super::OWN_ACTS + 1;
    assert_eq!(bench.callee(1, Report::Pressed { activity }), ["1: press 23"]);
    assert_eq!(bench.callee(1, digit('9', DigitWay::Info)), ["caller: press 9"]);
}

#[test]
fn keys_of_a_caller_that_talks_with_nobody_are_for_its_script() {
    let mut bench = Bench::new();
    assert_eq!(bench.caller(digit('5', DigitWay::Info)), ["script: key 5"]);
}

#[test]
fn a_recorded_dial_ends_when_its_recording_can_be_fetched() {
    for (mode, layout, from_ringing) in [
        ("true", "Mono", false),
        ("record-from-answer", "Mono", false),
        ("record-from-answer-dual", "Dual", false),
        ("record-from-ringing", "Mono", true),
        ("record-from-ringing-dual", "Dual", true),
    ] {
        let mut bench = Bench::new();
        let dialled = bench.dial(&format!("<Dial record='{mode}'><Client>alice</Client></Dial>"));
        let parent = format!("caller: tape {layout} 0");
        assert_eq!(dialled.contains(&parent), from_ringing, "{mode}: {dialled:?}");
        let joined = bench.callee(1, answered());
        assert_eq!(joined.contains(&parent), !from_ringing, "{mode}: {joined:?}");
        let channel = u8::from(layout == "Dual");
        assert!(joined.contains(&format!("1: tape {layout} {channel}")), "{mode}: {joined:?}");
        assert_eq!(bench.call.recordings(), [sid_in(&bench.call)], "{mode}: they talk");
        let words = bench.callee(1, ended(Cause::HungUp));
        assert_eq!(words, ["finish, trim false", "caller: hear Silence", "caller: tape no more"], "{mode}");
        let recording = sid_in(&bench.call);
        assert_eq!(bench.call.recordings(), [recording], "{mode}: its file is brought to its end");
        let words = bench.step(|call, turn| {
            let result = Ok(Finished { duration: 4, channels: 1, is_empty: false });
            call.handle(CallInput::Finished { recording, result }, turn);
        });
        assert_eq!(words, ["script: 1 Completed"]);
        assert_eq!(bench.results[0].recording, Some((recording, 4)));
        assert_eq!(bench.call.recordings(), []);
    }
    let mut bench = Bench::new();
    bench.dial("<Dial record='do-not-record'><Client>alice</Client></Dial>");
    assert!(!bench.callee(1, answered()).iter().any(|words| words.contains("tape")));
}

#[test]
fn a_ring_tone_is_that_of_the_country_asked_for() {
    let mut bench = Bench::new();
    let words = bench.dial("<Dial ringTone='de'><Client>alice</Client></Dial>");
    assert!(words.contains(&"caller: hear Ringing(De)".to_owned()), "{words:?}");
}
