//! A leg that calls somebody who wants to know who it is.

use super::*;

fn login() -> Option<Login> {
    Some(Login { user: "trunk".into(), password: "secret".into(), realm: None })
}

/// The carrier's refusal of a request, with this nonce.
fn challenge(bench: &mut Bench, request: &Request, status: u16, nonce: &str) -> Vec<String> {
    let name = if status == 407 { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
    let mut response = request.response_tagged(StatusCode::new(status).expect("a status"), "carrier");
    response.headers_mut().push(name, format!(r#"Digest realm="carrier", nonce="{nonce}", qop="auth""#));
    let key = ClientKey::of(request);
    bench.sip(Delivery::Response { key, response, flow: flow(5062) })
}

#[test]
fn a_challenged_invite_is_sent_once_more_with_the_proof_and_every_request_of_the_dialog_has_it() {
    let mut bench = calling_as(&[5062], login());
    let first = bench.last_request();
    assert!(first.headers().get(&HeaderName::ProxyAuthorization).is_none());
    assert_eq!(challenge(&mut bench, &first, 407, "one"), ["send INVITE"]);
    let second = bench.last_request();
    second.validate().expect("what we send is valid");
    let number = |request: &Request| request.headers().cseq().expect("CSeq").number;
    assert_eq!((number(&first), number(&second)), (1, 2));
    assert_eq!(first.headers().call_id(), second.headers().call_id());
    assert_eq!(first.headers().from(), second.headers().from());
    assert_ne!(ClientKey::of(&first), ClientKey::of(&second));
    assert_eq!(first.body(), second.body());
    let proof = |request: &Request| request.headers().get(&HeaderName::ProxyAuthorization).map(String::from);
    assert!(proof(&second).is_some_and(|proof| proof.contains("nc=00000001")));

    assert_eq!(bench.response(&second, 180, "alice", &nothing()), ["report ringing"]);
    assert_eq!(bench.response(&second, 200, "alice", &both()), ["ack 2", "report answered"]);
    assert!(bench.acks.last().and_then(proof).is_some(), "the ACK has it as well (RFC 3261 §22.1)");
    bench.hang_up();
    let bye = bench.last_request();
    assert_eq!(number(&bye), 3);
    assert!(proof(&bye).is_some_and(|proof| proof.contains("nc=00000003")), "{:?}", proof(&bye));
}

#[test]
fn a_login_that_is_refused_ends_the_leg_and_a_leg_without_one_never_tries() {
    let mut bench = calling_as(&[5062], login());
    let first = bench.last_request();
    challenge(&mut bench, &first, 401, "one");
    let second = bench.last_request();
    let words = challenge(&mut bench, &second, 401, "two");
    assert_eq!(words, ["report ended Refused(401) by Peer", "close"]);

    let mut stranger = calling(&[5062]);
    let invite = stranger.last_request();
    let words = challenge(&mut stranger, &invite, 401, "one");
    assert_eq!(words, ["report ended Refused(401) by Peer", "close"]);
}

#[test]
fn who_rang_before_the_challenge_is_forgotten_with_its_early_dialog() {
    let mut bench = calling_as(&[5062], login());
    let first = bench.last_request();
    assert_eq!(bench.response(&first, 183, "early", &both()), ["report early media"]);
    challenge(&mut bench, &first, 407, "one");
    let second = bench.last_request();
    assert_eq!(bench.response(&second, 183, "again", &sdp_at("8", "sendrecv", 7000)), ["report early media"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 7000)));
}

#[test]
fn a_bye_that_is_challenged_goes_out_once_more_with_the_proof_and_the_leg_waits_for_that() {
    for status in [401, 407] {
        let mut bench = calling_as(&[5062], login());
        let invite = bench.last_request();
        bench.response(&invite, 200, "alice", &both());
        bench.hang_up();
        assert_eq!(bench.media_closed(), [""; 0]);
        let first = bench.last_request();
        bench.now = at(20_000);
        assert_eq!(challenge(&mut bench, &first, status, "one"), ["send BYE"]);
        let second = bench.last_request();
        second.validate().expect("what we send is valid");
        let number = |request: &Request| request.headers().cseq().expect("CSeq").number;
        assert_eq!((number(&first), number(&second)), (2, 3));
        assert_ne!(ClientKey::of(&first), ClientKey::of(&second));
        let name = if status == 407 { HeaderName::ProxyAuthorization } else { HeaderName::Authorization };
        let proof = second.headers().get(&name);
        assert!(proof.is_some_and(|proof| proof.contains("nonce=\"one\"")), "{status}");
        assert_eq!(bench.pass(52_000), [], "its transaction may last as long");
        assert_eq!(bench.response(&second, 200, "alice", &nothing()), ["abandon", "release"]);
    }
}

#[test]
fn a_bye_is_not_sent_a_third_time_nor_twice_by_whom_no_proof_is_known_for() {
    let mut bench = calling_as(&[5062], login());
    let invite = bench.last_request();
    bench.response(&invite, 200, "alice", &both());
    bench.hang_up();
    bench.media_closed();
    let first = bench.last_request();
    challenge(&mut bench, &first, 401, "one");
    let second = bench.last_request();
    assert_eq!(challenge(&mut bench, &second, 401, "two"), ["abandon", "release"]);

    let (mut bench, _) = connected();
    bench.hang_up();
    bench.media_closed();
    let bye = bench.last_request();
    assert_eq!(challenge(&mut bench, &bye, 401, "one"), ["abandon", "release"]);
}

#[test]
fn a_prack_that_is_challenged_acknowledges_the_same_once_more_with_the_proof() {
    let mut bench = calling_as(&[5062], login());
    let invite = bench.last_request();
    let required = [(HeaderName::Require, "100rel"), (HeaderName::RSeq, "7")];
    assert_eq!(bench.told(&invite, 180, "alice", &required, &nothing())[0], "send PRACK");
    let first = bench.last_request();
    assert_eq!(challenge(&mut bench, &first, 407, "one"), ["send PRACK"]);
    let second = bench.last_request();
    second.validate().expect("what we send is valid");
    let rack = |request: &Request| request.headers().rack().expect("RAck");
    assert_eq!(rack(&first), rack(&second));
    let number = |request: &Request| request.headers().cseq().expect("CSeq").number;
    assert_eq!((number(&first), number(&second)), (2, 3));
    assert!(second.headers().get(&HeaderName::ProxyAuthorization).is_some());
    assert_eq!(challenge(&mut bench, &first, 407, "two"), [""; 0], "a repeat");
    assert_eq!(challenge(&mut bench, &second, 407, "two"), [""; 0], "it is refused");
    assert_eq!(bench.response(&invite, 200, "alice", &both()), ["ack 1", "report answered"]);
}

#[test]
fn a_bye_to_a_fork_that_is_not_wanted_is_sent_once_more_with_the_proof_and_no_third_time() {
    for status in [401, 407] {
        let mut bench = calling_as(&[5062], login());
        let invite = bench.last_request();
        bench.response(&invite, 200, "alice", &both());
        assert_eq!(bench.response(&invite, 200, "desk", &both()), ["ack 1", "send BYE"]);
        let first = bench.last_request();
        assert_eq!(challenge(&mut bench, &first, status, "one"), ["send BYE"]);
        let second = bench.last_request();
        second.validate().expect("what we send is valid");
        let number = |request: &Request| request.headers().cseq().expect("CSeq").number;
        assert_eq!((number(&first), number(&second)), (2, 3));
        assert_eq!(second.headers().to().expect("To").tag(), Some("desk"));
        assert_ne!(ClientKey::of(&first), ClientKey::of(&second));
        let name = if status == 407 { HeaderName::ProxyAuthorization } else { HeaderName::Authorization };
        assert!(second.headers().get(&name).is_some_and(|proof| proof.contains("nonce=\"one\"")), "{status}");
        assert_eq!(challenge(&mut bench, &first, status, "two"), [""; 0], "a repeat");
        assert_eq!(challenge(&mut bench, &second, status, "two"), [""; 0], "it is refused");
        assert_eq!(bench.leg.summary().state, "up");
    }
    let (mut bench, invite) = connected();
    bench.response(&invite, 200, "desk", &both());
    let bye = bench.last_request();
    assert_eq!(challenge(&mut bench, &bye, 401, "one"), [""; 0], "no proof is known for it");
}

#[test]
fn a_fork_that_answers_a_leg_given_up_is_proved_who_says_goodbye() {
    let mut bench = calling_as(&[5062], login());
    let first = bench.last_request();
    challenge(&mut bench, &first, 407, "one");
    let invite = bench.last_request();
    bench.hang_up();
    assert_eq!(bench.response(&invite, 200, "desk", &both()), ["ack 2", "send BYE"]);
    let bye = bench.last_request();
    assert!(bye.headers().get(&HeaderName::ProxyAuthorization).is_some());
}
