//! One INVITE that several answer: early dialogs side by side, one audible, one that stays.

use super::*;

#[test]
fn of_several_early_dialogs_the_first_with_sound_is_heard() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    assert_eq!(bench.response(&invite, 180, "desk", &nothing()), ["report ringing"]);
    let early = bench.response(&invite, 183, "mailbox", &sdp_at("8", "sendrecv", 7000));
    assert_eq!(early, ["report early media"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7000)));
    assert_eq!(bench.response(&invite, 183, "desk", &sdp_at("0", "sendrecv", 8000)), [""; 0]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7000)), "the other one is kept, not heard");
    assert_eq!(bench.response(&invite, 200, "desk", &nothing()), ["ack 1", "report answered"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcmu, 8000)), "what it said in its own 183 holds");
}

#[test]
fn an_early_answer_that_cannot_be_used_is_only_provisional() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    assert_eq!(bench.response(&invite, 183, "alice", &sdp("18", "sendrecv")), [""; 0]);
    assert_eq!(bench.response(&invite, 200, "alice", &both()), ["ack 1", "report answered"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcmu, 6000)));
}

#[test]
fn a_gateway_may_announce_another_address_in_its_200_than_in_its_183() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    bench.response(&invite, 183, "alice", &sdp_at("0", "sendrecv", 7000));
    bench.response(&invite, 200, "alice", &sdp_at("0", "sendrecv", 7002));
    assert_eq!(bench.agreed(), Some((Codec::Pcmu, 7002)));

    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    bench.response(&invite, 183, "alice", &sdp_at("0", "sendrecv", 7000));
    let words = bench.response(&invite, 200, "alice", &Bytes::from_static(b"nonsense"));
    assert_eq!(words, ["ack 1", "report answered"], "the first answer is one");
    assert_eq!(bench.agreed(), Some((Codec::Pcmu, 7000)));
}

#[test]
fn a_repeated_answer_gets_the_same_ack_again() {
    let (mut bench, invite) = connected();
    assert_eq!(bench.response(&invite, 200, "alice", &both()), ["ack 1"]);
    assert_eq!(bench.acks[0], bench.acks[1]);
    bench.hang_up();
    assert_eq!(bench.response(&invite, 200, "alice", &both()), ["ack 1"], "even when the leg is over");
}

#[test]
fn a_second_fork_that_answers_gets_ack_and_bye_and_the_first_one_stays() {
    let (mut bench, invite) = connected();
    assert_eq!(bench.response(&invite, 200, "desk", &both()), ["ack 1", "send BYE"]);
    let bye = bench.last_request();
    assert_eq!(bye.headers().to().unwrap().tag(), Some("desk"));
    assert_eq!(bench.response(&invite, 200, "desk", &both()), ["ack 1"], "repeated");
    assert_eq!(bench.response(&bye, 200, "desk", &nothing()), [""; 0]);
    assert_eq!(bench.leg.summary().state, "up");
}

#[test]
fn a_losing_phone_that_answers_all_the_same_gets_ack_and_bye() {
    let mut bench = calling(&[5062, 5064]);
    let invites = bench.requests.clone();
    bench.response(&invites[0], 200, "alice", &both());
    assert_eq!(bench.response(&invites[1], 200, "desk", &both()), ["ack 1", "send BYE"]);
    assert_eq!(bench.response(&invites[1], 487, "desk", &nothing()), [""; 0]);
    assert_eq!(bench.leg.summary().state, "up");
}

#[test]
fn an_invite_that_is_answered_without_end_does_not_grow_the_leg_without_end() {
    let (mut bench, invite) = connected();
    for fork in 0..100 {
        bench.response(&invite, 183, &format!("early{fork}"), &both());
        bench.response(&invite, 200, &format!("fork{fork}"), &both());
    }
    assert!(bench.acks.len() <= 17, "{}", bench.acks.len());
}
