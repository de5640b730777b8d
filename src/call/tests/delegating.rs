//! Transfers by whoever talks with a leg of another call: one call wishes, the other one carries it out.

use super::transfer::{attended, callee_abroad, caller_abroad, refer, word};
use super::*;
use crate::leg::Refer;

/// A leg of a third call.
const THIRD: LegId = LegId::from_bytes([9; 16]);

/// What the report of a REFER asks for.
fn asked(report: Report) -> Box<Refer> {
    match report {
        Report::Refer(refer) => refer,
        other => panic!("{other:?}"),
    }
}

/// The leg of another call wants ours to talk with somebody else.
pub(super) fn wished(with: LegId, number: u64, report: Report) -> Word {
    Word::Refer { leg: FOREIGN, with, number, refer: asked(report) }
}

fn told(with: LegId, status: u16) -> Word {
    Word::Referred { with, number: OWN_ACTS + 1, status }
}

/// The caller wants the foreign leg to talk with somebody else, and is told that it rings there.
fn wishing() -> Bench {
    let mut bench = caller_abroad();
    let words = bench.caller(refer());
    assert_eq!(words, ["other: joined caller", "other: refer foreign 1", "caller: hear Silence"]);
    assert_eq!(word(&mut bench, &told(PARENT, 100)), [""; 0], "that was told with the receipt");
    assert_eq!(word(&mut bench, &told(PARENT, 180)), ["caller: referred { status: 180 }"]);
    assert_eq!(word(&mut bench, &told(PARENT, 180)), [""; 0], "said twice");
    bench
}

/// The foreign leg wants the caller to talk with carol, who rings.
fn carrying_out() -> Bench {
    let mut bench = caller_abroad();
    let words = word(&mut bench, &wished(PARENT, 7, refer()));
    assert_eq!(words[..2], ["other: referred foreign 100", "dial sip:carol@example.com"]);
    assert_eq!(words[2..], ["caller: hear Ringback"]);
    assert_eq!(bench.callee(2, Report::Ringing), ["other: referred foreign 180"]);
    bench
}

#[test]
fn whoever_talks_with_a_foreign_leg_has_it_transferred_by_its_own_call() {
    let mut bench = wishing();
    let words = word(&mut bench, &told(PARENT, 200));
    assert_eq!(words, ["caller: referred { status: 200 }", "caller: hang up, HungUp"]);
    assert_eq!(word(&mut bench, &told(PARENT, 200)), [""; 0], "said twice");
    assert_eq!(bench.caller(ended(Cause::HungUp)), ["script: caller gone", "script: 1 Completed"]);
    assert!(bench.is_finished());

    let mut bench = callee_abroad();
    bench.callee(1, refer());
    let alice = bench.children[0];
    let words = word(&mut bench, &told(alice, 200));
    assert_eq!(words, ["1: referred { status: 200 }", "1: hang up, HungUp"]);
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), [""; 0]);
    assert!(bench.is_finished());
}

#[test]
fn the_call_of_who_is_transferred_carries_it_out_and_tells_how_it_goes() {
    let mut bench = carrying_out();
    let again = wished(PARENT, 7, refer());
    assert_eq!(word(&mut bench, &again), ["other: referred foreign 180"], "said again");
    let words = bench.callee(2, answered());
    assert_eq!(words[0], "other: referred foreign 200");
    assert_eq!(words[1..], ["caller: hear 2", "2: hear caller", "caller: joined 2", "2: joined caller"]);
    assert_eq!(word(&mut bench, &again), ["other: referred foreign 200"], "it was not heard");
    let joined = Word::Joined { leg: FOREIGN, with: PARENT };
    assert_eq!(word(&mut bench, &joined), ["other: referred foreign 200"], "nor that it is left");
    assert_eq!(bench.callee(2, ended(Cause::HungUp)), ["caller: hear Silence", "script: 1 Completed"]);

    let mut bench = callee_abroad();
    let alice = bench.children[0];
    word(&mut bench, &wished(alice, 7, refer()));
    let words = bench.callee(2, answered());
    assert_eq!(words[1..], ["1: hear 2", "2: hear 1", "1: joined 2", "2: joined 1"]);
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), ["2: hang up, HungUp"]);
    bench.callee(2, ended(Cause::HungUp));
    assert!(bench.is_finished());
}

