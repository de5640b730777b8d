//! Callers who walk through a web application by keys.
//! It must never trust the switch's word: what the application was asked and what the caller heard count.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::harness::{
    ACCOUNT, Act, Application, Asked, Folder, Keypad, Options, Phone, Ports, Process, Sound, Switch, answer,
    eventually, require, tone, twiml,
};
use crate::phones::{ALICE, BOB};
use crate::validators::{node, python};

/// How long a request may take that a key has caused.
const SOON: Duration = Duration::from_secs(10);

/// `dialplans/menu.py`, run as its first line says, but at a port of the story's.
fn menu(folder: &Folder, port: u16) -> (Process, SocketAddr) {
    const ELSEWHERE: &str = "
import http.server, runpy, sys
Server, port = http.server.ThreadingHTTPServer, int(sys.argv[2])
http.server.ThreadingHTTPServer = lambda address, handler: Server((address[0], port), handler)
runpy.run_path(sys.argv[1])";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/menu.py");
    let arguments = ["-c", ELSEWHERE, &file.to_string_lossy(), &port.to_string()];
    let python = Process::start(&require("python3"), arguments, folder.path().join("menu.log"));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    eventually("menu.py listens", Duration::from_secs(20), || TcpStream::connect(address).is_ok());
    (python, address)
}

/// A switch whose number 400 asks this application.
pub fn switch_asking(plan: &Folder, application: &Application) -> Switch {
    plan.write(
        "routes.toml",
        format!("[[route]]\nnumber = \"400\"\nwebhook = \"{}\"\n", application.url("/")),
    );
    Switch::with(&Options { dialplan: plan.path().into(), ..Options::default() })
}

/// The text of each Say in an answer.
fn sentences(answer: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(answer).into_owned();
    text.split("<Say>").skip(1).filter_map(|rest| Some(rest.split_once("</Say>")?.0.to_owned())).collect()
}

fn is_heard(sound: &Sound, text: &str) {
    let (at, likeness) = sound.find(&Sound::spoken(text));
    assert!(
        likeness > 0.9,
        "`{text}` is not heard: likeness {likeness:.2} at {at:?} of {:?}",
        sound.length()
    );
}

#[test]
fn a_caller_walks_the_python_menu_by_keys_and_reaches_each_branch() {
    let plan = Folder::new();
    let mut ports = Ports::lease(2);
    let (_python, address) = menu(&plan, ports.one());
    let (said, says) = std::sync::mpsc::channel();
    let application = Application::start(move |asked| {
        let answer = asked.relay(address).expect("menu.py answers");
        said.send(sentences(&answer)).expect("the story goes on");
        Act::Close(answer)
    });
    let switch = switch_asking(&plan, &application);
    let alice = Phone::register(&switch, "alice", ALICE);
    let bob = Phone::register(&switch, "bob", BOB);
    bob.dial("400");
    let mut heard = Vec::new();
    let next = || says.recv_timeout(SOON).expect("the application is asked");
    // A key that leads nowhere: the menu once more. Then the time of day, and the menu again. Then alice.
    for key in ['9', '1', '2'] {
        let menu = next();
        std::thread::sleep(Sound::spoken(&menu[0]).length() + Duration::from_millis(500));
        bob.press(key);
        heard.push(menu[0].clone());
        if key == '1' {
            heard.extend(next());
        }
    }
    heard.extend(next());
    alice.talks(SOON);
    std::thread::sleep(Duration::from_secs(3));
    alice.command("hangup", "");
    bob.is_hung_up(SOON);

    let asked = application.asked();
    let pressed: Vec<Option<String>> = asked.iter().map(|asked| asked.parameter("Digits")).collect();
    let keys = [None, Some("9"), Some("1"), None, Some("2")].map(|key| key.map(str::to_owned));
    assert_eq!(pressed, keys);
    for asked in &asked {
        assert_eq!(
            (asked.method.as_str(), asked.parameter("To").as_deref()),
            ("POST", Some("sip:400@127.0.0.1"))
        );
        assert!(asked.header("x-twilio-signature").is_some());
    }
    let (at_bob, at_alice) = (bob.heard(), alice.heard());
    heard.iter().for_each(|text| is_heard(&at_bob, text));
    assert!(heard.iter().any(|text| text.starts_with("It is")), "{heard:?}");
    // The rest is alice.
    let (one_moment, _) = at_bob.find(&Sound::spoken("One moment please."));
    let rest = at_bob.cut(one_moment + Sound::spoken("One moment please.").length(), at_bob.length());
    rest.holds_tone(ALICE, Duration::from_secs(2));
    at_alice.holds_tone(BOB, Duration::from_secs(2));
    switch.finish();
}

