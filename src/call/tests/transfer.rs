//! Transfers by a party's own key (RFC 5589): who takes whose place, and what is left when nobody does.

use super::*;
use crate::leg::Refer;
use crate::sip::message::{ReferTo, Replaces};

const ONE: &str = "<Dial><Client>alice</Client></Dial>";
const TAPED: &str = "<Dial record='record-from-answer-dual' timeLimit='100'><Client>alice</Client></Dial>";

pub(super) fn refer() -> Report {
    refer_of(None)
}

/// A party that is this user wants a transfer.
fn refer_of(owner: Option<&str>) -> Report {
    let target = "sip:carol@example.com".parse().expect("an address");
    let (refer_to, owner) = (ReferTo { target, replaces: None }, owner.map(str::to_owned));
    Report::Refer(Box::new(Refer { refer_to, by: None, owner }))
}

/// Caller and callee talk.
fn talking(xml: &str) -> Bench {
    let mut bench = Bench::new();
    bench.dial(xml);
    bench.callee(1, answered());
    bench
}

/// The callee has asked for a transfer; the target rings.
fn by_callee(xml: &str) -> Bench {
    let mut bench = talking(xml);
    let words = bench.callee(1, refer());
    assert_eq!(words, ["dial sip:carol@example.com", "1: hear Silence", "caller: hear Ringback"]);
    assert_eq!(bench.callee(2, Report::Ringing), ["1: referred { status: 180 }"]);
    assert_eq!(bench.callee(2, Report::EarlyMedia), [""; 0], "that it rings is told once");
    bench
}

/// The caller has; the target rings.
fn by_caller(xml: &str) -> Bench {
    let mut bench = talking(xml);
    let words = bench.caller(refer());
    assert_eq!(words, ["dial sip:carol@example.com", "caller: hear Silence", "1: hear Ringback"]);
    assert_eq!(bench.callee(2, Report::Ringing), ["caller: referred { status: 180 }"]);
    bench
}

/// The caller has transferred the callee and is gone; the two callees talk.
fn pair() -> Bench {
    let mut bench = by_caller(ONE);
    bench.callee(2, answered());
    bench.caller(ended(Cause::HungUp));
    bench
}

#[test]
fn the_target_takes_the_place_of_the_callee_and_the_dial_goes_on() {
    let mut bench = by_callee(ONE);
    let words = bench.callee(2, answered());
    let joined = ["caller: hear 2", "2: hear caller", "caller: joined 2", "2: joined caller"];
    assert_eq!(words[..4], joined);
    assert_eq!(words[4..], ["1: referred { status: 200 }", "1: hang up, HungUp"]);
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), [""; 0], "the Dial goes on without it");
    bench.now = at(7);
    let words = bench.callee(2, ended(Cause::HungUp));
    assert_eq!(words, ["caller: hear Silence", "script: 1 Completed"]);
    let result = &bench.results[0];
    assert_eq!((result.leg, result.duration), (Some(bench.children[1]), 7), "from the first answer on");
}

#[test]
fn the_time_limit_of_the_dial_goes_on_and_so_does_its_recording() {
    let mut bench = talking(TAPED);
    bench.now = at(40);
    bench.callee(1, refer());
    let words = bench.callee(2, answered());
    assert!(words.contains(&"2: tape Dual 1".to_owned()), "{words:?}");
    bench.callee(1, ended(Cause::HungUp));
    assert_eq!(bench.pass(99), [""; 0]);
    assert_eq!(bench.pass(100), ["2: hang up, HungUp"]);
}

#[test]
fn a_callee_that_hangs_up_at_once_has_transferred_the_caller_all_the_same() {
    let mut bench = by_callee(ONE);
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), [""; 0]);
    let words = bench.callee(2, answered());
    assert_eq!(words, ["caller: hear 2", "2: hear caller", "caller: joined 2", "2: joined caller"]);
    bench.callee(2, ended(Cause::HungUp));
    assert_eq!(bench.results[0].leg, Some(bench.children[1]));
}

