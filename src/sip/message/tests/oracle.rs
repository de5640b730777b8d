//! The same messages read by `rsip`: on the well-formed IPv4 subset both must see the same.
//! `rsip` must never be the judge where `findings` shows it wrong.

use proptest::prelude::*;
use rsip::headers::ToTypedHeader;
use rsip::prelude::{HasHeaders, HeadersExt, UntypedHeader};

use super::{parse, response};
use crate::sip::message::{HeaderName, Message, Method, StatusCode, Transport};

fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9][a-zA-Z0-9.-]{0,12}[a-zA-Z0-9]"
}

fn behind_the_status(message: &[u8]) -> &[u8] {
    let line = message.iter().position(|byte| *byte == b'\r').unwrap();
    if message.starts_with(b"SIP/") { &message[line..] } else { message }
}

prop_compose! {
    /// A request or response that both parsers accept.
    fn plain()(
        method in prop::sample::select(vec!["INVITE", "BYE", "OPTIONS", "REGISTER", "UPDATE", "REFER"]),
        status in prop::option::of(prop::sample::select(vec![100_u16, 180, 183, 200, 302, 404, 486, 503, 603])),
        user in token(), display in prop::option::of("[a-zA-Z][a-zA-Z .,]{0,12}"), host in "[a-z]{1,8}\\.example",
        tag in token(), to_tag in prop::option::of(token()), branch in token(), call_id in token(),
        cseq in any::<u32>(), hops in any::<u8>(), port in 1_u16.., address in any::<std::net::Ipv4Addr>(),
        transport in prop::sample::select(vec!["UDP", "TCP", "TLS", "WS", "WSS"]), body in "[a-z=0-9\r\n]{0,64}",
    ) -> String {
        let start = match status {
            Some(status) => format!("SIP/2.0 {status} {}", "Whatever"),
            None => format!("{method} sip:{user}@{host}:{port} SIP/2.0"),
        };
        let display = display.map(|display| format!("\"{display}\" ")).unwrap_or_default();
        let to_tag = to_tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
        let length = body.len();
        format!(
            "{start}\r\nVia: SIP/2.0/{transport} {address}:{port};branch=z9hG4bK{branch}\r\nMax-Forwards: {hops}\r\n\
             From: {display}<sip:{user}@{host}>;tag={tag}\r\nTo: <sip:{user}@{host}>{to_tag}\r\n\
             Call-ID: {call_id}@{host}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{user}@{address}:{port}>\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    }
}

proptest! {
    #![proptest_config(super::cases(500))]

    #[test]
    fn both_parsers_see_the_same_in_a_plain_message(text in plain()) {
        let ours = parse(text.clone()).expect("a plain message");
        let theirs = rsip::SipMessage::try_from(text.as_bytes()).expect("a plain message");
        let headers = ours.headers();
        let via = theirs.via_header().unwrap().typed().unwrap();
        let top = headers.top_via().unwrap();
        prop_assert_eq!(top.branch(), via.branch().map(|branch| branch.value()));
        prop_assert_eq!(top.sent_by(), via.uri.host_with_port.to_string());
        prop_assert_eq!(top.transport, Transport::try_from(via.transport).unwrap());
        let from = theirs.from_header().unwrap().typed().unwrap();
        let ours_from = headers.from().unwrap();
        prop_assert_eq!(ours_from.tag(), from.params.iter().find_map(|param| match param {
            rsip::Param::Tag(tag) => Some(tag.value()),
            _ => None,
        }));
        prop_assert_eq!(ours_from.uri.to_string(), from.uri.to_string());
        prop_assert_eq!(
            ours_from.display.map(|display| format!("\"{display}\"")).unwrap_or_default(),
            from.display_name.map(|display| format!("\"{}\"", display.trim_matches('"'))).unwrap_or_default()
        );
        prop_assert_eq!(headers.call_id().unwrap(), theirs.call_id_header().unwrap().value());
        let cseq = theirs.cseq_header().unwrap().typed().unwrap();
        prop_assert_eq!(headers.cseq().unwrap().number, cseq.seq);
        prop_assert_eq!(headers.cseq().unwrap().method, Method::from(cseq.method));
        let contact = theirs.contact_header().unwrap().typed().unwrap();
        prop_assert_eq!(headers.contact().unwrap().unwrap().uri.to_string(), contact.uri.to_string());
        prop_assert_eq!(ours.body(), theirs.body());
        prop_assert_eq!(headers.len(), theirs.headers().iter().count());
    }

    #[test]
    fn a_plain_message_goes_to_rsip_and_back_unchanged(text in plain()) {
        let ours = parse(text).expect("a plain message");
        let theirs = rsip::SipMessage::try_from(&ours).expect("expressible");
        let back = Message::try_from(theirs).expect("expressible");
        prop_assert_eq!(back.headers().cseq(), ours.headers().cseq());
        // rsip writes a reason phrase of its own, without spaces.
        let (back, ours) = (back.to_bytes(), ours.to_bytes());
        prop_assert_eq!(behind_the_status(&back), behind_the_status(&ours));
    }
}

#[test]
fn both_know_the_same_methods_and_status_codes() {
    for method in
        ["INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "INFO", "PRACK", "UPDATE", "REFER"]
    {
        let method: Method = method.parse().unwrap();
        assert_eq!(Method::from(rsip::Method::try_from(&method).unwrap()), method);
    }
    assert!(rsip::Method::try_from(&Method::Other("FOO".into())).is_err());
    for code in 100..700 {
        let status = StatusCode::new(code).unwrap();
        assert_eq!(StatusCode::try_from(rsip::StatusCode::from(status)), Ok(status));
    }
    assert_eq!((StatusCode::new(99), StatusCode::new(700)), (None, None));
}

#[test]
fn what_rsip_cannot_express_is_an_error_and_no_panic() {
    for (_, bytes) in super::torture::all() {
        if let Ok(message) = parse(bytes) {
            let _ = rsip::SipMessage::try_from(&message);
        }
    }
    let ipv6 = parse(super::torture::message("ipv6-good")).unwrap();
    assert!(rsip::SipMessage::try_from(&ipv6).is_err());
    assert_eq!(response(super::torture::message("bcast")).headers().all(&HeaderName::Via).count(), 2);
}
