//! Stories of callers whose scripts answer them, refuse them or let them wait (twiml.md §0).

use trunkline::ops::events::{Cause, Side};

use crate::dialling::{alice, bob, end};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

/// What a caller sees who does nothing but call `number`.
fn seen(number: &'static str, cast: fn() -> Vec<Phone>, wanted: &[&str]) -> Story {
    let story = Story::of(number, cast);
    assert_eq!(story.calm.saw("alice"), wanted, "{number}");
    story
}

#[test]
fn a_caller_is_rejected_as_busy_or_as_unknown_and_was_never_answered() {
    let story = seen("116", || vec![alice("116")], &["401 INVITE", "180 INVITE", "486 INVITE"]);
    assert_eq!(story.calm.posts("CallStatus"), ["busy"]);
    assert_eq!(story.calm.posts("CallDuration"), ["0"]);
    assert_eq!(story.calm.posts("SipResponseCode"), ["486"]);
    story.survives();
    let story = seen("117", || vec![alice("117")], &["401 INVITE", "180 INVITE", "404 INVITE"]);
    assert_eq!(story.calm.posts("CallStatus"), ["no-answer"]);
    assert_eq!(story.calm.posts("SipResponseCode"), ["404"]);
    story.survives();
}

#[test]
fn a_document_that_is_empty_or_hangs_up_answers_first() {
    let wanted = ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"];
    seen("118", || vec![alice("118")], &wanted).survives();
    seen("119", || vec![alice("119")], &wanted).survives();
}

#[test]
fn a_pause_and_a_redirect_leave_the_caller_ringing() {
    let story = seen("120", || vec![alice("120")], &["401 INVITE", "180 INVITE", "404 INVITE"]);
    let urls: Vec<&str> = story.calm.asked.iter().map(|request| request.url.as_str()).collect();
    assert_eq!(urls, ["http://app/later", "http://app/rejected"]);
    assert_eq!(story.calm.asked_with(1, "CallStatus"), Some("ringing"));
    story.survives();
}

#[test]
fn a_caller_who_does_not_wait_for_the_first_document_was_not_answered() {
    let story = seen(
        "114",
        || vec![alice("114").on(Cue::Ringing, 1_000, Act::Cancel)],
        &["401 INVITE", "180 INVITE", "200 CANCEL", "487 INVITE"],
    );
    assert_eq!(story.calm.asked.len(), 1);
    assert_eq!(story.calm.posts("CallStatus"), ["no-answer"]);
    assert_eq!(story.calm.posts("SipResponseCode"), ["487"], "the caller gave up");
    story.survives();
}

#[test]
fn an_application_that_takes_its_time_is_waited_for() {
    let wanted = ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"];
    seen("114", || vec![alice("114")], &wanted).survives();
}

#[test]
fn an_application_that_leads_in_circles_is_left_with_an_apology() {
    let wanted = ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"];
    let story = Story::of("121", || vec![alice("121")]);
    assert_eq!(story.calm.saw("alice"), wanted);
    assert_eq!(story.calm.asked.len(), 101);
}

#[test]
fn whoever_hangs_up_the_action_of_a_recorded_dial_is_told() {
    fn told(story: &Story, status: &str) {
        let told = &story.calm;
        let urls: Vec<&str> = told.asked.iter().map(|request| request.url.as_str()).collect();
        assert_eq!(urls, ["http://app/recorded", "http://app/after"]);
        assert_eq!(told.asked_with(1, "DialCallStatus"), Some("completed"));
        assert_eq!(told.asked_with(1, "DialBridged"), Some("true"));
        assert_eq!(told.asked_with(1, "RecordingDuration"), Some("3"));
        assert_eq!(told.asked_with(1, "CallStatus"), Some(status));
        assert_eq!(told.posts("RecordingStatus"), ["completed"]);
        let (sids, of_the_action) = (told.posts("RecordingSid"), told.asked_with(1, "RecordingSid"));
        assert_eq!(sids.len(), 2, "its own callback and that of the callee's end");
        assert!(sids.iter().all(|sid| Some(*sid) == of_the_action));
        let ends = told.posts("Direction");
        assert_eq!(ends.iter().filter(|end| **end == "outbound-dial").count(), 1, "one end of the callee");
    }
    let story = Story::of("recorded, caller hangs up", || {
        vec![alice("115").on(Cue::Answered, 6_000, Act::Bye), bob().on(Cue::Invited, 500, Act::Answer(""))]
    });
    told(&story, "completed");
    let ends = [end("alice", Cause::HungUp, Side::Peer), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(story.calm.ends(), ends);
    story.survives();
    let story = Story::of("recorded, callee hangs up", || {
        vec![alice("115"), bob().on(Cue::Invited, 500, Act::Answer("")).on(Cue::Confirmed, 4_000, Act::Bye)]
    });
    told(&story, "in-progress");
    story.survives();
}

#[test]
fn an_answered_caller_who_hangs_up_gives_up_the_callee_that_rings() {
    let story = Story::of("given up", || vec![alice("115").on(Cue::Answered, 3_000, Act::Bye), bob()]);
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    assert_eq!(told.asked_with(1, "DialCallStatus"), Some("canceled"));
    assert_eq!(told.posts("CallStatus"), ["canceled"]);
    story.survives();
}
