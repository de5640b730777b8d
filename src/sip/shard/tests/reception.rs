//! Requests that belong to no dialog.

use super::*;

#[test]
fn a_request_is_checked_in_the_order_of_the_rfc_and_challenged_last() {
    let mut faults = vec![
        ("sip:bob@192.0.2.1", "Require: teleport", "send 420"),
        ("sip:bob@192.0.2.1", "Max-Forwards: 0", "send 483"),
        ("sip:bob@192.0.2.1", "Replaces: 1@a.example;to-tag=2;from-tag=3", "send 481"),
        ("sip:bob@192.0.2.1", "Content-Type: text/plain", "send 415"),
        ("sip:bob@elsewhere.example", "X-Nothing: 1", "send 404"),
    ];
    let mut turn = 0;
    while let Some((_, _, expected)) = faults.first().copied() {
        let uri =
            faults.iter().map(|fault| fault.0).find(|uri| uri.contains("elsewhere")).expect("the last fault");
        let lines: Vec<&str> = faults.iter().map(|fault| fault.1).collect();
        let mut faulty = request("INVITE", uri, &format!("fault{turn}"), &lines);
        faulty.set_body(
            if lines.contains(&"Content-Type: text/plain") { "text/plain" } else { "application/sdp" },
            Bytes::from_static(b"x"),
        );
        let mut bench = Bench::new();
        assert_eq!(bench.receive(faulty), [expected], "{lines:?}");
        assert_eq!(bench.asked(), [""; 0], "nobody is asked who it is: {lines:?}");
        bench.holds_nothing();
        faults.remove(0);
        turn += 1;
    }
    let mut bench = Bench::new();
    assert_eq!(bench.receive(request("INVITE", "sip:bob@192.0.2.1", "sound", &[])), ["send 401"]);
}

#[test]
fn what_a_method_is_worth_outside_of_dialogs() {
    for (method, expected) in [
        ("BYE", "send 481"),
        ("INFO", "send 481"),
        ("UPDATE", "send 481"),
        ("PRACK", "send 481"),
        ("MESSAGE", "send 405"),
        ("SUBSCRIBE", "send 405"),
        ("NOTIFY", "send 405"),
        ("REFER", "send 403"),
        ("TELEPORT", "send 501"),
        ("OPTIONS", "send 200"),
        ("REGISTER", "send 401"),
    ] {
        let mut bench = Bench::new();
        assert_eq!(bench.receive(request(method, "sip:192.0.2.1", "one", &[])), [expected], "{method}");
        bench.holds_nothing();
        if matches!(expected, "send 405" | "send 501" | "send 200") {
            let allow = header(bench.last_sent(), HeaderName::Allow).expect(method);
            assert!(allow.contains("INVITE") && allow.contains("BYE"), "{method}: {allow}");
        }
    }
}

#[test]
fn refusals_say_what_would_be_right() {
    let mut bench = Bench::new();
    bench.receive(request("OPTIONS", "sip:192.0.2.1", "one", &["Require: teleport, 100rel, timer"]));
    assert_eq!(header(bench.last_sent(), HeaderName::Unsupported).as_deref(), Some("teleport"));
    let mut text = request("INVITE", "sip:bob@192.0.2.1", "two", &[]);
    text.set_body("text/plain", Bytes::from_static(b"hello"));
    bench.receive(text);
    assert_eq!(header(bench.last_sent(), HeaderName::Accept).as_deref(), Some("application/sdp"));
}

#[test]
fn a_session_shorter_than_we_put_up_with_is_refused_before_anybody_is_disturbed() {
    let mut bench = Bench::new();
    let lines = ["Supported: timer", "Session-Expires: 60"];
    assert_eq!(bench.receive(request("INVITE", "sip:bob@192.0.2.1", "one", &lines)), ["send 422"]);
    assert_eq!(header(bench.last_sent(), HeaderName::MinSe).as_deref(), Some("90"));
    bench.holds_nothing();
    let lines = ["Session-Expires: 60"];
    assert_eq!(bench.receive(request("INVITE", "sip:bob@192.0.2.1", "two", &lines)), ["send 401"]);
}

#[test]
fn scanners_are_not_even_answered_and_nothing_of_them_is_kept() {
    for method in ["OPTIONS", "REGISTER", "INVITE"] {
        let mut bench = Bench::new();
        let probe = request(method, "sip:100@192.0.2.1", "one", &["User-Agent: Friendly-Scanner"]);
        assert_eq!(bench.receive(probe), [""; 0]);
        bench.holds_nothing();
    }
}

