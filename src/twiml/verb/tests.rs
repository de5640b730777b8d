use super::*;
use crate::twiml::document::{Document, Parsed};
use crate::twiml::finding::ScriptError;
use crate::twiml::verb::rows::{only, read};

fn screening(body: &str) -> Result<Parsed, ScriptError> {
    Document::parse_in(format!("<Response>{body}</Response>").as_bytes(), Context::Screening)
}

#[test]
fn hangup_and_echo_have_nothing_to_say_and_tell_what_is_said_to_them() {
    for (name, verb) in [("Hangup", Verb::Hangup), ("Echo", Verb::Echo)] {
        assert_eq!(only(&format!("<{name}/>")), (verb.clone(), vec![]));
        let more = format!("<{name} reason='x'>text<Parameter name='a' value='b'/><Say>x</Say></{name}>");
        assert_eq!(only(&more), (verb, vec![12_200; 4]), "{name}");
    }
}

#[test]
fn verbs_of_later_days_and_verbs_that_never_were_are_told_apart_and_passed_by() {
    for (name, fate) in [
        ("Connect", "not supported yet"),
        ("Enqueue", "not supported yet"),
        ("Leave", "not supported yet"),
        ("Pay", "not supported yet"),
        ("Prompt", "not supported yet"),
        ("Queue", "not supported yet"),
        ("Refer", "not supported yet"),
        ("Sms", "not supported yet"),
        ("Start", "not supported yet"),
        ("Stop", "not supported yet"),
        ("say", "no verb"),
        ("Number", "no verb"),
    ] {
        let xml = format!("<Response><{name} a='b'><Say>inside</Say></{name}><Hangup/></Response>");
        let Parsed { document, warnings } = Document::parse(xml.as_bytes()).expect("a document");
        assert_eq!(document.steps.iter().map(|step| &step.verb).collect::<Vec<_>>(), [&Verb::Hangup]);
        let told: Vec<_> = warnings.iter().map(|finding| (finding.code, finding.message.as_str())).collect();
        assert_eq!(told, [(12_200, format!("<{name}> is {fate}; it is skipped").as_str())]);
    }
}

#[test]
fn a_callee_that_is_not_joined_yet_can_be_told_and_asked_and_sent_elsewhere() {
    let body = "<Say>a</Say><Play>b</Play><Pause/><Gather/><Redirect>c</Redirect><Hangup/>";
    let Parsed { document, warnings } = screening(body).expect("a document");
    let names: Vec<_> = document.steps.iter().map(|step| step.verb.name()).collect();
    assert_eq!(names, ["Say", "Play", "Pause", "Gather", "Redirect", "Hangup"]);
    assert_eq!(warnings, []);
}

#[test]
fn a_callee_that_is_not_joined_yet_neither_dials_nor_records() {
    for (body, column) in [
        ("<Dial>101</Dial>", 11),
        ("<Say>a</Say><Record/>", 23),
        ("<Dial/><Record/>", 11),
        ("<Hangup/><Dial>never reached</Dial>", 20),
    ] {
        let error = screening(body).expect_err(body);
        assert_eq!((error.code, error.line, error.column), (13_201, 1, column), "{body}");
    }
    assert_eq!(read("<Dial>101</Dial><Record/>").0.len(), 2, "a call's first leg may");
}

#[test]
fn whatever_else_a_callee_that_is_not_joined_yet_is_made_to_do_is_passed_by() {
    let Parsed { document, warnings } =
        screening("<Reject/><Echo/><Enqueue>q</Enqueue><Sing/><Say>a</Say>").expect("a document");
    assert_eq!(document.steps.iter().map(|step| step.verb.name()).collect::<Vec<_>>(), ["Say"]);
    assert_eq!(warnings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [12_200; 4]);
}
