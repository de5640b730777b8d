//! What a recorder gets of a session, and when it is over.
//! Octets are µ-law: 0x80 is as loud as it gets, 0xFF is silence.

use proptest::prelude::*;

use super::*;
use crate::dtmf::Report;
use crate::tap::{Block, Ring, Tap, TapEnd};

const LOUD: [u8; 160] = [0x90; 160];
const QUIET: [u8; 160] = [0xFF; 160];

/// A session with a tap from 0 ms on, and the ring that it leads to.
struct Tapped {
    session: Session,
    ring: Arc<Ring>,
    tap: Tap,
}

impl Tapped {
    fn new(silence: Option<u64>, limit: Option<u64>) -> Self {
        let (silence, limit) = (silence.map(Duration::from_millis), limit.map(Duration::from_millis));
        let ring = Arc::new(Ring::new(10_000));
        let tap = Tap { activity: 3, channel: 1, origin: at(0), silence, limit, ring: Arc::clone(&ring) };
        let session = session(1, &Plan { tap: Some(tap.clone()), ..plan(Source::Silence) });
        Tapped { session, ring, tap }
    }

    fn apply(&mut self, tap: Option<Tap>, millis: u64) {
        self.session.apply(&Plan { tap, ..plan(Source::Silence) }, 1, at(millis));
    }

    fn hear(&mut self, datagram: &[u8], millis: u64) {
        if let Some(heard) = self.session.receive(datagram, peer(), at(millis)) {
            self.session.record(&heard, at(millis), &self.ring);
        }
    }

    /// The packets of a span, the nth at n times 20 ms.
    fn say(&mut self, packets: std::ops::Range<u32>, payload: &[u8]) {
        packets.for_each(|n| self.hear(&packet(n, 0, payload), u64::from(n) * 20));
    }

    /// Where blocks lie, in milliseconds.
    fn places(&self) -> Vec<u64> {
        self.blocks().map(|block| block.position / 8).collect()
    }

    fn blocks(&self) -> impl Iterator<Item = Block> {
        std::iter::from_fn(|| self.ring.pop())
    }

    /// How the tap ended: why, after how many milliseconds, and whether anything was heard.
    fn ends(&mut self) -> Vec<(TapEnd, u64, bool)> {
        let told = events(&mut self.session).into_iter().filter_map(|event| match event {
            Event::TapEnded { activity: 3, end, samples, voiced, .. } => Some((end, samples / 8, voiced)),
            _ => None,
        });
        told.collect()
    }

    fn poll(&mut self, millis: u64) {
        poll(&mut self.session, at(millis), None);
    }
}

#[test]
fn samples_lie_where_they_were_heard_and_what_is_lost_is_a_hole() {
    let mut tapped = Tapped::new(None, None);
    for n in [5, 6, 9, 8, 50] {
        tapped.hear(&packet(n, 0, &LOUD), 107 + u64::from(n) * 20);
    }
    let blocks: Vec<Block> = tapped.blocks().collect();
    assert_eq!(
        blocks.iter().map(|block| block.position / 8).collect::<Vec<u64>>(),
        [207, 227, 287, 267, 1107]
    );
    let mut samples = [0; 160];
    Codec::Pcmu.decode(&LOUD, &mut samples);
    assert!(blocks.iter().all(|block| (block.channel, block.length, block.samples) == (1, 160, samples)));
}

#[test]
fn long_packets_become_several_blocks_and_short_ones_short_blocks() {
    let mut tapped = Tapped::new(None, None);
    let octets: Vec<u8> = (0..400).map(|n| n as u8).collect();
    tapped.hear(&packet(0, 0, &octets), 20);
    let blocks: Vec<Block> = tapped.blocks().collect();
    let shape: Vec<(u64, u16)> = blocks.iter().map(|block| (block.position, block.length)).collect();
    assert_eq!(shape, [(160, 160), (320, 160), (480, 80)]);
    let mut samples = vec![0; 400];
    Codec::Pcmu.decode(&octets, &mut samples);
    let got: Vec<i16> =
        blocks.iter().flat_map(|block| block.samples[..block.length.into()].to_vec()).collect();
    assert_eq!(got, samples);
}

