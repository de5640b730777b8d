//! Web applications at their worst, all at once, while two others talk.
//! It must never believe a caller served because nothing crashed: the error code, the time and the ear decide.

use std::fmt::Write as _;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{
    ACCOUNT, Act, Application, Capture, Folder, Options, Phone, Running, Sound, Switch, Telephone, answer,
    get, twiml,
};
use crate::phones::{ALICE, BOB};

/// Limits short enough for a story (connection overrides).
const SHORT: &str = "#rt=1000&tt=4000";
/// Nothing: the limits that everybody has, 15 seconds altogether.
const DEFAULT: &str = "";
/// How late an error may be on a busy machine.
const SLACK: Duration = Duration::from_secs(3);
const XML: &str = "Content-Type: text/xml\r\n";
const APOLOGY: &str = "We are sorry, an application error has occurred. Goodbye.";

/// What goes wrong at a path of the application.
struct Fault {
    path: &'static str,
    /// The overrides of its URL.
    limits: &'static str,
    /// The documented error.
    code: u32,
    /// When it is due after the first request, in seconds.
    due: u64,
}

const fn fault(path: &'static str, limits: &'static str, code: u32, due: u64) -> Fault {
    Fault { path, limits, code, due }
}

const FAULTS: [Fault; 13] = [
    fault("/silent", SHORT, 11_205, 1),
    fault("/drip", DEFAULT, 11_203, 15),
    fault("/reset", SHORT, 11_205, 0),
    fault("/close", SHORT, 11_205, 0),
    fault("/cut", SHORT, 11_205, 0),
    fault("/no-http", SHORT, 11_206, 0),
    fault("/for-ever", SHORT, 11_215, 0),
    fault("/huge", SHORT, 11_750, 0),
    fault("/json", SHORT, 12_300, 0),
    fault("/not-found", SHORT, 11_217, 0),
    fault("/error", SHORT, 11_217, 0),
    fault("/no-xml", SHORT, 12_100, 0),
    fault("/nobody", SHORT, 11_202, 0),
];

impl Fault {
    /// Where it is, without the overrides.
    fn url(&self, application: &Application) -> String {
        match self.path {
            // The discard service has not been seen for decades.
            "/nobody" => "http://127.0.0.1:9/nobody".to_owned(),
            path => application.url(path),
        }
    }

    /// The fallback was asked once, in time, and told what was wrong.
    fn leads_to_its_fallback(&self, application: &Application) {
        let path = self.path;
        let fallback = application.asked_at(&format!("/fallback{path}"));
        let [fallback] = &fallback[..] else { panic!("{path}: the fallback is asked once: {fallback:?}") };
        assert_eq!(fallback.parameter("ErrorCode"), Some(self.code.to_string()), "{path}");
        assert_eq!(fallback.parameter("ErrorUrl"), Some(self.url(application)), "{path}");
        let asked = application.asked_at(path);
        let sid = fallback.parameter("CallSid");
        let Some(first) = asked.iter().find(|asked| asked.parameter("CallSid") == sid) else {
            return assert_eq!(path, "/nobody", "nobody asked there");
        };
        let (took, due) = (fallback.at - first.at, Duration::from_secs(self.due));
        // The application may have been late to notice that it was asked.
        assert!((due * 2 / 3..due + SLACK).contains(&took), "{path}: {took:?}, not {due:?}");
    }

    /// Both calls that met it, the one without a fallback too, have it in their traces.
    fn is_told(&self, application: &Application, told: &[Value]) {
        let url = self.url(application);
        let is_it = |told: &&Value| {
            told["code"] == self.code && told["message"].as_str().is_some_and(|text| text.contains(&url))
        };
        assert_eq!(told.iter().filter(is_it).count(), 2, "{}", self.path);
    }
}

/// What somebody hears of the switch at this port.
fn at_the_ear(capture: &Capture, port: u16) -> Sound {
    let frames = capture.frames(&format!("{} && udp.dstport == {port}", capture.our_media()));
    frames.iter().fold(Sound::silence(Duration::ZERO), |heard, (_, frame)| heard.then(frame))
}

fn act(path: &str) -> Option<Act> {
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
    for (n, fault) in FAULTS.iter().enumerate() {
        let url = fault.url(application) + fault.limits;
        let fallback = application.url(&format!("/fallback{}", fault.path));
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
        path => act(path).unwrap_or_else(|| twiml("<Hangup/>")),
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
    let trace = switch.begin(&["trace", "all", "--follow", "--json"]);
    alice.dial("400");
    bob.talks(Duration::from_secs(10));
    let began = Instant::now();

    let numbers = (0..FAULTS.len()).flat_map(|n| [500 + n, 600 + n]);
    let callers: Vec<_> =
        numbers.map(|number| (number, switch.telephone(&format!("stranger-{number}")))).collect();
    let call = |(number, caller): &(usize, Telephone)| {
        // One after the other: it is their applications that are to harm the talk, not their telephones.
        std::thread::sleep(Duration::from_millis(100));
        caller.dials("caller-hung-up-on-open", &number.to_string())
    };
    let calls: Vec<_> = callers.iter().map(call).collect();
    calls.into_iter().for_each(Running::succeeds);
    let talk = began.elapsed() - Duration::from_millis(500);
    alice.command("hangup", "");
    let wav = kept.recv_timeout(Duration::from_secs(15)).expect("the talk is kept");
    bob.is_hung_up(Duration::from_secs(10));

    let log = trace.log();
    let told: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for fault in FAULTS {
        fault.leads_to_its_fallback(&application);
        fault.is_told(&application, &told);
    }
    drop(trace);
    let (at_alice, at_bob) = (alice.heard(), bob.heard());
    let [from_alice, from_bob] = &Sound::channels(&wav)[..] else { panic!("a channel for each") };
    for (who, heard, tone, gap) in [
        ("alice", &at_alice, BOB, 60),
        ("bob", &at_bob, ALICE, 60),
        ("the recording of alice", from_alice, ALICE, 0),
        ("the recording of bob", from_bob, BOB, 0),
    ] {
        heard.holds_tone(tone, talk);
        assert!(heard.longest_gap().as_millis() <= gap, "{who}: a gap of {:?}", heard.longest_gap());
    }

    let ears: Vec<(usize, u16)> = callers.iter().map(|(number, caller)| (*number, caller.media())).collect();
    drop(callers);
    // Ports are used again: a stream is not a leg.
    let capture = switch.stop();
    capture.judge();
    let apology = Sound::spoken(APOLOGY);
    for (number, port) in ears.into_iter().filter(|(number, _)| *number >= 600) {
        let heard = at_the_ear(&capture, port);
        let (path, (_, likeness)) = (FAULTS[number - 600].path, heard.find(&apology));
        assert!(likeness > 0.9, "{path}: no apology in {:?}: {likeness:.2}", heard.length());
    }
}
