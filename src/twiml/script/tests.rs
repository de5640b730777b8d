use super::*;

fn script(body: &str) -> Script {
    let parsed = Document::parse(format!("<Response>{body}</Response>").as_bytes()).expect("well-formed");
    Script::new(parsed.document)
}

fn done(activity: u64) -> Outcome {
    Outcome::Done { activity }
}

fn say(activity: u64, text: &str) -> Action {
    Action::Say { activity, text: text.into(), language: "en-US".into(), voice: None, loops: 1 }
}

fn play(activity: u64) -> Action {
    Action::Play { activity, source: "a.wav".into(), loops: 1 }
}

#[test]
fn verbs_run_from_top_to_bottom_and_then_the_call_ends() {
    let mut script = script("<Say>Hello</Say><Pause length='2'/><Play>a.wav</Play><Echo/>");
    assert_eq!(script.action(), say(1, "Hello"));
    assert_eq!(script.advance(done(1)), Action::Pause { activity: 2, seconds: 2 });
    assert_eq!(script.advance(done(2)), play(3));
    assert_eq!(script.advance(done(3)), Action::Echo { activity: 4 });
    assert_eq!(script.advance(done(4)), Action::Hangup);
    assert_eq!(script.findings(), []);
}

#[test]
fn an_empty_document_ends_the_call_at_once() {
    assert_eq!(script("").action(), Action::Hangup);
}

#[test]
fn nothing_runs_after_a_hangup() {
    let mut script = script("<Hangup/><Say>never</Say>");
    for activity in 0..4 {
        assert_eq!(script.advance(done(activity)), Action::Hangup);
    }
}

#[test]
fn an_outcome_that_comes_twice_or_too_late_changes_nothing() {
    let mut script = script("<Say>one</Say><Say>two</Say>");
    script.advance(done(1));
    assert_eq!(script.advance(done(1)), say(2, "two"));
    assert_eq!(script.advance(Outcome::Failed { activity: 7, reason: "late".into() }), say(2, "two"));
    assert_eq!(script.findings(), []);
}

#[test]
fn a_step_that_fails_is_told_with_its_place_and_the_next_one_runs() {
    let mut script = script("\n  <Play>gone.wav</Play><Say>still here</Say>");
    let next = script.advance(Outcome::Failed { activity: 1, reason: "no such file".into() });
    assert_eq!(next, say(2, "still here"));
    let told =
        Finding { line: 2, column: 3, code: 12_400, message: "<Play> was skipped: no such file".into() };
    assert_eq!(script.findings(), [told]);
}

#[test]
fn a_dial_that_nobody_takes_leads_to_the_next_verb_and_is_remembered() {
    let mut script = script("<Dial><Client>alice</Client></Dial><Say>nobody there</Say>");
    assert_eq!(script.last_dial(), None);
    let next = script.advance(Outcome::DialEnded { activity: 1, status: DialStatus::NoAnswer });
    assert_eq!(next, say(2, "nobody there"));
    assert_eq!(script.last_dial(), Some(DialStatus::NoAnswer));
}

#[test]
fn a_script_brought_back_from_its_snapshot_wants_the_same_step_and_goes_the_same_way() {
    let mut script =
        script("<Say>one</Say><Dial answerOnBridge='true'><Sip>a@b?X-A=1</Sip></Dial><Play>a.wav</Play>");
    script.advance(done(1));
    let mut record = Vec::new();
    ciborium::into_writer(&script, &mut record).expect("memory");
    let mut heir: Script = ciborium::from_reader(record.as_slice()).expect("what was written");
    assert_eq!(heir.action(), script.action());
    let ended = Outcome::DialEnded { activity: 2, status: DialStatus::Completed };
    assert_eq!(heir.advance(ended.clone()), play(3));
    assert_eq!(heir.advance(ended.clone()), play(3), "repeated after the restart");
    assert_eq!((script.advance(ended), script), (play(3), heir));
}

#[test]
fn a_script_that_cannot_be_read_apologises_and_hangs_up() {
    let error = Document::parse(b"<Response>").expect_err("not closed");
    let mut script = Script::broken(&error);
    assert!(matches!(script.action(), Action::Say { activity: 1, text, .. } if text == APOLOGY));
    assert_eq!(script.findings().first().map(|finding| finding.code), Some(12_100));
    assert_eq!(script.advance(done(1)), Action::Hangup);
}

#[test]
fn only_a_pause_and_a_dial_that_answers_on_bridge_leave_the_caller_ringing() {
    for (body, answers) in [
        ("<Say>x</Say>", true),
        ("<Play>x</Play>", true),
        ("<Echo/>", true),
        ("<Hangup/>", true),
        ("", true),
        ("<Pause/>", false),
        ("<Dial>101</Dial>", true),
        ("<Dial answerOnBridge='true'>101</Dial>", false),
    ] {
        assert_eq!(script(body).action().answers(), answers, "{body}");
    }
}
