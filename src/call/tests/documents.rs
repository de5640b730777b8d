//! Documents over webhooks: asked for, redirected, failed, replaced by the fallback or an apology.

use super::super::script::{Beginning, Hook, Place, ScriptInput};
use super::script::Run;
use super::*;
use crate::twiml::document::Context;
use crate::twiml::script::DialStatus;
use crate::twiml::verb::Method;
use crate::webhook::document::Fetched;
use crate::webhook::{Cookies, WebhookError};

fn hook(url: &str, method: Method) -> Hook {
    Hook { place: Place::Url(url.to_owned()), method }
}

/// A call of a route to a web application.
fn asking(fallback: Option<Hook>) -> Run {
    let first = Beginning::Hook(hook("http://app/voice", Method::Post));
    let (run, words) = Run::with(first, fallback, Context::Main);
    assert_eq!(words, ["1 fetch http://app/voice", "ring"]);
    run
}

/// The document that was asked for is there.
pub fn obtained(run: &mut Run, number: u64, body: &str) -> Vec<String> {
    let url = run.asked.last().map(|request| request.url.clone()).unwrap_or_default();
    run.step(|run, turn| {
        let (url, document) = (url.clone(), document(body).into());
        let fetched = Fetched { url, status: Some(200), document, cookies: Cookies::default() };
        run.handle(ScriptInput::Fetched { number, result: Ok(Box::new(fetched)) }, turn);
    })
}

fn failed(run: &mut Run, number: u64, code: u32) -> Vec<String> {
    run.step(|run, turn| {
        let error = WebhookError::new(code, "http://app/voice", "it failed");
        run.handle(ScriptInput::Fetched { number, result: Err(error) }, turn);
    })
}

#[test]
fn while_the_first_document_is_asked_for_the_caller_hears_ringing_and_its_request_says_so() {
    let mut run = asking(None);
    assert_eq!(run.parameter("CallStatus"), Some("ringing"));
    assert_eq!(run.parameter("Direction"), Some("inbound"));
    assert_eq!(obtained(&mut run, 1, "<Redirect>next?b=2</Redirect>"), ["2 fetch http://app/next?b=2"]);
    assert_eq!(run.parameter("CallStatus"), Some("ringing"), "a Redirect answers nobody");
    assert_eq!(obtained(&mut run, 2, "<Say>Hello</Say><Redirect/>"), ["3 prepare \"Hello\""]);
    run.prepared(3, Ok("hello"));
    assert_eq!(run.done(3), ["4 fetch http://app/next?b=2"], "an empty one means this document");
    assert_eq!(run.parameter("CallStatus"), Some("in-progress"));
}

#[test]
fn a_request_keeps_its_token_when_it_is_asked_again_and_no_other_has_it() {
    let mut run = asking(None);
    run.step(|run, turn| run.resume(turn));
    obtained(&mut run, 1, "<Redirect>next</Redirect>");
    let tokens: Vec<&str> = run.asked.iter().map(|request| request.token.as_str()).collect();
    assert_eq!(tokens[0], tokens[1]);
    assert_ne!(tokens[1], tokens[2]);
    let parts: Vec<usize> = tokens[0].split('-').map(str::len).collect();
    assert_eq!((parts, tokens[0].as_bytes()[14]), (vec![8, 4, 4, 4, 12], b'8'), "a UUID: {}", tokens[0]);
}

#[test]
fn an_answer_to_an_earlier_request_changes_nothing() {
    let mut run = asking(None);
    obtained(&mut run, 1, "<Redirect>next</Redirect>");
    assert_eq!(obtained(&mut run, 1, "<Hangup/>"), [""; 0]);
    assert_eq!(obtained(&mut run, 2, "<Hangup/>"), ["hang up"]);
}

#[test]
fn what_fails_is_replaced_by_the_fallback_which_is_told_why() {
    let mut run = asking(Some(hook("http://spare/voice", Method::Get)));
    assert_eq!(failed(&mut run, 1, 11_205), ["2 fetch http://spare/voice"]);
    assert_eq!(run.asked[1].method, Method::Get);
    assert_eq!(run.parameter("ErrorCode"), Some("11205"));
    assert_eq!(run.parameter("ErrorUrl"), Some("http://app/voice"));
    assert_eq!(obtained(&mut run, 2, "<Hangup/>"), ["hang up"]);
}

#[test]
fn when_there_is_no_fallback_or_it_fails_too_the_caller_hears_an_apology() {
    let apology = "prepare \"We are sorry, an application error has occurred. Goodbye.\"";
    let mut run = asking(None);
    assert_eq!(failed(&mut run, 1, 11_200), [format!("2 {apology}")]);
    run.prepared(2, Ok("sorry"));
    assert_eq!(run.done(2), ["hang up"]);

    let mut run = asking(Some(hook("http://spare/voice", Method::Post)));
    failed(&mut run, 1, 11_200);
    assert_eq!(failed(&mut run, 2, 11_217), [format!("3 {apology}")]);
    assert_eq!(run.codes(), [11_200, 11_217]);
}

