//! The engine on loopback, with real sockets and real time.
//! Whoever waits does so for a packet or an event, with a limit.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::asset::Asset;
use crate::codec::Codec;
use crate::moment::Moment;
use crate::port::{EventSink, PortPair, PortRange, PortTable};
use crate::rtp::{Header, Packet};
use crate::session::{ClockSeed, Event, Plan, Remote, Source};
use crate::tap::{Ring, Tap, TapEnd};

const PATIENCE: Duration = Duration::from_secs(10);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Passes events on; panics over each source that is learnt, if it is told to.
struct Sink {
    events: Mutex<Sender<Event>>,
    is_trap: AtomicBool,
}

impl EventSink for Sink {
    fn event(&self, event: Event) {
        let is_learnt = matches!(event, Event::Learnt { .. });
        let _ = self.events.lock().expect("no panic while it is held").send(event);
        assert!(!(is_learnt && self.is_trap.load(Ordering::Relaxed)), "a trap");
    }
}

/// A talker on loopback, with the session that serves it.
struct Party {
    id: SessionId,
    socket: UdpSocket,
    sockets: Arc<PortPair>,
    sink: Arc<Sink>,
    events: Receiver<Event>,
    sent: u16,
}

impl Party {
    fn new(id: u64, table: &PortTable) -> Self {
        let lease = table.lease(LOOPBACK, Moment::default()).expect("free ports");
        let socket = UdpSocket::bind((LOOPBACK, 0)).expect("a free port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        socket.connect(lease.rtp()).expect("a socket");
        let (sender, events) = channel();
        let sink = Arc::new(Sink { events: Mutex::new(sender), is_trap: AtomicBool::new(false) });
        let sockets = table.sockets(&lease).expect("leased");
        Party { id: SessionId(id), socket, sockets, sink, events, sent: 0 }
    }

    fn open(&self) -> Command {
        Command::Open {
            session: self.id,
            sockets: Arc::clone(&self.sockets),
            clock: ClockSeed { ssrc: 0x1000 + self.id.0 as u32, sequence: 0, timestamp: 0 },
            sink: Arc::clone(&self.sink) as Arc<dyn EventSink>,
            timeout: None,
        }
    }

    fn apply(&self, source: Source) -> Command {
        self.apply_in(1, source)
    }

    fn apply_in(&self, round: u32, source: Source) -> Command {
        let rtp = self.address();
        let codec = Codec::Pcmu;
        let (send_payload_type, receive_payload_type) = (0, 0);
        let remote = Remote {
            rtp,
            rtcp: SocketAddr::new(rtp.ip(), 9),
            codec,
            send_payload_type,
            receive_payload_type,
            events: None,
            ptime_ms: 20,
        };
        let plan =
            Plan { remote: Some(remote), round, send: true, receive: true, source, keys: None, tap: None };
        Command::Apply { session: self.id, generation: 1, plan }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("bound")
    }

    fn say(&mut self, text: &[u8]) {
        let sequence = self.sent;
        self.sent += 1;
        let timestamp = u32::from(sequence) * 160;
        let header = Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 77 };
        let mut datagram = vec![0; 12];
        header.write(&mut datagram).expect("room");
        datagram.extend(text);
        self.socket.send(&datagram).expect("loopback");
    }

    fn hear(&self) -> (Header, Vec<u8>) {
        let mut buffer = [0; 2048];
        let length = self.socket.recv(&mut buffer).expect("a packet in time");
        let packet = Packet::parse(&buffer[..length]).expect("RTP");
        (packet.header, packet.payload.to_vec())
    }

    fn event(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("an event in time")
    }

    fn learnt(&self) -> Event {
        Event::Learnt { session: self.id, address: self.address() }
    }
}

fn engine() -> Engine {
    Engine::start(EngineConfig::default()).expect("threads and descriptors")
}

/// Two parties whose sessions hear each other.
fn bridged(engine: &Engine, table: &PortTable) -> (Party, Party) {
    let (a, b) = (Party::new(1, table), Party::new(2, table));
    let to = |source: &Party| Source::Session(source.id);
    for command in [a.open(), b.open(), a.apply(to(&b)), b.apply(to(&a))] {
        engine.send(0, command).expect("room");
    }
    (a, b)
}

