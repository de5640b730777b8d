//! Dials: together, one after the other, their limits and their ends (twiml.md §4).

use super::*;

const ONE: &str = "<Dial><Client>alice</Client></Dial>";
const TWO: &str = "<Dial><Client>alice</Client><Client>carol</Client></Dial>";
const QUIET: &str = "<Dial answerOnBridge='true'><Client>alice</Client></Dial>";
const IN_TURN: &str =
    "<Dial sequential='true' timeout='10'><Client>alice</Client><Client>carol</Client></Dial>";

#[test]
fn a_dial_answers_the_caller_and_lets_it_hear_the_ringing() {
    let mut bench = Bench::new();
    assert_eq!(bench.dial(ONE), ["dial alice", "caller: answer", "caller: hear Ringback"]);
    assert_eq!(bench.callee(1, Report::Ringing), [""; 0]);
    let joined = ["caller: hear 1", "1: hear caller", "caller: joined 1", "1: joined caller"];
    assert_eq!(bench.callee(1, answered()), joined);
}

#[test]
fn with_answer_on_bridge_the_caller_is_told_of_each_stage_and_answered_last() {
    let mut bench = Bench::new();
    assert_eq!(bench.dial(QUIET), ["dial alice"]);
    assert_eq!(bench.callee(1, Report::Ringing), ["caller: ring"]);
    assert_eq!(bench.callee(1, Report::EarlyMedia), ["caller: progress", "caller: hear 1", "1: hear caller"]);
    let words = bench.callee(1, answered());
    assert_eq!(words[0], "caller: answer");
    assert_eq!(words.len(), 5);
}

#[test]
fn early_sound_of_the_single_callee_replaces_the_ringback() {
    let mut bench = Bench::new();
    bench.dial(ONE);
    assert_eq!(bench.callee(1, Report::EarlyMedia), ["caller: hear 1", "1: hear caller"]);
    let mut bench = Bench::new();
    bench.dial(TWO);
    assert_eq!(bench.callee(1, Report::EarlyMedia), [""; 0], "of several nobody is heard before the answer");
}

#[test]
fn the_first_answer_wins_and_the_others_are_told_why() {
    let mut bench = Bench::new();
    assert_eq!(bench.dial(TWO)[..2], ["dial alice", "dial carol"]);
    let words = bench.callee(2, answered());
    assert_eq!(words[0], "1: hang up, AnsweredElsewhere");
    assert_eq!(words[1..3], ["caller: hear 2", "2: hear caller"]);
    assert_eq!(bench.callee(1, answered()), ["1: hang up, AnsweredElsewhere"], "it crossed");
    assert_eq!(bench.callee(1, ended(Cause::AnsweredElsewhere)), [""; 0]);
    assert_eq!(bench.call.legs(), [PARENT, bench.children[1]]);
}

#[test]
fn when_the_callee_hangs_up_the_script_goes_on_and_when_the_caller_does_nothing_does() {
    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.callee(1, answered());
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), ["caller: hear Silence", "script: 1 Completed"]);

    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.callee(1, answered());
    assert_eq!(
        bench.caller(ended(Cause::HungUp)),
        ["script: caller gone", "script: 1 Completed", "1: hang up, HungUp"]
    );
    assert!(!bench.is_finished(), "the callee's end is awaited");
    bench.callee(1, ended(Cause::HungUp));
    assert!(bench.is_finished());
}

#[test]
fn a_caller_that_gives_up_stops_the_ringing() {
    let mut bench = Bench::new();
    bench.dial(QUIET);
    bench.callee(1, Report::Ringing);
    assert_eq!(
        bench.caller(ended(Cause::Cancelled)),
        ["script: caller gone", "script: 1 Canceled", "1: hang up, Cancelled"]
    );
    assert_eq!(bench.pass(100), [""; 0]);
}

