//! Stories of one session, packet by packet.
//! A wire is a buffer; time is a number.

use std::net::SocketAddr;
use std::sync::Arc;

use super::*;
use crate::asset::Asset;
use crate::codec::Codec;
use crate::rtp::{Header, Packet};
use crate::tone::Tone;

mod keys;
mod model;
mod rebased;
mod sending;
mod tapping;

const SSRC: u32 = 0x5151_5151;

fn at(millis: u64) -> Moment {
    Moment::from_micros(10_000_000 + millis * 1000)
}

fn peer() -> SocketAddr {
    "192.0.2.1:4000".parse().expect("an address")
}

fn remote(codec: Codec) -> Remote {
    Remote {
        rtp: peer(),
        rtcp: "192.0.2.1:4001".parse().expect("an address"),
        codec,
        send_payload_type: codec.payload_type(),
        receive_payload_type: codec.payload_type(),
        events: Some(EventTypes { send: 101, receive: 96 }),
        ptime_ms: 20,
    }
}

fn plan(source: Source) -> Plan {
    Plan {
        remote: Some(remote(Codec::Pcmu)),
        round: 1,
        send: true,
        receive: true,
        source,
        keys: None,
        tap: None,
    }
}

/// A session that a plan has been applied to at 0 ms.
fn session(id: u64, plan: &Plan) -> Session {
    let seed = ClockSeed { ssrc: SSRC, sequence: 100, timestamp: 1000 };
    let mut session = Session::new(SessionId(id), seed, Some(Duration::from_secs(10)), at(0));
    assert!(session.apply(plan, 1, at(0)));
    session
}

/// The nth packet of the peer's stream.
fn packet(n: u32, payload_type: u8, payload: &[u8]) -> Vec<u8> {
    let sequence = 500u16.wrapping_add(n as u16);
    let header = Header { marker: n == 0, payload_type, sequence, timestamp: 90_000 + n * 160, ssrc: 7 };
    let mut datagram = vec![0; 12];
    header.write(&mut datagram).expect("twelve octets");
    datagram.extend(payload);
    datagram
}

/// A packet as sent: header, payload.
type Sent = (Header, Vec<u8>);

/// Everything that is due at `now`, reports aside.
fn poll(session: &mut Session, now: Moment, asset: Option<&Asset>) -> Vec<Sent> {
    let mut out = [0; 2048];
    let mut sent = Vec::new();
    while let Some(transmit) = session.poll(now, asset, &mut out) {
        if transmit.channel == Channel::Rtp {
            assert_eq!(transmit.to, peer());
            sent.push(read(&out[..transmit.length]));
        }
    }
    sent
}

/// What `to` sends when `from` receives a datagram of its peer.
fn relay(from: &mut Session, to: &mut Session, datagram: &[u8], now: Moment) -> Option<Sent> {
    let mut out = [0; 2048];
    let heard = from.receive(datagram, peer(), now)?;
    let transmit = to.forward(&heard, now, &mut out)?;
    Some(read(&out[..transmit.length]))
}

fn read(datagram: &[u8]) -> Sent {
    let packet = Packet::parse(datagram).expect("what we send is RTP");
    (packet.header, packet.payload.to_vec())
}

fn events(session: &mut Session) -> Vec<Event> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

/// Two sessions that hear each other.
fn bridge() -> (Session, Session) {
    (session(1, &plan(Source::Session(SessionId(2)))), session(2, &plan(Source::Session(SessionId(1)))))
}

#[test]
fn a_bridge_rewrites_headers_and_nothing_else() {
    let (mut a, mut b) = bridge();
    let first = relay(&mut a, &mut b, &packet(0, 0, b"hello"), at(7)).expect("forwarded");
    let header = Header { marker: true, payload_type: 0, sequence: 100, timestamp: 1000, ssrc: SSRC };
    assert_eq!(first, (header, b"hello".to_vec()));
    let (header, _) = relay(&mut a, &mut b, &packet(3, 0, b"later"), at(70)).expect("forwarded");
    assert_eq!((header.sequence, header.timestamp), (103, 1480), "two lost packets stay visible");
}

#[test]
fn a_duplicate_is_not_passed_on() {
    let (mut a, mut b) = bridge();
    assert!(relay(&mut a, &mut b, &packet(0, 0, b"once"), at(0)).is_some());
    assert!(relay(&mut a, &mut b, &packet(0, 0, b"once"), at(1)).is_none());
    assert_eq!(a.stats().duplicates, 1);
}

#[test]
fn different_laws_are_transcoded_octet_by_octet() {
    let mut a = session(1, &plan(Source::Silence));
    let mut b =
        session(2, &Plan { remote: Some(remote(Codec::Pcma)), ..plan(Source::Session(SessionId(1))) });
    let octets: Vec<u8> = (0..=255).collect();
    let (header, payload) = relay(&mut a, &mut b, &packet(0, 0, &octets), at(0)).expect("forwarded");
    let expected: Vec<u8> = octets.iter().map(|octet| crate::codec::g711::alaw_from_ulaw(*octet)).collect();
    assert_eq!((header.payload_type, payload), (8, expected));
}

