//! Answers that never come, because whoever should have given them is lost: no caller waits for ever.

use super::super::script::{Beginning, Hook, Place};
use super::documents::obtained;
use super::script::Run;
use super::*;
use crate::recorded::Finished;
use crate::twiml::document::Context;

const APOLOGY: &str = "We are sorry, an application error has occurred. Goodbye.";

fn asking(fallback: Option<Hook>) -> Run {
    let place = Place::Url("http://app/voice".to_owned());
    let first = Beginning::Hook(Hook { place, method: Default::default() });
    let (run, words) = Run::with(first, fallback, Context::Main);
    assert_eq!(words, ["1 fetch http://app/voice", "ring"]);
    run
}

#[test]
fn a_document_of_which_nobody_tells_has_failed_like_one_that_took_too_long() {
    let spare = Hook { place: Place::Url("http://spare/voice".to_owned()), method: Default::default() };
    let mut run = asking(Some(spare));
    assert_eq!(run.pass(29), [""; 0], "the client itself gives up after 15 s");
    assert_eq!(run.pass(30), ["2 fetch http://spare/voice"]);
    assert_eq!(run.parameter("ErrorCode"), Some("11203"));
    assert_eq!(obtained(&mut run, 1, "<Hangup/>"), [""; 0], "too late");
    assert_eq!(run.pass(60), [format!("3 prepare \"{APOLOGY}\"")]);
    assert_eq!(run.pass(180), ["hang up"], "an apology that cannot be had is passed over");
}

#[test]
fn what_is_asked_for_again_after_a_loss_gets_its_time_again() {
    let mut run = asking(None);
    run.pass(29);
    assert_eq!(run.step(|run, turn| run.resume(turn)), ["1 fetch http://app/voice"]);
    assert_eq!(run.pass(58), [""; 0]);
    assert_eq!(run.pass(59), [format!("2 prepare \"{APOLOGY}\"")]);
}

#[test]
fn a_sound_of_which_nobody_tells_is_passed_over_or_ends_the_document_as_it_would_have_in_vain() {
    let (mut run, _) = Run::of("<Say>Hello</Say><Hangup/>");
    assert_eq!(run.pass(119), [""; 0]);
    assert_eq!(run.pass(120), ["hang up"]);
    assert_eq!(run.codes(), [12_400]);

    let (mut run, _) = Run::of("<Play>a.wav</Play><Hangup/>");
    assert_eq!(run.pass(120), [format!("2 prepare \"{APOLOGY}\"")]);
    assert_eq!(run.codes(), [11_203]);
}

#[test]
fn a_gather_listens_without_the_prompts_of_which_nobody_tells() {
    let (mut run, _) = Run::of("<Gather><Say>One</Say><Say>Two</Say><Say>Three</Say></Gather>");
    run.prepared(2, Ok("two"));
    assert_eq!(run.pass(120), ["2 play two 1"]);
    assert_eq!(run.done(2), [""; 0]);
    assert_eq!(run.pass(125), ["hang up"], "nothing was pressed");

    let (mut run, _) = Run::of("<Gather><Play>a.wav</Play><Say>Two</Say></Gather>");
    assert_eq!(run.pass(120), [format!("3 prepare \"{APOLOGY}\"")]);
    assert_eq!(run.codes(), [13_325]);
}

#[test]
fn a_record_goes_on_without_its_beep_and_tells_that_its_file_is_absent() {
    let (mut run, _) =
        Run::of("<Record recordingStatusCallback='/r' recordingStatusCallbackEvent='absent'/>");
    let words = run.pass(120);
    assert!(words[0].starts_with("1 tape"), "{words:?}");
    assert_eq!(run.told(Told::Taped { activity: 1, voiced: true }), ["finish, trim true"]);
    assert_eq!(run.pass(239), [""; 0]);
    assert_eq!(run.pass(240), ["tell http://app/r", "hang up"]);
    assert_eq!(run.codes(), [16_101]);
}

#[test]
fn a_dial_whose_recording_nobody_brings_to_its_end_goes_on_without_it() {
    let mut bench = Bench::new();
    bench.dial(
        "<Dial record='true' recordingStatusCallback='http://app/r' recordingStatusCallbackEvent='absent'>\
         <Client>alice</Client></Dial>",
    );
    bench.callee(1, answered());
    bench.now = at(10);
    assert_eq!(bench.callee(1, ended(Cause::HungUp))[0], "finish, trim false");
    let recording = sid_in(&bench.call);
    assert_eq!(bench.pass(129), [""; 0], "the disk itself gives up after half a minute");
    assert_eq!(bench.step(|call, turn| call.resume(turn)), ["finish, trim false"]);
    assert_eq!(bench.pass(248), [""; 0], "who is asked again gets his time again");
    assert_eq!(bench.pass(249), ["script: 1 Completed"]);
    assert_eq!(bench.results[0].recording, None);
    let told: Vec<&str> = bench.posted.iter().map(|callback| callback.url.as_str()).collect();
    assert_eq!(told, ["http://app/r"]);
    assert_eq!(value(&bench.posted[0].parameters, "RecordingStatus"), Some("absent"));
    let late = bench.step(|call, turn| {
        let result = Ok(Finished { duration: 9, channels: 1, is_empty: false });
        call.handle(CallInput::Finished { recording, result }, turn);
    });
    assert_eq!(late, [""; 0], "too late");
}