#[test]
fn two_parties_hear_each_other_and_stats_are_told_at_the_end() {
    let table = PortTable::new(PortRange { first: 18_100, last: 18_119 }, PATIENCE);
    let engine = engine();
    let (mut a, mut b) = bridged(&engine, &table);
    for text in [&b"one"[..], b"two", b"three"] {
        a.say(text);
        assert_eq!(b.hear().1, text);
        b.say(text);
        assert_eq!(a.hear().1, text);
    }
    assert_eq!(a.event(), a.learnt());
    assert_eq!(engine.census().sessions, 2);
    assert_eq!(engine.snapshot(a.id).map(|session| session.id()), Some(a.id));
    for party in [&a, &b] {
        engine.send(0, Command::Close { session: party.id }).expect("room");
    }
    let Event::Closed { stats, .. } = a.event() else { panic!("closed") };
    assert_eq!((stats.packets_received, stats.packets_sent, stats.lost), (3, 3, 0));
    assert_eq!(stats.locked, Some(a.address()));
    assert_eq!(b.event(), b.learnt());
    assert!(matches!(b.event(), Event::Closed { .. }));
    assert_eq!(engine.census().sessions, 0);
    assert_eq!(engine.stats(a.id), None);
}

#[test]
fn an_order_of_commands_that_crosses_still_makes_a_bridge() {
    let table = PortTable::new(PortRange { first: 18_120, last: 18_139 }, PATIENCE);
    let engine = engine();
    let (mut a, b) = (Party::new(1, &table), Party::new(2, &table));
    for command in
        [b.open(), b.apply(Source::Session(a.id)), a.open(), a.open(), a.apply(Source::Session(b.id))]
    {
        engine.send(0, command).expect("room");
    }
    a.say(b"hello");
    assert_eq!(b.hear().1, b"hello");
}

#[test]
fn a_prompt_is_played_and_its_end_told() {
    let table = PortTable::new(PortRange { first: 18_140, last: 18_159 }, PATIENCE);
    let engine = engine();
    let party = Party::new(1, &table);
    let asset = Arc::new(Asset::from_samples(&[1000; 800]));
    engine.send(0, party.open()).expect("room");
    engine.send(0, party.apply(Source::Player { activity: 5, asset, loops: 1 })).expect("room");
    let headers: Vec<Header> = (0..8).map(|_| party.hear().0).collect();
    for (n, header) in headers.iter().enumerate() {
        assert_eq!((header.sequence, header.marker), (n as u16, n == 0));
    }
    assert_eq!(party.event(), Event::PlayerEnded { session: party.id, activity: 5, played_ms: 100 });
}

#[test]
fn a_recorder_gets_what_was_said_and_hears_of_the_end_before_the_session_closes() {
    let table = PortTable::new(PortRange { first: 18_260, last: 18_279 }, PATIENCE);
    let engine = engine();
    let mut party = Party::new(1, &table);
    let ring = Arc::new(Ring::new(10));
    let origin = crate::port::clock::now();
    let tap = Tap { activity: 8, channel: 0, origin, silence: None, limit: None, ring: Arc::clone(&ring) };
    let Command::Apply { session, generation, plan } = party.apply(Source::Echo) else { panic!("a plan") };
    let plan = Plan { tap: Some(tap), ..plan };
    engine.send(0, party.open()).expect("room");
    engine.send(0, Command::Apply { session, generation, plan }).expect("room");
    party.say(&[0x80; 160]);
    party.hear();
    let block = ring.pop().expect("what was heard is there");
    assert_eq!((block.length, block.samples), (160, [32_124; 160]));
    assert!(block.position < PATIENCE.as_millis() as u64 * 8);
    engine.send(0, Command::Close { session }).expect("room");
    assert_eq!(party.event(), party.learnt());
    let Event::TapEnded { activity: 8, end: TapEnd::Stopped, samples, .. } = party.event() else {
        panic!("the tap ends first")
    };
    assert!(samples >= block.position);
    assert!(matches!(party.event(), Event::Closed { .. }));
}

