//! UPDATE (RFC 3311): changes of a session before and after its answer.

use super::*;

const SUPPORTED: (HeaderName, &str) = (HeaderName::Supported, "100rel");

/// A caller's leg whose caller has our answer for certain, and no 2xx yet.
fn settled() -> Bench {
    let mut bench = called_with(&[SUPPORTED], &both());
    bench.order(Order::Progress);
    let rack = format!("{} 1 INVITE", bench.last_answer().headers().rseq().unwrap().unwrap());
    assert_eq!(bench.asked_with("PRACK", 2, &[(HeaderName::RAck, &rack)], &nothing()), ["answer 200 PRACK"]);
    bench
}

#[test]
fn a_session_is_changed_without_a_new_invite() {
    let mut bench = talking();
    assert_eq!(bench.asked("UPDATE", 2, &sdp("0", "sendonly")), ["answer 200 UPDATE"]);
    assert_eq!(lines(bench.last_answer().body(), "a=recvonly").len(), 1);
    assert_eq!(bench.has_told(&Event::Held), 1);
    assert_eq!(bench.pass(60_000), [], "no ACK is awaited");
    assert_eq!(
        bench.asked("UPDATE", 3, &sdp("8", "sendrecv")),
        ["answer 200 UPDATE", "report speaks Pcma of [Pcma]"]
    );
    assert_eq!(bench.answer_says(&HeaderName::Contact).as_deref(), Some("<sip:192.0.2.1:5060>"));
    assert!(bench.answer_says(&HeaderName::Allow).is_some_and(|allow| allow.contains("UPDATE")));
}

#[test]
fn one_without_an_offer_moves_the_dialog_and_nothing_else() {
    let mut bench = talking();
    let before = bench.leg.wish();
    let mut moved = bench.in_dialog("UPDATE", 2, &nothing());
    moved.headers_mut().set(HeaderName::Contact, "<sip:bob@203.0.113.9:5090>");
    assert_eq!(bench.request(&moved), ["answer 200 UPDATE"]);
    assert!(bench.last_answer().body().is_empty());
    assert_eq!(bench.leg.wish(), before);
    bench.hang_up();
    assert_eq!(bench.last_request().uri().to_string(), "sip:bob@203.0.113.9:5090");
}

#[test]
fn one_that_cannot_be_met_changes_nothing() {
    let mut bench = talking();
    let before = bench.leg.wish();
    let mut moved = bench.in_dialog("UPDATE", 2, &sdp("18", "sendrecv"));
    moved.headers_mut().set(HeaderName::Contact, "<sip:bob@203.0.113.9:5090>");
    assert_eq!(bench.request(&moved), ["answer 488 UPDATE"]);
    assert_eq!(bench.asked("UPDATE", 3, &Bytes::from_static(b"nonsense")), ["answer 400 UPDATE"]);
    let mut text = bench.in_dialog("UPDATE", 4, &nothing());
    text.set_body("text/plain", Bytes::from_static(b"hello"));
    assert_eq!(bench.request(&text), ["answer 415 UPDATE"]);
    assert_eq!(bench.leg.wish(), before);
    bench.hang_up();
    assert_eq!(bench.last_request().uri().to_string(), "sip:bob@198.51.100.7:5062");
}

#[test]
fn offers_that_cross_are_refused() {
    let mut bench = talking();
    bench.order(Order::Align(Codec::Pcma));
    assert_eq!(bench.asked("UPDATE", 2, &sdp("0", "sendonly")), ["answer 491 UPDATE"]);
    assert_eq!(bench.asked("UPDATE", 3, &nothing()), ["answer 200 UPDATE"], "it offers nothing");
    let mut bench = answered(&nothing());
    assert_eq!(bench.asked("UPDATE", 2, &both()), ["answer 491 UPDATE"], "ours waits for the ACK");
    let mut bench = answered(&both());
    bench.hang_up();
    assert_eq!(bench.asked("UPDATE", 2, &both()), ["answer 500 UPDATE"], "the leg is about to end");
}

