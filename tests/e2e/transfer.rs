//! Softphones that are transferred by the key of one of them.
//! It must never take a message for a transfer: who hears whose tone in the end counts.

use std::time::Duration;

use crate::harness::{Capture, Options, Phone, Switch};

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
    let trace = switch.command(&["trace", "last"]);
    let lines = ["transfers the call to carol", "takes the place of bob"];
    assert!(lines.iter().all(|line| trace.contains(line)), "{trace}");
    carol.heard().holds_tone(ALICE, Duration::from_secs(4));
    let heard = alice.heard();
    let (bobs, carols) = (heard.share_of(BOB), heard.share_of(CAROL));
    assert!(bobs > 0.1 && carols > 0.4, "first bob, then carol, but {bobs:.2} and {carols:.2}");
    let capture = switch.finish();
    let told = told(&capture);
    let (first, last) = (told.first().map(String::as_str), told.last().map(String::as_str));
    assert_eq!((first, last), (Some("SIP/2.0 100 Trying"), Some("SIP/2.0 200 OK")));
    // Softphones that answer at once need not ring.
    assert!(told.len() <= 3, "{told:?}");
    let invited =
        format!("{} && sip.Method == \"INVITE\" && sip.Referred-by contains \"sip:bob@\"", capture.our_sip());
    assert_eq!(capture.count(&invited), 1, "carol learns who has sent alice");
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

#[test]
fn a_telephone_with_two_lines_joins_whom_it_talks_with_on_both() {
    two_lines_become_one(Switch::start());
}

#[test]
fn calls_and_sounds_of_different_threads_are_joined() {
    // Of three threads two calls share one in one story of three only.
    two_lines_become_one(Switch::with(&Options { threads: Some(3), ..Options::default() }));
}

