//! Requests that go out. Must never be told by looking inside the endpoint.

use super::*;

fn ask(endpoint: &mut Endpoint, request: &Request, now: u64) -> Vec<String> {
    endpoint.request(Some(LEG), request.clone(), udp(), at(now));
    told(endpoint)
}

fn hear(endpoint: &mut Endpoint, response: Response, now: u64) -> Vec<String> {
    endpoint.receive(Message::Response(response), udp(), at(now));
    told(endpoint)
}

#[test]
fn a_repeated_request_changes_nothing_even_after_its_end() {
    let (mut endpoint, info) = (Endpoint::new(Timing::default()), ours("INFO", "z9hG4bK1"));
    assert_eq!(ask(&mut endpoint, &info, 0), ["send INFO"]);
    assert_eq!(ask(&mut endpoint, &info, 10), [""; 0]);
    assert_eq!(hear(&mut endpoint, reply(&info, 200, "bob"), 100), ["response 200 INFO"]);
    assert_eq!(hear(&mut endpoint, reply(&info, 200, "bob"), 200), [""; 0]);
    pass(&mut endpoint, 6000);
    assert_eq!(endpoint.census(), Census::default());
    assert_eq!(ask(&mut endpoint, &info, 6000), [""; 0]);
    pass(&mut endpoint, 60_000);
    assert_eq!(ask(&mut endpoint, &info, 60_000), ["send INFO"], "64·T1 later the name is free");
}

#[test]
fn an_unanswered_request_fails_and_a_late_answer_is_a_stray() {
    let (mut endpoint, info) = (Endpoint::new(Timing::default()), ours("INFO", "z9hG4bK1"));
    ask(&mut endpoint, &info, 0);
    assert_eq!(pass(&mut endpoint, 40_000).last(), Some(&(32_000, "failed Timeout".into())));
    assert_eq!(hear(&mut endpoint, reply(&info, 200, "bob"), 40_000), [""; 0]);
    assert_eq!(endpoint.strays(), 1);
}

#[test]
fn a_host_that_refuses_fails_what_goes_to_it_and_nothing_else() {
    let mut endpoint = Endpoint::new(Timing::default());
    ask(&mut endpoint, &ours("INFO", "z9hG4bK1"), 0);
    let elsewhere = Flow { remote: addr("198.51.100.8:5060"), ..udp() };
    endpoint.request(Some(LEG), ours("INFO", "z9hG4bK2"), elsewhere, at(0));
    told(&mut endpoint);
    endpoint.transport_failed(udp().remote, at(10));
    assert_eq!(told(&mut endpoint), ["failed Transport"]);
    assert_eq!(endpoint.census().client, 1);
}

#[test]
fn a_connection_that_ends_fails_what_was_sent_by_it_and_was_not_heard_of() {
    let mut endpoint = Endpoint::new(Timing::default());
    let other = Flow { connection: Some(8), ..tcp() };
    let any = Flow { connection: None, ..tcp() };
    let rings = ours("INVITE", "z9hG4bK1");
    endpoint.request(Some(LEG), rings.clone(), tcp(), at(0));
    hear(&mut endpoint, reply(&rings, 180, "bob"), 1);
    for (branch, flow) in [("z9hG4bK2", tcp()), ("z9hG4bK3", other), ("z9hG4bK4", any), ("z9hG4bK5", udp())] {
        endpoint.request(Some(LEG), ours("INFO", branch), flow, at(2));
    }
    told(&mut endpoint);
    endpoint.flow_failed(&tcp(), at(3));
    assert_eq!(
        told(&mut endpoint),
        ["failed Transport", "failed Transport"],
        "that one, and any to the same peer"
    );
    assert_eq!(hear(&mut endpoint, reply(&rings, 200, "bob"), 4), ["response 200 INVITE"], "by another one");
    assert_eq!(endpoint.census().client, 3);
    endpoint.transport_failed(udp().remote, at(5));
    assert_eq!(told(&mut endpoint), ["failed Transport"], "what the network says of UDP is no word on TCP");
}

#[test]
fn a_refusal_is_acknowledged_each_time_and_told_once() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    assert_eq!(ask(&mut endpoint, &invite, 0), ["send INVITE"]);
    assert_eq!(hear(&mut endpoint, reply(&invite, 180, "bob"), 10), ["response 180 INVITE"]);
    assert_eq!(hear(&mut endpoint, reply(&invite, 486, "bob"), 20), ["send ACK", "response 486 INVITE"]);
    assert_eq!(hear(&mut endpoint, reply(&invite, 486, "bob"), 30), ["send ACK"]);
    assert_eq!(pass(&mut endpoint, 100_000), []);
    assert_eq!(endpoint.census(), Census::default());
}

