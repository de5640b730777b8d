//! Who gets in, and who does not.
//! A signalled address, an address translator's, a stranger's, and a phone that moves.

use super::*;

const OURS: u32 = 0xAAAA;

fn at(millis: u64) -> Moment {
    Moment::from_micros(1_000_000 + millis * 1000)
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn signalled() -> SocketAddr {
    address("192.0.2.1:4000")
}

fn translated() -> SocketAddr {
    address("198.51.100.7:61000")
}

fn stranger() -> SocketAddr {
    address("203.0.113.66:5555")
}

/// A lock that has learnt `from`.
fn locked(from: SocketAddr) -> SourceLock {
    let mut lock = SourceLock::default();
    lock.open(1, signalled(), at(0));
    let verdicts = [0, 20, 40].map(|millis| lock.judge(from, OURS, at(millis)));
    assert!(verdicts.contains(&Verdict::Learnt));
    lock
}

#[test]
fn the_signalled_address_is_believed_at_once() {
    let mut lock = SourceLock::default();
    lock.open(1, signalled(), at(0));
    assert_eq!(lock.judge(signalled(), OURS, at(5)), Verdict::Learnt);
    assert_eq!(lock.judge(signalled(), OURS, at(25)), Verdict::Accepted);
}

#[test]
fn another_address_needs_three_packets_in_200_ms() {
    let mut lock = SourceLock::default();
    lock.open(1, signalled(), at(0));
    assert_eq!(lock.judge(translated(), OURS, at(0)), Verdict::Pending);
    assert_eq!(lock.judge(translated(), OURS, at(150)), Verdict::Pending);
    assert_eq!(lock.judge(translated(), OURS, at(300)), Verdict::Pending, "the first one is too old");
    assert_eq!(lock.destination(), Some(signalled()), "until then packets go where the description says");
    lock.judge(translated(), OURS, at(320));
    assert_eq!(lock.judge(translated(), OURS, at(340)), Verdict::Learnt);
    assert_eq!(lock.destination(), Some(translated()));
}

#[test]
fn three_packets_that_disagree_teach_nothing() {
    let mut lock = SourceLock::default();
    lock.open(1, signalled(), at(0));
    for n in 0..9 {
        assert_eq!(lock.judge(stranger(), n, at(u64::from(n))), Verdict::Pending);
    }
}

#[test]
fn a_noisy_stranger_does_not_keep_the_phone_out() {
    let mut lock = SourceLock::default();
    lock.open(1, signalled(), at(0));
    let mut verdicts = Vec::new();
    for n in 0..3u16 {
        for noise in 0..2 {
            lock.judge(SocketAddr::new(stranger().ip(), 1000 + n * 2 + noise), 7, at(u64::from(n) * 20));
        }
        verdicts.push(lock.judge(translated(), OURS, at(u64::from(n) * 20 + 1)));
    }
    assert_eq!(verdicts.last(), Some(&Verdict::Learnt));
}

#[test]
fn once_locked_strangers_stay_out_whatever_they_send() {
    let mut lock = locked(signalled());
    for millis in 41..1900 {
        assert_eq!(lock.judge(stranger(), OURS, at(millis)), Verdict::Stranger);
    }
    assert_eq!(lock.address(), Some(signalled()));
}

#[test]
fn the_locked_address_may_change_its_ssrc() {
    assert_eq!(locked(signalled()).judge(signalled(), 0xBBBB, at(60)), Verdict::Accepted);
}

#[test]
fn after_silence_only_the_old_ssrc_comes_back_from_elsewhere() {
    let mut lock = locked(translated());
    for millis in [2100, 2120, 2140] {
        assert_eq!(lock.judge(stranger(), 7, at(millis)), Verdict::Stranger);
    }
    let verdicts = [2150, 2170, 2190].map(|millis| lock.judge(signalled(), OURS, at(millis)));
    assert_eq!(verdicts, [Verdict::Pending, Verdict::Pending, Verdict::Learnt]);
}

#[test]
fn a_new_round_with_another_address_moves_the_lock_and_meanwhile_hears_the_old_one() {
    let mut lock = locked(signalled());
    let moved = address("192.0.2.9:4444");
    lock.open(2, moved, at(1000));
    assert_eq!(lock.destination(), Some(moved));
    assert_eq!(lock.judge(signalled(), OURS, at(1010)), Verdict::Accepted);
    assert_eq!(lock.judge(moved, OURS, at(1020)), Verdict::Learnt);
    assert_eq!(lock.judge(signalled(), OURS, at(1030)), Verdict::Stranger);
}

#[test]
fn a_round_that_changes_nothing_closes_its_window_with_the_first_packet() {
    let mut lock = locked(translated());
    lock.open(2, signalled(), at(1000));
    assert_eq!(lock.destination(), Some(translated()), "a refresh does not send us to the private address");
    assert_eq!(lock.judge(translated(), OURS, at(1010)), Verdict::Accepted);
    assert_eq!(lock.judge(stranger(), 7, at(1011)), Verdict::Stranger);
}

#[test]
fn a_phone_that_announced_a_move_but_stays_is_locked_again_after_two_seconds() {
    let mut lock = locked(translated());
    lock.open(2, address("10.0.0.5:9999"), at(1000));
    assert_eq!(lock.judge(translated(), OURS, at(3100)), Verdict::Accepted);
    assert_eq!(lock.destination(), Some(translated()));
    assert_eq!(lock.judge(stranger(), 7, at(3110)), Verdict::Stranger);
}

#[test]
fn hold_by_an_empty_address_does_not_unlock() {
    let mut lock = locked(signalled());
    lock.open(2, address("0.0.0.0:4000"), at(1000));
    assert_eq!(lock.destination(), Some(signalled()));
    lock.judge(signalled(), OURS, at(1010));
    assert_eq!(lock.judge(stranger(), 7, at(1020)), Verdict::Stranger);
}