#[test]
fn silence_that_is_heard_ends_it_once_and_nothing_is_recorded_after() {
    let mut tapped = Tapped::new(Some(1000), None);
    tapped.say(0..50, &LOUD);
    tapped.say(50..200, &QUIET);
    assert_eq!(
        tapped.ends(),
        [(TapEnd::Silence, 2180, true)],
        "a second, and 200 ms for the end of the last word"
    );
    assert_eq!(tapped.places().len(), 110);
    let tap = Some(tapped.tap.clone());
    tapped.apply(tap, 5000);
    assert_eq!(tapped.ends(), [(TapEnd::Silence, 2180, true)], "said again to who asks again");
    tapped.say(250..260, &LOUD);
    assert!(tapped.places().is_empty(), "what ended stays ended");
}

#[test]
fn silence_from_the_start_ends_it_and_clicks_are_no_voice() {
    let mut tapped = Tapped::new(Some(1000), None);
    for n in 0..60 {
        tapped.say(n..n + 1, if n % 10 == 5 { &LOUD } else { &QUIET });
    }
    assert_eq!(tapped.ends(), [(TapEnd::Silence, 980, false)]);
}

#[test]
fn what_does_not_come_is_no_silence_but_comfort_noise_is() {
    let mut tapped = Tapped::new(Some(1000), None);
    tapped.say(0..20, &QUIET);
    tapped.poll(60_000);
    tapped.hear(&packet(3000, 0, &LOUD), 60_000);
    tapped.hear(&packet(3001, 0, &LOUD), 60_020);
    assert_eq!(tapped.ends(), []);
    tapped.hear(&packet(3002, 13, &[60]), 60_040);
    assert!(tapped.session.deadline().is_some_and(|deadline| deadline <= at(61_240)));
    tapped.poll(61_239);
    assert_eq!(tapped.ends(), []);
    tapped.poll(61_240);
    assert_eq!(tapped.ends(), [(TapEnd::Silence, 61_240, true)]);
}

#[test]
fn its_limit_ends_it_though_nothing_comes() {
    let mut tapped = Tapped::new(None, Some(310));
    tapped.say(0..16, &LOUD);
    let last = tapped.blocks().last().expect("blocks");
    assert_eq!((last.position / 8, last.length / 8), (300, 10));
    assert!(tapped.session.deadline().is_some_and(|deadline| deadline <= at(310)));
    tapped.poll(310);
    assert_eq!(tapped.ends(), [(TapEnd::Limit, 310, true)]);
}

#[test]
fn a_plan_without_it_stops_it_and_so_does_another_one_or_the_end() {
    let mut tapped = Tapped::new(None, None);
    tapped.say(0..10, &QUIET);
    tapped.apply(None, 200);
    assert_eq!(tapped.ends(), [(TapEnd::Stopped, 200, false)]);
    tapped.apply(None, 300);
    assert_eq!(tapped.ends(), []);

    let mut tapped = Tapped::new(None, None);
    let other = Tap { activity: 4, ..tapped.tap.clone() };
    tapped.apply(Some(other), 400);
    assert_eq!(tapped.ends(), [(TapEnd::Stopped, 400, false)]);
    tapped.session.close(at(500));
    tapped.session.close(at(500));
    let told = events(&mut tapped.session);
    assert!(matches!(told[..], [Event::TapEnded { activity: 4, end: TapEnd::Stopped, samples: 4000, .. }]));
}

#[test]
fn keys_are_silent_in_a_recording_and_no_silence_either() {
    let mut tapped = Tapped::new(Some(600), None);
    tapped.say(0..10, &LOUD);
    // From 200 ms on a key is held for two seconds, and its tone is sent as sound too.
    for n in 0..100 {
        let header = |payload_type, sequence, timestamp| Header {
            marker: false,
            payload_type,
            sequence: 510 + 2 * n + sequence,
            timestamp,
            ssrc: 7,
        };
        let report = Report { event: 1, is_end: n == 99, duration: 160 * (n + 1) };
        let now = 200 + 20 * u64::from(n);
        let start = 90_000 + 1600;
        for (header, payload) in
            [(header(96, 0, start), &report.octets()[..]), (header(0, 1, start + u32::from(n) * 160), &LOUD)]
        {
            let mut datagram = vec![0; 12];
            header.write(&mut datagram).expect("room");
            datagram.extend(payload);
            tapped.hear(&datagram, now);
        }
    }
    assert_eq!(tapped.places(), (0..10).map(|n| n * 20).collect::<Vec<u64>>());
    assert_eq!(tapped.ends(), []);
}

