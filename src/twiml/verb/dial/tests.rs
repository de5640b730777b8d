use super::*;
use crate::twiml::verb::recording::{Mode, Stage, Track};
use crate::twiml::verb::rows::{hold, only_dial, read, refusal};

fn number(digits: &str) -> Noun {
    Noun::Number(Number { number: digits.into(), send_digits: None, hooks: Hooks::default() })
}

fn client(identity: &str) -> Noun {
    Noun::Client(Client { identity: identity.into(), parameters: vec![], hooks: Hooks::default() })
}

fn dial(nouns: Vec<Noun>) -> Dial {
    Dial {
        nouns,
        timeout: 30,
        time_limit: 14_400,
        hangup_on_star: false,
        caller_id: None,
        answer_on_bridge: false,
        ring_tone: None,
        sequential: false,
        action: None,
        method: Method::Post,
        recording: Recording::default(),
    }
}

fn dialled(given: &str) -> (Dial, Vec<u32>) {
    only_dial(&format!("<Dial {given}>101</Dial>"))
}

#[test]
fn each_attribute_has_its_default_its_bounds_and_its_code() {
    hold(
        dialled,
        dial(vec![number("101")]),
        &[
            ("action='/after'", |dial| dial.action = Some("/after".into()), &[]),
            ("action=''", |dial| dial.action = Some(String::new()), &[]),
            ("method='POST'", |_| {}, &[]),
            ("method='get'", |dial| dial.method = Method::Get, &[]),
            ("method='PUT'", |_| {}, &[13_210]),
            ("timeout='5'", |dial| dial.timeout = 5, &[]),
            ("timeout='600'", |dial| dial.timeout = 600, &[]),
            ("timeout='4'", |_| {}, &[13_212]),
            ("timeout='601'", |_| {}, &[13_212]),
            ("timeLimit='60'", |dial| dial.time_limit = 60, &[]),
            ("timeLimit='86400'", |dial| dial.time_limit = 86_400, &[]),
            ("timeLimit='86401'", |_| {}, &[13_216]),
            ("timeLimit='0'", |_| {}, &[13_216]),
            ("hangupOnStar='TRUE'", |dial| dial.hangup_on_star = true, &[]),
            ("hangupOnStar='star'", |_| {}, &[13_213]),
            ("callerId='+15551234'", |dial| dial.caller_id = Some("+15551234".into()), &[]),
            ("callerId='client:alice'", |dial| dial.caller_id = Some("client:alice".into()), &[]),
            ("callerId='front.desk'", |dial| dial.caller_id = Some("front.desk".into()), &[]),
            ("callerId=''", |_| {}, &[]),
            ("callerId='a b'", |_| {}, &[13_214]),
            ("callerId='&lt;a&gt;'", |_| {}, &[13_214]),
            ("callerId='a&#13;&#10;b'", |_| {}, &[12_200]),
            ("answerOnBridge='True'", |dial| dial.answer_on_bridge = true, &[]),
            ("answerOnBridge='perhaps'", |_| {}, &[13_219]),
            ("ringTone='DE'", |dial| dial.ring_tone = Some(Country::De), &[]),
            ("ringTone='us-old'", |dial| dial.ring_tone = Some(Country::UsOld), &[]),
            ("ringTone='xx'", |_| {}, &[13_220]),
            ("sequential='true'", |dial| dial.sequential = true, &[]),
            ("sequential='1'", |_| {}, &[13_218]),
        ],
    );
    let long = format!("callerId='{}'", "1".repeat(129));
    assert_eq!(dialled(&long), (dial(vec![number("101")]), vec![13_248]));
}

#[test]
fn each_attribute_of_its_recording_has_its_default_and_its_code() {
    hold(
        dialled,
        dial(vec![number("101")]),
        &[
            ("record='do-not-record'", |_| {}, &[]),
            ("record='false'", |_| {}, &[]),
            ("record='true'", |dial| dial.recording.mode = Mode::RecordFromAnswer, &[]),
            ("record='record-from-answer'", |dial| dial.recording.mode = Mode::RecordFromAnswer, &[]),
            ("record='Record-From-Ringing'", |dial| dial.recording.mode = Mode::RecordFromRinging, &[]),
            (
                "record='record-from-answer-dual'",
                |dial| dial.recording.mode = Mode::RecordFromAnswerDual,
                &[],
            ),
            (
                "record='record-from-ringing-dual'",
                |dial| dial.recording.mode = Mode::RecordFromRingingDual,
                &[],
            ),
            ("record='maybe'", |_| {}, &[13_217]),
            ("trim='do-not-trim'", |_| {}, &[]),
            ("trim='trim-silence'", |dial| dial.recording.trim = true, &[]),
            ("trim='all'", |_| {}, &[13_699]),
            ("recordingTrack='both'", |_| {}, &[]),
            ("recordingTrack='inbound'", |dial| dial.recording.track = Track::Inbound, &[]),
            ("recordingTrack='outbound'", |dial| dial.recording.track = Track::Outbound, &[]),
            ("recordingTrack='sideways'", |_| {}, &[13_622]),
            ("recordingStatusCallback=''", |_| {}, &[]),
            (
                "recordingStatusCallback='/r'",
                |dial| {
                    dial.recording.status_callback = Some("/r".into());
                    dial.recording.status_callback_event = vec![Stage::Completed];
                },
                &[],
            ),
            (
                "recordingStatusCallback='/r' recordingStatusCallbackMethod='GET' \
                 recordingStatusCallbackEvent='in-progress absent'",
                |dial| {
                    dial.recording.status_callback = Some("/r".into());
                    dial.recording.status_callback_method = Method::Get;
                    dial.recording.status_callback_event = vec![Stage::InProgress, Stage::Absent];
                },
                &[],
            ),
        ],
    );
    assert_eq!(refusal("<Dial recordingStatusCallbackEvent='started'>101</Dial>"), 13_621);
}

