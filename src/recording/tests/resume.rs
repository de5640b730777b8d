//! Recordings that go on in the next process: what was written stays, what nobody heard is silence, what comes after it
//! lies where it was heard, to the sample.

use super::*;

/// The manifest of a recording.
fn manifest(place: &Place, sid: RecordingSid) -> serde_json::Value {
    let text = std::fs::read(place.0.join(format!("{sid}.json"))).expect("a manifest");
    serde_json::from_slice(&text).expect("JSON")
}

/// A recording of this many 20 ms of every channel's value, and the process dies. Says when it began, when that was, and
/// how many frames are in the file.
fn interrupted(place: &Place, channels: Channels, blocks: u64, values: &[i16]) -> (Moment, Moment, u64) {
    let mut studio = Studio::at(place, LIMITS);
    let origin = studio.clock.now();
    let ring = studio.ring(sid(1), channels);
    studio.speak(&ring, 0, blocks, values);
    let died = studio.clock.now();
    // Its tapes go without a word: what waits in memory is lost.
    drop(studio);
    let samples = place.samples(&format!("{}.part", sid(1))).len() as u64;
    let frames = samples / u64::from(channels.count());
    assert!(frames > 0 && frames < blocks * BLOCK as u64, "{frames} frames: some are lost with the process");
    (origin, died, frames)
}

/// The next process goes on with it three seconds later; its ring, and the place of what is heard then.
fn resumed(place: &Place, channels: Channels, origin: Moment, died: Moment) -> (Studio, Arc<Ring>, u64) {
    let now = died + Duration::from_secs(3);
    let studio = Studio::after(place, LIMITS, now, &[sid(1)]);
    let ring = studio.recordings.ring(sid(1), channels, origin);
    (studio, ring, now.since(origin).as_micros() as u64 * 8 / 1_000)
}

/// The sound of the finished recording, which is what these runs of one value each make.
fn assert_sound(place: &Place, channels: Channels, runs: &[(u64, &[i16])]) {
    let samples = place.samples(&format!("{}.wav", sid(1)));
    let wanted: Vec<i16> = runs.iter().flat_map(|(frames, frame)| frame.repeat(*frames as usize)).collect();
    let differs = samples.iter().zip(&wanted).position(|(one, other)| one != other);
    assert_eq!((samples.len(), differs), (wanted.len(), None), "{channels:?}");
}

#[tokio::test]
async fn a_recording_goes_on_after_the_death_of_its_process_and_the_hole_is_silence_of_its_length() {
    for (channels, frame, later) in
        [(Channels::Mono, &[7_i16][..], &[9_i16][..]), (Channels::Dual, &[7, -7], &[9, -9])]
    {
        let place = Place::new();
        let (origin, died, kept) = interrupted(&place, channels, 100, frame);
        let (mut studio, ring, from) = resumed(&place, channels, origin, died);
        assert_eq!(from, 5 * 8_000, "two seconds of sound, three of nothing");
        studio.speak(&ring, from, 100, later);
        assert_eq!(studio.finish(sid(1), ALL).await, finished(7, channels.count()));
        let silence = vec![0; frame.len()];
        let runs = [(kept, frame), (from - kept, &silence[..]), (16_000, later)];
        assert_sound(&place, channels, &runs);
        let known = manifest(&place, sid(1));
        assert_eq!(known["is_interrupted"], true);
        assert_eq!(known["missing_frames"], from - kept);
        assert_eq!(known["frames"], from + 16_000);
        assert_eq!(known["misplaced_samples"], 0);
    }
}

