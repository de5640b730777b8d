//! Gather (twiml.md §3): the rows that `gathering.rs` has no story for.

use super::*;

/// One that listens, after its prompts.
fn listening(attributes: &str) -> Run {
    let (mut run, _) = Run::of(&format!("<Gather {attributes}><Say>Press</Say></Gather><Hangup/>"));
    run.prepared(1, Ok("press"));
    run.done(1);
    run
}

#[test]
fn keys_are_listened_to_unless_only_speech_is_asked_for() {
    for (says, input, is_heard) in [
        ("input: dtmf", "", true),
        ("input: dtmf", "input='dtmf'", true),
        ("input: dtmf speech", "input='dtmf speech'", true),
        ("input: speech", "input='speech'", false),
        ("input: bad, the default is used", "input='smoke'", true),
    ] {
        let mut run = listening(&format!("numDigits='1' {input}"));
        assert_eq!(!run.keys("1").is_empty(), is_heard, "{says}: {input}");
        assert_eq!(run.pass(5) == ["hang up"], !is_heard, "{says}: no input falls through");
    }
}

#[test]
fn the_action_is_this_document_unless_there_is_another() {
    for (says, action, url) in [
        ("action: current document", "", "http://app/voice?a=1"),
        ("empty action means the current document", "action=''", "http://app/voice?a=1"),
        ("action: URL, relative", "action='../next?b=2'", "http://app/next?b=2"),
        ("action: URL, absolute", "action='https://h/x'", "https://h/x"),
    ] {
        let mut run = listening(&format!("numDigits='1' {action}"));
        assert_eq!(run.keys("1"), [format!("2 fetch {url}")], "{says}");
    }
}

#[test]
fn a_caller_who_hangs_up_during_a_gather_is_told_to_nobody() {
    let mut run = listening("action='next' actionOnEmptyResult='true'");
    run.keys("1");
    assert_eq!(run.told(Told::Gone { dial_ends: false, waits: false }), [""; 0]);
    assert_eq!((run.pass(60), run.asked.len()), (vec![], 0), "hangup: no action request");
}

#[test]
fn what_ends_it_by_default_is_the_pound_key_and_no_number_of_keys() {
    let mut run = listening("action='next'");
    assert_eq!(run.keys(&"1234567890*".repeat(5)), [""; 0], "numDigits: unlimited; only # ends it");
    assert_eq!(run.keys("#").len(), 1, "finishOnKey: #");
    let mut run = listening("action='next' finishOnKey='0'");
    assert_eq!((run.keys("1#"), run.keys("0").len()), (vec![], 1), "finishOnKey: one of 0-9 # *");
}
