//! Both sides of a dialog, and the proxies between them.
//! Each side must never see more of the other than its messages.

use std::net::SocketAddr;

use bytes::Bytes;

use super::*;
use crate::sip::message::{Limits, Message};

fn flow() -> Flow {
    let address: SocketAddr = "192.0.2.1:5060".parse().unwrap();
    Flow::udp(address, address)
}

fn parse(lines: &[&str]) -> Message {
    let text =
        lines.iter().flat_map(|line| [line, "\r\n"]).chain(["Content-Length: 0\r\n\r\n"]).collect::<String>();
    Message::parse(Bytes::from(text), &Limits::default()).unwrap_or_else(|_| panic!("{lines:?}"))
}

fn request(lines: &[&str]) -> Request {
    match parse(lines) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a response"),
    }
}

fn response(lines: &[&str]) -> Response {
    match parse(lines) {
        Message::Response(response) => response,
        Message::Request(_) => panic!("a request"),
    }
}

fn via() -> Via {
    let request = request(&[
        "OPTIONS sip:a@b SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKnext;rport",
        "From: <sip:a@b>;tag=1",
        "To: <sip:a@b>",
        "Call-ID: x",
        "CSeq: 1 OPTIONS",
    ]);
    request.headers().top_via().unwrap()
}

/// Alice's INVITE as it arrives at Bob, behind these proxies.
fn invite(record_routes: &[&str]) -> Request {
    let mut lines =
        vec!["INVITE sip:bob@192.0.2.2 SIP/2.0", "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKinvite"];
    lines.extend(record_routes);
    lines.extend([
        "Max-Forwards: 70",
        "From: \"Alice\" <sip:alice@atlanta.example>;tag=9fxced76sl",
        "To: Bob <sip:bob@biloxi.example>",
        "Call-ID: 3848276298220188511@atlanta.example",
        "CSeq: 10 INVITE",
        "Contact: <sip:alice@192.0.2.1;transport=tcp?Subject=hi>;+sip.instance=\"<urn:uuid:1>\"",
    ]);
    request(&lines)
}

