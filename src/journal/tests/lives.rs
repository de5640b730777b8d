//! One process after another on the same stream. Nothing that was appended may be missing.

use super::scene::{Scratch, Table, at, gone, put, table};
use crate::journal::{Folder, Journal, Limits};

fn open(folder: &Folder, limits: Limits) -> (Journal, Table) {
    let (journal, image) = Journal::open(folder, "a", limits, at(0)).expect("opens");
    assert!(image.findings.is_empty(), "{:?}", image.findings);
    (journal, table(&image))
}

fn of(pairs: &[(&str, &[u8])]) -> Table {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), value.to_vec())).collect()
}

const SMALL: Limits = Limits { segment: 2_000, slack: 2, total: 1 << 20 };

#[test]
fn a_call_that_was_up_when_the_process_died_is_there_in_the_next() {
    let scratch = Scratch::new();
    let folder = Folder::lock(scratch.path()).expect("free");
    let (mut journal, before) = open(&folder, Limits::default());
    assert!(before.is_empty());
    journal.append(vec![put("leg/1", b"ringing"), put("leg/2", b"ringing")], at(10));
    journal.append(vec![put("leg/1", b"answered"), gone("leg/2")], at(20));
    let image = scratch.copy().image();
    assert_eq!(table(&image), of(&[("leg/1", b"answered")]));
    assert_eq!((image.last, image.findings.len(), image.is_stale()), (Some(at(20)), 0, false));
    assert!(journal.health().is_well());
}

#[test]
fn a_version_comes_back_with_its_value_and_an_empty_batch_is_none() {
    let scratch = Scratch::new();
    let folder = Folder::lock(scratch.path()).expect("free");
    let (mut journal, _) = open(&folder, Limits::default());
    journal.append(
        vec![crate::journal::Change::Put { key: "leg/1".into(), version: 513, value: vec![] }],
        at(10),
    );
    journal.append(vec![], at(20));
    let image = scratch.copy().image();
    assert_eq!((image.records[0].version, image.last), (513, Some(at(10))));
}

#[test]
fn ten_lives_in_a_row_keep_what_each_added() {
    let scratch = Scratch::new();
    let mut wanted = Table::new();
    for life in 0..10_u8 {
        let folder = Folder::lock(scratch.path()).expect("free");
        let (mut journal, found) = open(&folder, SMALL);
        assert_eq!(found, wanted, "life {life}");
        for round in 0..20_u8 {
            let key = format!("leg/{}", round % 7);
            journal.append(vec![put(&key, &[life; 100]), put("last", &[life, round])], at(0));
            wanted.extend([(key, vec![life; 100]), ("last".to_owned(), vec![life, round])]);
        }
        if life % 2 == 0 {
            assert!(journal.close(at(0)).is_well());
        }
    }
}

#[test]
fn compaction_keeps_the_folder_small_and_loses_nothing() {
    let scratch = Scratch::new();
    let folder = Folder::lock(scratch.path()).expect("free");
    let (mut journal, _) = open(&folder, SMALL);
    for round in 0..500_u16 {
        journal.append(vec![put("leg/1", &[0; 300]), put("count", &round.to_le_bytes())], at(0));
        journal.settle(at(0));
        let health = journal.health();
        let bytes: usize = scratch.files().values().map(Vec::len).sum();
        assert_eq!(health.disk, bytes as u64, "round {round}");
        assert!(bytes < 4_000, "round {round}: {bytes} bytes for {} live", health.live);
    }
    assert_eq!(scratch.names().len(), 2, "{:?}", scratch.names());
    assert_eq!(
        table(&scratch.copy().image()),
        of(&[("leg/1", &[0; 300]), ("count", &499_u16.to_le_bytes())])
    );
}

#[test]
fn batches_that_come_while_a_checkpoint_is_written_are_kept() {
    let scratch = Scratch::new();
    let folder = Folder::lock(scratch.path()).expect("free");
    let (mut journal, _) = open(&folder, SMALL);
    let mut wanted = Table::new();
    for round in 0..2_000_u16 {
        let key = format!("leg/{}", round % 50);
        journal.append(vec![put(&key, &round.to_le_bytes())], at(0));
        wanted.insert(key, round.to_le_bytes().to_vec());
    }
    drop(journal);
    let (journal, found) = open(&folder, SMALL);
    assert_eq!(found, wanted);
    journal.close(at(0));
}

#[test]
fn streams_of_one_folder_do_not_meet_and_one_can_be_removed() {
    let scratch = Scratch::new();
    let folder = Folder::lock(scratch.path()).expect("free");
    let (mut a, _) = Journal::open(&folder, "a", SMALL, at(0)).expect("opens");
    let (mut ab, _) = Journal::open(&folder, "a-b", SMALL, at(0)).expect("opens");
    a.append(vec![put("leg/1", b"a")], at(0));
    ab.append(vec![put("leg/1", b"b")], at(0));
    assert_eq!(folder.streams().expect("readable"), ["a", "a-b"]);
    ab.remove(at(0)).expect("removable");
    assert_eq!(folder.streams().expect("readable"), ["a"]);
    a.close(at(0));
    drop(folder);
    assert_eq!(table(&scratch.image()), of(&[("leg/1", b"a")]));
}

/// Two lives of the first format: legs 1 and 2 ring, a script runs, leg 1 is answered; then, in the segment, leg 1 is
/// held, leg 2 gone, and leg 3 rings. It must be readable for ever: a later format joins it and never replaces it.
#[test]
fn the_segment_and_the_checkpoint_of_format_1_are_read() {
    let scratch = Scratch::new();
    let records = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/journal/tests/format1");
    for name in ["a.000002.checkpoint", "a.000002.journal"] {
        std::fs::copy(records.join(name), scratch.path().join(name)).expect("committed");
    }
    let image = scratch.image();
    assert_eq!(table(&image), of(&[("leg/1", b"held"), ("leg/3", b"ringing"), ("script/1", &[0, 255, 10])]));
    let versions: Vec<u16> = image.records.iter().map(|record| record.version).collect();
    assert_eq!((versions, image.last, image.findings.len()), (vec![1, 1, 7], Some(at(40)), 0));
}