#[test]
fn the_ack_of_a_refusal_is_that_of_rfc_3261_17_1_1_3() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    ask(&mut endpoint, &invite, 0);
    endpoint.receive(Message::Response(reply(&invite, 486, "bob")), udp(), at(10));
    let ack = sent(&mut endpoint).remove(0).0;
    let text = String::from_utf8(ack.to_bytes().to_vec()).expect("text");
    assert!(text.starts_with("ACK sip:bob@198.51.100.7:5062 SIP/2.0\r\n"), "{text}");
    assert_eq!(header(&ack, HeaderName::Via), "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport");
    assert_eq!(header(&ack, HeaderName::Route), "<sip:198.51.100.7:5062;lr>");
    assert_eq!(header(&ack, HeaderName::To), "<sip:bob@198.51.100.7>;tag=bob");
    assert_eq!(header(&ack, HeaderName::From), "<sip:1001@192.0.2.1>;tag=us");
    assert_eq!(header(&ack, HeaderName::CSeq), "7 ACK");
    assert_eq!(header(&ack, HeaderName::CallId), "two@192.0.2.1");
}

#[test]
fn every_2xx_is_told_repeated_and_forked_ones_too() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    ask(&mut endpoint, &invite, 0);
    for tag in ["bob", "bob", "fork"] {
        assert_eq!(hear(&mut endpoint, reply(&invite, 200, tag), 100), ["response 200 INVITE"]);
    }
    assert_eq!(hear(&mut endpoint, reply(&invite, 486, "third"), 200), [""; 0]);
    endpoint.send_ack(ours("ACK", "z9hG4bK2"), udp());
    assert_eq!(told(&mut endpoint), ["send ACK"]);
}

#[test]
fn a_cancel_waits_for_a_provisional_answer() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    ask(&mut endpoint, &invite, 0);
    endpoint.cancel(&ClientKey::of(&invite), Some("SIP;cause=200"), at(10));
    endpoint.cancel(&ClientKey::of(&invite), None, at(20));
    assert_eq!(told(&mut endpoint), [""; 0]);
    endpoint.receive(Message::Response(reply(&invite, 100, "")), udp(), at(30));
    let cancel = sent(&mut endpoint).remove(0).0;
    assert_eq!(short(&cancel), "CANCEL");
    assert_eq!(header(&cancel, HeaderName::Via), "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport");
    assert_eq!(header(&cancel, HeaderName::CSeq), "7 CANCEL");
    assert_eq!(header(&cancel, HeaderName::To), "<sip:bob@198.51.100.7>");
    assert_eq!(header(&cancel, HeaderName::Reason), "SIP;cause=200");
    let Message::Request(cancel) = cancel else { panic!("a request") };
    assert_eq!(hear(&mut endpoint, reply(&cancel, 200, "bob"), 40), [""; 0], "nobody asked for that");
    assert_eq!(hear(&mut endpoint, reply(&invite, 487, "bob"), 50), ["send ACK", "response 487 INVITE"]);
}

#[test]
fn a_cancel_after_the_answer_is_not_sent() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    ask(&mut endpoint, &invite, 0);
    hear(&mut endpoint, reply(&invite, 200, "bob"), 10);
    endpoint.cancel(&ClientKey::of(&invite), None, at(20));
    assert_eq!(told(&mut endpoint), [""; 0]);
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_still_the_legs() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    ask(&mut endpoint, &invite, 0);
    hear(&mut endpoint, reply(&invite, 180, "bob"), 10);
    endpoint.cancel(&ClientKey::of(&invite), None, at(20));
    assert_eq!(told(&mut endpoint), ["send CANCEL"]);
    assert_eq!(hear(&mut endpoint, reply(&invite, 200, "bob"), 30), ["response 200 INVITE"]);
}

#[test]
fn an_invite_that_rings_in_silence_is_cancelled_by_timer_c() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    ask(&mut endpoint, &invite, 0);
    hear(&mut endpoint, reply(&invite, 180, "bob"), 10);
    hear(&mut endpoint, reply(&invite, 180, "bob"), 100_000);
    let story = pass(&mut endpoint, 400_000);
    assert_eq!(story.first(), Some(&(285_000, "send CANCEL".into())), "each 180 starts it anew");
    assert_eq!(story.last(), Some(&(317_000, "failed Timeout".into())));
    assert_eq!(story.iter().filter(|(_, words)| words.starts_with("failed")).count(), 1);
}

#[test]
fn a_leg_that_is_gone_leaves_an_orphan_whose_late_answer_is_acknowledged_and_ended() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    ask(&mut endpoint, &invite, 0);
    endpoint.abandon(LEG, at(10));
    assert_eq!(endpoint.census().orphans, 1);
    assert_eq!(hear(&mut endpoint, reply(&invite, 180, "bob"), 20), ["send CANCEL"]);
    assert_eq!(hear(&mut endpoint, reply(&invite, 200, "bob"), 30), ["send ACK", "send BYE"]);
    assert_eq!(hear(&mut endpoint, reply(&invite, 200, "bob"), 40), ["send ACK"], "the BYE is on its way");
    assert_eq!(hear(&mut endpoint, reply(&invite, 200, "fork"), 50), ["send ACK", "send BYE"]);
    pass(&mut endpoint, 100_000);
    assert_eq!(endpoint.census(), Census::default());
}

