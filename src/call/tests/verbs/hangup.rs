//! Hangup (twiml.md §5), and the end of a document, which is the same.

use super::*;

#[test]
fn a_hangup_first_answers_and_what_follows_it_never_runs() {
    begin_with(&[
        ("ends the call", "<Hangup/><Say>Never</Say>", &["hang up"]),
        ("a document that runs out of verbs ends the call", "", &["hang up"]),
    ]);
    assert_eq!(Bench::new().wanted(Wanted::Hangup), ["caller: answer", "caller: hang up, HungUp"]);
}