#[test]
fn a_foreign_wish_that_fails_leaves_the_parties_as_they_were() {
    let mut bench = carrying_out();
    assert_eq!(bench.callee(2, ended(Cause::Busy)), ["other: referred foreign 486", "caller: hear foreign"]);
    let again = word(&mut bench, &wished(PARENT, 7, refer()));
    assert_eq!(again, ["other: referred foreign 486"], "said again, it is not done again");
    assert_eq!(word(&mut bench, &wished(PARENT, 8, refer()))[1], "dial sip:carol@example.com");
    assert_eq!(word(&mut bench, &wished(PARENT, 7, refer())), [""; 0], "that was long ago");

    let mut bench = wishing();
    let words = word(&mut bench, &told(PARENT, 486));
    assert_eq!(words, ["caller: referred { status: 486 }", "caller: hear foreign"]);
    assert_eq!(word(&mut bench, &told(PARENT, 486)), [""; 0]);
    assert_eq!(bench.caller(refer())[1], "other: refer foreign 2", "it may try again");
}

#[test]
fn a_foreign_party_that_hangs_up_at_once_has_transferred_ours_all_the_same() {
    let gone = Word::Gone { leg: FOREIGN, with: PARENT };
    let mut bench = carrying_out();
    assert_eq!(word(&mut bench, &gone), [""; 0]);
    let words = bench.callee(2, answered());
    assert_eq!(words, ["caller: hear 2", "2: hear caller", "caller: joined 2", "2: joined caller"]);

    let mut bench = carrying_out();
    word(&mut bench, &gone);
    let words = bench.callee(2, ended(Cause::Busy));
    assert_eq!(words, ["caller: hear Silence", "script: 1 Completed"], "nobody is left");

    let mut bench = wishing();
    let words = bench.caller(ended(Cause::HungUp));
    assert_eq!(words, ["other: gone caller", "script: caller gone", "script: 1 Completed"]);
    assert_eq!(word(&mut bench, &told(PARENT, 200)), [""; 0]);
}

#[test]
fn whoever_should_be_transferred_for_a_foreign_party_may_hang_up() {
    let mut bench = callee_abroad();
    let alice = bench.children[0];
    word(&mut bench, &wished(alice, 7, refer()));
    let words = bench.callee(1, ended(Cause::HungUp));
    assert_eq!(words[..2], ["other: referred foreign 487", "other: gone 1"]);
    assert_eq!(words[2..], ["2: hang up, Cancelled"]);

    let mut bench = wishing();
    let words = word(&mut bench, &Word::Gone { leg: FOREIGN, with: PARENT });
    assert_eq!(words[0], "caller: referred { status: 487 }");
    assert_eq!(words[1..], ["caller: hear Silence", "script: 1 Completed"]);
}

#[test]
fn of_two_who_want_to_be_rid_of_each_other_at_once_nobody_is() {
    let mut bench = wishing();
    let words = word(&mut bench, &wished(PARENT, 7, refer()));
    assert_eq!(words, ["other: referred foreign 491"]);
    assert_eq!(bench.caller(refer()), ["caller: referred { status: 491 }"], "one at a time");
    let mut bench = carrying_out();
    assert_eq!(bench.caller(refer()), ["caller: referred { status: 491 }"]);
}

