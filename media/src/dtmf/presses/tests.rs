//! Presses through channels that lose, double and disorder.
//! A press whose packets are all lost is lost: the channel keeps one of each.

use proptest::prelude::*;

use super::*;

const FIVE: u8 = 5;

fn report(event: u8, duration: u16, is_end: bool) -> Report {
    Report { event, is_end, duration }
}

#[test]
fn a_press_is_told_with_its_first_packet_and_only_once() {
    let mut presses = Presses::default();
    let five = Key::from_event(FIVE);
    assert_eq!(presses.take(report(FIVE, 160, false), 1000, true), five);
    for duration in [320, 480, 640] {
        assert_eq!(presses.take(report(FIVE, duration, false), 1000, false), None);
    }
    for _ in 0..3 {
        assert_eq!(presses.take(report(FIVE, 800, true), 1000, false), None);
    }
    assert_eq!(presses.take(report(FIVE, 160, false), 2280, true), five, "the same key again");
}

#[test]
fn a_lost_start_is_found_from_the_end_and_a_lost_end_doubles_nothing() {
    let mut presses = Presses::default();
    assert_eq!(presses.take(report(FIVE, 800, true), 1000, false), Key::from_event(FIVE));
    assert_eq!(presses.take(report(FIVE, 160, false), 2280, false), Key::from_event(FIVE));
    assert_eq!(presses.take(report(6, 160, false), 4000, false), Key::from_event(6));
    assert_eq!(presses.take(report(FIVE, 320, false), 2280, false), None, "late, from before the six");
}

#[test]
fn other_events_are_no_keys() {
    let mut presses = Presses::default();
    for event in 16..=255 {
        assert_eq!(presses.take(report(event, 160, false), u32::from(event) * 1000, true), None);
    }
}

#[test]
fn a_key_held_for_half_a_minute_is_pressed_once() {
    let mut presses = Presses::default();
    let mut told = Vec::new();
    let start = 0xFFFF_0000;
    for n in 1_u32..1500 {
        let (segment, within) = (n * 160 / 0xFFFF, n * 160 % 0xFFFF);
        // Half of the packets are lost, among them the last one of each segment.
        if n % 2 == 0 && within < 0xFFFF - 400 {
            let timestamp = 0xFFFF_0000_u32.wrapping_add(segment * 0xFFFF);
            told.extend(presses.take(report(FIVE, within as u16, false), timestamp, false));
        }
    }
    assert_eq!(told.len(), 1);
    assert!(presses.covers(start) && presses.covers(start.wrapping_add(1498 * 160 - 1)));
    assert!(!presses.covers(start.wrapping_add(1600 * 160)) && !presses.covers(start.wrapping_sub(1)));
}

#[test]
fn a_sender_whose_timestamp_creeps_during_a_press_presses_once() {
    let mut presses = Presses::default();
    let told =
        (0..10).filter_map(|n| presses.take(report(1, 160 * (n + 1), n == 9), 160 * u32::from(n), n == 0));
    assert_eq!(told.count(), 1);
}

/// Packets of a press as telephones send them, one each 20 ms and the last one three times.
fn packets(event: u8, start: u32, length: u16) -> Vec<(Report, u32, bool)> {
    let updates = (1..=length).map(|n| (report(event, n * 160, false), start, n == 1));
    let end = (report(event, (length + 1) * 160, true), start, false);
    updates.chain([end; 3]).collect()
}

/// What is left of a stream, each packet with the time of its arrival.
fn channel(stream: &[(Report, u32, bool)], fates: &[(u8, u8)]) -> Vec<(Report, u32, bool)> {
    let mut arrived = Vec::new();
    for (n, (packet, (luck, delay))) in stream.iter().zip(fates.iter().cycle()).enumerate() {
        let is_lost = luck % 100 < 20;
        let copies = match luck % 10 {
            _ if is_lost => 0,
            9 => 2,
            _ => 1,
        };
        for copy in 0..copies {
            // Up to three packets' time of delay, in steps of 5 ms; copies may be later still.
            arrived.push((n as u64 * 4 + u64::from(delay % 12) + copy * 5, *packet));
        }
    }
    arrived.sort_by_key(|(at, _)| *at);
    arrived.into_iter().map(|(_, packet)| packet).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn presses_through_a_lossy_disordered_channel_are_neither_lost_nor_doubled(
        dialled in proptest::collection::vec((0u8..16, 3u16..12, 3u32..20), 1..30),
        fates in proptest::collection::vec(any::<(u8, u8)>(), 997),
        start: u32,
    ) {
        let mut presses = Presses::default();
        let (mut now, mut wanted, mut told, mut sent) = (start, Vec::new(), Vec::new(), Vec::new());
        for (event, length, pause) in dialled {
            let press = packets(event, now, length);
            now = now.wrapping_add((u32::from(length) + 1 + pause) * 160);
            sent.push(press);
            wanted.push(event);
        }
        // The fates of the whole stream, so that packets of neighbouring presses cross.
        let stream: Vec<_> = sent.concat();
        let arrived = channel(&stream, &fates);
        let all_lost = |press: &&Vec<(Report, u32, bool)>| {
            !arrived.iter().any(|(_, timestamp, _)| *timestamp == press[0].1)
        };
        let missing = sent.iter().filter(all_lost).count();
        for (report, timestamp, marker) in arrived {
            told.extend(presses.take(report, timestamp, marker).map(Key::event));
        }
        prop_assert_eq!(told.len() + missing, wanted.len());
        if missing == 0 {
            let sorted = |mut events: Vec<u8>| { events.sort_unstable(); events };
            prop_assert_eq!(sorted(told), sorted(wanted));
        }
    }
}
