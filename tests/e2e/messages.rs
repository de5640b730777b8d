//! Callers who leave a message.
//! It must never compare a recording with anything but what went over the wire, or what the caller's telephone said.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::harness::{ACCOUNT, Application, Capture, Folder, Phone, Sound, eventually, get, twiml};
use crate::phones::ALICE;
use crate::webhooks::switch_asking;

const SECOND: Duration = Duration::from_secs(1);

/// A sentence between two tones that show where it begins and ends.
fn message() -> Sound {
    let mark = |hertz| Sound::tone(hertz, Duration::from_millis(200));
    let words = Sound::spoken("Please call me back before noon, my number is five five five one two.");
    mark(700.0).then(&words).then(&mark(1300.0))
}

/// The only channel of a recording.
fn only(wav: &[u8]) -> Sound {
    let mut channels = Sound::channels(wav);
    assert_eq!(channels.len(), 1, "a message has one channel");
    channels.remove(0)
}

/// Seconds on the wire: the end of the beep, the beginning of the message, and the key.
fn times(capture: &Capture) -> (f64, f64, f64) {
    let is_audible = |(_, sound): &(f64, Sound)| sound.span().is_some();
    let beep = capture.frames(&capture.our_media());
    let said = capture.frames(&capture.their_media());
    let key = capture.rows(&format!("{} && rtpevent", capture.their_media()), &["frame.time_relative"]);
    let beep = beep.iter().rfind(|frame| is_audible(frame)).expect("a beep").0 + 0.02;
    let said = said.iter().find(|frame| is_audible(frame)).expect("a message").0;
    (beep, said, key[0][0].parse().expect("a time"))
}

#[test]
fn a_message_can_be_fetched_before_its_action_is_answered_and_holds_what_was_said() {
    let (keep, kept) = mpsc::channel();
    let plan = Folder::new();
    let application = Application::start(move |asked| match asked.parameter("RecordingUrl") {
        None => twiml("<Record action=\"/kept\" trim=\"do-not-trim\" timeout=\"30\"/>"),
        Some(url) => {
            let strange = get(&url, None).expect("an answer");
            let plain = get(&url, Some(ACCOUNT)).expect("an answer");
            let suffixed = get(&format!("{url}.wav"), Some(ACCOUNT)).expect("an answer");
            let duration = asked.parameter("RecordingDuration").expect("a duration");
            let digits = asked.parameter("Digits");
            keep.send((strange, plain, suffixed, duration, digits)).expect("the story goes on");
            twiml("<Hangup/>")
        }
    });
    let switch = switch_asking(&plan, &application);
    let message = message();
    let source = Sound::silence(3 * SECOND).then(&message).then(&Sound::silence(60 * SECOND));
    let alice = Phone::register_saying(&switch, "alice", &source.wav());
    alice.dial("400");
    alice.talks(Duration::from_secs(10));
    std::thread::sleep(4 * SECOND + message.length());
    alice.press('#');
    let (strange, plain, suffixed, duration, digits) =
        kept.recv_timeout(Duration::from_secs(15)).expect("the action is requested");
    alice.is_hung_up(Duration::from_secs(10));
    assert!(strange.0.starts_with("HTTP/1.1 401 "), "{}", strange.0);
    for (head, _) in [&plain, &suffixed] {
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("audio/"), "{head}");
    }
    assert_eq!(plain.1, suffixed.1);
    assert_eq!(digits.as_deref(), Some("#"));

    let recording = only(&plain.1);
    let capture = switch.finish();
    let (begins, ends) = recording.span().expect("something was said");
    let length = message.length();
    let (beep, said, key) = times(&capture);
    let (_, likeness) = recording.find(&message);
    assert!(
        (ends - begins).abs_diff(length) <= Duration::from_millis(20),
        "{begins:?} to {ends:?}, not {length:?}"
    );
    assert!(likeness > 0.98, "{likeness:.3}");
    // The recording begins with the end of the beep, and ends with the key: what lies between is there, no more.
    let (before, all) = (begins.as_secs_f64(), recording.length().as_secs_f64());
    assert!(
        (before - (said - beep)).abs() < 0.06,
        "{before} s before the message, on the wire {}",
        said - beep
    );
    assert!((all - (key - beep)).abs() < 0.06, "{all} s recorded, on the wire {}", key - beep);
    assert_eq!(duration.parse(), Ok(recording.length().as_secs_f64().ceil() as u32));
}

