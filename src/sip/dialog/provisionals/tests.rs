use bytes::Bytes;

use super::*;
use crate::sip::message::{CSeq, Method, StatusCode};

fn at(millis: u64) -> Moment {
    Moment::from_micros(millis * 1000)
}

fn ringing() -> Response {
    let mut response = Response::new(StatusCode::RINGING);
    response.headers_mut().push(HeaderName::CSeq, CSeq { number: 7, method: Method::Invite });
    response
}

fn prack(rack: &str) -> Headers {
    let mut headers = Headers::new();
    headers.push(HeaderName::RAck, rack);
    headers
}

#[test]
fn one_is_repeated_until_it_is_acknowledged_and_the_next_has_the_next_number() {
    let (mut ours, timing) = (Provisionals::new(41), Timing::default());
    let mut first = ringing();
    ours.send(&mut first, &timing, at(0));
    assert_eq!(first.headers().get(&HeaderName::Require).as_deref(), Some("100rel"));
    assert_eq!(first.headers().rseq(), Ok(Some(41)));
    assert!(ours.is_waiting() && !ours.holds_session());
    assert_eq!(ours.next_deadline(), Some(at(500)));
    assert!(matches!(ours.on_deadline(at(500)), Some(Overdue::Again(again)) if again == first));
    for other in ["40 7 INVITE", "41 8 INVITE", "41 7 OPTIONS", "nonsense"] {
        assert_eq!(ours.acknowledge(&prack(other)), None, "{other}");
    }
    assert_eq!(ours.acknowledge(&prack("41 7 INVITE")), Some(first));
    assert_eq!(ours.acknowledge(&prack("41 7 INVITE")), None, "once");
    assert_eq!(ours.next_deadline(), None);
    let mut second = ringing();
    second.set_body("application/sdp", Bytes::from_static(b"v=0"));
    ours.send(&mut second, &timing, at(900));
    assert_eq!(second.headers().rseq(), Ok(Some(42)));
    assert!(ours.holds_session());
}

#[test]
fn one_that_nobody_acknowledges_is_given_up_after_64_t1() {
    let mut ours = Provisionals::new(0);
    ours.send(&mut ringing(), &Timing::default(), at(0));
    let mut times = Vec::new();
    while let Some(due) = ours.next_deadline() {
        let is_again = matches!(ours.on_deadline(due), Some(Overdue::Again(_)));
        times.push((due.as_micros() / 1000, is_again));
    }
    let again = [500, 1_500, 3_500, 7_500, 15_500, 31_500].map(|time| (time, true));
    assert_eq!(times, [&again[..], &[(32_000, false)]].concat());
}

#[test]
fn after_the_final_answer_the_one_that_is_owed_a_prack_is_known_and_silent() {
    let mut ours = Provisionals::new(1 << 31);
    ours.send(&mut ringing(), &Timing::default(), at(0));
    assert_eq!(ours.stop().map(|rack| rack.to_string()).as_deref(), Some("1 7 INVITE"), "0 is no RSeq");
    assert_eq!((ours.stop(), ours.next_deadline()), (None, None));
}

#[test]
fn those_of_the_peer_count_in_order_and_once() {
    let reliable = |rseq: u32| {
        let mut response = ringing();
        response.headers_mut().push(HeaderName::Require, "timer, 100rel");
        response.headers_mut().push(HeaderName::RSeq, rseq);
        response
    };
    let mut heard = Heard::default();
    assert_eq!(heard.receive(&ringing()), None);
    assert_eq!(heard.receive(&reliable(10)).map(|rack| rack.to_string()).as_deref(), Some("10 7 INVITE"));
    assert_eq!(heard.receive(&reliable(10)), None, "a repeat");
    assert_eq!(heard.receive(&reliable(12)), None, "11 is missing");
    assert!(heard.receive(&reliable(11)).is_some() && heard.receive(&reliable(12)).is_some());
    let mut loose = ringing();
    loose.headers_mut().push(HeaderName::RSeq, 13);
    assert_eq!(heard.receive(&loose), None, "it does not require anything");
}
