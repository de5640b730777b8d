//! A leg that calls, until the first answer.

use super::*;

#[test]
fn every_target_gets_an_invite_of_its_own_with_the_same_offer() {
    let bench = calling(&[5062, 5064]);
    let [first, second] = bench.requests.as_slice() else { panic!("{:?}", bench.requests) };
    assert_eq!(first.uri().to_string(), "sip:alice@198.51.100.7:5062");
    assert_eq!(second.uri().to_string(), "sip:alice@198.51.100.7:5064");
    assert_eq!(first.body(), second.body());
    assert_eq!(lines(first.body(), "m="), ["m=audio 4000 RTP/AVP 0 8 101"]);
    assert_ne!(first.headers().call_id(), second.headers().call_id());
    assert_ne!(ClientKey::of(first), ClientKey::of(second));
    for request in [first, second] {
        request.validate().expect("what we send is valid");
        assert_eq!(request.headers().get(&"x-order".parse().expect("a name")).as_deref(), Some("4711"));
        assert_eq!(request.headers().max_forwards(), Ok(Some(69)));
    }
}

#[test]
fn a_telephone_in_the_house_and_one_outside_are_told_different_addresses_for_their_sound() {
    let (inside, outside) = ("192.0.2.1", "203.0.113.5");
    let named = |text: &str| NameAddr::new(text.parse().expect("a URI"));
    let target = |port: u16, media_ip: &str| Target {
        uri: format!("sip:alice@198.51.100.7:{port}").parse().expect("a URI"),
        path: path(port),
        media_ip: media_ip.parse().expect("an address"),
        login: None,
    };
    let mut bench = Bench::of(Leg::outbound(OutboundSpec {
        basis: basis(),
        seat: Seat { shard: 0, of: 1 },
        from: named("sip:1001@192.0.2.1"),
        is_private: false,
        to: named("sip:alice@192.0.2.1"),
        headers: Vec::new(),
        targets: vec![target(5062, inside), target(5064, outside)],
        max_forwards: 69,
    }));
    bench.start();
    for (invite, address) in bench.requests.iter().zip([inside, outside]) {
        assert_eq!(lines(invite.body(), "c="), [format!("c=IN IP4 {address}")]);
    }
    let (first, mobile) = (bench.requests[0].clone(), bench.last_request());
    let words = bench.response(&mobile, 200, "alice", &both());
    assert!(words.contains(&"report answered".to_owned()), "{words:?}");
    assert_eq!(bench.response(&first, 487, "alice", &Bytes::new()), [""; 0]);
    let words = bench.order(Order::Align(Codec::Pcma));
    assert_eq!(words, ["send INVITE"]);
    assert_eq!(lines(bench.last_request().body(), "c="), [format!("c=IN IP4 {outside}")]);
}

#[test]
fn ringing_is_reported_once_however_many_phones_ring() {
    let mut bench = calling(&[5062, 5064]);
    let [first, second] = [bench.requests[0].clone(), bench.requests[1].clone()];
    assert_eq!(bench.response(&first, 100, "", &nothing()), [""; 0]);
    assert_eq!(bench.response(&first, 180, "alice", &nothing()), ["report ringing"]);
    assert_eq!(bench.response(&second, 180, "desk", &nothing()), [""; 0]);
}

#[test]
fn the_first_answer_wins_and_the_other_phones_stop_ringing() {
    let mut bench = calling(&[5062, 5064, 5066]);
    let invites = bench.requests.clone();
    bench.response(&invites[2], 486, "car", &nothing());
    let words = bench.response(&invites[1], 200, "desk", &sdp("8", "sendrecv"));
    let cancel = "cancel (SIP;cause=200;text=\"Call completed elsewhere\")";
    assert_eq!(words, [cancel, "ack 1", "report answered"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 6000)));
    let ack = bench.acks.last().expect("an ACK");
    assert_eq!(ack.uri().to_string(), "sip:desk@198.51.100.7:5070", "to the Contact of the answer");
    assert_eq!(ack.headers().call_id(), invites[1].headers().call_id());
}

#[test]
fn an_answer_that_cannot_be_used_is_acknowledged_and_ended() {
    for body in [nothing(), sdp("18", "sendrecv"), Bytes::from_static(b"nonsense")] {
        let mut bench = calling(&[5062]);
        let invite = bench.last_request();
        let words = bench.response(&invite, 200, "alice", &body);
        assert_eq!(words, ["ack 1", "send BYE", "report ended NotAcceptable by Switch", "close"]);
    }
}

