//! Sounds that are played from a web server, in the formats that the world has.
//! It must never take a fetched file for a heard one.

use std::process::Command;
use std::time::Duration;

use crate::harness::{Act, Application, Folder, Phone, answer, require, tone, twiml};
use crate::phones::ALICE;
use crate::webhooks::switch_asking;

/// Half a second of 500 Hz, at 16 kHz.
const MP3: &[u8] = include_bytes!("../../media/src/asset/golden/tone.mp3");

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
