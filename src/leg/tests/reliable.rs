//! Provisional answers that must arrive (RFC 3262), ours and the callee's.

use super::*;

const REQUIRED: (HeaderName, &str) = (HeaderName::Require, "100rel");
const SUPPORTED: (HeaderName, &str) = (HeaderName::Supported, "100rel");

/// The caller's PRACK of our latest answer.
fn prack(bench: &mut Bench, number: u32, body: &Bytes) -> Vec<String> {
    let rack = rack(bench);
    bench.asked_with("PRACK", number, &[(HeaderName::RAck, &rack)], body)
}

fn rack(bench: &Bench) -> String {
    let rseq = bench.last_answer().headers().rseq().expect("sound").expect("one that must arrive");
    format!("{rseq} 1 INVITE")
}

fn texts(told: Vec<(u64, String)>) -> Vec<String> {
    told.into_iter().map(|(at, word)| format!("{at} {word}")).collect()
}

#[test]
fn a_caller_who_insists_acknowledges_each_stage_before_it_hears_of_the_next() {
    let mut bench = called_with(&[REQUIRED], &both());
    assert_eq!(bench.order(Order::Ring), ["answer 180 INVITE"]);
    assert_eq!(bench.answer_says(&HeaderName::Require).as_deref(), Some("100rel"));
    assert!(bench.last_answer().body().is_empty());
    let first = bench.last_answer().headers().rseq().unwrap().unwrap();
    assert_eq!(bench.order(Order::Progress), [""; 0], "one outstanding at a time");
    assert_eq!(prack(&mut bench, 2, &nothing()), ["answer 200 PRACK", "answer 183 INVITE"]);
    assert_eq!(bench.last_answer().headers().rseq(), Ok(Some(first + 1)));
    assert_eq!(lines(bench.last_answer().body(), "m="), ["m=audio 4000 RTP/AVP 0"]);
    assert_eq!(prack(&mut bench, 3, &nothing()), ["answer 200 PRACK"]);
    assert_eq!(bench.order(Order::Answer), ["answer 200 INVITE", "report answered"]);
    assert!(bench.last_answer().body().is_empty(), "it has our answer (RFC 3261 §13.2.1)");
    assert_eq!(bench.agreed(), Some((Codec::Pcmu, 6000)));
}

#[test]
fn a_caller_who_is_able_to_gets_only_what_bears_sound_for_certain() {
    let mut bench = called_with(&[SUPPORTED], &both());
    bench.order(Order::Ring);
    assert_eq!(bench.answer_says(&HeaderName::RSeq), None);
    assert_eq!(bench.order(Order::Progress), ["answer 183 INVITE"]);
    assert!(bench.answer_says(&HeaderName::RSeq).is_some());
    let mut bench = called(&both());
    bench.order(Order::Progress);
    assert_eq!(bench.answer_says(&HeaderName::RSeq), None, "it knows nothing of it");
}

#[test]
fn what_must_arrive_is_repeated_with_growing_pauses_and_refused_in_the_end() {
    let mut bench = called_with(&[REQUIRED], &both());
    bench.order(Order::Ring);
    let first = bench.last_answer();
    let told = texts(bench.pass(32_000));
    let mut expected: Vec<String> = [500, 1_500, 3_500, 7_500, 15_500, 31_500]
        .iter()
        .map(|at| format!("{at} answer 180 INVITE"))
        .collect();
    expected.extend(
        ["32000 answer 504 INVITE", "32000 report ended NoAck by Switch", "32000 close"].map(str::to_owned),
    );
    assert_eq!(told, expected);
    assert!(bench.answers.iter().take(7).all(|answer| *answer == first), "a repeat is a retransmission");
}

#[test]
fn an_answer_waits_for_a_description_on_its_way_and_for_nothing_else() {
    let mut bench = called_with(&[SUPPORTED], &both());
    bench.order(Order::Progress);
    assert_eq!(bench.order(Order::Answer), [""; 0], "RFC 3262 §3");
    assert_eq!(texts(bench.pass(500)), ["500 answer 183 INVITE"]);
    let words = prack(&mut bench, 2, &nothing());
    assert_eq!(words, ["answer 200 PRACK", "answer 200 INVITE", "report answered"]);

    let mut bench = called_with(&[REQUIRED], &both());
    bench.order(Order::Ring);
    let rack = rack(&bench);
    assert_eq!(bench.order(Order::Answer), ["answer 200 INVITE", "report answered"]);
    assert_eq!(lines(bench.last_answer().body(), "m=").len(), 1, "nobody has told it yet");
    let racks = [(HeaderName::RAck, rack.as_str())];
    assert_eq!(
        bench.asked_with("PRACK", 2, &racks, &nothing()),
        ["answer 200 PRACK"],
        "it crossed the answer"
    );
    assert_eq!(bench.asked_with("PRACK", 3, &racks, &nothing()), ["answer 481 PRACK"], "once");
    bench.ack(1, &nothing());
    assert_eq!(bench.pass(60_000), [], "the 180 is not repeated any more");
}

