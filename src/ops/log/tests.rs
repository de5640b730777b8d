//! What stands in the log, and what must not.
//! Nothing here may set the process's own subscriber.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;
use crate::sip::flow::Flow;

const OPTIONS: &[u8] = b"OPTIONS sip:101@192.0.2.1 SIP/2.0\r\nCall-ID : one@phone\r\n\
    authorization: Digest username=\"alice\",\r\n response=\"6629fae4\"\r\nFrom: <sip:\x1b[31malice@192.0.2.7>\r\n\
    \r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3\r\n";

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged while `story` runs.
fn logged(filter: &str, format: LogFormat, story: impl FnOnce()) -> String {
    let paper = Paper::default();
    let copy = paper.clone();
    let config = Log { filter: filter.to_owned(), format };
    let (subscriber, _) = subscriber(&config, move || copy.clone(), false).expect("a good filter");
    tracing::subscriber::with_default(subscriber, story);
    let bytes = paper.0.lock().expect("no writer panics").clone();
    String::from_utf8(bytes).expect("logs are text")
}

fn flow(last: u8) -> Flow {
    let (local, remote) = (([192, 0, 2, 1], 5060).into(), ([192, 0, 2, last], 5062).into());
    Flow::udp(local, remote)
}

fn leg() -> LegId {
    LegId::from_bytes([0xab; 16])
}

#[test]
fn a_line_in_the_span_of_a_leg_tells_call_and_leg_in_either_format() {
    let story = || {
        let _inside = leg_span(CallId(leg()), leg()).entered();
        tracing::info!(caller = %Number("+4930123456"), "rings");
    };
    let text = logged("info", LogFormat::Text, story);
    let wanted = format!("leg{{call_id={} leg_id={}}}", leg(), leg());
    assert!(text.contains(&wanted) && text.contains("rings caller=…456"), "{text}");

    let json = logged("info", LogFormat::Json, story);
    let line: serde_json::Value = serde_json::from_str(&json).expect("one object a line");
    assert_eq!(line["message"], "rings");
    assert_eq!(line["span"]["leg_id"], leg().to_string());
}

#[test]
fn the_filter_of_the_configuration_holds_and_a_bad_one_is_named() {
    let quiet = logged("info,trunkline=warn", LogFormat::Text, || tracing::info!("not wanted"));
    assert_eq!(quiet, "");
    let config = Log { filter: "trunkline=loud".to_owned(), format: LogFormat::Text };
    let error = subscriber(&config, io::sink, false).err().expect("loud is no level").to_string();
    assert!(error.starts_with("log.filter: "), "{error}");
}

#[test]
fn only_the_selected_messages_are_logged() {
    let trace = SipTrace::new();
    let seen = |story: &dyn Fn()| logged("info", LogFormat::Text, story).matches("OPTIONS sip:").count();
    let both = || {
        trace.message(Direction::Received, &flow(7), OPTIONS);
        trace.message(Direction::Sent, &flow(8), &OPTIONS.to_ascii_uppercase());
    };
    assert_eq!(seen(&both), 0);
    trace.select(Selection::Peer([192, 0, 2, 7].into())).expect("room");
    assert_eq!(seen(&both), 1);
    trace.select(Selection::All).expect("room");
    assert_eq!(seen(&both), 1, "the other one is in capitals");
    trace.dismiss(&Selection::All);
    assert_eq!(seen(&both), 0, "all means the peer, too");
    trace.select(Selection::Call("one@phone".to_owned())).expect("room");
    assert_eq!(seen(&both), 1);
    trace.dismiss(&Selection::Call("one@phone".to_owned()));
    assert_eq!(seen(&both), 0);
}

#[test]
fn a_mapped_address_is_the_same_peer() {
    let trace = SipTrace::new();
    trace.select(Selection::Peer("::ffff:192.0.2.7".parse().expect("an address"))).expect("room");
    let text = logged("info", LogFormat::Text, || trace.message(Direction::Received, &flow(7), OPTIONS));
    assert!(text.contains("received\n  | OPTIONS sip:101@192.0.2.1 SIP/2.0\n"), "{text}");
    assert!(text.contains("remote=192.0.2.7:5062"), "{text}");
}

#[test]
fn a_logged_message_shows_no_credentials_no_keys_and_moves_no_terminal() {
    let trace = SipTrace::new();
    trace.select(Selection::All).expect("room");
    let text = logged("info", LogFormat::Text, || trace.message(Direction::Received, &flow(7), OPTIONS));
    for secret in ["6629fae4", "d0RmdmcmVCspeEc3", "\x1b"] {
        assert!(!text.contains(secret), "{text}");
    }
    assert!(text.contains("authorization: (hidden)\n  | From: <sip:"), "{text}");
}

#[test]
fn selections_are_bounded() {
    let trace = SipTrace::new();
    for n in 0..64 {
        assert_eq!(trace.select(Selection::Call(n.to_string())), Ok(()));
    }
    assert_eq!(trace.select(Selection::Call("0".to_owned())), Ok(()), "it is there already");
    assert_eq!(trace.select(Selection::All), Err(TooMany));
    let text = logged("info", LogFormat::Text, || trace.message(Direction::Received, &flow(7), OPTIONS));
    assert_eq!(text, "", "the one too many has no effect");
}

