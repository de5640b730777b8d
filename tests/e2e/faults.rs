//! Web applications at their worst, all at once, while two others talk.
//! It must never believe a caller served because nothing crashed: the error code, the time and the ear decide.

use std::fmt::Write as _;
use std::sync::mpsc;
use std::time::Duration;

use crate::harness::{ACCOUNT, Act, Application, Folder, Options, Phone, Sound, Switch, answer, get, twiml};
use crate::phones::{ALICE, BOB};

/// Limits short enough for a story (connection overrides).
const SHORT: &str = "#rt=1000&tt=4000";
/// Nothing: the limits that everybody has, 15 seconds altogether.
const DEFAULT: &str = "";
/// How late an error may be on a busy machine.
const SLACK: Duration = Duration::from_secs(3);
const XML: &str = "Content-Type: text/xml\r\n";
const APOLOGY: &str = "We are sorry, an application error has occurred. Goodbye.";

/// What goes wrong at a path, the overrides of its URL, the documented error, and when it is due, in milliseconds.
const FAULTS: [(&str, &str, u32, u64); 12] = [
    ("/silent", SHORT, 11_205, 1_000),
    ("/drip", DEFAULT, 11_203, 15_000),
    ("/reset", SHORT, 11_205, 0),
    ("/close", SHORT, 11_205, 0),
    ("/cut", SHORT, 11_205, 0),
    ("/no-http", SHORT, 11_206, 0),
    ("/for-ever", SHORT, 11_215, 0),
    ("/huge", SHORT, 11_750, 0),
    ("/json", SHORT, 12_300, 0),
    ("/not-found", SHORT, 11_217, 0),
    ("/error", SHORT, 11_217, 0),
    ("/no-xml", SHORT, 12_100, 0),
];

fn fault(path: &str) -> Option<Act> {
    let head = format!("HTTP/1.1 200 OK\r\n{XML}Content-Length: 10000\r\n\r\n").into_bytes();
    Some(match path {
        "/silent" => Act::Hang(Vec::new()),
        "/drip" => Act::Drip(head, Duration::from_secs(1)),
        "/reset" => Act::Reset,
        "/close" => Act::Close(Vec::new()),
        "/cut" => Act::Close([head, b"<Response>".to_vec()].concat()),
        "/no-http" => Act::Close(b"SIP/2.0 200 OK\r\n\r\n".to_vec()),
        "/for-ever" => Act::Say(answer("302 Found", "Location: /for-ever\r\n", "")),
        "/huge" => Act::Say(answer("200 OK", XML, vec![b' '; 10 << 20])),
        "/json" => Act::Say(answer("200 OK", "Content-Type: application/json\r\n", "{}")),
        "/not-found" => Act::Say(answer("404 Not Found", XML, "<Response/>")),
        "/error" => Act::Say(answer("500 Oops", XML, "<Response/>")),
        "/no-xml" => Act::Say(answer("200 OK", XML, "<Response><Say>Hello</Response>")),
        _ => return None,
    })
}

/// 5NN leads to a fault that has a fallback, 6NN to one that has none, 400 to the talk of alice and bob.
fn routes(application: &Application) -> String {
    let talk = application.url("/talk");
    let mut routes = format!("[[route]]\nnumber = \"400\"\nwebhook = \"{talk}\"\n");
    for (n, (path, limits, ..)) in FAULTS.iter().enumerate() {
        let url = application.url(&format!("{path}{limits}"));
        let fallback = application.url(&format!("/fallback{path}"));
        let with = format!("[[route]]\nnumber = \"{}\"\nwebhook = \"{url}\"\npublic = true\n", 500 + n);
        let without = with.replace("number = \"5", "number = \"6");
        let _ = write!(routes, "{with}fallback = \"{fallback}\"\n{without}"); // a String takes all
    }
    routes
}

/// The application, and the recording of the talk when it is over.
fn application() -> (Application, mpsc::Receiver<Vec<u8>>) {
    let (keep, kept) = mpsc::channel();
    let application = Application::start(move |asked| match asked.path() {
        "/talk" => {
            twiml("<Dial record=\"record-from-answer-dual\" action=\"/talked\"><Client>bob</Client></Dial>")
        }
        "/talked" => {
            let url = asked.parameter("RecordingUrl").expect("it was recorded");
            let (head, wav) = get(&url, Some(ACCOUNT)).expect("an answer");
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            keep.send(wav).expect("the story goes on");
            twiml("<Hangup/>")
        }
        path => fault(path).unwrap_or_else(|| twiml("<Hangup/>")),
    });
    (application, kept)
}

