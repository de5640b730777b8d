//! Stories of offers and answers by other ways than INVITE and 200, and of sound before the answer.

use trunkline::ops::events::{Cause, Side};
use trunkline_media::codec::Codec;

use crate::dialling::{alice, bob, end};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

#[test]
fn early_media_passes() {
    let story = Story::of("early media", || {
        vec![
            alice("bob").on(Cue::Answered, 3_000, Act::Bye),
            Phone::new("bob", "bob", 2).on(Cue::Invited, 200, Act::Progress("")).on(
                Cue::Invited,
                4_000,
                Act::Answer(""),
            ),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "183 INVITE", "200 INVITE", "200 BYE"]);
    assert!(told.text("alice", 1).contains("\r\nm=audio "), "the caller can hear it");
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    assert_eq!(told.hears("alice"), ["silence", "the other", "closed"]);
    story.survives();
}

#[test]
fn early_media_that_ends_without_an_answer() {
    let story = Story::of("early media, busy", || {
        vec![
            alice("bob"),
            Phone::new("bob", "bob", 2).on(Cue::Invited, 200, Act::Progress("")).on(
                Cue::Invited,
                4_000,
                Act::Refuse(486),
            ),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "183 INVITE", "486 INVITE"]);
    assert_eq!(told.hears("alice"), ["silence", "the other", "silence", "closed"]);
    story.survives();
}

#[test]
fn a_late_offer_is_answered_with_an_offer_of_ours() {
    let story = Story::of("late offer", || {
        vec![
            Phone::new("alice", "alice", 1)
                .on(Cue::Begin, 100, Act::Invite { to: "bob", with_offer: false })
                .on(Cue::Answered, 5_000, Act::Bye),
            bob().on(Cue::Invited, 2_000, Act::Answer("")),
        ]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert!(told.text("alice", 2).contains("\r\nm=audio "));
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    assert_eq!(told.hears("alice"), ["silence", "the other", "closed"]);
    let ends = [end("alice", Cause::HungUp, Side::Peer), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}

#[test]
fn a_late_offer_reaches_a_script() {
    let story = Story::of("late offer, greeting", || {
        vec![Phone::new("dave", "dave", 4).on(Cue::Begin, 0, Act::Invite { to: "101", with_offer: false })]
    });
    assert_eq!(story.calm.saw("dave"), ["200 INVITE", "BYE"]);
    story.survives();
}

#[test]
fn legs_that_are_joined_agree_on_a_codec() {
    let story = Story::of("two codecs", || {
        let mut alice = alice("bob").on(Cue::Answered, 8_000, Act::Bye);
        alice.codecs = vec![Codec::Pcmu, Codec::Pcma];
        let mut bob = bob().on(Cue::Invited, 2_000, Act::Answer(""));
        bob.codecs = vec![Codec::Pcma];
        vec![alice, bob]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "INVITE", "ACK", "200 BYE"]);
    assert!(told.text("alice", 3).contains("RTP/AVP 8 101"));
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    story.survives();
}

#[test]
fn an_offer_that_crosses_one_of_the_peer_is_made_again() {
    let story = Story::of("491", || {
        let mut alice = alice("bob").on(Cue::Answered, 30_000, Act::Bye);
        alice.codecs = vec![Codec::Pcmu, Codec::Pcma];
        alice.collisions = 1;
        let mut bob = bob().on(Cue::Invited, 2_000, Act::Answer(""));
        bob.codecs = vec![Codec::Pcma];
        vec![alice, bob]
    });
    let saw = ["401 INVITE", "180 INVITE", "200 INVITE", "INVITE", "ACK", "INVITE", "ACK", "200 BYE"];
    assert_eq!(story.calm.saw("alice"), saw);
    assert_eq!(story.calm.saw("bob"), ["INVITE", "ACK", "BYE"]);
    story.survives();
}
