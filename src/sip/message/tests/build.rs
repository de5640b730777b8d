//! Messages of our own making, and received ones changed.
//! What is built must never hold a line that nobody asked for.

use bytes::Bytes;

use super::{BASIC, invite, parse, request, response};
use crate::sip::message::{
    CSeq, HeaderName, Host, Message, Method, NameAddr, Params, Request, Response, StatusCode, Transport, Uri,
    Via, Violation,
};

fn host(name: &str) -> Host {
    name.parse().unwrap()
}

fn bye() -> Request {
    let mut bye = Request::new(Method::Bye, Uri::sip(Some("bob"), host("192.0.2.4"), Some(5060)));
    let headers = bye.headers_mut();
    headers.push(HeaderName::Via, Via::new(Transport::Udp, host("192.0.2.1"), Some(5060), "z9hG4bK1"));
    headers.push(HeaderName::MaxForwards, 70);
    headers.push(HeaderName::From, NameAddr::new(Uri::sip(Some("a"), host("c.example"), None)).with_tag("1"));
    headers.push(HeaderName::To, NameAddr::new(Uri::sip(Some("b"), host("c.example"), None)).with_tag("2"));
    headers.push(HeaderName::CallId, "x@c.example");
    headers.push(HeaderName::CSeq, CSeq { number: 2, method: Method::Bye });
    bye
}

#[test]
fn a_built_request_is_written_line_by_line_with_its_length() {
    let wanted = "BYE sip:bob@192.0.2.4:5060 SIP/2.0\r\n\
                  Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n\
                  Max-Forwards: 70\r\n\
                  From: <sip:a@c.example>;tag=1\r\n\
                  To: <sip:b@c.example>;tag=2\r\n\
                  Call-ID: x@c.example\r\n\
                  CSeq: 2 BYE\r\n\
                  Content-Length: 0\r\n\r\n";
    assert_eq!(bye().to_bytes(), wanted);
    assert_eq!(bye().validate(), Ok(()));
    assert_eq!(request(wanted), bye());
}

#[test]
fn nothing_breaks_out_of_its_line() {
    let evil = "x\r\nX-Evil: 1\r\n\r\n\0";
    let mut request = bye();
    request.headers_mut().push(HeaderName::Subject, evil);
    request.headers_mut().push(HeaderName::Other(evil.into()), 1);
    request
        .headers_mut()
        .set(HeaderName::From, NameAddr::new(Uri::tel("1")).with_display(evil).with_tag(evil));
    request
        .headers_mut()
        .push(HeaderName::Route, NameAddr::new(Uri::sip(Some(evil), Host::Name(evil.to_owned()), None)));
    request.set_uri(Uri::sip(None, Host::Name(evil.to_owned()), None));
    request.set_body(evil, Bytes::from_static(b"v=0"));
    let text = String::from_utf8(request.to_bytes().to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "v=0");
    assert!(head.split("\r\n").all(|line| !line.starts_with("X-Evil") && !line.contains(['\r', '\n', '\0'])));
    let mut response = Response::with_reason(StatusCode::OK, evil);
    response.set_reason(evil);
    assert_eq!(response.to_bytes().windows(2).filter(|window| window == b"\r\n").count(), 3);
}

#[test]
fn changing_one_header_leaves_the_other_lines_as_they_came() {
    let text = format!(
        "INVITE sip:bob@biloxi.example  SIP/2.0\r\nsUbJect :  odd\r\n  fold\r\n{BASIC}l:3\r\n\r\nabc"
    );
    let received = request(text.replace("  SIP/2.0", " SIP/2.0"));
    let mut forwarded = received.clone();
    forwarded.headers_mut().set(HeaderName::MaxForwards, 69);
    let wanted = text.replace("  SIP/2.0", " SIP/2.0").replace("Max-Forwards: 70", "Max-Forwards: 69");
    assert_eq!(forwarded.to_bytes(), wanted);
    assert_eq!(received.headers().max_forwards(), Ok(Some(70)), "the clone is its own");
    forwarded.set_body("application/sdp", Bytes::from_static(b"v=0\r\n"));
    assert_eq!(forwarded.headers().content_type().as_deref(), Some("application/sdp"));
    assert_eq!(forwarded.headers().content_length(), Ok(Some(5)));
    forwarded.set_body("", Bytes::new());
    assert!(!forwarded.headers().contains(&HeaderName::ContentType));
    forwarded.headers_mut().remove(&HeaderName::ContentLength);
    assert!(forwarded.to_bytes().ends_with(b"\r\nContent-Length: 0\r\n\r\n"));
}

#[test]
fn a_wrong_length_is_not_sent() {
    let mut request = bye();
    request.set_body("text/plain", Bytes::from_static(b"abc"));
    request.headers_mut().set(HeaderName::ContentLength, 7);
    request.headers_mut().push(HeaderName::ContentLength, 8);
    assert_eq!(super::request(request.to_bytes()).body(), "abc");
}

