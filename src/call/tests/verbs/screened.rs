//! The document that a callee hears before it is joined (twiml.md §4, §8): what it may do, and how it ends.

use super::super::documents::obtained;
use super::*;

fn screening() -> Run {
    asked("http://app/ask", Method::Post, None, Context::Screening)
}

#[test]
fn its_end_joins_the_callee_and_a_hangup_lets_it_go() {
    for (says, body, last) in [
        ("ends without Hangup → bridge", "", "bridge"),
        ("ends without Hangup → bridge", "<Pause/>", "bridge"),
        ("Hangup", "<Hangup/>", "hang up"),
        ("Reject is passed by", "<Reject/>", "bridge"),
    ] {
        let mut run = screening();
        let mut words = obtained_in(&mut run, 1, body);
        words.extend(run.pass(60));
        assert_eq!(words, [last], "{says}: {body}");
    }
}

/// The document that was asked for is there, read for whom it is.
fn obtained_in(run: &mut Run, number: u64, body: &str) -> Vec<String> {
    run.step(|run, turn| {
        let xml = format!("<Response>{body}</Response>");
        let document = Document::parse_in(xml.as_bytes(), Context::Screening).expect("a document");
        let url = "http://app/ask".to_owned();
        let fetched = crate::webhook::document::Fetched {
            url,
            status: Some(200),
            document,
            cookies: Default::default(),
        };
        run.handle(ScriptInput::Fetched { number, result: Ok(Box::new(fetched)) }, turn);
    })
}

#[test]
fn where_a_gather_or_a_redirect_leads_is_a_screening_still() {
    let mut run = screening();
    obtained(&mut run, 1, "<Gather numDigits='1' action='agreed'/><Hangup/>");
    assert_eq!(run.keys("1"), ["2 fetch http://app/agreed"]);
    assert_eq!(obtained(&mut run, 2, "<Redirect>more</Redirect>"), ["3 fetch http://app/more"]);
    assert_eq!(obtained(&mut run, 3, ""), ["bridge"]);

    let mut run = screening();
    obtained(&mut run, 1, "<Gather numDigits='1' action='agreed'/><Hangup/>");
    assert_eq!(run.pass(10), ["hang up"], "whoever presses nothing has not agreed");
}

#[test]
fn a_callee_whose_document_cannot_be_had_or_run_is_not_joined() {
    for code in [11_205, 11_217, 13_201] {
        let mut run = screening();
        let words = run.step(|run, turn| {
            let error = crate::webhook::WebhookError::new(code, "http://app/ask", "it failed");
            run.handle(ScriptInput::Fetched { number: 1, result: Err(error) }, turn);
        });
        assert!(words[0].contains("application error"), "{words:?}");
        run.prepared(2, Ok("sorry"));
        assert_eq!(run.done(2), ["hang up"]);
    }
}

#[test]
fn a_callee_whose_document_is_at_no_url_is_not_dialled_without_being_asked() {
    let (run, words) = Run::of("<Dial><Client url='ftp://app/ask'>alice</Client></Dial>");
    assert!(words[0].contains("application error"), "{words:?}");
    assert_eq!(run.codes(), [11_100]);
}

#[test]
fn the_caller_hears_ringing_while_the_callee_is_asked() {
    let mut bench = Bench::new();
    bench.dial("<Dial ringTone='de'><Client url='http://app/ask'>alice</Client></Dial>");
    bench.callee(1, Report::EarlyMedia);
    let words = bench.callee(1, answered());
    assert_eq!(words[1..], ["caller: hear Ringing(De)", "1: hear Silence"], "{words:?}");

    let mut bench = Bench::new();
    bench.dial("<Dial answerOnBridge='true'><Client url='http://app/ask'>alice</Client></Dial>");
    bench.callee(1, Report::Ringing);
    assert_eq!(bench.callee(1, answered()), ["ask 1 by http://app/ask"], "it goes on ringing");
    let alice = bench.children[0];
    assert_eq!(bench.wanted_by(alice, Wanted::Bridge)[0], "caller: answer");
}

#[test]
fn a_callee_who_is_asked_for_ever_is_let_go() {
    let mut bench = Bench::new();
    bench.dial(
        "<Dial sequential='true'><Client url='http://app/ask'>alice</Client><Client>carol</Client></Dial>",
    );
    bench.pass(10);
    bench.callee(1, answered());
    assert_eq!(bench.pass(609), [""; 0]);
    assert_eq!(bench.pass(610), ["1: hang up, HungUp"]);
    let last = bench.log.last().map(|entry| (entry.leg, entry.event.clone()));
    let limit = "limits.screening".to_owned();
    assert_eq!(last, Some((bench.children[0], Event::NotJoined { limit })), "and the log says by what");
    let words = bench.callee(1, ended(Cause::HungUp));
    assert_eq!(words, ["dial carol", "script of 1: caller gone"]);

    let mut bench = Bench::new();
    bench.call.screening = std::time::Duration::from_secs(120);
    bench.dial("<Dial><Number sendDigits='WWWW'>101</Number></Dial>");
    bench.callee(1, answered());
    assert_eq!(bench.pass(120), ["1: hang up, HungUp"], "keys, too, are sent no longer");
}
