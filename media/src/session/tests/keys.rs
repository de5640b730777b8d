//! Keys that are pressed, and keys that are dialled.
//! A channel loses, doubles and disorders; what comes through at all must be right.

use proptest::prelude::*;

use super::*;
use crate::dtmf::{Ear, Key, Report};

const ID: SessionId = SessionId(1);

fn keys(activity: u64, keys: &str) -> Option<Keys> {
    Some(Keys { activity, keys: keys.to_owned() })
}

fn dialling(activity: u64, text: &str) -> Plan {
    Plan { keys: keys(activity, text), ..plan(Source::Silence) }
}

/// The same plan where no telephone events are agreed.
fn deaf(plan: Plan) -> Plan {
    Plan { remote: Some(Remote { events: None, ..remote(Codec::Pcmu) }), ..plan }
}

/// Polls each millisecond of a span; packets with the time at which they were sent.
fn run(session: &mut Session, span: std::ops::Range<u64>) -> Vec<(u64, Sent)> {
    span.flat_map(|now| poll(session, at(now), None).into_iter().map(move |sent| (now, sent))).collect()
}

fn digits(session: &mut Session) -> String {
    let told = events(session).into_iter().filter_map(|event| match event {
        Event::Digit { digit, .. } => Some(digit),
        _ => None,
    });
    told.collect()
}

/// Keys heard in the sound of PCMU packets.
fn sounding<'a>(sent: impl IntoIterator<Item = &'a Sent>) -> String {
    let mut ear = Ear::default();
    let frames = sent.into_iter().filter_map(|(_, payload)| {
        let mut samples = vec![0; payload.len()];
        Codec::Pcmu.decode(payload, &mut samples);
        ear.hear(&samples).map(Key::digit)
    });
    frames.collect()
}

fn is_event((_, (header, _)): &&(u64, Sent)) -> bool {
    header.payload_type == 101
}

/// The nth packet of the peer's stream, of an event that began with the packet `start`.
fn event(n: u32, start: u32, report: Report) -> Vec<u8> {
    let sequence = 500u16.wrapping_add(n as u16);
    let timestamp = 90_000 + start * 160;
    let header = Header { marker: n == start, payload_type: 96, sequence, timestamp, ssrc: 7 };
    let mut datagram = vec![0; 12];
    header.write(&mut datagram).expect("twelve octets");
    datagram.extend(report.octets());
    datagram
}

/// A press of 100 ms: seven packets from the nth on.
fn press(n: u32, event_code: u8) -> Vec<Vec<u8>> {
    let report =
        |step: u32| Report { event: event_code, is_end: step >= 4, duration: step.min(4) as u16 * 160 + 160 };
    (0..7).map(|step| event(n + step, n, report(step))).collect()
}

#[test]
fn a_press_is_told_at_once_and_once() {
    let (mut a, _) = bridge();
    let packets = press(0, 11);
    a.receive(&packets[0], peer(), at(0)).expect("heard");
    assert_eq!(digits(&mut a), "#");
    for (n, packet) in packets.iter().enumerate().skip(1) {
        a.receive(packet, peer(), at(20 * n as u64));
    }
    assert_eq!(digits(&mut a), "");
}

#[test]
fn a_stranger_presses_nothing_and_nor_does_who_is_held() {
    let (mut a, _) = bridge();
    a.receive(&packet(0, 0, b"audio"), peer(), at(0));
    let stranger = "203.0.113.9:999".parse().expect("an address");
    press(1, 1).iter().for_each(|packet| assert!(a.receive(packet, stranger, at(20)).is_none()));
    a.apply(&Plan { receive: false, ..plan(Source::Silence) }, 1, at(40));
    press(1, 2).iter().for_each(|packet| assert!(a.receive(packet, peer(), at(60)).is_none()));
    assert_eq!(digits(&mut a), "");
}

#[test]
fn a_press_crosses_a_bridge_under_one_timestamp_with_all_of_its_ends() {
    let (mut a, mut b) = bridge();
    relay(&mut a, &mut b, &packet(0, 0, b"audio"), at(0));
    let mut sent = Vec::new();
    for (n, packet) in press(1, 5).iter().enumerate() {
        sent.extend(relay(&mut a, &mut b, packet, at(20 + 20 * n as u64)));
    }
    let markers: Vec<bool> = sent.iter().map(|(header, _)| header.marker).collect();
    assert_eq!(markers, [true, false, false, false, false, false, false]);
    assert!(sent.iter().all(|(header, _)| (header.timestamp, header.payload_type) == (1160, 101)));
    let ends = sent.iter().filter_map(|(_, payload)| Report::read(payload)).filter(|report| report.is_end);
    assert_eq!(ends.map(|report| report.duration).collect::<Vec<u16>>(), [800; 3]);
    assert_eq!(digits(&mut b), "", "what is sent was not received");
}

