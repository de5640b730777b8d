//! Record, row by row of the reference (twiml.md §3): the beep, what ends it, and that the file comes first.

use super::super::script::ScriptInput;
use super::script::Run;
use super::*;
use crate::recorded::{Finished, RecordingError};

/// One that records.
fn taping(attributes: &str) -> Run {
    let (mut run, words) = Run::of(&format!("<Record {attributes}/><Say>Nothing</Say>"));
    assert_eq!(words, ["1 prepare beep"]);
    assert_eq!(run.prepared(1, Ok("beep")), ["1 play beep 1"]);
    let words = run.done(1);
    assert!(words[0].starts_with("1 tape"), "{words:?}");
    run
}

fn finished(run: &mut Run, duration: u32) -> Vec<String> {
    let sid = sid_in(&run.run);
    let finished = Finished { duration, channels: 1, is_empty: duration == 0 };
    run.step(|run, turn| {
        let result = Ok(finished.clone());
        run.handle(ScriptInput::Finished { recording: sid, result }, turn);
    })
}

fn taped(run: &mut Run) -> Vec<String> {
    run.told(Told::Taped { activity: 1, voiced: true })
}

#[test]
fn a_beep_comes_first_unless_it_is_not_wanted() {
    let (_, words) = Run::of("<Record playBeep='false'/>");
    assert_eq!(words, ["1 tape, silence 5s, limit 3600s"]);
    let (mut run, _) = Run::of("<Record/>");
    assert_eq!(
        run.prepared(1, Err("no beep")),
        ["1 tape, silence 5s, limit 3600s"],
        "better without than not at all"
    );
}

#[test]
fn a_script_names_its_recording_from_the_first_sound_until_its_file_is_there() {
    let (mut run, _) = Run::of("<Record action='done'/>");
    assert_eq!(run.run.recording(), None, "the beep is prepared");
    run.prepared(1, Ok("beep"));
    assert_eq!(run.run.recording(), None, "the beep is heard");
    run.done(1);
    let recording = Some(sid_in(&run.run));
    assert_eq!(run.run.recording(), recording);
    taped(&mut run);
    assert_eq!(run.run.recording(), recording, "its file is brought to its end");
    finished(&mut run, 7);
    assert_eq!(run.run.recording(), None);
}

#[test]
fn silence_and_length_are_as_the_document_says() {
    for (attributes, tape) in [
        ("timeout='3'", "1 tape, silence 3s, limit 3600s"),
        ("timeout='0'", "1 tape, silence 0ns, limit 3600s"),
        ("maxLength='30'", "1 tape, silence 5s, limit 30s"),
    ] {
        let (_, words) = Run::of(&format!("<Record playBeep='false' {attributes}/>"));
        assert_eq!(words, [tape]);
    }
}

#[test]
fn the_action_is_asked_once_the_recording_can_be_fetched_and_not_before() {
    let mut run = taping("action='done'");
    assert_eq!(taped(&mut run), ["finish, trim true"]);
    assert_eq!(run.step(|run, turn| run.resume(turn)), ["finish, trim true"]);
    assert_eq!(finished(&mut run, 7), ["2 fetch http://app/done"]);
    let url = run.parameter("RecordingUrl").expect("a URL").to_owned();
    assert!(url.starts_with("http://switch/Recordings/RE"), "{url}");
    assert_eq!(run.parameter("RecordingSid"), url.rsplit('/').next());
    assert_eq!(run.parameter("RecordingDuration"), Some("7"));
    assert_eq!(run.parameter("Digits"), Some(""));
}

#[test]
fn any_key_ends_it_or_those_that_are_named() {
    let mut run = taping("action='done'");
    assert_eq!(run.keys("7"), ["finish, trim true", "untape"]);
    assert_eq!(taped(&mut run), [""; 0]);
    finished(&mut run, 7);
    assert_eq!(run.parameter("Digits"), Some("7"));

    let mut run = taping("action='done' finishOnKey='#'");
    assert_eq!(run.keys("7"), [""; 0]);
    assert_eq!(run.keys("#").len(), 2);
    assert_eq!(run.keys("#"), [""; 0], "once");
}

