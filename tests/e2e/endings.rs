//! Calls that reach nobody, or nobody in time.
//! It must never leave a caller without an answer.

use std::time::Duration;

use crate::harness::{Options, Switch};

#[test]
fn nobody_answers_and_the_script_gives_up() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let ringing = bob.waits("callee-cancelled");
    // The script has no more verbs: the caller, whom it had answered to let them hear the ringing, is hung up on.
    switch.telephone("alice").dials("caller-hung-up-on", "201").succeeds();
    ringing.succeeds();
    switch.finish();
}

#[test]
fn a_declined_call_is_declined_to_the_caller() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").with("status", "603 Decline").registered();
    let declining = bob.waits("callee-refuses");
    switch.telephone("alice").with("status", 603).dials("caller-refused", "bob").succeeds();
    declining.succeeds();
    switch.finish();
}

#[test]
fn an_unknown_number_is_not_found() {
    let switch = Switch::start();
    switch.telephone("alice").with("status", 404).dials("caller-refused", "999").succeeds();
    switch.finish();
}

#[test]
fn a_user_without_a_telephone_is_unavailable() {
    let switch = Switch::start();
    switch.telephone("alice").with("status", 480).dials("caller-refused", "bob").succeeds();
    switch.finish();
}

#[test]
fn a_telephone_that_is_gone_is_noticed_at_once() {
    let switch = Switch::start();
    switch.telephone("bob").registered();
    // Nothing listens there any more: the kernel tells, long before a timer would.
    let probe = switch.probe();
    probe.send(probe.request("INVITE", "200", "gone", ""));
    let status = probe.final_status(Duration::from_secs(3));
    assert!(status.is_some_and(|status| status >= 400), "{status:?} within three seconds");
    switch.stop();
}

#[test]
fn a_call_for_which_no_port_is_left_is_refused_early() {
    // Two pairs: one call.
    let switch = Switch::with(&Options { media_ports: 4, ..Options::default() });
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    let talking = switch.telephone("alice").with("talk", 3000).dials("caller", "bob");
    std::thread::sleep(Duration::from_secs(1));
    switch.telephone("carol").with("status", 503).dials("caller-refused", "bob").succeeds();
    talking.succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn a_broken_script_apologises_and_says_where_it_is_broken() {
    let switch = Switch::start();
    switch.telephone("alice").dials("caller-hung-up-on", "204").succeeds();
    let trace = switch.command(&["trace", "last"]);
    assert!(trace.contains("line 3"), "the trace does not name the line of the mistake:\n{trace}");
    switch.finish();
}

#[test]
fn a_switch_that_is_told_to_stop_ends_its_calls_and_then_itself() {
    let switch = Switch::start();
    let (alice, bob) = crate::phones::connected(&switch);
    let capture = switch.stop_with_calls();
    for phone in [alice, bob] {
        phone.is_hung_up(Duration::from_secs(2));
    }
    assert_eq!(capture.count("sip.Method == \"BYE\""), 2, "each side is told");
}

#[test]
fn a_switch_that_is_told_twice_stops_at_once() {
    let switch = Switch::start();
    // It takes the answer and never says a word again: the BYE would be repeated for half a minute.
    let probe = switch.probe();
    probe.send(probe.request("INVITE", "203", "mute", ""));
    assert_eq!(probe.final_status(Duration::from_secs(5)), Some(200));
    switch.stop_twice(Duration::from_secs(2));
}
