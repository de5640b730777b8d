//! Redirect (twiml.md §5) and the documents that follow each other (§0).

use super::super::documents::obtained;
use super::*;

#[test]
fn a_redirect_asks_by_post_unless_it_says_otherwise() {
    for (says, body, url, method) in [
        ("method: POST", "<Redirect>/next</Redirect>", "http://app/next", Method::Post),
        ("method: GET", "<Redirect method='GET'>/next</Redirect>", "http://app/next", Method::Get),
        ("13710, the default is used", "<Redirect method='PUT'>n</Redirect>", "http://app/n", Method::Post),
        ("empty = self", "<Redirect/>", "http://app/voice?a=1", Method::Post),
        (
            "www.myexample.com is just a path",
            "<Redirect>www.h.com</Redirect>",
            "http://app/www.h.com",
            Method::Post,
        ),
        ("the fragment holds overrides", "<Redirect>/n#rc=2</Redirect>", "http://app/n#rc=2", Method::Post),
    ] {
        let (run, words) = Run::of(body);
        assert_eq!(words[0], format!("1 fetch {url}"), "{says}");
        assert_eq!(run.asked[0].method, method, "{says}");
    }
}

#[test]
fn the_method_of_the_first_document_is_not_that_of_the_next() {
    let mut run = asked("http://app/voice", Method::Get, None, Context::Main);
    assert_eq!(run.asked[0].method, Method::Get);
    obtained(&mut run, 1, "<Redirect>next</Redirect>");
    assert_eq!(run.asked[1].method, Method::Post, "the method set on the first URL does not propagate");
}

#[test]
fn what_follows_a_redirect_never_runs() {
    let (mut run, _) = Run::of("<Redirect>next</Redirect><Say>Never</Say>");
    assert_eq!(obtained(&mut run, 1, ""), ["hang up"]);
}

#[test]
fn the_fallback_is_that_of_the_calls_origin_wherever_the_script_has_come() {
    let fallback = Hook { place: Place::Url("http://spare/voice".to_owned()), method: Method::Get };
    let mut run = asked("http://app/voice", Method::Post, Some(fallback), Context::Main);
    obtained(&mut run, 1, "<Redirect>http://other/menu</Redirect>");
    let words = run.step(|run, turn| {
        let error = crate::webhook::WebhookError::new(11_217, "http://other/menu", "it answers with 500");
        run.handle(ScriptInput::Fetched { number: 2, result: Err(error) }, turn);
    });
    assert_eq!(words, ["3 fetch http://spare/voice"]);
    assert_eq!(run.parameter("ErrorUrl"), Some("http://other/menu"));
    assert_eq!(run.asked[2].method, Method::Get);
}
