//! An answered leg: the ACK and its loss, requests in the dialog, the peer's BYE.

use super::*;

#[test]
fn an_answer_is_sent_again_until_it_is_acknowledged() {
    let mut bench = answered(&both());
    let told: Vec<u64> = bench.pass(8_000).into_iter().map(|(at, _)| at).collect();
    assert_eq!(told, [500, 1_500, 3_500, 7_500], "T1, doubled up to T2");
    let first = bench.answers.first().expect("the 200").clone();
    assert!(bench.answers.iter().all(|answer| *answer == first), "a repeat is a retransmission");
    bench.ack(1, &nothing());
    assert_eq!(bench.pass(60_000), []);
    assert_eq!(bench.leg.summary().state, "up");
}

#[test]
fn an_answer_that_nobody_acknowledges_ends_with_bye_after_64_t1() {
    let mut bench = answered(&both());
    let told: Vec<String> = bench.pass(32_000).into_iter().map(|(at, word)| format!("{at} {word}")).collect();
    let repeats = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    let mut expected: Vec<String> = repeats.iter().map(|at| format!("{at} answer 200 INVITE")).collect();
    expected
        .extend(["32000 send BYE", "32000 report ended NoAck by Switch", "32000 close"].map(str::to_owned));
    assert_eq!(told, expected);
    let reason = bench.last_request().headers().get(&HeaderName::Reason).map(|reason| reason.into_owned());
    assert_eq!(reason.as_deref(), Some("SIP;cause=408;text=\"ACK missing\""));
}

#[test]
fn an_ack_of_another_invite_does_not_count() {
    let mut bench = answered(&both());
    assert_eq!(bench.ack(7, &nothing()), [""; 0]);
    assert_eq!(bench.pass(500).len(), 1, "the answer is still sent again");
}

#[test]
fn a_hang_up_waits_for_the_ack_of_the_answer() {
    let mut bench = answered(&both());
    assert_eq!(bench.hang_up(), [""; 0], "RFC 3261 §15: no BYE before the ACK");
    assert_eq!(bench.pass(500), [(500, "answer 200 INVITE".to_owned())]);
    assert_eq!(bench.ack(1, &nothing()), ["send BYE", "report ended HungUp by Switch", "close"]);
}

#[test]
fn a_hang_up_does_not_wait_for_ever() {
    let mut bench = answered(&both());
    bench.hang_up();
    let told = bench.pass(32_000);
    assert_eq!(told.last(), Some(&(32_000, "close".to_owned())));
    assert_eq!(bench.last_request().method().as_str(), "BYE");
}

#[test]
fn a_bye_that_comes_before_the_ack_ends_the_leg() {
    let mut bench = answered(&both());
    assert_eq!(bench.asked("BYE", 2, &nothing()), ["answer 200 BYE", "report ended HungUp by Peer", "close"]);
    assert_eq!(bench.ack(1, &nothing()), [""; 0]);
    assert_eq!(bench.media_closed(), ["abandon", "release"]);
    assert_eq!(bench.pass(60_000), [], "nothing is repeated");
}

#[test]
fn an_answer_in_the_ack_that_cannot_be_used_ends_with_bye() {
    for body in [nothing(), Bytes::from_static(b"nonsense"), sdp("18", "sendrecv")] {
        let mut bench = answered(&nothing());
        assert_eq!(bench.ack(1, &body), ["send BYE", "report ended NotAcceptable by Switch", "close"]);
    }
}

#[test]
fn requests_are_answered_as_their_method_wants() {
    let mut bench = talking();
    assert_eq!(bench.asked("OPTIONS", 2, &nothing()), ["answer 200 OPTIONS"]);
    assert_eq!(bench.asked("MESSAGE", 3, &nothing()), ["answer 405 MESSAGE"]);
    assert_eq!(bench.last_answer().headers().get(&HeaderName::Allow).as_deref(), Some(ALLOW));
    assert_eq!(bench.asked("INFO", 2, &nothing()), ["answer 500 INFO"], "out of order");
    let mut stranger = bench.in_dialog("INFO", 9, &nothing());
    stranger.headers_mut().set(HeaderName::From, "<sip:bob@198.51.100.7>;tag=eve");
    assert_eq!(bench.request(&stranger), ["answer 481 INFO"]);
    let mut demanding = bench.in_dialog("OPTIONS", 9, &nothing());
    demanding.headers_mut().push(HeaderName::Require, "teleport");
    assert_eq!(bench.request(&demanding), ["answer 420 OPTIONS"]);
    assert_eq!(bench.last_answer().headers().get(&HeaderName::Unsupported).as_deref(), Some("teleport"));
}

