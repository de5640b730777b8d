//! Whole tables and banners, as an operator sees them.
//! The drawings in `golden/` are the specification: read them, not only compare them.

use std::path::Path;

use super::*;
use crate::ids::LegId;
use crate::leg::LegSummary;
use crate::ops::control::{CallReport, LegNow, Quality};
use crate::ops::events::{Entry, Event};
use crate::ops::screen::{WIDTH, cells};
use crate::ops::trace::{LegTrace, Trace};
use crate::sip::message::Transport;

#[track_caller]
fn looks_like(golden: &str, printed: &str) {
    assert!(printed == golden, "this is not what stands in golden/:\n{printed}");
    assert!(printed.lines().all(|line| cells(line).len() <= WIDTH && line.trim_end() == line));
}

fn leg(id: u8, call: u8, state: &str, began_s: u64, peer: &str) -> LegSummary {
    let sid = |byte| LegId::from_bytes([byte; 16]);
    let began = Moment::from_micros(began_s * 1_000_000);
    LegSummary { id: sid(id), call: CallId(sid(call)), peer: peer.to_owned(), state: state.to_owned(), began }
}

#[test]
fn calls_are_listed_by_age_with_the_callees_under_the_caller() {
    let legs = [
        leg(0x01, 0xb0, "outgoing", 7_198, "sip:dave@a-very-long-host-name-of-a-carrier.example.com"),
        leg(0xa1, 0xa0, "up", 12, "sip:bob@192.0.2.8:5062"),
        leg(0xb0, 0xb0, "incoming", 7_195, "sip:carol@192.0.2.9"),
        leg(0xa0, 0xa0, "up", 10, "sip:alice@192.0.2.1"),
    ];
    looks_like(include_str!("golden/calls.txt"), &calls(&legs, Moment::from_micros(7_200_250_000)));
    assert_eq!(calls(&[], Moment::default()), "no calls\n");
    let alone = calls(&legs[3..], Moment::from_micros(20_000_000));
    assert!(alone.ends_with("\n1 call, 1 leg\n"), "{alone}");
}

#[test]
fn registrations_are_listed_by_user_and_strangers_text_is_tamed() {
    let phone = |user: &str, contact: &str, port: u16, user_agent: Option<&str>| RegistrationSummary {
        user: user.to_owned(),
        contact: contact.to_owned(),
        received: ([192, 0, 2, 7], port).into(),
        transport: Transport::Udp,
        expires_in_s: u64::from(port % 1000),
        user_agent: user_agent.map(str::to_owned),
    };
    let phones = [
        phone(
            "bob",
            "sip:bob-0x55d3c8a2f1e0@192.168.178.23:41002",
            41_002,
            Some("baresip v1.1.0 (x86_64/linux)"),
        ),
        phone("alice", "sip:alice@10.0.0.2:5062", 5_598, Some("Linphone\x1b[2J")),
        phone("alice", "sip:alice@10.0.0.3", 5_060, None),
    ];
    looks_like(include_str!("golden/registrations.txt"), &registrations(&phones));
    assert_eq!(registrations(&[]), "no telephone is registered\n");
}

#[test]
fn a_census_says_when_nothing_is_left() {
    let busy =
        Census { calls: 1, legs: 2, actors: 5, dialogs: 2, client_transactions: 12_345, ..Census::default() };
    looks_like(include_str!("golden/census.txt"), &census(&busy));
    assert!(
        census(&Census::default()).ends_with("dialogs                    0\nnothing is left of any call\n")
    );
}

#[test]
fn the_banner_has_all_that_a_first_call_takes() {
    let password = |digit: char| digit.to_string().repeat(32);
    let users = [("alice", '1'), ("bob", '2'), ("carol", '3')];
    let users = users.map(|(user, digit)| (user.to_owned(), password(digit))).into();
    let numbers = [("100", "you hear yourself"), ("101", "a greeting"), ("102", "connects you with alice")];
    let ready = Banner {
        addresses: &[([192, 0, 2, 1], 5060).into(), "[2001:db8::1]:5060".parse().expect("an address")],
        transports: "UDP",
        users: &users,
        numbers: &numbers.map(|(number, does)| (number.to_owned(), does.to_owned())),
        web: "http://127.0.0.1:8080",
        data: Path::new("/var/lib/trunkline"),
        is_first_start: true,
    };
    looks_like(include_str!("golden/banner.txt"), &banner(&ready));
    let again = banner(&Banner { is_first_start: false, ..ready });
    assert!(again.contains(&password('1')) && !again.contains("new"), "{again}");
}

