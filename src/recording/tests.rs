//! Recordings from the first block to the file, with a disk that fails, processes that die, and hound as the judge.
//! Time is what the test says; only the threads' own test lets them run.

mod crash;
mod disk;
mod resume;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;

use hound::WavReader;
use trunkline_media::tap::{BLOCK, Block};

use super::*;

/// Time that stands still until it is moved.
#[derive(Default)]
struct Standing(AtomicU64);

impl Standing {
    fn pass(&self, span: Duration) {
        self.0.fetch_add(span.as_micros() as u64, Ordering::Relaxed);
    }
}

impl Clock for Standing {
    fn now(&self) -> Moment {
        Moment::from_micros(self.0.load(Ordering::Relaxed))
    }

    fn wall(&self) -> u64 {
        1_700_000_000_000_000
    }
}

/// A folder of one test, gone when it ends.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static PLACES: AtomicUsize = AtomicUsize::new(0);
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trunkline-recording-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }

    fn samples(&self, name: &str) -> Vec<i16> {
        let mut reader = WavReader::open(self.0.join(name)).expect("a WAV file");
        reader.samples::<i16>().map(|sample| sample.expect("whole")).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const LIMITS: Limits = Limits { open: 10, bytes: 1 << 30, keep_free: 0 };
const TRIM: bool = true;
const ALL: bool = false;

fn sid(number: u8) -> RecordingSid {
    RecordingSid::from_bytes([number; 16])
}

/// The recordings of a process, without its threads: the test takes their turns.
struct Studio {
    clock: Arc<Standing>,
    recordings: Recordings,
    commands: mpsc::Receiver<Command>,
    tapes: writer::Tapes,
}

impl Studio {
    fn at(place: &Place, limits: Limits) -> Self {
        Self::after(place, limits, Moment::from_micros(1_000_000_000), &[])
    }

    /// Those of the next process, from `now` on.
    fn after(place: &Place, limits: Limits, now: Moment, going_on: &[RecordingSid]) -> Self {
        let clock = Arc::new(Standing::default());
        clock.pass(now.since(Moment::from_micros(0)));
        let shared = Shared::open(&place.0, limits, clock.clone()).expect("a folder");
        shared.repair(&going_on.iter().copied().collect()).expect("repaired");
        let (sender, commands) = mpsc::channel();
        let recordings =
            Recordings { shared: Arc::new(shared), commands: Some(sender), threads: vec![], alive: None };
        Self { clock, recordings, commands, tapes: writer::Tapes::default() }
    }

    fn ring(&self, sid: RecordingSid, channels: Channels) -> Arc<Ring> {
        self.recordings.ring(sid, channels, self.clock.now())
    }

    /// The writer takes its turn after a round.
    fn turn(&mut self) {
        let shared = &self.recordings.shared;
        self.commands.try_iter().for_each(|command| self.tapes.accept(shared, command));
        self.tapes.turn(shared);
        self.clock.pass(Duration::from_millis(100));
    }

    /// Speaks for a while in real time: each 20 ms of every channel holds that channel's value.
    fn speak(&mut self, ring: &Ring, from: u64, blocks: u64, values: &[i16]) {
        for number in 0..blocks {
            for (channel, value) in values.iter().enumerate() {
                ring.push(block(channel as u8, from + number * BLOCK as u64, *value));
            }
            if number % 5 == 4 {
                self.turn();
            }
        }
    }

    async fn finish(&mut self, sid: RecordingSid, trim: bool) -> Result<Finished, RecordingError> {
        let shared = Arc::clone(&self.recordings.shared);
        let finishing = self.recordings.finish(sid, trim);
        let turning = async {
            // The command was sent when the future was first polled; then it is quiet for a round.
            tokio::task::yield_now().await;
            for _ in 0..2 {
                self.commands.try_iter().for_each(|command| self.tapes.accept(&shared, command));
                self.tapes.turn(&shared);
                self.clock.pass(Duration::from_millis(100));
            }
        };
        tokio::join!(finishing, turning).0
    }
}

fn block(channel: u8, position: u64, value: i16) -> Block {
    Block { channel, position, length: BLOCK as u16, samples: [value; BLOCK] }
}

fn finished(duration: u32, channels: u8) -> Result<Finished, RecordingError> {
    Ok(Finished { duration, channels, is_empty: false })
}

#[tokio::test]
async fn what_two_sides_say_is_read_back_by_channel() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Dual);
    studio.speak(&ring, 0, 100, &[1_000, -2_000]);
    assert_eq!(studio.finish(sid(1), ALL).await, finished(2, 2));
    let samples = place.samples(&format!("{}.wav", sid(1)));
    assert_eq!(samples.len(), 100 * BLOCK * 2);
    assert!(samples.chunks_exact(2).all(|frame| frame == [1_000, -2_000]));
    let spec = WavReader::open(studio.recordings.file(sid(1)).expect("served")).expect("read").spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 8_000, 16));
}