#[test]
fn a_play_that_cannot_be_had_is_an_error_of_the_script() {
    let mut run = asking(Some(hook("http://spare/voice", Method::Post)));
    assert_eq!(obtained(&mut run, 1, "<Play>a.wav</Play>"), ["2 prepare http://app/a.wav"]);
    let error = crate::call::sound::SoundError { code: 13_420, message: "a page".to_owned() };
    let words = run.step(|run, turn| run.handle(ScriptInput::Prepared(2, Err(error.clone())), turn));
    assert_eq!(words, ["3 fetch http://spare/voice"]);
    assert_eq!(run.parameter("ErrorCode"), Some("13420"));
}

#[test]
fn a_script_that_goes_round_in_circles_is_stopped() {
    let mut run = asking(Some(hook("http://app/voice", Method::Post)));
    for number in 1..=100 {
        let words = obtained(&mut run, number, "<Redirect/>");
        assert_eq!(words, [format!("{} fetch http://app/voice", number + 1)]);
    }
    let words = obtained(&mut run, 101, "<Redirect/>");
    assert!(words[0].contains("application error"), "{words:?}");
}

/// The number of the document that is asked for now.
fn asked_in(words: &[String]) -> u64 {
    let number = words.iter().find_map(|word| word.split_once(" fetch ")?.0.parse().ok());
    number.unwrap_or_else(|| panic!("no document is asked for: {words:?}"))
}

#[test]
fn documents_that_chase_each_other_are_stopped_although_each_would_listen_for_keys() {
    let mut run = asking(None);
    let mut number = 1;
    for _ in 1..=100 {
        obtained(&mut run, number, "<Gather timeout='0'/><Redirect/>");
        number = asked_in(&run.pass(0));
    }
    let words = obtained(&mut run, number, "<Gather timeout='0'/><Redirect/>");
    assert!(words[0].contains("application error"), "{words:?}");
    assert_eq!(run.codes(), [12_400]);
}

#[test]
fn a_caller_who_is_held_by_pauses_is_held_as_long_as_the_script_likes() {
    let mut run = asking(None);
    let mut number = 1;
    for round in 1..=1_000 {
        assert_eq!(obtained(&mut run, number, "<Pause length='5'/><Redirect/>"), [""; 0], "{round}");
        number = asked_in(&run.pass(5 * round));
    }
    assert_eq!(run.codes(), [0; 0]);
}

#[test]
fn a_second_between_two_documents_is_enough_and_less_is_not() {
    for (millis, is_stopped) in [(1_000, false), (999, true)] {
        let mut run = asking(None);
        let mut words = Vec::new();
        for number in 1..=101 {
            run.now = Moment::from_micros(number * millis * 1_000);
            words = obtained(&mut run, number, "<Redirect/>");
        }
        assert_eq!(words[0].contains("application error"), is_stopped, "{millis} ms: {words:?}");
    }
}

#[test]
fn nothing_relative_can_be_asked_for_by_a_document_that_stands_nowhere() {
    let (run, words) = Run::at(Place::Made, "<Redirect>next</Redirect>");
    assert!(words[0].contains("application error"), "{words:?}");
    assert_eq!(run.codes(), [11_100]);
}

#[test]
fn reject_first_refuses_the_caller_and_later_it_hangs_up() {
    for (body, words) in [
        ("<Reject/>", "reject, busy false"),
        ("<Reject reason='busy'/>", "reject, busy true"),
        ("<Hangup/>", "hang up"),
        ("", "hang up"),
    ] {
        assert_eq!(Run::of(body).1, [words], "{body}");
    }
    let (mut run, _) = Run::of("<Say>Hello</Say><Reject reason='busy'/>");
    run.prepared(1, Ok("hello"));
    assert_eq!(run.done(1), ["hang up"]);
    let (mut run, words) = Run::of("<Pause length='2'/><Reject/>");
    assert_eq!(words, ["ring"], "it goes on ringing");
    assert_eq!(run.pass(2), ["reject, busy false"]);
}

#[test]
fn keys_are_played_instead_of_a_file() {
    let (mut run, words) = Run::of("<Play digits='1w2#'/><Hangup/>");
    assert_eq!(words, ["1 send 1w2#"]);
    assert_eq!(run.done(1), ["hang up"]);
}

