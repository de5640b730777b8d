//! Whole ladders, as people will read them, and what strangers may not do to them.
//! The drawings in `golden/` are the specification: read them, not only compare them.

use std::net::SocketAddr;

use super::*;
use crate::ops::events::{Cause, Event, Side};
use crate::ops::screen::{WIDTH, cells};
use crate::sip::message::Transport;

const BOOT: u64 = 1_795_516_200_000_000;

/// Writes the logs of a call line by line.
struct Scribe {
    trace: Trace,
    at: u64,
}

impl Scribe {
    /// The legs of these URIs; the first one calls.
    fn of(peers: &[&str]) -> Self {
        let id = |n: usize| LegId::from_bytes([u8::try_from(n).expect("few legs") + 0xa0; 16]);
        let legs = peers.iter().enumerate();
        let legs =
            legs.map(|(n, peer)| LegTrace { id: id(n), peer: (*peer).to_owned(), entries: Vec::new() });
        Self {
            trace: Trace { call: CallId(id(0)), boot_wall_us: BOOT, legs: legs.collect() },
            at: 67_204_000,
        }
    }

    fn after(&mut self, millis: u64) -> &mut Self {
        self.at += millis * 1000;
        self
    }

    fn tell(&mut self, leg: usize, event: Event) -> &mut Self {
        let LegTrace { id, entries, .. } = &mut self.trace.legs[leg];
        entries.push(Entry { leg: *id, at: Moment::from_micros(self.at), event });
        self
    }

    fn received(&mut self, leg: usize, message: &str, cseq: &str) -> &mut Self {
        let (message, cseq, peer) = (message.to_owned(), cseq.to_owned(), peer(leg));
        self.tell(leg, Event::Received { message, cseq, peer })
    }

    fn sent(&mut self, leg: usize, message: &str, cseq: &str) -> &mut Self {
        let (message, cseq, peer) = (message.to_owned(), cseq.to_owned(), peer(leg));
        self.tell(leg, Event::Sent { message, cseq, peer })
    }

    fn invited(&mut self, to: &str, target: &str, reason: &str) -> &mut Self {
        let from = format!("\"Somebody\" <{}>;tag=7", self.trace.legs[0].peer);
        self.tell(0, Event::Invited { from, to: to.to_owned() }).received(0, "INVITE", "1 INVITE");
        self.after(1).tell(0, Event::Routed { target: target.to_owned(), reason: reason.to_owned() })
    }

    fn dialled(&mut self, leg: usize) -> &mut Self {
        let (to, parent) = (self.trace.legs[leg].peer.clone(), self.trace.legs[0].id);
        self.tell(leg, Event::Dialled { from: String::new(), to, parent }).sent(leg, "INVITE", "1 INVITE")
    }

    fn negotiated(&mut self, leg: usize) -> &mut Self {
        self.tell(leg, Event::Negotiated { codec: "PCMU".to_owned(), media: media(leg) })
    }

    fn bridged(&mut self, a: usize, b: usize) -> &mut Self {
        let with = [self.trace.legs[b].id, self.trace.legs[a].id];
        self.tell(a, Event::Bridged { with: with[0] }).tell(b, Event::Bridged { with: with[1] })
    }

    fn began(&mut self, verb: &str, detail: &str) -> &mut Self {
        self.tell(0, Event::VerbStarted { verb: verb.to_owned(), detail: detail.to_owned() })
    }

    fn quality(&mut self, leg: usize, lost: u64, foreign: u64) -> &mut Self {
        let [received, sent, jitter_us] = [612, 618, 1_870];
        self.tell(leg, Event::Quality { received, sent, lost, jitter_us, foreign })
    }

    fn ended(&mut self, leg: usize, cause: Cause, by: Side) -> &mut Self {
        self.tell(leg, Event::Ended { cause, by })
    }

    fn verb_ended(&mut self, verb: &str, outcome: &str) -> &mut Self {
        self.tell(0, Event::VerbEnded { verb: verb.to_owned(), outcome: outcome.to_owned() })
    }

    /// bob rings and answers; the caller is answered and joined with him.
    fn bob_answers(&mut self) -> &mut Self {
        self.after(38).received(1, "180 Ringing", "1 INVITE").tell(1, Event::Ringing);
        self.after(1).sent(0, "180 Ringing", "1 INVITE").tell(0, Event::Ringing);
        self.after(2_410).received(1, "200 OK", "1 INVITE").sent(1, "ACK", "1 ACK").negotiated(1);
        self.tell(1, Event::Answered);
        self.after(1).sent(0, "200 OK", "1 INVITE").negotiated(0).tell(0, Event::Answered);
        self.after(1).bridged(0, 1).after(16).received(0, "ACK", "1 ACK")
    }

