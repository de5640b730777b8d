//! What passes between the shard and a leg.

use super::*;

/// A shard whose leg has a dialog that began with alice's INVITE.
fn with_dialog() -> (Bench, ServerKey) {
    let mut bench = Bench::new();
    bench.receive(invite("one"));
    let key = ServerKey::of(&invite("one")).expect("a key");
    bench.errand(Errand::Bind { dialog: DialogKey::new("one@198.51.100.7", "ours") });
    (bench, key)
}

fn in_dialog(method: &str, branch: &str) -> Request {
    request(method, "sip:192.0.2.1", branch, &["To: <sip:alice@192.0.2.1>;tag=ours"])
}

fn answer(code: u16) -> Response {
    invite("one").response_tagged(StatusCode::new(code).expect("a status"), "ours")
}

/// A request of the leg.
fn ours(method: Method, branch: &str) -> Request {
    let text = format!(
        "{method} sip:alice@198.51.100.7:5062 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:1001@192.0.2.1>;tag=ours\r\n\
         To: <sip:alice@192.0.2.1>\r\n\
         Call-ID: two@192.0.2.1\r\n\
         CSeq: 1 {method}\r\n\
         Contact: <sip:192.0.2.1:5060>\r\n\r\n"
    );
    match message(Bytes::from(text)) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a request is wanted"),
    }
}

fn reply(request: &Request, code: u16) -> Response {
    let mut response = request.response_tagged(StatusCode::new(code).expect("a status"), "theirs");
    response.headers_mut().push(HeaderName::Contact, "<sip:alice@198.51.100.7:5062>");
    response
}

#[test]
fn a_letter_is_kept_until_its_leg_has_committed_what_it_says() {
    let (mut bench, _) = with_dialog();
    assert_eq!(bench.receive(in_dialog("INFO", "info")), ["leg: INFO"]);
    assert_eq!(bench.receive(in_dialog("INFO", "info")), [""; 0], "a repeat is no news");
    assert_eq!(bench.receive(in_dialog("BYE", "bye")), ["leg: BYE"]);
    let numbers =
        |shard: &Shard| shard.pending(Some(LEG)).iter().map(|letter| letter.number).collect::<Vec<_>>();
    assert_eq!(numbers(&bench.shard), [1, 2]);
    assert_eq!(numbers(&bench.heir(Generation(1))), [1, 2], "the death of the shard loses none");
    bench.shard.acknowledge(LEG, 1);
    assert_eq!(numbers(&bench.shard), [2]);
    assert_eq!(bench.shard.pending(None).len(), 1);
    bench.shard.acknowledge(LEG, 2);
    assert_eq!(numbers(&bench.shard), [0; 0]);
}

#[test]
fn a_shard_that_is_brought_back_writes_under_its_new_generation() {
    let (mut bench, _) = with_dialog();
    bench.receive(in_dialog("INFO", "info"));
    let mut heir = bench.heir(Generation(3));
    assert_eq!(heir.pending(None)[0].generation, Generation(3));
    let batch = heir.receive(in_dialog("BYE", "bye").into(), flow(), &bench.house, bench.now);
    assert_eq!((batch.letters[0].generation, batch.letters[0].number), (Generation(3), 2));
}

#[test]
fn letters_of_a_leg_are_read_once_and_in_order() {
    let (mut bench, key) = with_dialog();
    let ringing = || Errand::Respond { key: key.clone(), response: answer(180) };
    let (receipt, words) = bench.letter(3, Generation(0), ringing());
    assert_eq!((receipt, words.len()), (Receipt::Early, 0));
    let (receipt, words) = bench.letter(2, Generation(1), ringing());
    assert_eq!((receipt, words), (Receipt::Fresh, vec!["send 180".to_owned()]));
    let (receipt, words) = bench.letter(2, Generation(1), ringing());
    assert_eq!((receipt, words.len()), (Receipt::Repeated, 0));
    let (receipt, words) = bench.letter(3, Generation(0), ringing());
    assert_eq!((receipt, words.len()), (Receipt::Repeated, 0), "its former self");
}

#[test]
fn an_invite_goes_its_way_from_the_answer_to_the_ack() {
    let (mut bench, key) = with_dialog();
    let respond = |code| Errand::Respond { key: key.clone(), response: answer(code) };
    assert_eq!(bench.errand(respond(180)), ["send 180"]);
    assert_eq!(bench.errand(respond(200)), ["send 200"]);
    assert_eq!(bench.errand(respond(200)), ["send 200"], "repeated by the leg");
    assert_eq!(bench.errand(respond(486)), [""; 0], "too late");
    assert_eq!(bench.receive(in_dialog("ACK", "ack")), ["leg: ACK"]);
}

#[test]
fn a_cancel_reaches_the_leg_once_and_the_invite_waits_for_it() {
    let (mut bench, key) = with_dialog();
    let cancel = || request("CANCEL", "sip:bob@192.0.2.1", "one", &[]);
    assert_eq!(bench.receive(cancel()), ["leg: cancelled", "send 200"]);
    assert_eq!(bench.receive(cancel()), ["send 200"]);
    assert_eq!(bench.errand(Errand::Respond { key, response: answer(487) }), ["send 487"]);
    assert_eq!(bench.receive(request("ACK", "sip:bob@192.0.2.1", "one", &[])), [""; 0]);
}