#[test]
fn the_top_via_is_changed_alone() {
    let mut request = invite("");
    request
        .headers_mut()
        .push_front(HeaderName::Via, "SIP/2.0/TCP p.example;branch=z9hG4bKp, SIP/2.0/UDP q.example");
    let mut via = request.headers().top_via().unwrap();
    via.params.set("received", Some("2001:db8::9"));
    via.params.set("rport", Some("4000"));
    request.headers_mut().replace_top_via(&via);
    let vias = request.headers().vias().unwrap();
    assert_eq!((vias.len(), vias[0].rport()), (3, Some(Some(4000))));
    assert_eq!(vias[0].received(), Some("2001:db8::9".parse().unwrap()));
    assert_eq!((vias[1].sent_by().as_str(), vias[2].sent_by().as_str()), ("q.example", "192.0.2.1:5060"));
    for left in [2, 1, 0] {
        request.headers_mut().remove_top_via();
        assert_eq!(request.headers().vias().unwrap().len(), left);
    }
}

#[test]
fn a_response_copies_what_the_rfc_wants_and_tags_once() {
    let invite =
        invite("Timestamp: 54\r\nVia: SIP/2.0/UDP 192.0.2.9\r\nRecord-Route: <sip:p.example;lr>\r\n");
    let trying = invite.response(StatusCode::TRYING);
    assert_eq!(trying.headers().get(&HeaderName::Timestamp).as_deref(), Some("54"));
    assert_eq!(trying.headers().to().unwrap().tag(), None);
    let ok = invite.response_tagged(StatusCode::OK, "us");
    assert!(!ok.headers().contains(&HeaderName::Timestamp));
    assert_eq!(ok.headers().vias().unwrap(), invite.headers().vias().unwrap());
    assert_eq!(ok.headers().to().unwrap().tag(), Some("us"));
    assert_eq!((ok.status(), ok.reason().as_ref()), (StatusCode::OK, "OK"));
    let again = bye().response_tagged(StatusCode::OK, "us");
    assert_eq!(again.headers().to().unwrap().tag(), Some("2"));
    assert_eq!(response(ok.to_bytes()), ok);
    assert!(ok.validate().is_ok());
}

#[test]
fn a_violation_answers_the_same_way_each_time() {
    let request = invite("Require: foo, bar\r\n");
    let violation = Violation::bad_extension(request.unsupported(&["BAR"]));
    let response = violation.response(&request);
    assert_eq!(response.status(), StatusCode::BAD_EXTENSION);
    assert_eq!(response.headers().tokens(&HeaderName::Unsupported), ["foo"]);
    assert_eq!(response, violation.response(&request));
    let other =
        super::request(String::from_utf8(request.to_bytes().to_vec()).unwrap().replace("bK776", "bK777"));
    assert_ne!(violation.response(&other).headers().to(), response.headers().to());
    let refused = Violation::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed").response(&request);
    assert!(refused.headers().tokens(&HeaderName::Allow).contains(&"INVITE".to_owned()));
    let ack = String::from_utf8(request.to_bytes().to_vec()).unwrap().replace("INVITE", "ACK");
    assert!(super::request(ack).unsupported(&[]).is_empty());
}

#[test]
fn snapshots_hold_messages_uris_and_addresses_as_what_they_are() {
    let message = Message::from(invite("Subject: x\r\n"));
    let json = serde_json::to_string(&message).unwrap();
    assert_eq!(serde_json::from_str::<Message>(&json).unwrap(), message);
    let mut cbor = Vec::new();
    ciborium::into_writer(&bye(), &mut cbor).unwrap();
    assert_eq!(ciborium::from_reader::<Request, _>(cbor.as_slice()).unwrap(), bye());
    assert!(ciborium::from_reader::<Response, _>(cbor.as_slice()).is_err());
    let address =
        NameAddr::new(Uri::sip(Some("a b"), host("[::1]"), None)).with_display("A \"B\" \\").with_tag("t");
    let json = serde_json::to_string(&(&address, Transport::Wss, Method::Info, StatusCode::RINGING)).unwrap();
    assert_eq!(json, r#"["\"A \\\"B\\\" \\\\\" <sip:a%20b@[::1]>;tag=t","WSS","INFO",180]"#);
    let back: (NameAddr, Transport, Method, StatusCode) = serde_json::from_str(&json).unwrap();
    assert_eq!(back, (address, Transport::Wss, Method::Info, StatusCode::RINGING));
    let salvaged = parse(format!("INVITE <sip:x> SIP/2.0\r\n{BASIC}\r\n"));
    let Err(crate::sip::message::Rejected::Answer { request, .. }) = salvaged else { panic!("not salvaged") };
    let json = serde_json::to_string(&*request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), *request);
}

#[test]
fn parameters_are_set_in_place_and_quoted_when_they_must_be() {
    let mut params = Params::new();
    params.set("a", Some("1"));
    params.set("b", None);
    params.set("c", Some("x;y=\"z\\\""));
    params.set("A", Some("[::1]:5060"));
    assert_eq!(params.to_string(), ";A=[::1]:5060;b;c=\"x;y=\\\"z\\\\\\\"\"");
    assert_eq!(params.unquoted("C").as_deref(), Some("x;y=\"z\\\""));
    assert_eq!(params.get("b"), Some(None));
    assert_eq!(params.iter().count(), 3);
    params.remove("B");
    assert!(!params.contains("b") && params.contains("c"));
}
