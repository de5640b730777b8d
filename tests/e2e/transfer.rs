//! Softphones that are transferred by the key of one of them.
//! It must never take a message for a transfer: who hears whose tone in the end counts.

use std::time::Duration;

use crate::harness::{Phone, Switch};

const ALICE: f64 = 1000.0;
const BOB: f64 = 600.0;
const CAROL: f64 = 1400.0;
const TALK: Duration = Duration::from_secs(5);

/// Three softphones, of which alice has called bob.
fn cast(switch: &Switch) -> [Phone; 3] {
    let phones = [("alice", ALICE), ("bob", BOB), ("carol", CAROL)]
        .map(|(user, tone)| Phone::register(switch, user, tone));
    let [alice, bob, _] = &phones;
    alice.dial("bob");
    alice.talks(Duration::from_secs(15));
    bob.talks(Duration::from_secs(15));
    std::thread::sleep(Duration::from_secs(2));
    phones
}

#[test]
fn a_callee_transfers_the_caller_who_then_talks_with_somebody_else() {
    let switch = Switch::start();
    let [alice, bob, carol] = cast(&switch);
    bob.command("transfer", &format!("sip:carol@{}", switch.address()));
    carol.talks(Duration::from_secs(15));
    bob.is_hung_up(Duration::from_secs(10));
    std::thread::sleep(TALK);
    carol.command("hangup", "");
    alice.is_hung_up(Duration::from_secs(10));
    carol.heard().holds_tone(ALICE, Duration::from_secs(4));
    let heard = alice.heard();
    let (bobs, carols) = (heard.share_of(BOB), heard.share_of(CAROL));
    assert!(bobs > 0.1 && carols > 0.4, "first bob, then carol, but {bobs:.2} and {carols:.2}");
    switch.finish();
}

#[test]
fn a_caller_transfers_the_callee_who_talks_on_without_it() {
    let switch = Switch::start();
    let [alice, bob, carol] = cast(&switch);
    alice.command("transfer", &format!("sip:carol@{}", switch.address()));
    carol.talks(Duration::from_secs(15));
    alice.is_hung_up(Duration::from_secs(10));
    std::thread::sleep(TALK);
    bob.command("hangup", "");
    carol.is_hung_up(Duration::from_secs(10));
    carol.heard().holds_tone(BOB, Duration::from_secs(4));
    let carols = bob.heard().share_of(CAROL);
    assert!(carols > 0.4, "carol from then on, but {carols:.2}");
    switch.finish();
}

#[test]
fn a_transfer_to_nobody_is_told_to_whoever_wanted_it() {
    let switch = Switch::start();
    let [alice, bob, _carol] = cast(&switch);
    bob.command("transfer", &format!("sip:nobody@{}", switch.address()));
    // That it hangs up when it hears of a failure is this softphone's own way.
    bob.is_hung_up(Duration::from_secs(10));
    alice.is_hung_up(Duration::from_secs(10));
    let capture = switch.finish();
    let told = capture.count(&format!(
        "{} && sip.Method == \"NOTIFY\" && frame contains \"SIP/2.0 404\"",
        capture.our_sip()
    ));
    assert_eq!(told, 1);
    let byes = capture.rows(&format!("{} && sip.Method == \"BYE\"", capture.our_sip()), &["frame.number"]);
    assert_eq!(byes.len(), 1, "the switch hangs up on alice alone: {byes:?}");
}
