//! What a receiver sees of the output clock.
//! One stream, whatever feeds it.

use super::*;

fn at(millis: u64) -> Moment {
    Moment::from_micros(1_000_000 + millis * 1000)
}

fn incoming(sequence: u64, timestamp: u32) -> Incoming {
    Incoming { stream: 1, sequence, timestamp, marker: false, samples: Some(160) }
}

fn stamp(sequence: u16, timestamp: u32, marker: bool) -> Option<Stamp> {
    Some(Stamp { sequence, timestamp, marker })
}

#[test]
fn a_forwarded_stream_continues_where_the_prompt_ended() {
    let mut clock = OutputClock::new(1, 65_534, 1000);
    assert_eq!(Some(clock.make(160, at(0))), stamp(65_534, 1000, true));
    assert_eq!(Some(clock.make(160, at(20))), stamp(65_535, 1160, false));
    assert_eq!(clock.forward(&incoming(70_000, 9), at(50)), stamp(0, 1160 + 240, true), "30 ms later");
    assert_eq!(clock.forward(&incoming(70_001, 169), at(71)), stamp(1, 1560, false), "by the sender's clock");
    assert_eq!(clock.rollovers(), 1);
}

#[test]
fn a_source_that_comes_early_does_not_overlap_the_one_before() {
    let mut clock = OutputClock::new(1, 0, 0);
    clock.make(160, at(0));
    assert_eq!(clock.forward(&incoming(5, 5), at(3)), stamp(1, 160, true));
}

#[test]
fn loss_and_disorder_stay_visible() {
    let mut clock = OutputClock::new(1, 100, 0);
    let forward =
        |clock: &mut OutputClock, n: u64| clock.forward(&incoming(10 + n, n as u32 * 160), at(20 * n));
    assert_eq!(forward(&mut clock, 0), stamp(100, 0, true));
    assert_eq!(forward(&mut clock, 3), stamp(103, 480, false));
    assert_eq!(forward(&mut clock, 2), stamp(102, 320, false));
    assert_eq!(clock.make(160, at(80)).sequence, 104);
}

#[test]
fn what_was_sent_before_a_source_was_taken_up_stays_out() {
    let mut clock = OutputClock::new(1, 100, 0);
    clock.forward(&incoming(10, 1600), at(0));
    assert_eq!(clock.forward(&incoming(9, 1440), at(1)), None);
}

#[test]
fn omitted_packets_leave_no_hole() {
    let mut clock = OutputClock::new(1, 100, 0);
    clock.forward(&incoming(10, 0), at(0));
    clock.omit(&incoming(11, 160));
    clock.omit(&incoming(12, 320));
    assert_eq!(clock.forward(&incoming(13, 480), at(60)), stamp(101, 480, false));
    assert_eq!(clock.forward(&incoming(11, 160), at(61)), None, "its number has been given away");
}

#[test]
fn a_sender_that_sets_its_timestamp_back_is_mended() {
    let mut clock = OutputClock::new(1, 0, 5000);
    clock.forward(&incoming(1, 90_000), at(0));
    assert_eq!(clock.forward(&incoming(2, 17), at(20)), stamp(1, 5160, true));
    assert_eq!(clock.forward(&incoming(3, 177), at(40)), stamp(2, 5320, false));
    assert_eq!(clock.forward(&incoming(4, 800_000), at(60)), stamp(3, 5480, true), "nor may it run ahead");
}

#[test]
fn a_digit_keeps_the_timestamp_of_its_start_and_audio_goes_on_behind_it() {
    let mut clock = OutputClock::new(1, 0, 0);
    clock.forward(&incoming(1, 1000), at(0));
    assert_eq!(clock.forward(&event(2, 1160, true), at(20)), stamp(1, 160, true));
    assert_eq!(clock.forward(&event(3, 1160, false), at(40)), stamp(2, 160, false));
    assert_eq!(clock.forward(&incoming(4, 1480), at(60)), stamp(3, 480, false));
}

/// A packet of an event.
fn event(sequence: u64, timestamp: u32, marker: bool) -> Incoming {
    Incoming { samples: None, marker, ..incoming(sequence, timestamp) }
}

#[test]
fn an_event_keeps_its_timestamp_though_the_audio_around_it_is_mended() {
    let mut clock = OutputClock::new(1, 0, 0);
    clock.forward(&incoming(1, 1000), at(0));
    assert_eq!(clock.forward(&event(2, 1160, true), at(20)), stamp(1, 160, true));
    assert_eq!(clock.forward(&incoming(3, 77), at(40)), stamp(2, 320, true), "set back");
    assert_eq!(clock.forward(&event(4, 1160, false), at(60)), stamp(3, 160, false));
}

#[test]
fn a_stream_that_begins_with_an_event_shows_the_time_that_passes_during_it() {
    let mut clock = OutputClock::new(1, 0, 0);
    clock.make(160, at(0));
    assert_eq!(clock.forward(&event(9, 5000, true), at(100)), stamp(1, 800, true));
    assert_eq!(clock.forward(&event(10, 5000, false), at(180)), stamp(2, 800, false));
    assert_eq!(clock.forward(&incoming(11, 7000), at(200)), stamp(3, 1600, true), "100 ms, not 250");
    assert_eq!(clock.forward(&event(12, 5000, false), at(210)), stamp(4, 800, false), "a late one");
}

#[test]
fn the_rest_of_an_event_that_somebody_else_was_meant_to_hear_stays_out() {
    let mut clock = OutputClock::new(1, 0, 0);
    assert_eq!(clock.forward(&event(9, 5000, false), at(0)), None);
    assert_eq!(clock.forward(&incoming(10, 5160), at(20)), stamp(0, 0, true));
    assert_eq!(clock.forward(&event(11, 5000, false), at(21)), None);
    assert_eq!(clock.forward(&incoming(12, 5320), at(40)), stamp(1, 160, false), "and leaves no hole");
}

#[test]
fn the_segments_of_a_long_press_follow_each_other_without_a_marker() {
    let mut clock = OutputClock::new(1, 0, 0);
    clock.forward(&event(1, 1000, true), at(0));
    assert_eq!(clock.forward(&event(2, 1000 + 0xFFFF, false), at(8192)), stamp(1, 0xFFFF, false));
    assert_eq!(clock.forward(&event(3, 1000 + 2 * 0xFFFF, false), at(16_384)), stamp(2, 2 * 0xFFFF, false));
}

#[test]
fn reports_of_an_event_made_here_share_a_timestamp_while_time_goes_on() {
    let mut clock = OutputClock::new(1, 0, 0);
    clock.make(160, at(0));
    let first = clock.report(None, 160, at(20));
    assert_eq!(Some(first), stamp(1, 160, true));
    assert_eq!(Some(clock.report(Some(first.timestamp), 160, at(40))), stamp(2, 160, false));
    assert_eq!(Some(clock.make(160, at(60))), stamp(3, 480, false));
}

#[test]
fn a_clock_taken_up_elsewhere_skips_what_may_have_been_used() {
    let mut clock = OutputClock::new(1, 10, 0);
    clock.make(160, at(0));
    clock.leap(Duration::from_secs(1));
    let Stamp { sequence, timestamp, marker } = clock.make(160, at(1000));
    assert!(sequence > 10 + 50 && marker);
    assert_eq!(timestamp, 8000);
}
