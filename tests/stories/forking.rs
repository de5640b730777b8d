//! Stories of calls that reach several phones.

use trunkline::ops::events::{Cause, Side};

use crate::dialling::{alice, end};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

fn desk() -> Phone {
    Phone::new("desk", "bob", 2).on(Cue::Invited, 0, Act::Ring("")).on(Cue::Invited, 3_000, Act::Answer(""))
}

fn mobile() -> Phone {
    Phone::new("mobile", "bob", 5).on(Cue::Invited, 100, Act::Ring(""))
}

#[test]
fn of_two_phones_of_a_user_the_first_wins_and_the_other_stops_ringing() {
    let story =
        Story::of("two phones", || vec![alice("bob").on(Cue::Answered, 3_000, Act::Bye), desk(), mobile()]);
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("desk"), ["INVITE", "ACK", "BYE"]);
    assert_eq!(told.saw("mobile"), ["INVITE", "CANCEL", "ACK"]);
    assert!(told.text("mobile", 1).contains("\r\nReason: SIP;cause=200"), "it is no missed call");
    let ends = [end("alice", Cause::HungUp, Side::Peer), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_second_phone_that_answers_at_the_same_time_is_hung_up_on() {
    let story = Story::of("two phones answer", || {
        let mobile = mobile().on(Cue::Cancelled, 0, Act::Answer(""));
        vec![alice("bob").on(Cue::Answered, 3_000, Act::Bye), desk(), mobile]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("desk"), ["INVITE", "ACK", "BYE"]);
    assert_eq!(told.saw("mobile"), ["INVITE", "CANCEL", "ACK", "BYE"]);
    story.survives();
}

#[test]
fn of_two_users_the_first_wins_and_the_other_stops_ringing() {
    let story = Story::of("two users", || {
        let bob = Phone::new("bob", "bob", 2).on(Cue::Invited, 0, Act::Ring("")).on(
            Cue::Invited,
            3_000,
            Act::Answer(""),
        );
        let carol = Phone::new("carol", "carol", 3).on(Cue::Invited, 300, Act::Ring(""));
        vec![alice("104").on(Cue::Answered, 3_000, Act::Bye), bob, carol]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    assert_eq!(told.saw("carol"), ["INVITE", "CANCEL", "ACK"]);
    let ends = [
        end("alice", Cause::HungUp, Side::Peer),
        end("bob", Cause::HungUp, Side::Switch),
        end("carol", Cause::AnsweredElsewhere, Side::Switch),
    ];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_second_user_who_answers_at_the_same_time_is_hung_up_on() {
    let story = Story::of("two users answer", || {
        let bob = Phone::new("bob", "bob", 2).on(Cue::Invited, 0, Act::Ring("")).on(
            Cue::Invited,
            3_000,
            Act::Answer(""),
        );
        let carol = Phone::new("carol", "carol", 3).on(Cue::Invited, 300, Act::Ring("")).on(
            Cue::Cancelled,
            0,
            Act::Answer(""),
        );
        vec![alice("104").on(Cue::Answered, 5_000, Act::Bye), bob, carol]
    });
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    assert_eq!(told.saw("carol"), ["INVITE", "CANCEL", "ACK", "BYE"]);
    story.survives();
}

#[test]
fn of_two_forks_behind_a_proxy_the_second_answer_is_hung_up_on() {
    let story = Story::of("forked 2xx", || {
        let proxy = Phone::new("proxy", "bob", 2)
            .on(Cue::Invited, 100, Act::Ring("-one"))
            .on(Cue::Invited, 200, Act::Progress("-two"))
            .on(Cue::Invited, 3_000, Act::Answer("-one"))
            .on(Cue::Confirmed, 0, Act::Answer("-two"));
        vec![alice("bob").on(Cue::Answered, 8_000, Act::Bye), proxy]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "183 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("proxy"), ["INVITE", "ACK", "ACK", "BYE", "BYE"]);
    let ends = [end("alice", Cause::HungUp, Side::Peer), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}
