//! Panics in the middle of a call: the talkers must not notice.
//! Only a debug build takes the command that causes them.

use std::time::Duration;

use crate::harness::Switch;
use crate::phones::{both_hold_the_tone, connected};

/// The panic comes in the middle of the talk; afterwards the call can still be ended, from this side.
fn survives(what: &str, alice_ends: bool) {
    let switch = Switch::start();
    let (alice, bob) = connected(&switch);
    std::thread::sleep(Duration::from_millis(2500));
    switch.command(&["poison", what, "last"]);
    std::thread::sleep(Duration::from_millis(2500));
    let (ending, other) = if alice_ends { (&alice, &bob) } else { (&bob, &alice) };
    ending.command("hangup", "");
    other.is_hung_up(Duration::from_secs(5));
    let (at_alice, at_bob) = (alice.heard(), bob.heard());
    both_hold_the_tone(&at_alice, &at_bob);
    switch.finish().sound_is_whole();
}

#[test]
fn a_leg_panics_and_the_talkers_do_not_notice() {
    survives("leg", true);
}

#[test]
fn a_call_panics_and_the_talkers_do_not_notice() {
    survives("call", false);
}

#[test]
fn a_shard_panics_and_the_talkers_do_not_notice() {
    survives("shard", true);
}

#[test]
fn after_the_panic_of_a_leg_hold_and_resume_still_work() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    let holding = switch.telephone("alice").dials("caller-hold-later", "bob");
    std::thread::sleep(Duration::from_secs(1));
    switch.command(&["poison", "leg", "last"]);
    holding.succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn past_the_restart_limit_both_sides_are_hung_up_on_and_the_trace_says_why() {
    let switch = Switch::start();
    let (alice, bob) = connected(&switch);
    // A leg comes back three times in ten seconds.
    for _ in 0..4 {
        switch.command(&["poison", "leg", "last"]);
        std::thread::sleep(Duration::from_millis(300));
    }
    for phone in [&alice, &bob] {
        phone.is_hung_up(Duration::from_secs(5));
    }
    let trace = switch.command(&["trace", "last"]).to_lowercase();
    assert!(trace.contains("panic"), "the trace does not tell the cause:\n{trace}");
    switch.finish();
}
