//! Stories of callers who want to stay unknown, or to be taken for somebody else (RFC 3323, RFC 3325).

use crate::dialling::{alice, bob};
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

fn calls(says: &'static [(&'static str, &'static str)]) -> Vec<Phone> {
    let mut alice = alice("bob").on(Cue::Answered, 3_000, Act::Bye);
    alice.says = says;
    vec![alice, bob().on(Cue::Invited, 1_000, Act::Answer(""))]
}

#[test]
fn a_caller_who_wants_to_stay_unknown_does() {
    let story = Story::of("Privacy: id", || calls(&[("Privacy", "id")]));
    let told = &story.calm;
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    for at in 0..3 {
        let message = told.text("bob", at);
        assert!(
            message.contains("\r\nFrom: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="),
            "{message}"
        );
        assert!(!message.contains("alice"), "{message}");
    }
    story.survives();
}

#[test]
fn a_phone_that_asserts_to_be_somebody_else_is_not_believed() {
    let story = Story::of("forged identity", || {
        calls(&[
            ("P-Asserted-Identity", "\"Carol\" <sip:carol@192.0.2.1>"),
            ("P-Preferred-Identity", "<sip:carol@192.0.2.1>"),
        ])
    });
    let invite = story.calm.text("bob", 0);
    assert!(invite.contains("\r\nFrom: <sip:alice@192.0.2.1>;tag=") && !invite.contains("arol"), "{invite}");
    story.survives();
}