#[test]
fn the_leg_fails_only_when_every_target_has() {
    let mut bench = calling(&[5062, 5064]);
    let invites = bench.requests.clone();
    assert_eq!(bench.response(&invites[0], 486, "alice", &nothing()), [""; 0]);
    assert_eq!(bench.response(&invites[1], 180, "desk", &nothing()), ["report ringing"]);
    let words = bench.failed(&invites[1], FailureCause::Timeout);
    assert_eq!(words, ["report ended Busy by Peer", "close"]);
    let target = "sip:alice@198.51.100.7:5062".to_owned();
    assert_eq!(bench.has_told(&Event::AttemptFailed { target, status: 486 }), 1);
}

#[test]
fn of_several_failures_the_callees_decision_is_told_before_a_fault_on_the_way() {
    for (statuses, cause) in [
        (&[486, 404][..], Cause::Busy),
        (&[404, 486], Cause::Busy),
        (&[503, 600], Cause::Busy),
        (&[486, 603], Cause::Declined),
        (&[503, 604], Cause::NotFound),
        (&[480, 404], Cause::NotFound),
        (&[480, 503], Cause::NoAnswer),
        (&[487], Cause::NoAnswer),
        (&[408], Cause::NoAnswer),
        (&[503], Cause::Unreachable),
        (&[488, 480], Cause::NotAcceptable),
        (&[403], Cause::Refused(403)),
        (&[302], Cause::Refused(302)),
    ] {
        let ports: Vec<u16> = (0..statuses.len()).map(|at| 5062 + 2 * u16::try_from(at).unwrap()).collect();
        let mut bench = calling(&ports);
        let invites = bench.requests.clone();
        let mut words = Vec::new();
        for (invite, status) in invites.iter().zip(statuses) {
            words = bench.response(invite, *status, "x", &nothing());
        }
        assert!(words[0].starts_with(&format!("report ended {cause:?} by")), "{statuses:?}: {words:?}");
    }
}

#[test]
fn one_phone_that_speaks_for_all_ends_the_leg() {
    let mut bench = calling(&[5062, 5064, 5066]);
    let invites = bench.requests.clone();
    bench.response(&invites[0], 486, "alice", &nothing());
    let words = bench.response(&invites[1], 603, "desk", &nothing());
    assert_eq!(words, ["cancel (SIP;cause=603)", "report ended Declined by Peer", "close"]);
    assert_eq!(
        bench.response(&invites[2], 200, "car", &both()),
        ["ack 1", "send BYE"],
        "it crossed the CANCEL"
    );
}

#[test]
fn the_call_hears_what_the_signalling_said() {
    let mut bench = calling(&[5062, 5064]);
    let invites = bench.requests.clone();
    let call_id = |at: usize| invites[at].headers().call_id().expect("a Call-ID").into_owned();
    let mut busy = invites[1].response_tagged(StatusCode::BUSY_HERE, "desk");
    busy.headers_mut().push("X-Why".parse().expect("a name"), "lunch");
    bench.response(&invites[0], 480, "alice", &nothing());
    bench.sip(Delivery::Response { key: ClientKey::of(&invites[1]), response: busy, flow: flow(5064) });
    let headers = vec![("X-Why".to_owned(), "lunch".to_owned())];
    assert_eq!(bench.facts(), Facts { call_id: call_id(1), status: Some(486), headers, ..Facts::default() });

    let mut bench = calling(&[5062, 5064]);
    let invites = bench.requests.clone();
    let call_id = |at: usize| invites[at].headers().call_id().expect("a Call-ID").into_owned();
    bench.response(&invites[0], 486, "alice", &nothing());
    bench.order(Order::Hangup { cause: Cause::NoAnswer });
    assert_eq!(bench.facts(), Facts { call_id: call_id(1), status: Some(487), ..Facts::default() });

    let (mut bench, invite) = connected();
    let call_id = invite.headers().call_id().expect("a Call-ID").into_owned();
    let source = Some("198.51.100.7".parse().expect("an address"));
    let facts = Facts { call_id, status: Some(200), source, ..Facts::default() };
    assert_eq!(bench.facts(), facts, "and where the answer came from");
    bench.hang_up();
    assert_eq!(bench.facts(), facts);
    let bench = called(&both());
    assert_eq!(bench.leg.core.facts, Facts::of_dialog("one@198.51.100.7"));
}