#[test]
fn a_caller_who_presses_nothing_hears_the_end_of_the_python_menu() {
    let plan = Folder::new();
    let mut ports = Ports::lease(2);
    let (_python, address) = menu(&plan, ports.one());
    let application =
        Application::start(move |asked| Act::Close(asked.relay(address).expect("menu.py answers")));
    let switch = switch_asking(&plan, &application);
    let bob = Phone::register(&switch, "bob", BOB);
    bob.dial("400");
    bob.is_hung_up(Duration::from_secs(30));
    assert_eq!(application.asked().len(), 1);
    let heard = bob.heard();
    let prompt = Sound::spoken("Press 1 for the time of day, 2 for Alice.");
    let (menu, goodbye) = (heard.find(&prompt), heard.find(&Sound::spoken("Goodbye.")));
    assert!(menu.1 > 0.9 && goodbye.1 > 0.9, "{menu:?} {goodbye:?}");
    // Five seconds of silence, from the end of the prompt on.
    let waited = goodbye.0 - menu.0 - prompt.length();
    assert!((4800..5500).contains(&waited.as_millis()), "{waited:?}");
    switch.finish();
}

#[test]
fn keys_by_info_are_gathered_whatever_their_body() {
    let plan = Folder::new();
    let application = Application::start(|asked| match asked.path() {
        "/" => twiml("<Gather action=\"/keys\"><Pause length=\"20\"/></Gather>"),
        _ => twiml("<Hangup/>"),
    });
    let switch = switch_asking(&plan, &application);
    switch.telephone("alice").dials("caller-keys", "400").succeeds();
    let pressed = application.asked_at("/keys").first().and_then(|asked| asked.parameter("Digits"));
    assert_eq!(pressed.as_deref(), Some("12*"));
    switch.finish();
}

#[test]
fn keys_survive_a_line_that_loses_a_fifth_of_all_packets() {
    const KEYS: &str = "112233445566778899001#";
    let plan = Folder::new();
    let application = Application::start(|asked| match asked.path() {
        "/" => twiml("<Gather action=\"/keys\" timeout=\"10\"><Pause length=\"20\"/></Gather>"),
        _ => twiml("<Hangup/>"),
    });
    let switch = switch_asking(&plan, &application);
    let mut keypad = Keypad::new(switch.ports(1), 5);
    let caller = switch.telephone("alice").with("sdp", keypad.sdp()).dials("caller-hung-up-on", "400");
    keypad.press(KEYS, Duration::from_secs(15));
    caller.succeeds();
    let pressed: Vec<_> =
        application.asked_at("/keys").iter().map(|asked| asked.parameter("Digits")).collect();
    assert_eq!(pressed, [Some(KEYS.trim_end_matches('#').to_owned())]);
    let capture = switch.finish();
    // The line was as bad as that.
    let sent = capture.count(&format!("{} && rtp", capture.their_media()));
    let all = 25 + KEYS.len() * 11 + 25;
    assert!((all * 7 / 10..all * 9 / 10).contains(&sent), "{sent} of {all} packets came through");
}

#[test]
fn a_key_passes_a_talk_as_one_event_and_a_star_hangs_up_on_the_callee() {
    let plan = Folder::new();
    let application = Application::start(|asked| match asked.path() {
        "/" => twiml("<Dial hangupOnStar=\"true\" action=\"/after\"><Client>bob</Client></Dial>"),
        _ => twiml("<Say>One moment please.</Say>"),
    });
    let switch = switch_asking(&plan, &application);
    let (alice, bob) = (Phone::register(&switch, "alice", ALICE), Phone::register(&switch, "bob", BOB));
    alice.dial("400");
    [&alice, &bob].iter().for_each(|phone| phone.talks(SOON));
    std::thread::sleep(Duration::from_secs(1));
    alice.press('5');
    std::thread::sleep(Duration::from_secs(1));
    alice.press('*');
    bob.is_hung_up(SOON);
    alice.is_hung_up(SOON);
    let after = application.asked_at("/after");
    let [after] = &after[..] else { panic!("the action is requested once: {after:?}") };
    assert_eq!(after.parameter("DialCallStatus").as_deref(), Some("completed"));
    is_heard(&alice.heard(), "One moment please.");

    let capture = switch.finish();
    let fives = format!("{} && rtpevent.event_id == 5", capture.our_media());
    let fields = ["rtp.timestamp", "rtp.marker", "rtpevent.end_of_event", "rtpevent.duration"];
    let events = capture.rows(&fives, &fields);
    // One event (RFC 4733 §2.5.1): begun with the marker, one timestamp, ever longer, its end told three times.
    let is_set = |field: &String| field == "1" || field == "True";
    assert!(events.iter().all(|event| event[0] == events[0][0]), "{events:?}");
    let marked: Vec<usize> = (0..events.len()).filter(|&n| is_set(&events[n][1])).collect();
    assert_eq!(marked, [0], "{events:?}");
    let ends: Vec<usize> = (0..events.len()).filter(|&n| is_set(&events[n][2])).collect();
    assert_eq!(ends, [events.len() - 3, events.len() - 2, events.len() - 1], "{events:?}");
    let lengths: Vec<u32> = events.iter().map(|event| event[3].parse().expect("a duration")).collect();
    assert!(lengths.is_sorted(), "{lengths:?}");
}

