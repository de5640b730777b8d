//! Processes that die while they record, at any moment, and files that are cut anywhere.
//! What had been written must always be heard afterwards.

use std::io::{BufRead, BufReader};
use std::process::{Command as Process, Stdio};

use super::*;

/// Names the folder for the process that is to be killed.
const FOLDER: &str = "TRUNKLINE_TEST_RECORDING";

/// Not a test of its own: the process that records until it is killed.
#[test]
#[ignore = "run by another test"]
fn records_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let clock: Arc<dyn Clock> = Arc::new(crate::supervision::SystemClock);
    let recordings =
        Recordings::start(Path::new(&folder), LIMITS, clock.clone(), &HashSet::new()).expect("started");
    let origin = clock.now();
    let rings = [Channels::Mono, Channels::Dual]
        .map(|channels| recordings.ring(sid(channels.count()), channels, origin));
    for number in 0_u64.. {
        let due = origin + Duration::from_millis(20 * (number + 1));
        while clock.now() < due {
            std::thread::park_timeout(due.since(clock.now()));
        }
        for channel in 0..2 {
            rings.iter().for_each(|ring| ring.push(block(channel, number * BLOCK as u64, tone(number))));
        }
        println!("spoken {} since {}", number + 1, origin.as_micros());
    }
}

/// What is said in a block.
fn tone(number: u64) -> i16 {
    1_000 + (number % 1_000) as i16
}

/// A process that records.
struct Recorder {
    place: Place,
    process: std::process::Child,
}

impl Recorder {
    fn start() -> Self {
        let place = Place::new();
        let process = Process::new(std::env::current_exe().expect("this test"))
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("recording::tests::crash::records_until_it_is_killed")
            .env(FOLDER, &place.0)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        Self { place, process }
    }

    /// Kills it `phase` after it has spoken for one and a half seconds; returns how many blocks it had spoken by then,
    /// and since when.
    fn kill(mut self, phase: Duration) -> (Place, u64, Moment) {
        let lines = BufReader::new(self.process.stdout.take().expect("piped")).lines();
        let spoken = |line: String| {
            let (spoken, since) = line.strip_prefix("spoken ")?.split_once(" since ")?;
            Some((spoken.parse::<u64>().ok()?, since.parse().ok()?))
        };
        let mut spoken = lines.map_while(Result::ok).filter_map(spoken);
        let (_, since) = spoken.find(|(spoken, _)| *spoken >= 75).expect("it speaks");
        std::thread::park_timeout(phase);
        self.process.kill().expect("SIGKILL");
        self.process.wait().expect("dead");
        (self.place, spoken.last().map_or(75, |(spoken, _)| spoken), Moment::from_micros(since))
    }
}

#[tokio::test]
async fn a_process_killed_while_it_records_loses_no_more_than_the_last_second() {
    // The phases of writing, a little past the first write.
    let phases = [0, 37, 74, 111].map(Duration::from_millis);
    let recorders = phases.map(|phase| (Recorder::start(), phase));
    let killed = recorders.map(|(recorder, phase)| std::thread::spawn(move || recorder.kill(phase)));
    for (place, spoken, _) in killed.map(|thread| thread.join().expect("killed")) {
        for channels in [1_u8, 2] {
            let samples = place.samples(&format!("{}.part", sid(channels))).len() as u64;
            let frames = samples / u64::from(channels);
            assert!(frames + 8_000 >= spoken * BLOCK as u64, "{frames} frames of {spoken} blocks");
        }
        let mut next = Studio::at(&place, LIMITS);
        for channels in [1_u8, 2] {
            let found = next.finish(sid(channels), ALL).await.expect("finished by the start");
            assert_eq!((found.channels, found.is_empty), (channels, false));
            let samples = place.samples(&format!("{}.wav", sid(channels)));
            let frame = usize::from(channels);
            let said = |at: usize| tone((at / frame / BLOCK) as u64) * if channels == 1 { 2 } else { 1 };
            assert!(samples.iter().enumerate().all(|(at, sample)| *sample == said(at)), "all as it was said");
        }
    }
}

