//! Stories of two parties that negotiate.
//! Must never look inside the machine: only descriptions and agreements count.

use bytes::Bytes;

use super::{Agreed, Capabilities, Direction, Local, Negotiation, NegotiationError, Obstacle, SdpError};
use crate::codec::Codec;

mod answering;
mod devices;
mod direction;
mod hostile;
mod offering;
mod version;

/// A switch at 192.0.2.10 that prefers µ-law.
fn switch() -> Negotiation {
    Negotiation::new(77, at("192.0.2.10:4000", "192.0.2.10:4001"), both_codecs())
}

fn at(rtp: &str, rtcp: &str) -> Local {
    Local { rtp: rtp.parse().unwrap(), rtcp: rtcp.parse().unwrap() }
}

fn both_codecs() -> Capabilities {
    Capabilities { codecs: vec![Codec::Pcmu, Codec::Pcma], telephone_event: true, ptime_ms: 20 }
}

/// A description of a phone at 198.51.100.7, from the streams on.
fn phone(streams: &str) -> Vec<u8> {
    let head = "v=0\no=phone 1 1 IN IP4 198.51.100.7\ns=call\nc=IN IP4 198.51.100.7\nt=0 0\n";
    format!("{head}{streams}").replace('\n', "\r\n").into_bytes()
}

/// The lines of a description that start with `prefix`.
fn lines(text: &Bytes, prefix: &str) -> Vec<String> {
    let text = std::str::from_utf8(text).unwrap();
    text.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
}

/// The version in `o=`.
fn version(text: &Bytes) -> u64 {
    lines(text, "o=")[0].split(' ').nth(2).unwrap().parse().unwrap()
}

/// The description from the m-lines on, which is all that versions are about here.
fn streams(text: &Bytes) -> String {
    let text = std::str::from_utf8(text).unwrap();
    text[text.find("m=").unwrap()..].to_owned()
}

/// The switch after its offer was answered by `streams`.
fn called(streams: &str) -> (Negotiation, Agreed) {
    let mut switch = switch();
    switch.offer().unwrap();
    let agreed = switch.on_answer(&phone(streams)).unwrap();
    (switch, agreed)
}

/// The switch after it answered an offer of `streams`.
fn was_called(streams: &str) -> (Negotiation, Bytes, Agreed) {
    let mut switch = switch();
    let (answer, agreed) = switch.on_offer(&phone(streams)).unwrap();
    (switch, answer, agreed)
}

/// Why the switch refuses an offer; whatever the reason, it is as it was before.
fn refusal(switch: &mut Negotiation, sdp: &[u8]) -> NegotiationError {
    let before = switch.clone();
    let error = switch.on_offer(sdp).unwrap_err();
    assert_eq!(*switch, before, "a refused offer changes nothing");
    error
}
