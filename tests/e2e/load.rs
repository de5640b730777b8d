//! Many calls at a time, and nothing left of them.
//! It must never measure: rates and times belong to the benches.

use std::time::Duration;

use crate::harness::{Options, Switch};

const RATE: u32 = 50;
const SECONDS: u32 = 20;

#[test]
fn fifty_calls_a_second_are_all_answered_and_leave_nothing_behind() {
    // 64 · T1 after the last call its transactions are gone: 12.8 seconds here instead of 32.
    let t1 = Duration::from_millis(200);
    let switch = Switch::with(&Options { t1, media_ports: 2000, alone: true, ..Options::default() });
    let bob = switch.telephone("bob").with("ring", 50).registered().calls(RATE * SECONDS, RATE);
    let answered = bob.waits("callee");
    switch.telephone("alice").with("talk", 500).calls(RATE * SECONDS, RATE).dials("caller", "bob").succeeds();
    answered.succeeds();
    switch.is_empty_within(t1 * 64 + Duration::from_secs(10));
    switch.stop().judge();
}
