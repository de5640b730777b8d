//! Stories of users who put each other on hold.

use trunkline::ops::events::Event;
use trunkline_media::sdp::Direction;

use crate::dialling::{alice, bob};
use crate::outcome::Outcome;
use crate::phone::{Act, Change, Cue, Phone};
use crate::story::Story;

const HOLD: Act = Act::Change(Change::Direction(Direction::SendOnly));
const HOLD_BY_ADDRESS: Act = Act::Change(Change::NoAddress);
const RESUME: Act = Act::Change(Change::Direction(Direction::SendRecv));

fn holds(phone: Phone, first: Cue, how: Act) -> Phone {
    phone.on(first, 4_000, how).on(Cue::Agreed(1), 4_000, RESUME).on(Cue::Agreed(2), 4_000, Act::Bye)
}

fn turns(told: &Outcome) -> Vec<&'static str> {
    told.told(|event| match event {
        Event::Held => Some("held"),
        Event::Resumed => Some("resumed"),
        _ => None,
    })
}

fn assert_caller_held(story: Story) {
    let told = &story.calm;
    let saw = ["401 INVITE", "180 INVITE", "200 INVITE", "200 INVITE", "200 INVITE", "200 BYE"];
    assert_eq!(told.saw("alice"), saw);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"], "the other side is not asked");
    assert_eq!(told.hears("alice"), ["silence", "the other", "the other, held", "the other", "closed"]);
    assert_eq!(told.hears("bob"), ["silence", "the other", "closed"]);
    assert_eq!(turns(told), ["held", "resumed"]);
    story.survives();
}

fn assert_callee_held(story: Story) {
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "200 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.hears("bob"), ["silence", "the other", "the other, held", "the other", "closed"]);
    // The callee hangs up first: the caller hears nobody until the script has ended.
    assert_eq!(told.hears("alice"), ["silence", "the other", "silence", "closed"]);
    assert_eq!(turns(told), ["held", "resumed"]);
    story.survives();
}

fn answering_bob() -> Phone {
    bob().on(Cue::Invited, 1_000, Act::Answer(""))
}

#[test]
fn the_caller_holds_by_direction_and_resumes() {
    assert_caller_held(Story::of("caller holds by direction", || {
        vec![holds(alice("bob"), Cue::Answered, HOLD), answering_bob()]
    }));
}

#[test]
fn the_caller_holds_by_address_and_resumes() {
    assert_caller_held(Story::of("caller holds by address", || {
        vec![holds(alice("bob"), Cue::Answered, HOLD_BY_ADDRESS), answering_bob()]
    }));
}

#[test]
fn the_callee_holds_by_direction_and_resumes() {
    assert_callee_held(Story::of("callee holds by direction", || {
        vec![alice("bob"), holds(answering_bob(), Cue::Confirmed, HOLD)]
    }));
}

#[test]
fn the_callee_holds_by_address_and_resumes() {
    assert_callee_held(Story::of("callee holds by address", || {
        vec![alice("bob"), holds(answering_bob(), Cue::Confirmed, HOLD_BY_ADDRESS)]
    }));
}

#[test]
fn a_second_invite_proves_that_the_answer_to_the_first_has_come_though_its_ack_has_not() {
    let story = Story::of("second re-INVITE too early", || {
        let alice = alice("bob")
            .on(Cue::Answered, 4_000, HOLD)
            .on(Cue::Answered, 4_000, Act::LoseAcks(3))
            .on(Cue::Agreed(1), 0, RESUME)
            .on(Cue::Agreed(1), 20_000, Act::Bye);
        vec![alice, answering_bob()]
    });
    let told = &story.calm;
    let saw = ["401 INVITE", "180 INVITE", "200 INVITE", "200 INVITE", "200 INVITE", "200 BYE"];
    assert_eq!(told.saw("alice"), saw);
    assert_eq!(turns(told), ["held", "resumed"]);
    story.survives();
}