#[tokio::test]
async fn in_the_middle_of_a_recording_its_file_can_be_read_up_to_the_last_second() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    for second in 1..=5 {
        studio.speak(&ring, (second - 1) * 8_000, 50, &[second as i16]);
        let samples = place.samples(&format!("{}.part", sid(1)));
        assert!(samples.len() as u64 >= (second - 1) * 8_000, "{} after {second} s", samples.len());
        assert!(samples.iter().zip(0..).all(|(sample, at)| *sample == (1 + at / 8_000) as i16));
    }
    assert_eq!(studio.recordings.file(sid(1)), None, "it is not served yet");
}

#[tokio::test]
async fn the_last_blocks_of_a_recording_come_in_although_it_is_finished_already() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 50, &[7]);
    let shared = Arc::clone(&studio.recordings.shared);
    let finishing = studio.recordings.finish(sid(1), ALL);
    let late = async {
        tokio::task::yield_now().await;
        for at in 50..60 {
            studio.commands.try_iter().for_each(|command| studio.tapes.accept(&shared, command));
            ring.push(block(0, at * BLOCK as u64, 7));
            studio.tapes.turn(&shared);
            studio.clock.pass(Duration::from_millis(20));
        }
        studio.clock.pass(Duration::from_millis(20));
        studio.tapes.turn(&shared);
    };
    assert_eq!(tokio::join!(finishing, late).0, finished(2, 1));
    assert_eq!(place.samples(&format!("{}.wav", sid(1))).len(), 60 * BLOCK);
}

#[tokio::test]
async fn silence_is_trimmed_at_both_ends_and_the_duration_tells_what_was_recorded() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 100, &[3]);
    studio.speak(&ring, 16_000, 50, &[3_000]);
    studio.speak(&ring, 24_000, 100, &[-3]);
    assert_eq!(studio.finish(sid(1), TRIM).await, finished(5, 1));
    let samples = place.samples(&format!("{}.wav", sid(1)));
    let margin = 10 * BLOCK;
    assert_eq!(samples.len(), 50 * BLOCK + 2 * margin);
    assert_eq!((samples[margin - 1], samples[margin]), (3, 3_000));
    assert_eq!((samples[samples.len() - margin - 1], samples[samples.len() - margin]), (3_000, -3));
    assert_eq!(place.names(), [format!("{}.json", sid(1)), format!("{}.wav", sid(1))]);
}

#[tokio::test]
async fn a_recording_of_nothing_is_empty_and_leaves_no_sound() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let empty = |duration, channels| Ok(Finished { duration, channels, is_empty: true });
    studio.ring(sid(1), Channels::Mono);
    assert_eq!(studio.finish(sid(1), ALL).await, empty(0, 1), "not one block");
    let ring = studio.ring(sid(2), Channels::Dual);
    studio.speak(&ring, 0, 20, &[5_000, 5_000]);
    assert_eq!(studio.finish(sid(2), ALL).await, empty(1, 2), "less than half a second");
    let ring = studio.ring(sid(3), Channels::Mono);
    studio.speak(&ring, 0, 200, &[2]);
    assert_eq!(studio.finish(sid(3), TRIM).await, empty(4, 1), "only silence, and that is trimmed");
    assert!(place.names().iter().all(|name| name.ends_with(".json")), "{:?}", place.names());
    let ring = studio.ring(sid(4), Channels::Mono);
    studio.speak(&ring, 0, 200, &[2]);
    assert_eq!(studio.finish(sid(4), ALL).await, finished(4, 1), "silence is kept where it is not trimmed");
}