#[test]
fn a_target_that_does_not_answer_leaves_the_parties_as_they_were() {
    for (cause, status) in
        [(Cause::Busy, 486), (Cause::Declined, 603), (Cause::NotFound, 404), (Cause::NoAnswer, 480)]
    {
        let mut bench = by_callee(ONE);
        let words = bench.callee(2, ended(cause.clone()));
        assert_eq!(
            words,
            [format!("1: referred {{ status: {status} }}").as_str(), "1: hear caller", "caller: hear 1"]
        );
        let mut bench = by_caller(ONE);
        let words = bench.callee(2, ended(cause));
        assert_eq!(
            words,
            [format!("caller: referred {{ status: {status} }}").as_str(), "caller: hear 1", "1: hear caller"]
        );
        assert_eq!(bench.caller(refer())[0], "dial sip:carol@example.com", "it may try again");
    }
}

#[test]
fn a_target_that_cannot_be_called_is_told_like_one_that_refuses() {
    let mut bench = talking(ONE);
    bench.callee(1, refer());
    let words = bench.refused(2, Cause::NotFound);
    assert_eq!(words, ["1: referred { status: 404 }", "1: hear caller", "caller: hear 1"]);
}

#[test]
fn a_target_that_rings_too_long_is_given_up() {
    let mut bench = by_callee(ONE);
    assert_eq!(bench.pass(59), [""; 0]);
    let words = bench.pass(60);
    assert_eq!(
        words,
        ["2: hang up, NoAnswer", "1: referred { status: 480 }", "1: hear caller", "caller: hear 1"]
    );
    assert_eq!(bench.callee(2, answered()), ["2: hang up, NoAnswer"], "its answer crossed that");
    assert_eq!(bench.callee(2, ended(Cause::NoAnswer)), [""; 0]);
}

#[test]
fn a_caller_that_was_left_by_the_callee_and_not_taken_by_the_target_goes_on_with_its_script() {
    let mut bench = by_callee(ONE);
    bench.now = at(5);
    bench.callee(1, ended(Cause::HungUp));
    let words = bench.callee(2, ended(Cause::Busy));
    assert_eq!(words, ["caller: hear Silence", "script: 1 Completed"]);
    let result = &bench.results[0];
    assert!(result.bridged);
    assert_eq!((result.leg, result.duration), (Some(bench.children[0]), 5));
}

#[test]
fn whoever_is_transferred_may_hang_up_while_the_target_rings() {
    let mut bench = by_callee(ONE);
    let words = bench.caller(ended(Cause::HungUp));
    assert_eq!(words[..2], ["script: caller gone", "script: 1 Completed"]);
    assert_eq!(words[2..4], ["2: hang up, Cancelled", "1: referred { status: 487 }"]);
    assert!(words[4..].contains(&"1: hang up, HungUp".to_owned()), "{words:?}");

    let mut bench = by_caller(ONE);
    let words = bench.callee(1, ended(Cause::HungUp));
    assert_eq!(words[..2], ["2: hang up, Cancelled", "caller: referred { status: 487 }"]);
    assert_eq!(words[2..], ["caller: hear Silence", "script: 1 Completed"], "the caller's script goes on");
}

#[test]
fn a_caller_that_transfers_leaves_a_pair_that_talks_on() {
    let mut bench = by_caller(ONE);
    let words = bench.callee(2, answered());
    assert_eq!(words[..4], ["1: hear 2", "2: hear 1", "1: joined 2", "2: joined 1"]);
    assert_eq!(words[4..], ["caller: referred { status: 200 }", "caller: hang up, HungUp"]);
    let words = bench.caller(ended(Cause::HungUp));
    assert_eq!(words, ["script: caller gone", "script: 1 Completed"]);
    assert_eq!(bench.results[0].leg, Some(bench.children[0]));
    assert!(!bench.is_finished(), "two talk");
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), ["2: hang up, HungUp"]);
    assert_eq!(bench.callee(2, ended(Cause::HungUp)), [""; 0]);
    assert!(bench.is_finished());
}