#[test]
fn a_foreign_party_joins_ours_with_whom_it_talks_with_on_another_line() {
    let mut bench = caller_abroad();
    assert_eq!(bench.caller(attended()), ["other: joined caller", "other: refer foreign 1"]);

    let mut bench = caller_abroad();
    let words = word(&mut bench, &wished(PARENT, 7, attended()));
    assert_eq!(words, ["other: referred foreign 100", "caller in the place of second"]);
    let third = CallId(THIRD);
    let joined = Word::Joined { leg: THIRD, with: PARENT };
    let words = bench.step(|call, turn| call.handle(CallInput::Word(third, joined.clone()), turn));
    assert_eq!(
        words[..2],
        ["other: referred foreign 200", "other: joined caller"],
        "one is left for another"
    );
    assert_eq!(words.len(), 4, "it hears the third one: {words:?}");
    let words = bench.caller(ended(Cause::HungUp));
    assert_eq!(words, ["other: gone caller", "script: caller gone", "script: 1 Completed"]);

    let mut bench = caller_abroad();
    word(&mut bench, &wished(PARENT, 7, attended()));
    let refused = |call: &mut Call, turn: &mut Turn<Call>| {
        call.handle(CallInput::Unreplaceable { leg: PARENT, status: 481 }, turn);
    };
    assert_eq!(bench.step(refused), ["other: referred foreign 481", "caller: hear foreign"]);
}

#[test]
fn a_wish_is_said_until_it_is_heard_and_by_whoever_is_brought_back() {
    let mut bench = caller_abroad();
    bench.caller(refer());
    assert_eq!(bench.pass(1).len(), 4, "nobody has heard it: twice in a second");
    word(&mut bench, &told(PARENT, 100));
    let resumed = bench.step(|call, turn| call.resume(turn));
    assert_eq!(resumed, ["other: joined caller", "other: refer foreign 1"]);
    assert_eq!(bench.pass(10), [""; 0], "it was heard");

    let mut bench = carrying_out();
    let resumed = bench.step(|call, turn| call.resume(turn));
    assert!(resumed.contains(&"other: referred foreign 180".to_owned()), "{resumed:?}");
    bench.callee(2, answered());
    let resumed = bench.step(|call, turn| call.resume(turn));
    assert_eq!(resumed, ["other: referred foreign 200"], "brought back, it says so again");
}

#[test]
fn a_wish_of_whom_ours_does_not_talk_with_is_answered_with_that() {
    let mut bench = callee_abroad();
    let words = word(&mut bench, &wished(PARENT, 7, refer()));
    assert_eq!(words, ["other: gone caller"]);
}

fn key(digit: char) -> Report {
    Report::Digit { digit, by: crate::leg::DigitWay::Info }
}

fn keys(first: u64, keys: &str) -> Word {
    Word::Keys { leg: FOREIGN, with: PARENT, first, keys: keys.to_owned() }
}

#[test]
fn keys_that_are_told_by_signalling_reach_the_foreign_leg() {
    let mut bench = caller_abroad();
    assert_eq!(bench.caller(key('4')), ["other: keys 0 4 for foreign"]);
    assert_eq!(bench.caller(key('2')), ["other: keys 0 42 for foreign"], "the first is not confirmed");
    let by_rtp = Report::Digit { digit: '3', by: crate::leg::DigitWay::Rtp };
    assert_eq!(bench.caller(by_rtp), [""; 0], "it goes across in the sound");
    word(&mut bench, &Word::Pressed { leg: FOREIGN, with: PARENT, count: 1 });
    word(&mut bench, &Word::Pressed { leg: FOREIGN, with: PARENT, count: 0 });
    assert_eq!(bench.pass(1)[..2], ["other: joined caller", "other: keys 1 2 for foreign"], "said again");
    let resumed = bench.step(|call, turn| call.resume(turn));
    assert_eq!(resumed, ["other: joined caller", "other: keys 1 2 for foreign"]);
    word(&mut bench, &Word::Pressed { leg: FOREIGN, with: PARENT, count: 9 });
    assert_eq!(bench.caller(key('5')), ["other: keys 2 5 for foreign"]);
    let many: Vec<String> = (0..100).flat_map(|_| bench.caller(key('6'))).collect();
    assert_eq!(many.len(), 63, "nobody listens, and nothing grows without end");
}