    /// bob hangs up, and the caller with him.
    fn bob_hangs_up(&mut self) -> &mut Self {
        self.after(12_412).received(1, "BYE", "7 BYE").sent(1, "200 OK", "7 BYE");
        self.ended(1, Cause::HungUp, Side::Peer);
        self.after(1).tell(0, Event::Unbridged).verb_ended("Dial", "completed").began("Hangup", "");
        self.after(1).sent(0, "BYE", "1 BYE").ended(0, Cause::HungUp, Side::Switch).quality(1, 0, 0);
        self.after(19).received(0, "200 OK", "1 BYE").quality(0, 7, 3)
    }
}

fn peer(leg: usize) -> SocketAddr {
    ([192, 0, 2, u8::try_from(leg).expect("few legs") + 7], 5062).into()
}

fn media(leg: usize) -> SocketAddr {
    ([192, 0, 2, u8::try_from(leg).expect("few legs") + 7], 4000).into()
}

fn two() -> Scribe {
    Scribe::of(&["sip:alice@192.0.2.1", "sip:bob@192.0.2.8:5062;transport=udp"])
}

fn answered() -> Trace {
    let mut scribe = two();
    scribe.invited("sip:102@192.0.2.1", "connect.xml", "route connect me (102)").sent(
        0,
        "100 Trying",
        "1 INVITE",
    );
    scribe.after(2).began("Dial", "bob").after(1).dialled(1).bob_answers();
    scribe.after(43).tell(0, Event::MediaLearnt { media: media(0) });
    scribe.after(20).tell(1, Event::MediaLearnt { media: ([198, 51, 100, 20], 61_034).into() });
    scribe.after(4_000).received(0, "INVITE", "2 INVITE").sent(0, "200 OK", "2 INVITE").negotiated(0);
    scribe.tell(0, Event::Held).after(502).sent(0, "200 OK", "2 INVITE").after(7).received(0, "ACK", "2 ACK");
    scribe.after(3_000).received(0, "INVITE", "3 INVITE").sent(0, "200 OK", "3 INVITE").negotiated(0);
    scribe.tell(0, Event::Resumed).after(7).received(0, "ACK", "3 ACK");
    scribe
        .after(800)
        .received(0, "INFO", "4 INFO")
        .tell(0, Event::Digit { digit: '5' })
        .sent(0, "200 OK", "4 INFO");
    scribe.bob_hangs_up();
    scribe.trace
}

fn busy() -> Trace {
    let mut scribe = two();
    scribe.invited("sip:bob@192.0.2.1", "bob", "the name of a user").after(1).dialled(1);
    scribe.after(40).received(1, "486 Busy Here", "1 INVITE").sent(1, "ACK", "1 ACK");
    let target = "sip:bob@192.0.2.8:5062".to_owned();
    scribe.tell(1, Event::AttemptFailed { target, status: 486 }).ended(1, Cause::Busy, Side::Peer);
    scribe.after(1).verb_ended("Dial", "busy").sent(0, "486 Busy Here", "1 INVITE");
    scribe.ended(0, Cause::Busy, Side::Switch).after(15).received(0, "ACK", "1 ACK");
    scribe.trace
}

fn panic() -> Trace {
    let mut scribe = two();
    scribe.invited("sip:bob@192.0.2.1", "bob", "the name of a user").after(1).dialled(1).bob_answers();
    let leg = format!("leg {}", scribe.trace.legs[0].id);
    let poisoned = || {
        "index out of bounds: the len is 0 but the index is 3, says a poisoned message from the \
                       control socket in src/leg/actor.rs:117:9"
            .to_owned()
    };
    scribe.after(3_000).tell(0, Event::Panicked { actor: leg.clone(), message: poisoned() });
    scribe.after(2).tell(0, Event::Restored { actor: leg.clone(), generation: 1 });
    scribe.after(900).tell(1, Event::Panicked { actor: "shard".to_owned(), message: "poisoned".to_owned() });
    scribe.after(2).tell(1, Event::Restored { actor: "shard".to_owned(), generation: 4 }).bob_hangs_up();
    scribe.trace
}