#[test]
fn digits_get_the_other_ends_number_or_vanish_without_a_hole() {
    let (mut a, mut b) = bridge();
    relay(&mut a, &mut b, &packet(0, 0, b"audio"), at(0));
    let (header, payload) =
        relay(&mut a, &mut b, &packet(1, 96, &[5, 0, 0, 160]), at(20)).expect("forwarded");
    assert_eq!((header.payload_type, payload.as_slice()), (101, &[5, 0, 0, 160][..]));

    let deaf = Remote { events: None, ..remote(Codec::Pcmu) };
    let mut b = session(2, &Plan { remote: Some(deaf), ..plan(Source::Session(SessionId(1))) });
    relay(&mut a, &mut b, &packet(2, 0, b"audio"), at(40));
    assert_eq!(relay(&mut a, &mut b, &packet(3, 96, &[5, 0, 0, 160]), at(60)), None);
    assert_eq!(relay(&mut a, &mut b, &packet(4, 13, &[40]), at(80)), None, "comfort noise neither");
    let (header, _) = relay(&mut a, &mut b, &packet(5, 0, b"audio"), at(100)).expect("forwarded");
    assert_eq!((header.sequence, header.timestamp), (101, 1000 + 480));
}

#[test]
fn strangers_and_unknown_payload_types_are_counted_and_dropped() {
    let (mut a, mut b) = bridge();
    relay(&mut a, &mut b, &packet(0, 0, b"audio"), at(0));
    let stranger = "203.0.113.9:999".parse().expect("an address");
    assert!(a.receive(&packet(1, 0, b"noise"), stranger, at(1)).is_none());
    assert!(a.receive(&packet(1, 77, b"video"), peer(), at(2)).is_none());
    assert!(a.receive(b"no packet at all", peer(), at(3)).is_none());
    let stats = a.stats();
    assert_eq!((stats.foreign, stats.unusable, stats.packets_received), (1, 2, 1));
    assert_eq!(events(&mut a), [Event::Learnt { session: SessionId(1), address: peer() }]);
}

#[test]
fn nothing_is_accepted_before_offer_and_answer_have_met() {
    let mut early = session(1, &Plan { remote: None, ..plan(Source::Silence) });
    assert!(early.receive(&packet(0, 0, b"audio"), peer(), at(1)).is_none());
    assert!(poll(&mut early, at(100), None).is_empty());
    assert_eq!(early.stats().unusable, 1);
}

#[test]
fn what_a_held_session_receives_is_not_passed_on_and_leaves_no_gap() {
    let (mut a, mut b) = bridge();
    relay(&mut a, &mut b, &packet(0, 0, b"audio"), at(0));
    let source = || Source::Session(SessionId(2));
    a.apply(&Plan { receive: false, ..plan(source()) }, 1, at(10));
    for n in 1..50 {
        assert_eq!(relay(&mut a, &mut b, &packet(n, 0, b"secret"), at(u64::from(n) * 20)), None);
    }
    a.apply(&plan(source()), 1, at(1000));
    let (header, _) = relay(&mut a, &mut b, &packet(50, 0, b"audio"), at(1000)).expect("forwarded");
    assert_eq!((header.sequence, header.timestamp, header.marker), (101, 1000 + 8000, true));
    assert_eq!(a.stats().packets_received, 51);
}

#[test]
fn time_on_hold_is_no_gap() {
    let held = || Plan { receive: false, ..plan(Source::Silence) };
    let mut a = session(1, &plan(Source::Silence));
    let receive = |a: &mut Session, n: u32, millis| {
        assert_eq!(a.receive(&packet(n, 0, b""), peer(), at(millis)).is_some(), a.receive)
    };
    receive(&mut a, 0, 0);
    receive(&mut a, 1, 30);
    a.apply(&held(), 1, at(40));
    a.apply(&plan(Source::Silence), 1, at(5000));
    receive(&mut a, 2, 5000);
    a.apply(&held(), 1, at(5010));
    receive(&mut a, 3, 7000);
    receive(&mut a, 4, 9000);
    a.apply(&plan(Source::Silence), 1, at(9010));
    receive(&mut a, 5, 9020);
    assert_eq!(a.stats().max_gap_ms, 30);
}

#[test]
fn a_transfer_joins_another_stream_without_a_jump() {
    let (mut a, mut b) = bridge();
    let mut c = session(3, &plan(Source::Session(SessionId(2))));
    relay(&mut a, &mut b, &packet(0, 0, b"from a"), at(0));
    b.apply(&plan(Source::Session(SessionId(3))), 1, at(30));
    let (header, _) = relay(&mut c, &mut b, &packet(50, 0, b"from c"), at(40)).expect("forwarded");
    assert_eq!((header.sequence, header.timestamp, header.marker), (101, 1000 + 320, true));
}