#[test]
fn a_challenge_keeps_nothing_and_is_the_same_for_each_repeat() {
    for method in ["INVITE", "REGISTER"] {
        let mut bench = Bench::new();
        let request = request(method, "sip:bob@192.0.2.1", "one", &[]);
        assert_eq!(bench.receive(request.clone()), ["send 401"]);
        assert!(header(bench.last_sent(), HeaderName::WwwAuthenticate).is_some());
        bench.holds_nothing();
        assert_eq!(bench.receive(request), ["send 401"]);
        assert_eq!(bench.sent[0], bench.sent[1]);
    }
    let mut bench = Bench::new();
    bench.receive(request("INVITE", "sip:bob@192.0.2.1", "one", &[]));
    assert_eq!(bench.receive(request("ACK", "sip:bob@192.0.2.1", "one", &[])), [""; 0]);
    assert_eq!(bench.store.len(), 0);
}

#[test]
fn who_is_under_suspicion_hears_nothing() {
    for method in ["INVITE", "REGISTER"] {
        let mut bench = Bench::new();
        let guess = request(method, "sip:bob@192.0.2.1", "one", &["Authorization: suspect"]);
        assert_eq!(bench.receive(guess), [""; 0]);
        assert_eq!(bench.store.len(), 0);
    }
}

#[test]
fn a_user_calls_and_registers_in_no_other_name() {
    let mut bench = Bench::new();
    let forged = request("INVITE", "sip:100@192.0.2.1", "one", &["Authorization: bob"]);
    assert_eq!(bench.receive(forged), ["send 403"]);
    let forged = request("REGISTER", "sip:192.0.2.1", "two", &["Authorization: bob"]);
    assert_eq!(bench.receive(forged), ["send 403"], "the binding is alice's");
    let mut bench = Bench::new();
    let own = request("REGISTER", "sip:192.0.2.1", "three", &["Authorization: alice"]);
    assert_eq!(bench.receive(own.clone()), ["send 200"]);
    assert_eq!(bench.asked(), ["who is it", "register alice"]);
    assert_eq!(bench.receive(own), ["send 200"], "a repeat is answered by its transaction");
    assert_eq!(bench.asked(), [""; 0]);
}

#[test]
fn strangers_reach_public_numbers_and_must_prove_a_name_for_the_rest() {
    let stranger = |number: &str, branch: &str| {
        let mut request = request("INVITE", &format!("sip:{number}@192.0.2.1"), branch, &[]);
        request.headers_mut().set(HeaderName::From, "<sip:carol@198.51.100.7>;tag=carol");
        request
    };
    for (number, branch) in [("100", "one"), ("101", "webhook")] {
        let mut bench = Bench::new();
        assert_eq!(bench.receive(stranger(number, branch)), [""; 0], "a leg has it");
        assert_eq!(bench.asked(), ["admit a stranger"], "{number}");
    }
    for number in ["bob", "nobody"] {
        let mut bench = Bench::new();
        assert_eq!(bench.receive(stranger(number, number)), ["send 401"], "all look alike: {number}");
    }
    // Whoever uses a user's name without proof is treated like any stranger: nobody learns which users exist.
    let mut bench = Bench::new();
    assert_eq!(bench.receive(request("INVITE", "sip:100@192.0.2.1", "two", &[])), [""; 0], "a leg has it");
    assert_eq!(bench.asked(), ["admit a stranger"]);
}

#[test]
fn a_number_that_nobody_has_is_not_found() {
    let mut bench = Bench::new();
    let nobody = request("INVITE", "sip:nobody@192.0.2.1", "one", &["Authorization: alice"]);
    assert_eq!(bench.receive(nobody), ["send 404"]);
    let nothing = request("INVITE", "sip:192.0.2.1", "two", &["Authorization: alice", "To: <sip:192.0.2.1>"]);
    assert_eq!(bench.receive(nothing), ["send 482"], "the same call by another way");
    let mut bench = Bench::new();
    let nothing = request("INVITE", "sip:192.0.2.1", "two", &["Authorization: alice"]);
    assert_eq!(bench.receive(nothing), ["send 404"]);
}

#[test]
fn a_call_is_admitted_once_however_often_its_invite_comes() {
    let mut bench = Bench::new();
    assert_eq!(bench.receive(invite("one")), [""; 0]);
    assert_eq!(bench.receive(invite("one")), [""; 0]);
    assert_eq!(bench.asked(), ["who is it", "admit alice"]);
    bench.now = at(200);
    assert_eq!(bench.step(|shard, house, now| shard.on_deadline(house, now)), ["send 100"]);
    assert_eq!(bench.receive(invite("one")), ["send 100"]);
    assert_eq!(bench.asked(), [""; 0]);
    assert_eq!(bench.shard.census().server, 1);
}