/// A request as an application sees it: it knows its own URL only from the Host header and the request line.
fn as_received(asked: &Asked) -> Value {
    let url = format!("http://{}{}", asked.header("host").expect("a host"), asked.target);
    let form: BTreeMap<_, _> =
        form_urlencoded::parse(asked.body.as_bytes()).map(|(name, value)| (name, [value])).collect();
    json!({ "url": url, "form": form, "signature": asked.header("x-twilio-signature") })
}

/// The application of a call in which every kind of request is made.
fn eloquent(asked: &Asked) -> Act {
    match asked.path() {
        "/voice" => twiml(
            "<Play>/hör%20zu.wav?a=b c</Play>
             <Dial action=\"/dialled?who=J%C3%BCrgen&amp;x=1\">
               <Client statusCallback=\"/events?n=1\" statusCallbackEvent=\"initiated ringing answered completed\">
                 bob
               </Client>
             </Dial>",
        ),
        "/h%C3%B6r%20zu.wav" => Act::Say(answer("200 OK", "Content-Type: audio/wav\r\n", tone(1000.0, 1))),
        "/dialled" => twiml("<Redirect method=\"GET\">/nächstes?a=b c&amp;d=%26</Redirect>"),
        "/fallback" => twiml("<Hangup/>"),
        "/n%C3%A4chstes" => Act::Say(answer("500 Oops", "", "")),
        _ => Act::Say(answer("204 No Content", "", "")),
    }
}

#[test]
fn every_request_of_a_call_is_accepted_by_the_official_clients_and_its_events_come_in_order() {
    let application = Application::start(eloquent);
    let plan = Folder::new();
    let url = |path| application.url(path);
    let route = |number, method| {
        format!(
            "[[route]]\nnumber = \"{number}\"\nwebhook = \"{}\"\nmethod = \"{method}\"\npublic = true\n\
             fallback = \"{}\"\nstatus_callback = \"{}\"\n",
            url("/voice?q=%C3%A9%20%26&x=1"),
            url("/fallback"),
            url("/over?call=1"),
        )
    };
    plan.write("routes.toml", route("400", "GET") + &route("401", "POST"));
    let switch = Switch::with(&Options { dialplan: plan.path().into(), ..Options::default() });
    let bob = switch.telephone("bob").registered();
    for number in ["400", "401"] {
        let answered = bob.waits("callee-hangs-up");
        let caller = switch.telephone("stranger").with("header", "X-Note: Zoë \"Z\" & Söhne 🎺 100%+x=y");
        caller.dials("caller-hung-up-on-open", number).succeeds();
        answered.succeeds();
    }
    eventually("both ends are told", SOON, || application.asked_at("/over").len() == 2);

    let asked = application.asked();
    let count = |method: &str, path: &str| {
        asked.iter().filter(|asked| asked.method == method && asked.path() == path).count()
    };
    for (method, path, times) in [
        ("GET", "/voice", 1),
        ("POST", "/voice", 1),
        ("POST", "/events", 8),
        ("POST", "/dialled", 2),
        ("GET", "/n%C3%A4chstes", 2),
        ("POST", "/fallback", 2),
        ("POST", "/over", 2),
    ] {
        assert_eq!(count(method, path), times, "{method} {path}");
    }
    assert!(count("GET", "/h%C3%B6r%20zu.wav") >= 1);
    let note = asked[0].parameter("SipHeader_X-Note");
    assert_eq!(note.as_deref(), Some("Zoë \"Z\" & Söhne 🎺 100%+x=y"));
    let events = application.asked_at("/events");
    let told: Vec<(String, String)> = events
        .iter()
        .filter_map(|event| Some((event.parameter("SequenceNumber")?, event.parameter("CallStatus")?)))
        .collect();
    let due = [("0", "initiated"), ("1", "ringing"), ("2", "in-progress"), ("3", "completed")];
    let due: Vec<(String, String)> =
        due.iter().chain(&due).map(|(number, status)| ((*number).to_owned(), (*status).to_owned())).collect();
    assert_eq!(told, due);

    let requests: Vec<Value> = asked.iter().map(as_received).collect();
    let case = json!({ "token": ACCOUNT.1, "requests": requests }).to_string();
    for validate in [python as fn(&str) -> String, node] {
        let verdicts: Vec<bool> = serde_json::from_str(&validate(&case)).expect("verdicts");
        let wrong: Vec<&Asked> =
            asked.iter().zip(&verdicts).filter(|(_, is_valid)| !**is_valid).map(|(asked, _)| asked).collect();
        assert!(wrong.is_empty() && verdicts.len() == asked.len(), "not valid: {wrong:#?}");
    }
    switch.finish();
}
