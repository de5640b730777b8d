//! The demo dialplan, as a newcomer dials it.
//! It must never know a script: the numbers in `dialplans/routes.toml` are dialled, whatever they are.

use std::path::Path;
use std::time::Duration;

use crate::harness::{Options, Phone, Sound, Switch, eventually};
use crate::phones::{ALICE, BOB};

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

#[test]
fn the_menu_leads_by_a_key_to_the_voicemail_which_keeps_what_was_said() {
    let switch = Switch::with(&demo());
    let alice = Phone::register(&switch, "alice", ALICE);
    alice.dial("300");
    alice.talks(Duration::from_secs(10));
    std::thread::sleep(Duration::from_secs(2));
    // Before the last word of the menu.
    alice.press('2');
    let recordings = switch.folder().path().join("data/recordings");
    let file = || {
        let mut files = std::fs::read_dir(&recordings).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        files.find(|file| file.metadata().is_ok_and(|file| file.len() > 44 + 3 * 16_000))
    };
    eventually("three seconds are recorded", Duration::from_secs(30), || file().is_some());
    alice.press('#');
    alice.is_hung_up(Duration::from_secs(20));
    let message = Sound::read(&file().expect("it is kept"));
    message.holds_tone(ALICE, Duration::from_secs(3));
    let heard = alice.heard();
    let sentences = [
        "Nobody is here right now. Please leave a message after the beep.",
        "Thank you. Your message is kept. Goodbye.",
    ];
    let places = sentences.map(|sentence| heard.find(&Sound::spoken(sentence)));
    assert!(places.iter().all(|(_, likeness)| *likeness > 0.9) && places[0].0 < places[1].0, "{places:?}");
    switch.finish();
}

#[test]
fn bob_is_asked_before_he_is_joined() {
    let switch = Switch::with(&demo());
    let (alice, bob) = (Phone::register(&switch, "alice", ALICE), Phone::register(&switch, "bob", BOB));
    let question = Sound::spoken("There is a call for you. Press any key to take it.");
    alice.dial("304");
    bob.talks(Duration::from_secs(10));
    std::thread::sleep(question.length() + Duration::from_secs(1));
    bob.press('7');
    std::thread::sleep(Duration::from_secs(4));
    alice.command("hangup", "");
    bob.is_hung_up(Duration::from_secs(5));
    let (at_alice, at_bob) = (alice.heard(), bob.heard());
    let (asked, welcome) = (at_bob.find(&question), at_bob.find(&Sound::spoken("Here you are.")));
    assert!(asked.1 > 0.9 && welcome.1 > 0.9 && asked.0 < welcome.0, "{asked:?} {welcome:?}");
    // Until then he heard nothing of her.
    assert!(
        at_bob.cut(Duration::ZERO, welcome.0).share_of(ALICE) < 0.2,
        "bob heard alice before he took the call"
    );
    at_bob
        .cut(welcome.0 + Duration::from_millis(1500), at_bob.length())
        .holds_tone(ALICE, Duration::from_secs(2));
    at_alice
        .cut(at_alice.length() - Duration::from_secs(2), at_alice.length())
        .holds_tone(BOB, Duration::from_secs(1));
    switch.finish();
}