#[test]
fn a_caller_that_hangs_up_at_once_has_transferred_the_callee_all_the_same() {
    let mut bench = by_caller(TAPED);
    let words = bench.caller(ended(Cause::HungUp));
    assert_eq!(words, ["finish, trim false", "script: caller gone", "1: tape no more"]);
    let words = bench.callee(2, answered());
    assert_eq!(words, ["1: hear 2", "2: hear 1", "1: joined 2", "2: joined 1"]);
    bench.pass(100);
    let words = bench.callee(2, ended(Cause::HungUp));
    assert_eq!(words, ["1: hang up, HungUp"]);
}

#[test]
fn a_callee_whose_caller_is_gone_is_hung_up_when_the_target_fails() {
    let mut bench = by_caller(ONE);
    bench.caller(ended(Cause::HungUp));
    assert_eq!(bench.callee(2, ended(Cause::Busy)), ["1: hang up, HungUp"]);
    bench.callee(1, ended(Cause::HungUp));
    assert!(bench.is_finished());
}

#[test]
fn a_pair_talks_no_longer_than_the_dial_allowed() {
    let mut bench = talking("<Dial timeLimit='100'><Client>alice</Client></Dial>");
    bench.caller(refer());
    bench.callee(2, answered());
    bench.caller(ended(Cause::HungUp));
    assert_eq!(bench.pass(99), [""; 0]);
    assert_eq!(bench.pass(100), ["1: hang up, HungUp", "2: hang up, HungUp"]);
}

#[test]
fn the_longest_that_a_call_may_last_counts_for_whom_its_caller_has_left_as_well() {
    let half_an_hour = || {
        let mut bench = Bench::new();
        bench.call.longest = Duration::from_secs(1800);
        bench.dial(ONE);
        bench.callee(1, answered());
        bench
    };
    let mut pair = half_an_hour();
    pair.caller(refer());
    pair.callee(2, answered());
    pair.caller(ended(Cause::HungUp));
    assert_eq!(pair.pass(1799), [""; 0]);
    let mut words = pair.pass(1800);
    words.sort();
    assert_eq!(words, ["1: hang up, HungUp", "2: hang up, HungUp", "script: caller gone"]);
    for callee in [1, 2] {
        pair.callee(callee, ended(Cause::HungUp));
    }
    assert!(pair.is_finished());
    assert_eq!(pair.call.next_deadline(), None, "it counts once");

    let mut abroad = half_an_hour();
    abroad.caller(attended());
    let alice = abroad.children[0];
    word(&mut abroad, &Word::Joined { leg: FOREIGN, with: alice });
    abroad.caller(ended(Cause::HungUp));
    assert!(abroad.pass(1799).iter().all(|word| word == "other: joined 1"));
    assert_eq!(abroad.pass(1800), ["other: gone 1", "script: caller gone", "1: hang up, HungUp"]);
}

#[test]
fn one_of_a_pair_may_transfer_the_other_one_further() {
    let mut bench = pair();
    let words = bench.callee(1, refer());
    assert_eq!(words, ["dial sip:carol@example.com", "1: hear Silence", "2: hear Ringback"]);
    bench.callee(1, ended(Cause::HungUp));
    let words = bench.callee(3, answered());
    assert_eq!(words, ["2: hear 3", "3: hear 2", "2: joined 3", "3: joined 2"]);
    assert_eq!(bench.callee(3, ended(Cause::HungUp)), ["2: hang up, HungUp"]);
}

#[test]
fn keys_go_from_one_of_a_pair_to_the_other() {
    use crate::leg::DigitWay;
    let mut bench = pair();
    let digit = Report::Digit { digit: '5', by: DigitWay::Info };
    assert_eq!(bench.callee(1, digit), ["2: press 5"]);
}

#[test]
fn the_codecs_of_a_pair_are_aligned() {
    let both = vec![Codec::Pcmu, Codec::Pcma];
    let voice = |codec| Some(Voice { codec, understood: both.clone() });
    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.callee(1, Report::Answered { voice: voice(Codec::Pcmu), facts: None });
    bench.caller(refer());
    let words = bench.callee(2, Report::Answered { voice: voice(Codec::Pcma), facts: None });
    assert_eq!(words.last().map(String::as_str), Some("2: align(pcmu)"));
}