fn info(bench: &mut Bench, number: u32, kind: &str, body: &'static str) -> Vec<String> {
    let mut info = bench.in_dialog("INFO", number, &nothing());
    info.set_body(kind, Bytes::from_static(body.as_bytes()));
    bench.request(&info)
}

fn digit(digit: char, by: DigitWay) -> String {
    format!("report {:?}", Report::Digit { digit, by })
}

#[test]
fn digits_come_by_info_in_either_form() {
    let mut bench = talking();
    for (number, kind, body, key) in [
        (2, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5'),
        (3, "application/dtmf-relay", "Signal= *\r\nDuration= 160\r\n", '*'),
        (4, "application/dtmf", "7", '7'),
        (5, "application/dtmf; charset=utf-8", "11\r\n", '#'),
        (6, "application/dtmf-relay", "Duration=80\r\nsignal=10", '*'),
    ] {
        let words = info(&mut bench, number, kind, body);
        assert_eq!(words, [digit(key, DigitWay::Info), "answer 200 INFO".to_owned()], "{body}");
        assert!(bench.has_told(&Event::Digit { digit: key }) > 0);
    }
    assert_eq!(info(&mut bench, 7, "application/dtmf", "not a digit"), ["answer 200 INFO"]);
    assert_eq!(info(&mut bench, 8, "application/dtmf-relay", "Signal=16"), ["answer 200 INFO"], "the hook");
    assert_eq!(bench.asked("INFO", 9, &nothing()), ["answer 200 INFO"], "a sign of life");
}

#[test]
fn an_info_that_we_do_not_read_is_refused_with_what_we_do() {
    let mut bench = talking();
    assert_eq!(info(&mut bench, 2, "application/media_control+xml", "<x/>"), ["answer 415 INFO"]);
    let accept = bench.last_answer().headers().get(&HeaderName::Accept).map(String::from);
    assert_eq!(accept.as_deref(), Some("application/dtmf-relay, application/dtmf"));
    let mut packaged = bench.in_dialog("INFO", 3, &nothing());
    packaged.headers_mut().push(HeaderName::InfoPackage, "weather");
    assert_eq!(bench.request(&packaged), ["answer 469 INFO"], "RFC 6086 §4.2.2");
}

#[test]
fn a_key_that_is_told_in_the_sound_and_by_info_is_one() {
    let mut bench = talking();
    assert_eq!(bench.media(Notice::Digit('5')), [digit('5', DigitWay::Rtp)]);
    assert_eq!(info(&mut bench, 2, "application/dtmf-relay", "Signal=5"), ["answer 200 INFO"]);
    assert_eq!(bench.media(Notice::Digit('5')), [digit('5', DigitWay::Rtp)], "pressed again");
    bench.hang_up();
    assert_eq!(bench.media(Notice::Digit('6')), [""; 0], "the leg is over");
}

#[test]
fn keys_are_heard_before_the_answer_too() {
    let mut bench = called(&both());
    bench.order(Order::Progress);
    let words = info(&mut bench, 2, "application/dtmf-relay", "Signal=9");
    assert_eq!(words, [digit('9', DigitWay::Info), "answer 200 INFO".to_owned()]);
}

#[test]
fn events_are_none_of_ours() {
    let mut bench = talking();
    for (number, method, status) in [(3, "SUBSCRIBE", 405), (4, "NOTIFY", 481)] {
        assert_eq!(bench.asked(method, number, &nothing()), [format!("answer {status} {method}")]);
    }
}

#[test]
fn silence_of_the_media_ends_an_answered_leg_only() {
    let mut ringing = called(&both());
    assert_eq!(ringing.media(Notice::Timeout), [""; 0]);
    let mut bench = talking();
    assert_eq!(bench.media(Notice::Timeout), ["send BYE", "report ended MediaTimeout by Switch", "close"]);
}
