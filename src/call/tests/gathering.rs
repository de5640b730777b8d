//! Gather, row by row of the reference (twiml.md §3): prompts, keys, time, and what follows.

use super::script::Run;
use super::*;

/// One whose prompts were heard: the time for keys runs.
fn listening(attributes: &str) -> Run {
    let (mut run, words) = Run::of(&format!("<Gather {attributes}><Say>Press</Say></Gather><Hangup/>"));
    assert_eq!(words, ["1 prepare \"Press\""]);
    assert_eq!(run.prepared(1, Ok("press")), ["1 play press 1"]);
    assert_eq!(run.done(1), [""; 0]);
    run
}

#[test]
fn nothing_is_heard_before_everything_is_there_and_then_it_comes_in_order() {
    let body = "<Gather><Say>One</Say><Pause length='2'/><Play loop='3'>two.wav</Play></Gather>";
    let (mut run, words) = Run::of(body);
    assert_eq!(words, ["1 prepare \"One\"", "3 prepare http://app/two.wav"]);
    assert_eq!(run.prepared(1, Ok("one")), [""; 0]);
    assert_eq!(run.prepared(3, Ok("two")), ["1 play one 1"]);
    assert_eq!(run.done(1), [""; 0], "now the pause");
    assert_eq!(run.pass(2), ["3 play two 3"]);
    assert_eq!(run.done(3), [""; 0]);
    assert_eq!(run.pass(6), [""; 0], "five seconds from the end of the prompts");
    assert_eq!(run.pass(7), ["hang up"], "no input: the next verb, of which there is none");
}

#[test]
fn a_key_stops_the_prompts_at_once_and_the_time_begins_anew_with_each() {
    let (mut run, _) = Run::of("<Gather><Say>A long story</Say></Gather>");
    run.prepared(1, Ok("story"));
    assert_eq!(run.keys("1"), ["hush"]);
    assert_eq!(run.done(1), [""; 0], "a prompt that was cut off");
    run.pass(4);
    assert_eq!(run.keys("2"), [""; 0]);
    assert_eq!(run.pass(8), [""; 0]);
    assert_eq!(
        run.pass(9),
        ["2 fetch http://app/voice?a=1"],
        "without an action this document is asked again"
    );
    assert_eq!(run.parameter("Digits"), Some("12"));
    assert_eq!(run.parameter("CallStatus"), Some("in-progress"));
    assert_eq!(run.parameter("msg"), Some("Gather End"));
}

#[test]
fn the_key_that_ends_it_is_none_of_the_digits_and_ends_nothing_by_itself() {
    let mut run = listening("action='next'");
    assert_eq!(run.keys("12#"), ["2 fetch http://app/next"]);
    assert_eq!(run.parameter("Digits"), Some("12"));

    let mut run = listening("action='next'");
    assert_eq!(run.keys("#"), [""; 0]);
    assert_eq!(run.pass(5), ["hang up"], "no input");

    let mut run = listening("action='next' finishOnKey='*'");
    assert_eq!(run.keys("1#*"), ["2 fetch http://app/next"]);
    assert_eq!(run.parameter("Digits"), Some("1#"), "another key than the default");

    let mut run = listening("action='next' finishOnKey=''");
    assert_eq!(run.keys("1#*"), [""; 0], "no key ends it");
    run.pass(5);
    assert_eq!(run.parameter("Digits"), Some("1#*"));
}

#[test]
fn so_many_digits_end_it_at_once() {
    let mut run = listening("numDigits='2' action='next'");
    assert_eq!(run.keys("1"), [""; 0]);
    assert_eq!(run.keys("2"), ["2 fetch http://app/next"]);
    assert_eq!(run.keys("3"), [""; 0], "too late");
}

#[test]
fn the_time_without_a_key_is_five_seconds_or_what_is_said() {
    assert_eq!(listening("").run.next_deadline(), Some(at(5)));
    assert_eq!(listening("timeout='2'").run.next_deadline(), Some(at(2)));
    assert_eq!(listening("timeout='0'").run.next_deadline(), Some(at(0)));
}

#[test]
fn without_input_the_next_verb_follows_unless_the_action_wants_to_know() {
    let mut run = listening("action='next'");
    assert_eq!(run.pass(5), ["hang up"]);
    let mut run = listening("action='next' actionOnEmptyResult='true'");
    assert_eq!(run.pass(5), ["2 fetch http://app/next"]);
    assert_eq!(run.parameter("Digits"), Some(""));
}

#[test]
fn its_action_may_be_asked_by_get() {
    let mut run = listening("action='next' method='GET' numDigits='1'");
    run.keys("1");
    assert_eq!(run.asked[0].method, crate::twiml::verb::Method::Get);
    let mut run = listening("action='next' numDigits='1'");
    run.keys("1");
    assert_eq!(run.asked[0].method, crate::twiml::verb::Method::Post);
}

#[test]
fn a_key_that_comes_while_prompts_are_made_ready_counts() {
    let (mut run, _) = Run::of("<Gather numDigits='2'><Say>Press</Say></Gather>");
    assert_eq!(run.keys("4"), [""; 0]);
    assert_eq!(run.prepared(1, Ok("press")), [""; 0], "nobody who has pressed a key needs the prompt");
    assert_eq!(run.keys("2"), ["2 fetch http://app/voice?a=1"]);
    assert_eq!(run.parameter("Digits"), Some("42"));
}

#[test]
fn a_sound_that_a_url_does_not_give_is_an_error_of_the_document_and_one_that_we_cannot_make_is_not() {
    let (mut run, _) = Run::of("<Gather><Play>gone.wav</Play></Gather>");
    let gone = crate::call::sound::SoundError { code: 11_200, message: "gone".to_owned() };
    let words = run.step(|run, turn| {
        run.handle(super::super::script::ScriptInput::Prepared(1, Err(gone.clone())), turn)
    });
    assert!(words[0].contains("application error"), "{words:?}");
    assert_eq!(run.codes(), [13_325]);

    let (mut run, _) = Run::of("<Gather><Say>Hello</Say></Gather>");
    assert_eq!(run.prepared(1, Err("no voice")), [""; 0]);
    assert_eq!(
        (run.codes(), run.run.next_deadline()),
        (vec![12_400], Some(at(5))),
        "it listens all the same"
    );
}

#[test]
fn in_the_dialplan_keys_choose_the_document_that_follows() {
    let place = super::super::script::Place::File("menu.xml".to_owned());
    let (mut run, _) = Run::at(place, "<Gather numDigits='1' action='menu-{Digits}.xml'/>");
    assert_eq!(run.keys("*"), ["1 open menu-star.xml or menu.xml"]);
}