#[test]
fn nobody_answers_in_time() {
    let mut bench = Bench::new();
    bench.dial("<Dial timeout='12'><Client>alice</Client><Client>carol</Client></Dial>");
    assert_eq!(bench.pass(11), [""; 0]);
    let words = bench.pass(12);
    let hang_ups = ["1: hang up, NoAnswer", "2: hang up, NoAnswer"];
    assert_eq!(words[..2], hang_ups);
    assert_eq!(words[2..], ["caller: hear Silence", "script: 1 NoAnswer"]);
    assert_eq!(bench.callee(1, answered()), ["1: hang up, NoAnswer"], "an answer too late");
    assert_eq!(bench.callee(1, ended(Cause::NoAnswer)), [""; 0]);
    assert_eq!(bench.callee(2, ended(Cause::NoAnswer)), [""; 0]);
    assert_eq!(bench.call.legs(), [PARENT]);
}

#[test]
fn of_several_failures_the_callees_word_counts_most_and_only_the_last_one_ends_the_dial() {
    for (first, second, status) in [
        (Cause::Busy, Cause::NoAnswer, "Busy"),
        (Cause::NotFound, Cause::Busy, "Busy"),
        (Cause::Declined, Cause::NotFound, "Busy"),
        (Cause::Unreachable, Cause::NoAnswer, "NoAnswer"),
        (Cause::NotFound, Cause::Unreachable, "Failed"),
        (Cause::Refused(503), Cause::Overloaded, "Failed"),
    ] {
        let mut bench = Bench::new();
        bench.dial(TWO);
        assert_eq!(bench.callee(1, ended(first.clone())), [""; 0]);
        let words = bench.callee(2, ended(second.clone()));
        assert_eq!(words.last(), Some(&format!("script: 1 {status}")), "{first:?}, {second:?}");
    }
}

#[test]
fn an_unanswered_caller_is_refused_with_what_became_of_its_dial() {
    let mut bench = Bench::new();
    bench.dial(QUIET);
    bench.callee(1, ended(Cause::Busy));
    assert_eq!(bench.wanted(Wanted::Hangup), ["caller: hang up, Busy"]);

    let mut bench = Bench::new();
    bench.dial(QUIET);
    bench.callee(1, answered());
    bench.callee(1, ended(Cause::HungUp));
    assert_eq!(bench.wanted(Wanted::Hangup), ["caller: hang up, HungUp"]);

    let mut bench = Bench::new();
    assert_eq!(bench.wanted(Wanted::Hangup), ["caller: answer", "caller: hang up, HungUp"], "Hangup answers");
}

#[test]
fn one_after_the_other_each_gets_its_own_time() {
    let mut bench = Bench::new();
    assert_eq!(bench.dial(IN_TURN)[0], "dial alice");
    assert_eq!(bench.children.len(), 1);
    assert_eq!(bench.pass(10), ["dial carol", "1: hang up, NoAnswer"]);
    assert_eq!(bench.callee(1, ended(Cause::NoAnswer)), [""; 0]);
    bench.pass(19);
    let words = bench.callee(2, answered());
    assert_eq!(words[0], "caller: hear 2");

    let mut bench = Bench::new();
    bench.dial(IN_TURN);
    bench.pass(5);
    assert_eq!(bench.callee(1, ended(Cause::Busy)), ["dial carol"], "a refusal does not wait");
    assert_eq!(bench.pass(14), [""; 0]);
    let words = bench.pass(15);
    assert_eq!(words.last().map(String::as_str), Some("script: 1 Busy"));
}

#[test]
fn when_the_one_whose_early_sound_was_heard_fails_the_caller_hears_ringing_again() {
    let mut bench = Bench::new();
    bench.dial(IN_TURN);
    bench.callee(1, Report::EarlyMedia);
    assert_eq!(bench.callee(1, ended(Cause::Busy)), ["dial carol", "caller: hear Ringback"]);

    let mut bench = Bench::new();
    bench.dial(IN_TURN);
    bench.callee(1, Report::EarlyMedia);
    let words = bench.pass(10);
    assert_eq!(words, ["dial carol", "1: hang up, NoAnswer", "caller: hear Ringback"]);
}