#[test]
fn a_hold_is_a_hole_and_a_new_codec_changes_nothing() {
    let mut tapped = Tapped::new(None, None);
    tapped.say(0..2, &LOUD);
    let tap = Some(tapped.tap.clone());
    let held = Plan { tap: tap.clone(), receive: false, ..plan(Source::Silence) };
    tapped.session.apply(&held, 1, at(40));
    tapped.say(2..10, &LOUD);
    let other = Plan { tap, remote: Some(remote(Codec::Pcma)), round: 2, ..plan(Source::Silence) };
    tapped.session.apply(&other, 1, at(200));
    for n in 10..12 {
        tapped.hear(&packet(n, 8, &LOUD), u64::from(n) * 20);
    }
    assert_eq!(tapped.places(), [0, 20, 200, 220]);
    assert_eq!(tapped.ends(), []);
}

#[test]
fn a_snapshot_goes_on_with_the_very_same_blocks() {
    let mut tapped = Tapped::new(Some(300), None);
    tapped.say(0..20, &LOUD);
    let saved = serde_json::to_string(&tapped.session).expect("a session is data");
    let mut again =
        Tapped { session: serde_json::from_str(&saved).expect("readable"), ..Tapped::new(None, None) };
    assert_eq!(tapped.session, again.session);
    tapped.places();
    for tapped in [&mut tapped, &mut again] {
        tapped.say(20..60, &QUIET);
    }
    assert_eq!(tapped.places(), again.places());
    assert_eq!(tapped.ends(), again.ends());
}

#[test]
fn a_resumed_session_records_on_where_the_time_is() {
    let mut tapped = Tapped::new(None, None);
    tapped.say(0..10, &LOUD);
    tapped.places();
    tapped.session.resume(at(2000));
    let tap = Some(tapped.tap.clone());
    tapped.apply(tap, 2000);
    tapped.say(100..102, &LOUD);
    assert_eq!(tapped.places(), [2000, 2020]);
}

proptest! {
    #[test]
    fn no_datagram_of_the_peer_breaks_a_session_its_recorder_or_its_listeners(
        datagrams in proptest::collection::vec(
            (prop::sample::select(vec![0u8, 96, 13]), any::<(bool, u16, u32, u32)>(), proptest::collection::vec(any::<u8>(), 0..500), 0u64..500),
            1..60,
        ),
    ) {
        let mut tapped = Tapped::new(Some(500), Some(20_000));
        let mut near = session(2, &plan(Source::Session(SessionId(1))));
        let deaf = Some(Remote { events: None, ..remote(Codec::Pcma) });
        let mut far = session(3, &Plan { remote: deaf, ..plan(Source::Session(SessionId(1))) });
        let (mut now, mut out) = (0, [0; 2048]);
        for (payload_type, (marker, sequence, timestamp, ssrc), payload, passed) in datagrams {
            now += passed;
            let mut datagram = vec![0; 12];
            // Most packets continue a stream, so that they get beyond the front door.
            let sequence = if ssrc % 4 > 0 { now as u16 } else { sequence };
            let header = Header { marker, payload_type, sequence, timestamp, ssrc: ssrc % 2 };
            header.write(&mut datagram).expect("room");
            datagram.extend(payload);
            if let Some(heard) = tapped.session.receive(&datagram, peer(), at(now)) {
                tapped.session.record(&heard, at(now), &tapped.ring);
                for listener in [&mut near, &mut far] {
                    listener.forward(&heard, at(now), &mut out);
                    poll(listener, at(now), None);
                }
            }
            tapped.poll(now);
        }
        prop_assert!(tapped.blocks().all(|block| block.position + u64::from(block.length) <= 160_000));
        prop_assert!(tapped.ends().len() <= 1);
    }
}