#[test]
fn a_caller_who_hangs_up_ends_it_and_the_action_is_told_so() {
    let mut run = taping("action='done'");
    assert_eq!(run.told(Told::Gone { dial_ends: false, waits: true }), ["finish, trim true"]);
    assert_eq!(finished(&mut run, 7), ["2 fetch http://app/done"]);
    assert_eq!(run.parameter("Digits"), Some("hangup"));
    assert_eq!(run.parameter("CallStatus"), Some("completed"));
    let words = super::documents::obtained(&mut run, 2, "<Say>Nobody hears this</Say>");
    assert_eq!(words, ["over"]);
    run.run.mail().acknowledge(Party::Call(CallId(PARENT)), u64::MAX);
    assert!(run.run.is_finished());
}

#[test]
fn a_caller_who_hangs_up_during_the_beep_leaves_nothing() {
    let (mut run, _) = Run::of("<Record action='done'/>");
    run.prepared(1, Ok("beep"));
    assert_eq!(run.told(Told::Gone { dial_ends: false, waits: false }), [""; 0]);
}

#[test]
fn of_nothing_nobody_is_told_but_who_asked_for_that_and_the_next_verb_follows() {
    let mut run = taping("action='done'");
    taped(&mut run);
    assert_eq!(finished(&mut run, 0), ["2 prepare \"Nothing\""]);

    let mut run =
        taping("action='done' recordingStatusCallback='told' recordingStatusCallbackEvent='absent'");
    taped(&mut run);
    assert_eq!(finished(&mut run, 0)[0..1], ["2 prepare \"Nothing\""]);
    assert_eq!(value(&run.posted[0].parameters, "RecordingStatus"), Some("absent"));
}

#[test]
fn one_of_which_nobody_tells_the_end_ends_all_the_same() {
    let mut run = taping("maxLength='30'");
    assert_eq!(run.pass(34), [""; 0]);
    assert_eq!(run.pass(35), ["finish, trim true", "untape"]);
}

#[test]
fn a_disk_that_fails_costs_the_recording_and_not_the_call() {
    let mut run = taping("action='done'");
    taped(&mut run);
    let recording = sid_in(&run.run);
    let words = run.step(|run, turn| {
        let result = Err(RecordingError::Failed("no space left".to_owned()));
        run.handle(ScriptInput::Finished { recording, result }, turn);
    });
    assert_eq!(words, ["2 prepare \"Nothing\""]);
    assert_eq!(run.codes(), [16_101]);
}

#[test]
fn whoever_asks_is_told_when_it_begins_and_when_it_is_there() {
    let attributes = "trim='do-not-trim' recordingStatusCallback='told' recordingStatusCallbackMethod='GET' \
                      recordingStatusCallbackEvent='in-progress completed'";
    let mut run = taping(attributes);
    assert_eq!(taped(&mut run), ["finish, trim false"]);
    finished(&mut run, 7);
    let told: Vec<_> = run.posted.iter().map(|told| value(&told.parameters, "RecordingStatus")).collect();
    assert_eq!(told, [Some("in-progress"), Some("completed")]);
    let last = &run.posted[1];
    assert_eq!((last.url.as_str(), last.method), ("http://app/told", crate::twiml::verb::Method::Get));
    for (name, wanted) in [
        ("RecordingSource", Some("RecordVerb")),
        ("RecordingDuration", Some("7")),
        ("RecordingChannels", Some("1")),
        ("RecordingStartTime", Some("Thu, 01 Jan 1970 00:00:00 +0000")),
        ("CallSid", Some(PARENT.to_string().as_str())),
    ] {
        assert_eq!(value(&last.parameters, name), wanted, "{name}");
    }
    let run = taping("recordingStatusCallback='told'");
    assert_eq!(run.posted.len(), 0, "by default only the end is told");
}