#[test]
fn the_banner_stays_on_one_screen_whatever_the_dialplan_holds() {
    let users = (0..300).map(|n| (format!("user{n:03}"), "p".repeat(200))).collect();
    let numbers: Vec<_> = (0..300).map(|n| (n.to_string(), "goes on and on ".repeat(30))).collect();
    let addresses: Vec<_> = (0..30).map(|n| ([192, 0, 2, n], 5060).into()).collect();
    let data = "folder/".repeat(60);
    let (users, numbers, addresses) = (&users, &*numbers, &*addresses);
    let text = banner(&Banner {
        addresses,
        transports: "UDP, TCP, TLS at port 5061",
        users,
        numbers,
        web: &data,
        data: Path::new(&data),
        is_first_start: true,
    });
    assert!(text.lines().count() <= 24, "{text}");
    assert!(text.lines().all(|line| cells(line).len() <= WIDTH), "{text}");
    assert!(text.contains("… and 296 more: `trunkline credentials`"), "{text}");

    let none = Default::default();
    let bare = banner(&Banner {
        users: &none,
        numbers: &[],
        ..Banner {
            addresses,
            transports: "UDP",
            users,
            numbers,
            web: "w",
            data: Path::new("d"),
            is_first_start: true,
        }
    });
    assert!(bare.contains("There are no users yet"), "{bare}");
}

/// A call in which the caller types while the callee waits on hold.
fn report() -> CallReport {
    let call = CallId(LegId::from_bytes([0xa0; 16]));
    let entries = |leg: LegId, events: Vec<(u64, Event)>| -> Vec<Entry> {
        let entry =
            |(millis, event)| Entry { leg, at: Moment::from_micros(5_000_000 + millis * 1_000), event };
        events.into_iter().map(entry).collect()
    };
    let bob = LegId::from_bytes([0xb0; 16]);
    let media = |last| ([192, 0, 2, last], 4000).into();
    let peer = ([192, 0, 2, 7], 5062).into();
    let message = |message: &str, cseq: &str| (message.to_owned(), cseq.to_owned());
    let (invite, cseq) = message("INVITE", "1 INVITE");
    let (ok, ok_cseq) = message("200 OK", "1 INVITE");
    let caller = vec![
        (0, Event::Received { message: invite, cseq, peer }),
        (1, Event::Routed { target: "menu.xml".into(), reason: "route menu (105)".into() }),
        (900, Event::VerbStarted { verb: "Dial".into(), detail: "bob".into() }),
        (4_000, Event::Sent { message: ok, cseq: ok_cseq, peer }),
        (4_000, Event::Negotiated { codec: "PCMU".into(), media: media(7) }),
        (4_001, Event::Answered),
        (4_002, Event::Bridged { with: bob }),
        (4_100, Event::MediaLearnt { media: ([198, 51, 100, 20], 61_034).into() }),
        (9_000, Event::Digit { digit: '4' }),
        (9_500, Event::Digit { digit: '2' }),
    ];
    let callee = vec![
        (901, Event::Dialled { from: String::new(), to: "sip:bob@192.0.2.8".into(), parent: call.0 }),
        (3_999, Event::Answered),
        (6_000, Event::Held),
    ];
    let now = |id: LegId, quality| LegNow {
        summary: LegSummary {
            id,
            call,
            peer: String::new(),
            state: "up".into(),
            began: Moment::from_micros(5_000_000),
        },
        quality,
    };
    let quality = Quality {
        received: 612,
        sent: 618,
        lost: 7,
        jitter_us: 1_870,
        round_trip_us: Some(12_040),
        longest_gap_ms: Some(41),
        lost_there_percent: Some(1),
        foreign: 0,
    };
    let leg = |id: LegId, peer: &str, entries| LegTrace { id, peer: peer.to_owned(), entries };
    CallReport {
        trace: Trace {
            call,
            boot_wall_us: 1_795_516_200_000_000,
            legs: vec![
                leg(call.0, "sip:alice@192.0.2.1", entries(call.0, caller)),
                leg(bob, "sip:bob@192.0.2.8:5062", entries(bob, callee)),
            ],
        },
        up: vec![now(call.0, Some(quality)), now(bob, None)],
        now: Moment::from_micros(17_400_000),
    }
}

#[test]
fn a_call_is_shown_with_its_sound_its_script_and_what_happened_lately() {
    looks_like(include_str!("golden/call.txt"), &sheet(&report()));
}