#[test]
fn the_action_of_a_dial_is_told_how_it_ended_and_without_one_the_next_verb_follows() {
    let (mut run, words) = Run::of("<Dial action='after' method='GET'>101</Dial><Say>never</Say>");
    assert_eq!(words, ["1 dial 1"]);
    let child = LegId::from_bytes([9; 16]);
    let recording = crate::ids::RecordingSid::from_bytes([8; 16]);
    let result = DialResult {
        status: DialStatus::Completed,
        leg: Some(child),
        duration: 12,
        bridged: true,
        facts: Some(Facts {
            call_id: "one@far".to_owned(),
            status: Some(200),
            headers: vec![("X-Ticket".to_owned(), "7".to_owned())],
            ..Facts::default()
        }),
        recording: Some((recording, 13)),
    };
    run.told(Told::DialEnded { activity: 1, result: Box::new(result) });
    assert_eq!((run.asked[0].url.as_str(), run.asked[0].method), ("http://app/after", Method::Get));
    for (name, wanted) in [
        ("DialCallStatus", "completed"),
        ("DialCallSid", &child.to_string()),
        ("DialCallDuration", "12"),
        ("DialBridged", "true"),
        ("DialSipCallId", "one@far"),
        ("DialSipResponseCode", "200"),
        ("DialSipHeader_X-Ticket", "7"),
        ("RecordingSid", &recording.to_string()),
        ("RecordingUrl", &format!("http://switch/Recordings/{recording}")),
        ("RecordingDuration", "13"),
        ("CallStatus", "in-progress"),
    ] {
        assert_eq!(run.parameter(name), Some(wanted), "{name}");
    }

    let (mut run, _) = Run::of("<Dial>101</Dial><Say>next</Say>");
    assert_eq!(run.dial_ended(1, DialStatus::Busy), ["2 prepare \"next\""]);
}

#[test]
fn a_caller_who_hangs_up_ends_the_dial_and_its_action_is_told_all_the_same() {
    let (mut run, _) = Run::of("<Dial action='after'>101</Dial>");
    assert_eq!(run.told(Told::Gone { dial_ends: true, waits: true }), [""; 0]);
    assert_eq!(run.dial_ended(1, DialStatus::Canceled), ["2 fetch http://app/after"]);
    assert_eq!(run.parameter("CallStatus"), Some("completed"));
    assert_eq!(run.parameter("DialCallStatus"), Some("canceled"));
    assert_eq!(obtained(&mut run, 2, "<Dial>102</Dial>"), ["over"], "nobody is dialled for nobody");
}

#[test]
fn references_of_a_dial_are_what_they_mean_in_its_document() {
    let body =
        "<Dial recordingStatusCallback='rec'><Number url='ask' statusCallback='told'>101</Number></Dial>";
    let (run, _) = Run::of(body);
    let letter = run.run.clone().mail().pending().pop().expect("a letter");
    let Wanted::Dial { dial, .. } = letter.body else { panic!("{letter:?}") };
    let Noun::Number(number) = &dial.nouns[0] else { panic!("{dial:?}") };
    assert_eq!(number.hooks.url.as_deref(), Some("http://app/ask"));
    assert_eq!(number.hooks.status_callback.as_deref(), Some("http://app/told"));
    assert_eq!(dial.recording.status_callback.as_deref(), Some("http://app/rec"));
}

#[test]
fn what_came_of_each_request_is_told_with_its_status_and_its_time() {
    let mut run = asking(None);
    run.now = at(3);
    obtained(&mut run, 1, "<Redirect>next</Redirect>");
    run.now = at(5);
    run.step(|run, turn| {
        let error =
            WebhookError::new(11_217, "http://user:pass@app/next", "it answers with 503").answered(503);
        run.handle(ScriptInput::Fetched { number: 2, result: Err(error) }, turn);
    });
    let asked = |document: &str| Event::Asked { document: document.to_owned() };
    let exchanges = run.log.iter().filter(|event| {
        matches!(event, Event::Asked { .. } | Event::Obtained { .. } | Event::Unobtained { .. })
    });
    let [first, there] = ["http://app/voice", "http://app/next"].map(str::to_owned);
    assert_eq!(
        exchanges.collect::<Vec<_>>(),
        [
            &asked(&first),
            &Event::Obtained { document: first, status: Some(200), took_us: 3_000_000 },
            &asked(&there),
            &Event::Unobtained { document: there, status: Some(503), code: 11_217, took_us: 2_000_000 },
        ]
    );
}

#[test]
fn what_a_host_gave_the_call_to_keep_goes_along_with_every_later_request() {
    let given: Cookies =
        serde_json::from_str(r#"[{"host": "app", "path": "/", "name": "sid", "value": "abc"}]"#)
            .expect("cookies");
    let mut run = asking(Some(hook("http://app/spare", Method::Post)));
    assert_eq!(run.asked[0].cookies, Cookies::default());
    let document = document("<Gather numDigits='1' action='next'/>");
    run.step(|run, turn| {
        let url = "http://app/voice".to_owned();
        let cookies = given.clone();
        let fetched = Fetched { url, status: Some(200), document: document.clone().into(), cookies };
        run.handle(ScriptInput::Fetched { number: 1, result: Ok(Box::new(fetched)) }, turn);
    });
    run.keys("1");
    assert_eq!(run.asked[1].cookies, given, "the action");
    failed(&mut run, 2, 11_205);
    assert_eq!(run.asked[2].cookies, given, "the fallback");
}
