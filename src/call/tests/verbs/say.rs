//! Say (twiml.md §2), attribute by attribute.

use super::*;

/// The words by which a prompt that is there is played.
fn played(attributes: &str) -> Vec<String> {
    let (mut run, words) = Run::of(&format!("<Say {attributes}>Hello</Say>"));
    assert_eq!(words.len(), 1, "{attributes}: {words:?}");
    run.prepared(1, Ok("sound"))
}

#[test]
fn it_is_heard_once_or_as_often_as_it_says() {
    for (says, attributes, words) in [
        ("loop: 1", "", "1 play sound 1"),
        ("loop: int ≥ 0", "loop='3'", "1 play sound 3"),
        ("loop: 0 = until hangup, cap 1000", "loop='0'", "1 play sound 1000"),
        ("loop: bad, the default is used", "loop='often'", "1 play sound 1"),
    ] {
        assert_eq!(played(attributes), [words], "{says}");
    }
}

#[test]
fn say_speaks_in_the_language_and_voice_that_are_asked_for() {
    begin_with(&[
        ("language: en-US", "<Say>Hello</Say>", &["1 prepare \"Hello\""]),
        ("language: BCP-47", "<Say language='de-DE'>Hallo</Say>", &["1 prepare \"Hallo\" in de-DE"]),
        ("voice: account default", "<Say language='en-GB'>Hello</Say>", &["1 prepare \"Hello\" in en-GB"]),
        ("voice: man, woman", "<Say voice='woman'>Hello</Say>", &["1 prepare \"Hello\" by woman"]),
        (
            "voice: Polly.<Name>",
            "<Say voice='Polly.Vicki'>Hallo</Say>",
            &["1 prepare \"Hallo\" in de-DE by Polly.Vicki"],
        ),
        ("unknown voice: 13511 warning", "<Say voice='robot'>Hello</Say>", &["1 prepare \"Hello\""]),
        ("empty: 13520 warning, skipped", "<Say/><Say>Hello</Say>", &["1 prepare \"Hello\""]),
    ]);
}
