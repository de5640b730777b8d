//! Any datagram is read, refused or answered; what was read prints as the bytes that came.
//! Seeds: `tests/torture`.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trunkline::sip::message::{HeaderName, Limits, Message, Rejected};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    match Message::parse(Bytes::copy_from_slice(data), &limits) {
        Ok(message) => {
            let headers = message.headers();
            let _ = (
                headers.vias(),
                headers.from(),
                headers.to(),
                headers.cseq(),
                headers.contacts(),
                headers.routes(),
            );
            let _ = (
                headers.call_id(),
                headers.expires(),
                headers.content_type(),
                headers.digest(&HeaderName::Authorization),
            );
            let printed = message.to_bytes();
            assert!(data.windows(printed.len()).any(|window| window == printed));
            if let Message::Request(request) = &message {
                if let Err(violation) = request.validate() {
                    assert!(Message::parse(violation.response(request).to_bytes(), &limits).is_ok());
                }
                let mut changed = request.clone();
                changed.headers_mut().push(HeaderName::Subject, "changed");
                assert!(Message::parse(changed.to_bytes(), &Limits::NONE).is_ok());
            }
        }
        Err(Rejected::Answer { request, violation }) => {
            assert!(Message::parse(violation.response(&request).to_bytes(), &limits).is_ok());
        }
        Err(Rejected::KeepAlive | Rejected::Discard(_)) => {}
    }
});
