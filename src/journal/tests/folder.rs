//! Who may write where. It must never take two processes.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::journal::tests::scene::Scratch;

#[test]
fn a_second_process_is_told_who_has_the_folder_and_may_have_it_afterwards() {
    let scratch = Scratch::new();
    let first = Folder::lock(scratch.path()).expect("free");
    // A lock belongs to the open file: for it, a second one in this process is like another process.
    let refused = Folder::lock(scratch.path()).expect_err("taken");
    assert!(
        matches!(refused, OpenError::Locked { holder: Some(id), .. } if id == std::process::id()),
        "{refused}"
    );
    assert!(refused.to_string().contains("two switches need two data folders"), "{refused}");
    drop(first);
    Folder::lock(scratch.path()).expect("free again");
}

#[test]
fn a_folder_is_handed_over_without_a_moment_in_between() {
    let scratch = Scratch::new();
    let old = Folder::lock(scratch.path()).expect("free");
    let lock = old.descriptor().expect("descriptors are left");
    let new = Folder::inherit(scratch.path(), lock).expect("the same lock");
    drop(old);
    assert!(matches!(Folder::lock(scratch.path()), Err(OpenError::Locked { .. })));
    drop(new);
    Folder::lock(scratch.path()).expect("free again");
    let foreign = File::open("/dev/null").expect("there");
    assert!(matches!(Folder::inherit(scratch.path(), foreign.into()), Err(OpenError::Folder { .. })));
}

#[test]
fn a_stream_is_open_once_and_its_name_is_checked() {
    let scratch = Scratch::new();
    let folder = Folder::lock(scratch.path()).expect("free");
    let claim = folder.claim("arbiter-0").expect("free");
    assert!(matches!(folder.claim("arbiter-0"), Err(OpenError::Open { .. })));
    drop(claim);
    folder.claim("arbiter-0").expect("free again");
    for name in ["", "../up", "a.b", "A", &"a".repeat(65)] {
        assert!(matches!(folder.claim(name), Err(OpenError::Name { .. })), "{name}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_says_so() {
    let scratch = Scratch::new();
    let file = scratch.path().join("file");
    fs::write(&file, b"").expect("writable");
    let refused = Folder::lock(&file.join("below")).expect_err("no folder");
    assert!(refused.to_string().contains("must be able to write"), "{refused}");
}

#[test]
fn only_the_owner_can_read_the_folder() {
    let scratch = Scratch::new();
    let path = scratch.path().join("new");
    let _folder = Folder::lock(&path).expect("free");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join(LOCK))), (0o700, 0o600));
}

#[test]
fn only_our_own_names_are_ours() {
    for (number, part, text) in [
        (1, Part::Segment, "media.000001.journal"),
        (999_999, Part::Checkpoint, "media.999999.checkpoint"),
        (1_000_000, Part::Draft, "media.1000000.draft"),
        (0, Part::Hole, "media.000000.hole"),
    ] {
        let name = Name { number, part };
        assert_eq!((name.text("media").as_str(), Name::parse("media", text)), (text, Some(name)));
    }
    for text in [
        "media.1.journal",
        "media.+00001.journal",
        "media.000001.journal.gz",
        "medi.000001.journal",
        "media-1.000001.journal",
        "media.000001",
        "media.4000000000.journal",
    ] {
        assert_eq!(Name::parse("media", text), None, "{text}");
    }
}