#[test]
fn a_press_whose_start_was_lost_gets_the_marker_that_was_lost_with_it() {
    let (mut a, mut b) = bridge();
    relay(&mut a, &mut b, &packet(0, 0, b"audio"), at(0));
    let packets = press(1, 5);
    let (late, _) = relay(&mut a, &mut b, &packets[2], at(60)).expect("forwarded");
    let (later, _) = relay(&mut a, &mut b, &packets[3], at(80)).expect("forwarded");
    assert_eq!((late.marker, later.marker), (true, false));
}

#[test]
fn a_press_is_played_to_an_end_that_can_only_hear() {
    let mut a = session(1, &plan(Source::Silence));
    let mut b = session(2, &deaf(plan(Source::Session(ID))));
    let mut sent = Vec::new();
    let mut n = 0;
    for (now, datagram) in [(0, 5), (200, 5), (400, 11)].iter().flat_map(|(start, code)| {
        let packets = press(start / 20, *code).into_iter().enumerate();
        packets.map(move |(n, packet)| (start + 20 * n as u32, packet)).collect::<Vec<_>>()
    }) {
        sent.extend(run(&mut b, n..now.into()));
        n = now.into();
        sent.extend(relay(&mut a, &mut b, &datagram, at(n)).map(|sent| (n, sent)));
    }
    sent.extend(run(&mut b, n..2000));
    assert_eq!(sounding(sent.iter().map(|(_, sent)| sent)), "55#");
    assert_eq!(sent.len(), 3 * 8, "nothing but the keys and their pauses");
    for pair in sent.windows(2) {
        let [(_, (before, _)), (_, (after, _))] = pair else { continue };
        assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    }
}

#[test]
fn keys_in_the_sound_are_told_where_no_events_are_agreed() {
    let mut a = session(1, &deaf(plan(Source::Session(SessionId(2)))));
    let mut b = session(2, &plan(Source::Session(ID)));
    let mut told = String::new();
    let key = Key::try_from('7').expect("a key");
    for n in 0..20 {
        let mut samples = [0; 160];
        if (5..10).contains(&n) {
            key.fill(u64::from(n) * 160, &mut samples);
        }
        let mut payload = [0; 160];
        Codec::Pcmu.encode(&samples, &mut payload);
        let now = at(u64::from(n) * 20);
        let (_, heard) = relay(&mut a, &mut b, &packet(n, 0, &payload), now).expect("forwarded");
        assert_eq!(heard, payload, "it stays sound");
        told += &digits(&mut a);
    }
    assert_eq!(told, "7");
}

#[test]
fn keys_are_dialled_as_events_and_told_as_sent() {
    let mut session = session(1, &dialling(4, "1w#"));
    let sent = run(&mut session, 0..2000);
    for pair in sent.windows(2) {
        let [(_, (before, _)), (_, (after, _))] = pair else { continue };
        assert_eq!(after.sequence, before.sequence.wrapping_add(1));
    }
    let reports: Vec<_> = sent.iter().filter(is_event).collect();
    assert_eq!(reports.len(), 14);
    let (first, second) = reports.split_at(7);
    for (key, press) in [(1, first), (11, second)] {
        let (start, (header, _)) = press[0];
        for (n, (now, (sent, payload))) in press.iter().enumerate() {
            assert_eq!(*now, start + 20 * n as u64);
            assert_eq!((sent.timestamp, sent.marker), (header.timestamp, n == 0));
            let duration = n.min(4) as u16 * 160 + 160;
            let report = Report { event: key, is_end: n >= 4, duration };
            assert_eq!(Report::read(payload), Some(report));
        }
    }
    let gap = second[0].0 - first[0].0;
    assert_eq!(gap, 160 + 500);
    let clock = second[0].1.0.timestamp.wrapping_sub(first[0].1.0.timestamp);
    assert_eq!(u64::from(clock), gap * 8, "the timestamps show the time that passed");
    let told = Event::KeysSent { session: ID, activity: 4 };
    assert_eq!(events(&mut session).as_slice(), std::slice::from_ref(&told));
    session.apply(&dialling(4, "1w#"), 2, at(2000));
    assert_eq!(events(&mut session), [told], "said again to who asks again");
    assert!(run(&mut session, 2000..2500).iter().all(|sent| !is_event(&sent)), "but not sent again");
}

