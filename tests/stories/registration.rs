//! Stories of phones that register.

use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

#[test]
fn a_phone_proves_who_it_is_and_is_registered() {
    let story = Story::of_strangers("registration", || {
        vec![Phone::new("alice", "alice", 1).on(Cue::Begin, 0, Act::Register)]
    });
    assert_eq!(story.calm.saw("alice"), ["401 REGISTER", "200 REGISTER"]);
    assert!(story.calm.text("alice", 1).contains("<sip:alice@198.51.100.1:5060>;expires=3600"));
    story.survives();
}

#[test]
fn a_wrong_password_is_challenged_like_a_missing_one() {
    let story = Story::of_strangers("wrong password", || {
        let mut mallory = Phone::new("mallory", "alice", 3).on(Cue::Begin, 0, Act::Register);
        mallory.password = "guess";
        vec![mallory]
    });
    assert_eq!(story.calm.saw("mallory"), ["401 REGISTER", "401 REGISTER"]);
    assert_eq!(story.calm.ends(), []);
    story.survives();
}

#[test]
fn a_caller_with_a_wrong_password_reaches_nobody() {
    let story = Story::of("wrong password, calling", || {
        let mut mallory = Phone::new("mallory", "alice", 3);
        mallory = mallory.on(Cue::Begin, 0, Act::Invite { to: "bob", with_offer: true });
        mallory.password = "guess";
        vec![mallory, Phone::new("bob", "bob", 2).on(Cue::Invited, 0, Act::Answer(""))]
    });
    assert_eq!(story.calm.saw("mallory"), ["401 INVITE", "401 INVITE"]);
    assert_eq!(story.calm.saw("bob"), [""; 0]);
    story.survives();
}

#[test]
fn two_users_register_and_one_reaches_the_other() {
    let story = Story::of_strangers("register and call", || {
        vec![
            Phone::new("bob", "bob", 2).on(Cue::Begin, 0, Act::Register).on(
                Cue::Invited,
                500,
                Act::Answer(""),
            ),
            Phone::new("alice", "alice", 1)
                .on(Cue::Begin, 0, Act::Register)
                .on(Cue::Registered, 5_000, Act::Invite { to: "bob", with_offer: true })
                .on(Cue::Answered, 3_000, Act::Bye),
        ]
    });
    let saw = ["401 REGISTER", "200 REGISTER", "401 INVITE", "200 INVITE", "200 BYE"];
    assert_eq!(story.calm.saw("alice"), saw);
    assert_eq!(story.calm.saw("bob"), ["401 REGISTER", "200 REGISTER", "INVITE", "ACK", "BYE"]);
    story.survives();
}
