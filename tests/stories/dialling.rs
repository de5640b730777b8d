//! Stories of a user who dials another one.

use trunkline::ops::events::{Cause, Side};

use crate::outcome::End;
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

/// A caller who does nothing but call.
pub fn alice(to: &'static str) -> Phone {
    Phone::new("alice", "alice", 1).on(Cue::Begin, 100, Act::Invite { to, with_offer: true })
}

/// A phone of bob's that rings.
pub fn bob() -> Phone {
    Phone::new("bob", "bob", 2).on(Cue::Invited, 0, Act::Ring(""))
}

pub fn end(peer: &str, cause: Cause, by: Side) -> End {
    End { peer: peer.to_owned(), cause, by }
}

#[test]
fn a_user_answers_and_the_caller_hangs_up() {
    let story = Story::of("answered, caller hangs up", || {
        vec![alice("bob").on(Cue::Answered, 5_000, Act::Bye), bob().on(Cue::Invited, 2_000, Act::Answer(""))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    assert_eq!(told.hears("alice"), ["silence", "the other", "closed"]);
    assert_eq!(told.hears("bob"), ["silence", "the other", "closed"]);
    let ends = [end("alice", Cause::HungUp, Side::Peer), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_user_answers_and_hangs_up() {
    let story = Story::of("answered, callee hangs up", || {
        vec![alice("bob"), bob().on(Cue::Invited, 2_000, Act::Answer("")).on(Cue::Confirmed, 5_000, Act::Bye)]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "200 BYE"]);
    let ends = [end("alice", Cause::HungUp, Side::Switch), end("bob", Cause::HungUp, Side::Peer)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_user_is_busy() {
    let story = Story::of("busy", || {
        vec![alice("bob"), Phone::new("bob", "bob", 2).on(Cue::Invited, 50, Act::Refuse(486))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "486 INVITE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK"]);
    let ends = [end("alice", Cause::Busy, Side::Switch), end("bob", Cause::Busy, Side::Peer)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_user_declines() {
    let story = Story::of("declined", || vec![alice("bob"), bob().on(Cue::Invited, 2_000, Act::Refuse(603))]);
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "603 INVITE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK"]);
    let ends = [end("alice", Cause::Declined, Side::Switch), end("bob", Cause::Declined, Side::Peer)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_user_does_not_answer_in_time() {
    let story = Story::of("no answer", || vec![alice("103"), bob()]);
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "480 INVITE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    let ends = [end("alice", Cause::NoAnswer, Side::Switch), end("bob", Cause::NoAnswer, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_phone_that_says_nothing_at_all_is_given_up() {
    let story = Story::of("deaf", || {
        vec![alice("103"), Phone::new("bob", "bob", 2).on(Cue::Registered, 0, Act::Deafen)]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "480 INVITE"]);
    assert_eq!(told.saw("bob"), ["INVITE"]);
    let ends = [end("alice", Cause::NoAnswer, Side::Switch), end("bob", Cause::NoAnswer, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_phone_whose_port_is_closed_is_given_up_at_once() {
    let story = Story::of("port unreachable", || {
        vec![alice("bob"), Phone::new("bob", "bob", 2).on(Cue::Registered, 0, Act::Unplug)]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "480 INVITE"]);
    let ends = [end("alice", Cause::Unreachable, Side::Switch), end("bob", Cause::Unreachable, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_user_without_a_phone_cannot_be_reached() {
    let story = Story::of("not registered", || vec![alice("carol")]);
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "480 INVITE"]);
    assert_eq!(told.ends(), [end("alice", Cause::Unreachable, Side::Switch)]);
    story.survives();
}

#[test]
fn the_second_of_a_sequence_is_called_when_the_first_does_not_answer() {
    let story = Story::of("sequence", || {
        vec![
            alice("106").on(Cue::Answered, 3_000, Act::Bye),
            bob(),
            Phone::new("carol", "carol", 3).on(Cue::Invited, 1_000, Act::Answer("")),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    assert_eq!(told.saw("carol"), ["INVITE", "ACK", "BYE"]);
    let ends = [
        end("alice", Cause::HungUp, Side::Peer),
        end("bob", Cause::NoAnswer, Side::Switch),
        end("carol", Cause::HungUp, Side::Switch),
    ];
    assert_eq!(told.ends(), ends);
    story.survives();
}