#[test]
fn people_and_secrets_are_told_apart_from_extensions_and_hosts() {
    for (address, shown) in [
        ("sip:+4930123456@example.com;transport=tcp", "sip:…456@example.com"),
        ("sip:alice:open@sesame@192.0.2.7:5062", "sip:…@192.0.2.7:5062"),
        ("sips:101@[2001:db8::1]", "sips:101@[2001:db8::1]"),
        ("tel:+49-30-123456;ext=9", "tel:…456"),
        ("sip:192.0.2.7:5060?Subject=private", "sip:192.0.2.7:5060"),
        ("+4930123456@host", "…456@host"),
    ] {
        assert_eq!(
            (Address(address).to_string().as_str(), &*format!("{:?}", Address(address))),
            (shown, shown)
        );
    }
    for (number, shown) in
        [("101", "101"), ("+4930123456", "…456"), ("+4930", "…30"), ("12345", "…345"), ("", "")]
    {
        assert_eq!(format!("{:?} {}", Number(number), Number(number)), format!("{shown} {shown}"));
    }
    assert_eq!(format!("{:?} {}", Secret("hunter2"), Secret("hunter2")), "(hidden) (hidden)");
}

/// The same with the handle of the logs.
fn logged_with(story: impl FnOnce(&Logs)) -> String {
    let paper = Paper::default();
    let copy = paper.clone();
    let config = Log { filter: "info".to_owned(), format: LogFormat::Text };
    let (subscriber, logs) = subscriber(&config, move || copy.clone(), false).expect("a good filter");
    tracing::subscriber::with_default(subscriber, || story(&logs));
    let bytes = paper.0.lock().expect("no writer panics").clone();
    String::from_utf8(bytes).expect("logs are text")
}

#[test]
fn a_value_from_outside_cannot_forge_a_line_nor_move_a_terminal() {
    let evil = "x\n2026-11-24T00:00:00Z ERROR trunkline: all is lost\x1b[2J\u{202e}";
    let text = logged("info", LogFormat::Text, || {
        tracing::info!(name = %evil, "somebody calls");
        tracing::info!("somebody is {evil}");
    });
    assert_eq!(text.lines().filter(|line| line.starts_with("20")).count(), 2, "{text}");
    assert!(text.contains("name=x\\n2026") && text.contains("\n  | 2026"), "{text}");
    assert!(!text.contains(['\x1b', '\u{202e}']) && text.contains("\\u{1b}[2J\\u{202e}"), "{text}");
}

#[test]
fn a_warning_that_is_repeated_is_said_once_and_other_lines_are_not_kept_back() {
    let text = logged_with(|logs| {
        for limit in 0..100 {
            tracing::warn!(limit, "the limit is reached");
            tracing::info!("a call");
        }
        tracing::warn!("another warning");
        let complaints = logs.complaints();
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert_eq!((complaints[0].text.as_str(), complaints[0].times), ("another warning", 1));
        assert_eq!(
            (complaints[1].text.as_str(), complaints[1].times),
            ("the limit is reached limit=99", 100)
        );
    });
    assert_eq!(text.matches("the limit is reached").count(), 1, "{text}");
    assert_eq!(text.matches("a call").count(), 100);
    assert_eq!(text.matches("another warning").count(), 1);
}

#[test]
fn every_finding_in_the_files_is_said() {
    let findings = [Finding::warning("a.xml", "first"), Finding::warning("b.xml", "second")];
    let lines = logged("info", LogFormat::Text, || tell("start", &findings));
    assert!(lines.contains("start: a.xml: warning: first"), "{lines}");
    assert!(lines.contains("start: b.xml: warning: second"), "{lines}");
}

#[test]
fn the_filter_can_be_changed_and_a_bad_one_leaves_the_former() {
    let text = logged_with(|logs| {
        tracing::debug!("too early");
        logs.follow("debug").expect("a level");
        tracing::debug!("in time");
        assert!(logs.follow("trunkline=loud").is_err());
        tracing::debug!("still there");
    });
    assert!(
        !text.contains("too early") && text.contains("in time") && text.contains("still there"),
        "{text}"
    );
    let told =
        doubt(&Log { filter: "trunkline=loud".to_owned(), format: LogFormat::Text }).expect("no level");
    assert_eq!((told.severity, told.key), (crate::config::Severity::Error, "log.filter"));
}

#[test]
fn the_web_server_s_threads_are_silent_unless_they_are_asked_for() {
    for (filter, lines) in [("info", 1), ("info,actix_server=info", 2)] {
        let text = logged(filter, LogFormat::Text, || {
            tracing::info!(target: "actix_server::builder", "starting 1 workers");
            tracing::info!("ready");
        });
        assert_eq!(text.lines().count(), lines, "{text}");
    }
}