#[test]
fn before_the_answer_an_offer_has_to_wait_for_the_end_of_the_first() {
    let mut bench = called(&both());
    bench.order(Order::Progress);
    assert_eq!(bench.asked("UPDATE", 2, &both()), ["answer 500 UPDATE"], "a 183 may get lost");
    assert!(bench.last_answer().headers().retry_after().expect("RFC 3311 §5.2") <= 10);
    assert_eq!(bench.asked("UPDATE", 3, &nothing()), ["answer 200 UPDATE"]);

    let mut bench = called_with(&[SUPPORTED], &nothing());
    bench.order(Order::Progress);
    assert_eq!(bench.asked("UPDATE", 2, &both()), ["answer 491 UPDATE"], "our offer is out");
}

#[test]
fn before_the_answer_a_session_that_is_settled_can_be_changed() {
    let mut bench = settled();
    assert_eq!(bench.asked("UPDATE", 3, &sdp_at("8", "sendrecv", 7000)), ["answer 200 UPDATE"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7000)));
    assert_eq!(bench.asked("UPDATE", 4, &sdp("18", "sendrecv")), ["answer 488 UPDATE"]);
    assert_eq!(bench.order(Order::Answer), ["answer 200 INVITE", "report answered"]);
    assert!(bench.last_answer().body().is_empty(), "the first answer is not true any more");
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7000)));
}

/// A request of the callee's in the dialog of our INVITE.
fn callee(invite: &Request, method: &str, number: u32, body: &Bytes) -> Request {
    let (from, to) = (invite.headers().from().unwrap(), invite.headers().to().unwrap().with_tag("alice"));
    let text = format!(
        "{method} sip:192.0.2.1:5060 SIP/2.0
         Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK{method}{number}
         Max-Forwards: 70
         From: {to}
         To: {from}
         Call-ID: {}
         CSeq: {number} {method}
         Contact: <sip:alice@203.0.113.9:5090>",
        invite.headers().call_id().unwrap()
    );
    read(&text, body)
}

#[test]
fn a_callee_may_change_its_early_session_once_its_answer_has_arrived() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    let update = |number, body: &Bytes| callee(&invite, "UPDATE", number, body);
    assert_eq!(bench.request(&update(1, &nothing())), ["answer 481 UPDATE"], "nothing was heard of it");
    bench.response(&invite, 183, "alice", &both());
    assert_eq!(bench.request(&update(2, &sdp("8", "sendrecv"))), ["answer 491 UPDATE"]);
    let lines = [(HeaderName::Require, "100rel"), (HeaderName::RSeq, "1")];
    bench.told(&invite, 183, "alice", &lines, &both());
    assert_eq!(bench.request(&update(3, &sdp_at("8", "sendrecv", 7000))), ["answer 200 UPDATE"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7000)));
    assert_eq!(bench.request(&update(2, &nothing())), ["answer 500 UPDATE"], "out of order");
    assert_eq!(bench.request(&callee(&invite, "INFO", 4, &nothing())), ["answer 200 INFO"]);
    assert_eq!(bench.request(&callee(&invite, "BYE", 5, &nothing())), ["answer 481 BYE"]);
    let words = bench.response(&invite, 200, "alice", &nothing());
    assert_eq!(words, ["ack 1", "report answered"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7000)));
    assert_eq!(
        bench.request(&callee(&invite, "INFO", 4, &nothing())),
        ["answer 500 INFO"],
        "its count goes on"
    );
}

#[test]
fn a_callee_that_nobody_hears_changes_nothing_for_others() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    bench.response(&invite, 183, "desk", &sdp_at("0", "sendrecv", 8000));
    let lines = [(HeaderName::Require, "100rel"), (HeaderName::RSeq, "1")];
    assert_eq!(bench.told(&invite, 183, "alice", &lines, &both()), ["send PRACK"]);
    let update = callee(&invite, "UPDATE", 1, &sdp_at("8", "sendrecv", 7000));
    assert_eq!(bench.request(&update), ["answer 200 UPDATE"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcmu, 8000)), "the desk is heard");
    bench.response(&invite, 200, "alice", &nothing());
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7000)));
}
