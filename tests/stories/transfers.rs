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
    assert_eq!(told.hears("alice"), ["silence", "the other", "ringback", "the other", "silence", "closed"]);
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
    assert_eq!(told.hears("alice"), ["silence", "the other", "ringback", "the other", "silence", "closed"]);
    story.survives();
}

/// Whoever has two lines hangs none of them up; in the end somebody does who would talk for ever, had it failed.
fn two_lines(alice: Phone, bob: Phone, second: Phone) -> Vec<Phone> {
    let carol = answering(carol()).on(Cue::Confirmed, 9_000, Act::Bye);
    vec![alice.on(Cue::Answered, 60_000, Act::Bye), bob, second, carol]
}

fn second(user: &'static str) -> Phone {
    Phone::new("second", user, 4).on(Cue::Begin, 3_000, Act::Invite { to: "carol", with_offer: true })
}

/// Both lines of whoever has joined the others are hung up; carol ends what is left.
fn assert_joined(story: &Story, joins: &str, line: &str, left: [&str; 2]) {
    let told = &story.calm;
    let outcomes = told.told(|event| match event {
        Event::Transferred { status } => Some(*status),
        _ => None,
    });
    assert_eq!(outcomes, [200]);
    let saw = told.saw(joins);
    assert_eq!(saw[saw.len() - 4..], ["202 REFER", "NOTIFY", "NOTIFY", "BYE"]);
    assert!(told.text(joins, saw.len() - 2).ends_with("SIP/2.0 200 OK\r\n"));
    assert_eq!(told.saw(line).last().map(String::as_str), Some("BYE"));
    for party in left {
        let hears = told.hears(party);
        assert_eq!(hears[..2], ["silence", "the other"], "{party}");
        assert!(hears[2..].iter().all(|heard| heard != "ringback"), "{party}");
    }
    let mut ends = told.ends();
    ends.retain(|end| end.by == Side::Peer);
    assert_eq!(ends, [end("carol", Cause::HungUp, Side::Peer)]);
}

#[test]
fn a_caller_with_two_lines_joins_whom_it_talks_with_and_is_rid_of_both() {
    let story = Story::of("two lines become one", || {
        let alice = alice("bob").on(Cue::Answered, 6_000, Act::Join("second"));
        two_lines(alice, answering(bob()), second("alice"))
    });
    assert_joined(&story, "alice", "second", ["bob", "carol"]);
    story.survives();
}

#[test]
fn a_callee_joins_its_caller_with_whom_it_called_on_its_other_line() {
    let story = Story::of("a callee has two lines", || {
        let bob = answering(bob()).on(Cue::Confirmed, 6_000, Act::Join("second"));
        two_lines(alice("bob"), bob, second("bob"))
    });
    assert_joined(&story, "bob", "second", ["alice", "carol"]);
    story.survives();
}

#[test]
fn a_telephone_joins_from_its_second_line_whom_it_talks_with_on_its_first() {
    let story = Story::of("the second line joins", || {
        let second = second("bob").on(Cue::Answered, 6_000, Act::Join("bob"));
        two_lines(alice("bob"), answering(bob()), second)
    });
    assert_joined(&story, "second", "bob", ["alice", "carol"]);
    story.survives();
}

#[test]
fn nobody_takes_the_place_in_somebody_elses_call() {
    let story = Story::of("a stranger's dialog", || {
        let alice = alice("bob").on(Cue::Answered, 6_000, Act::Join("second"));
        let carol = answering(carol()).on(Cue::Confirmed, 30_000, Act::Bye);
        let second = Phone::new("second", "carol", 4);
        let second = second.on(Cue::Begin, 3_000, Act::Invite { to: "carol", with_offer: true });
        vec![alice.on(Cue::Answered, 20_000, Act::Bye), answering(bob()), second, carol]
    });
    let told = &story.calm;
    let saw = told.saw("alice");
    assert_eq!(saw[3..6], ["202 REFER", "NOTIFY", "NOTIFY"]);
    assert!(told.text("alice", 5).ends_with("SIP/2.0 403 Forbidden\r\n"));
    assert_eq!(told.hears("bob"), ["silence", "the other", "closed"], "nothing has changed");
    story.survives();
}