#[test]
fn the_time_limit_counts_from_the_answer() {
    let mut bench = Bench::new();
    bench.dial("<Dial timeLimit='60'><Client>alice</Client></Dial>");
    bench.pass(20);
    bench.callee(1, answered());
    assert_eq!(bench.pass(79), [""; 0]);
    assert_eq!(bench.pass(80), ["1: hang up, HungUp"]);
    assert_eq!(bench.callee(1, ended(Cause::HungUp)), ["caller: hear Silence", "script: 1 Completed"]);
}

#[test]
fn a_callee_that_cannot_even_begin_counts_as_failed() {
    let mut bench = Bench::new();
    bench.dial(TWO);
    assert_eq!(bench.refused(1, Cause::NotFound), [""; 0]);
    let words = bench.refused(2, Cause::Unreachable);
    assert_eq!(words.last().map(String::as_str), Some("script: 1 Failed"));
    assert_eq!(bench.refused(2, Cause::Unreachable), [""; 0], "told twice");
    assert_eq!(bench.call.legs(), [PARENT]);
}

#[test]
fn a_callee_that_never_began_does_not_keep_the_call_alive() {
    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.caller(ended(Cause::HungUp));
    bench.refused(1, Cause::NotFound);
    bench.call.mail().acknowledge(Party::Leg(PARENT), u64::MAX);
    bench.call.mail().acknowledge(Party::Script(PARENT), u64::MAX);
    assert!(bench.call.is_finished(), "nobody will ever read what was written to it");
}

#[test]
fn a_callee_that_begins_after_the_caller_has_gone_is_not_left_ringing() {
    // Its name was being looked up, and the order to hang up found nobody.
    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.caller(ended(Cause::HungUp));
    assert_eq!(bench.callee(1, Report::Ringing), ["1: hang up, Cancelled"]);
    assert_eq!(bench.callee(1, Report::EarlyMedia), ["1: hang up, Cancelled"]);
}

#[test]
fn a_callee_is_wanted_until_it_has_reported_and_no_longer_than_somebody_waits_for_it() {
    let wanted = |bench: &Bench| bench.children.iter().map(|leg| bench.call.wants(*leg)).collect::<Vec<_>>();
    let mut bench = Bench::new();
    bench.dial(TWO);
    assert_eq!(wanted(&bench), [true, true]);
    bench.callee(2, Report::Ringing);
    assert_eq!(wanted(&bench), [true, false], "the second one has begun");
    bench.caller(ended(Cause::HungUp));
    assert_eq!(wanted(&bench), [false, false], "the name of the first was still being looked up");
    bench.refused(1, Cause::Cancelled);
    assert_eq!(bench.call.legs(), bench.children[1..], "it does not keep the call");
}

#[test]
fn brought_back_a_call_wants_again_what_it_has_not_heard_of() {
    let mut bench = Bench::new();
    bench.dial(TWO);
    bench.callee(2, Report::Ringing);
    let first = bench.children[0];
    let words = bench.step(|call, turn| call.resume(turn));
    assert_eq!(words, ["dial alice"]);
    assert_eq!(bench.children.last(), Some(&first), "under the name that it was given");
}

#[test]
fn a_leg_that_the_switch_lost_ends_the_call_on_both_sides() {
    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.callee(1, answered());
    let words = bench.callee(1, ended(Cause::Internal));
    assert_eq!(words[0], "script: caller gone");
    assert_eq!(words[2..], ["script: 1 Completed", "caller: hang up, Internal"]);
    bench.caller(ended(Cause::Internal));
    assert!(bench.is_finished());

    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.callee(1, answered());
    let words = bench.caller(ended(Cause::Internal));
    assert_eq!(words, ["script: caller gone", "script: 1 Completed", "1: hang up, Internal"]);
}