#[test]
fn keys_are_dialled_as_tones_to_an_end_that_can_only_hear() {
    let mut session = session(1, &deaf(dialling(1, "0123456789*#ABCDww55")));
    let sent = run(&mut session, 0..6000);
    assert_eq!(sounding(sent.iter().map(|(_, sent)| sent)), "0123456789*#ABCD55");
    assert_eq!(sent.len(), 300, "without a gap");
}

#[test]
fn dialling_goes_on_through_plans_that_say_the_same_and_ends_with_one_that_does_not() {
    let mut session = session(1, &dialling(1, "12345"));
    let mut sent = run(&mut session, 0..70);
    session.apply(&dialling(1, "12345"), 1, at(70));
    sent.extend(run(&mut session, 70..200));
    session.apply(&plan(Source::Silence), 1, at(200));
    sent.extend(run(&mut session, 200..1000));
    session.apply(&dialling(2, "9"), 1, at(1000));
    sent.extend(run(&mut session, 1000..2000));
    let dialled: Vec<u8> =
        sent.iter().filter(is_event).filter(|(_, sent)| sent.0.marker).map(|(_, sent)| sent.1[0]).collect();
    assert_eq!(dialled, [1, 2, 9]);
    let ends = sent.iter().filter(is_event).filter(|(_, sent)| sent.1[1] & 0x80 != 0).count();
    assert_eq!(ends, 9, "the key that sounded was let go");
    assert_eq!(events(&mut session), [Event::KeysSent { session: ID, activity: 2 }]);
}

#[test]
fn a_bridge_is_silent_for_the_time_of_a_key_and_goes_on_in_its_waits() {
    let (mut a, mut b) = bridge();
    let bridged = plan(Source::Session(ID));
    let mut sent = Vec::new();
    for n in 0..60 {
        let now = u64::from(n) * 20;
        if n == 5 {
            b.apply(&Plan { keys: keys(1, "5w5"), ..bridged.clone() }, 1, at(now));
        }
        sent.extend(relay(&mut a, &mut b, &packet(n, 0, &[0x55; 160]), at(now)).map(|sent| (now, sent)));
        sent.extend(run(&mut b, now..now + 20));
    }
    for pair in sent.windows(2) {
        let [(_, (before, _)), (_, (after, _))] = pair else { continue };
        assert_eq!(after.sequence, before.sequence.wrapping_add(1), "no hole");
    }
    let reports: Vec<u64> = sent.iter().filter(is_event).map(|(now, _)| *now).collect();
    assert_eq!(reports.len(), 14);
    for press in reports.chunks(7) {
        let (first, last) = (press[0], press[6]);
        let between = sent.iter().filter(|sent| !is_event(sent) && (first + 1..=last + 19).contains(&sent.0));
        assert_eq!(between.count(), 0);
    }
    let waited = sent.iter().filter(|sent| !is_event(sent) && (reports[6]..reports[7]).contains(&sent.0));
    assert!((24..=25).contains(&waited.count()), "half a second of the other leg");
}

#[test]
fn what_the_other_leg_presses_during_a_key_follows_it() {
    let (mut a, mut b) = bridge();
    let wanted = Plan { keys: keys(1, "1"), ..plan(Source::Session(ID)) };
    b.apply(&wanted, 1, at(0));
    let mut sent = run(&mut b, 0..1);
    for (n, packet) in press(0, 2).iter().enumerate() {
        let now = 20 * n as u64 + 10;
        sent.extend(relay(&mut a, &mut b, packet, at(now)).map(|sent| (now, sent)));
        sent.extend(run(&mut b, now..now + 20));
    }
    sent.extend(run(&mut b, 150..1000));
    let mut far = session(3, &plan(Source::Silence));
    for (_, (header, payload)) in &sent {
        let mut datagram = vec![0; 12];
        Header { payload_type: 96, ..*header }.write(&mut datagram).expect("room");
        datagram.extend(payload);
        far.receive(&datagram, peer(), at(2000));
    }
    assert_eq!(digits(&mut far), "12");
    assert_eq!(events(&mut b), [Event::KeysSent { session: SessionId(2), activity: 1 }]);
}