/// Bob's answer as it arrives at Alice.
fn answer(status: &str, headers: &[&str]) -> Response {
    let mut lines = vec![status, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKinvite"];
    lines.extend([
        "From: \"Alice\" <sip:alice@atlanta.example>;tag=9fxced76sl",
        "Call-ID: 3848276298220188511@atlanta.example",
        "CSeq: 10 INVITE",
    ]);
    lines.extend(headers);
    response(&lines)
}

const TO_BOB: &str = "To: Bob <sip:bob@biloxi.example>;tag=314159";
const BOBS_CONTACT: &str = "Contact: <sip:bob@192.0.2.2:5070>";

fn callee(record_routes: &[&str]) -> Dialog {
    Dialog::uas(&invite(record_routes), "314159", &flow()).unwrap()
}

fn caller(headers: &[&str]) -> Dialog {
    let answer = answer("SIP/2.0 200 OK", &[&[TO_BOB, BOBS_CONTACT], headers].concat());
    Dialog::uac(&invite(&[]), &answer, &flow()).unwrap()
}

fn routes(request: &Request) -> Vec<String> {
    request.headers().routes().unwrap().iter().map(ToString::to_string).collect()
}

/// A request of Alice in her dialog with Bob.
fn from_alice(method: &str, number: u32, contact: &str) -> Request {
    request(&[
        &format!("{method} sip:bob@192.0.2.2 SIP/2.0"),
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKlater",
        "From: \"Alice\" <sip:alice@atlanta.example>;tag=9fxced76sl",
        TO_BOB,
        "Call-ID: 3848276298220188511@atlanta.example",
        &format!("CSeq: {number} {method}"),
        &format!("Contact: <{contact}>"),
    ])
}

#[test]
fn the_callee_answers_to_the_callers_contact_under_its_own_tag() {
    let mut dialog = callee(&[]);
    assert_eq!((dialog.local_tag(), dialog.remote_tag()), ("314159", "9fxced76sl"));
    let bye = dialog.request(Method::Bye, &via(), None);
    let headers = bye.headers();
    assert_eq!(bye.uri().to_string(), "sip:alice@192.0.2.1;transport=tcp", "no URI headers in a Request-URI");
    assert_eq!(
        headers.from().unwrap().to_string(),
        "Bob <sip:bob@biloxi.example>;tag=314159".parse::<NameAddr>().unwrap().to_string()
    );
    assert_eq!(headers.to().unwrap().tag(), Some("9fxced76sl"));
    assert_eq!(headers.to().unwrap().display.as_deref(), Some("Alice"));
    assert_eq!(headers.call_id().unwrap(), "3848276298220188511@atlanta.example");
    assert_eq!(headers.cseq().unwrap(), CSeq { number: 1, method: Method::Bye });
    assert_eq!(headers.max_forwards().unwrap(), Some(70));
    assert_eq!(headers.top_via().unwrap().branch(), Some("z9hG4bKnext"));
    assert!(headers.contact().unwrap().is_none());
    assert!(matches!(parse_back(&bye), Message::Request(_)));
}

fn parse_back(request: &Request) -> Message {
    Message::parse(request.to_bytes(), &Limits::default()).unwrap_or_else(|_| panic!("{request:?}"))
}

#[test]
fn the_caller_goes_on_counting_from_its_invite() {
    let mut dialog = caller(&[]);
    assert_eq!(dialog.local_cseq(), 10);
    let contact = NameAddr::new("sip:alice@192.0.2.1".parse().unwrap());
    let update = dialog.request(Method::Update, &via(), Some(&contact));
    assert_eq!(update.uri().to_string(), "sip:bob@192.0.2.2:5070");
    assert_eq!(update.headers().cseq().unwrap().number, 11);
    assert_eq!(update.headers().contact().unwrap(), Some(contact));
    assert_eq!(dialog.request(Method::Bye, &via(), None).headers().cseq().unwrap().number, 12);
}

#[test]
fn an_ack_bears_the_number_of_its_invite_and_the_route_but_counts_nothing() {
    let mut dialog = caller(&["Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr>"]);
    dialog.request(Method::Info, &via(), None);
    let ack = dialog.ack(10, &via());
    assert_eq!(ack.method(), &Method::Ack);
    assert_eq!(ack.headers().cseq().unwrap(), CSeq { number: 10, method: Method::Ack });
    assert_eq!(routes(&ack), ["<sip:p1.example;lr>", "<sip:p2.example;lr>"]);
    assert_eq!(dialog.local_cseq(), 11);
    assert_eq!(ack.to_bytes(), dialog.ack(10, &via()).to_bytes(), "for each repeated 2xx the same");
}

#[test]
fn the_route_set_is_in_order_for_the_callee_and_reversed_for_the_caller() {
    let recorded = [
        "Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr;ftag=7>",
        "Record-Route: <sip:p0.example;lr>",
    ];
    let mut callee = callee(&recorded);
    let mut caller = caller(&recorded);
    let forward = ["<sip:p2.example;lr>", "<sip:p1.example;lr;ftag=7>", "<sip:p0.example;lr>"];
    let from_callee = callee.request(Method::Bye, &via(), None);
    assert_eq!(routes(&from_callee), forward);
    assert_eq!(from_callee.uri().to_string(), "sip:alice@192.0.2.1;transport=tcp");
    assert_eq!(callee.next_hop().to_string(), "sip:p2.example;lr");
    let from_caller = caller.request(Method::Bye, &via(), None);
    assert_eq!(routes(&from_caller), forward.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(caller.next_hop().to_string(), "sip:p0.example;lr");
}

#[test]
fn a_strict_router_gets_the_request_uri_and_the_target_goes_last() {
    let mut dialog = callee(&["Record-Route: <sip:strict.example;method=BYE?a=b>, <sip:loose.example;lr>"]);
    let bye = dialog.request(Method::Bye, &via(), None);
    assert_eq!(bye.uri().to_string(), "sip:strict.example");
    let target = "<sip:alice@192.0.2.1;transport=tcp?Subject=hi>";
    assert_eq!(routes(&bye), ["<sip:loose.example;lr>", target]);
    assert_eq!(dialog.next_hop().to_string(), "sip:strict.example;method=BYE?a=b");
}

#[test]
fn without_routes_the_next_hop_is_the_remote_target() {
    assert_eq!(caller(&[]).next_hop().to_string(), "sip:bob@192.0.2.2:5070");
}

#[test]
fn requests_of_another_dialog_are_refused_with_481() {
    let good = from_alice("BYE", 11, "sip:alice@192.0.2.1");
    assert_eq!(callee(&[]).receive(&good), Ok(()));
    for (ours, theirs) in
        [("tag=9fxced76sl", "tag=other"), ("tag=314159", "tag=other"), ("Call-ID: 3", "Call-ID: 4")]
    {
        let text = String::from_utf8(good.to_bytes().to_vec()).unwrap().replace(ours, theirs);
        let Ok(Message::Request(foreign)) = Message::parse(text.into(), &Limits::default()) else {
            panic!("{theirs}")
        };
        let refusal = callee(&[]).receive(&foreign).unwrap_err();
        assert_eq!((refusal, refusal.status().code()), (Refusal::NoDialog, 481), "{theirs}");
    }
}

#[test]
fn cseq_may_leave_gaps_and_repeat_but_not_go_back() {
    let mut dialog = callee(&[]);
    let contact = "sip:alice@192.0.2.1";
    assert_eq!(dialog.receive(&from_alice("INFO", 500, contact)), Ok(()));
    assert_eq!(dialog.receive(&from_alice("INFO", 500, contact)), Ok(()), "offered again after a restart");
    let refusal = dialog.receive(&from_alice("INFO", 499, contact)).unwrap_err();
    assert_eq!((refusal, refusal.status().code()), (Refusal::OutOfOrder, 500));
    assert_eq!(dialog.receive(&from_alice("ACK", 10, contact)), Ok(()), "an ACK is as old as its INVITE");
    assert_eq!(dialog.receive(&from_alice("BYE", 501, contact)), Ok(()));
}

#[test]
fn the_callee_counts_the_invite_too() {
    assert_eq!(callee(&[]).receive(&from_alice("INFO", 9, "sip:a@b")), Err(Refusal::OutOfOrder));
}

#[test]
fn the_remote_target_moves_only_when_a_refresh_is_applied_and_routes_never() {
    let mut dialog = callee(&["Record-Route: <sip:p1.example;lr>"]);
    let update = from_alice("UPDATE", 11, "sip:alice@198.51.100.7");
    dialog.receive(&update).unwrap();
    assert_eq!(dialog.remote_target().to_string(), "sip:alice@192.0.2.1;transport=tcp?Subject=hi");
    dialog.refresh(update.headers());
    let bye = dialog.request(Method::Bye, &via(), None);
    assert_eq!(bye.uri().to_string(), "sip:alice@198.51.100.7");
    assert_eq!(routes(&bye), ["<sip:p1.example;lr>"]);
}

#[test]
fn a_refresh_without_contact_changes_nothing() {
    let mut dialog = caller(&[]);
    dialog.refresh(answer("SIP/2.0 200 OK", &[TO_BOB]).headers());
    assert_eq!(dialog.remote_target().to_string(), "sip:bob@192.0.2.2:5070");
}

#[test]
fn each_fork_has_a_dialog_of_its_own_and_the_2xx_settles_its_route() {
    let ringing = |tag: &str, contact: &str| {
        let to = format!("To: Bob <sip:bob@biloxi.example>;tag={tag}");
        let contact = format!("Contact: <{contact}>");
        answer("SIP/2.0 180 Ringing", &[&to, &contact, "Record-Route: <sip:early.example;lr>"])
    };
    let mut desk = Dialog::uac(&invite(&[]), &ringing("314159", "sip:bob@desk"), &flow()).unwrap();
    let mobile = Dialog::uac(&invite(&[]), &ringing("mobile", "sip:bob@mobile"), &flow()).unwrap();
    assert_ne!(desk.remote_tag(), mobile.remote_tag());
    let ok = answer("SIP/2.0 200 OK", &[TO_BOB, BOBS_CONTACT, "Record-Route: <sip:final.example;lr>"]);
    assert_eq!(mobile.clone().confirm(&ok), Err(DialogError::Foreign));
    desk.confirm(&ok).unwrap();
    assert_eq!(desk.route_set().len(), 1);
    assert_eq!(desk.next_hop().to_string(), "sip:final.example;lr");
    assert_eq!(desk.remote_target().to_string(), "sip:bob@192.0.2.2:5070");
    assert_eq!(mobile.remote_target().to_string(), "sip:bob@mobile");
}

#[test]
fn a_180_without_contact_makes_a_dialog_towards_the_invites_target() {
    let dialog = Dialog::uac(&invite(&[]), &answer("SIP/2.0 180 Ringing", &[TO_BOB]), &flow()).unwrap();
    assert_eq!(dialog.remote_target().to_string(), "sip:bob@192.0.2.2");
}

#[test]
fn what_lacks_a_tag_or_a_contact_makes_no_dialog() {
    let trying = answer("SIP/2.0 100 Trying", &["To: Bob <sip:bob@biloxi.example>"]);
    assert_eq!(Dialog::uac(&invite(&[]), &trying, &flow()).unwrap_err(), DialogError::NoTag);
    let mut anonymous = invite(&[]);
    anonymous.headers_mut().remove(&HeaderName::Contact);
    assert_eq!(Dialog::uas(&anonymous, "1", &flow()).unwrap_err(), DialogError::NoContact);
    let mut stranger = invite(&[]);
    stranger.headers_mut().set(HeaderName::CallId, "another");
    let ok = answer("SIP/2.0 200 OK", &[TO_BOB, BOBS_CONTACT]);
    assert_eq!(Dialog::uac(&stranger, &ok, &flow()).unwrap_err(), DialogError::Foreign);
}

#[test]
fn a_caller_of_rfc_2543_has_no_tag_and_still_a_dialog() {
    let mut old = invite(&[]);
    old.headers_mut().set(HeaderName::From, "<sip:alice@atlanta.example>");
    let mut dialog = Dialog::uas(&old, "314159", &flow()).unwrap();
    assert_eq!(dialog.remote_tag(), "");
    assert_eq!(dialog.request(Method::Bye, &via(), None).headers().to().unwrap().tag(), None);
}

#[test]
fn a_dialog_brought_back_from_its_snapshot_goes_on_as_before() {
    let mut dialog = caller(&["Record-Route: <sip:p1.example;lr>"]);
    dialog.request(Method::Info, &via(), None);
    let mut bytes = Vec::new();
    ciborium::into_writer(&dialog, &mut bytes).unwrap();
    let mut heir: Dialog = ciborium::from_reader(bytes.as_slice()).unwrap();
    let next = |dialog: &mut Dialog| dialog.request(Method::Bye, &via(), None).to_bytes();
    assert_eq!(next(&mut dialog), next(&mut heir));
}