#[tokio::test]
async fn what_a_killed_process_recorded_goes_on_in_the_next_one_to_the_sample() {
    let (place, spoken, origin) = Recorder::start().kill(Duration::from_millis(37));
    let clock: Arc<dyn Clock> = Arc::new(crate::supervision::SystemClock);
    let going_on = HashSet::from([sid(1), sid(9)]);
    let next = Recordings::start(&place.0, LIMITS, clock.clone(), &going_on).expect("started");
    let [mono, dual] = [1, 2].map(|number| format!("{}.part", sid(number)));
    assert!(place.names().contains(&mono) && !place.names().contains(&dual), "{:?}", place.names());
    let bytes = std::fs::metadata(place.0.join(mono)).expect("a file").len();
    let kept = (bytes as usize - 44) / 2;
    assert!(kept + 8_000 >= spoken as usize * BLOCK, "{kept} frames of {spoken} blocks");
    let ring = next.ring(sid(1), Channels::Mono, origin);
    let from = clock.now().since(origin).as_micros() as usize / 125;
    (0..50).for_each(|number| ring.push(block(0, (from + number * BLOCK) as u64, 9)));
    let found = next.finish(sid(1), ALL).await.expect("finished");
    assert_eq!(found.duration as usize, (from + 8_000).div_ceil(8_000));
    let samples = place.samples(&format!("{}.wav", sid(1)));
    assert_eq!(samples.len(), from + 8_000);
    let heard = |at: usize| match at {
        at if at < kept => 2 * tone((at / BLOCK) as u64),
        at if at < from => 0,
        _ => 9,
    };
    assert_eq!(samples.iter().enumerate().find(|(at, sample)| **sample != heard(*at)), None);
    assert_eq!(next.finish(sid(2), ALL).await.map(|found| found.channels), Ok(2), "nobody wanted it");
    assert_eq!(next.finish(sid(9), ALL).await, Err(RecordingError::Unknown), "nothing was written of it");
}

#[tokio::test]
async fn a_file_cut_anywhere_is_repaired_to_its_last_whole_frame() {
    let whole = Place::new();
    let mut studio = Studio::at(&whole, LIMITS);
    let ring = studio.ring(sid(1), Channels::Dual);
    studio.speak(&ring, 0, 100, &[900, 901]);
    let bytes = std::fs::read(whole.0.join(format!("{}.part", sid(1)))).expect("read");
    assert!(bytes.len() > 40_000, "{}", bytes.len());
    for length in [0, 1, 43, 44, 45, 47, 48, 20_001, 20_002, 20_003, bytes.len() - 1] {
        let place = Place::new();
        std::fs::create_dir_all(&place.0).expect("made");
        std::fs::write(place.0.join(format!("{}.part", sid(1))), &bytes[..length]).expect("written");
        let mut next = Studio::at(&place, LIMITS);
        let found = next.finish(sid(1), ALL).await.expect("finished by the start");
        let frames = length.saturating_sub(44) / 4;
        assert_eq!(found.is_empty, frames < 4_000, "{length}");
        if !found.is_empty {
            let samples = place.samples(&format!("{}.wav", sid(1)));
            assert_eq!(samples.len(), frames * 2);
            assert!(samples.chunks_exact(2).all(|frame| frame == [900, 901]));
        }
        assert!(!place.names().iter().any(|name| name.ends_with(".part")), "{:?}", place.names());
    }
}

#[tokio::test]
async fn a_head_that_says_less_than_there_is_gets_the_rest_back() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 100, &[900]);
    let path = place.0.join(format!("{}.part", sid(1)));
    // The sound was written, the head not yet.
    let mut bytes = std::fs::read(&path).expect("read");
    bytes.extend(std::iter::repeat_n(900_i16.to_le_bytes(), 5_000).flatten());
    let frames = (bytes.len() - 44) / 2;
    std::fs::write(&path, bytes).expect("written");
    drop(studio);
    Studio::at(&place, LIMITS);
    assert_eq!(place.samples(&format!("{}.wav", sid(1))), vec![900; frames]);
}

#[tokio::test]
async fn a_crash_between_any_two_steps_of_finishing_keeps_the_sound_and_the_answer() {
    let place = Place::new();
    let mut studio = Studio::at(&place, LIMITS);
    let ring = studio.ring(sid(1), Channels::Mono);
    studio.speak(&ring, 0, 100, &[2]);
    studio.speak(&ring, 16_000, 100, &[900]);
    studio.turn();
    let read = |kind: &str| std::fs::read(place.0.join(format!("{}.{kind}", sid(1)))).expect("read");
    let part = read("part");
    studio.finish(sid(1), TRIM).await.expect("finished");
    let (wav, manifest) = (read("wav"), read("json"));
    let steps: [&[(&str, &[u8])]; 5] = [
        &[("part", &part), ("trimmed", &wav[..100])],
        &[("part", &part), ("trimmed", &wav), ("json.part", &manifest[..10])],
        &[("part", &part), ("trimmed", &wav), ("json", &manifest)],
        &[("part", &part), ("wav", &wav), ("json", &manifest)],
        &[("wav", &wav), ("json", &manifest)],
    ];
    for files in steps {
        let place = Place::new();
        std::fs::create_dir_all(&place.0).expect("made");
        for (kind, bytes) in files {
            std::fs::write(place.0.join(format!("{}.{kind}", sid(1))), bytes).expect("written");
        }
        let mut next = Studio::at(&place, LIMITS);
        let found = next.finish(sid(1), TRIM).await.expect("finished");
        assert!(!found.is_empty && (3..=4).contains(&found.duration), "{found:?}");
        let sound = place.samples(&format!("{}.wav", sid(1)));
        assert!(sound.iter().filter(|sample| **sample == 900).count() >= 8_000);
        assert_eq!(place.names().len(), 2, "{:?}", place.names());
    }
}
