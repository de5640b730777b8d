//! A leg whose record was written under another boot of the host: what lapsed happens once and in order.

use trunkline_media::moment::{Mark, Shift, rebased};

use super::*;

/// From a host that was up for a thousand seconds to one that is up for five, and was down for this long.
fn over(down_ms: u64) -> Shift {
    let wall = 1_800_000_000_000_000;
    let then = Mark { boot: 'a', at: at(1_000_000), wall };
    Shift::between(&then, &Mark { boot: 'b', at: at(5_000), wall: wall + (down_ms + 5_000) * 1000 })
}

fn moved(leg: &Leg, shift: Shift) -> Leg {
    let mut bytes = Vec::new();
    ciborium::into_writer(leg, &mut bytes).expect("memory");
    rebased(shift, || ciborium::from_reader(bytes.as_slice()).expect("what was written"))
}

fn taken_up(leg: &Leg, down_ms: u64) -> Bench {
    let mut bench = Bench::of(moved(leg, over(down_ms)));
    bench.now = at(5_000);
    bench
}

/// An answer was sent at 999.9 s and waits for its ACK.
fn waiting() -> Bench {
    let mut bench = called(&both());
    bench.now = at(999_900);
    bench.order(Order::Answer);
    bench
}

#[test]
fn what_was_to_happen_later_happens_as_much_later() {
    let mut bench = taken_up(&waiting().leg, 0);
    bench.now = at(5_000);
    let story = bench.pass(40_000);
    // 64·T1 after the answer, less the 5.1 s that have passed.
    let gone = story.iter().find(|(_, words)| words == "send BYE").map(|(when, _)| *when);
    assert_eq!(gone, Some(31_900));
}

#[test]
fn what_lapsed_meanwhile_happens_once() {
    let mut bench = taken_up(&waiting().leg, 3_600_000);
    let story = bench.pass(5_000);
    assert_eq!(story.iter().filter(|(_, words)| words == "send BYE").count(), 1);
    assert!(story.iter().all(|(when, _)| *when == 5_000), "at once: {story:?}");
    assert!(!story.iter().any(|(_, words)| words.starts_with("answer")), "nothing is repeated that is over");
}

#[test]
fn a_shift_that_is_taken_back_leaves_nothing_behind() {
    let leg = waiting().leg;
    let away = moved(&leg, over(7_000));
    let (then, now) = (at(5_000), at(1_000_000));
    let back = Shift::between(
        &Mark { boot: 'b', at: then, wall: 10_000_000_000_000 },
        &Mark { boot: 'a', at: now, wall: 10_000_000_000_000 + 1_000_000_000 },
    );
    assert_eq!(back.micros(), -5_000_000, "uptime is the least that has passed");
    assert_eq!(over(7_000).micros(), -1_007_000_000);
    assert!(away.summary().began < Moment::default(), "it began before this boot");
    assert_eq!(at(5_000).since(away.summary().began), std::time::Duration::from_secs(1_012));
}