#[test]
fn every_fault_of_an_application_ends_as_documented_and_a_talk_goes_on_unharmed() {
    let plan = Folder::new();
    let (application, kept) = application();
    plan.write("routes.toml", routes(&application));
    let dialplan = plan.path().into();
    let switch = Switch::with(&Options { dialplan, media_ports: 120, peer_ports: 220, ..Options::default() });
    let (alice, bob) = (Phone::register(&switch, "alice", ALICE), Phone::register(&switch, "bob", BOB));
    alice.dial("400");
    bob.talks(Duration::from_secs(10));

    let numbers = (0..FAULTS.len()).flat_map(|n| [500 + n, 600 + n]);
    let callers: Vec<_> =
        numbers.map(|number| (number, switch.telephone(&format!("stranger-{number}")))).collect();
    let calls: Vec<_> = callers
        .iter()
        .map(|(number, caller)| {
            // One after the other: it is their applications that are to harm the talk, not their telephones.
            std::thread::sleep(Duration::from_millis(100));
            caller.dials("caller-hung-up-on-open", &number.to_string())
        })
        .collect();
    calls.into_iter().for_each(|call| call.succeeds());
    alice.command("hangup", "");
    let wav = kept.recv_timeout(Duration::from_secs(15)).expect("the talk is kept");
    bob.is_hung_up(Duration::from_secs(10));

    for (path, _, code, due) in FAULTS {
        let fallback = application.asked_at(&format!("/fallback{path}"));
        let [fallback] = &fallback[..] else { panic!("{path}: the fallback is asked once: {fallback:?}") };
        assert_eq!(fallback.parameter("ErrorCode"), Some(code.to_string()), "{path}");
        assert_eq!(fallback.parameter("ErrorUrl"), Some(application.url(path)), "{path}");
        let sid = fallback.parameter("CallSid");
        let asked = application.asked_at(path);
        let first = asked.iter().find(|asked| asked.parameter("CallSid") == sid).expect("it was asked");
        let took = fallback.at - first.at;
        let due = Duration::from_millis(due);
        assert!(
            took + Duration::from_millis(50) >= due && took <= due + SLACK,
            "{path}: {took:?}, not {due:?}"
        );
    }
    for (path, url, code) in FAULTS.map(|(path, _, code, _)| (path, application.url(path), code)) {
        let sid = application.asked_at(path).iter().find_map(|asked| {
            let sid = asked.parameter("CallSid")?;
            let has_fallback = application.asked_at(&format!("/fallback{path}"))[0].parameter("CallSid")
                == Some(sid.clone());
            (!has_fallback).then_some(sid)
        });
        let trace = switch.json(&["trace", &sid.expect("it was asked")]).to_string();
        println!("{trace}");
        assert!(trace.contains(&format!("\"code\":{code}")) && trace.contains(&url), "{path}: {trace}");
    }
    let (at_alice, at_bob) = (alice.heard(), bob.heard());
    let talk = Duration::from_secs(15);
    for (who, heard, tone) in [("alice", &at_alice, BOB), ("bob", &at_bob, ALICE)] {
        heard.holds_tone(tone, talk);
        assert!(
            heard.longest_gap() <= Duration::from_millis(60),
            "{who}: a gap of {:?}",
            heard.longest_gap()
        );
    }
    let channels = Sound::channels(&wav);
    assert_eq!(channels.len(), 2);
    for (channel, tone) in channels.iter().zip([ALICE, BOB]) {
        channel.holds_tone(tone, talk);
        assert!(channel.longest_gap() <= Duration::from_millis(20), "a gap of {:?}", channel.longest_gap());
    }
    let ears: Vec<(usize, u16)> = callers.iter().map(|(number, caller)| (*number, caller.media())).collect();
    drop(callers);
    let capture = switch.finish();
    for (number, port) in ears.into_iter().filter(|(number, _)| *number >= 600) {
        let frames = capture.frames(&format!("{} && udp.dstport == {port}", capture.our_media()));
        let heard = frames.iter().fold(Sound::silence(Duration::ZERO), |heard, (_, frame)| heard.then(frame));
        let (_, likeness) = heard.find(&Sound::spoken(APOLOGY));
        let path = FAULTS[number - 600].0;
        assert!(likeness > 0.9, "{path}: no apology in {:?}: {likeness:.2}", heard.length());
    }
}
