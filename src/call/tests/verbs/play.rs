//! Play (twiml.md §2), attribute by attribute.

use super::*;

/// The words by which a prompt that is there is played.
fn played(attributes: &str) -> Vec<String> {
    let (mut run, words) = Run::of(&format!("<Play {attributes}>a.wav</Play>"));
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
fn play_takes_a_url_or_keys() {
    begin_with(&[
        ("URL, absolute", "<Play>https://h/a.wav?x=1</Play>", &["1 prepare https://h/a.wav?x=1"]),
        ("URL, relative", "<Play>\n a.wav \n</Play>", &["1 prepare http://app/a.wav"]),
        ("digits: none", "<Play>a.wav</Play>", &["1 prepare http://app/a.wav"]),
        ("digits: 0-9 A-D # * w W", "<Play digits='wW1#'/>", &["1 send wW1#"]),
        ("bad digits: 13430 warning", "<Play digits='x'>a.wav</Play>", &["1 prepare http://app/a.wav"]),
    ]);
}
