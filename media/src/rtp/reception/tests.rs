//! Order, loss, duplicates, restarts and jitter of a received stream.
//! Every packet comes at a chosen moment.

use proptest::prelude::*;

use super::*;

fn header(sequence: u16, timestamp: u32) -> Header {
    Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 9 }
}

fn at(millis: u64) -> Moment {
    Moment::from_micros(1_000_000 + millis * 1000)
}

/// Registers the nth packet of a stream that starts at `first`, at its time.
fn register(reception: &mut Reception, first: u16, n: u32) -> Arrival {
    reception.register(&header(first.wrapping_add(n as u16), n * 160), true, at(u64::from(n) * 20))
}

#[test]
fn the_sequence_is_extended_over_the_wrap() {
    let mut reception = Reception::default();
    let places: Vec<Arrival> = (0..4).map(|n| register(&mut reception, 65_534, n)).collect();
    let first = 0x1_0000 + 65_534;
    assert_eq!(places, (first..first + 4).map(Arrival::Fresh).collect::<Vec<_>>());
    assert_eq!(reception.report().map(|loss| (loss.highest, loss.total)), Some((0x1_0001, 0)));
}

#[test]
fn loss_duplicates_and_late_packets_are_told_apart() {
    let mut reception = Reception::default();
    let arrivals: Vec<bool> =
        [0, 1, 3, 3, 2, 6, 1].map(|n| matches!(register(&mut reception, 10, n), Arrival::Fresh(_))).into();
    assert_eq!(arrivals, [true, true, true, false, true, true, false]);
    assert_eq!((reception.lost(), reception.duplicates()), (2, 2));
    assert_eq!(reception.report().map(|loss| loss.fraction), Some((2 * 256 / 7) as u8));
    assert_eq!(reception.report().map(|loss| loss.fraction), Some(0), "nothing new was lost");
}

#[test]
fn one_wild_packet_changes_nothing_two_in_a_row_are_a_new_stream() {
    let mut reception = Reception::default();
    register(&mut reception, 10, 0);
    let stream = reception.stream();
    assert_eq!(register(&mut reception, 30_000, 0), Arrival::Suspect);
    assert!(matches!(register(&mut reception, 10, 1), Arrival::Fresh(_)));
    assert_eq!(reception.stream(), stream);
    register(&mut reception, 30_000, 0);
    assert!(matches!(register(&mut reception, 30_000, 1), Arrival::Fresh(_)));
    assert_ne!(reception.stream(), stream);
}

#[test]
fn a_new_ssrc_is_a_new_stream_and_keeps_the_old_losses() {
    let mut reception = Reception::default();
    register(&mut reception, 10, 0);
    register(&mut reception, 10, 5);
    reception.register(&Header { ssrc: 8, ..header(7, 7) }, true, at(200));
    assert_eq!((reception.lost(), reception.ssrc()), (4, Some(8)));
}

#[test]
fn jitter_is_that_of_the_standard() {
    let mut reception = Reception::default();
    // Every second packet is 10 ms late: the mean difference of transit is 80 samples.
    for n in 0..400 {
        let late = u64::from(n % 2) * 10;
        reception.register(&header(n as u16, n * 160), true, at(u64::from(n) * 20 + late));
    }
    assert!((78..=80).contains(&reception.jitter()), "{}", reception.jitter());
    assert!((9_700..=10_000).contains(&reception.jitter_us()));
}

#[test]
fn the_longest_gap_counts_only_while_it_is_listened() {
    let mut reception = Reception::default();
    register(&mut reception, 0, 0);
    register(&mut reception, 0, 3);
    reception.interrupt();
    register(&mut reception, 0, 100);
    assert_eq!(reception.max_gap_ms(), 60);
}

proptest! {
    #[test]
    fn every_packet_of_a_shuffled_stream_is_fresh_once(first: u16, swaps in proptest::collection::vec(0usize..200, 0..60)) {
        let mut order: Vec<u32> = (0..200).collect();
        for place in swaps {
            // Neighbours change places, so that nothing moves out of the window.
            if place + 1 < order.len() { order.swap(place, place + 1); }
        }
        let mut reception = Reception::default();
        let mut fresh = 0;
        for n in order.iter().chain(order.iter().skip(150)) {
            if let Arrival::Fresh(_) = register(&mut reception, first, *n) { fresh += 1; }
        }
        prop_assert_eq!(fresh, 200);
        prop_assert_eq!(reception.lost(), 0);
        prop_assert_eq!(reception.duplicates(), 50);
    }
}
