//! Who is told of an end, and that every end is reached: callers that go at the wrong moment, scripts that lead nowhere.

use super::super::script::{Beginning, Hook, Place, ScriptInput};
use super::documents::obtained;
use super::script::Run;
use super::*;
use crate::call::sound::SoundError;
use crate::twiml::document::Context;
use crate::twiml::script::DialStatus;
use crate::twiml::verb::Method;

const TELL: &str = "<Dial><Client statusCallback='http://app/told'>alice</Client></Dial>";

/// The sound of this step cannot be fetched.
fn unobtainable(run: &mut Run, activity: u64) -> Vec<String> {
    run.step(|run, turn| {
        let error = SoundError { code: 11_200, message: "404".to_owned() };
        run.handle(ScriptInput::Prepared(activity, Err(error)), turn);
    })
}

fn told(bench: &Bench) -> Vec<&str> {
    bench.posted.iter().filter_map(|told| value(&told.parameters, "CallStatus")).collect()
}

#[test]
fn a_callee_that_rings_when_the_answered_caller_hangs_up_was_given_up() {
    let mut bench = Bench::new();
    bench.dial(TELL);
    bench.callee(1, Report::Ringing);
    bench.caller(ended(Cause::HungUp));
    let cause = bench.call.mail().pending().into_iter().rev().find_map(|letter| match letter.body {
        CallPost::Leg(Order::Hangup { cause }) => Some(cause),
        _ => None,
    });
    bench.callee(1, ended(cause.expect("the callee is let go")));
    assert_eq!(told(&bench), ["canceled"]);
}

#[test]
fn an_action_that_is_no_url_keeps_no_script_of_a_caller_that_is_gone() {
    let (mut run, _) = Run::of("<Dial action='ftp://app/after'>101</Dial>");
    assert_eq!(run.told(Told::Gone { dial_ends: true, waits: true }), [""; 0]);
    assert_eq!(run.dial_ended(1, DialStatus::Canceled), ["over"]);
    assert!(run.run.is_ending());
}

#[test]
fn a_gather_without_prompts_answers_the_caller() {
    let (_, words) = Run::of("<Gather/>");
    assert_ne!(words, [""; 0], "nobody presses keys into a telephone that rings");
}

#[test]
fn a_key_counts_more_than_a_prompt_that_cannot_be_had() {
    let (mut run, _) = Run::of("<Gather numDigits='2'><Play>a.wav</Play></Gather>");
    run.keys("4");
    assert_eq!(unobtainable(&mut run, 1), [""; 0]);
    assert_eq!(run.keys("2"), ["2 fetch http://app/voice?a=1"]);
    assert_eq!(run.parameter("Digits"), Some("42"));
}

#[test]
fn the_fallback_is_told_which_sound_was_missing() {
    for (body, code) in [
        ("<Play>http://app/a.wav</Play>", "11200"),
        ("<Gather><Play>http://app/a.wav</Play></Gather>", "13325"),
    ] {
        let fallback = Hook { place: Place::Url("http://app/help".to_owned()), method: Method::Post };
        let beginning = Beginning::Document { document: document(body), place: Place::Made };
        let (mut run, _) = Run::with(beginning, Some(fallback), Context::Main);
        unobtainable(&mut run, 1);
        let told = ["ErrorCode", "ErrorUrl", "CallStatus"].map(|name| run.parameter(name).unwrap_or("-"));
        assert_eq!(told, [code, "http://app/a.wav", "ringing"], "{body}: nobody has answered by then");
    }
}

#[test]
fn a_call_that_cannot_be_kept_alive_tells_its_end() {
    let mut bench = Bench::new();
    bench.dial(TELL);
    bench.step(|call, turn| call.give_up(turn));
    assert_eq!(told(&bench), ["failed"]);
}

#[test]
fn a_document_that_waits_before_it_does_anything_lets_the_caller_hear_ringing() {
    for body in ["<Pause length='3'/>", "<Redirect>http://app/next</Redirect>"] {
        let (_, words) = Run::of(body);
        assert!(words.contains(&"ring".to_owned()), "{body}: {words:?}");
    }
}

#[test]
fn a_script_that_dials_nobody_again_and_again_is_stopped() {
    let (mut run, _) = Run::of("<Dial>101</Dial><Redirect/>");
    let mut number = 1;
    for _ in 0..110 {
        run.dial_ended(number, DialStatus::Failed);
        obtained(&mut run, number + 1, "<Dial>101</Dial><Redirect/>");
        number += 2;
    }
    assert!(run.codes().contains(&12_400), "{:?}", run.codes());
}

#[test]
fn a_call_ends_when_it_has_lasted_as_long_as_one_may_and_not_before_it_was_answered() {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let mut bench = Bench::new();
    bench.call.longest = hours(4);
    bench.wanted(Wanted::Ring);
    assert_eq!(bench.pass(20_000), [""; 0], "a telephone that rings is no call yet");
    bench.wanted(Wanted::Echo);
    assert_eq!(bench.pass(20_000 + 14_399), [""; 0]);
    let words = bench.pass(20_000 + 14_400);
    assert_eq!(words, ["script: caller gone", "caller: hang up, HungUp"], "Max call 4 h");
    assert_eq!(bench.pass(40_000), [""; 0], "said once");
    bench.caller(ended(Cause::HungUp));
    assert!(bench.is_finished());

    let mut bench = Bench::new();
    bench.call.longest = hours(3);
    bench.dial("<Dial action='http://app/after'><Client>alice</Client></Dial>");
    bench.callee(1, answered());
    let words = bench.pass(3 * 3600);
    let ends = ["caller: hang up, HungUp", "1: hang up, HungUp"];
    assert_eq!(words[..3], ["script: caller gone", "caller: hear Silence", "script: 1 Completed"]);
    assert_eq!(words[3..], ends);
}
