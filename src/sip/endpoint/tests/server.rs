//! Requests that come in. Must never be told by looking inside the endpoint.

use super::*;
use crate::sip::message::Rejected;

fn receive(endpoint: &mut Endpoint, request: &Request, now: u64) -> Vec<String> {
    endpoint.receive(Message::Request(request.clone()), udp(), at(now));
    told(endpoint)
}

fn answer(endpoint: &mut Endpoint, request: &Request, code: u16, now: u64) -> Vec<String> {
    let key = ServerKey::of(request).expect("a key");
    endpoint.respond(&key, reply(request, code, "us"), at(now)).expect("an open transaction");
    told(endpoint)
}

#[test]
fn an_invite_is_told_once_and_its_repeats_get_the_last_answer() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    assert_eq!(receive(&mut endpoint, &invite, 0), ["incoming INVITE"]);
    assert_eq!(receive(&mut endpoint, &invite, 100), [""; 0]);
    assert_eq!(pass(&mut endpoint, 10_000), [(200, "send 100 INVITE".into())]);
    assert_eq!(receive(&mut endpoint, &invite, 500), ["send 100 INVITE"]);
    assert_eq!(answer(&mut endpoint, &invite, 180, 1000), ["send 180 INVITE"]);
    assert_eq!(receive(&mut endpoint, &invite, 1500), ["send 180 INVITE"]);
}

#[test]
fn an_answer_in_time_spares_the_100() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    receive(&mut endpoint, &invite, 0);
    assert_eq!(answer(&mut endpoint, &invite, 180, 100), ["send 180 INVITE"]);
    assert_eq!(pass(&mut endpoint, 100_000), []);
}

#[test]
fn answers_go_where_rport_says_or_else_to_the_port_in_the_via() {
    let mut endpoint = Endpoint::new(Timing::default());
    for (via, source, wanted, noted) in [
        ("10.0.0.9:5066;rport", "203.0.113.4:40001", "203.0.113.4:40001", ";received=203.0.113.4"),
        ("10.0.0.9:5066", "203.0.113.4:40001", "203.0.113.4:5066", ";received=203.0.113.4"),
        ("203.0.113.4", "203.0.113.4:40001", "203.0.113.4:5060", ""),
        ("[2001:db8::9]", "[2001:db8::7]:40001", "[2001:db8::7]:5060", ";received=2001:db8::7"),
    ] {
        let flow = Flow { remote: addr(source), ..udp() };
        let mut request = from_peer("OPTIONS", "z9hG4bK1", "");
        let story = endpoint.census().server;
        request.headers_mut().set(HeaderName::Via, format_args!("SIP/2.0/UDP {via};branch=z9hG4bK{story}"));
        request.headers_mut().set(HeaderName::CallId, story);
        endpoint.receive(Message::Request(request), flow, at(0));
        let Some(Action::Incoming { key, request, .. }) = endpoint.poll() else { panic!("{via}") };
        assert!(request.headers().get(&HeaderName::Via).is_some_and(|via| via.contains(noted)), "{via}");
        endpoint.respond(&key, request.response(StatusCode::OK), at(0)).expect("open");
        let sent = sent(&mut endpoint);
        assert_eq!(sent.first().map(|(_, to)| *to), Some(addr(wanted)), "{via}");
    }
}

#[test]
fn a_refusal_is_repeated_until_its_ack_comes() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    receive(&mut endpoint, &invite, 0);
    assert_eq!(answer(&mut endpoint, &invite, 486, 0), ["send 486 INVITE"]);
    assert_eq!(pass(&mut endpoint, 600), [(500, "send 486 INVITE".into())]);
    assert_eq!(receive(&mut endpoint, &from_peer("ACK", "z9hG4bK1", "us"), 700), ["confirmed"]);
    assert_eq!(receive(&mut endpoint, &from_peer("ACK", "z9hG4bK1", "us"), 800), [""; 0]);
    assert_eq!(pass(&mut endpoint, 100_000), []);
    assert_eq!(endpoint.census(), Census::default());
}

#[test]
fn a_refusal_that_is_never_acknowledged_is_told() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    receive(&mut endpoint, &invite, 0);
    answer(&mut endpoint, &invite, 486, 0);
    assert_eq!(pass(&mut endpoint, 100_000).last(), Some(&(32_000, "unconfirmed".into())));
    assert_eq!(endpoint.census(), Census::default());
}

#[test]
fn a_2xx_is_sent_each_time_and_a_second_thought_changes_nothing() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    receive(&mut endpoint, &invite, 0);
    assert_eq!(answer(&mut endpoint, &invite, 200, 0), ["send 200 INVITE"]);
    assert_eq!(answer(&mut endpoint, &invite, 200, 500), ["send 200 INVITE"]);
    assert_eq!(answer(&mut endpoint, &invite, 486, 600), [""; 0]);
    assert_eq!(answer(&mut endpoint, &invite, 180, 600), [""; 0]);
    assert_eq!(receive(&mut endpoint, &invite, 700), [""; 0], "RFC 6026 §7.1");
    assert_eq!(pass(&mut endpoint, 100_000), []);
    let gone =
        endpoint.respond(&ServerKey::of(&invite).expect("a key"), reply(&invite, 200, "us"), at(100_000));
    assert_eq!(gone, Err(UnknownTransaction));
}

