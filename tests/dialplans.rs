//! The demo dialplan, executed: every route leads somewhere and every script runs to its end.
//! It must never need a network or a telephone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use trunkline::routing::{Caller, Routes, Target};
use trunkline::twiml::{Action, DialStatus, Document, Outcome, Script};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans")
}

fn routes() -> Routes {
    let text = fs::read_to_string(folder().join("routes.toml")).expect("the demo has routes");
    Routes::parse(&text).expect("valid routes")
}

fn is_user(name: &str) -> bool {
    ["alice", "bob", "carol"].contains(&name)
}

/// Runs a script of the demo, with every step going well; the steps in a few words.
fn run(file: &str) -> Vec<String> {
    let xml = fs::read(folder().join(file)).expect(file);
    let parsed = Document::parse(&xml).expect(file);
    assert_eq!(parsed.warnings, [], "{file}");
    let mut script = Script::new(parsed.document);
    let mut steps = Vec::new();
    loop {
        let (step, outcome) = match script.action() {
            Action::Say { activity, language, .. } => (format!("say {language}"), Outcome::Done { activity }),
            Action::Play { activity, source, loops } => {
                let audio = fs::read(folder().join(&source)).expect(&source);
                assert!(audio.starts_with(b"RIFF"), "{source}");
                (format!("play {source} {loops}"), Outcome::Done { activity })
            }
            Action::Pause { activity, seconds } => (format!("pause {seconds}"), Outcome::Done { activity }),
            Action::Echo { activity } => ("echo".into(), Outcome::Done { activity }),
            Action::Dial { activity, dial } => {
                let how = if dial.answer_on_bridge { "ring" } else { "dial" };
                let status = DialStatus::Completed;
                (
                    format!("{how} {} for {}", dial.nouns.len(), dial.timeout),
                    Outcome::DialEnded { activity, status },
                )
            }
            Action::Hangup => return steps,
        };
        steps.push(step);
        script.advance(outcome);
    }
}

#[test]
fn every_script_of_the_demo_runs_to_its_end_without_a_warning() {
    for (file, steps) in [
        ("echo.xml", vec!["say en-US", "echo"]),
        ("greeting.xml", vec!["play audio/chime.wav 1", "say en-US", "pause 1", "say de-DE"]),
        ("connect-alice.xml", vec!["say en-US", "dial 1 for 20", "say en-US"]),
        ("answer-on-bridge.xml", vec!["ring 1 for 30"]),
        ("music.xml", vec!["play audio/music.wav 1000"]),
        ("unknown-service.xml", vec!["say en-US"]),
    ] {
        assert_eq!(run(file), steps, "{file}");
    }
}

#[test]
fn every_script_has_a_route_and_every_route_its_script_or_user() {
    let routes = routes();
    let mut routed = BTreeSet::new();
    for route in routes.list() {
        match route.target {
            Target::Script(file) => assert!(routed.insert(file.clone()), "{file} has one route"),
            Target::Endpoint(user) => assert!(is_user(user), "{user}"),
            refusal => panic!("{} leads to {refusal:?}", route.number),
        }
    }
    let written: BTreeSet<_> = fs::read_dir(folder())
        .expect("the demo")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".xml"))
        .collect();
    assert_eq!(routed, written);
}

#[test]
fn the_demos_numbers_lead_where_its_readers_are_told() {
    let routes = routes();
    let alice = Caller { user: Some("alice".into()) };
    let target = |caller: &Caller, dialled| routes.decide(caller, dialled, is_user).target;
    assert_eq!(target(&alice, "100"), Target::Script("echo.xml".into()));
    assert_eq!(target(&alice, "102"), Target::Script("connect-alice.xml".into()));
    assert_eq!(target(&alice, "199"), Target::Script("unknown-service.xml".into()));
    assert_eq!(target(&alice, "202"), Target::Endpoint("bob".into()));
    assert_eq!(target(&alice, "carol"), Target::Endpoint("carol".into()));
    assert_eq!(target(&alice, "900"), Target::Unknown);

    let stranger = Caller::default();
    assert_eq!(target(&stranger, "101"), Target::Script("greeting.xml".into()));
    for private in ["100", "102", "103", "104", "199", "201", "alice", "900"] {
        assert_eq!(target(&stranger, private), Target::Forbidden, "{private}");
    }
}