#[test]
fn an_echo_test_echoes() {
    let table = PortTable::new(PortRange { first: 18_160, last: 18_179 }, PATIENCE);
    let engine = engine();
    let mut party = Party::new(1, &table);
    engine.send(0, party.open()).expect("room");
    engine.send(0, party.apply(Source::Echo)).expect("room");
    party.say(b"hello");
    assert_eq!(party.hear().1, b"hello");
}

#[test]
fn a_worker_that_panics_is_replaced_and_the_bridge_goes_on_as_the_same_stream() {
    let table = PortTable::new(PortRange { first: 18_180, last: 18_199 }, PATIENCE);
    let engine = engine();
    let (mut a, mut b) = bridged(&engine, &table);
    b.say(b"from b");
    let before = a.hear().0;
    a.sink.is_trap.store(true, Ordering::Relaxed);
    a.say(b"the event of this packet is a trap");
    a.say(b"lost or heard");
    while b.hear().1 != b"lost or heard" {}
    b.say(b"from b");
    let after = a.hear().0;
    assert_eq!(engine.census().restarts, 1);
    assert_eq!((after.ssrc, after.sequence), (before.ssrc, before.sequence + 1));
}

#[test]
fn a_session_that_panics_its_worker_again_and_again_is_closed_alone() {
    let table = PortTable::new(PortRange { first: 18_200, last: 18_219 }, PATIENCE);
    let engine = engine();
    let (mut a, b) = bridged(&engine, &table);
    let mut bystander = Party::new(3, &table);
    engine.send(0, bystander.open()).expect("room");
    engine.send(0, bystander.apply(Source::Echo)).expect("room");
    a.sink.is_trap.store(true, Ordering::Relaxed);
    for round in 2..=4 {
        // Each plan of a new round and place makes the session learn anew.
        a.socket = UdpSocket::bind((LOOPBACK, 0)).expect("a free port");
        a.socket.connect(a.sockets.rtp.local_addr().expect("bound")).expect("a socket");
        engine.send(0, a.apply_in(round, Source::Session(b.id))).expect("room");
        a.say(b"trap");
        assert_eq!(a.event(), a.learnt());
        bystander.say(b"still there?");
        bystander.hear();
    }
    assert!(matches!(a.event(), Event::Closed { session: SessionId(1), .. }));
    assert_eq!(engine.census().sessions, 2);
}

#[test]
fn a_full_queue_refuses_and_an_unknown_session_is_counted() {
    let engine = engine();
    assert_eq!(engine.send(7, Command::Close { session: SessionId(1) }), Err(Full { worker: 7 }));
    engine.send(0, Command::Close { session: SessionId(1) }).expect("room");
    let table = PortTable::new(PortRange { first: 18_220, last: 18_239 }, PATIENCE);
    let mut party = Party::new(1, &table);
    engine.send(0, party.open()).expect("room");
    engine.send(0, party.apply(Source::Echo)).expect("room");
    party.say(b"the queue is worked off");
    party.hear();
    assert_eq!(engine.census(), Census { sessions: 1, queued: 0, restarts: 0, misdirected: 1 });
}

#[test]
fn a_session_is_resumed_by_another_engine_on_the_same_ports() {
    let table = PortTable::new(PortRange { first: 18_240, last: 18_259 }, PATIENCE);
    let first = engine();
    let mut party = Party::new(1, &table);
    first.send(0, party.open()).expect("room");
    first.send(0, party.apply(Source::Echo)).expect("room");
    party.say(b"before");
    let before = party.hear().0;
    first.stop();
    let snapshot = Box::new(first.snapshot(party.id).expect("a copy"));
    let second = engine();
    let (sockets, sink) = (Arc::clone(&party.sockets), Arc::clone(&party.sink) as Arc<dyn EventSink>);
    second.send(0, Command::Resume { snapshot, sockets, sink }).expect("room");
    second.send(0, party.apply(Source::Echo)).expect("room");
    party.say(b"after");
    let (after, text) = party.hear();
    assert_eq!((after.ssrc, text.as_slice()), (before.ssrc, &b"after"[..]));
    assert!(after.sequence > before.sequence);
}

