//! Stories of sessions that are refreshed, changed by UPDATE, or given up in time (RFC 4028, RFC 3311).

use trunkline::ops::events::{Cause, Event, Side};
use trunkline_media::codec::Codec;
use trunkline_media::sdp::Direction;

use crate::dialling::{alice, bob, end};
use crate::network::Weather;
use crate::outcome::Outcome;
use crate::phone::{Act, Cue, Phone};
use crate::story::{Story, in_weather};
use crate::world::Death;

const RAIN: Weather = Weather { lost: 10, doubled: 5, late: 40 };

/// A phone that knows session timers of this interval.
fn timed(mut phone: Phone, session: &'static str, updates: bool) -> Phone {
    (phone.supports, phone.session, phone.updates) = ("timer", session, updates);
    phone
}

fn answering() -> Phone {
    bob().on(Cue::Invited, 1_000, Act::Answer(""))
}

fn count(told: &Outcome, phone: &str, word: &str) -> usize {
    told.saw(phone).iter().filter(|saw| *saw == word).count()
}

#[test]
fn the_switch_refreshes_by_update_where_that_is_allowed() {
    let story = Story::of("refresh by UPDATE", || {
        let alice = alice("bob").on(Cue::Answered, 100_000, Act::Bye);
        vec![timed(alice, "90;refresher=uas", true), answering()]
    });
    let told = &story.calm;
    assert!(told.text("alice", 2).contains("\r\nSession-Expires: 90;refresher=uas"));
    let saw = ["401 INVITE", "180 INVITE", "200 INVITE", "UPDATE", "UPDATE", "200 BYE"];
    assert_eq!(told.saw("alice"), saw);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"], "it knows nothing of it");
    story.survives();
}

#[test]
fn the_switch_refreshes_by_invite_where_update_is_not_allowed() {
    let story = Story::of("refresh by INVITE", || {
        let alice = alice("bob").on(Cue::Answered, 60_000, Act::Bye);
        vec![alice, timed(answering(), "90;refresher=uac", false)]
    });
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "INVITE", "ACK", "BYE"]);
    assert_eq!(told.hears("bob"), ["silence", "the other", "closed"], "nothing has changed");
    story.survives();
}