#[test]
fn an_orphan_ends_in_the_dialog_that_was_made() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    ask(&mut endpoint, &invite, 0);
    endpoint.abandon(LEG, at(10));
    let mut accepted = reply(&invite, 200, "bob");
    accepted.headers_mut().push(HeaderName::RecordRoute, "<sip:p2.example;lr>, <sip:p1.example;lr>");
    endpoint.receive(Message::Response(accepted), udp(), at(20));
    let sent = sent(&mut endpoint);
    let [(ack, _), (bye, _)] = sent.as_slice() else { panic!("two messages") };
    for (message, cseq) in [(ack, "7 ACK"), (bye, "107 BYE")] {
        let Message::Request(request) = message else { panic!("a request") };
        assert_eq!(request.uri().to_string(), "sip:bob@198.51.100.7:5070");
        assert_eq!(header(message, HeaderName::Route), "<sip:p1.example;lr>, <sip:p2.example;lr>");
        assert_eq!(header(message, HeaderName::CSeq), cseq);
        assert_eq!(header(message, HeaderName::To), "<sip:bob@198.51.100.7>;tag=bob");
        assert!(!header(message, HeaderName::Via).contains("branch=z9hG4bK1;"), "a transaction of its own");
    }
}

#[test]
fn an_orphan_behind_a_strict_router_is_reached_by_its_rules() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    ask(&mut endpoint, &invite, 0);
    endpoint.abandon(LEG, at(10));
    let mut accepted = reply(&invite, 200, "bob");
    accepted.headers_mut().push(HeaderName::RecordRoute, "<sip:strict.example>");
    endpoint.receive(Message::Response(accepted), udp(), at(20));
    let ack = sent(&mut endpoint).remove(0).0;
    let Message::Request(request) = &ack else { panic!("a request") };
    assert_eq!(request.uri().to_string(), "sip:strict.example");
    assert_eq!(header(&ack, HeaderName::Route), "<sip:bob@198.51.100.7:5070>");
}

#[test]
fn a_leg_that_is_gone_hears_nothing_not_even_what_was_waiting() {
    let (mut endpoint, bye) = (Endpoint::new(Timing::default()), ours("BYE", "z9hG4bK1"));
    ask(&mut endpoint, &bye, 0);
    endpoint.receive(Message::Response(reply(&bye, 100, "bob")), udp(), at(10));
    endpoint.abandon(LEG, at(10));
    assert_eq!(told(&mut endpoint), [""; 0]);
    let story = pass(&mut endpoint, 2000);
    assert_eq!(story, [(500, "send BYE".into())], "its BYE is still brought to the peer");
    assert_eq!(hear(&mut endpoint, reply(&bye, 200, "bob"), 2000), [""; 0]);
}

#[test]
fn a_response_with_another_via_beneath_is_not_ours() {
    let (mut endpoint, info) = (Endpoint::new(Timing::default()), ours("INFO", "z9hG4bK1"));
    ask(&mut endpoint, &info, 0);
    let mut response = reply(&info, 200, "bob");
    response.headers_mut().push(HeaderName::Via, "SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKx");
    assert_eq!(hear(&mut endpoint, response, 10), [""; 0]);
    assert_eq!(hear(&mut endpoint, reply(&ours("INFO", "z9hG4bK2"), 200, "bob"), 10), [""; 0]);
    assert_eq!(endpoint.strays(), 2);
}

#[test]
fn an_attempt_that_lost_is_ended_without_its_leg_while_the_winner_goes_on() {
    let mut endpoint = Endpoint::new(Timing::default());
    let (loser, winner) = (ours("INVITE", "z9hG4bK1"), ours("INVITE", "z9hG4bK2"));
    ask(&mut endpoint, &loser, 0);
    ask(&mut endpoint, &winner, 0);
    endpoint.receive(Message::Response(reply(&loser, 180, "bob")), udp(), at(10));
    endpoint.release(&ClientKey::of(&loser), Some("SIP;cause=200"), at(20));
    assert_eq!(told(&mut endpoint), ["send CANCEL"], "the 180 that was waiting is not told");
    assert_eq!(hear(&mut endpoint, reply(&loser, 200, "bob"), 30), ["send ACK", "send BYE"]);
    assert_eq!(hear(&mut endpoint, reply(&winner, 200, "eve"), 40), ["response 200 INVITE"]);
    endpoint.abandon(LEG, at(50));
    pass(&mut endpoint, 100_000);
    assert_nothing_is_left(&endpoint, "both are over");
}