#[test]
fn a_caller_who_hangs_up_has_left_a_message_without_the_silence_around_it() {
    let (keep, kept) = mpsc::channel();
    let plan = Folder::new();
    let application = Application::start(move |asked| match asked.parameter("RecordingUrl") {
        None => twiml("<Record action=\"/kept\"/>"),
        Some(url) => {
            let (head, wav) = get(&url, Some(ACCOUNT)).expect("an answer");
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            keep.send((asked.clone(), wav)).expect("the story goes on");
            twiml("<Say>Nobody hears this.</Say>")
        }
    });
    let switch = switch_asking(&plan, &application);
    let message = message();
    let source = Sound::silence(3 * SECOND).then(&message).then(&Sound::silence(60 * SECOND));
    let alice = Phone::register_saying(&switch, "alice", &source.wav());
    alice.dial("400");
    alice.talks(Duration::from_secs(10));
    std::thread::sleep(5 * SECOND + message.length());
    alice.command("hangup", "");
    let (asked, wav) = kept.recv_timeout(Duration::from_secs(15)).expect("the action is requested");
    assert_eq!(asked.parameter("Digits").as_deref(), Some("hangup"));
    assert_eq!(asked.parameter("CallStatus").as_deref(), Some("completed"));
    let recording = only(&wav);
    let (begins, ends) = recording.span().expect("something was said");
    let margin = Duration::from_millis(200);
    assert!(
        (ends - begins).abs_diff(message.length()) <= Duration::from_millis(20),
        "{begins:?} to {ends:?}"
    );
    assert!(recording.find(&message).1 > 0.98);
    // A little silence stays at both ends.
    for silence in [begins, recording.length() - ends] {
        assert!(silence.abs_diff(margin) <= Duration::from_millis(25), "{silence:?}");
    }
    // What was trimmed counts.
    let seconds: u64 =
        asked.parameter("RecordingDuration").and_then(|text| text.parse().ok()).expect("a number");
    assert!(
        (recording.length() + 2 * SECOND).as_secs() <= seconds,
        "{seconds} s, trimmed to {:?}",
        recording.length()
    );
    switch.finish();
}

#[test]
fn a_caller_who_falls_silent_has_left_a_message() {
    let (keep, kept) = mpsc::channel();
    let plan = Folder::new();
    let application = Application::start(move |asked| match asked.parameter("RecordingDuration") {
        None => twiml("<Record action=\"/kept\" timeout=\"2\" playBeep=\"false\" trim=\"do-not-trim\"/>"),
        Some(duration) => {
            let url = asked.parameter("RecordingUrl").expect("a recording");
            let wav = get(&url, Some(ACCOUNT)).expect("an answer").1;
            keep.send((duration, asked.parameter("Digits"), wav)).expect("the story goes on");
            twiml("<Hangup/>")
        }
    });
    let switch = switch_asking(&plan, &application);
    let message = message();
    let source = Sound::silence(SECOND / 2).then(&message).then(&Sound::silence(60 * SECOND));
    let alice = Phone::register_saying(&switch, "alice", &source.wav());
    alice.dial("400");
    let (duration, digits, wav) =
        kept.recv_timeout(Duration::from_secs(30)).expect("the action is requested");
    alice.is_hung_up(Duration::from_secs(10));
    assert!(digits.unwrap_or_default().is_empty(), "nothing was pressed");
    let recording = only(&wav);
    assert!(recording.find(&message).1 > 0.98);
    let (_, ends) = recording.span().expect("something was said");
    let silence = recording.length() - ends;
    // Words end softly: silence counts from a fifth of a second after them.
    assert!((2000..2300).contains(&silence.as_millis()), "silent for {silence:?}");
    assert_eq!(duration.parse(), Ok(recording.length().as_secs_f64().ceil() as u32));
    switch.finish();
}

#[test]
fn a_message_can_be_read_up_to_the_last_second_when_the_switch_is_killed() {
    let plan = Folder::new();
    let application = Application::start(|_| twiml("<Record playBeep=\"false\" trim=\"do-not-trim\"/>"));
    let switch = switch_asking(&plan, &application);
    let alice = Phone::register(&switch, "alice", ALICE);
    alice.dial("400");
    alice.talks(Duration::from_secs(10));
    let began = Instant::now();
    std::thread::sleep(5 * SECOND);
    switch.crash();
    let said = began.elapsed();

    let folder = switch.folder().path().join("data/recordings");
    let files = || {
        std::fs::read_dir(&folder)
            .expect("a folder of recordings")
            .filter_map(|entry| Some(entry.ok()?.path()))
    };
    let file = files().next().expect("a recording");
    let left = only(&std::fs::read(&file).expect("it can be read"));
    assert!(left.length() + SECOND >= said, "{:?} of {said:?}", left.length());
    left.holds_tone(ALICE, left.length() - Duration::from_millis(500));

    // She has noticed nothing, and ends her message.
    switch.launch();
    alice.command("hangup", "");
    let finished = || files().find(|file| file.extension().is_some_and(|suffix| suffix == "wav"));
    eventually("the recording is finished", Duration::from_secs(10), || finished().is_some());
    let name = finished().and_then(|file| Some(file.file_name()?.to_str()?.to_owned())).expect("a name");
    let url = format!("{}/2010-04-01/Accounts/{}/Recordings/{name}", switch.web(), ACCOUNT.0);
    let (head, wav) = get(&url, Some(ACCOUNT)).expect("an answer");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(only(&wav).length() >= left.length());
    drop(alice);
    switch.stop();
}
