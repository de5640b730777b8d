//! Verbs that come later (twiml.md §1): each has its warning, and the script goes on.

use super::*;

#[test]
fn verbs_that_come_later_are_passed_by_and_the_script_goes_on() {
    for verb in ["Connect", "Enqueue", "Leave", "Pay", "Prompt", "Queue", "Refer", "Sms", "Start", "Stop"] {
        let mut run = asked("http://app/voice", Method::Post, None, Context::Main);
        let words = run.step(|run, turn| {
            let xml = format!("<Response><{verb}>x</{verb}><Say>Hello</Say></Response>");
            let document = Document::parse(xml.as_bytes()).expect("a document");
            let url = "http://app/voice".to_owned();
            let fetched = crate::webhook::document::Fetched {
                url,
                status: Some(200),
                document,
                cookies: Default::default(),
            };
            run.handle(ScriptInput::Fetched { number: 1, result: Ok(Box::new(fetched)) }, turn);
        });
        assert_eq!(words, ["2 prepare \"Hello\""], "{verb}");
        assert_eq!(run.codes(), [12_200], "{verb}");
    }
}