#[test]
fn nobody_who_talks_with_no_one_can_be_transferred_and_one_transfer_waits_for_the_other() {
    let mut bench = Bench::new();
    assert_eq!(bench.caller(refer()), ["caller: referred { status: 603 }"]);
    bench.dial(ONE);
    assert_eq!(bench.caller(refer()), ["caller: referred { status: 603 }"], "it only rings");
    let mut bench = by_callee(ONE);
    assert_eq!(bench.caller(refer()), ["caller: referred { status: 491 }"]);
}

#[test]
fn a_pair_whose_call_is_ended_or_given_up_is_hung_up() {
    let mut bench = pair();
    let mut words = bench.step(|call, turn| call.handle(CallInput::End(Cause::HungUp), turn));
    words.sort();
    assert_eq!(words[..2], ["1: hang up, HungUp", "2: hang up, HungUp"]);
    let mut bench = pair();
    let mut words = bench.step(|call, turn| call.give_up(turn));
    words.sort();
    assert_eq!(words[..2], ["1: hang up, Internal", "2: hang up, Internal"]);
    let mut bench = by_callee(ONE);
    let words = bench.step(|call, turn| call.handle(CallInput::End(Cause::HungUp), turn));
    assert!(words.contains(&"2: hang up, Cancelled".to_owned()), "{words:?}");
}

#[test]
fn the_target_is_called_with_the_rights_of_whoever_refers_and_sees_who_is_transferred() {
    let dialled = |bench: &Bench| {
        let mut turn = Turn::at(at(0));
        bench.call.clone().resume(&mut turn);
        turn.effects
            .into_iter()
            .find_map(|effect| match effect {
                CallEffect::Dial(dialled) => Some(*dialled),
                _ => None,
            })
            .expect("brought back, it wants the target again")
    };
    let user = |name: &str| Some(Referrer::User(name.to_owned()));
    let mut bench = talking(ONE);
    bench.caller(refer_of(Some("bob")));
    let wanted = dialled(&bench);
    assert_eq!((wanted.referrer, wanted.caller.user.as_str()), (user("bob"), "alice"));
    let mut bench = talking("<Dial><Sip>sip:203@example.com</Sip></Dial>");
    bench.callee(1, refer_of(Some("carol")));
    assert_eq!(dialled(&bench).referrer, user("carol"), "whoever the extension leads to");
    let mut bench = talking("<Dial><Sip>sip:alice@elsewhere.example</Sip></Dial>");
    bench.callee(1, refer());
    let wanted = dialled(&bench);
    assert_eq!(wanted.referrer, Some(Referrer::Stranger), "whatever it is called by");
    assert_eq!(wanted.caller.user, "bob");
}

const OTHER_CALL: CallId = CallId(LegId::from_bytes([7; 16]));

pub(super) fn attended() -> Report {
    let target = "sip:carol@example.com".parse().expect("an address");
    let replaces = Some(Replaces {
        call_id: "second".to_owned(),
        to_tag: "ours".to_owned(),
        from_tag: "theirs".to_owned(),
        early_only: false,
    });
    Report::Refer(Box::new(Refer { refer_to: ReferTo { target, replaces }, by: None, owner: None }))
}

pub(super) fn word(bench: &mut Bench, word: &Word) -> Vec<String> {
    bench.step(|call, turn| call.handle(CallInput::Word(OTHER_CALL, word.clone()), turn))
}

/// Bob, the caller, talks with a leg of another call: the callee has transferred him there.
pub(super) fn caller_abroad() -> Bench {
    let mut bench = talking(ONE);
    assert_eq!(bench.callee(1, attended()), ["caller in the place of second"]);
    let words = word(&mut bench, &Word::Joined { leg: FOREIGN, with: PARENT });
    assert_eq!(words[..3], ["other: joined caller", "caller: hear foreign", "caller: joined foreign"]);
    assert_eq!(words[3..], ["1: referred { status: 200 }", "1: hang up, HungUp"]);
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), [""; 0]);
    bench
}