#[test]
fn a_phone_that_refreshes_is_not_hung_up_on_and_one_that_stops_is() {
    let story = Story::of("refreshed by the phone", || {
        let bob = answering().on(Cue::Confirmed, 45_000, Act::Update(None));
        vec![alice("bob"), timed(bob, "90;refresher=uas", true)]
    });
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "200 UPDATE", "BYE"]);
    let began = told.log.iter().find(|entry| entry.event == Event::Answered).expect("an answer").at;
    let ended =
        told.log.iter().rev().find(|entry| matches!(entry.event, Event::Ended { .. })).expect("an end");
    let lasted = (ended.at.as_micros() - began.as_micros()) / 1_000_000;
    assert_eq!(lasted, 45 + 60, "a third before the end of the interval");
    let ends = [end("alice", Cause::HungUp, Side::Switch), end("bob", Cause::Unreachable, Side::Peer)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_phone_that_is_gone_is_noticed_by_the_refresh() {
    let story = Story::of("gone", || {
        let alice = alice("bob").on(Cue::Answered, 10_000, Act::Deafen);
        vec![timed(alice, "90;refresher=uas", true), answering()]
    });
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    let ends = [end("alice", Cause::Unreachable, Side::Peer), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
}

#[test]
fn a_callee_who_wants_longer_intervals_gets_them() {
    let story = Story::of("422", || {
        let bob = Phone::new("bob", "bob", 2)
            .on(Cue::Invited, 50, Act::RefuseShort(3600))
            .on(Cue::InvitedAnew, 100, Act::Ring(""))
            .on(Cue::InvitedAnew, 1_000, Act::Answer(""));
        vec![alice("bob").on(Cue::Answered, 3_000, Act::Bye), bob]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "INVITE", "ACK", "BYE"]);
    assert!(told.text("bob", 2).contains("\r\nSession-Expires: 3600\r\nMin-SE: 3600"));
    story.survives();
}

#[test]
fn a_caller_who_wants_shorter_intervals_is_told_the_shortest() {
    let story = Story::of("422 of ours", || vec![timed(alice("bob"), "30", false), bob()]);
    assert_eq!(story.calm.saw("alice"), ["422 INVITE"]);
    assert!(story.calm.text("alice", 0).contains("\r\nMin-SE: 90"));
    assert_eq!(story.calm.saw("bob"), [""; 0]);
    assert_eq!(story.calm.ends(), []);
    story.survives();
}

#[test]
fn a_phone_holds_by_update() {
    let story = Story::of("hold by UPDATE", || {
        let hold = Act::Update(Some(Direction::SendOnly));
        vec![alice("bob").on(Cue::Answered, 2_000, hold).on(Cue::Answered, 5_000, Act::Bye), answering()]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 UPDATE", "200 BYE"]);
    assert_eq!(told.hears("alice"), ["silence", "the other", "the other, held", "closed"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"], "the other side is not asked");
    story.survives();
}

#[test]
fn a_caller_changes_its_session_before_the_answer() {
    let story = Story::of("early UPDATE of the caller", || {
        let hold = Act::Update(Some(Direction::SendOnly));
        let mut alice = alice("bob").on(Cue::Assured, 300, hold).on(Cue::Answered, 3_000, Act::Bye);
        (alice.insists, alice.supports) = (true, "100rel");
        let bob = Phone::new("bob", "bob", 2).on(Cue::Invited, 200, Act::Progress(""));
        vec![alice, bob.on(Cue::Invited, 3_000, Act::Answer(""))]
    });
    let told = &story.calm;
    let saw = ["401 INVITE", "183 INVITE", "200 PRACK", "200 UPDATE", "200 INVITE", "200 BYE"];
    assert_eq!(told.saw("alice"), saw);
    assert!(told.text("alice", 3).contains("\r\na=recvonly"));
    story.survives();
}

#[test]
fn a_callee_changes_its_session_before_its_answer() {
    let story = Story::of("early UPDATE of the callee", || {
        let mut bob = Phone::new("bob", "bob", 2)
            .on(Cue::Invited, 200, Act::Progress(""))
            .on(Cue::Acknowledged, 300, Act::Update(Some(Direction::SendOnly)))
            .on(Cue::Invited, 3_000, Act::Answer(""));
        bob.insists = true;
        vec![alice("bob").on(Cue::Answered, 3_000, Act::Bye), bob]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "183 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "PRACK", "200 UPDATE", "ACK", "BYE"]);
    story.survives();
}

#[test]
fn an_update_that_crosses_an_offer_of_the_switch_is_refused_for_now() {
    // When which of the two is made again depends on what gets lost: it has to end, and both have to agree.
    let story = Story::of("UPDATE, 491", crossing);
    let told = &story.calm;
    assert_eq!(count(told, "alice", "491 UPDATE"), 1);
    assert_eq!(count(told, "alice", "INVITE"), 2, "ours is made again");
    in_weather(crossing, RAIN, Death::Often { actors: 15, everything: 10 });
}

fn crossing() -> Vec<Phone> {
    // Its offer leaves when ours is on its way: the codec of the callee is asked for right after the answer.
    let hold = Act::Update(Some(Direction::SendOnly));
    let mut alice = alice("bob").on(Cue::Answered, 15, hold).on(Cue::Answered, 9_000, Act::Bye);
    alice.codecs = vec![Codec::Pcmu, Codec::Pcma];
    alice.collisions = 1;
    let mut bob = answering();
    bob.codecs = vec![Codec::Pcma];
    vec![alice, bob]
}

fn refreshed() -> Vec<Phone> {
    let alice = alice("bob").on(Cue::Answered, 200_000, Act::Bye);
    let bob = answering().on(Cue::Confirmed, 40_000, Act::Update(None));
    vec![timed(alice, "90;refresher=uas", true), timed(bob, "90;refresher=uac", false)]
}

#[test]
fn sessions_come_to_rest_in_rain_and_when_everything_dies() {
    in_weather(refreshed, RAIN, Death::Nothing);
    in_weather(refreshed, Weather::default(), Death::Often { actors: 15, everything: 10 });
    in_weather(refreshed, RAIN, Death::Often { actors: 15, everything: 10 });
}
