//! Telephones register, are challenged, and are forgotten.
//! It must never look into the switch: what it tells counts.

use crate::harness::Switch;

#[test]
fn a_telephone_registers_with_digest_and_takes_it_back() {
    let switch = Switch::start();
    let bob = switch.telephone("bob").registered();
    assert!(switch.command(&["registrations"]).contains("bob"));
    bob.run("unregister");
    assert!(!switch.command(&["registrations"]).contains("bob"));
    switch.finish();
}

#[test]
fn a_wrong_password_and_an_unknown_user_are_refused_alike() {
    let switch = Switch::start();
    switch.telephone("bob").password("guess").run("register-refused");
    switch.telephone("mallory").run("register-refused");
    assert!(!switch.command(&["registrations"]).contains("mallory"));
    let capture = switch.finish();
    let refusals = capture.rows(&format!("{} && sip.CSeq.seq == 2", capture.our_sip()), &["sip.Status-Code"]);
    let statuses: Vec<&str> = refusals.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(statuses.len(), 2, "{statuses:?}");
    assert_eq!(statuses[0], statuses[1], "the status tells which part was wrong");
}
