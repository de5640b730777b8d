//! Places of packets through loss, disorder, drift and worse.
//! A packet is 20 ms; times of arrival are samples.

use proptest::prelude::*;

use super::*;

fn packet(stream: u32, sequence: u64, timestamp: u32) -> Incoming {
    Incoming { stream, sequence, timestamp, marker: false, samples: Some(160) }
}

/// The nth packet of a stream whose timestamps begin just before they wrap.
fn nth(n: u64) -> Incoming {
    packet(1, 1000 + n, (u32::MAX - 500).wrapping_add(n as u32 * 160))
}

fn whole(position: u64) -> Option<Place> {
    Some(Place { position, skip: 0 })
}

#[test]
fn packets_lie_where_their_timestamps_say_whenever_they_come() {
    let mut timeline = Timeline::default();
    assert_eq!(timeline.place(&nth(0), 4000, false), whole(4000));
    assert_eq!(timeline.place(&nth(1), 4500, false), whole(4160), "late");
    assert_eq!(timeline.place(&nth(4), 4640, false), whole(4640), "two are missing");
    assert_eq!(timeline.place(&nth(3), 4700, false), whole(4480), "one of them after all");
    assert_eq!(timeline.place(&nth(60), 13_600, false), whole(13_600), "after a pause");
}

#[test]
fn what_was_sent_before_the_first_packet_that_came_lies_before_it() {
    let mut timeline = Timeline::default();
    assert_eq!(timeline.place(&nth(1), 4000, false), whole(4000));
    assert_eq!(timeline.place(&nth(0), 4010, false), whole(3840));
    let mut timeline = Timeline::default();
    timeline.place(&nth(1), 100, false);
    let cut = timeline.place(&nth(0), 110, false);
    assert_eq!(cut, Some(Place { position: 0, skip: 60 }), "nothing lies before the recording");
}

#[test]
fn another_source_is_anchored_where_it_arrives_and_covers_nothing() {
    let mut timeline = Timeline::default();
    timeline.place(&nth(0), 800, false);
    assert_eq!(timeline.place(&packet(2, 7, 99), 8000, false), whole(8000));
    let early = timeline.place(&packet(3, 7, 5_000_000), 8100, false);
    assert_eq!(early, Some(Place { position: 8160, skip: 60 }));
    assert_eq!(timeline.place(&packet(3, 8, 5_000_160), 8260, false), whole(8260));
}

#[test]
fn timestamps_that_jump_are_anchored_anew() {
    let mut timeline = Timeline::default();
    timeline.place(&packet(1, 1, 500_000), 800, false);
    assert_eq!(timeline.place(&packet(1, 2, 17), 960, false), whole(960), "back");
    assert_eq!(timeline.place(&packet(1, 3, 177), 1120, false), whole(1120));
    assert_eq!(timeline.place(&packet(1, 4, 1_000_000), 1280, false), whole(1280), "ahead");
    assert_eq!(timeline.place(&packet(1, 5, 1_000_160), 1440, false), whole(1440));
    assert_eq!(timeline.place(&packet(1, 0, 499_840), 1450, false), None, "long gone");
}

/// The farthest that places get from the times of arrival, for a sender whose clock is wrong by so many millionths,
/// and how many samples are left out.
fn drift(millionths: i64, hours: u64, silence: fn(u64) -> bool) -> (i64, u64) {
    let mut timeline = Timeline::default();
    let (mut worst, mut skipped) = (0, 0);
    for n in 0..hours * 180_000 {
        let arrival = (n as i64 * 160 * (1_000_000 + millionths) / 1_000_000) as u64;
        match timeline.place(&nth(n), arrival, silence(n)) {
            Some(place) => {
                worst = worst.max((arrival as i64 - (place.position as i64 - place.skip as i64)).abs());
                skipped += place.skip as u64;
            }
            None => skipped += 160,
        }
    }
    (worst, skipped)
}

#[test]
fn clocks_that_drift_apart_stay_in_step() {
    for millionths in [-200, -50, 50, 200] {
        let (worst, skipped) = drift(millionths, 2, |_| false);
        assert!(worst <= 496, "{worst} samples at {millionths} millionths, without any silence");
        let (worst, _) = drift(millionths, 2, |n| n % 500 == 0);
        assert!(worst <= 200, "{worst} samples at {millionths} millionths");
        let left_out = 2 * 3600 * 8000 * (-millionths).max(0) as u64 / 1_000_000;
        assert!(skipped <= left_out + 480, "{skipped} samples at {millionths} millionths");
    }
    assert_eq!(drift(0, 1, |_| true), (0, 0));
}

proptest! {
    #[test]
    fn delay_that_varies_moves_nothing(delays in proptest::collection::vec(0u64..1600, 500)) {
        let mut timeline = Timeline::default();
        timeline.place(&nth(0), 0, false);
        let mut arrivals: Vec<(u64, u64)> = (1u64..).zip(delays).map(|(n, delay)| {
            // One in ten is as fast as the first.
            (n * 160 + if n % 10 == 0 { 0 } else { delay }, n)
        }).collect();
        arrivals.sort_unstable();
        for (arrival, n) in arrivals {
            prop_assert_eq!(timeline.place(&nth(n), arrival, n % 3 == 0), whole(n * 160));
        }
    }

    #[test]
    fn no_sender_gets_far_ahead_of_time_nor_covers_what_an_earlier_timeline_placed(
        steps in proptest::collection::vec((0u32..3, 0u64..50, any::<u32>(), 0u64..4000, 1u32..1000), 1..100),
    ) {
        let mut timeline = Timeline::default();
        let mut arrival = 0;
        for (stream, sequence, timestamp, passed, samples) in steps {
            arrival += passed;
            let packet = Incoming { samples: Some(samples), ..packet(stream, sequence, timestamp) };
            let floor = timeline.floor;
            if let Some(place) = timeline.place(&packet, arrival, false) {
                prop_assert!(place.position >= floor && place.skip < samples as usize);
                prop_assert!(place.position <= arrival + 8000);
                prop_assert!(place.position + u64::from(samples) - place.skip as u64 <= timeline.end);
            }
        }
    }
}
