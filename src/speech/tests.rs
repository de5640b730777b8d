use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::*;

/// A folder of one test alone, gone when it ends.
pub(super) struct Folder(pub PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trunkline-speech-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(&self.0)
            .expect("folder")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Counts how often it is asked, and answers when the test says so.
#[derive(Default)]
struct Stub {
    asked: AtomicUsize,
    broken: bool,
    /// Waits for this before it answers.
    gate: Option<Notify>,
}

#[derive(Clone)]
struct Shared(Arc<Stub>);

impl Provider for Shared {
    fn name(&self) -> &str {
        "stub"
    }

    fn speaks(&self, language: &str) -> bool {
        language == "en-US"
    }

    fn synthesize<'a>(&'a self, text: &'a str, _language: &'a str, voice: Option<&'a str>) -> Synthesis<'a> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            if let Some(gate) = &self.0.gate {
                gate.notified().await;
            }
            if self.0.broken {
                return Err(SpeechError::Late("stub".into()));
            }
            Ok(wav(&format!("{text}/{}", voice.unwrap_or_default())))
        })
    }
}

fn wav(content: &str) -> Vec<u8> {
    [b"RIFF....WAVE", content.as_bytes()].concat()
}

fn stub(stub: Stub) -> Shared {
    Shared(Arc::new(stub))
}

fn speech(folder: &Folder, engines: &[&Shared]) -> Speech {
    let providers = engines.iter().map(|&engine| Box::new(engine.clone()) as Box<dyn Provider>).collect();
    Speech::with_providers(&folder.0, 1 << 20, providers)
}

fn asked(engine: &Shared) -> usize {
    engine.0.asked.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_text_is_spoken_once_and_then_kept_even_for_the_next_process() {
    let folder = Folder::new("once");
    let engine = stub(Stub::default());
    let first = speech(&folder, &[&engine]);
    assert_eq!(first.say("hello", "en-US", None).await.as_deref(), Ok(wav("hello/").as_slice()));
    assert_eq!(first.say("  hello\n", "en-US", None).await.as_deref(), Ok(wav("hello/").as_slice()));
    let second = speech(&folder, &[&engine]);
    assert_eq!(second.say("hello", "en-US", None).await.as_deref(), Ok(wav("hello/").as_slice()));
    assert_eq!(asked(&engine), 1);
    assert_eq!(second.say("hello", "en-US", Some("man")).await.as_deref(), Ok(wav("hello/man").as_slice()));
    assert_eq!(asked(&engine), 2, "another voice is another text");
}

#[tokio::test]
async fn all_who_ask_at_the_same_time_wait_for_one_engine() {
    let folder = Folder::new("together");
    let engine = stub(Stub { gate: Some(Notify::new()), ..Stub::default() });
    let speech = speech(&folder, &[&engine]);
    let open = async {
        while asked(&engine) == 0 {
            tokio::task::yield_now().await;
        }
        engine.0.gate.as_ref().expect("a gate").notify_one();
    };
    let say = || speech.say("hello", "en-US", None);
    let (a, b, c, ()) = tokio::join!(say(), say(), say(), open);
    assert!([a, b, c].iter().all(|audio| audio.as_deref() == Ok(wav("hello/").as_slice())));
    assert_eq!(asked(&engine), 1);
}

#[tokio::test]
async fn when_the_one_who_began_hangs_up_another_goes_on() {
    let folder = Folder::new("heir");
    let engine = stub(Stub { gate: Some(Notify::new()), ..Stub::default() });
    let speech = Arc::new(speech(&folder, &[&engine]));
    let say = || {
        let speech = Arc::clone(&speech);
        tokio::spawn(async move { speech.say("hello", "en-US", None).await })
    };
    let began = say();
    while asked(&engine) == 0 {
        tokio::task::yield_now().await;
    }
    let waits = say();
    began.abort();
    assert!(began.await.expect_err("aborted").is_cancelled());
    while asked(&engine) == 1 {
        tokio::task::yield_now().await;
    }
    engine.0.gate.as_ref().expect("a gate").notify_one();
    assert_eq!(waits.await.expect("ran").as_deref(), Ok(wav("hello/").as_slice()));
}

#[tokio::test]
async fn where_one_engine_fails_the_next_one_speaks() {
    let folder = Folder::new("fallback");
    let (broken, good) = (stub(Stub { broken: true, ..Stub::default() }), stub(Stub::default()));
    let both = speech(&folder, &[&broken, &good]);
    assert_eq!(both.say("hello", "en-US", None).await.as_deref(), Ok(wav("hello/").as_slice()));
    assert_eq!((asked(&broken), asked(&good)), (1, 1));
}

#[tokio::test]
async fn a_failure_is_told_and_not_kept() {
    let folder = Folder::new("failure");
    let broken = stub(Stub { broken: true, ..Stub::default() });
    let speech = speech(&folder, &[&broken]);
    for times in 1..=2 {
        assert_eq!(speech.say("hello", "en-US", None).await, Err(SpeechError::Late("stub".into())));
        assert_eq!(asked(&broken), times);
    }
    assert_eq!(speech.say("hallo", "de-DE", None).await, Err(SpeechError::NoVoice("de-DE".into())));
}

#[tokio::test]
async fn empty_and_endless_texts_reach_no_engine() {
    let folder = Folder::new("bounds");
    let engine = stub(Stub::default());
    let speech = speech(&folder, &[&engine]);
    assert_eq!(speech.say(" \u{1}\n", "en-US", None).await, Err(SpeechError::Empty));
    assert_eq!(speech.say(&"ä".repeat(4_097), "en-US", None).await, Err(SpeechError::TooLong));
    assert_eq!(asked(&engine), 0);
    assert!(speech.say(&"ä".repeat(4_096), "en-US", None).await.is_ok());
}

#[tokio::test]
async fn the_cache_stays_within_its_bound_and_clears_what_a_crash_left() {
    let folder = Folder::new("bound");
    let engine = stub(Stub::default());
    let speech = Speech::with_providers(&folder.0, 100, vec![Box::new(engine.clone())]);
    std::fs::create_dir_all(&folder.0).expect("folder");
    std::fs::write(folder.0.join("old.part"), [0; 90]).expect("a leftover");
    for number in 0..20 {
        speech.say(&format!("text number {number:02}"), "en-US", None).await.expect("spoken");
    }
    let files = folder.files();
    assert_eq!((files.len(), files.iter().all(|name| name.ends_with(".wav"))), (3, true), "{files:?}");
}

#[tokio::test]
async fn a_damaged_file_is_spoken_anew_and_a_missing_disk_fails_nobody() {
    let folder = Folder::new("damage");
    let engine = stub(Stub::default());
    let speech = speech(&folder, &[&engine]);
    speech.say("hello", "en-US", None).await.expect("spoken");
    let [kept] = folder.files().try_into().expect("one file");
    std::fs::write(folder.0.join(kept), "").expect("damaged");
    assert_eq!(speech.say("hello", "en-US", None).await.as_deref(), Ok(wav("hello/").as_slice()));
    assert_eq!(asked(&engine), 2);

    let nowhere = Speech::with_providers(Path::new("/dev/null/cache"), 100, vec![Box::new(engine.clone())]);
    assert_eq!(nowhere.say("hello", "en-US", None).await.as_deref(), Ok(wav("hello/").as_slice()));
}

#[test]
fn voices_of_men_are_told_from_others() {
    for (voice, man) in
        [("man", true), ("Polly.Matthew-Neural", true), ("Polly.Joanna", false), ("alice", false)]
    {
        assert_eq!(is_man(voice), man, "{voice}");
    }
}