/// Six are tried at once, then a seventh.
fn hunt() -> Trace {
    let callees = ["ann", "ben", "cora-the-receptionist", "dan", "eve", "fay", "gil"];
    let uris: Vec<String> =
        ["zoe"].iter().chain(&callees).map(|name| format!("sip:{name}@192.0.2.1")).collect();
    let mut scribe = Scribe::of(&uris.iter().map(String::as_str).collect::<Vec<_>>());
    scribe.invited("tel:+4930123456", "hunt.xml", "route hunt group (+4930*)");
    for leg in 1..=6 {
        scribe.after(1).dialled(leg);
    }
    for leg in 1..=6 {
        scribe.after(10).received(leg, "480 Temporarily Unavailable", "1 INVITE").sent(leg, "ACK", "1 ACK");
        scribe.ended(leg, Cause::NoAnswer, Side::Peer);
    }
    scribe.after(10).dialled(7).after(20_000).received(0, "CANCEL", "1 CANCEL").sent(0, "200 OK", "1 CANCEL");
    scribe.sent(0, "487 Request Terminated", "1 INVITE").ended(0, Cause::Cancelled, Side::Peer);
    scribe.after(1).sent(7, "CANCEL", "1 CANCEL").ended(7, Cause::Cancelled, Side::Switch);
    scribe.trace
}

/// bob passes alice on to carol.
fn transferred() -> Trace {
    let mut scribe = Scribe::of(&[
        "sip:alice@192.0.2.1",
        "sip:bob@192.0.2.8:5062;transport=udp",
        "sip:carol@192.0.2.9:5062;transport=udp",
    ]);
    scribe.invited("sip:bob@192.0.2.1", "bob", "the name of a user").after(1).dialled(1).bob_answers();
    scribe.after(3_000).received(1, "REFER", "3 REFER").sent(1, "202 Accepted", "3 REFER");
    scribe.tell(1, Event::Referred { to: "sip:carol@192.0.2.1".to_owned() }).sent(1, "NOTIFY", "1 NOTIFY");
    scribe.after(1).dialled(2).after(3).received(1, "200 OK", "1 NOTIFY");
    scribe.after(30).received(2, "180 Ringing", "1 INVITE").tell(2, Event::Ringing);
    scribe.after(1).sent(1, "NOTIFY", "2 NOTIFY").after(4).received(1, "200 OK", "2 NOTIFY");
    scribe.after(2_000).received(2, "200 OK", "1 INVITE").sent(2, "ACK", "1 ACK").negotiated(2);
    scribe.tell(2, Event::Answered).after(1).tell(1, Event::Transferred { status: 200 }).bridged(0, 2);
    scribe.after(1).sent(1, "NOTIFY", "3 NOTIFY").sent(1, "BYE", "4 BYE");
    scribe.ended(1, Cause::HungUp, Side::Switch).after(7).received(1, "200 OK", "3 NOTIFY");
    scribe.received(1, "200 OK", "4 BYE").after(9_000).received(2, "BYE", "1 BYE").sent(2, "200 OK", "1 BYE");
    scribe.ended(2, Cause::HungUp, Side::Peer).after(1).tell(0, Event::Unbridged);
    scribe.verb_ended("Dial", "completed").after(1).sent(0, "BYE", "1 BYE");
    scribe.ended(0, Cause::HungUp, Side::Switch).after(19).received(0, "200 OK", "1 BYE");
    scribe.trace
}

/// alice joins bob with somebody of another call of hers.
fn joined() -> Trace {
    let other = LegId::from_bytes([0xc7; 16]);
    let mut scribe = two();
    scribe.invited("sip:bob@192.0.2.1", "bob", "the name of a user").after(1).dialled(1).bob_answers();
    scribe.after(3_000).tell(0, Event::Replaced { by: other }).tell(1, Event::Bridged { with: other });
    scribe.after(1).sent(0, "BYE", "1 BYE").ended(0, Cause::HungUp, Side::Switch);
    scribe.after(19).received(0, "200 OK", "1 BYE").after(5_000).received(1, "BYE", "7 BYE");
    scribe.sent(1, "200 OK", "7 BYE").ended(1, Cause::HungUp, Side::Peer);
    scribe.trace
}

#[track_caller]
fn looks_like(golden: &str, trace: &Trace) {
    let drawn = ladder(trace);
    assert!(drawn == golden, "this is not what stands in golden/:\n{drawn}");
    assert!(drawn.lines().all(|line| cells(line).len() <= WIDTH && line.trim_end() == line));
}

