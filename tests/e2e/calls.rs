//! Two telephones, one call.
//! It must never depend on which side the switch serves first.

use std::time::Duration;

use crate::harness::{Options, Switch};

#[test]
fn the_caller_hangs_up() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller", "bob").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn the_callee_hangs_up() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee-hangs-up");
    switch.telephone("alice").dials("caller-hung-up-on", "bob").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn early_media_is_heard_before_the_answer() {
    let switch = Switch::start();
    let audio = switch.folder().write("early.ulaw", vec![0x20; 16_000]);
    let bob = switch.telephone("bob").with("audio", audio.display()).registered();
    let speaking = bob.waits("callee-early");
    switch.telephone("alice").dials("caller-early", "bob").succeeds();
    speaking.succeeds();
    let capture = switch.finish();
    let answers = capture.rows(
        &format!("{} && sip.Status-Code == 200 && sip.CSeq.method == \"INVITE\"", capture.our_sip()),
        &["frame.number"],
    );
    let answer = &answers.first().expect("the caller was answered")[0];
    let early = capture.count(&format!("{} && rtp && frame.number < {answer}", capture.our_media()));
    assert!(early > 25, "only {early} packets reached the caller before the answer, of 1.5 seconds of sound");
}

#[test]
fn the_caller_holds_and_resumes_by_direction_and_by_address() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller-hold", "bob").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn the_callee_holds_and_resumes() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let holding = bob.waits("callee-holds");
    switch.telephone("alice").with("talk", 2000).dials("caller", "bob").succeeds();
    holding.succeeds();
    switch.finish();
}

#[test]
fn the_caller_gives_up_while_it_rings() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let ringing = bob.waits("callee-cancelled");
    switch.telephone("alice").dials("caller-cancel", "bob").succeeds();
    ringing.succeeds();
    switch.finish();
}

#[test]
fn a_cancel_that_crosses_the_answer_of_the_telephone_ends_with_ack_and_bye() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answering = bob.waits("callee-crossed");
    switch.telephone("alice").dials("caller-cancel", "bob").succeeds();
    answering.succeeds();
    switch.finish();
}

#[test]
fn a_cancel_that_crosses_the_answer_of_the_switch_changes_nothing() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller-cancel-late", "bob").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn a_busy_telephone_is_told_to_the_caller() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").with("status", "486 Busy Here").registered();
    let busy = bob.waits("callee-refuses");
    switch.telephone("alice").with("status", 486).dials("caller-refused", "bob").succeeds();
    busy.succeeds();
    switch.finish();
}

#[test]
fn an_ack_that_comes_late_still_makes_the_call() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").with("deaf", 2000).dials("caller-deaf", "bob").succeeds();
    answered.succeeds();
    let capture = switch.finish();
    let answers = capture.count(&format!(
        "{} && sip.Status-Code == 200 && sip.CSeq.method == \"INVITE\" && sip.CSeq.seq == 2",
        capture.our_sip()
    ));
    assert!(
        answers >= 3,
        "without an ACK the answer is repeated after 0.5 and 1.5 seconds, but it was sent {answers} times"
    );
}

#[test]
fn a_caller_who_never_acknowledges_is_hung_up_on() {
    let switch = Switch::with(&Options { t1: Duration::from_millis(100), ..Options::default() });
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller-vanished", "bob").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn an_answer_that_is_repeated_is_acknowledged_again() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let repeating = bob.waits("callee-repeats");
    switch.telephone("alice").with("talk", 1500).dials("caller", "bob").succeeds();
    repeating.succeeds();
    switch.finish();
}

#[test]
fn a_late_offer_is_answered_with_an_offer() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller-late-offer", "bob").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn a_digit_by_info_is_taken() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller-info", "bob").succeeds();
    answered.succeeds();
    switch.finish();
}
