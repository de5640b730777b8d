//! TCP and TLS: the same calls over connections.
//! It must never forget that TLS hides from the judges what goes over it: sound counts there.

use std::time::Duration;

use crate::harness::{Options, Phone, Switch};
use crate::phones::{ALICE, BOB, TALK, both_hold_the_tone};

fn switch() -> Switch {
    Switch::with(&Options { streams: true, ..Options::default() })
}

#[test]
fn a_call_over_tcp_hears_the_announcement() {
    let switch = switch();
    switch.telephone("alice").over_tcp().dials("caller-listens", "205").succeeds();
    let capture = switch.finish();
    let answers = format!("{} && tcp && sip.Status-Code == 200", capture.our_sip());
    assert!(capture.count(&answers) >= 1, "the answer went over TCP");
}

#[test]
fn a_telephone_whose_connection_is_gone_is_called_at_its_contact() {
    let switch = switch();
    // sipp registers and ends; the telephone that waits for the call is another process at the same port.
    let bob = switch.telephone("bob").over_tcp().registered();
    let answered = bob.waits("callee");
    switch.telephone("alice").dials("caller", "bob").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn a_telephone_on_tcp_and_one_on_tls_hear_each_other() {
    let switch = switch();
    let alice = Phone::register_over(&switch, "tcp", "alice", ALICE);
    let bob = Phone::register_over(&switch, "tls", "bob", BOB);
    let registrations = switch.json(&["registrations"]);
    let transports: Vec<&str> = registrations
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|phone| phone["transport"].as_str())
        .collect();
    assert_eq!(transports, ["TCP", "TLS"], "{registrations}");
    alice.dial("bob");
    [&alice, &bob].iter().for_each(|phone| phone.talks(Duration::from_secs(10)));
    std::thread::sleep(TALK);
    bob.command("hangup", "");
    alice.is_hung_up(Duration::from_secs(5));
    let (at_alice, at_bob) = (alice.heard(), bob.heard());
    both_hold_the_tone(&at_alice, &at_bob);
    switch.finish();
}

#[test]
fn a_telephone_on_udp_calls_one_on_tls() {
    let switch = switch();
    let alice = Phone::register(&switch, "alice", ALICE);
    let bob = Phone::register_over(&switch, "tls", "bob", BOB);
    alice.dial("bob");
    [&alice, &bob].iter().for_each(|phone| phone.talks(Duration::from_secs(10)));
    std::thread::sleep(TALK);
    alice.command("hangup", "");
    bob.is_hung_up(Duration::from_secs(5));
    let (at_alice, at_bob) = (alice.heard(), bob.heard());
    both_hold_the_tone(&at_alice, &at_bob);
    switch.finish();
}