#[tokio::test]
async fn a_recording_outlives_one_process_after_the_other() {
    let place = Place::new();
    let (origin, died, kept) = interrupted(&place, Channels::Mono, 100, &[7]);
    let (mut second, ring, from) = resumed(&place, Channels::Mono, origin, died);
    second.speak(&ring, from, 100, &[8]);
    let died = second.clock.now();
    drop((second, ring));
    let so_far = place.samples(&format!("{}.part", sid(1))).len() as u64;
    assert!(so_far > from && so_far < from + 16_000);
    let (mut third, ring, later) = resumed(&place, Channels::Mono, origin, died);
    third.speak(&ring, later, 50, &[9]);
    assert_eq!(third.finish(sid(1), ALL).await, finished(11, 1));
    let runs: [(u64, &[i16]); 5] =
        [(kept, &[7]), (from - kept, &[0]), (so_far - from, &[8]), (later - so_far, &[0]), (8_000, &[9])];
    assert_sound(&place, Channels::Mono, &runs);
    assert_eq!(manifest(&place, sid(1))["missing_frames"], later - so_far, "of the latest");
}

#[tokio::test]
async fn what_was_torn_or_had_no_head_yet_is_cut_to_whole_frames_before_it_goes_on() {
    let whole = Place::new();
    let (origin, died, _) = interrupted(&whole, Channels::Dual, 100, &[7, -7]);
    let bytes = std::fs::read(whole.0.join(format!("{}.part", sid(1)))).expect("read");
    for length in [0, 1, 43, 44, 45, 47, 48, 20_001, 20_002, 20_003, 20_004, bytes.len()] {
        let place = Place::new();
        std::fs::create_dir_all(&place.0).expect("made");
        std::fs::write(place.0.join(format!("{}.part", sid(1))), &bytes[..length]).expect("written");
        let (mut studio, ring, from) = resumed(&place, Channels::Dual, origin, died);
        studio.speak(&ring, from, 50, &[9, -9]);
        assert_eq!(studio.finish(sid(1), ALL).await, finished(6, 2), "{length}");
        let kept = length.saturating_sub(44) as u64 / 4;
        let runs: [(u64, &[i16]); 3] = [(kept, &[7, -7]), (from - kept, &[0, 0]), (8_000, &[9, -9])];
        assert_sound(&place, Channels::Dual, &runs);
    }
}

#[tokio::test]
async fn while_it_goes_on_the_file_can_be_read_at_every_moment() {
    let place = Place::new();
    let (origin, died, kept) = interrupted(&place, Channels::Mono, 100, &[7]);
    let (mut studio, ring, from) = resumed(&place, Channels::Mono, origin, died);
    for second in 1..=5 {
        studio.speak(&ring, from + (second - 1) * 8_000, 50, &[9]);
        let samples = place.samples(&format!("{}.part", sid(1)));
        assert!(samples.len() as u64 >= from + (second - 1) * 8_000, "{} after {second} s", samples.len());
        let wanted = |at: u64| {
            if at < kept {
                7
            } else if at < from {
                0
            } else {
                9
            }
        };
        assert!(samples.iter().zip(0..).all(|(sample, at)| *sample == wanted(at)));
    }
    assert_eq!(studio.recordings.file(sid(1)), None, "it is not served yet");
}

#[tokio::test]
async fn whose_far_end_hung_up_meanwhile_has_what_was_heard_until_then() {
    let place = Place::new();
    let (origin, died, kept) = interrupted(&place, Channels::Mono, 100, &[7]);
    let mut next = Studio::after(&place, LIMITS, died + Duration::from_secs(3), &[sid(1)]);
    assert_eq!(place.names(), [format!("{}.part", sid(1))], "it is left as it was");
    assert_eq!(next.recordings.census().open, 0, "nobody records");
    assert_eq!(next.finish(sid(1), ALL).await, finished(2, 1));
    assert_sound(&place, Channels::Mono, &[(kept, &[7])]);
    assert_eq!(manifest(&place, sid(1))["is_interrupted"], true);
    assert_eq!(manifest(&place, sid(1))["missing_frames"], 0);
    let late = next.recordings.ring(sid(1), Channels::Mono, origin);
    next.speak(&late, 40_000, 50, &[9]);
    assert_eq!(next.finish(sid(1), ALL).await, finished(2, 1), "it is over");
    assert_sound(&place, Channels::Mono, &[(kept, &[7])]);
}