#[test]
fn silence_is_unreachable_before_it_rings_and_no_answer_after() {
    for cause in [FailureCause::Timeout, FailureCause::Transport] {
        let mut bench = calling(&[5062]);
        let invite = bench.last_request();
        let words = bench.failed(&invite, cause);
        assert_eq!(words, ["report ended Unreachable by Switch", "close"]);
    }
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    bench.response(&invite, 180, "alice", &nothing());
    assert_eq!(bench.failed(&invite, FailureCause::Timeout), ["report ended NoAnswer by Peer", "close"]);
}

#[test]
fn giving_up_cancels_what_has_not_failed_and_says_if_another_took_the_call() {
    let mut bench = calling(&[5062, 5064]);
    let invites = bench.requests.clone();
    bench.response(&invites[0], 486, "alice", &nothing());
    let words = bench.order(Order::Hangup { cause: Cause::NoAnswer });
    assert_eq!(words, ["cancel", "report ended NoAnswer by Switch", "close"]);

    let mut bench = calling(&[5062]);
    let words = bench.order(Order::Hangup { cause: Cause::AnsweredElsewhere });
    let cancel = "cancel (SIP;cause=200;text=\"Call completed elsewhere\")";
    assert_eq!(words, [cancel, "report ended AnsweredElsewhere by Switch", "close"]);
}

#[test]
fn an_answer_that_crosses_our_cancel_is_acknowledged_and_ended() {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    bench.hang_up();
    assert_eq!(bench.response(&invite, 200, "alice", &both()), ["ack 1", "send BYE"]);
    assert_eq!(bench.last_request().headers().cseq().unwrap().number, 2);
    assert_eq!(bench.response(&invite, 200, "alice", &both()), ["ack 1"], "the repeated answer");
    assert_eq!(bench.media_closed(), ["abandon", "release"]);
}

#[test]
fn requests_of_the_callee_before_its_answer_are_borne() {
    let mut bench = calling(&[5062]);
    let callee = |method: &str| {
        let text = format!(
            "{method} sip:192.0.2.1:5060 SIP/2.0
             Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK{method}
             Max-Forwards: 70
             From: <sip:alice@192.0.2.1>;tag=alice
             To: <sip:1001@192.0.2.1>;tag=us
             Call-ID: x
             CSeq: 1 {method}"
        );
        read(&text, &nothing())
    };
    assert_eq!(bench.request(&callee("OPTIONS")), ["answer 200 OPTIONS"]);
    assert_eq!(bench.request(&callee("BYE")), ["answer 481 BYE"]);
}

#[test]
fn a_caller_who_wants_to_stay_unknown_is_named_to_the_trusted_alone() {
    for is_trusted in [false, true] {
        let named = |text: &str| NameAddr::new(text.parse().expect("a URI"));
        let mut bench = Bench::of(Leg::outbound(OutboundSpec {
            basis: Basis { is_trusted, ..basis() },
            seat: Seat { shard: 0, of: 1 },
            from: named("sip:alice@192.0.2.1"),
            is_private: true,
            to: named("sip:bob@192.0.2.1"),
            headers: Vec::new(),
            targets: vec![Target {
                uri: "sip:bob@198.51.100.7".parse().expect("a URI"),
                path: path(5062),
                media_ip: [192, 0, 2, 1].into(),
                login: None,
            }],
            max_forwards: 69,
        }));
        bench.start();
        let said = |name| bench.request_says(&name);
        assert!(
            said(HeaderName::From)
                .is_some_and(|from| from.contains("<sip:anonymous@anonymous.invalid>;tag="))
        );
        let asserted = is_trusted.then(|| "<sip:alice@192.0.2.1>".to_owned());
        assert_eq!(said(HeaderName::PAssertedIdentity), asserted);
        assert_eq!(said(HeaderName::Privacy), is_trusted.then(|| "id".to_owned()));
        assert!(is_trusted || !String::from_utf8_lossy(&bench.last_request().to_bytes()).contains("alice"));
    }
}
