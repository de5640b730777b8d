//! Files that were cut, flipped, swapped or taken away. What comes back is a beginning of what was appended, or nothing.

use proptest::prelude::*;

use super::scene::{Scratch, Table, at, gone, put, states, table};
use crate::journal::{Change, Damage, Folder, Image, Journal, Limits, OpenError};

/// A stream of one life without a compaction; its files.
fn written(batches: &[Vec<Change>], limits: Limits) -> Scratch {
    let scratch = Scratch::new();
    let folder = Folder::lock(scratch.path()).expect("free");
    let mut journal = Journal::open(&folder, "a", limits, at(0)).expect("opens").0;
    for batch in batches {
        journal.append(batch.clone(), at(0));
        journal.settle(at(0));
    }
    journal.close(at(0));
    scratch
}

fn with(files: &std::collections::BTreeMap<String, Vec<u8>>) -> Image {
    let scratch = Scratch::new();
    for (name, bytes) in files {
        std::fs::write(scratch.path().join(name), bytes).expect("writable");
    }
    scratch.image()
}

fn batches() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let key = (0..6_u8).prop_map(|number| format!("leg/{number}"));
    let change = (key, proptest::option::weighted(0.8, proptest::collection::vec(any::<u8>(), 0..40)));
    let change = change.prop_map(|(key, value)| value.map_or_else(|| gone(&key), |value| put(&key, &value)));
    // The count makes every state differ from every other.
    let batch = proptest::collection::vec(change, 0..4);
    proptest::collection::vec(batch, 1..12).prop_map(|mut batches| {
        for (count, batch) in (0_u8..).zip(&mut batches) {
            batch.push(put("count", &[count]));
        }
        batches
    })
}

