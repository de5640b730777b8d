use super::*;
use crate::ids::LegId;

/// 2026-11-24 10:00:00 UTC, microseconds.
const WALL: u64 = 1_795_514_400_000_000;

fn id(number: u8) -> LegId {
    LegId::from_bytes([number; 16])
}

fn peer() -> std::net::SocketAddr {
    ([192, 0, 2, 7], 5060).into()
}

fn sent(message: &str) -> Event {
    Event::Sent { message: message.into(), cseq: "1 INVITE".into(), peer: peer() }
}

fn came(message: &str) -> Event {
    Event::Received { message: message.into(), cseq: "2 INVITE".into(), peer: peer() }
}

fn invited() -> Event {
    let from = "\"Alice; of us\" <sip:alice@example.com;transport=udp>;tag=a";
    Event::Invited { from: from.into(), to: "sip:200@example.com".into() }
}

fn dialled() -> Event {
    Event::Dialled { from: "sip:alice@example.com".into(), to: "sip:bob@example.com".into(), parent: id(1) }
}

fn ended(cause: Cause, by: Side) -> Event {
    Event::Ended { cause, by }
}

fn refused(status: u16) -> Event {
    Event::AttemptFailed { target: "sip:bob@192.0.2.7".into(), status }
}

/// The record of a leg to which this happened, so many milliseconds after ten o'clock. It is made at a moment of its
/// own: an hour later, by which the wall clock has gone on.
fn record(leg: u8, events: &[(u64, Event)]) -> CallRecord {
    let boot = 5_000_000;
    let at = |milli: u64| Moment::from_micros(boot + milli * 1_000);
    let log: Vec<Entry> = events
        .iter()
        .map(|(milli, event)| Entry { leg: id(leg), at: at(*milli), event: event.clone() })
        .collect();
    let hour = 3_600_000;
    CallRecord::of(CallId(id(1)), id(leg), &log, &WallClock { at: at(hour), wall: WALL + hour * 1_000 })
}

#[test]
fn a_caller_who_talks_and_hangs_up_is_billed_from_the_answer_on() {
    let media = peer();
    let found = record(
        1,
        &[
            (0, invited()),
            (0, Event::Received { message: "INVITE".into(), cseq: "1 INVITE".into(), peer: media }),
            (40, sent("180 Ringing")),
            (40, Event::Ringing),
            (2_000, sent("200 OK")),
            (2_000, Event::Answered),
            (3_000, Event::Held),
            (
                3_001,
                Event::Sent {
                    message: "488 Not Acceptable Here".into(),
                    cseq: "2 INVITE".into(),
                    peer: media,
                },
            ),
            (6_000, Event::Resumed),
            (14_345, ended(Cause::HungUp, Side::Peer)),
            (14_360, Event::Quality { received: 1, sent: 1, lost: 0, jitter_us: 0, foreign: 0 }),
        ],
    );
    assert_eq!(
        found,
        CallRecord {
            version: 1,
            sid: id(1),
            call: CallId(id(1)),
            parent: None,
            from: "sip:alice@example.com".into(),
            to: "sip:200@example.com".into(),
            direction: Direction::Inbound,
            start: "2026-11-24T10:00:00.000Z".into(),
            ringing: Some("2026-11-24T10:00:00.040Z".into()),
            answer: Some("2026-11-24T10:00:02.000Z".into()),
            end: "2026-11-24T10:00:14.345Z".into(),
            duration_ms: 14_345,
            billable_ms: 12_345,
            status: CallStatus::Completed,
            cause: Cause::HungUp,
            by: Side::Peer,
            sip_status: Some(200),
        }
    );
}

#[test]
fn who_is_dialled_is_noted_after_the_invite_and_begins_with_it() {
    let found = record(
        2,
        &[
            (10, sent("INVITE")),
            (11, dialled()),
            (60, came("180 Ringing")),
            (60, Event::Ringing),
            (90, Event::Ringing),
            (500, came("200 OK")),
            (500, Event::Answered),
            (1_500, ended(Cause::HungUp, Side::Switch)),
        ],
    );
    assert_eq!((found.direction, found.parent), (Direction::OutboundDial, Some(id(1))));
    assert_eq!((found.from.as_str(), found.to.as_str()), ("sip:alice@example.com", "sip:bob@example.com"));
    assert_eq!((found.start.as_str(), found.duration_ms), ("2026-11-24T10:00:00.010Z", 1_490));
    assert_eq!(found.ringing.as_deref(), Some("2026-11-24T10:00:00.060Z"), "the first time counts");
    assert_eq!((found.billable_ms, found.sip_status), (1_000, Some(200)));
}

/// A caller's leg that was answered after a second, and to which this happened.
fn answered(end: Vec<(u64, Event)>) -> CallRecord {
    let mut events =
        vec![(0, invited()), (10, Event::Ringing), (1_000, sent("200 OK")), (1_000, Event::Answered)];
    events.extend(end);
    record(1, &events)
}

