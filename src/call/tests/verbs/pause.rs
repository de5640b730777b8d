//! Pause (twiml.md §2), attribute by attribute.

use super::*;

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
