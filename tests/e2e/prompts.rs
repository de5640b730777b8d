//! Sounds that are played from a web server, in the formats that the world has.
//! It must never take a fetched file for a heard one.

use std::process::Command;
use std::time::Duration;

use crate::harness::{Act, Application, Folder, Options, Phone, Sound, Switch, answer, require, tone, twiml};
use crate::phones::ALICE;
use crate::webhooks::switch_asking;

/// Half a second of 500 Hz, at 16 kHz.
const MP3: &[u8] = include_bytes!("../../media/src/asset/golden/tone.mp3");

const PAGE: &str = "Content-Type: text/html\r\n";

/// A second of this tone, G.711 µ-law without any head.
fn ulaw(folder: &Folder, hertz: f64) -> Vec<u8> {
    let (wav, raw) = (folder.write("ulaw.wav", tone(hertz, 1)), folder.path().join("tone.ul"));
    let made = Command::new(require("sox")).arg(wav).args(["-t", "ul", "-r", "8000"]).arg(&raw).status();
    assert!(made.expect("sox runs").success());
    std::fs::read(raw).expect("sox wrote it")
}

#[test]
fn an_mp3_a_wav_and_a_ulaw_file_reach_the_ear_one_after_the_other() {
    let plan = Folder::new();
    let (wav, ulaw) = (tone(1100.0, 1), ulaw(&plan, 1700.0));
    let application = Application::start(move |asked| {
        let sound = |kind: &str, bytes: &[u8]| {
            Act::Say(answer("200 OK", &format!("Content-Type: {kind}\r\n"), bytes))
        };
        match asked.path() {
            "/a.mp3" => sound("audio/mpeg", MP3),
            "/b.wav" => sound("audio/wav", &wav),
            "/c" => sound("audio/ulaw", &ulaw),
            _ => twiml("<Play loop=\"2\">/a.mp3</Play><Play>/b.wav</Play><Play>c</Play>"),
        }
    });
    let switch = switch_asking(&plan, &application);
    let alice = Phone::register(&switch, "alice", ALICE);
    alice.dial("400");
    alice.is_hung_up(Duration::from_secs(20));
    let tones = alice.heard().tones(&[500.0, 1100.0, 1700.0]);
    let order: Vec<f64> = tones.iter().map(|(hertz, _)| *hertz).collect();
    assert_eq!(order, [500.0, 1100.0, 1700.0], "{tones:?}");
    for (hertz, length) in tones {
        assert!((900..=1020).contains(&length.as_millis()), "{hertz} Hz for {length:?}");
    }
    for path in ["/a.mp3", "/b.wav", "/c"] {
        let asked = application.asked_at(path);
        assert_eq!(asked.iter().map(|asked| asked.method.as_str()).collect::<Vec<_>>(), ["GET"], "{path}");
        assert!(asked[0].body.is_empty() && asked[0].header("x-twilio-signature").is_some());
    }
    switch.finish();
}

#[test]
fn an_application_that_answers_with_a_sound_or_with_plain_words_is_heard() {
    let plan = Folder::new();
    let application = Application::start(|asked| match asked.path() {
        "/song" => Act::Say(answer("200 OK", "Content-Type: audio/mpeg\r\n", MP3)),
        "/words" => Act::Say(answer("200 OK", "Content-Type: text/plain\r\n", "One moment please.")),
        "/chosen" if asked.parameter("Digits").as_deref() == Some("1") => twiml("<Redirect>/song</Redirect>"),
        "/chosen" => twiml("<Redirect>/words</Redirect>"),
        _ => twiml("<Gather numDigits=\"1\" timeout=\"20\" action=\"/chosen\"/>"),
    });
    let switch = switch_asking(&plan, &application);
    for (user, key) in [("alice", '1'), ("bob", '2')] {
        let phone = Phone::register(&switch, user, ALICE);
        phone.dial("400");
        phone.talks(Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(500));
        phone.press(key);
        phone.is_hung_up(Duration::from_secs(20));
        let heard = phone.heard();
        if key == '1' {
            let tones = heard.tones(&[500.0]);
            assert!(matches!(tones[..], [(_, length)] if length >= Duration::from_millis(420)), "{tones:?}");
        } else {
            let (at, likeness) = heard.find(&Sound::spoken("One moment please."));
            assert!(likeness > 0.9, "{likeness:.2} at {at:?}");
        }
    }
    switch.finish();
}

#[test]
fn a_sound_that_cannot_be_had_leads_to_the_fallback_with_its_error() {
    // What a document plays, and the documented error.
    let faults = [
        ("<Play>/page</Play>", 13_420),
        ("<Play>/missing</Play>", 11_217),
        ("<Play>/silent#rt=500</Play>", 11_205),
        ("<Play>/broken.mp3</Play>", 13_420),
        ("<Gather><Play>/page</Play></Gather>", 13_325),
    ];
    let plan = Folder::new();
    let application = Application::start(move |asked| match asked.path() {
        "/page" => Act::Say(answer("200 OK", PAGE, "<html/>")),
        "/silent" => Act::Hang(Vec::new()),
        "/broken.mp3" => Act::Say(answer("200 OK", "Content-Type: audio/mpeg\r\n", "ID3 and nothing else")),
        "/missing" => Act::Say(answer("404 Not Found", PAGE, "")),
        "/fallback" => twiml("<Hangup/>"),
        path => twiml(faults[path[1..].parse::<usize>().expect("the number of a fault")].0),
    });
    let route = |n: usize| {
        let (url, fallback) = (application.url(&format!("/{n}")), application.url("/fallback"));
        format!("[[route]]\nnumber = \"50{n}\"\nwebhook = \"{url}\"\nfallback = \"{fallback}\"\n")
    };
    plan.write("routes.toml", (0..faults.len()).map(route).collect::<String>());
    let switch = Switch::with(&Options { dialplan: plan.path().into(), ..Options::default() });
    let caller = switch.telephone("alice");
    for n in 0..faults.len() {
        caller.dials("caller-hung-up-on", &format!("50{n}")).succeeds();
    }
    let asked = application.asked_at("/fallback");
    let codes: Vec<_> = asked.iter().filter_map(|asked| asked.parameter("ErrorCode")).collect();
    assert_eq!(codes, faults.map(|(_, code)| code.to_string()));
    switch.finish();
}
