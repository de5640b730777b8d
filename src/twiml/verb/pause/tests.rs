use super::*;
use crate::twiml::verb::Verb;
use crate::twiml::verb::rows::{hold, only};

#[test]
fn each_attribute_has_its_default_its_bounds_and_its_code() {
    let paused = |given: &str| match only(&format!("<Pause {given}/>")) {
        (Verb::Pause(pause), codes) => (pause, codes),
        (verb, _) => panic!("a Pause is wanted, not {verb:?}"),
    };
    hold(
        paused,
        Pause { seconds: 1 },
        &[
            ("length='10'", |pause| pause.seconds = 10, &[]),
            ("length='0'", |pause| pause.seconds = 0, &[]),
            ("length='14400'", |pause| pause.seconds = 14_400, &[]),
            ("length='14401'", |_| {}, &[13_910]),
            ("length='-1'", |_| {}, &[13_910]),
            ("length='1.5'", |_| {}, &[13_910]),
            ("length=''", |_| {}, &[13_910]),
            ("seconds='3'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn nothing_stands_inside() {
    assert_eq!(
        only("<Pause>3<Say>x</Say></Pause>"),
        (Verb::Pause(Pause { seconds: 1 }), vec![12_200, 12_200])
    );
}