#[test]
fn what_other_days_bring_is_told_as_not_supported_yet() {
    hold(
        dialled,
        dial(vec![number("101")]),
        &[
            ("referUrl='/r'", |_| {}, &[12_200]),
            ("referMethod='GET'", |_| {}, &[12_200]),
            ("callReason='hello'", |_| {}, &[12_200]),
            ("events='call-progress-event'", |_| {}, &[12_200]),
            ("passports='e30='", |_| {}, &[12_200]),
            ("recordingConfigurationId='x'", |_| {}, &[12_200]),
            ("colour='red'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn numbers_clients_and_addresses_are_dialled_together_in_the_documents_order() {
    let body = "<Dial>\n<Client>bob</Client>\n<Number>102</Number>\n<Sip>sip:a@b</Sip>\n<Number>101</Number>\n</Dial>";
    let (dial, codes) = only_dial(body);
    let [Noun::Client(_), Noun::Number(first), Noun::Sip(sip), Noun::Number(last)] = dial.nouns.as_slice()
    else {
        panic!("four nouns expected, got {:?}", dial.nouns)
    };
    assert_eq!((first.number.as_str(), sip.uri.as_str(), last.number.as_str()), ("102", "sip:a@b", "101"));
    assert!(codes.is_empty());
}

#[test]
fn plain_text_is_one_number_unless_nouns_stand_beside_it() {
    assert_eq!(only_dial("<Dial>\n  415-555-1212\n</Dial>"), (dial(vec![number("+14155551212")]), vec![]));
    assert_eq!(only_dial("<Dial>101<Client>bob</Client></Dial>"), (dial(vec![client("bob")]), vec![12_200]));
}

#[test]
fn a_dial_that_names_nobody_is_skipped_with_the_reason() {
    for (body, codes) in [
        ("<Dial/>", vec![13_000]),
        ("<Dial action='/after'> </Dial>", vec![13_000]),
        ("<Dial><Say>x</Say></Dial>", vec![13_215, 13_000]),
    ] {
        assert_eq!(read(body), (vec![], codes), "{body}");
    }
}

#[test]
fn a_dial_that_names_only_whom_it_cannot_reach_is_run_without_anybody() {
    for (body, codes) in [
        ("<Dial>not a number</Dial>", vec![13_223, 13_000]),
        ("<Dial><Conference>room</Conference></Dial>", vec![12_200, 13_000]),
        ("<Dial><Queue>line</Queue></Dial>", vec![12_200, 13_000]),
        ("<Dial><Sip></Sip></Dial>", vec![13_243, 13_000]),
        ("<Dial><Client/></Dial>", vec![12_200, 13_000]),
        ("<Dial><Number>++1</Number></Dial>", vec![13_223, 13_000]),
        (
            "<Dial>\n<Number>abc</Number><Conference>x</Conference></Dial>",
            vec![13_223, 12_200, 13_215, 13_000],
        ),
    ] {
        assert_eq!(only_dial(body), (dial(vec![]), codes), "{body}");
    }
}

#[test]
fn what_stands_alone_is_not_dialled_beside_others() {
    for noun in ["Conference", "Queue", "Application", "WhatsApp"] {
        let body = format!("<Dial><{noun}>x</{noun}><Client>bob</Client></Dial>");
        assert_eq!(only_dial(&body), (dial(vec![client("bob")]), vec![12_200, 13_215]), "{noun}");
    }
}

#[test]
fn at_most_ten_are_dialled() {
    let of = |count: usize| only_dial(&format!("<Dial>{}</Dial>", "<Number>101</Number>".repeat(count)));
    assert_eq!(of(10), (dial(vec![number("101"); 10]), vec![]));
    assert_eq!(of(11), (dial(vec![number("101"); 10]), vec![13_250]));
}
