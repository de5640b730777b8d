//! Disks that are full, read-only, gone or dead. Calls go on, and a restart never takes old for new.

use std::sync::Arc;

use super::scene::{Failing, Scratch, Table, at, put, states, table};
use crate::journal::{Change, Folder, Journal, Limits};

const SMALL: Limits = Limits { segment: 1_000, slack: 1, total: 1 << 20 };

fn open(disk: &Failing, scratch: &Scratch, limits: Limits) -> Journal {
    let folder = Folder::lock(scratch.path()).expect("free");
    let mut journal = Journal::open_on(Arc::new(disk.clone()), &folder, "a", limits, at(0)).expect("opens").0;
    journal.settle(at(0));
    journal
}

fn batch(number: u8) -> Vec<Change> {
    vec![put("last", &[number]), put(&format!("leg/{}", number % 5), &[number; 50])]
}

fn after(batches: u8) -> Table {
    states(&(0..batches).map(batch).collect::<Vec<_>>()).pop().expect("one more than batches")
}

#[test]
fn a_full_disk_is_told_once_outlasted_and_made_good() {
    let (scratch, disk) = (Scratch::new(), Failing::well());
    let mut journal = open(&disk, &scratch, Limits::default());
    (0..3).for_each(|number| journal.append(batch(number), at(0)));
    disk.fill();
    (3..6).for_each(|number| journal.append(batch(number), at(100)));
    let trouble = journal.health().trouble.expect("the disk is full");
    assert_eq!((trouble.since, trouble.stores, trouble.attempts), (at(100), false, 1));
    assert!(
        trouble.message.contains("a.000001.journal") && trouble.message.contains("free some space"),
        "{}",
        trouble.message
    );
    let meanwhile = scratch.copy().image();
    assert_eq!(table(&meanwhile), after(3));
    assert!(meanwhile.is_stale(), "{:?}", meanwhile.findings);
    disk.free();
    journal.append(batch(6), at(1_000));
    assert!(!journal.health().is_well(), "the pause is not over");
    assert_eq!(table(&scratch.copy().image()), after(3), "nothing is written after a hole");
    journal.append(batch(7), at(1_100));
    journal.settle(at(1_100));
    journal.append(batch(8), at(1_101));
    assert_eq!(journal.health().trouble, None);
    let image = scratch.copy().image();
    assert_eq!((table(&image), image.findings, image.last), (after(9), vec![], Some(at(1_101))));
    assert_eq!(scratch.names(), ["a.000003.checkpoint", "a.000003.journal"]);
}

#[test]
fn a_death_before_the_recovery_is_whole_finds_the_old_state_and_knows_that_it_is_old() {
    let (scratch, disk) = (Scratch::new(), Failing::well());
    let mut journal = open(&disk, &scratch, Limits::default());
    (0..3).for_each(|number| journal.append(batch(number), at(0)));
    disk.fill();
    journal.append(batch(3), at(0));
    // Enough for the new segment's first frame and a little of the checkpoint.
    disk.bytes.store(250, std::sync::atomic::Ordering::SeqCst);
    journal.append(batch(4), at(2_000));
    journal.settle(at(2_000));
    let trouble = journal.health().trouble.expect("still full");
    assert_eq!((trouble.since, trouble.stores), (at(0), false));
    assert!(trouble.attempts >= 2, "{trouble:?}");
    let image = scratch.copy().image();
    assert_eq!((table(&image), image.is_stale()), (after(3), true));
    disk.free();
    journal.tend(at(100_000));
    journal.settle(at(100_000));
    assert_eq!((journal.health().trouble, table(&scratch.copy().image())), (None, after(5)));
}

