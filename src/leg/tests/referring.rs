//! A far end that presses its transfer key: REFER and the NOTIFYs that answer it.

use super::*;

/// The caller's REFER with this number.
fn refer(bench: &mut Bench, number: u32, to: &str) -> Vec<String> {
    let mut request = bench.in_dialog("REFER", number, &nothing());
    request.headers_mut().push(HeaderName::ReferTo, to);
    bench.request(&request)
}

fn told(bench: &Bench) -> (String, String, String) {
    let notify = bench.last_request();
    notify.validate().expect("what we send is valid");
    assert_eq!(notify.method().as_str(), "NOTIFY");
    let header = |name: &HeaderName| notify.headers().get(name).map(String::from).unwrap_or_default();
    let body = String::from_utf8(notify.body().to_vec()).expect("text");
    (header(&HeaderName::Event), header(&HeaderName::SubscriptionState), body)
}

#[test]
fn a_refer_is_accepted_handed_to_the_call_and_its_outcome_is_told() {
    let mut bench = talking();
    let words = refer(&mut bench, 2, "<sip:carol@192.0.2.1>");
    let [accepted, notified, reported] = words.as_slice() else { panic!("{words:?}") };
    assert_eq!((accepted.as_str(), notified.as_str()), ("answer 202 REFER", "send NOTIFY"));
    assert!(reported.contains("sip:carol@192.0.2.1"), "{reported}");
    let (event, state, body) = told(&bench);
    assert_eq!((event.as_str(), body.as_str()), ("refer;id=2", "SIP/2.0 100 Trying\r\n"));
    assert!(state.starts_with("active;expires="), "{state}");

    assert_eq!(bench.order(Order::Referred { status: 180 }), ["send NOTIFY"]);
    assert!(told(&bench).1.starts_with("active"));
    assert_eq!(bench.order(Order::Referred { status: 200 }), ["send NOTIFY"]);
    let (_, state, body) = told(&bench);
    assert_eq!((state.as_str(), body.as_str()), ("terminated;reason=noresource", "SIP/2.0 200 OK\r\n"));
    assert_eq!(bench.order(Order::Referred { status: 200 }), [""; 0], "the subscription is over");
}

#[test]
fn an_attended_transfer_hands_on_the_dialog_that_is_replaced() {
    let mut bench = talking();
    let to = "<sip:carol@192.0.2.1?Replaces=two%40198.51.100.7%3Bto-tag%3Dours%3Bfrom-tag%3Dtheirs>";
    let words = refer(&mut bench, 2, to);
    assert!(words[2].contains("two@198.51.100.7") && words[2].contains("ours"), "{words:?}");
}

#[test]
fn a_refer_that_makes_no_sense_is_refused_and_a_second_one_waits_for_the_first() {
    let mut bench = talking();
    assert_eq!(refer(&mut bench, 2, "<sip:carol@192.0.2.1;method=BYE>"), ["answer 400 REFER"]);
    let none = bench.in_dialog("REFER", 3, &nothing());
    assert_eq!(bench.request(&none), ["answer 400 REFER"]);
    for other in ["<http://example.com/menu.xml>", "<mailto:carol@example.com>", "<im:carol@example.com>"] {
        assert_eq!(refer(&mut bench, 4, other), ["answer 416 REFER"], "{other}");
    }
    refer(&mut bench, 4, "<tel:+15551234>");
    assert_eq!(refer(&mut bench, 5, "<sip:dave@192.0.2.1>"), ["answer 491 REFER"]);
    bench.order(Order::Referred { status: 486 });
    assert_eq!(refer(&mut bench, 6, "<sip:dave@192.0.2.1>").len(), 3);
}

#[test]
fn whoever_wants_to_hear_nothing_hears_nothing() {
    let mut bench = talking();
    let mut request = bench.in_dialog("REFER", 2, &nothing());
    request.headers_mut().push(HeaderName::ReferTo, "<sip:carol@192.0.2.1>");
    request.headers_mut().push(HeaderName::ReferSub, "false");
    let words = bench.request(&request);
    assert_eq!((words.len(), words[0].as_str()), (2, "answer 202 REFER"), "no NOTIFY (RFC 4488)");
    let answer = bench.answers.last().expect("202");
    assert_eq!(answer.headers().get(&HeaderName::ReferSub).as_deref(), Some("false"));
    assert_eq!(bench.order(Order::Referred { status: 200 }), [""; 0]);
}

#[test]
fn a_transfer_of_which_nobody_tells_the_end_is_given_up() {
    let mut bench = talking();
    refer(&mut bench, 2, "<sip:carol@192.0.2.1>");
    bench.pass(200_000);
    let (_, state, body) = told(&bench);
    assert_eq!(
        (state.as_str(), body.as_str()),
        ("terminated;reason=noresource", "SIP/2.0 408 Request Timeout\r\n")
    );
}
