//! Stories of reasons that reach the other side (RFC 3326), and of headers that webhooks want to know.

use trunkline::ops::events::{Cause, Event, Side};

use crate::dialling::{alice, bob, end};
use crate::outcome::Outcome;
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

const NORMAL: &str = "Q.850;cause=16;text=\"Normal call clearing\"";
const LUNCH: &str = "SIP;cause=600;text=\"Lunch\"";

fn says(told: &Outcome, phone: &str, at: usize, line: &str) -> bool {
    told.text(phone, at).contains(&format!("\r\n{line}\r\n"))
}

#[test]
fn a_callee_hears_why_the_caller_hangs_up() {
    let story = Story::of("BYE with Reason", || {
        vec![
            alice("bob").on(Cue::Answered, 3_000, Act::ByeBecause(NORMAL)),
            bob().on(Cue::Invited, 1_000, Act::Answer("")),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    assert!(says(told, "bob", 2, &format!("Reason: {NORMAL}")));
    let reasons = told.told(|event| match event {
        Event::Remarked { reason } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(reasons, [NORMAL]);
    story.survives();
}

#[test]
fn a_caller_hears_why_the_callee_hangs_up() {
    let story = Story::of("BYE with Reason, callee", || {
        let bob = bob().on(Cue::Invited, 1_000, Act::Answer(""));
        vec![alice("bob"), bob.on(Cue::Confirmed, 3_000, Act::ByeBecause(NORMAL))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "BYE"]);
    assert!(says(told, "alice", 3, &format!("Reason: {NORMAL}")));
    story.survives();
}

#[test]
fn a_reason_does_not_outlive_the_script_that_goes_on() {
    let story = Story::of("BYE with Reason, then Say", || {
        let bob = bob().on(Cue::Invited, 1_000, Act::Answer(""));
        vec![alice("102"), bob.on(Cue::Confirmed, 3_000, Act::ByeBecause(NORMAL))]
    });
    let told = &story.calm;
    let last = told.saw("alice").len() - 1;
    assert!(told.text("alice", last).starts_with("BYE ") && !told.text("alice", last).contains("Reason"));
    story.survives();
}

#[test]
fn a_callee_hears_why_the_caller_gives_up() {
    let story = Story::of("CANCEL with Reason", || {
        vec![alice("bob").on(Cue::Ringing, 2_000, Act::CancelBecause(LUNCH)), bob()]
    });
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "CANCEL", "ACK"]);
    assert!(says(told, "bob", 1, &format!("Reason: {LUNCH}")));
    story.survives();
}

#[test]
fn a_caller_hears_why_an_exchange_refuses_and_when_to_try_again() {
    let story = Story::of("refusal with Reason", || {
        let mut bob = bob().on(Cue::Invited, 500, Act::Refuse(486));
        bob.says = &[("Reason", "Q.850;cause=17;text=\"User busy\""), ("Retry-After", "60")];
        vec![alice("bob"), bob]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "486 INVITE"]);
    assert!(says(told, "alice", 2, "Reason: Q.850;cause=17;text=\"User busy\""));
    assert!(says(told, "alice", 2, "Retry-After: 60"));
    let ends = [end("alice", Cause::Busy, Side::Switch), end("bob", Cause::Busy, Side::Peer)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

/// Three telephones of one user.
fn phones(desk: Phone, mobile: Phone, attic: Phone) -> Vec<Phone> {
    let ringing = |phone: Phone, after| phone.on(Cue::Invited, after, Act::Ring(""));
    vec![
        alice("bob").on(Cue::Answered, 3_000, Act::Bye),
        ringing(desk, 0),
        ringing(mobile, 100),
        ringing(attic, 200),
    ]
}

fn desk() -> Phone {
    Phone::new("desk", "bob", 2)
}

fn mobile() -> Phone {
    Phone::new("mobile", "bob", 5)
}

fn attic() -> Phone {
    Phone::new("attic", "bob", 6)
}

#[test]
fn of_three_phones_one_answers_and_for_the_others_it_is_no_missed_call() {
    let story = Story::of("three phones", || {
        phones(desk(), mobile().on(Cue::Invited, 3_000, Act::Answer("")), attic())
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("mobile"), ["INVITE", "ACK", "BYE"]);
    for other in ["desk", "attic"] {
        assert_eq!(told.saw(other), ["INVITE", "CANCEL", "ACK"]);
        assert!(says(told, other, 1, "Reason: SIP;cause=200;text=\"Call completed elsewhere\""));
    }
    story.survives();
}

#[test]
fn of_three_phones_one_is_busy_and_the_others_go_on() {
    let story = Story::of("three phones, one busy", || {
        let desk = desk().on(Cue::Invited, 1_000, Act::Refuse(486));
        phones(desk, mobile(), attic().on(Cue::Invited, 4_000, Act::Answer("")))
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("desk"), ["INVITE", "ACK"]);
    assert_eq!(told.saw("mobile"), ["INVITE", "CANCEL", "ACK"]);
    assert_eq!(told.saw("attic"), ["INVITE", "ACK", "BYE"]);
    story.survives();
}

#[test]
fn of_three_phones_one_declines_for_all() {
    let story = Story::of("three phones, one declines", || {
        phones(desk(), mobile().on(Cue::Invited, 2_000, Act::Refuse(603)), attic())
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "603 INVITE"]);
    for other in ["desk", "attic"] {
        assert_eq!(told.saw(other), ["INVITE", "CANCEL", "ACK"], "RFC 3261 §16.7");
        assert!(says(told, other, 1, "Reason: SIP;cause=603"));
    }
    let ends = [end("alice", Cause::Declined, Side::Switch), end("bob", Cause::Declined, Side::Peer)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn of_three_phones_all_are_busy() {
    let story = Story::of("three phones, all busy", || {
        let busy = |phone: Phone, after| phone.on(Cue::Invited, after, Act::Refuse(486));
        phones(busy(desk(), 1_000), busy(mobile(), 1_500), busy(attic(), 2_000))
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "486 INVITE"]);
    story.survives();
}