fn two_lines_become_one(switch: Switch) {
    let [alice, bob, carol] = cast(&switch);
    let second = Phone::second(&switch, "alice", ALICE);
    second.dial("carol");
    second.talks(Duration::from_secs(15));
    carol.talks(Duration::from_secs(15));
    std::thread::sleep(Duration::from_secs(2));
    alice.command("transfer", &format!("<sip:carol@{}?Replaces={}>", switch.address(), second.dialog()));
    alice.is_hung_up(Duration::from_secs(10));
    second.is_hung_up(Duration::from_secs(10));
    std::thread::sleep(TALK);
    let trace = switch.command(&["trace", "last"]);
    bob.command("hangup", "");
    carol.is_hung_up(Duration::from_secs(10));
    for (phone, other) in [(bob, CAROL), (carol, BOB)] {
        let heard = phone.heard();
        let (alices, others) = (heard.share_of(ALICE), heard.share_of(other));
        assert!(alices > 0.1 && others > 0.5, "first alice, then the other, but {alices:.2} and {others:.2}");
    }
    let capture = switch.finish();
    assert_eq!(told(&capture), ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
    let lines = ["takes the place of", "is joined with another call"];
    assert!(lines.iter().all(|line| trace.contains(line)), "{trace}");
}

#[test]
fn whom_two_lines_have_joined_may_transfer_each_other_further() {
    let switch = Switch::start();
    let [alice, bob, carol] = cast(&switch);
    let second = Phone::second(&switch, "alice", ALICE);
    second.dial("carol");
    second.talks(Duration::from_secs(15));
    carol.talks(Duration::from_secs(15));
    std::thread::sleep(Duration::from_secs(2));
    alice.command("transfer", &format!("<sip:carol@{}?Replaces={}>", switch.address(), second.dialog()));
    alice.is_hung_up(Duration::from_secs(10));
    second.is_hung_up(Duration::from_secs(10));
    std::thread::sleep(TALK);
    bob.command("transfer", &format!("sip:alice@{}", switch.address()));
    bob.is_hung_up(Duration::from_secs(10));
    std::thread::sleep(TALK);
    carol.command("hangup", "");
    carol.is_hung_up(Duration::from_secs(10));
    let heard = carol.heard();
    let (alices, bobs) = (heard.share_of(ALICE), heard.share_of(BOB));
    assert!(alices > 0.4 && bobs > 0.2, "alice, bob, and alice again, but {alices:.2} and {bobs:.2}");
    let capture = switch.finish();
    let told = told(&capture);
    assert_eq!(told.last().map(String::as_str), Some("SIP/2.0 200 OK"), "{told:?}");
    assert_eq!(told.iter().filter(|line| line.ends_with("200 OK")).count(), 2, "{told:?}");
}

#[test]
fn a_callee_transfers_the_caller_to_a_number_of_the_dialplan() {
    let switch = Switch::start();
    let [alice, bob, _carol] = cast(&switch);
    bob.command("transfer", &format!("sip:205@{}", switch.address()));
    bob.is_hung_up(Duration::from_secs(10));
    // Two seconds of a tone are all that there is.
    alice.is_hung_up(Duration::from_secs(15));
    let trace = switch.command(&["trace", "last"]);
    let heard = alice.heard();
    let (bobs, tone) = (heard.share_of(BOB), heard.share_of(1000.0));
    assert!(bobs > 0.2 && tone > 0.2, "first bob, then the tone, but {bobs:.2} and {tone:.2}: {trace}");
    let capture = switch.finish();
    assert_eq!(told(&capture), ["SIP/2.0 100 Trying", "SIP/2.0 200 OK"]);
}

/// What the switch told whoever asked for a transfer.
fn told(capture: &Capture) -> Vec<String> {
    let notified = format!("{} && sip.Method == \"NOTIFY\"", capture.our_sip());
    capture.rows(&notified, &["sipfrag.line"]).into_iter().map(|row| row.concat()).collect()
}

/// Fails unless bob's tone still went to whoever asked, after the last that it was told.
fn is_given_back(capture: &Capture) {
    let notified = format!("{} && sip.Method == \"NOTIFY\"", capture.our_sip());
    let last = capture.rows(&notified, &["frame.number", "udp.dstport"]).pop().expect("it was told");
    let sound = format!("{} && rtp.p_type == 0 && frame.number > {}", capture.our_media(), last[0]);
    let is_tone = format!("{sound} && !(rtp.payload[0:4] == ff:ff:ff:ff)");
    let frames = capture.count(&is_tone);
    assert!(frames > 100, "three seconds of talk, but {frames} frames of it");
}

#[test]
fn a_transfer_to_somebody_who_is_busy_gives_the_call_back() {
    let switch = Switch::start();
    let bob = Phone::register(&switch, "bob", BOB);
    let carol = switch.telephone("carol").with("status", "486 Busy Here").registered();
    let busy = carol.waits("callee-refuses");
    let alice = switch.telephone("alice").with("target", "carol").with("status", 486).with("talk", 3000);
    alice.dials("caller-refers", "bob").succeeds();
    busy.succeeds();
    bob.is_hung_up(Duration::from_secs(5));
    let trace = switch.command(&["trace", "last"]);
    assert!(trace.contains("transfers the call to") && trace.contains("nobody takes the place"), "{trace}");
    let capture = switch.finish();
    assert_eq!(told(&capture), ["SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 486 Busy Here"]);
    is_given_back(&capture);
}

#[test]
fn a_stranger_may_transfer_to_nobody_whom_it_may_not_call() {
    let switch = Switch::start();
    let bob = Phone::register(&switch, "bob", BOB);
    let carol = Phone::register(&switch, "carol", CAROL);
    let stranger = switch.telephone("mallory").with("target", "carol").with("status", 404).with("talk", 3000);
    stranger.dials("stranger-refers", "200").succeeds();
    bob.is_hung_up(Duration::from_secs(5));
    assert!(!carol.rang(), "a stranger had carol called");
    let capture = switch.finish();
    assert_eq!(told(&capture), ["SIP/2.0 100 Trying", "SIP/2.0 404 Not Found"]);
    is_given_back(&capture);
}

#[test]
fn nobody_is_called_for_who_is_in_no_call() {
    let switch = Switch::start();
    let probe = switch.probe();
    probe.send(probe.request("REFER", "bob", "refer", "Refer-To: <sip:carol@127.0.0.1>\r\n"));
    assert_eq!(probe.final_status(Duration::from_secs(2)), Some(403));
    switch.finish();
}