#[tokio::test]
async fn one_that_is_reopened_and_hears_nothing_more_ends_where_it_was_interrupted() {
    let place = Place::new();
    let (origin, died, kept) = interrupted(&place, Channels::Mono, 100, &[7]);
    let (mut studio, _ring, _) = resumed(&place, Channels::Mono, origin, died);
    studio.turn();
    assert_eq!(studio.finish(sid(1), ALL).await, finished(2, 1));
    assert_sound(&place, Channels::Mono, &[(kept, &[7])]);
    assert_eq!(manifest(&place, sid(1))["is_interrupted"], true);
}

#[tokio::test]
async fn what_nobody_takes_up_again_is_put_on_the_shelf_after_ten_minutes_and_no_sooner() {
    let place = Place::new();
    let (_, died, kept) = interrupted(&place, Channels::Mono, 100, &[7]);
    let mut next = Studio::after(&place, LIMITS, died, &[sid(1)]);
    next.clock.pass(Duration::from_secs(599));
    durable::round(&next.recordings.shared, 1);
    assert_eq!(place.names(), [format!("{}.part", sid(1))]);
    next.clock.pass(Duration::from_secs(1));
    durable::round(&next.recordings.shared, 2);
    assert_sound(&place, Channels::Mono, &[(kept, &[7])]);
    assert_eq!(next.finish(sid(1), ALL).await, finished(2, 1));
}

#[tokio::test]
async fn one_that_goes_on_is_not_forgotten() {
    let place = Place::new();
    let (origin, died, _) = interrupted(&place, Channels::Mono, 100, &[7]);
    let (mut studio, ring, _) = resumed(&place, Channels::Mono, origin, died);
    studio.clock.pass(Duration::from_secs(3_600));
    studio.turn();
    durable::round(&studio.recordings.shared, 1);
    let from = studio.clock.now().since(origin).as_micros() as u64 * 8 / 1_000;
    studio.speak(&ring, from, 50, &[9]);
    assert_eq!(studio.finish(sid(1), ALL).await.map(|found| found.duration), Ok((from / 8_000) as u32 + 2));
}

#[tokio::test]
async fn other_channels_than_were_recorded_are_refused_and_what_was_written_is_kept() {
    let place = Place::new();
    let (origin, died, kept) = interrupted(&place, Channels::Mono, 100, &[7]);
    let (mut studio, ring, from) = resumed(&place, Channels::Dual, origin, died);
    studio.speak(&ring, from, 50, &[9, -9]);
    let found = studio.finish(sid(1), ALL).await;
    assert_eq!(found, Err(RecordingError::Failed("it was recorded in Mono, not in Dual".to_owned())));
    assert_eq!(manifest(&place, sid(1))["is_interrupted"], true);
    assert_sound(&place, Channels::Mono, &[(kept, &[7])]);
}

