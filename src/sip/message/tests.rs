//! Tests of the whole message layer; what tests one file only stands beside it.
//! They must never sleep or draw chance without a seed.

mod build;
mod findings;
mod oracle;
mod properties;
mod torture;

use bytes::Bytes;

use super::{Limits, Message, Rejected, Request, Response};

/// Headers that make any INVITE valid.
const BASIC: &str = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776;rport\r\n\
    Max-Forwards: 70\r\n\
    From: \"Alice\" <sip:alice@atlanta.example>;tag=1928301774\r\n\
    To: <sip:bob@biloxi.example>\r\n\
    Call-ID: a84b4c76e66710@192.0.2.1\r\n\
    CSeq: 314159 INVITE\r\n";

/// At least so many cases, more if `PROPTEST_CASES` says so. A failing one is printed; no file is left behind.
fn cases(least: u32) -> proptest::test_runner::Config {
    let config = proptest::test_runner::Config::default();
    proptest::test_runner::Config { cases: config.cases.max(least), failure_persistence: None, ..config }
}

fn parse(message: impl Into<Bytes>) -> Result<Message, Rejected> {
    Message::parse(message.into(), &Limits::default())
}

fn request(message: impl Into<Bytes>) -> Request {
    match parse(message) {
        Ok(Message::Request(request)) => request,
        other => panic!("no request but {other:?}"),
    }
}

fn response(message: impl Into<Bytes>) -> Response {
    match parse(message) {
        Ok(Message::Response(response)) => response,
        other => panic!("no response but {other:?}"),
    }
}

/// An INVITE with these header lines behind the basic ones.
fn invite(lines: &str) -> Request {
    request(format!("INVITE sip:bob@biloxi.example SIP/2.0\r\n{BASIC}{lines}\r\n"))
}

/// What a server does with these bytes, in a word: `accept`, `discard`, `keep-alive`, or the status and its reason.
fn verdict(message: impl Into<Bytes>) -> String {
    let refused = |status: super::StatusCode, reason: &str| format!("{status} {reason}");
    match parse(message) {
        Ok(Message::Request(request)) => match request.validate() {
            Ok(()) => "accept".to_owned(),
            Err(violation) => refused(violation.status, &violation.reason),
        },
        Ok(Message::Response(response)) => match response.validate() {
            Ok(()) => "accept".to_owned(),
            Err(_) => "discard".to_owned(),
        },
        Err(Rejected::KeepAlive) => "keep-alive".to_owned(),
        Err(Rejected::Discard(_)) => "discard".to_owned(),
        Err(Rejected::Answer { violation, .. }) => refused(violation.status, &violation.reason),
    }
}