#[test]
fn every_end_of_an_answered_leg_is_completed_and_says_who_ended_it_and_why() {
    use Side::{Peer, Switch};
    for (name, events, cause, by, billable) in [
        ("hung up", vec![(4_000, ended(Cause::HungUp, Peer))], Cause::HungUp, Peer, 3_000),
        ("ended by the switch", vec![(5_000, ended(Cause::HungUp, Switch))], Cause::HungUp, Switch, 4_000),
        (
            "taken out of service",
            vec![(5_000, ended(Cause::Maintenance, Switch))],
            Cause::Maintenance,
            Switch,
            4_000,
        ),
        ("no sound", vec![(61_500, ended(Cause::MediaTimeout, Switch))], Cause::MediaTimeout, Switch, 60_500),
        (
            "held to the end",
            vec![(2_000, Event::Held), (9_000, ended(Cause::HungUp, Peer))],
            Cause::HungUp,
            Peer,
            8_000,
        ),
        (
            "transferred away",
            vec![
                (2_000, Event::Referred { to: "sip:carol@example.com".into() }),
                (3_000, Event::Transferred { status: 200 }),
                (3_500, ended(Cause::HungUp, Peer)),
            ],
            Cause::HungUp,
            Peer,
            2_500,
        ),
        (
            "replaced",
            vec![(2_000, Event::Replaced { by: id(9) }), (2_500, ended(Cause::HungUp, Switch))],
            Cause::HungUp,
            Switch,
            1_500,
        ),
        (
            "given up twice",
            vec![(3_000, ended(Cause::HungUp, Peer)), (4_000, ended(Cause::Internal, Switch))],
            Cause::HungUp,
            Peer,
            2_000,
        ),
        (
            "cut off without a word",
            vec![(7_000, Event::Digit { digit: '1' })],
            Cause::Internal,
            Switch,
            6_000,
        ),
    ] {
        let found = answered(events);
        assert_eq!((found.status, found.sip_status), (CallStatus::Completed, Some(200)), "{name}");
        assert_eq!((&found.cause, found.by), (&cause, by), "{name}");
        assert_eq!((found.billable_ms, found.duration_ms), (billable, billable + 1_000), "{name}");
    }
}

#[test]
fn a_caller_who_reaches_nobody_has_the_status_that_was_sent() {
    use Side::{Peer, Switch};
    for (end, answer, status, sip) in [
        (ended(Cause::Busy, Switch), "486 Busy Here", CallStatus::Busy, 486),
        (ended(Cause::Declined, Switch), "603 Decline", CallStatus::Busy, 603),
        (ended(Cause::NoAnswer, Switch), "480 Temporarily Unavailable", CallStatus::NoAnswer, 480),
        (ended(Cause::NotFound, Switch), "404 Not Found", CallStatus::Failed, 404),
        (ended(Cause::Cancelled, Peer), "487 Request Terminated", CallStatus::NoAnswer, 487),
        (ended(Cause::HungUp, Switch), "603 Decline", CallStatus::Canceled, 603),
        (ended(Cause::Maintenance, Switch), "503 Service Unavailable", CallStatus::Canceled, 503),
        (ended(Cause::Internal, Switch), "500 Server Internal Error", CallStatus::Failed, 500),
    ] {
        let found =
            record(1, &[(0, invited()), (10, Event::Ringing), (900, sent(answer)), (900, end.clone())]);
        assert_eq!((found.status, found.sip_status), (status, Some(sip)), "{end:?}");
        assert_eq!((found.answer, found.billable_ms, found.duration_ms), (None, 0, 900), "{end:?}");
    }
}

#[test]
fn a_callee_who_does_not_answer_has_the_status_that_came_or_that_of_a_call_given_up() {
    use Side::{Peer, Switch};
    for (events, end, status, sip) in [
        (vec![came("486 Busy Here"), refused(486)], ended(Cause::Busy, Peer), CallStatus::Busy, Some(486)),
        (vec![came("603 Decline"), refused(603)], ended(Cause::Declined, Peer), CallStatus::Busy, Some(603)),
        (vec![refused(408)], ended(Cause::Unreachable, Peer), CallStatus::Failed, Some(408)),
        (vec![refused(503)], ended(Cause::Unreachable, Peer), CallStatus::Failed, Some(503)),
        (vec![refused(486), refused(480)], ended(Cause::Busy, Peer), CallStatus::Busy, Some(486)),
        (vec![], ended(Cause::NoAnswer, Switch), CallStatus::NoAnswer, Some(487)),
        (vec![], ended(Cause::Cancelled, Switch), CallStatus::Canceled, Some(487)),
        (vec![], ended(Cause::AnsweredElsewhere, Switch), CallStatus::NoAnswer, Some(487)),
        (vec![], ended(Cause::Maintenance, Switch), CallStatus::Canceled, Some(487)),
        (vec![came("401 Unauthorized")], ended(Cause::Refused(401), Peer), CallStatus::Failed, Some(401)),
    ] {
        let all = [(0, sent("INVITE")), (0, dialled())].into_iter();
        let all: Vec<_> =
            all.chain(events.into_iter().map(|event| (700, event))).chain([(800, end.clone())]).collect();
        let found = record(2, &all);
        assert_eq!((found.status, found.sip_status), (status, sip), "{end:?}");
        assert_eq!((found.billable_ms, found.duration_ms), (0, 800), "{end:?}");
    }
}

#[test]
fn a_record_is_read_back_and_one_of_a_later_version_too() {
    let found = answered(vec![(4_000, ended(Cause::Refused(500), Side::Peer))]);
    let json = serde_json::to_string(&found).expect("it is written");
    assert_eq!(serde_json::from_str::<CallRecord>(&json).ok(), Some(found.clone()));
    let later = json.replace("\"version\":1", "\"version\":2,\"price\":\"0.01\"");
    assert_eq!(serde_json::from_str::<CallRecord>(&later).ok(), Some(CallRecord { version: 2, ..found }));
}
