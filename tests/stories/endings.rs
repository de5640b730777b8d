//! Stories of ACKs that get lost, and of two sides that hang up.

use trunkline::ops::events::{Cause, Side};

use crate::dialling::{alice, bob, end};
use crate::phone::{Act, Cue};
use crate::story::Story;

#[test]
fn a_2xx_is_repeated_until_its_ack_comes() {
    let story = Story::of("ACK lost", || {
        let mut alice = alice("bob").on(Cue::Answered, 6_000, Act::Bye);
        alice.loses_acks = 2;
        vec![alice, bob().on(Cue::Invited, 1_000, Act::Answer(""))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    let ends = [end("alice", Cause::HungUp, Side::Peer), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_caller_who_never_acknowledges_is_hung_up_on() {
    let story = Story::of("ACK never comes", || {
        let mut alice = alice("bob");
        alice.loses_acks = usize::MAX;
        vec![alice, bob().on(Cue::Invited, 1_000, Act::Answer(""))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"]);
    assert!(told.text("alice", 3).contains("\r\nReason: SIP;cause=408"));
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    let ends = [end("alice", Cause::NoAck, Side::Switch), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_hang_up_waits_for_the_ack_of_the_answer() {
    let story = Story::of("callee hangs up before the caller's ACK", || {
        let mut alice = alice("bob");
        alice.loses_acks = 3;
        vec![alice, bob().on(Cue::Invited, 1_000, Act::Answer("")).on(Cue::Confirmed, 100, Act::Bye)]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "200 BYE"]);
    let ends = [end("alice", Cause::HungUp, Side::Switch), end("bob", Cause::HungUp, Side::Peer)];
    assert_eq!(told.ends(), ends);
    story.survives();
}