#[test]
fn an_echo_sends_back_what_came() {
    let mut echo = session(1, &plan(Source::Echo));
    let mut out = [0; 2048];
    let datagram = packet(0, 0, b"hello");
    let heard = echo.receive(&datagram, peer(), at(0)).expect("heard");
    let transmit = echo.forward(&heard, at(0), &mut out).expect("sent back");
    assert_eq!(read(&out[..transmit.length]).1, b"hello");
    assert_eq!(echo.source(), Some(SessionId(1)));
}

#[test]
fn silence_of_the_peer_is_told_once_and_its_return_too() {
    let mut session = session(1, &plan(Source::Silence));
    session.receive(&packet(0, 0, b"audio"), peer(), at(500));
    events(&mut session);
    for now in [10_499, 10_500, 12_000, 30_000] {
        poll(&mut session, at(now), None);
    }
    session.receive(&packet(1, 0, b"audio"), peer(), at(31_000));
    let id = SessionId(1);
    assert_eq!(
        events(&mut session),
        [Event::MediaTimeout { session: id }, Event::MediaResumed { session: id }]
    );
}

#[test]
fn a_held_peer_may_be_silent_for_as_long_as_it_likes() {
    let mut session = session(1, &Plan { receive: false, ..plan(Source::Silence) });
    poll(&mut session, at(60_000), None);
    assert_eq!(events(&mut session), []);
    session.apply(&plan(Source::Silence), 1, at(60_000));
    poll(&mut session, at(69_999), None);
    assert_eq!(events(&mut session), [], "its time begins anew");
}

#[test]
fn an_older_generation_is_refused() {
    let mut session = session(1, &plan(Source::Silence));
    assert!(session.apply(&plan(Source::Tone(Tone::Busy)), 5, at(1)));
    let before = session.clone();
    assert!(!session.apply(&plan(Source::Silence), 4, at(2)));
    assert_eq!(events(&mut session), [Event::Refused { session: SessionId(1), generation: 4, seen: 5 }]);
    assert_eq!(session, before);
}

#[test]
fn a_kernel_entry_rewrites_as_the_session_does() {
    let (mut a, mut b) = bridge();
    assert_eq!(b.forwarding(&a), None, "not before packets flow");
    relay(&mut a, &mut b, &packet(0, 0, b"first"), at(0));
    let entry = b.forwarding(&a).expect("a plain bridge");
    for n in 1..400 {
        let mut datagram = packet(n, 0, b"audio");
        let sent = relay(&mut a, &mut b, &datagram, at(u64::from(n) * 20)).expect("forwarded");
        assert_eq!(entry.rewrite(&mut datagram, peer()), Some(()));
        assert_eq!(read(&datagram), sent);
    }
    assert_eq!(entry.rewrite(&mut packet(0, 96, b"digit"), peer()), None);
    assert_eq!(entry.rewrite(&mut packet(0, 0, b"audio"), "192.0.2.2:1".parse().expect("an address")), None);
}

#[test]
fn a_snapshot_goes_on_with_the_very_same_packets() {
    let asset = Arc::new(Asset::from_samples(&(0..8000).collect::<Vec<i16>>()));
    let player = Source::Player { activity: 1, asset: Arc::clone(&asset), loops: 3 };
    let (mut a, mut b) = bridge();
    let mut c = session(3, &plan(player));
    for n in 0..20 {
        relay(&mut a, &mut b, &packet(n, 0, b"audio"), at(u64::from(n) * 20));
        poll(&mut c, at(u64::from(n) * 20), Some(&asset));
    }
    let saved = serde_json::to_string(&(&a, &b, &c)).expect("sessions are data");
    let (mut a2, mut b2, mut c2) =
        serde_json::from_str::<(Session, Session, Session)>(&saved).expect("readable");
    assert_eq!((&a, &b, &c), (&a2, &b2, &c2));
    for n in 20..200 {
        let now = at(u64::from(n) * 20);
        let datagram = packet(n, 0, b"audio");
        assert_eq!(relay(&mut a, &mut b, &datagram, now), relay(&mut a2, &mut b2, &datagram, now));
        assert_eq!(poll(&mut c, now, Some(&asset)), poll(&mut c2, now, Some(&asset)));
    }
    assert_eq!(events(&mut c), events(&mut c2));
}

#[test]
fn reports_go_to_where_the_peers_reports_come_from_and_strangers_are_not_heard() {
    let mut session = session(1, &plan(Source::Silence));
    session.receive(&packet(0, 0, b"audio"), peer(), at(0));
    let goodbye = [0x80, 201, 0, 1, 0, 0, 0, 7, 0x81, 203, 0, 1, 0, 0, 0, 7];
    session.receive_rtcp(&goodbye, "203.0.113.9:999".parse().expect("an address"), at(1));
    let natted = "192.0.2.1:61001".parse().expect("an address");
    session.receive_rtcp(&goodbye, natted, at(2));
    assert_eq!(session.stats().foreign, 1);
    let mut out = [0; 2048];
    let report = session.farewell(at(3), &mut out).expect("a last report");
    assert_eq!((report.channel, report.to), (Channel::Rtcp, natted));
    assert!(session.receive(&packet(1, 0, b"audio"), peer(), at(20)).is_some(), "a goodbye ends nothing");
}
