//! The demo dialplan, executed: every route leads somewhere and every script runs to its end.
//! It must never need a network or a telephone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use trunkline::routing::{Caller, Routes, Target};
use trunkline::twiml::document::Context;
use trunkline::twiml::verb::{Noun, Verb};
use trunkline::twiml::{Document, Script};

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

/// The steps of a document of the demo, in a few words. What it refers to has to be there.
fn run(file: &str) -> Vec<String> {
    let xml = fs::read(folder().join(file)).expect(file);
    let context = if file.starts_with("screening-") { Context::Screening } else { Context::Main };
    let parsed = Document::parse_in(&xml, context).expect(file);
    assert_eq!(parsed.warnings, [], "{file}");
    let mut script = Script::new(parsed.document);
    let mut steps = Vec::new();
    while let Some(step) = script.step() {
        steps.push(words(&step.verb));
        script.advance();
    }
    steps
}

fn words(verb: &Verb) -> String {
    match verb {
        Verb::Say(say) => format!("say {}", say.language),
        Verb::Play(play) => {
            let audio = fs::read(folder().join(&play.source)).expect(&play.source);
            assert!(audio.starts_with(b"RIFF"), "{}", play.source);
            format!("play {} {}", play.source, play.loops)
        }
        Verb::Pause(pause) => format!("pause {}", pause.seconds),
        Verb::Gather(gather) => format!("gather for {}", leads(gather.action.as_deref())),
        Verb::Record(record) => format!("record for {}", leads(record.action.as_deref())),
        Verb::Redirect(redirect) => format!("go to {}", leads(Some(&redirect.url))),
        Verb::Dial(dial) => {
            let how = match (dial.sequential, dial.answer_on_bridge) {
                (true, _) => "hunt",
                (false, true) => "ring",
                (false, false) => "dial",
            };
            format!("{how} {} for {}", dial.nouns.len(), dial.timeout)
        }
        other => other.name().to_lowercase(),
    }
}

/// The document that a reference of the demo leads to; one that depends on keys is there for some.
fn leads(reference: Option<&str>) -> String {
    let reference = reference.unwrap_or_default();
    let file = reference.replace("{Digits}", "1");
    assert!(file.is_empty() || folder().join(&file).exists(), "{file}");
    if reference.is_empty() { "itself".to_owned() } else { reference.to_owned() }
}

#[test]
fn every_document_of_the_demo_is_sound_and_does_what_its_comment_says() {
    for (file, steps) in [
        ("echo.xml", vec!["say en-US", "echo"]),
        ("greeting.xml", vec!["play audio/chime.wav 1", "say en-US", "pause 1", "say de-DE", "hangup"]),
        ("connect-alice.xml", vec!["say en-US", "dial 1 for 20", "say en-US"]),
        ("answer-on-bridge.xml", vec!["ring 1 for 30"]),
        ("music.xml", vec!["play audio/music.wav 1000"]),
        ("unknown-service.xml", vec!["say en-US"]),
        ("menu.xml", vec!["gather for menu-{Digits}.xml", "say en-US", "go to itself"]),
        ("menu-1.xml", vec!["say en-US", "dial 1 for 20", "say en-US", "go to voicemail.xml"]),
        ("menu-2.xml", vec!["go to voicemail.xml"]),
        ("voicemail.xml", vec!["say en-US", "record for voicemail-thanks.xml", "say en-US"]),
        ("voicemail-thanks.xml", vec!["say en-US"]),
        ("hunt-group.xml", vec!["hunt 3 for 10"]),
        ("ring-all.xml", vec!["ring 3 for 20"]),
        ("group-done.xml", vec!["say en-US"]),
        ("screening.xml", vec!["dial 1 for 20", "say en-US"]),
        ("screening-question.xml", vec!["gather for screening-accepted.xml", "hangup"]),
        ("screening-accepted.xml", vec!["say en-US"]),
        ("menu-absent.xml", vec!["say en-US"]),
    ] {
        assert_eq!(run(file), steps, "{file}");
    }
}

#[test]
fn every_route_leads_somewhere_and_every_document_is_reached() {
    let mut reached = BTreeSet::new();
    for route in routes().list() {
        match route.target {
            Target::Script(file) => assert!(reached.insert(file.clone()), "{file} has one route"),
            Target::Endpoint(user) => assert!(is_user(user), "{user}"),
            Target::Outside(number) => panic!("{number}: the demo has no gateway"),
            Target::Webhook(webhook) => {
                let (file, _) =
                    webhook.fallback.clone().expect("a demo says what to do without its application");
                reached.insert(file);
            }
            refusal => panic!("{} leads to {refusal:?}", route.number),
        }
    }
    let mut open: Vec<String> = reached.iter().cloned().collect();
    while let Some(file) = open.pop() {
        for next in references(&file) {
            if reached.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    let written: BTreeSet<_> = fs::read_dir(folder())
        .expect("the demo")
        .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".xml"))
        .collect();
    assert_eq!(reached, written);
}

/// The documents that one leads to.
fn references(file: &str) -> Vec<String> {
    let xml = fs::read(folder().join(file)).expect(file);
    let document = Document::parse(&xml).expect(file).document;
    let mut all = Vec::new();
    for step in document.steps {
        match step.verb {
            Verb::Gather(gather) => all.extend(gather.action),
            Verb::Record(record) => all.extend(record.action),
            Verb::Redirect(redirect) => all.push(redirect.url),
            Verb::Dial(dial) => {
                all.extend(dial.action);
                all.extend(dial.nouns.into_iter().filter_map(|noun| match noun {
                    Noun::Client(client) => client.hooks.url,
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    let keyed = |name: String| {
        if name.contains("{Digits}") {
            ["1", "2"].map(|key| name.replace("{Digits}", key)).into()
        } else {
            vec![name]
        }
    };
    all.into_iter().filter(|name| !name.is_empty()).flat_map(keyed).collect()
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
    for private in ["100", "102", "103", "104", "199", "201", "300", "305", "alice", "900"] {
        assert_eq!(target(&stranger, private), Target::Forbidden, "{private}");
    }
}