#[test]
fn a_strangers_word_that_it_is_a_user_gives_it_none_of_that_users_calls() {
    let story = Story::of("a stranger by a user's name", || {
        let mallory = Phone::new("mallory", "alice", 5);
        let mallory = mallory.on(Cue::Begin, 100, Act::Invite { to: "107", with_offer: true });
        let mallory = mallory.on(Cue::Answered, 6_000, Act::Join("second"));
        let carol = answering(carol()).on(Cue::Confirmed, 30_000, Act::Bye);
        vec![mallory.on(Cue::Answered, 20_000, Act::Bye), answering(bob()), second("alice"), carol]
    });
    let told = &story.calm;
    let saw = told.saw("mallory");
    assert!(!saw.contains(&"401 INVITE".to_owned()), "it calls a public number: {saw:?}");
    let last = saw.iter().rposition(|what| what == "NOTIFY").expect("it is told");
    assert!(told.text("mallory", last).ends_with("SIP/2.0 403 Forbidden\r\n"));
    assert_eq!(told.hears("bob"), ["silence", "the other", "closed"], "nothing has changed");
    story.survives();
}

/// A phone of erin's that answers and hangs up in the end.
fn erin() -> Phone {
    answering(Phone::new("erin", "erin", 6).on(Cue::Invited, 0, Act::Ring(""))).on(
        Cue::Confirmed,
        3_000,
        Act::Bye,
    )
}

/// Alice joins bob, whom she called, with carol, whom she called on her second line, and goes. The story goes on.
fn two_left(bob: Phone, carol: Phone) -> Vec<Phone> {
    let alice = alice("bob").on(Cue::Answered, 6_000, Act::Join("second"));
    // Should it fail, nobody talks for ever.
    vec![alice.on(Cue::Answered, 60_000, Act::Bye), bob, second("alice"), carol]
}

/// Carol's or bob's REFER was carried out: erin has its place.
fn assert_transferred_further(story: &Story, by: &str, other: &str) {
    let told = &story.calm;
    let outcomes = told.told(|event| match event {
        Event::Transferred { status } => Some(*status),
        _ => None,
    });
    assert_eq!(outcomes, [200, 200]);
    let saw = told.saw(by);
    assert_eq!(saw[saw.len() - 5..], ["202 REFER", "NOTIFY", "NOTIFY", "NOTIFY", "BYE"], "{by}");
    assert!(told.text(by, saw.len() - 2).ends_with("SIP/2.0 200 OK\r\n"));
    let hears = told.hears(other);
    assert_eq!(hears, ["silence", "the other", "ringback", "the other", "closed"], "{other}");
    assert_eq!(told.hears("erin"), ["silence", "the other", "closed"]);
    let mut ends = told.ends();
    ends.retain(|end| end.by == Side::Peer);
    assert_eq!(ends, [end("erin", Cause::HungUp, Side::Peer)]);
}

#[test]
fn whom_an_attended_transfer_has_joined_may_be_transferred_further() {
    let story = Story::of("bob is joined and transfers carol", || {
        let bob = answering(bob()).on(Cue::Confirmed, 9_000, Act::Refer("erin"));
        let mut cast = two_left(bob, answering(carol()).on(Cue::Confirmed, 60_000, Act::Bye));
        cast.push(erin());
        cast
    });
    assert_transferred_further(&story, "bob", "carol");
    story.survives();

    let story = Story::of("carol is joined and transfers bob", || {
        let bob = answering(bob()).on(Cue::Confirmed, 60_000, Act::Bye);
        let mut cast = two_left(bob, answering(carol()).on(Cue::Confirmed, 5_000, Act::Refer("erin")));
        cast.push(erin());
        cast
    });
    assert_transferred_further(&story, "carol", "bob");
    story.survives();
}

