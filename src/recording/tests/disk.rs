//! Disks that are full, read-only or open to others, and names that are none.
//! Calls must never notice: there is always a ring, and it is always emptied.

use super::*;

#[tokio::test]
async fn a_disk_that_is_full_fails_the_recording_and_keeps_what_was_written() {
    let place = Place::new();
    let mut studio = Studio::at(&place, Limits { bytes: 20_000, ..LIMITS });
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 200, &[900]);
    assert_eq!(ring.lost(), 0, "the ring is emptied all the same");
    let failed = Err(RecordingError::Failed("recordings.bytes is reached".to_owned()));
    assert_eq!(studio.finish(sid(1), TRIM).await, failed);
    let kept = place.samples(&format!("{}.wav", sid(1))).len();
    assert!((8_000..32_000).contains(&kept), "{kept}");
    let refused = studio.ring(sid(2), Channels::Mono);
    studio.speak(&refused, 0, 50, &[900]);
    let reason = "recordings.bytes is reached".to_owned();
    assert_eq!(studio.finish(sid(2), ALL).await, Err(RecordingError::Refused(reason)));
    drop(studio);
    let mut next = Studio::at(&place, LIMITS);
    assert_eq!(next.finish(sid(1), TRIM).await, failed, "the next process knows it too");
}

#[tokio::test]
async fn writes_that_the_disk_refuses_fail_that_recording_alone() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let (broken, sound) = (studio.ring(sid(1), Channels::Mono), studio.ring(sid(2), Channels::Mono));
    studio.turn();
    // A file that cannot be written any more, as on a disk that was mounted anew for reading.
    let read_only = std::fs::File::open(place.0.join(format!("{}.part", sid(1)))).expect("opened");
    studio.tapes.replace(sid(1), read_only);
    studio.speak(&broken, 0, 100, &[900]);
    studio.speak(&sound, 0, 100, &[900]);
    assert!(matches!(studio.finish(sid(1), ALL).await, Err(RecordingError::Failed(_))));
    assert_eq!(studio.finish(sid(2), ALL).await, finished(2, 1));
    assert_eq!(studio.recordings.census().failed, 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_made_fails_the_recording_with_the_reason() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    std::fs::write(place.0.join(format!("{}.part", sid(1))), "in the way").expect("written");
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 600, &[900]);
    assert_eq!(ring.lost(), 0);
    let Err(RecordingError::Failed(reason)) = studio.finish(sid(1), ALL).await else { panic!("it failed") };
    assert!(reason.contains("exists"), "{reason}");
}

#[tokio::test]
async fn more_recordings_than_allowed_are_refused_and_their_calls_go_on() {
    let place = Place::new();
    let mut studio = Studio::at(&place, Limits { open: 2, ..LIMITS });
    let rings: Vec<_> = (1..=3).map(|number| studio.ring(sid(number), Channels::Mono)).collect();
    studio.speak(&rings[0], 0, 100, &[900]);
    let refused = studio.finish(sid(3), ALL).await;
    assert_eq!(refused, Err(RecordingError::Refused("recordings.open is reached".to_owned())));
    assert_eq!(studio.finish(sid(1), ALL).await, finished(2, 1));
    assert!(!Arc::ptr_eq(&studio.ring(sid(4), Channels::Mono), &rings[2]), "there is room again");
}

#[tokio::test]
async fn with_too_little_space_left_nothing_is_begun() {
    let place = Place::new();
    let mut studio = Studio::at(&place, Limits { keep_free: u64::MAX, ..LIMITS });
    assert!(studio.recordings.census().is_full);
    studio.ring(sid(1), Channels::Mono);
    let reason = "the disk has less than recordings.keep_free left".to_owned();
    assert_eq!(studio.finish(sid(1), ALL).await, Err(RecordingError::Refused(reason)));
}

#[tokio::test]
async fn nobody_else_can_read_a_recording() {
    let place = Place::new();
    std::fs::create_dir_all(&place.0).expect("made");
    std::fs::set_permissions(&place.0, std::fs::Permissions::from_mode(0o755)).expect("opened to others");
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 100, &[2]);
    studio.speak(&ring, 16_000, 100, &[900]);
    studio.finish(sid(1), TRIM).await.expect("finished");
    studio.ring(sid(2), Channels::Mono);
    studio.turn();
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&place.0), 0o700);
    let names = place.names();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.iter().all(|name| mode(&place.0.join(name)) == 0o600), "{names:?}");
}

#[tokio::test]
async fn links_are_not_followed_and_strange_files_are_let_alone() {
    let place = Place::new();
    std::fs::create_dir_all(&place.0).expect("made");
    let secret = place.0.join("secret");
    std::fs::write(&secret, "of somebody").expect("written");
    for kind in ["wav", "part"] {
        std::os::unix::fs::symlink(&secret, place.0.join(format!("{}.{kind}", sid(1)))).expect("linked");
    }
    let strange = format!("RE{}.wav", "AB".repeat(16));
    std::fs::write(place.0.join(&strange), "not as we write it").expect("written");
    let mut studio = Studio::at(&place, LIMITS);
    assert_eq!(studio.recordings.file(sid(1)), None);
    assert!(studio.recordings.open(sid(1)).is_err(), "a link is no recording");
    assert!(studio.finish(sid(1), ALL).await.is_err());
    assert_eq!(std::fs::read_to_string(&secret).expect("there"), "of somebody");
    assert!(place.names().contains(&strange));
}