#[test]
fn a_transfer_shows_who_takes_whose_place() {
    looks_like(include_str!("golden/transferred.txt"), &transferred());
    looks_like(include_str!("golden/joined.txt"), &joined());
}

#[test]
fn an_answered_call_with_hold_reads_from_invite_to_quality() {
    looks_like(include_str!("golden/answered.txt"), &answered());
}

#[test]
fn a_busy_callee_is_told_to_the_caller() {
    looks_like(include_str!("golden/busy.txt"), &busy());
}

#[test]
fn panics_stand_between_the_messages_that_they_did_not_disturb() {
    looks_like(include_str!("golden/panic.txt"), &panic());
}

#[test]
fn more_callees_than_columns_share_and_inherit_them() {
    looks_like(include_str!("golden/hunt.txt"), &hunt());
}

#[test]
fn what_no_message_says_is_said_in_words() {
    let mut scribe = two();
    let (to, parent) = ("sip:bob@192.0.2.8".to_owned(), scribe.trace.legs[0].id);
    let finding = "Say wants text".to_owned();
    scribe.tell(0, Event::ScriptFinding { line: 3, column: 5, code: 12200, message: finding });
    scribe.tell(1, Event::Dialled { from: String::new(), to: to.clone(), parent }).tell(1, Event::EarlyMedia);
    let at = ([198, 51, 100, 9], 40_000).into();
    scribe.tell(0, Event::Carried { transport: Transport::Tls, peer: at });
    scribe.tell(1, Event::Carried { transport: Transport::Udp, peer: at });
    scribe.tell(1, Event::AttemptFailed { target: to, status: 408 });
    scribe.tell(0, Event::AttemptFailed { target: String::new(), status: 0 });
    scribe.ended(1, Cause::Unreachable, Side::Switch).ended(0, Cause::Internal, Side::Switch);
    let drawn = ladder(&scribe.trace);
    for sentence in [
        "script, line 3, column 5: Say wants text (12200)",
        "calls bob for alice",
        "alice is reached over TLS at 198.51.100.9:40000",
        "bob sends sound before the answer",
        "no answer at all from bob (408)",
        "the call to a callee could not even begin",
        "bob could not be reached",
        "Trunkline lost the leg of alice: it panicked too often",
    ] {
        assert!(drawn.contains(&format!("│ {sentence}")), "{sentence} is missing in\n{drawn}");
    }
    assert!(!drawn.contains("over UDP"), "that goes without saying");
}

#[test]
fn what_came_over_http_is_told_with_its_status_and_its_time() {
    let (document, url) = ("http://app/menu".to_owned(), "http://app/told".to_owned());
    let mut scribe = two();
    scribe
        .tell(0, Event::Obtained { document: document.clone(), status: Some(200), took_us: 40_100 })
        .tell(0, Event::Obtained { document: "menu.xml".to_owned(), status: None, took_us: 0 })
        .tell(
            0,
            Event::Unobtained { document: document.clone(), status: Some(503), code: 11_217, took_us: 9 },
        )
        .tell(0, Event::Unobtained { document, status: None, code: 11_205, took_us: 15_000_000 });
    for (status, code, took_us) in [(Some(204), None, 7_000), (Some(500), Some(15_003), 8_000)] {
        let (url, message) = (url.clone(), "answered with 500".to_owned());
        scribe.tell(0, Event::Callback { url, attempt: 2, status, code, message, took_us });
    }
    let texts: Vec<String> = lines(&scribe.trace).into_iter().map(|line| line.text).collect();
    assert_eq!(
        texts,
        [
            "script: http://app/menu is there (200, 41 ms)",
            "script: menu.xml is there",
            "script: http://app/menu cannot be had (503, 1 ms)",
            "script: http://app/menu cannot be had (15000 ms)",
            "callback to http://app/told delivered (204, 7 ms)",
            "callback to http://app/told, try 2 (500, 8 ms): answered with 500 (15003)",
        ]
    );
}