fn small() -> Limits {
    Limits { segment: 300, slack: 1, total: 1 << 20 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_appended_is_found(batches in batches()) {
        let wanted = states(&batches).pop().expect("a state");
        prop_assert_eq!(&table(&written(&batches, Limits::default()).image()), &wanted);
        prop_assert_eq!(&table(&written(&batches, small()).image()), &wanted);
    }

    #[test]
    fn a_flipped_byte_anywhere_leaves_a_beginning(batches in batches(), place in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let states = states(&batches);
        for limits in [Limits::default(), small()] {
            let mut files = written(&batches, limits).files();
            let total: usize = files.values().map(Vec::len).sum();
            let mut place = place.index(total);
            for bytes in files.values_mut() {
                if place < bytes.len() {
                    bytes[place] ^= flip;
                    break;
                }
                place -= bytes.len();
            }
            let image = with(&files);
            prop_assert!(states.contains(&table(&image)));
            prop_assert!(!image.findings.is_empty(), "damage is told");
        }
    }

    #[test]
    fn rubbish_in_the_folder_neither_panics_nor_makes_calls(name in 0..4_u8, bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let kind = ["journal", "checkpoint", "hole", "draft"][usize::from(name)];
        let image = with(&[(format!("a.000007.{kind}"), bytes)].into());
        prop_assert!(image.records.is_empty());
    }
}

fn numbered(count: u8) -> Vec<Vec<Change>> {
    (0..count)
        .map(|number| vec![put("count", &[number]), put(&format!("leg/{number}"), &[number; 30])])
        .collect()
}

fn count(image: &Image) -> usize {
    image
        .records
        .iter()
        .find(|record| &*record.key == "count")
        .map_or(0, |record| usize::from(record.value[0]) + 1)
}

#[test]
fn a_segment_cut_at_any_byte_gives_every_batch_that_is_whole() {
    let batches = numbered(4);
    let states = states(&batches);
    let files = written(&batches, Limits::default()).files();
    let whole = &files["a.000001.journal"];
    let mut reached = 0;
    for length in 0..whole.len() {
        let mut cut = files.clone();
        cut.insert("a.000001.journal".to_owned(), whole[..length].to_vec());
        let image = with(&cut);
        assert_eq!(table(&image), states[count(&image)], "cut at {length}");
        assert!(count(&image) >= reached, "cut at {length}");
        assert!(image.findings.iter().all(super::super::Finding::is_ordinary), "{:?}", image.findings);
        reached = count(&image);
    }
    assert_eq!(reached, 3);
}

#[test]
fn after_damage_in_the_middle_nothing_later_is_believed_and_a_person_is_told_where() {
    let batches = numbered(4);
    let mut files = written(&batches, Limits::default()).files();
    let bytes = files.get_mut("a.000001.journal").expect("the segment");
    let third = frame_starts(bytes)[3];
    bytes[third + 40] ^= 1;
    let lost = (bytes.len() - third) as u64;
    let image = with(&files);
    assert_eq!(table(&image), states(&batches)[2]);
    let [finding] = image.findings.as_slice() else { panic!("one finding: {:?}", image.findings) };
    assert_eq!((finding.offset, finding.lost, &finding.damage), (third as u64, lost, &Damage::Checksum));
    let text = finding.to_string();
    assert!(text.contains("a.000001.journal at byte") && text.contains("checksum"), "{text}");
    assert!(!finding.is_ordinary());
}

#[test]
fn a_batch_that_was_cut_out_or_stands_twice_ends_the_reading() {
    let batches = numbered(4);
    let files = written(&batches, Limits::default()).files();
    let whole = &files["a.000001.journal"];
    let starts = frame_starts(whole);
    let (second, third) = (starts[2], starts[3]);
    let without = [&whole[..second], &whole[third..]].concat();
    let twice = [&whole[..third], &whole[second..]].concat();
    for (bytes, wanted) in [(without, 1), (twice, 2)] {
        let mut changed = files.clone();
        changed.insert("a.000001.journal".to_owned(), bytes);
        let image = with(&changed);
        assert_eq!(table(&image), states(&batches)[wanted]);
        assert!(matches!(image.findings[0].damage, Damage::Gap { .. }), "{:?}", image.findings);
    }
}

#[test]
fn a_process_that_went_on_after_damage_is_followed_even_before_its_first_checkpoint() {
    let batches = numbered(3);
    let mut files = written(&batches, Limits::default()).files();
    let bytes = files.get_mut("a.000001.journal").expect("the segment");
    let whole = bytes.clone();
    bytes.truncate(bytes.len() - 5);
    let scratch = Scratch::new();
    files
        .iter()
        .for_each(|(name, bytes)| std::fs::write(scratch.path().join(name), bytes).expect("writable"));
    let folder = Folder::lock(scratch.path()).expect("free");
    let (mut journal, image) = Journal::open(&folder, "a", Limits::default(), at(0)).expect("opens");
    assert_eq!(count(&image), 2);
    journal.append(vec![put("count", &[9])], at(0));
    journal.close(at(0));
    let mut second = scratch.files();
    second.remove("a.000002.checkpoint").expect("a life begins with one");
    second.extend(files);
    let image = with(&second);
    let mut wanted: Table = states(&batches)[2].clone();
    wanted.insert("count".to_owned(), vec![9]);
    assert_eq!(table(&image), wanted);
    // But a later segment of a chain that cannot be read is nobody's successor.
    let first = second.get_mut("a.000001.journal").expect("the old segment");
    let inside = frame_starts(&whole)[2] + 3;
    first.truncate(inside);
    let image = with(&second);
    assert_eq!(table(&image), states(&batches)[1], "{:?}", image.findings);
    assert!(image.findings.iter().any(|finding| matches!(finding.damage, Damage::Detached { .. })));
}

#[test]
fn a_damaged_checkpoint_gives_nothing_rather_than_a_part() {
    let scratch = written(&numbered(8), small());
    let files = scratch.files();
    let name = files.keys().find(|name| name.ends_with("checkpoint")).expect("compacted").clone();
    for at in [30, files[&name].len() / 2, files[&name].len() - 1] {
        let mut damaged = files.clone();
        damaged.get_mut(&name).expect("there")[at] ^= 0x40;
        let image = with(&damaged);
        assert!(image.records.is_empty(), "byte {at}");
        assert!(image.findings.iter().any(|finding| finding.file.ends_with(&name)), "{:?}", image.findings);
    }
}

#[test]
fn files_under_a_wrong_name_are_not_read_as_what_they_are_called() {
    let files = written(&numbered(3), Limits::default()).files();
    let other = files.iter().map(|(name, bytes)| (name.replace("000001", "000004"), bytes.clone())).collect();
    let image = with(&other);
    assert!(image.records.is_empty());
    assert!(image.findings.iter().all(|finding| finding.damage == Damage::Misplaced), "{:?}", image.findings);
}

#[test]
fn a_journal_of_a_later_release_is_refused_and_left_as_it_is() {
    let mut files = written(&numbered(3), Limits::default()).files();
    let bytes = files.get_mut("a.000001.checkpoint").expect("there");
    bytes[3] = 9;
    bytes[20] ^= 1; // its header is checked in a way of its own
    let scratch = Scratch::new();
    files
        .iter()
        .for_each(|(name, bytes)| std::fs::write(scratch.path().join(name), bytes).expect("writable"));
    let folder = Folder::lock(scratch.path()).expect("free");
    let refused = Journal::open(&folder, "a", Limits::default(), at(0)).expect_err("format 9");
    assert!(matches!(refused, OpenError::Newer { found: 9, known: 1, .. }), "{refused}");
    assert_eq!(scratch.files(), files);
}

#[test]
fn a_pipe_and_a_folder_with_the_names_of_files_are_told_and_nobody_waits_for_them() {
    let scratch = Scratch::new();
    nix::unistd::mkfifo(&scratch.path().join("a.000001.journal"), nix::sys::stat::Mode::S_IRWXU)
        .expect("a pipe");
    std::fs::create_dir(scratch.path().join("a.000001.checkpoint")).expect("a folder");
    let folder = Folder::lock(scratch.path()).expect("free");
    let (mut journal, image) = Journal::open(&folder, "a", Limits::default(), at(0)).expect("opens");
    assert_eq!((image.records.len(), image.findings.len()), (0, 2));
    journal.append(vec![put("leg/1", b"x")], at(0));
    journal.settle(at(0));
    // A folder cannot be removed like a file: a person is told, and batches are stored all the same.
    let trouble = journal.health().trouble.expect("the folder is in the way");
    assert!(trouble.stores, "{trouble:?}");
}

/// Where each frame begins, read as a foreign program would: by the lengths.
fn frame_starts(bytes: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        starts.push(start);
        let length: [u8; 4] = bytes[start + 4..start + 8].try_into().expect("four");
        start += 24 + u32::from_le_bytes(length) as usize;
    }
    starts
}
