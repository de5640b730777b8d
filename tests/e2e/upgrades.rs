//! Another binary takes the place of the one that runs, with calls up: nobody hears it, nothing fails.
//! It must never take a crash for an upgrade: not one packet is missing, or the story fails.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use crate::harness::{Capture, Options, Phone, Switch, binary};
use crate::phones::{ALICE, BOB};

const SECOND: Duration = Duration::from_secs(1);

fn supervised() -> Options {
    Options { supervised: true, ..Options::default() }
}

/// Hands over to a copy of the same binary.
fn upgrade(switch: &Switch) {
    let said = switch.command(&["upgrade", &binary().to_string_lossy()]);
    assert!(said.contains("has taken over"), "{said}");
    println!("{said}");
}

fn roll_back(switch: &Switch) {
    let said = switch.command(&["rollback"]);
    assert!(said.contains("has taken over"), "{said}");
    println!("{said}");
}

/// The times between packets of sound of each stream, once it has settled and until somebody holds the call.
fn gaps(capture: &Capture, media: &str) -> String {
    let holds = format!("!({}) && sip.Method == \"INVITE\" && sip.to.tag", capture.our_sip());
    let time = |row: &[String]| row[row.len() - 1].parse::<f64>().expect("a time");
    let end = capture.rows(&holds, &["frame.time_relative"]).first().map_or(f64::MAX, |row| time(row));
    let filter = format!("{media} && rtp && rtp.p_type < 9");
    let mut last = std::collections::BTreeMap::new();
    let mut gaps = Vec::new();
    for row in capture.rows(&filter, &["udp.srcport", "frame.time_relative"]) {
        let time = time(&row);
        let (first, before) = *last.entry(row[0].clone()).or_insert((time, time));
        if before > first + 1.0 && time < end {
            gaps.push(time - before);
        }
        last.insert(row[0].clone(), (first, time));
    }
    gaps.sort_by(f64::total_cmp);
    let at = |share: usize| gaps.get(gaps.len() * share / 100).copied().unwrap_or_default() * 1_000.0;
    let longest = gaps.last().copied().expect("packets") * 1_000.0;
    format!("between packets p50 {:.1} ms, p99 {:.1} ms, at most {longest:.1} ms", at(50), at(99))
}

#[test]
fn two_softphones_hear_nothing_of_five_upgrades_and_five_rollbacks() {
    let switch = Switch::with(&Options { alone: true, ..supervised() });
    let (alice, bob) = (Phone::register(&switch, "alice", ALICE), Phone::register(&switch, "bob", BOB));
    alice.dial("bob");
    bob.talks(15 * SECOND);
    alice.talks(15 * SECOND);
    std::thread::sleep(2 * SECOND);
    for _ in 0..5 {
        upgrade(&switch);
        std::thread::sleep(SECOND);
        roll_back(&switch);
        std::thread::sleep(SECOND);
    }
    alice.command("hold", "");
    std::thread::sleep(SECOND);
    alice.command("resume", "");
    std::thread::sleep(2 * SECOND);
    bob.command("hangup", "");
    alice.is_hung_up(5 * SECOND);
    for (phone, tone) in [(alice, BOB), (bob, ALICE)] {
        assert!(phone.heard().share_of(tone) > 0.95);
    }
    let capture = switch.finish();
    // How long a gap is depends on the machine, too: it is told here and judged by whoever measures.
    for (whose, media) in [("telephones", capture.their_media()), ("switch", capture.our_media())] {
        println!("{whose}: {}", gaps(&capture, &media));
    }
}

#[test]
fn no_call_of_twenty_a_second_fails_while_the_switch_is_upgraded() {
    let t1 = Duration::from_millis(500);
    let switch = Switch::with(&Options { media_ports: 400, ..supervised() });
    let bob = switch.telephone("bob").with("ring", 50).registered().calls(200, 20);
    let answered = bob.waits("callee");
    let calling = switch.telephone("alice").with("talk", 500).calls(200, 20).dials("caller", "bob");
    for _ in 0..2 {
        std::thread::sleep(2 * SECOND);
        upgrade(&switch);
        std::thread::sleep(2 * SECOND);
        roll_back(&switch);
    }
    calling.succeeds();
    answered.succeeds();
    switch.is_empty_within(t1 * 64 + 10 * SECOND);
    switch.stop().judge();
}

/// A program that says yes to every configuration and then does this.
fn impostor(switch: &Switch, name: &str, does: &str) -> PathBuf {
    let script = format!("#!/bin/sh\n[ \"$1\" = check ] && exit 0\n{does}\n");
    switch.folder().write(name, script);
    let path = switch.folder().path().join(name);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&path, mode).expect("it is there");
    path
}

#[test]
fn a_binary_that_is_none_or_never_takes_over_leaves_everything_as_it_was() {
    let switch = Switch::with(&supervised());
    let (alice, bob) = (Phone::register(&switch, "alice", ALICE), Phone::register(&switch, "bob", BOB));
    alice.dial("bob");
    bob.talks(15 * SECOND);
    alice.talks(15 * SECOND);
    let (_, none) = switch.refused(&["rollback"]);
    assert!(none.contains("there was no upgrade"), "{none}");
    let hello =
        |reads| format!("printf 'WH\\243\\147release\\141x\\145reads\\00{reads}\\146writes\\001' >&0; ");
    for (name, does, complaint) in [
        ("leaves", "exit 3".to_owned(), "has ended"),
        ("babbles", "echo hello >&0; exec sleep 60".to_owned(), "cannot be read"),
        // Everything stands still already when these are found out.
        ("dies", hello(1) + "sleep 0.2; exit 3", "has ended"),
        ("hangs", hello(1) + "exec sleep 60", "in time"),
        ("is-old", hello(0) + "exec sleep 60", "reads records up to version 0"),
    ] {
        let path = impostor(&switch, name, &does);
        let (_, said) = switch.refused(&["upgrade", &path.to_string_lossy()]);
        assert!(said.contains(complaint), "{said}");
    }
    alice.command("hold", "");
    std::thread::sleep(SECOND);
    alice.command("resume", "");
    std::thread::sleep(SECOND);
    // What happened since then is in the journals again, or the call would not go on here.
    upgrade(&switch);
    std::thread::sleep(2 * SECOND);
    bob.command("hangup", "");
    alice.is_hung_up(5 * SECOND);
    switch.finish();
}