#[test]
fn attempts_come_after_one_second_then_two_and_at_most_sixty() {
    let (scratch, disk) = (Scratch::new(), Failing::well());
    let mut journal = open(&disk, &scratch, Limits::default());
    disk.fill();
    let mut tried = Vec::new();
    let mut before = 0;
    for second in 0..250 {
        journal.append(batch(0), at(second * 1_000));
        let attempts = journal.health().trouble.expect("full").attempts;
        if attempts > before {
            tried.push(second);
        }
        before = attempts;
    }
    assert_eq!(tried, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    assert!(scratch.names().len() <= 4, "attempts leave nothing behind: {:?}", scratch.names());
}

#[test]
fn a_checkpoint_that_fails_loses_nothing_as_long_as_batches_are_written() {
    let (scratch, disk) = (Scratch::new(), Failing::well());
    let mut journal = open(&disk, &scratch, SMALL);
    let mut number = 0;
    while journal.health().trouble.is_none() {
        if journal.health().disk > 900 {
            // A segment can be begun, a checkpoint cannot be finished.
            disk.bytes.store(700, std::sync::atomic::Ordering::SeqCst);
        }
        journal.append(batch(number), at(0));
        journal.settle(at(0));
        number += 1;
    }
    let image = scratch.copy().image();
    assert!(!image.is_stale() || !journal.health().is_well());
    if journal.health().is_well() {
        assert_eq!(table(&image), after(number));
    }
    disk.free();
    journal.tend(at(5_000));
    journal.settle(at(5_000));
    assert_eq!((journal.health().trouble, table(&scratch.copy().image())), (None, after(number)));
}

#[test]
fn a_stream_stays_within_its_bound_and_says_so() {
    let (scratch, disk) = (Scratch::new(), Failing::well());
    let mut journal = open(&disk, &scratch, Limits { segment: 500, slack: 1, total: 4_000 });
    for number in 0..100 {
        journal.append(vec![put(&format!("leg/{number}"), &[number; 50])], at(0));
        journal.settle(at(0));
        assert!(scratch.files().values().map(Vec::len).sum::<usize>() <= 4_000, "batch {number}");
    }
    let trouble = journal.health().trouble.expect("5000 bytes live");
    assert!(trouble.message.contains("a stream may have 4000"), "{}", trouble.message);
    let some: Vec<Change> = (10..100).map(|number| super::scene::gone(&format!("leg/{number}"))).collect();
    journal.append(some, at(1_000));
    journal.tend(at(5_000));
    journal.settle(at(5_000));
    assert_eq!((journal.health().trouble, scratch.copy().image().records.len()), (None, 10));
}

#[test]
fn a_removed_folder_is_noticed_made_again_and_filled() {
    let (scratch, disk) = (Scratch::new(), Failing::well());
    let mut journal = open(&disk, &scratch, Limits::default());
    journal.append(batch(0), at(0));
    std::fs::remove_dir_all(scratch.path()).expect("removable");
    journal.append(batch(1), at(1_000));
    let trouble = journal.health().trouble.expect("nothing can be found there");
    assert!(trouble.message.contains("removed"), "{}", trouble.message);
    journal.append(batch(2), at(2_000));
    journal.settle(at(2_000));
    assert_eq!((journal.health().trouble, table(&scratch.copy().image())), (None, after(3)));
    assert!(Folder::lock(scratch.path()).is_err(), "it is ours again");
}

#[test]
fn a_disk_that_is_full_from_the_start_gives_the_calls_and_keeps_none_from_going_on() {
    let (scratch, disk) = (Scratch::new(), Failing::well());
    let mut journal = open(&disk, &scratch, Limits::default());
    journal.append(batch(0), at(0));
    journal.close(at(0));
    disk.fill();
    let folder = Folder::lock(scratch.path()).expect("free");
    let (mut journal, image) =
        Journal::open_on(Arc::new(disk.clone()), &folder, "a", Limits::default(), at(0)).expect("opens");
    assert_eq!(table(&image), after(1));
    journal.append(batch(1), at(0));
    assert!(!journal.health().is_well());
    let meanwhile = scratch.copy().image();
    assert_eq!((table(&meanwhile), meanwhile.is_stale()), (after(1), true));
    disk.free();
    journal.append(batch(2), at(1_000));
    journal.settle(at(1_000));
    assert_eq!((journal.health().trouble, table(&scratch.copy().image())), (None, after(3)));
}

#[test]
fn death_at_any_touch_of_the_disk_leaves_exactly_what_was_written() {
    for deeds in (0..40).chain((40..400).step_by(7)) {
        let (scratch, disk) = (Scratch::new(), Failing::after(deeds));
        let mut journal = open(&disk, &scratch, SMALL);
        let mut written = 0;
        for number in 0..60 {
            journal.append(batch(number), at(0));
            if number % 3 == 0 {
                journal.settle(at(0));
            }
            if journal.health().is_well() {
                written = number + 1;
            }
        }
        journal.close(at(0));
        let image = scratch.copy().image();
        assert_eq!(table(&image), after(written), "death at touch {deeds}: {:?}", image.findings);
    }
}