#[test]
fn a_session_that_moves_to_another_worker_goes_on_in_its_stream_and_joins_who_is_there() {
    let table = PortTable::new(PortRange { first: 18_180, last: 18_199 }, PATIENCE);
    let engine = Engine::start(EngineConfig { workers: 2, ..EngineConfig::default() }).expect("threads");
    let (mut a, mut b) = (Party::new(1, &table), Party::new(2, &table));
    for (worker, party) in [(0, &a), (1, &b)] {
        engine.send(worker, party.open()).expect("room");
        engine.send(worker, party.apply(Source::Echo)).expect("room");
    }
    b.say(b"before");
    let (before, _) = b.hear();
    assert_eq!(b.event(), b.learnt());
    let to = engine.destination(0).expect("a worker");
    engine.send(1, Command::Move { session: b.id, to }).expect("room");
    assert_eq!(b.event(), Event::Moved { session: b.id });
    for command in [a.apply(Source::Session(b.id)), b.apply(Source::Session(a.id))] {
        engine.send(0, command).expect("room");
    }
    a.say(b"hello");
    let (after, heard) = b.hear();
    assert_eq!(heard, b"hello");
    assert_eq!((after.ssrc, after.sequence), (before.ssrc, before.sequence.wrapping_add(1)));
    b.say(b"and back");
    assert_eq!(a.hear().1, b"and back");
    let Census { sessions, misdirected, .. } = engine.census();
    assert_eq!((sessions, misdirected), (2, 0));
}

#[test]
fn a_session_that_is_not_there_cannot_move_and_nothing_comes_of_it() {
    let table = PortTable::new(PortRange { first: 18_200, last: 18_219 }, PATIENCE);
    let engine = Engine::start(EngineConfig { workers: 2, ..EngineConfig::default() }).expect("threads");
    let to = engine.destination(1).expect("a worker");
    assert!(engine.destination(2).is_none());
    let witness = Party::new(1, &table);
    for command in
        [Command::Move { session: SessionId(9), to }, witness.open(), Command::Close { session: witness.id }]
    {
        engine.send(0, command).expect("room");
    }
    assert!(matches!(witness.event(), Event::Closed { .. }), "what came after is done");
    let Census { sessions, misdirected, .. } = engine.census();
    assert_eq!((sessions, misdirected), (0, 1));
}

#[test]
fn a_bridge_that_is_frozen_goes_on_in_another_engine_without_a_hole_and_without_a_mark() {
    let table = PortTable::new(PortRange { first: 18_340, last: 18_359 }, PATIENCE);
    let (first, second) = (engine(), engine());
    let (mut alice, bob) = bridged(&first, &table);
    alice.say(b"1");
    let before = bob.hear().0;
    let frozen = first.freeze(PATIENCE).expect("it stands still");
    assert_eq!(frozen.len(), 2);
    alice.say(b"2");
    alice.say(b"3");
    drop(first);
    second.freeze(PATIENCE).expect("it stands still");
    for (worker, session) in frozen {
        let party = if session.id() == alice.id { &alice } else { &bob };
        let sink = Arc::clone(&party.sink) as Arc<dyn EventSink>;
        let sockets = Arc::clone(&party.sockets);
        let command = Command::Continue { snapshot: Box::new(session), sockets, sink };
        second.send(worker, command).expect("room");
    }
    second.thaw();
    for (step, text) in [(1, b"2"), (2, b"3")] {
        let (header, payload) = bob.hear();
        assert_eq!(payload, text);
        assert_eq!(header.sequence, before.sequence.wrapping_add(step));
        assert_eq!(header.timestamp, before.timestamp + 160 * u32::from(step));
        assert_eq!((header.ssrc, header.marker), (before.ssrc, false));
    }
}

#[test]
fn an_engine_that_is_thawed_goes_on_as_if_nothing_had_been() {
    let table = PortTable::new(PortRange { first: 18_360, last: 18_379 }, PATIENCE);
    let engine = engine();
    let (mut alice, bob) = bridged(&engine, &table);
    alice.say(b"1");
    let before = bob.hear().0;
    engine.freeze(PATIENCE).expect("it stands still");
    alice.say(b"2");
    bob.socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket");
    assert!(bob.socket.recv(&mut [0; 64]).is_err(), "nothing is sent meanwhile");
    bob.socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    engine.thaw();
    let (header, payload) = bob.hear();
    assert_eq!((header.sequence, &payload[..]), (before.sequence.wrapping_add(1), &b"2"[..]));
}
