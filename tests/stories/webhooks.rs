//! Stories of callers whose scripts come from a web application.

use trunkline::ops::events::{Cause, Event, Side};
use trunkline::twiml::verb::Method;

use crate::dialling::{alice, bob, end};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

#[test]
fn a_caller_walks_the_menu_by_keys_and_reaches_whom_it_chose() {
    let story = Story::of("menu", || {
        vec![
            alice("110").on(Cue::Answered, 3_000, Act::Info('2')).on(Cue::Answered, 4_000, Act::Info('1')),
            bob().on(Cue::Invited, 500, Act::Answer("")).on(Cue::Confirmed, 3_000, Act::Bye),
        ]
    });
    let told = &story.calm;
    let urls: Vec<&str> = told.asked.iter().map(|request| request.url.as_str()).collect();
    let menu =
        ["http://app/menu", "http://app/choice", "http://app/menu", "http://app/choice", "http://app/after"];
    assert_eq!(urls, menu);
    assert_eq!(told.asked_with(1, "Digits"), Some("2"));
    assert_eq!(told.asked_with(3, "Digits"), Some("1"));
    assert_eq!(told.asked_with(0, "CallStatus"), Some("ringing"));
    assert_eq!(told.asked_with(4, "DialCallStatus"), Some("completed"));
    assert_eq!(told.asked_with(4, "DialCallDuration"), Some("4"));
    assert_eq!(told.asked_with(4, "CallStatus"), Some("in-progress"));
    assert_eq!(told.posts("CallStatus"), ["completed"], "the route wants to know of the end");
    story.survives();
}

#[test]
fn a_message_is_recorded_and_its_action_told_whoever_hangs_up() {
    let story = Story::of("voicemail", || vec![alice("111").on(Cue::Answered, 6_000, Act::Info('#'))]);
    let told = &story.calm;
    assert_eq!(told.asked_with(1, "Digits"), Some("#"));
    assert_eq!(told.asked_with(1, "RecordingDuration"), Some("3"));
    assert_eq!(told.ends(), [end("alice", Cause::HungUp, Side::Switch)]);
    assert_eq!(told.posts("RecordingStatus"), ["completed"]);
    story.survives();

    let story = Story::of("voicemail, hung up", || vec![alice("111").on(Cue::Answered, 6_000, Act::Bye)]);
    let told = &story.calm;
    assert_eq!(told.asked_with(1, "Digits"), Some("hangup"));
    assert_eq!(told.asked_with(1, "CallStatus"), Some("completed"));
    assert_eq!(told.ends(), [end("alice", Cause::HungUp, Side::Peer)]);
    story.survives();
}

#[test]
fn a_callee_is_asked_first_and_everybody_told_in_order() {
    let story = Story::of("screened", || {
        vec![
            alice("112"),
            bob()
                .on(Cue::Invited, 100, Act::Ring(""))
                .on(Cue::Invited, 500, Act::Answer(""))
                .on(Cue::Confirmed, 1_000, Act::Info('5'))
                .on(Cue::Confirmed, 6_000, Act::Bye),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.asked_with(1, "Direction"), Some("outbound-dial"));
    assert_eq!(told.asked_with(2, "Digits"), Some("5"));
    assert_eq!(told.posts("CallStatus"), ["initiated", "ringing", "in-progress", "completed"]);
    assert_eq!(told.posts("SequenceNumber"), ["0", "1", "2", "3"]);
    story.survives();
}

#[test]
fn an_application_that_is_down_is_replaced_by_its_fallback() {
    let story = Story::of("down", || vec![alice("113")]);
    let told = &story.calm;
    assert_eq!(told.asked_with(1, "ErrorCode"), Some("11202"));
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"]);
    story.survives();
}

#[test]
fn a_callee_who_never_says_whether_it_takes_the_call_is_let_go() {
    let story = Story::of("patient", || vec![alice("122"), bob().on(Cue::Invited, 500, Act::Answer(""))]);
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    assert_eq!(told.hears("alice"), ["silence", "ringing(de)", "silence", "prompt 4", "closed"]);
    let urls: Vec<&str> = told.asked.iter().map(|request| request.url.as_str()).collect();
    assert_eq!(urls, ["http://app/patient", "http://app/forever", "http://app/after"]);
    assert!(told.asked.iter().all(|request| request.method == Method::Get));
    assert_eq!(told.asked_with(1, "From"), Some("desk"));
    assert_eq!(told.asked_with(1, "To"), Some("client:bob"));
    assert_eq!(told.asked_with(2, "DialCallStatus"), Some("no-answer"));
    assert_eq!(told.asked_with(2, "DialBridged"), Some("false"));
    let exchanges = told.told(|event| match event {
        Event::Obtained { status, took_us, .. } => Some((*status, *took_us)),
        _ => None,
    });
    assert_eq!(exchanges, [(Some(200), 40_000); 3]);
    story.survives();
}

#[test]
fn one_after_the_other_is_called_and_the_talk_ends_at_its_limit() {
    let story = Story::of("in turn", || {
        vec![
            alice("123"),
            bob(),
            Phone::new("carol", "carol", 3).on(Cue::Invited, 100, Act::Ring("")).on(
                Cue::Invited,
                1_000,
                Act::Answer(""),
            ),
        ]
    });
    let told = &story.calm;
    assert_eq!(
        told.saw("alice"),
        ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"],
        "answered on the bridge"
    );
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    assert_eq!(told.saw("carol"), ["INVITE", "ACK", "BYE"], "by the time limit");
    assert_eq!(told.asked_with(1, "DialCallStatus"), Some("completed"));
    assert_eq!(told.asked_with(1, "DialCallDuration"), Some("20"));
    assert_eq!(told.posts("CallStatus"), ["completed"]);
    assert_eq!(told.posts("SipResponseCode"), ["200"]);
    story.survives();
}
