//! Stories of callers who give up.

use trunkline::ops::events::{Cause, Side};

use crate::dialling::{alice, bob, end};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

#[test]
fn a_caller_gives_up_while_it_rings() {
    let story = Story::of("cancelled", || vec![alice("bob").on(Cue::Ringing, 2_000, Act::Cancel), bob()]);
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 CANCEL", "487 INVITE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    let ends = [end("alice", Cause::Cancelled, Side::Peer), end("bob", Cause::Cancelled, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_cancel_that_crosses_the_answer_is_too_late() {
    let story = Story::of("CANCEL crosses 200", || {
        vec![
            alice("bob").on(Cue::Answered, 0, Act::CancelTooLate).on(Cue::Answered, 2_000, Act::Bye),
            bob().on(Cue::Invited, 2_000, Act::Answer("")),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 CANCEL", "200 BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    let ends = [end("alice", Cause::HungUp, Side::Peer), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_callee_who_answers_the_cancel_with_a_200_is_hung_up_on() {
    let story = Story::of("200 crosses CANCEL", || {
        vec![alice("bob").on(Cue::Ringing, 2_000, Act::Cancel), bob().on(Cue::Cancelled, 0, Act::Answer(""))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 CANCEL", "487 INVITE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK", "BYE"]);
    let ends = [end("alice", Cause::Cancelled, Side::Peer), end("bob", Cause::Cancelled, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_caller_gives_up_while_two_users_ring() {
    let story = Story::of("cancelled, two ring", || {
        vec![
            alice("104").on(Cue::Ringing, 2_000, Act::Cancel),
            bob(),
            Phone::new("carol", "carol", 3).on(Cue::Invited, 300, Act::Ring("")),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 CANCEL", "487 INVITE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    assert_eq!(told.saw("carol"), ["INVITE", "CANCEL", "ACK"]);
    let cancelled = |who| end(who, Cause::Cancelled, Side::Switch);
    let ends = [end("alice", Cause::Cancelled, Side::Peer), cancelled("bob"), cancelled("carol")];
    assert_eq!(told.ends(), ends);
    story.survives();
}