#[test]
fn a_prompt_waits_for_the_keys_and_is_heard_whole() {
    let asset = Arc::new(Asset::from_samples(&[8000; 8000]));
    let source = Source::Player { activity: 1, asset: Arc::clone(&asset), loops: 1 };
    let mut session = session(1, &Plan { keys: keys(1, "12"), ..plan(source) });
    let sent: Vec<Sent> = (0..2000).flat_map(|now| poll(&mut session, at(now), Some(&asset))).collect();
    let loud = |sent: &&Sent| sent.0.payload_type == 0 && sent.1.iter().all(|octet| *octet != 0xFF);
    assert_eq!(sent.iter().filter(loud).count(), 50);
    let last = sent.iter().rposition(|sent| sent.0.payload_type == 101);
    assert!(sent.iter().position(|sent| loud(&sent)) > last);
}

#[test]
fn keys_wait_while_nothing_can_be_sent() {
    let held = Plan { send: false, ..dialling(1, "5") };
    let mut session = session(1, &held);
    assert_eq!(run(&mut session, 0..1000), []);
    assert_eq!(events(&mut session), []);
    session.apply(&dialling(1, "5"), 1, at(1000));
    assert_eq!(run(&mut session, 1000..1300).iter().filter(is_event).count(), 7);
    assert_eq!(events(&mut session), [Event::KeysSent { session: ID, activity: 1 }]);
}

#[test]
fn a_snapshot_in_the_middle_of_a_key_goes_on_with_the_very_same_packets() {
    let wanted = dialling(1, "12W3");
    let mut session = session(1, &wanted);
    run(&mut session, 0..190);
    let saved = serde_json::to_string(&session).expect("a session is data");
    let mut again: Session = serde_json::from_str(&saved).expect("readable");
    assert_eq!(run(&mut session, 190..3000), run(&mut again, 190..3000));
    assert_eq!(events(&mut session), events(&mut again));
}

#[test]
fn a_plan_without_a_key_in_its_keys_is_sent_at_once() {
    let mut session = session(1, &dialling(1, "?!"));
    assert!(run(&mut session, 0..40).iter().all(|sent| !is_event(&sent)));
    assert_eq!(events(&mut session), [Event::KeysSent { session: ID, activity: 1 }]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_dialled_is_told_through_a_channel_that_loses_and_disorders(
        text in "[0-9A-D*#w]{1,24}",
        fates in proptest::collection::vec((0u8..100, 0u64..55, any::<bool>()), 499),
        seed: (u16, u32),
    ) {
        let clock = ClockSeed { ssrc: 9, sequence: seed.0, timestamp: seed.1 };
        let mut near = Session::new(ID, clock, None, at(0));
        near.apply(&dialling(1, &text), 1, at(0));
        let mut far = session(2, &plan(Source::Silence));
        let mut arrivals = Vec::new();
        for ((now, (header, payload)), (luck, delay, is_doubled)) in
            run(&mut near, 0..24 * 520).into_iter().zip(fates.iter().cycle())
        {
            let payload_type = if header.payload_type == 101 { 96 } else { 0 };
            let mut datagram = vec![0; 12];
            Header { payload_type, ..header }.write(&mut datagram).expect("room");
            datagram.extend(payload);
            // One in five is lost; the first one is not, so that the source is known.
            let copies = if *luck < 20 && now > 0 { 0 } else { 1 + u64::from(*is_doubled) };
            arrivals.extend((0..copies).map(|copy| (now + delay + 13 * copy, datagram.clone())));
        }
        arrivals.sort_by_key(|(now, _)| *now);
        for (now, datagram) in &arrivals {
            far.receive(datagram, peer(), at(*now));
        }
        let told = digits(&mut far);
        let wanted: String = text.chars().filter(|key| *key != 'w').collect();
        // Seven packets a key: all of them are lost once in 80 000 times, which is no fault.
        let starts = arrivals.iter().filter_map(|(_, datagram)| Packet::parse(datagram));
        let mut starts: Vec<u32> = starts.filter(|packet| packet.header.payload_type == 96).map(|packet| packet.header.timestamp).collect();
        starts.sort_unstable();
        starts.dedup();
        prop_assert_eq!(told.len(), starts.len(), "{} for {}", &told, &wanted);
        if starts.len() == wanted.len() {
            prop_assert_eq!(told, wanted);
        }
    }
}