#[tokio::test]
async fn whose_end_had_begun_is_finished_by_the_start_although_somebody_still_wants_it() {
    let place = Place::new();
    let (origin, died, kept) = interrupted(&place, Channels::Mono, 100, &[7]);
    // The manifest was written, the sound not yet renamed.
    let known = format!(r#"{{"version":1,"channels":1,"frames":{kept},"is_empty":false}}"#);
    std::fs::write(place.0.join(format!("{}.json", sid(1))), known).expect("written");
    let (mut studio, ring, from) = resumed(&place, Channels::Mono, origin, died);
    studio.speak(&ring, from, 50, &[9]);
    assert_eq!(studio.finish(sid(1), ALL).await, finished(2, 1));
    assert_sound(&place, Channels::Mono, &[(kept, &[7])]);
}

#[tokio::test]
async fn one_that_goes_on_needs_no_new_place_among_those_that_are_open() {
    let place = Place::new();
    let (origin, died, _) = interrupted(&place, Channels::Mono, 100, &[7]);
    let one = Limits { open: 1, ..LIMITS };
    let mut next = Studio::after(&place, one, died, &[sid(1)]);
    next.ring(sid(2), Channels::Mono);
    let refused = Err(RecordingError::Refused("recordings.open is reached".to_owned()));
    assert_eq!(next.finish(sid(2), ALL).await, refused, "its place is kept");
    let ring = next.recordings.ring(sid(1), Channels::Mono, origin);
    next.speak(&ring, 16_000, 50, &[9]);
    assert_eq!(next.finish(sid(1), ALL).await, finished(3, 1));
}

#[tokio::test]
async fn a_disk_that_is_full_by_then_ends_a_recording_and_takes_nothing_of_it() {
    let place = Place::new();
    let (origin, died, kept) = interrupted(&place, Channels::Mono, 100, &[7]);
    let full = Limits { bytes: 1, ..LIMITS };
    let mut next = Studio::after(&place, full, died, &[sid(1)]);
    let ring = next.recordings.ring(sid(1), Channels::Mono, origin);
    next.speak(&ring, 16_000, 50, &[9]);
    let failed = Err(RecordingError::Failed("recordings.bytes is reached".to_owned()));
    assert_eq!(next.finish(sid(1), ALL).await, failed);
    assert_sound(&place, Channels::Mono, &[(kept, &[7])]);
}

#[tokio::test]
async fn what_others_delete_makes_room_within_a_minute() {
    let place = Place::new();
    let mut studio = Studio::at(&place, Limits { bytes: 20_000, ..LIMITS });
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 60, &[900]);
    studio.finish(sid(1), ALL).await.expect("finished");
    let ring = studio.ring(sid(2), Channels::Mono);
    studio.speak(&ring, 0, 60, &[900]);
    studio.finish(sid(2), ALL).await.expect_err("there is no room for both");
    for name in place.names() {
        std::fs::remove_file(place.0.join(name)).expect("removed");
    }
    let refused = Err(RecordingError::Refused("recordings.bytes is reached".to_owned()));
    studio.ring(sid(3), Channels::Mono);
    assert_eq!(studio.finish(sid(3), ALL).await, refused, "that is not known yet");
    (1..=60).for_each(|number| durable::round(&studio.recordings.shared, number));
    assert_eq!(studio.recordings.census().bytes, 0);
    let ring = studio.ring(sid(4), Channels::Mono);
    studio.speak(&ring, 0, 50, &[900]);
    assert_eq!(studio.finish(sid(4), ALL).await, finished(1, 1));
}

#[tokio::test]
async fn what_is_written_only_to_be_renamed_takes_no_room() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 60, &[900]);
    studio.finish(sid(1), ALL).await.expect("finished");
    durable::round(&studio.recordings.shared, 60);
    let bytes = studio.recordings.census().bytes;
    assert!(bytes > 19_000, "{bytes}");
    for kind in ["trimmed", "json.part"] {
        std::fs::write(place.0.join(format!("{}.{kind}", sid(1))), [0; 10_000]).expect("written");
    }
    durable::round(&studio.recordings.shared, 120);
    assert_eq!(studio.recordings.census().bytes, bytes);
}

#[tokio::test]
async fn a_writer_that_is_gone_does_not_disown_what_an_earlier_one_has_written() {
    let place = Place::new();
    let (origin, died, kept) = interrupted(&place, Channels::Mono, 100, &[7]);
    let mut next = Studio::after(&place, LIMITS, died, &[sid(1)]);
    drop(std::mem::replace(&mut next.commands, mpsc::channel().1));
    next.recordings.ring(sid(1), Channels::Mono, origin).push(block(0, 16_000, 9));
    assert_eq!(next.finish(sid(1), ALL).await, finished(2, 1));
    assert_sound(&place, Channels::Mono, &[(kept, &[7])]);
}
