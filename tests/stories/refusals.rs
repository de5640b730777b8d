//! Stories of calls that are refused before they begin.

use crate::dialling::{alice, bob};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

#[test]
fn an_unknown_number_is_not_found() {
    let story = Story::of("unknown number", || vec![alice("999")]);
    assert_eq!(story.calm.saw("alice"), ["401 INVITE", "404 INVITE"]);
    assert_eq!(story.calm.ends(), []);
    story.survives();
}

#[test]
fn a_stranger_is_challenged_for_what_is_not_public() {
    let story = Story::of("stranger", || {
        let stranger = Phone::new("dave", "dave", 4);
        vec![stranger.on(Cue::Begin, 0, Act::Invite { to: "bob", with_offer: true }), bob()]
    });
    assert_eq!(story.calm.saw("dave"), ["401 INVITE", "401 INVITE"]);
    assert_eq!(story.calm.saw("bob"), [""; 0]);
    assert_eq!(story.calm.ends(), []);
    story.survives();
}

#[test]
fn a_call_that_went_too_far_is_refused() {
    let story = Story::of("Max-Forwards 0", || {
        let mut alice = alice("bob");
        alice.hops = 0;
        vec![alice, bob()]
    });
    assert_eq!(story.calm.saw("alice"), ["483 INVITE"]);
    assert_eq!(story.calm.saw("bob"), [""; 0]);
    story.survives();
}
