use super::*;
use crate::twiml::verb::Verb;
use crate::twiml::verb::rows::{hold, only, read};

fn play(source: &str) -> Play {
    Play { source: source.into(), loops: 1, digits: None }
}

fn played(body: &str) -> (Play, Vec<u32>) {
    match only(body) {
        (Verb::Play(play), codes) => (play, codes),
        (verb, _) => panic!("a Play is wanted, not {verb:?}"),
    }
}

#[test]
fn each_attribute_has_its_default_its_bounds_and_its_code() {
    hold(
        |given| played(&format!("<Play {given}>a.wav</Play>")),
        play("a.wav"),
        &[
            ("loop='2'", |play| play.loops = 2, &[]),
            ("loop='0'", |play| play.loops = 1_000, &[]),
            ("loop='9999'", |play| play.loops = 1_000, &[]),
            ("loop='x'", |_| {}, &[13_410]),
            ("digits='1w2'", |play| play.digits = Some("1w2".into()), &[]),
            (
                "digits='0123456789ABCDabcd#*wW'",
                |play| play.digits = Some("0123456789ABCDabcd#*wW".into()),
                &[],
            ),
            ("digits='12x'", |_| {}, &[13_430]),
            ("digits='1 2'", |_| {}, &[13_430]),
            ("digits=''", |_| {}, &[]),
            ("volume='11'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn keys_alone_are_enough_and_without_a_file_too_there_is_nothing_to_play() {
    assert_eq!(played("<Play digits='ww12#'/>"), (Play { digits: Some("ww12#".into()), ..play("") }, vec![]));
    for nothing in ["<Play/>", "<Play> \n </Play>", "<Play digits=''/>"] {
        assert_eq!(read(nothing), (vec![], vec![12_200]), "{nothing}");
    }
    assert_eq!(read("<Play digits='x'/>"), (vec![], vec![13_430, 12_200]));
}

#[test]
fn a_url_is_taken_as_it_stands_without_the_blanks_around_it() {
    let body = "<Play>\n https://example.com/a.wav?x=1&amp;y=2 \n</Play>";
    assert_eq!(played(body), (play("https://example.com/a.wav?x=1&y=2"), vec![]));
    assert_eq!(read("<Play>a&#13;b</Play>"), (vec![], vec![12_200]), "no line ends in it");
    assert_eq!(played("<Play>a.wav<Say>x</Say></Play>"), (play("a.wav"), vec![12_200]), "nothing nests");
}
