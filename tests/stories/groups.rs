//! Stories of the groups of the demo dialplan: its own documents, read as they are.
//! A story here must never say what a document says itself.

use trunkline::ops::events::{Cause, Event, Side};

use crate::dialling::{bob, end};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

/// A caller who is not of the group.
fn erin(to: &'static str) -> Phone {
    Phone::new("erin", "erin", 6).on(Cue::Begin, 100, Act::Invite { to, with_offer: true })
}

/// A telephone of the group that rings.
fn rings(name: &'static str, host: u8) -> Phone {
    Phone::new(name, name, host).on(Cue::Invited, 0, Act::Ring(""))
}

#[test]
fn the_hunt_group_tries_bob_when_alice_has_not_answered_for_ten_seconds() {
    let story = Story::of("hunt group", || {
        let bob = bob().on(Cue::Invited, 2_000, Act::Answer("")).on(Cue::Confirmed, 3_000, Act::Bye);
        vec![erin("302"), rings("alice", 1), bob, rings("carol", 3)]
    });
    let told = &story.calm;
    assert_eq!(told.saw("erin"), ["401 INVITE", "200 INVITE", "BYE"]);
    assert_eq!(told.saw("alice"), ["INVITE", "CANCEL", "ACK"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "200 BYE"]);
    assert_eq!(told.saw("carol"), [""; 0]);
    assert_eq!(told.hears("erin"), ["silence", "ringback", "the other", "silence", "prompt 3", "closed"]);
    let ends = [
        end("erin", Cause::HungUp, Side::Switch),
        end("alice", Cause::NoAnswer, Side::Switch),
        end("bob", Cause::HungUp, Side::Peer),
    ];
    assert_eq!(told.ends(), ends);
    let dialled: Vec<_> = told
        .log
        .iter()
        .filter(|entry| matches!(entry.event, Event::Dialled { .. }))
        .map(|entry| entry.at)
        .collect();
    let [alice, bob] = dialled.as_slice() else { panic!("two are called: {dialled:?}") };
    assert_eq!(bob.since(*alice).as_secs(), 10);
    story.survives();
}

#[test]
fn ring_all_rings_everybody_and_when_one_answers_the_others_stop() {
    let story = Story::of("ring all", || {
        let carol = rings("carol", 3).on(Cue::Invited, 4_000, Act::Answer(""));
        vec![erin("303").on(Cue::Answered, 3_000, Act::Bye), rings("alice", 1), bob(), carol]
    });
    let told = &story.calm;
    assert_eq!(told.saw("erin"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("carol"), ["INVITE", "ACK", "BYE"]);
    for other in ["alice", "bob"] {
        assert_eq!(told.saw(other), ["INVITE", "CANCEL", "ACK"]);
    }
    let ends = [
        end("erin", Cause::HungUp, Side::Peer),
        end("alice", Cause::AnsweredElsewhere, Side::Switch),
        end("bob", Cause::AnsweredElsewhere, Side::Switch),
        end("carol", Cause::HungUp, Side::Switch),
    ];
    assert_eq!(told.ends(), ends);
    story.survives();
}