#[tokio::test]
async fn finishing_again_gives_the_same_answer_even_in_the_next_process() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 100, &[3]);
    studio.speak(&ring, 16_000, 60, &[900]);
    for _ in 0..2 {
        assert_eq!(studio.finish(sid(1), TRIM).await, finished(4, 1));
    }
    let void = studio.ring(sid(1), Channels::Mono);
    void.push(block(0, 0, 1));
    studio.turn();
    drop(studio);
    let mut next = Studio::at(&place, LIMITS);
    assert_eq!(next.finish(sid(1), ALL).await, finished(4, 1));
    assert_eq!(next.finish(sid(2), ALL).await, Err(RecordingError::Unknown));
}

#[tokio::test]
async fn a_recording_is_opened_once_and_not_again_after_its_end() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    assert!(Arc::ptr_eq(&ring, &studio.ring(sid(1), Channels::Mono)));
    studio.speak(&ring, 0, 100, &[900]);
    studio.finish(sid(1), ALL).await.expect("finished");
    let after = studio.ring(sid(1), Channels::Mono);
    studio.speak(&after, 16_000, 100, &[1_900]);
    assert_eq!(studio.finish(sid(1), ALL).await, finished(2, 1));
    assert_eq!(place.samples(&format!("{}.wav", sid(1))).len(), 100 * BLOCK);
    assert_eq!(studio.recordings.census().open, 0);
}

#[tokio::test]
async fn positions_ahead_of_time_are_not_believed() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 50, &[900]);
    ring.push(block(0, 8_000 * 3_600 * 24, 900));
    ring.push(block(0, u64::MAX, 900));
    studio.speak(&ring, 8_000, 50, &[900]);
    assert_eq!(studio.finish(sid(1), ALL).await, finished(2, 1));
    assert_eq!(studio.recordings.census().misplaced_samples, 2 * BLOCK as u64);
}

#[tokio::test]
async fn a_recording_that_nobody_finishes_is_put_on_the_shelf_after_a_while() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 100, &[900]);
    studio.clock.pass(Duration::from_secs(3_600));
    studio.turn();
    assert_eq!(studio.recordings.census().open, 1, "somebody may still push");
    drop(ring);
    studio.turn();
    durable::put_away(&studio.recordings.shared);
    assert_eq!(studio.recordings.census().open, 0);
    assert!(studio.recordings.file(sid(1)).is_some());
    assert_eq!(studio.finish(sid(1), ALL).await, finished(2, 1));
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_does_not_come_back() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 100, &[900]);
    assert!(!studio.recordings.delete(sid(1)).expect("answered"), "one that is open is not on the shelf");
    studio.finish(sid(1), ALL).await.expect("finished");
    assert!(studio.recordings.delete(sid(1)).expect("deleted"));
    assert!(!studio.recordings.delete(sid(1)).expect("deleted before"));
    assert_eq!(place.names(), Vec::<String>::new());
    assert_eq!(studio.finish(sid(1), ALL).await, Err(RecordingError::Unknown));
    assert_eq!(studio.recordings.census().bytes, 0);
}

#[tokio::test]
async fn the_threads_record_by_themselves_and_write_all_when_the_process_ends() {
    let place = Place::new();
    let clock: Arc<dyn Clock> = Arc::new(crate::supervision::SystemClock);
    let recordings = Recordings::start(&place.0, LIMITS, clock.clone(), &HashSet::new()).expect("started");
    // Three seconds ago, so that all of it is past.
    let origin = clock.now() - Duration::from_secs(3);
    let ring = recordings.ring(sid(1), Channels::Mono, origin);
    let other = recordings.ring(sid(2), Channels::Mono, origin);
    for number in 0..100 {
        ring.push(block(0, number * BLOCK as u64, 900));
        other.push(block(0, number * BLOCK as u64, 901));
    }
    assert_eq!(recordings.finish(sid(1), ALL).await, finished(2, 1));
    recordings.finish_all().await;
    assert_eq!(place.samples(&format!("{}.wav", sid(2))), vec![901; 100 * BLOCK]);
    let last = recordings.ring(sid(3), Channels::Mono, origin);
    (0..100).for_each(|number| last.push(block(0, number * BLOCK as u64, 902)));
    drop(recordings);
    assert_eq!(place.samples(&format!("{}.part", sid(3))), vec![902; 100 * BLOCK]);
    let next = Recordings::start(&place.0, LIMITS, clock, &HashSet::new()).expect("started");
    assert_eq!(next.finish(sid(2), ALL).await, finished(2, 1));
    assert_eq!(next.finish(sid(3), ALL).await, finished(2, 1));
}
