//! What no well-behaved peer says: answered as the RFC wants, or counted and dropped.
//! It must never bring the switch down, nor make it grow.

use std::time::Duration;

use crate::harness::{Probe, Switch};

const SOON: Duration = Duration::from_secs(2);

fn status_of(probe: &Probe, text: &str) -> Option<u16> {
    probe.send(text);
    probe.final_status(SOON)
}

#[test]
fn a_request_that_can_be_understood_in_part_gets_the_response_that_says_what_is_wrong() {
    let switch = Switch::start();
    let probe = switch.probe();
    let good = |method: &str, id: &str| probe.request(method, "203", id, "");
    let cases = [
        (400, good("OPTIONS", "bad-cseq").replace("CSeq: 1 OPTIONS", "CSeq: one OPTIONS")),
        (400, good("OPTIONS", "length").replace("Content-Length: 0", "Content-Length: 999")),
        (416, good("OPTIONS", "scheme").replace("OPTIONS sip:", "OPTIONS nobody-knows:")),
        (420, probe.request("OPTIONS", "203", "extension", "Require: teleportation\r\n")),
        (481, good("BYE", "no-call").replace(">\r\nCall-ID", ">;tag=x\r\nCall-ID")),
        (505, good("OPTIONS", "version").replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia")),
    ];
    for (wanted, text) in cases {
        assert_eq!(status_of(&probe, &text), Some(wanted), "to\n{text}");
    }
    switch.finish();
}

#[test]
fn an_unknown_method_is_not_allowed_or_not_implemented() {
    let switch = Switch::start();
    let probe = switch.probe();
    let status = status_of(&probe, &probe.request("TELEPORT", "203", "method", ""));
    assert!(matches!(status, Some(405 | 501)), "{status:?}");
    switch.finish();
}

#[test]
fn noise_is_dropped_and_the_switch_still_answers() {
    let switch = Switch::start();
    let probe = switch.probe();
    let whole = probe.request("INVITE", "203", "cut", "");
    for length in 0..whole.len().min(200) {
        probe.send(&whole.as_bytes()[..length]);
    }
    // A fixed generator: the same noise in each run.
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for _ in 0..500 {
        let noise: Vec<u8> = (0..state % 1200)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            })
            .collect();
        probe.send(noise);
        state = state.wrapping_add(1);
    }
    let other = switch.probe();
    assert_eq!(status_of(&other, &other.request("OPTIONS", "203", "after", "")), Some(200));
    switch.finish();
}

#[test]
fn a_stranger_reaches_only_what_is_public() {
    let switch = Switch::start();
    let probe = switch.probe();
    for number in ["bob", "201"] {
        let status = status_of(&probe, &probe.request("INVITE", number, &format!("stranger-{number}"), ""));
        assert!(matches!(status, Some(401 | 403 | 407)), "{number}: {status:?}");
    }
    switch.stop();
}
