//! Stories of provisional answers that must arrive (RFC 3262), with one phone that knows them or two.

use trunkline::ops::events::{Cause, Side};

use crate::dialling::{alice, bob, end};
use crate::network::Weather;
use crate::phone::{Act, Cue, Phone};
use crate::story::{Story, in_weather};
use crate::world::Death;

/// A caller who wants every provisional answer to arrive.
fn insisting(to: &'static str) -> Phone {
    let mut alice = alice(to);
    (alice.insists, alice.supports) = (true, "100rel");
    alice
}

/// A callee with early sound that has to arrive.
fn singing() -> Phone {
    let bob = Phone::new("bob", "bob", 2).on(Cue::Invited, 100, Act::Ring(""));
    let mut bob = bob.on(Cue::Invited, 800, Act::Progress("")).on(Cue::Invited, 4_000, Act::Answer(""));
    bob.insists = true;
    bob
}

#[test]
fn a_caller_who_insists_calls_a_phone_that_knows_nothing_of_it() {
    let story = Story::of("100rel, caller only", || {
        vec![
            insisting("bob").on(Cue::Answered, 3_000, Act::Bye),
            bob().on(Cue::Invited, 2_000, Act::Answer("")),
        ]
    });
    let told = &story.calm;
    let saw = ["401 INVITE", "180 INVITE", "200 PRACK", "200 INVITE", "200 BYE"];
    assert_eq!(told.saw("alice"), saw);
    assert!(told.text("alice", 1).contains("\r\nRequire: 100rel\r\nRSeq: "));
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    story.survives();
}

#[test]
fn a_callee_whose_early_sound_must_arrive_is_called_by_a_phone_that_knows_nothing_of_it() {
    let story =
        Story::of("100rel, callee only", || vec![alice("bob").on(Cue::Answered, 3_000, Act::Bye), singing()]);
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "183 INVITE", "200 INVITE", "200 BYE"]);
    assert!(!told.text("alice", 2).contains("RSeq"));
    assert_eq!(told.saw("bob"), ["INVITE", "PRACK", "PRACK", "ACK", "BYE"]);
    assert_eq!(told.hears("alice"), ["silence", "the other", "closed"]);
    story.survives();
}

#[test]
fn early_sound_arrives_between_two_phones_that_insist() {
    let story =
        Story::of("100rel, both", || vec![insisting("bob").on(Cue::Answered, 3_000, Act::Bye), singing()]);
    let told = &story.calm;
    let saw = ["401 INVITE", "180 INVITE", "200 PRACK", "183 INVITE", "200 PRACK", "200 INVITE", "200 BYE"];
    assert_eq!(told.saw("alice"), saw);
    assert!(told.text("alice", 3).contains("\r\nm=audio "));
    assert!(!told.text("alice", 5).contains("\r\nm=audio "), "it is settled by then");
    assert_eq!(told.saw("bob"), ["INVITE", "PRACK", "PRACK", "ACK", "BYE"]);
    story.survives();
}

#[test]
fn a_provisional_answer_that_gets_lost_is_sent_until_it_arrives() {
    let story = Story::of("100rel, lost", || {
        let mut alice = insisting("bob").on(Cue::Answered, 3_000, Act::Bye);
        alice.misses = 2;
        vec![alice, singing()]
    });
    let told = &story.calm;
    let saw = ["401 INVITE", "180 INVITE", "200 PRACK", "183 INVITE", "200 PRACK", "200 INVITE", "200 BYE"];
    assert_eq!(told.saw("alice"), saw);
    story.survives();
}

#[test]
fn an_answer_waits_until_the_sound_before_it_has_arrived() {
    let story = Story::of("100rel, 200 waits", || {
        let mut alice = insisting("bob").on(Cue::Answered, 3_000, Act::Bye);
        // The 180, then the 183 at 2.9 s, a second later than its answer.
        alice.misses = 4;
        let bob = Phone::new("bob", "bob", 2).on(Cue::Invited, 100, Act::Progress(""));
        vec![alice, bob.on(Cue::Invited, 900, Act::Answer(""))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "183 INVITE", "200 PRACK", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    story.survives();
}

#[test]
fn a_caller_who_never_acknowledges_is_refused() {
    let story = Story::of("100rel, no PRACK", || {
        let mut alice = insisting("bob");
        alice.misses = usize::MAX;
        vec![alice, bob()]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "504 INVITE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    let ends = [end("alice", Cause::NoAck, Side::Switch), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_late_offer_is_settled_before_the_answer() {
    let story = Story::of("100rel, late offer", || {
        let mut alice = Phone::new("alice", "alice", 1)
            .on(Cue::Begin, 100, Act::Invite { to: "bob", with_offer: false })
            .on(Cue::Answered, 3_000, Act::Bye);
        (alice.insists, alice.supports) = (true, "100rel");
        vec![alice, singing()]
    });
    let told = &story.calm;
    assert!(told.text("alice", 1).contains("\r\nm=audio "), "the first that must arrive bears our offer");
    assert_eq!(told.hears("alice").last().map(String::as_str), Some("closed"));
    assert_eq!(told.saw("alice").last().map(String::as_str), Some("200 BYE"));
    story.survives();
}

#[test]
fn a_caller_gives_up_while_a_provisional_answer_is_on_its_way() {
    let story = Story::of("100rel, CANCEL", || {
        let mut alice = insisting("bob").on(Cue::Begin, 3_000, Act::Cancel);
        alice.misses = usize::MAX;
        vec![alice, bob()]
    });
    assert_eq!(story.calm.saw("alice"), ["401 INVITE", "180 INVITE", "200 CANCEL", "487 INVITE"]);
    assert_eq!(story.calm.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    story.survives();
}

fn both_insist() -> Vec<Phone> {
    vec![insisting("bob").on(Cue::Answered, 6_000, Act::Bye), singing()]
}

#[test]
fn calls_that_insist_come_to_rest_in_rain_and_when_everything_dies() {
    let rain = Weather { lost: 10, doubled: 5, late: 40 };
    in_weather(both_insist, rain, Death::Nothing);
    in_weather(both_insist, Weather::default(), Death::Often { actors: 15, everything: 10 });
    in_weather(both_insist, rain, Death::Often { actors: 15, everything: 10 });
}
