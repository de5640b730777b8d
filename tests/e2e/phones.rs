//! Two softphones that hear each other.
//! It must never take a message for a sound: what was decoded at the far end counts.

use std::time::Duration;

use crate::harness::{Phone, Sound, Switch};

pub const ALICE: f64 = 1000.0;
pub const BOB: f64 = 600.0;
pub const TALK: Duration = Duration::from_secs(5);

#[test]
fn two_softphones_hear_each_other() {
    let switch = Switch::start();
    let (alice, bob) = connected(&switch);
    std::thread::sleep(TALK);
    alice.command("hangup", "");
    bob.is_hung_up(Duration::from_secs(5));
    let (at_alice, at_bob) = (alice.heard(), bob.heard());
    both_hold_the_tone(&at_alice, &at_bob);
    switch.finish();
}

#[test]
fn held_and_resumed_the_softphones_hear_each_other_again() {
    let switch = Switch::start();
    let (alice, bob) = connected(&switch);
    std::thread::sleep(Duration::from_secs(2));
    alice.command("hold", "");
    std::thread::sleep(Duration::from_secs(2));
    alice.command("resume", "");
    std::thread::sleep(Duration::from_secs(3));
    bob.command("hangup", "");
    alice.is_hung_up(Duration::from_secs(5));
    let capture = switch.finish();
    // baresip keeps no recording across a hold: here the wire tells.
    let accepted =
        format!("{} && sip.Status-Code == 200 && sip.CSeq.method == \"INVITE\"", capture.our_sip());
    let resumed = capture.rows(&accepted, &["frame.number"]).pop().expect("the switch accepted to resume");
    let streams = capture.our_streams();
    assert_eq!(streams.len(), 2, "one stream to each: {streams:#?}");
    for stream in &streams {
        let after = format!("rtp && udp.srcport == {} && frame.number > {}", stream.from, resumed[0]);
        let packets = capture.count(&after);
        assert!(packets > 120, "three seconds after the hold, but {packets} packets in {stream:?}");
    }
}

#[test]
fn a_script_greets_and_connects() {
    let switch = Switch::start();
    let (alice, bob) = (Phone::register(&switch, "alice", ALICE), Phone::register(&switch, "bob", BOB));
    alice.dial("202");
    bob.talks(Duration::from_secs(20));
    std::thread::sleep(TALK);
    bob.command("hangup", "");
    alice.is_hung_up(Duration::from_secs(5));
    let (at_alice, at_bob) = (alice.heard(), bob.heard());
    at_bob.holds_tone(ALICE, Duration::from_secs(4));
    let bobs_share = at_alice.share_of(BOB);
    assert!(
        at_alice.audible() > TALK,
        "the greeting and bob, but only {:?} were audible",
        at_alice.audible()
    );
    assert!(
        (0.3..0.97).contains(&bobs_share),
        "the greeting and bob's tone, but the tone is {bobs_share:.2} of it"
    );
    switch.finish();
}

#[test]
fn a_script_plays_and_hangs_up() {
    let switch = Switch::start();
    let alice = Phone::register(&switch, "alice", ALICE);
    alice.dial("205");
    alice.is_hung_up(Duration::from_secs(15));
    let heard = alice.heard();
    heard.holds_tone(1000.0, Duration::from_millis(1800));
    assert!(
        heard.audible() < Duration::from_millis(2400),
        "two seconds were played, {:?} heard",
        heard.audible()
    );
    switch.finish();
}

/// Alice has called bob, and he has answered.
pub fn connected(switch: &Switch) -> (Phone, Phone) {
    let (alice, bob) = (Phone::register(switch, "alice", ALICE), Phone::register(switch, "bob", BOB));
    alice.dial("bob");
    for phone in [&alice, &bob] {
        phone.talks(Duration::from_secs(10));
    }
    (alice, bob)
}

/// Each heard the other's tone almost all the time, without a hole.
pub fn both_hold_the_tone(at_alice: &Sound, at_bob: &Sound) {
    for (heard, tone) in [(at_alice, BOB), (at_bob, ALICE)] {
        heard.holds_tone(tone, TALK - Duration::from_millis(500));
        let gap = heard.longest_gap();
        assert!(gap <= Duration::from_millis(60), "a gap of {gap:?} in {:?}", heard.length());
    }
}