/// Alice, the callee, does: the caller has transferred her there.
pub(super) fn callee_abroad() -> Bench {
    let mut bench = talking(ONE);
    assert_eq!(bench.caller(attended()), ["1 in the place of second"]);
    let alice = bench.children[0];
    let words = word(&mut bench, &Word::Joined { leg: FOREIGN, with: alice });
    assert_eq!(words[..3], ["other: joined 1", "1: hear foreign", "1: joined foreign"]);
    assert_eq!(words[3..], ["caller: referred { status: 200 }", "caller: hang up, HungUp"]);
    assert_eq!(bench.caller(ended(Cause::HungUp)), ["script: caller gone", "script: 1 Completed"]);
    bench
}

#[test]
fn a_caller_goes_on_with_its_script_when_the_foreign_leg_is_gone() {
    let mut bench = caller_abroad();
    let words = word(&mut bench, &Word::Gone { leg: FOREIGN, with: PARENT });
    assert_eq!(words, ["caller: hear Silence", "script: 1 Completed"]);
    assert_eq!(word(&mut bench, &Word::Gone { leg: FOREIGN, with: PARENT }), [""; 0], "said twice");
}

#[test]
fn a_caller_that_hangs_up_is_told_to_the_other_call() {
    let mut bench = caller_abroad();
    let words = bench.caller(ended(Cause::HungUp));
    assert_eq!(words, ["other: gone caller", "script: caller gone", "script: 1 Completed"]);
    assert!(bench.is_finished());
    let words = bench.step(|call, turn| call.resume(turn));
    assert_eq!(words, ["other: gone caller"], "brought back, it says so again");
}

#[test]
fn a_callee_talks_on_without_its_caller_until_one_side_ends() {
    let mut bench = callee_abroad();
    assert!(!bench.is_finished());
    let alice = bench.children[0];
    assert_eq!(word(&mut bench, &Word::Gone { leg: FOREIGN, with: alice }), ["1: hang up, HungUp"]);
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), [""; 0]);
    assert!(bench.is_finished());
    let mut bench = callee_abroad();
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), ["other: gone 1"]);
    assert!(bench.is_finished());
    let mut bench = callee_abroad();
    assert_eq!(bench.step(|call, turn| call.give_up(turn))[0], "other: gone 1");
    let mut bench = talking("<Dial timeLimit='100'><Client>alice</Client></Dial>");
    bench.caller(attended());
    let alice = bench.children[0];
    word(&mut bench, &Word::Joined { leg: FOREIGN, with: alice });
    bench.caller(ended(Cause::HungUp));
    let mut words = bench.pass(100);
    words.retain(|word| word != "other: joined 1");
    assert_eq!(words, ["1: hang up, HungUp"]);
}

#[test]
fn two_calls_say_again_that_they_are_joined() {
    let mut bench = callee_abroad();
    assert_eq!(bench.pass(9), [""; 0], "both are sure of it");
    assert_eq!(bench.pass(10), ["other: joined 1"]);
    assert_eq!(bench.pass(20), ["other: joined 1"], "the other one may have gone without a word");

    let mut bench = talking(ONE);
    word(&mut bench, &Word::Replace { leg: FOREIGN, replaced: PARENT });
    assert_eq!(bench.pass(1), ["other: joined 1", "other: joined 1"], "not confirmed: its word may be lost");
    let joined = Word::Joined { leg: FOREIGN, with: bench.children[0] };
    assert_eq!(word(&mut bench, &joined), ["caller: hang up, HungUp"]);
    assert_eq!(word(&mut bench, &joined), [""; 0], "said twice");
    assert_eq!(bench.pass(10), ["other: joined 1"], "what was agreed on is said once more, then rarely");
    assert_eq!(bench.pass(11), [""; 0]);
}

