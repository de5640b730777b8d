//! Stories of transfers by a party's own key: blind, and after a talk with whoever takes the place.

use trunkline::ops::events::{Cause, Event, Side};

use crate::dialling::{alice, bob, end};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

/// A phone of carol's that rings.
fn carol() -> Phone {
    Phone::new("carol", "carol", 3).on(Cue::Invited, 0, Act::Ring(""))
}

fn answering(phone: Phone) -> Phone {
    phone.on(Cue::Invited, 2_000, Act::Answer(""))
}

#[test]
fn a_callee_transfers_the_caller_to_somebody_else() {
    let story = Story::of("the callee transfers", || {
        vec![
            alice("bob"),
            answering(bob()).on(Cue::Confirmed, 3_000, Act::Refer("carol")),
            answering(carol()).on(Cue::Confirmed, 5_000, Act::Bye),
        ]
    });
    let told = &story.calm;
    let bob = ["INVITE", "ACK", "202 REFER", "NOTIFY", "NOTIFY", "NOTIFY", "BYE"];
    assert_eq!(told.saw("bob"), bob);
    assert!(told.text("bob", 3).ends_with("SIP/2.0 100 Trying\r\n"));
    assert!(told.text("bob", 4).ends_with("SIP/2.0 180 Ringing\r\n"));
    assert!(told.text("bob", 5).ends_with("SIP/2.0 200 OK\r\n"));
    let heard = ["silence", "the other", "ringback", "the other", "silence", "closed"];
    assert_eq!(told.hears("alice"), heard);
    assert_eq!(told.hears("carol"), ["silence", "the other", "closed"]);
    let ends = [
        end("alice", Cause::HungUp, Side::Switch),
        end("bob", Cause::HungUp, Side::Switch),
        end("carol", Cause::HungUp, Side::Peer),
    ];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_caller_transfers_the_callee_and_hangs_up_before_anybody_answers() {
    let story = Story::of("the caller transfers and is gone", || {
        vec![
            alice("bob").on(Cue::Answered, 3_000, Act::Refer("carol")).on(Cue::Answered, 4_500, Act::Bye),
            answering(bob()),
            answering(carol()).on(Cue::Confirmed, 5_000, Act::Bye),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.hears("bob"), ["silence", "the other", "ringback", "the other", "closed"]);
    assert_eq!(told.hears("carol"), ["silence", "the other", "closed"]);
    let outcomes = told.told(|event| match event {
        Event::Transferred { status } => Some(*status),
        _ => None,
    });
    assert_eq!(outcomes, [200]);
    let ends = [
        end("alice", Cause::HungUp, Side::Peer),
        end("bob", Cause::HungUp, Side::Switch),
        end("carol", Cause::HungUp, Side::Peer),
    ];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_transfer_to_somebody_who_is_busy_changes_nothing() {
    let story = Story::of("the target is busy", || {
        vec![
            alice("bob"),
            answering(bob()).on(Cue::Confirmed, 3_000, Act::Refer("carol")).on(
                Cue::Confirmed,
                9_000,
                Act::Bye,
            ),
            Phone::new("carol", "carol", 3).on(Cue::Invited, 50, Act::Refuse(486)),
        ]
    });
    let told = &story.calm;
    assert!(told.text("bob", 4).ends_with("SIP/2.0 486 Busy Here\r\n"));
    let heard = ["silence", "the other", "ringback", "the other", "silence", "closed"];
    assert_eq!(told.hears("alice"), heard);
    story.survives();
}

#[test]
fn a_caller_with_two_lines_joins_whom_it_talks_with_and_is_rid_of_both() {
    let story = Story::of("two lines become one", || {
        // Each line hangs up in the end, should it still be there.
        let second = Phone::new("second", "alice", 4).on(Cue::Answered, 30_000, Act::Bye);
        vec![
            alice("bob").on(Cue::Answered, 6_000, Act::Join("second")).on(Cue::Answered, 30_000, Act::Bye),
            second.on(Cue::Begin, 3_000, Act::Invite { to: "carol", with_offer: true }),
            answering(bob()),
            answering(carol()).on(Cue::Confirmed, 9_000, Act::Bye),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice")[3..], ["202 REFER", "NOTIFY", "NOTIFY", "BYE"]);
    assert!(told.text("alice", 5).ends_with("SIP/2.0 200 OK\r\n"));
    assert_eq!(told.saw("second").last().map(String::as_str), Some("BYE"));
    assert_eq!(told.hears("bob"), ["silence", "the other", "closed"]);
    assert_eq!(told.hears("carol"), ["silence", "the other", "closed"]);
    let mut ends = told.ends();
    ends.retain(|end| end.by == Side::Peer);
    assert_eq!(ends, [end("carol", Cause::HungUp, Side::Peer)]);
    story.survives();
}