#[test]
fn the_ack_of_a_2xx_finds_the_leg_of_its_dialog() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    receive(&mut endpoint, &invite, 0);
    endpoint.bind(DialogKey::new("one@198.51.100.7", "us"), LEG);
    answer(&mut endpoint, &invite, 200, 0);
    assert_eq!(receive(&mut endpoint, &from_peer("ACK", "z9hG4bK2", "us"), 100), ["ack"]);
    assert_eq!(receive(&mut endpoint, &from_peer("ACK", "z9hG4bK3", "stranger"), 100), [""; 0]);
    assert_eq!(endpoint.strays(), 1);
}

#[test]
fn requests_in_a_dialog_go_to_its_leg_and_those_in_no_dialog_get_481() {
    let mut endpoint = Endpoint::new(Timing::default());
    endpoint.bind(DialogKey::new("one@198.51.100.7", "us"), LEG);
    assert_eq!(receive(&mut endpoint, &from_peer("BYE", "z9hG4bK1", "us"), 0), ["incoming BYE for leg"]);
    assert_eq!(receive(&mut endpoint, &from_peer("BYE", "z9hG4bK2", "them"), 0), ["send 481 BYE"]);
    endpoint.unbind(LEG);
    assert_eq!(receive(&mut endpoint, &from_peer("INFO", "z9hG4bK3", "us"), 0), ["send 481 INFO"]);
    assert_eq!(endpoint.census().server, 1, "481 needs no transaction");
}

#[test]
fn a_dialog_that_was_handed_on_survives_its_former_owner() {
    let mut endpoint = Endpoint::new(Timing::default());
    endpoint.bind(DialogKey::new("one@198.51.100.7", "us"), LEG);
    endpoint.bind(DialogKey::new("one@198.51.100.7", "us"), OTHER_LEG);
    endpoint.abandon(LEG, at(0));
    assert_eq!(receive(&mut endpoint, &from_peer("BYE", "z9hG4bK1", "us"), 0), ["incoming BYE for leg"]);
}

#[test]
fn a_cancel_is_answered_at_once_and_told_once() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    let cancel = from_peer("CANCEL", "z9hG4bK1", "");
    assert_eq!(receive(&mut endpoint, &cancel, 0), ["send 481 CANCEL"]);
    receive(&mut endpoint, &invite, 0);
    assert_eq!(receive(&mut endpoint, &cancel, 100), ["cancelled", "send 200 CANCEL"]);
    assert_eq!(receive(&mut endpoint, &cancel, 200), ["send 200 CANCEL"]);
    assert_eq!(answer(&mut endpoint, &invite, 487, 300), ["send 487 INVITE"]);
    assert_eq!(receive(&mut endpoint, &cancel, 400), ["send 200 CANCEL"]);
}

#[test]
fn a_cancel_is_answered_under_the_tag_of_the_ringing() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    receive(&mut endpoint, &invite, 0);
    answer(&mut endpoint, &invite, 180, 0);
    endpoint.receive(Message::Request(from_peer("CANCEL", "z9hG4bK1", "")), udp(), at(100));
    assert!(header(&sent(&mut endpoint)[0].0, HeaderName::To).ends_with(";tag=us"));
}

#[test]
fn a_cancel_after_the_answer_is_without_effect() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    receive(&mut endpoint, &invite, 0);
    answer(&mut endpoint, &invite, 200, 0);
    assert_eq!(receive(&mut endpoint, &from_peer("CANCEL", "z9hG4bK1", ""), 100), ["send 200 CANCEL"]);
}

#[test]
fn a_copy_that_came_by_another_way_gets_482() {
    let mut endpoint = Endpoint::new(Timing::default());
    assert_eq!(receive(&mut endpoint, &from_peer("INVITE", "z9hG4bK1", ""), 0), ["incoming INVITE"]);
    assert_eq!(receive(&mut endpoint, &from_peer("INVITE", "z9hG4bK2", ""), 0), ["send 482 INVITE"]);
}

#[test]
fn past_the_limit_new_calls_get_503_while_calls_in_progress_go_on() {
    let mut endpoint = Endpoint::new(Timing { limit: 1, ..Timing::default() });
    endpoint.bind(DialogKey::new("one@198.51.100.7", "us"), LEG);
    receive(&mut endpoint, &from_peer("OPTIONS", "z9hG4bK1", ""), 0);
    let refused = from_peer("INVITE", "z9hG4bK2", "");
    endpoint.receive(Message::Request(refused), udp(), at(0));
    let refusal = sent(&mut endpoint);
    let (refusal, _) = refusal.first().expect("a refusal");
    assert_eq!(short(refusal), "503 INVITE");
    let seconds: u64 = header(refusal, HeaderName::RetryAfter).parse().expect("seconds");
    assert!((5..=10).contains(&seconds));
    assert_eq!(receive(&mut endpoint, &from_peer("BYE", "z9hG4bK3", "us"), 0), ["incoming BYE for leg"]);
    assert_eq!(receive(&mut endpoint, &from_peer("INFO", "z9hG4bK4", "us"), 0), ["send 503 INFO"]);
}