#[test]
fn keys_of_the_foreign_leg_are_passed_on_once_and_in_order() {
    let mut bench = caller_abroad();
    assert_eq!(word(&mut bench, &keys(0, "4")), ["other: pressed 1", "caller: press 4"]);
    assert_eq!(word(&mut bench, &keys(0, "4")), ["other: pressed 1"], "said again");
    assert_eq!(word(&mut bench, &keys(0, "42#")), ["other: pressed 3"], "they wait for the first");
    let activity = OWN_ACTS + 1;
    assert_eq!(bench.caller(Report::Pressed { activity }), ["caller: press 2#"]);
    assert_eq!(word(&mut bench, &keys(1, "2")), ["other: pressed 3"], "an old word");
    let mut alone = Bench::new();
    assert_eq!(word(&mut alone, &keys(0, "4")), ["other: gone caller"]);
}

#[test]
fn a_star_leaves_the_foreign_leg_as_it_would_the_callee() {
    let mut bench = Bench::new();
    bench.dial("<Dial hangupOnStar='true'><Client>alice</Client></Dial>");
    bench.callee(1, answered());
    bench.callee(1, attended());
    word(&mut bench, &Word::Joined { leg: FOREIGN, with: PARENT });
    bench.callee(1, ended(Cause::HungUp));
    let words = bench.caller(key('*'));
    assert_eq!(words, ["other: gone caller", "caller: hear Silence", "script: 1 Completed"]);
}

#[test]
fn whoever_talks_with_a_foreign_leg_may_join_it_from_another_line() {
    let third = CallId(THIRD);
    let by_third = |bench: &mut Bench, word: Word| {
        bench.step(|call, turn| call.handle(CallInput::Word(third, word.clone()), turn))
    };
    let mut bench = caller_abroad();
    let words = by_third(&mut bench, Word::Replace { leg: THIRD, replaced: PARENT });
    assert_eq!(words, ["other: caller for foreign"], "whoever talks with the caller decides");
    let words = word(&mut bench, &Word::Replaced { leg: FOREIGN, with: PARENT });
    assert_eq!(words, ["caller: hang up, HungUp"]);
    assert_eq!(word(&mut bench, &Word::Replaced { leg: FOREIGN, with: PARENT }), [""; 0], "said twice");

    let hand = Word::Hand { leg: FOREIGN, with: PARENT, call: third, heir: THIRD };
    let joined = Word::Joined { leg: FOREIGN, with: PARENT };
    let mut bench = caller_abroad();
    let words = word(&mut bench, &hand);
    assert_eq!(words[0], "other: joined caller");
    assert_eq!(words.len(), 3, "it hears the third one: {words:?}");
    assert_eq!(word(&mut bench, &hand), ["other: joined caller"], "said again");
    assert_eq!(word(&mut bench, &joined), [""; 0], "it has to wait");
    let words = by_third(&mut bench, Word::Joined { leg: THIRD, with: PARENT });
    assert_eq!(words, ["other: replaced foreign"], "the third one is there for certain");
    assert_eq!(word(&mut bench, &joined), ["other: replaced foreign"], "it was not heard");
    let words = by_third(&mut bench, Word::Gone { leg: THIRD, with: PARENT });
    assert_eq!(words, ["caller: hear Silence", "script: 1 Completed"]);
    assert_eq!(word(&mut bench, &hand), ["other: declined 603"], "too late");

    let mut bench = caller_abroad();
    word(&mut bench, &hand);
    let words = by_third(&mut bench, Word::Gone { leg: THIRD, with: PARENT });
    assert_eq!(words, ["other: joined caller", "caller: hear foreign", "caller: joined foreign"]);
    let mut bench = caller_abroad();
    word(&mut bench, &hand);
    let words = bench.caller(ended(Cause::HungUp));
    assert_eq!(words[..2], ["other: gone caller", "other: gone caller"], "to both");

    let mut bench = carrying_out();
    assert_eq!(word(&mut bench, &hand), ["other: declined 491"]);
}