#[test]
fn the_leg_whose_place_is_taken_is_hung_up_once_the_other_call_has_said_that_it_is_taken() {
    let mut bench = talking(ONE);
    let alice = bench.children[0];
    let words = word(&mut bench, &Word::Replace { leg: FOREIGN, replaced: PARENT });
    assert_eq!(words, ["other: joined 1", "1: hear foreign", "1: joined foreign"]);
    let words = word(&mut bench, &Word::Replace { leg: FOREIGN, replaced: PARENT });
    assert_eq!(words, ["other: joined 1"], "asked twice");
    let joined = Word::Joined { leg: FOREIGN, with: alice };
    assert_eq!(word(&mut bench, &joined), ["caller: hang up, HungUp"]);
    bench.caller(ended(Cause::HungUp));
    assert_eq!(word(&mut bench, &joined), [""; 0]);
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), ["other: gone 1"]);

    let mut bench = talking(ONE);
    let replaced = bench.children[0];
    let words = word(&mut bench, &Word::Replace { leg: FOREIGN, replaced });
    assert_eq!(words[1..], ["caller: hear foreign", "caller: joined foreign"]);
    assert_eq!(word(&mut bench, &Word::Joined { leg: FOREIGN, with: PARENT }), ["1: hang up, HungUp"]);
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), [""; 0], "the caller's Dial goes on");
    let words = word(&mut bench, &Word::Gone { leg: FOREIGN, with: PARENT });
    assert_eq!(words, ["caller: hear Silence", "script: 1 Completed"]);
}

#[test]
fn a_place_that_nobody_comes_into_is_given_back() {
    let mut bench = talking(ONE);
    let replaced = bench.children[0];
    word(&mut bench, &Word::Replace { leg: FOREIGN, replaced });
    let words = word(&mut bench, &Word::Gone { leg: FOREIGN, with: PARENT });
    assert_eq!(words, ["1: hear caller", "caller: hear 1"]);
}

#[test]
fn nobody_takes_the_place_of_who_talks_with_nobody() {
    let mut bench = Bench::new();
    let words = word(&mut bench, &Word::Replace { leg: FOREIGN, replaced: PARENT });
    assert_eq!(words, ["other: declined 603"]);
    let mut bench = by_callee(ONE);
    let words = word(&mut bench, &Word::Replace { leg: FOREIGN, replaced: PARENT });
    assert_eq!(words, ["other: declined 491"]);
}

#[test]
fn an_attended_transfer_that_fails_leaves_the_parties_as_they_were() {
    let as_before = ["1: hear caller", "caller: hear 1"];
    let mut bench = talking(ONE);
    bench.callee(1, attended());
    let refused = |call: &mut Call, turn: &mut Turn<Call>| {
        call.handle(CallInput::Unreplaceable { leg: PARENT, status: 481 }, turn);
    };
    let words = bench.step(refused);
    assert_eq!(words[0], "1: referred { status: 481 }");
    assert_eq!(words[1..], as_before);
    assert_eq!(bench.step(refused), [""; 0]);

    bench.callee(1, attended());
    let words = word(&mut bench, &Word::Declined { with: PARENT, status: 603 });
    assert_eq!(words[0], "1: referred { status: 603 }");
    assert_eq!(words[1..], as_before);

    bench.callee(1, attended());
    let words = bench.pass(5);
    let (asked, words) = words.split_at(9);
    assert!(asked.iter().all(|word| word == "caller in the place of second"), "asked again: {asked:?}");
    assert_eq!(words[0], "1: referred { status: 480 }", "the other call does not answer");
    assert_eq!(words[1..], as_before);
    let words = word(&mut bench, &Word::Joined { leg: FOREIGN, with: PARENT });
    assert_eq!(words, ["other: gone caller"], "it comes too late");
}

#[test]
fn brought_back_a_call_asks_again_for_its_place_and_says_again_whom_it_talks_with() {
    let mut bench = talking(ONE);
    bench.callee(1, attended());
    assert_eq!(bench.step(|call, turn| call.resume(turn)), ["caller in the place of second"]);
    word(&mut bench, &Word::Joined { leg: FOREIGN, with: PARENT });
    assert_eq!(bench.step(|call, turn| call.resume(turn)), ["other: joined caller"]);
    let again = word(&mut bench, &Word::Joined { leg: FOREIGN, with: PARENT });
    assert_eq!(again, ["other: joined caller"], "who has asked confirms");
}
