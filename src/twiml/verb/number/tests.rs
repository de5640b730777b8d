use super::*;
use crate::twiml::verb::rows::{hold, only_noun};
use crate::twiml::verb::{Method, Noun, Progress};

fn dialled(given: &str) -> (Number, Vec<u32>) {
    match only_noun(&format!("<Dial><Number {given}>\n +4930123456 \n</Number></Dial>")) {
        (Noun::Number(number), codes) => (number, codes),
        (noun, _) => panic!("a Number is wanted, not {noun:?}"),
    }
}

fn number() -> Number {
    Number { number: "+4930123456".into(), send_digits: None, hooks: Hooks::default() }
}

#[test]
fn each_attribute_has_its_default_and_its_code() {
    hold(
        dialled,
        number(),
        &[
            ("sendDigits='wW12#'", |number| number.send_digits = Some("wW12#".into()), &[]),
            ("sendDigits='12-34'", |_| {}, &[13_222]),
            ("sendDigits=''", |_| {}, &[]),
            ("url='/screen'", |number| number.hooks.url = Some("/screen".into()), &[]),
            ("url=''", |_| {}, &[]),
            ("method='POST'", |_| {}, &[]),
            ("method='GET'", |number| number.hooks.method = Method::Get, &[]),
            ("method='PUT'", |_| {}, &[13_221]),
            (
                "statusCallback='/s'",
                |number| {
                    number.hooks.status_callback = Some("/s".into());
                    number.hooks.status_callback_event = vec![Progress::Completed];
                },
                &[],
            ),
            (
                "statusCallback='/s' statusCallbackMethod='get' statusCallbackEvent='Initiated  ringing\n answered'",
                |number| {
                    number.hooks.status_callback = Some("/s".into());
                    number.hooks.status_callback_method = Method::Get;
                    number.hooks.status_callback_event =
                        vec![Progress::Initiated, Progress::Ringing, Progress::Answered];
                },
                &[],
            ),
            (
                "statusCallback='/s' statusCallbackEvent='sleeping'",
                |number| {
                    number.hooks.status_callback = Some("/s".into());
                    number.hooks.status_callback_event = vec![Progress::Completed];
                },
                &[12_200],
            ),
            (
                "statusCallback='/s' statusCallbackEvent=\"['initiated', 'answered']\"",
                |number| {
                    number.hooks.status_callback = Some("/s".into());
                    number.hooks.status_callback_event = vec![Progress::Initiated, Progress::Answered];
                },
                &[],
            ),
            ("statusCallbackMethod='PUT'", |_| {}, &[12_200]),
            ("statusCallbackEvent='ringing'", |_| {}, &[]),
        ],
    );
}

#[test]
fn what_other_days_bring_is_told_as_not_supported_yet() {
    hold(
        dialled,
        number(),
        &[
            ("byoc='BY0123'", |_| {}, &[12_200]),
            ("machineDetection='Enable'", |_| {}, &[12_200]),
            ("machineDetectionTimeout='20'", |_| {}, &[12_200]),
            ("machineDetectionSpeechThreshold='2000'", |_| {}, &[12_200]),
            ("machineDetectionSpeechEndThreshold='1000'", |_| {}, &[12_200]),
            ("machineDetectionSilenceTimeout='4000'", |_| {}, &[12_200]),
            ("amdStatusCallback='/a'", |_| {}, &[12_200]),
            ("amdStatusCallbackMethod='GET'", |_| {}, &[12_200]),
            ("colour='red'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn nothing_stands_inside_but_the_number() {
    let (_, codes) = only_noun("<Dial><Number>101<Say>x</Say></Number></Dial>");
    assert_eq!(codes, [12_200]);
}

#[test]
fn numbers_lose_their_punctuation_and_us_numbers_gain_their_country() {
    for (written, dialled) in [
        ("415-123-4567", Some("+14151234567")),
        ("(415) 555-1212", Some("+14155551212")),
        ("1 415 555 1212", Some("+14155551212")),
        ("+49 30 123456", Some("+4930123456")),
        ("4155551212", Some("4155551212")),
        ("101", Some("101")),
        ("*98", Some("*98")),
        ("", None),
        ("+", None),
        ("alice", None),
        ("12+3", None),
        ("1\u{a0}2", None),
    ] {
        assert_eq!(normalised(written).as_deref(), dialled, "{written}");
    }
}