#[test]
fn a_caller_may_give_up_while_the_answer_waits() {
    let mut bench = called_with(&[SUPPORTED], &both());
    bench.order(Order::Progress);
    let rack = rack(&bench);
    bench.order(Order::Answer);
    let words = bench.cancelled(&invite(&both()));
    assert_eq!(words, ["answer 487 INVITE", "report ended Cancelled by Peer", "close"]);
    let racks = [(HeaderName::RAck, rack.as_str())];
    assert_eq!(bench.asked_with("PRACK", 2, &racks, &nothing()), ["answer 200 PRACK"]);
    let other = [(HeaderName::RAck, "1 1 INVITE")];
    assert_eq!(bench.asked_with("PRACK", 3, &other, &nothing()), ["answer 481 PRACK"]);
}

#[test]
fn a_prack_of_nothing_that_we_said_finds_nothing() {
    let mut bench = called_with(&[REQUIRED], &both());
    bench.order(Order::Ring);
    for (number, rack) in [(2, "1 1 INVITE"), (3, "nonsense")] {
        let words = bench.asked_with("PRACK", number, &[(HeaderName::RAck, rack)], &nothing());
        assert_eq!(words, ["answer 481 PRACK"], "{rack}");
        bench.answers.pop();
    }
    assert_eq!(bench.asked("PRACK", 4, &nothing()), ["answer 481 PRACK"]);
    bench.answers.pop();
    assert_eq!(prack(&mut bench, 5, &nothing()), ["answer 200 PRACK"]);
}

#[test]
fn a_late_offer_gets_ours_before_the_answer_where_that_can_arrive_for_certain() {
    let mut bench = called_with(&[SUPPORTED], &nothing());
    assert_eq!(bench.order(Order::Progress), ["answer 183 INVITE"]);
    assert_eq!(lines(bench.last_answer().body(), "m="), ["m=audio 4000 RTP/AVP 0 8 101"]);
    assert_eq!(bench.order(Order::Answer), [""; 0]);
    let words = prack(&mut bench, 2, &sdp("8", "sendrecv"));
    assert_eq!(words, ["answer 200 PRACK", "answer 200 INVITE", "report answered"]);
    assert!(bench.last_answer().body().is_empty());
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 6000)));
    assert_eq!(bench.ack(1, &nothing()), [""; 0]);

    let mut bench = called_with(&[REQUIRED], &nothing());
    assert_eq!(bench.order(Order::Ring), ["answer 180 INVITE"]);
    let media = lines(bench.last_answer().body(), "m=");
    assert_eq!(media.len(), 1, "the first that must arrive bears it (RFC 3262 §5)");
    for body in [nothing(), sdp("18", "sendrecv")] {
        let mut bench = called_with(&[REQUIRED], &nothing());
        bench.order(Order::Ring);
        let words = prack(&mut bench, 2, &body);
        assert!(words[0].ends_with("PRACK") && words[1] == "answer 488 INVITE", "{words:?}");
    }
}

#[test]
fn a_caller_may_offer_anew_in_its_prack() {
    let mut bench = called_with(&[SUPPORTED], &both());
    bench.order(Order::Progress);
    assert_eq!(prack(&mut bench, 2, &sdp_at("8", "sendrecv", 7000)), ["answer 200 PRACK"]);
    assert_eq!(lines(bench.last_answer().body(), "m="), ["m=audio 4000 RTP/AVP 8"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7000)));

    let mut bench = called_with(&[SUPPORTED], &both());
    bench.order(Order::Progress);
    assert_eq!(prack(&mut bench, 2, &sdp("18", "sendrecv")), ["answer 488 PRACK"]);
    assert_eq!(bench.pass(1_000), [], "the 183 has arrived all the same");
    assert_eq!(bench.order(Order::Answer), ["answer 200 INVITE", "report answered"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcmu, 6000)));
}

