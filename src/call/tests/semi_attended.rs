//! Transfers to whoever is still being called on the other line of whoever asks.

use super::transfer::{attended, word};
use super::*;

const OTHER: CallId = CallId(FOREIGN);

fn unanswered(bench: &mut Bench, leg: LegId) -> Vec<String> {
    bench.step(|call, turn| {
        let target = "sip:dave@example.com".parse().expect("an address");
        call.handle(CallInput::Unanswered { leg, target, call: OTHER, replaced: FOREIGN }, turn);
    })
}

/// The callee wants the caller to talk with whom it calls on its other line.
fn asked() -> Bench {
    let mut bench = Bench::new();
    bench.dial("<Dial><Client>alice</Client></Dial>");
    bench.callee(1, answered());
    bench.callee(1, attended());
    assert_eq!(unanswered(&mut bench, PARENT), ["other: yield to caller"]);
    bench
}

#[test]
fn whoever_rings_on_the_other_line_is_called_anew_once_it_rings_no_longer() {
    let mut bench = asked();
    assert_eq!(unanswered(&mut bench, PARENT), [""; 0], "told twice");
    assert_eq!(bench.pass(1), ["other: yield to caller", "other: yield to caller"], "it may not be heard");
    assert_eq!(bench.step(|call, turn| call.resume(turn)), ["other: yield to caller"]);
    let words = word(&mut bench, &Word::Yielded { with: PARENT });
    assert_eq!(words, ["dial sip:dave@example.com", "1: hear Silence", "caller: hear Ringback"]);
    assert_eq!(word(&mut bench, &Word::Yielded { with: PARENT }), [""; 0], "said twice");
    assert_eq!(bench.callee(2, Report::Ringing), ["1: referred { status: 180 }"]);
    let words = bench.callee(2, answered());
    assert_eq!(words[4..], ["1: referred { status: 200 }", "1: hang up, HungUp"]);
}

#[test]
fn whoever_was_answered_meanwhile_on_the_other_line_is_left_alone() {
    let mut bench = asked();
    let words = word(&mut bench, &Word::Declined { with: PARENT, status: 491 });
    assert_eq!(words, ["1: referred { status: 491 }", "1: hear caller", "caller: hear 1"]);
    let mut bench = asked();
    let mut words = bench.pass(60);
    words.retain(|word| word != "other: yield to caller");
    assert_eq!(words[0], "1: referred { status: 480 }", "it was never heard");
}

#[test]
fn a_call_that_nobody_has_answered_yields_its_callee() {
    let ringing = "<Dial answerOnBridge='true'><Client>alice</Client></Dial>";
    let give = Word::Yield { leg: FOREIGN, replaced: PARENT };
    let mut bench = Bench::new();
    bench.dial(ringing);
    let words = word(&mut bench, &give);
    assert!(words.contains(&"1: hang up, Cancelled".to_owned()), "{words:?}");
    assert!(words.contains(&"caller: hang up, Cancelled".to_owned()), "{words:?}");
    bench.callee(1, ended(Cause::Cancelled));
    bench.caller(ended(Cause::Cancelled));
    assert_eq!(word(&mut bench, &give), ["other: yielded to foreign"]);

    let mut bench = Bench::new();
    bench.dial(ringing);
    bench.callee(1, answered());
    assert_eq!(word(&mut bench, &give), ["other: declined 491"], "it talks");
}