#[test]
fn a_call_whose_actor_is_given_up_ends_all_of_its_legs() {
    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.callee(1, answered());
    let words = bench.step(|call, turn| call.give_up(turn));
    assert_eq!(words, ["caller: hang up, Internal", "1: hang up, Internal", "script: caller gone"]);
}

#[test]
fn prompts_and_echo_answer_the_caller_and_their_end_is_passed_on() {
    let mut bench = Bench::new();
    let prompt = Wanted::Prompt { activity: 4, asset: "hello.wav".to_owned(), loops: 1 };
    assert_eq!(bench.wanted(prompt.clone()), ["caller: answer", "caller: hear hello.wav"]);
    assert_eq!(bench.caller(Report::Played { activity: 4 }), ["script: 4 done"]);
    assert_eq!(bench.wanted(prompt), ["caller: hear hello.wav"]);
    assert_eq!(bench.wanted(Wanted::Echo), ["caller: hear Echo"]);
    bench.caller(ended(Cause::HungUp));
    assert_eq!(bench.wanted(Wanted::Echo), [""; 0], "nothing is done for a caller that has gone");
}

/// A far end that speaks the first of these codecs and is able to do all of them.
fn speaking(understood: &[Codec]) -> Voice {
    Voice { codec: understood[0], understood: understood.to_vec() }
}

/// Caller and callee are joined and speak like this.
fn joined(caller: &[Codec], callee: &[Codec]) -> (Bench, Vec<String>) {
    let mut bench = Bench::new();
    bench.dial(ONE);
    bench.caller(Report::Answered { voice: Some(speaking(caller)), facts: None });
    let words = bench.callee(1, Report::Answered { voice: Some(speaking(callee)), facts: None });
    (bench, words)
}

#[test]
fn of_two_codecs_the_one_that_both_can_do_is_wanted_of_the_callee_first() {
    const BOTH: [Codec; 2] = [Codec::Pcmu, Codec::Pcma];
    const ALAW_FIRST: [Codec; 2] = [Codec::Pcma, Codec::Pcmu];
    for (caller, callee, order) in [
        (&BOTH[..], &ALAW_FIRST[..], Some("1: align(pcmu)")),
        (&BOTH, &BOTH[1..], Some("caller: align(pcma)")),
        (&BOTH[..1], &ALAW_FIRST, Some("1: align(pcmu)")),
        (&BOTH[..1], &BOTH[1..], None),
        (&BOTH, &BOTH, None),
    ] {
        let (_, words) = joined(caller, callee);
        let aligned: Vec<&str> =
            words.iter().map(String::as_str).filter(|word| word.contains("align")).collect();
        assert_eq!(aligned, Vec::from_iter(order), "{caller:?}, {callee:?}");
    }
}

#[test]
fn a_codec_that_changes_later_is_wanted_of_the_other_leg_and_nobody_is_asked_twice() {
    let both = [Codec::Pcmu, Codec::Pcma];
    let (mut bench, _) = joined(&both, &both);
    let changed = Report::Revoiced(speaking(&[Codec::Pcma]));
    assert_eq!(bench.caller(changed.clone()), ["1: align(pcma)"]);
    assert_eq!(bench.callee(1, Report::Revoiced(speaking(&[Codec::Pcma, Codec::Pcmu]))), [""; 0]);
    assert_eq!(bench.callee(1, Report::Revoiced(speaking(&both))), [""; 0], "it wants it otherwise");
    bench.callee(1, ended(Cause::HungUp));
    assert_eq!(bench.caller(changed), [""; 0], "alone there is nothing to align");
}

#[test]
fn a_caller_that_is_answered_on_the_bridge_is_aligned_when_it_speaks() {
    let mut bench = Bench::new();
    bench.dial(QUIET);
    let words = bench.callee(1, Report::Answered { voice: Some(speaking(&[Codec::Pcma])), facts: None });
    assert_eq!(words.len(), 5);
    let voice = Some(speaking(&[Codec::Pcmu, Codec::Pcma]));
    assert_eq!(bench.caller(Report::Answered { voice, facts: None }), ["caller: align(pcma)"]);
}