#[test]
fn a_digest_tells_who_called_whom_what_came_of_it_and_who_ended_it() {
    let a0 = "CAa0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0";
    for (trace, told) in [
        (answered(), "alice calls 102: talked 20.8 s, bob hung up"),
        (busy(), "alice calls bob: bob is busy"),
        (hunt(), "zoe calls +4930123456: zoe gave up before …"),
    ] {
        assert_eq!(digest(&trace), format!("2026-11-24 10:31:07  {a0}  {told}"));
    }
    let mut unfinished = busy();
    unfinished.legs[0].entries.truncate(3);
    assert!(digest(&unfinished).ends_with("alice calls bob: not answered yet"));
    unfinished.legs.clear();
    assert!(digest(&unfinished).ends_with("somebody calls somebody: nobody called"));
    assert_eq!(ladder(&unfinished), format!("Call {a0}\nnothing is known of this call\n\n"));
}

#[test]
fn colours_change_nothing_but_colours() {
    let coloured = draw(&panic(), Ink::Coloured);
    assert!(coloured.contains("\x1b[33m") && coloured.contains("\x1b[1m"));
    let mut plain = String::new();
    for (n, part) in coloured.split('\x1b').enumerate() {
        plain.push_str(if n == 0 { part } else { part.split_once('m').expect("every sequence ends").1 });
    }
    assert_eq!(plain, ladder(&panic()));
}

#[test]
fn what_strangers_write_moves_no_cursor_and_breaks_no_line() {
    let mut scribe =
        Scribe::of(&["sip:\x1b[2J\u{202e}mallory\u{202d}@h", "", "sip:日本語の長い長い名前です@h"]);
    scribe.invited("sip:\r\n1\u{7}@h", "x\ny", &"z".repeat(5_000));
    for leg in [0, 1, 2] {
        scribe.after(u64::MAX / 4_000_000).sent(leg, &"\x1b]0;".repeat(90), "").received(leg, "", "\n");
        scribe.tell(leg, Event::Digit { digit: '\u{9b}' }).tell(leg, Event::Answered).quality(
            leg,
            u64::MAX,
            u64::MAX,
        );
    }
    for text in [ladder(&scribe.trace), digest(&scribe.trace)] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && !text.contains('\u{202e}'), "{text}");
        assert!(text.lines().all(|line| cells(line).len() <= WIDTH), "{text}");
        assert!(text.contains("mallory"), "{text}");
    }
}

#[test]
fn a_trace_survives_json() {
    let trace = answered();
    let text = serde_json::to_string(&trace).expect("plain data");
    assert!(text.contains("\"event\":\"media-learnt\",\"media\":\"198.51.100.20:61034\""), "{text}");
    assert_eq!(serde_json::from_str::<Trace>(&text).expect("as printed"), trace);
}

#[test]
fn whoever_follows_a_call_reads_the_story_that_stands_there_afterwards() {
    for trace in [answered(), busy(), panic(), hunt()] {
        let mut events: Vec<(&LegTrace, &Entry)> =
            trace.legs.iter().flat_map(|leg| leg.entries.iter().map(move |entry| (leg, entry))).collect();
        events.sort_by_key(|(_, entry)| entry.at);
        let mut follower = Follower::new(BOOT, false);
        let told: Vec<String> = events
            .into_iter()
            .filter_map(|(leg, entry)| follower.told(trace.call, &leg.peer, entry.clone()))
            .collect();
        // That a leg is dialled is said at once; afterwards its INVITE says so.
        let texts = told.iter().filter_map(|line| line.split_once("  ")).map(|line| line.1);
        let mut read: Vec<&str> = texts.filter(|text| !text.starts_with("calls ")).collect();
        let afterwards = lines(&trace);
        let mut wanted: Vec<&str> = afterwards.iter().map(|line| line.text.as_str()).collect();
        read.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(read, wanted);
        assert!(
            told[0].starts_with("2026-11-24 10:31:07.204  alice → INVITE") || told[0].contains("zoe"),
            "{told:?}"
        );
    }
}

#[test]
fn a_follower_of_all_calls_reads_whose_event_it_is_and_of_one_what_was_before() {
    let trace = busy();
    let mut follower = Follower::new(BOOT, true);
    let before = follower.begin(trace.clone());
    assert_eq!(before.len(), lines(&trace).len());
    let wanted = format!("2026-11-24 10:31:07.204  {}  alice → INVITE", trace.call);
    assert_eq!(before[0], wanted);
    let late =
        Entry { leg: trace.legs[1].id, at: Moment::from_micros(0), event: Event::Digit { digit: '5' } };
    let said = follower.told(trace.call, "", late).expect("it is new");
    assert!(said.ends_with("bob presses 5"), "{said}");
}