#[test]
fn whom_an_attended_transfer_has_joined_may_join_the_other_one_with_a_third() {
    let story = Story::of("bob is joined and joins carol with erin", || {
        let bob = answering(bob()).on(Cue::Confirmed, 12_000, Act::Join("third"));
        let third = Phone::new("third", "bob", 7);
        let third = third.on(Cue::Begin, 9_000, Act::Invite { to: "erin", with_offer: true });
        let third = third.on(Cue::Answered, 60_000, Act::Bye);
        let carol = answering(carol()).on(Cue::Confirmed, 20_000, Act::Bye);
        let erin = answering(Phone::new("erin", "erin", 6).on(Cue::Invited, 0, Act::Ring("")));
        let mut cast = two_left(bob, carol);
        cast.extend([third, erin]);
        cast
    });
    let told = &story.calm;
    let outcomes = told.told(|event| match event {
        Event::Transferred { status } => Some(*status),
        _ => None,
    });
    assert_eq!(outcomes, [200, 200]);
    for line in ["alice", "second", "bob", "third"] {
        assert_eq!(told.saw(line).last().map(String::as_str), Some("BYE"), "{line}");
    }
    let mut ends = told.ends();
    ends.retain(|end| end.by == Side::Peer);
    assert_eq!(ends, [end("carol", Cause::HungUp, Side::Peer)]);
    story.survives();
}

#[test]
fn a_transfer_further_to_somebody_who_is_busy_changes_nothing() {
    let story = Story::of("bob is joined, and erin is busy", || {
        let bob = answering(bob()).on(Cue::Confirmed, 9_000, Act::Refer("erin"));
        let mut cast = two_left(bob, answering(carol()).on(Cue::Confirmed, 12_000, Act::Bye));
        cast.push(Phone::new("erin", "erin", 6).on(Cue::Invited, 50, Act::Refuse(486)));
        cast
    });
    let told = &story.calm;
    let saw = told.saw("bob");
    let last = saw.iter().rposition(|what| what == "NOTIFY").expect("it is told");
    assert!(told.text("bob", last).ends_with("SIP/2.0 486 Busy Here\r\n"));
    let carol = ["silence", "the other", "ringback", "the other", "closed"];
    assert_eq!(told.hears("carol"), carol);
    assert_eq!(told.hears("bob"), ["silence", "the other", "silence", "the other", "closed"]);
    story.survives();
}

#[test]
fn keys_told_by_signalling_reach_whom_an_attended_transfer_has_joined() {
    let story = Story::of("bob and carol are joined and press keys", || {
        let bob = answering(bob()).on(Cue::Confirmed, 9_000, Act::Info('4'));
        let bob = bob.on(Cue::Confirmed, 10_000, Act::Info('2')).on(Cue::Confirmed, 11_000, Act::Info('#'));
        let carol = answering(carol()).on(Cue::Confirmed, 6_000, Act::Info('7'));
        two_left(bob, carol.on(Cue::Confirmed, 12_000, Act::Bye))
    });
    let pressed = &story.calm.pressed;
    assert_eq!(pressed.get("carol").map(String::as_str), Some("42#"));
    assert_eq!(pressed.get("bob").map(String::as_str), Some("7"));
    story.survives();
}

