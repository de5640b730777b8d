//! Reports as octets, and round trips by them.
//! Two reporters talk to each other over a wire of known length.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::moment::Moment;
use crate::rtp::{Header, OutputClock, Reception};

fn at(millis: u64) -> Moment {
    Moment::from_micros(5_000_000 + millis * 1000)
}

fn peer() -> SocketAddr {
    "192.0.2.1:4001".parse().expect("an address")
}

/// A reception that knows the stream of `ssrc`.
fn heard(ssrc: u32) -> Reception {
    let mut reception = Reception::default();
    let header = Header { marker: true, payload_type: 0, sequence: 1, timestamp: 0, ssrc };
    reception.register(&header, true, at(0));
    reception
}

#[test]
fn a_sender_report_is_laid_out_as_in_the_standard() {
    let block = Block {
        ssrc: 0x0202_0202,
        fraction_lost: 3,
        lost: -1,
        highest: 0x0001_0005,
        jitter: 7,
        last_report: 8,
        delay: 9,
    };
    let report = Report { ssrc: 0x0101_0101, sent: Some((100, 5, 800)), block: Some(block), goodbye: true };
    let mut out = [0; LIMIT];
    let length = write(&report, Moment::from_micros(1_500_000), &mut out);
    let expected = [
        0x81, 200, 0, 12, 1, 1, 1, 1, 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 5, 0, 0, 3, 0x20, 2,
        2, 2, 2, 3, 0xFF, 0xFF, 0xFF, 0, 1, 0, 5, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 9,
    ];
    assert_eq!(out[..52], expected);
    assert_eq!(out[52..62], [0x81, 202, 0, 6, 1, 1, 1, 1, 1, 16]);
    assert!(out[62..78].iter().all(u8::is_ascii_hexdigit));
    assert_eq!(out[78..length], [0, 0, 0x81, 203, 0, 1, 1, 1, 1, 1]);
}

#[test]
fn a_receiver_report_needs_no_sound_of_its_own() {
    let mut out = [0; LIMIT];
    let length = write(&Report { ssrc: 5, sent: None, block: None, goodbye: false }, at(0), &mut out);
    assert_eq!(out[..8], [0x80, 201, 0, 1, 0, 0, 0, 5]);
    assert_eq!(length, 8 + 28);
}

#[test]
fn the_round_trip_is_the_time_on_the_wire_without_the_time_it_was_held() {
    let (mut ours, mut theirs) = (Reporter::default(), Reporter::default());
    let clock = OutputClock::new(11, 0, 0);
    let sent = Outgoing { packets: 10, octets: 1600 };
    let mut out = [0; LIMIT];
    let length = ours.report(&clock, sent, &mut heard(22), false, at(0), &mut out);
    theirs.take(&out[..length], peer(), 22, at(30));
    let length = theirs.report(
        &OutputClock::new(22, 0, 0),
        Outgoing::default(),
        &mut heard(11),
        false,
        at(2030),
        &mut out,
    );
    ours.take(&out[..length], peer(), 11, at(2075));
    let round_trip = ours.round_trip_us().expect("a round trip");
    assert!((74_900..75_100).contains(&round_trip), "{round_trip} µs");
    assert_eq!(ours.address(), Some(peer()));
}

#[test]
fn whoever_fell_silent_reports_as_a_receiver() {
    let mut reporter = Reporter::default();
    let clock = OutputClock::new(11, 0, 0);
    let sent = Outgoing { packets: 10, octets: 1600 };
    let mut out = [0; LIMIT];
    let kinds = [0, 5000].map(|millis| {
        reporter.report(&clock, sent, &mut Reception::default(), false, at(millis), &mut out);
        out[1]
    });
    assert_eq!(kinds, [SENDER_REPORT, RECEIVER_REPORT]);
}

#[test]
fn reports_are_spread_around_five_seconds_and_differ_by_session() {
    let intervals = |ssrc| {
        let mut reporter = Reporter::default();
        let mut out = [0; LIMIT];
        let mut now = at(0);
        let clock = OutputClock::new(ssrc, 0, 0);
        let mut draw = || {
            reporter.report(&clock, Outgoing::default(), &mut Reception::default(), false, now, &mut out);
            let due = reporter.deadline().expect("a next report");
            let interval = due.since(now);
            now = due;
            interval
        };
        (0..200).map(|_| draw()).collect::<Vec<Duration>>()
    };
    let ours = intervals(1);
    assert!(ours.iter().all(|interval| (2500..=7500).contains(&interval.as_millis())));
    let mean = ours.iter().sum::<Duration>() / 200;
    assert!((4500..5500).contains(&mean.as_millis()), "{mean:?}");
    assert_ne!(ours, intervals(2));
}

proptest! {
    #[test]
    fn no_datagram_panics(datagram in proptest::collection::vec(any::<u8>(), 0..200), ssrc: u32) {
        read(&datagram, ssrc);
    }

    #[test]
    fn a_cut_report_is_never_misread(cut in 0usize..88) {
        let block = Block { ssrc: 5, fraction_lost: 1, lost: 2, highest: 3, jitter: 4, last_report: 5, delay: 6 };
        let mut out = [0; LIMIT];
        let length = write(&Report { ssrc: 1, sent: Some((1, 2, 3)), block: Some(block), goodbye: true }, at(0), &mut out);
        let heard = read(&out[..cut.min(length)], 5).and_then(|digest| digest.heard);
        prop_assert_eq!(heard.is_some(), cut >= 52);
    }
}
