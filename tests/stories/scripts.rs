//! Stories of callers who reach a script.

use trunkline::ops::events::{Cause, Event, Side};

use crate::dialling::{alice, bob, end};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

#[test]
fn the_echo_test_answers_and_echoes_until_the_caller_hangs_up() {
    let story = Story::of("echo", || vec![alice("100").on(Cue::Answered, 8_000, Act::Bye)]);
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.hears("alice"), ["silence", "prompt 1", "itself", "closed"]);
    assert_eq!(told.ends(), [end("alice", Cause::HungUp, Side::Peer)]);
    story.survives();
}

#[test]
fn the_greeting_is_said_to_anybody_and_hangs_up() {
    let story = Story::of_strangers("greeting", || {
        vec![Phone::new("dave", "dave", 4).on(Cue::Begin, 0, Act::Invite { to: "101", with_offer: true })]
    });
    let told = &story.calm;
    assert_eq!(told.saw("dave"), ["200 INVITE", "BYE"]);
    assert_eq!(told.hears("dave"), ["silence", "prompt 1", "prompt 2", "closed"]);
    assert_eq!(told.ends(), [end("dave", Cause::HungUp, Side::Switch)]);
    let verbs = told.told(|event| match event {
        Event::VerbStarted { verb, .. } => Some(verb.clone()),
        _ => None,
    });
    assert_eq!(verbs, ["Say", "Pause", "Play", "Hangup"]);
    story.survives();
}

#[test]
fn a_caller_who_hangs_up_during_a_prompt_ends_the_script() {
    let story = Story::of("hangs up during a prompt", || vec![alice("101").on(Cue::Answered, 500, Act::Bye)]);
    assert_eq!(story.calm.saw("alice"), ["200 INVITE", "200 BYE"]);
    assert_eq!(story.calm.ends(), [end("alice", Cause::HungUp, Side::Peer)]);
    story.survives();
}

#[test]
fn a_broken_script_is_apologised_for() {
    let story = Story::of("broken script", || vec![alice("105")]);
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "200 INVITE", "BYE"]);
    assert_eq!(told.hears("alice"), ["silence", "prompt 1", "closed"]);
    let findings = told.told(|event| match event {
        Event::ScriptFinding { line, code, .. } => Some((*line, *code)),
        _ => None,
    });
    assert_eq!(findings.len(), 1, "{findings:?}");
    story.survives();
}

#[test]
fn a_script_goes_on_after_the_callee_hung_up() {
    let story = Story::of("announced and connected", || {
        vec![alice("102"), bob().on(Cue::Invited, 3_000, Act::Answer("")).on(Cue::Confirmed, 4_000, Act::Bye)]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "200 INVITE", "BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "200 BYE"]);
    let hears = ["silence", "prompt 1", "ringback", "the other", "silence", "prompt 3", "closed"];
    assert_eq!(told.hears("alice"), hears);
    let ends = [end("alice", Cause::HungUp, Side::Switch), end("bob", Cause::HungUp, Side::Peer)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_script_goes_on_after_nobody_answered() {
    let story = Story::of("announced, nobody answers", || vec![alice("102"), bob()]);
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "200 INVITE", "BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    assert_eq!(told.hears("alice"), ["silence", "prompt 1", "ringback", "silence", "prompt 3", "closed"]);
    let ends = [end("alice", Cause::HungUp, Side::Switch), end("bob", Cause::NoAnswer, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn digits_in_info_are_told() {
    let story = Story::of("INFO", || {
        vec![
            alice("100")
                .on(Cue::Answered, 4_000, Act::Info('5'))
                .on(Cue::Answered, 8_000, Act::Info('#'))
                .on(Cue::Answered, 12_000, Act::Bye),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "200 INVITE", "200 INFO", "200 INFO", "200 BYE"]);
    let digits = told.told(|event| match event {
        Event::Digit { digit } => Some(*digit),
        _ => None,
    });
    assert_eq!(digits, ['5', '#']);
    story.survives();
}
