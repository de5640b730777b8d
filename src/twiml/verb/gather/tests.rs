use super::*;
use crate::twiml::verb::Verb;
use crate::twiml::verb::rows::{hold, only, refusal};

fn gather() -> Gather {
    Gather {
        action: None,
        method: Method::Post,
        timeout: 5,
        finish_on_key: Some('#'),
        num_digits: None,
        action_on_empty_result: false,
        listens: true,
        prompts: vec![],
    }
}

fn gathered(body: &str) -> (Gather, Vec<u32>) {
    match only(body) {
        (Verb::Gather(gather), codes) => (*gather, codes),
        (verb, _) => panic!("a Gather is wanted, not {verb:?}"),
    }
}

#[test]
fn each_attribute_has_its_default_its_bounds_and_its_code() {
    hold(
        |given| gathered(&format!("<Gather {given}/>")),
        gather(),
        &[
            ("action='/next?a=1&amp;b=2'", |gather| gather.action = Some("/next?a=1&b=2".into()), &[]),
            ("action=''", |gather| gather.action = Some(String::new()), &[]),
            ("method='POST'", |_| {}, &[]),
            ("method='get'", |gather| gather.method = Method::Get, &[]),
            ("method='PUT'", |_| {}, &[13_312]),
            ("timeout='10'", |gather| gather.timeout = 10, &[]),
            ("timeout='0'", |gather| gather.timeout = 0, &[]),
            ("timeout='14400'", |gather| gather.timeout = 14_400, &[]),
            ("timeout='14401'", |_| {}, &[13_313]),
            ("timeout='-1'", |_| {}, &[13_313]),
            ("timeout='soon'", |_| {}, &[13_313]),
            ("timeout='Auto'", |_| {}, &[]),
            ("finishOnKey='#'", |_| {}, &[]),
            ("finishOnKey='*'", |gather| gather.finish_on_key = Some('*'), &[]),
            ("finishOnKey='0'", |gather| gather.finish_on_key = Some('0'), &[]),
            ("finishOnKey=''", |gather| gather.finish_on_key = None, &[]),
            ("finishOnKey='A'", |_| {}, &[13_310]),
            ("finishOnKey='12'", |_| {}, &[13_311]),
            ("numDigits='1'", |gather| gather.num_digits = Some(1), &[]),
            ("numDigits='16'", |gather| gather.num_digits = Some(16), &[]),
            ("numDigits='0'", |_| {}, &[13_314]),
            ("numDigits='four'", |_| {}, &[13_314]),
            ("actionOnEmptyResult='false'", |_| {}, &[]),
            ("actionOnEmptyResult='True'", |gather| gather.action_on_empty_result = true, &[]),
            ("input='dtmf'", |_| {}, &[]),
            ("input='DTMF'", |_| {}, &[]),
            ("input='dtmf speech'", |_| {}, &[12_200]),
            ("input='speech dtmf'", |_| {}, &[12_200]),
            ("input='speech'", |gather| gather.listens = false, &[12_200]),
            ("input='telepathy'", |_| {}, &[13_326]),
            ("input='dtmf telepathy'", |_| {}, &[13_326]),
        ],
    );
}

#[test]
fn what_is_no_answer_to_whether_an_empty_result_counts_is_an_error() {
    assert_eq!(refusal("<Gather actionOnEmptyResult='maybe'/>"), 13_338);
}

#[test]
fn what_only_speech_recognition_needs_is_told_as_not_supported_yet() {
    hold(
        |given| gathered(&format!("<Gather {given}/>")),
        gather(),
        &[
            ("speechTimeout='auto'", |_| {}, &[12_200]),
            ("maxSpeechTime='60'", |_| {}, &[12_200]),
            ("language='de-DE'", |_| {}, &[12_200]),
            ("hints='yes, no'", |_| {}, &[12_200]),
            ("profanityFilter='false'", |_| {}, &[12_200]),
            ("speechModel='phone_call'", |_| {}, &[12_200]),
            ("enhanced='true'", |_| {}, &[12_200]),
            ("partialResultCallback='/p'", |_| {}, &[12_200]),
            ("partialResultCallbackMethod='GET'", |_| {}, &[12_200]),
            ("bargeIn='false'", |_| {}, &[12_200]),
            ("debug='true'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn prompts_are_heard_in_the_documents_order() {
    let body = "<Gather>\n <Say voice='man' loop='2'>Press one</Say>\n <Pause length='3'/>\n <Play loop='0'>b.wav</Play>\n</Gather>";
    let say = Say { text: "Press one".into(), language: "en-US".into(), voice: Some("man".into()), loops: 2 };
    let play = Play { source: "b.wav".into(), loops: 1_000, digits: None };
    let prompts = vec![Prompt::Say(say), Prompt::Pause(Pause { seconds: 3 }), Prompt::Play(play)];
    assert_eq!(gathered(body), (Gather { prompts, ..gather() }, vec![]));
}

#[test]
fn only_what_is_heard_stands_inside_and_no_keys_are_sent() {
    for (inside, codes) in [
        ("<Dial>101</Dial>", vec![13_320]),
        ("<Gather/>", vec![13_320]),
        ("<Hangup/>", vec![13_320]),
        ("<Sing/>", vec![13_320]),
        ("Press one", vec![12_200]),
        ("<Play digits='1'/>", vec![13_430]),
        ("<Say/>", vec![13_520]),
        ("<Say loop='x'/>", vec![13_510, 13_520]),
    ] {
        assert_eq!(gathered(&format!("<Gather>{inside}</Gather>")), (gather(), codes), "{inside}");
    }
    let play = Prompt::Play(Play { source: "a.wav".into(), loops: 1, digits: None });
    let both = "<Gather><Play digits='1'>a.wav</Play></Gather>";
    assert_eq!(gathered(both), (Gather { prompts: vec![play], ..gather() }, vec![13_430]));
}
