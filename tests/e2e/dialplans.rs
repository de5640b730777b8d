//! The demo dialplan, as a newcomer dials it.
//! It must never know a script: the numbers in `dialplans/routes.toml` are dialled, whatever they are.

use std::path::Path;
use std::time::Duration;

use crate::harness::{Options, Phone, Switch};

const ALICE: f64 = 1000.0;

fn demo() -> Options {
    let dialplan = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans");
    Options { dialplan, media_ports: 80, ..Options::default() }
}

#[test]
fn every_number_answers_and_is_heard() {
    let options = demo();
    let routes = std::fs::read_to_string(options.dialplan.join("routes.toml")).expect("the demo has routes");
    // A number, and whether anybody may dial it.
    let numbers: Vec<(&str, bool)> = routes
        .split("[[route]]")
        .filter_map(|route| {
            let number = route.lines().find_map(|line| line.strip_prefix("number"))?;
            let is_public = route.lines().any(|line| line.trim() == "public = true");
            Some((number.split('"').nth(1)?, is_public))
        })
        .collect();
    assert!(numbers.len() >= 3, "an echo test, a greeting and a user: {numbers:?}");
    let switch = Switch::with(&options);
    let phones = ["alice", "bob", "carol"].map(|user| Phone::register(&switch, user, ALICE));
    let caller = switch.telephone("carol");
    for (number, is_public) in &numbers {
        let scenario = if *is_public { "caller-listens-open" } else { "caller-listens" };
        caller.dials(scenario, number).succeeds();
    }
    drop(phones);
    let capture = switch.stop();
    capture.judge();
    let streams = capture.our_streams();
    assert!(
        streams.len() >= numbers.len(),
        "{} numbers, but {} streams of sound",
        numbers.len(),
        streams.len()
    );
}

#[test]
fn the_echo_test_gives_back_what_it_hears() {
    let switch = Switch::with(&demo());
    let alice = Phone::register(&switch, "alice", ALICE);
    alice.dial("100");
    alice.talks(Duration::from_secs(10));
    std::thread::sleep(Duration::from_secs(6));
    alice.command("hangup", "");
    let heard = alice.heard();
    // A few words come first.
    let share = heard.share_of(ALICE);
    assert!(share > 0.5, "only {share:.2} of {:?} is her own tone", heard.audible());
    assert!(heard.audible() > Duration::from_secs(3), "only {:?} audible", heard.audible());
    switch.finish();
}

#[test]
fn the_greeting_is_spoken() {
    let switch = Switch::with(&demo());
    let alice = Phone::register(&switch, "alice", ALICE);
    alice.dial("101");
    alice.is_hung_up(Duration::from_secs(60));
    let heard = alice.heard();
    assert!(
        heard.audible() > Duration::from_secs(1),
        "only {:?} of {:?} audible",
        heard.audible(),
        heard.length()
    );
    switch.finish();
}