#[test]
fn requests_of_a_leg_bring_it_their_answers_or_their_failure() {
    let mut bench = Bench::new();
    let (first, second) = (ours(Method::Invite, "first"), ours(Method::Bye, "second"));
    let send = |request: &Request| Errand::Request { request: request.clone(), flow: flow() };
    assert_eq!(bench.errand(send(&first)), ["send INVITE"]);
    assert_eq!(bench.receive(reply(&first, 180)), ["leg: 180"]);
    assert_eq!(bench.receive(reply(&first, 200)), ["leg: 200"]);
    assert_eq!(bench.receive(reply(&first, 200)), ["leg: 200"], "each of them: it lost our ACK");
    assert_eq!(bench.errand(Errand::Ack { request: ours(Method::Ack, "ack"), flow: flow() }), ["send ACK"]);
    assert_eq!(bench.errand(send(&second)), ["send BYE"]);
    let unreachable =
        |shard: &mut Shard, house: &House, now| shard.transport_failed(flow().remote, house, now);
    assert_eq!(bench.step(unreachable), ["leg: Transport"]);
}

#[test]
fn an_invite_is_cancelled_when_the_rules_allow() {
    let mut bench = Bench::new();
    let invite = ours(Method::Invite, "first");
    bench.errand(Errand::Request { request: invite.clone(), flow: flow() });
    let key = crate::sip::endpoint::ClientKey::of(&invite);
    let reason = Some("SIP;cause=200;text=\"Call completed elsewhere\"".to_owned());
    assert_eq!(bench.errand(Errand::Cancel { key, reason: reason.clone() }), [""; 0], "RFC 3261 §9.1");
    assert_eq!(bench.receive(reply(&invite, 180)), ["leg: 180", "send CANCEL"]);
    assert_eq!(header(bench.last_sent(), HeaderName::Reason), reason);
}

#[test]
fn what_a_leg_leaves_open_the_shard_brings_to_its_end() {
    let mut bench = Bench::new();
    let invite = ours(Method::Invite, "first");
    bench.errand(Errand::Request { request: invite.clone(), flow: flow() });
    bench.errand(Errand::Abandon);
    let forget = |shard: &mut Shard, house: &House, now| shard.forget(LEG, house, now);
    assert_eq!(bench.step(forget), [""; 0]);
    assert!(!bench.store.keys().any(|key| matches!(key, ShardKey::Mail(_))), "its letters are forgotten");
    assert_eq!(bench.receive(reply(&invite, 180)), ["send CANCEL"]);
    assert_eq!(bench.receive(reply(&invite, 200)), ["send ACK", "send BYE"]);
}

#[test]
fn a_late_letter_of_a_leg_that_is_gone_brings_nothing_of_it_back() {
    let mut bench = Bench::new();
    bench.errand(Errand::Abandon);
    bench.step(|shard, house, now| shard.forget(LEG, house, now));
    let (receipt, words) = bench.letter(9, Generation(0), Errand::Abandon);
    assert_eq!((receipt, words.len()), (Receipt::Early, 0));
    assert_eq!(bench.shard.parts().len(), 0);
}

#[test]
fn a_request_that_its_leg_cannot_bear_is_answered_for_it() {
    let (mut bench, _) = with_dialog();
    bench.receive(in_dialog("INFO", "info"));
    bench.receive(in_dialog("BYE", "bye"));
    let undeliverable =
        |number| move |shard: &mut Shard, house: &House, now| shard.undeliverable(LEG, number, house, now);
    assert_eq!(bench.step(undeliverable(1)), ["send 500"]);
    assert_eq!(bench.step(undeliverable(1)), [""; 0], "once");
    let numbers: Vec<u64> = bench.shard.pending(Some(LEG)).iter().map(|letter| letter.number).collect();
    assert_eq!(numbers, [2], "the BYE that waited behind it is still offered");
    assert_eq!(bench.receive(in_dialog("INFO", "info")), ["send 500"], "a repeat gets the same");
}

#[test]
fn a_letter_that_the_shard_cannot_bear_does_not_stop_those_behind_it() {
    let (mut bench, key) = with_dialog();
    bench.step(|shard, house, now| {
        shard.skip(LEG, 2);
        shard.on_deadline(house, now)
    });
    let receipt = |receipt: (Receipt, Vec<String>)| receipt.0;
    let response = || Errand::Respond { key: key.clone(), response: answer(200) };
    assert_eq!(receipt(bench.letter(2, Generation(0), response())), Receipt::Repeated, "the one in question");
    assert_eq!(receipt(bench.letter(3, Generation(0), response())), Receipt::Fresh);
}

#[test]
fn an_ack_or_an_answer_that_a_leg_cannot_bear_is_dropped() {
    let (mut bench, key) = with_dialog();
    bench.errand(Errand::Respond { key, response: answer(200) });
    bench.receive(in_dialog("ACK", "ack"));
    assert_eq!(bench.step(|shard, house, now| shard.undeliverable(LEG, 1, house, now)), [""; 0]);
    assert_eq!(bench.shard.pending(None).len(), 0);
}

#[test]
fn a_message_that_cannot_be_read_whole_is_answered_and_nothing_of_it_is_kept() {
    let mut bench = Bench::new();
    let violation = Violation::new(StatusCode::BAD_REQUEST, "Malformed Contact");
    let request = request("INVITE", "sip:bob@192.0.2.1", "one", &[]);
    let words =
        bench.step(|shard, house, now| shard.refuse(request.clone(), &violation, &flow(), house, now));
    assert_eq!(words, ["send 400"]);
    assert_eq!(bench.store.len(), 0);
}
