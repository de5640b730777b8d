//! Say, Play and Pause (twiml.md §2): what is heard, how often, and whether the caller is answered for it.

use super::*;

/// The words by which a prompt that is there is played.
fn played(body: &str) -> Vec<String> {
    let (mut run, words) = Run::of(body);
    assert_eq!(words.len(), 1, "{body}: {words:?}");
    run.prepared(1, Ok("sound"))
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

#[test]
fn say_and_play_are_heard_once_or_as_often_as_they_say() {
    for (says, attributes, words) in [
        ("loop: 1", "", "1 play sound 1"),
        ("loop: int", "loop='3'", "1 play sound 3"),
        ("loop: 0 = until hangup, cap 1000", "loop='0'", "1 play sound 1000"),
        ("loop: bad, the default is used", "loop='often'", "1 play sound 1"),
    ] {
        assert_eq!(played(&format!("<Say {attributes}>Hello</Say>")), [words], "Say, {says}");
        assert_eq!(played(&format!("<Play {attributes}>a.wav</Play>")), [words], "Play, {says}");
    }
}

#[test]
fn play_takes_a_url_or_keys() {
    begin_with(&[
        ("URL, absolute", "<Play>https://h/a.wav?x=1</Play>", &["1 prepare https://h/a.wav?x=1"]),
        ("URL, relative", "<Play>\n a.wav \n</Play>", &["1 prepare http://app/a.wav"]),
        ("digits: none", "<Play>a.wav</Play>", &["1 prepare http://app/a.wav"]),
        ("digits: 0-9 A-D # * w W", "<Play digits='wW1#'/>", &["1 send wW1#"]),
        ("bad digits: 13430 warning", "<Play digits='x'>a.wav</Play>", &["1 prepare http://app/a.wav"]),
    ]);
}

#[test]
fn pause_waits_one_second_or_as_long_as_it_says_and_leaves_the_caller_ringing() {
    for (says, attributes, seconds) in [
        ("length: 1", "", 1),
        ("length: int seconds", "length='3'", 3),
        ("length: bad, the default is used", "length='x'", 1),
    ] {
        let (mut run, words) = Run::of(&format!("<Pause {attributes}/><Say>Hello</Say>"));
        assert_eq!(words, ["ring"], "{says}: as first verb it delays the answer");
        assert_eq!(run.run.next_deadline(), Some(at(seconds)), "{says}");
        assert_eq!(run.pass(seconds), ["1 prepare \"Hello\""], "{says}");
    }
}

#[test]
fn what_is_heard_answers_the_caller_and_what_waits_does_not() {
    let mut bench = Bench::new();
    assert_eq!(bench.wanted(Wanted::Ring), ["caller: ring"]);
    let prompt = Wanted::Prompt { activity: 1, asset: "hello".to_owned(), loops: 1 };
    assert_eq!(bench.wanted(prompt), ["caller: answer", "caller: hear hello"]);
    let mut bench = Bench::new();
    let keys = Wanted::Keys { activity: 1, keys: "1".to_owned() };
    assert_eq!(bench.wanted(keys), ["caller: answer", "caller: press 1"], "keys are a sound, too");
}