#[test]
fn a_callee_transfers_the_caller_to_a_script() {
    let story = Story::of("the target is a script", || {
        vec![alice("bob"), answering(bob()).on(Cue::Confirmed, 3_000, Act::Refer("101"))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "202 REFER", "NOTIFY", "NOTIFY", "BYE"]);
    assert!(told.text("bob", 4).ends_with("SIP/2.0 200 OK\r\n"));
    let hears = told.hears("alice");
    assert_eq!(hears[..4], ["silence", "the other", "ringback", "silence"]);
    let prompts = hears.iter().filter(|heard| heard.starts_with("prompt")).count();
    assert_eq!(prompts, 2, "welcome, and a chime: {hears:?}");
    let ends = [end("alice", Cause::HungUp, Side::Switch), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_callee_transfers_the_caller_to_a_web_application_which_is_told_by_what_address() {
    let story = Story::of("the target is a web application", || {
        let alice = alice("bob").on(Cue::Answered, 9_000, Act::Info('#'));
        vec![alice, answering(bob()).on(Cue::Confirmed, 3_000, Act::Refer("111"))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("bob").last().map(String::as_str), Some("BYE"));
    assert_eq!(told.asked[0].url, "http://app/voicemail");
    let target = told.asked_with(0, "ReferTransferTarget").expect("it is told");
    assert!(target.starts_with("sip:111@"), "{target}");
    assert_eq!(told.asked_with(0, "CallStatus"), Some("in-progress"));
    assert_eq!(told.asked_with(1, "Digits"), Some("#"), "it is recorded: {:?}", told.asked);
    story.survives();
}

#[test]
fn whom_a_second_line_still_calls_is_called_for_the_other_party_instead() {
    let story = Story::of("joined before the answer", || {
        let alice = alice("bob").on(Cue::Answered, 4_000, Act::Join("second"));
        let alice = alice.on(Cue::Answered, 60_000, Act::Bye);
        let carol = carol()
            .on(Cue::Cancelled, 0, Act::Refuse(487))
            .on(Cue::Cancelled, 4_000, Act::Answer(""))
            .on(Cue::Confirmed, 5_000, Act::Bye);
        vec![alice, answering(bob()), second("alice"), carol]
    });
    let told = &story.calm;
    assert_eq!(told.saw("second").last().map(String::as_str), Some("487 INVITE"));
    assert_eq!(told.saw("carol")[..2], ["INVITE", "CANCEL"]);
    let saw = told.saw("alice");
    assert_eq!(saw[saw.len() - 4..], ["202 REFER", "NOTIFY", "NOTIFY", "BYE"]);
    assert!(told.text("alice", saw.len() - 2).ends_with("SIP/2.0 200 OK\r\n"));
    assert_eq!(told.hears("bob"), ["silence", "the other", "ringback", "the other", "closed"]);
    let mut ends = told.ends();
    ends.retain(|end| end.by == Side::Peer);
    assert!(ends.contains(&end("carol", Cause::HungUp, Side::Peer)), "{ends:?}");
    story.survives();
}

#[test]
fn whom_an_attended_transfer_has_joined_may_be_joined_from_another_line() {
    let story = Story::of("bob is joined and joins carol from his second line", || {
        let bob = answering(bob()).on(Cue::Confirmed, 60_000, Act::Bye);
        let third = Phone::new("third", "bob", 7);
        let third = third.on(Cue::Begin, 9_000, Act::Invite { to: "erin", with_offer: true });
        let third = third.on(Cue::Answered, 60_000, Act::Bye);
        let third = third.on(Cue::Answered, 3_000, Act::Join("bob"));
        let carol = answering(carol()).on(Cue::Confirmed, 20_000, Act::Bye);
        let erin = answering(Phone::new("erin", "erin", 6).on(Cue::Invited, 0, Act::Ring("")));
        let mut cast = two_left(bob, carol);
        cast.extend([third, erin]);
        cast
    });
    let told = &story.calm;
    for line in ["alice", "second", "bob", "third"] {
        assert_eq!(told.saw(line).last().map(String::as_str), Some("BYE"), "{line}");
    }
    let mut ends = told.ends();
    ends.retain(|end| end.by == Side::Peer);
    assert_eq!(ends, [end("carol", Cause::HungUp, Side::Peer)]);
    story.survives();
}