#[test]
fn a_caller_that_waits_long_acknowledges_that_it_is_told_so() {
    let mut bench = called_with(&[REQUIRED], &both());
    bench.order(Order::Ring);
    prack(&mut bench, 2, &nothing());
    assert_eq!(texts(bench.pass(60_000)), ["60000 answer 180 INVITE"]);
    assert_eq!(texts(bench.pass(60_600)), ["60500 answer 180 INVITE"]);
    assert_eq!(prack(&mut bench, 3, &nothing()), ["answer 200 PRACK"]);
}

/// A provisional answer of the callee's that must arrive.
fn reliable(bench: &mut Bench, invite: &Request, code: u16, rseq: &str, body: &Bytes) -> Vec<String> {
    bench.told(invite, code, "alice", &[REQUIRED, (HeaderName::RSeq, rseq)], body)
}

#[test]
fn what_a_callee_says_for_certain_is_acknowledged_at_once_and_once() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    assert!(bench.request_says(&HeaderName::Supported).is_some_and(|tags| tags.contains("100rel")));
    assert_eq!(reliable(&mut bench, &invite, 180, "7", &nothing()), ["send PRACK", "report ringing"]);
    let prack = bench.last_request();
    prack.validate().expect("what we send is valid");
    assert_eq!(bench.request_says(&HeaderName::RAck).as_deref(), Some("7 1 INVITE"));
    assert_eq!(prack.uri().to_string(), "sip:alice@198.51.100.7:5070", "to its Contact");
    assert_eq!(prack.headers().cseq().unwrap().number, 2);
    assert_eq!(reliable(&mut bench, &invite, 180, "7", &nothing()), [""; 0], "a repeat");
    assert_eq!(bench.response(&prack, 200, "alice", &nothing()), [""; 0]);
    assert_eq!(bench.response(&invite, 200, "alice", &both()), ["ack 1", "report answered"]);
    bench.hang_up();
    assert_eq!(bench.last_request().headers().cseq().unwrap().number, 3, "behind the PRACK");
}

#[test]
fn what_comes_out_of_order_counts_when_its_turn_has_come() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    reliable(&mut bench, &invite, 183, "7", &nothing());
    let early = sdp("8", "sendrecv");
    assert_eq!(reliable(&mut bench, &invite, 183, "9", &early), [""; 0], "8 is missing");
    assert_eq!(bench.agreed(), None);
    assert_eq!(reliable(&mut bench, &invite, 180, "8", &nothing()), ["send PRACK", "report ringing"]);
    assert_eq!(reliable(&mut bench, &invite, 183, "9", &early), ["send PRACK", "report early media"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 6000)));
}

#[test]
fn an_answer_that_arrived_for_certain_is_the_answer() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    bench.response(&invite, 183, "alice", &sdp_at("0", "sendrecv", 7000));
    let words = reliable(&mut bench, &invite, 183, "1", &sdp_at("8", "sendrecv", 7002));
    assert_eq!(words, ["send PRACK"], "the sound was reported");
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7002)));
    let words = bench.response(&invite, 200, "alice", &sdp_at("0", "sendrecv", 7004));
    assert_eq!(words, ["ack 1", "report answered"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7002)), "nothing after it counts (RFC 3261 §13.2.1)");
}

#[test]
fn a_second_fork_that_was_acknowledged_early_is_ended_behind_that() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    let rseq = [REQUIRED, (HeaderName::RSeq, "1")];
    bench.told(&invite, 180, "desk", &rseq, &nothing());
    bench.response(&invite, 200, "alice", &both());
    assert_eq!(bench.response(&invite, 200, "desk", &both()), ["ack 1", "send BYE"]);
    assert_eq!(bench.last_request().headers().cseq().unwrap().number, 3);
}

#[test]
fn a_failing_prack_is_no_end() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    reliable(&mut bench, &invite, 180, "1", &nothing());
    let prack = bench.last_request();
    assert_eq!(bench.response(&prack, 481, "alice", &nothing()), [""; 0]);
    assert_eq!(bench.failed(&prack, FailureCause::Timeout), [""; 0]);
    assert_eq!(bench.response(&invite, 486, "alice", &nothing()), ["report ended Busy by Peer", "close"]);
}