#[test]
fn a_shard_that_died_between_admission_and_commit_gets_the_same_leg_again() {
    let mut bench = Bench::new();
    let lost = bench.shard.receive(invite("one").into(), flow(), &bench.house, bench.now);
    assert_eq!(
        (lost.letters.len(), bench.asked()),
        (0, vec!["who is it".to_owned(), "admit alice".to_owned()])
    );
    bench.shard = bench.heir(Generation(1));
    let batch = bench.shard.receive(invite("one").into(), flow(), &bench.house, bench.now);
    assert_eq!(bench.asked(), ["who is it", "admit again alice"]);
    bench.take(batch);
    bench.errand(Errand::Bind { dialog: DialogKey::new("one@198.51.100.7", "ours") });
    let bye = request("BYE", "sip:192.0.2.1", "bye", &["To: <sip:alice@192.0.2.1>;tag=ours"]);
    assert_eq!(bench.receive(bye), ["leg: BYE"]);
}

#[test]
fn without_room_a_call_is_refused_early_and_told_when_to_come_again() {
    let mut bench = Bench::new();
    bench.house.is_full.set(true);
    assert_eq!(bench.receive(invite("one")), ["send 503"]);
    let pause: u64 =
        header(bench.last_sent(), HeaderName::RetryAfter).expect("a pause").parse().expect("seconds");
    assert!((5..=10).contains(&pause), "{pause}");
    bench.house.is_full.set(false);
    assert_eq!(bench.receive(invite("one")), ["send 503"], "decided is decided");
    let mut bench = Bench::new();
    bench.house.is_full.set(true);
    assert_eq!(bench.receive(request("INVITE", "sip:100@192.0.2.1", "one", &[])), ["send 503"]);
    bench.holds_nothing();
}

/// Who is shown as the caller of number 100, which anybody may call.
fn shown(is_trusting: bool, lines: &[&str]) -> Option<String> {
    let mut bench = Bench::new();
    bench.house.is_trusting.set(is_trusting);
    let invite = request("INVITE", "sip:100@192.0.2.1", "one", lines);
    assert_eq!(bench.receive(invite), [""; 0], "the leg answers");
    bench.house.shown.take()
}

#[test]
fn who_calls_is_proved_or_said_by_somebody_who_is_trusted() {
    const CARRIER: &str = "From: <sip:+15550001@carrier.example>;tag=1";
    const ASSERTED: &str = "P-Asserted-Identity: \"Bob\" <sip:+1-555-0002@carrier.example;user=phone>";
    const UNKNOWN: &str = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1";
    let caller = |is_trusting, lines: &[&str]| shown(is_trusting, lines);
    assert_eq!(caller(false, &[CARRIER]).as_deref(), Some("+15550001"));
    assert_eq!(caller(false, &[CARRIER, ASSERTED]).as_deref(), Some("+15550001"), "no proof");
    assert_eq!(caller(true, &[CARRIER, ASSERTED]).as_deref(), Some("+15550002"));
    assert_eq!(caller(true, &[UNKNOWN, ASSERTED, "Privacy: id"]).as_deref(), Some("+15550002"));
    assert_eq!(caller(false, &[UNKNOWN, ASSERTED]), None);
    assert_eq!(caller(false, &["P-Asserted-Identity: <sip:bob@192.0.2.1>"]), None, "From claims to be alice");
    let login = ["Authorization: alice", UNKNOWN, "P-Preferred-Identity: <sip:bob@192.0.2.1>"];
    assert_eq!(caller(false, &login).as_deref(), Some("alice"), "the login alone counts");
    assert_eq!(caller(false, &["From: <tel:+1-555-0003>;tag=1"]).as_deref(), Some("+15550003"));
}

#[test]
fn a_telephone_number_is_dialled_in_either_form() {
    for uri in ["tel:1-0-0", "sip:1-00@192.0.2.1;user=phone", "sip:100@192.0.2.1"] {
        let mut bench = Bench::new();
        assert_eq!(bench.receive(request("INVITE", uri, "one", &[])), [""; 0], "{uri}");
        assert_eq!(bench.asked(), ["admit a stranger"], "{uri}");
    }
    let mut bench = Bench::new();
    assert_eq!(bench.receive(request("OPTIONS", "tel:100", "one", &[])), ["send 404"]);
}