#[test]
fn a_client_of_rfc_2543_is_understood() {
    let mut endpoint = Endpoint::new(Timing::default());
    let mut invite = from_peer("INVITE", "1", "");
    invite.headers_mut().set(HeaderName::Via, "SIP/2.0/UDP 198.51.100.7:5062");
    let mut ack = from_peer("ACK", "1", "us");
    ack.headers_mut().set(HeaderName::Via, "SIP/2.0/UDP 198.51.100.7:5062");
    assert_eq!(receive(&mut endpoint, &invite, 0), ["incoming INVITE"]);
    assert_eq!(receive(&mut endpoint, &invite, 10), [""; 0]);
    assert_eq!(answer(&mut endpoint, &invite, 486, 20), ["send 486 INVITE"]);
    assert_eq!(receive(&mut endpoint, &ack, 30), ["confirmed"]);
}

#[test]
fn a_bad_request_is_answered_without_a_transaction() {
    let mut endpoint = Endpoint::new(Timing::default());
    let mut bad = from_peer("OPTIONS", "z9hG4bK1", "");
    bad.headers_mut().set(HeaderName::MaxForwards, "300");
    assert_eq!(receive(&mut endpoint, &bad, 0), ["send 400 OPTIONS"]);
    let mut ack = from_peer("ACK", "z9hG4bK1", "us");
    ack.headers_mut().set(HeaderName::MaxForwards, "300");
    assert_eq!(receive(&mut endpoint, &ack, 0), [""; 0]);
    assert_eq!(endpoint.census(), Census::default());
}

#[test]
fn a_request_that_nobody_answers_gets_a_late_100_and_never_a_408() {
    let mut endpoint = Endpoint::new(Timing::default());
    receive(&mut endpoint, &from_peer("INFO", "z9hG4bK1", ""), 0);
    assert_eq!(pass(&mut endpoint, 100_000), [(3500, "send 100 INFO".into())]);
    assert_eq!(endpoint.census(), Census::default());
}

#[test]
fn what_an_abandoning_leg_left_open_is_answered_for_it() {
    let mut endpoint = Endpoint::new(Timing::default());
    let invite = from_peer("INVITE", "z9hG4bK1", "");
    receive(&mut endpoint, &invite, 0);
    endpoint.assign(&ServerKey::of(&invite).expect("a key"), LEG);
    endpoint.bind(DialogKey::new("one@198.51.100.7", "us"), LEG);
    receive(&mut endpoint, &from_peer("INFO", "z9hG4bK2", "us"), 0);
    endpoint.abandon(LEG, at(10));
    let mut answers = told(&mut endpoint);
    answers.sort();
    assert_eq!(answers, ["send 481 INFO", "send 500 INVITE"]);
    assert_eq!(receive(&mut endpoint, &invite, 20), ["send 500 INVITE"], "repeats are still absorbed");
    assert_eq!(endpoint.census().dialogs, 0);
}

#[test]
fn a_request_that_could_not_be_read_whole_is_refused_with_what_could_be_read() {
    let mut endpoint = Endpoint::new(Timing::default());
    let text = from_peer("OPTIONS", "z9hG4bK1;rport", "").to_bytes();
    let broken = String::from_utf8_lossy(&text).replace("CSeq: 2", "CSeq: x");
    match Message::parse(Bytes::from(broken), &Limits::default()) {
        Ok(message) => endpoint.receive(message, udp(), at(0)),
        Err(Rejected::Answer { request, violation }) => endpoint.refuse(*request, &violation, &udp()),
        Err(rejected) => panic!("{rejected}"),
    }
    let sent = sent(&mut endpoint);
    let [(refusal, to)] = sent.as_slice() else { panic!("one answer") };
    let Message::Response(response) = refusal else { panic!("a response") };
    assert_eq!((response.status(), *to), (StatusCode::BAD_REQUEST, udp().remote));
    assert!(header(refusal, HeaderName::Via).contains("rport=5062"));
}

#[test]
fn a_transaction_on_a_connection_leaves_nothing_to_absorb() {
    let (mut endpoint, options) = (Endpoint::new(Timing::default()), from_peer("OPTIONS", "z9hG4bK1", ""));
    endpoint.receive(Message::Request(options.clone()), tcp(), at(0));
    told(&mut endpoint);
    assert_eq!(answer(&mut endpoint, &options, 200, 10), ["send 200 OPTIONS"]);
    assert_eq!(pass(&mut endpoint, 10), []);
    assert_nothing_is_left(&endpoint, "Timer J is zero");
}
