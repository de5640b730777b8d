//! A running script: what it asks for, in which order, and once.

use super::super::script::{Beginning, Hook, Place, RunSpec, ScriptEffect, ScriptInput, ScriptRun};
use super::*;
use crate::call::profile::CallStatus;
use crate::call::sound::SoundError;
use crate::twiml::document::Context;
use crate::twiml::script::DialStatus;
use crate::webhook::Request;

pub struct Run {
    pub run: ScriptRun,
    pub now: Moment,
    pub log: Vec<Event>,
    /// What was asked over HTTP, in order.
    pub asked: Vec<Request>,
    /// Callbacks, in order.
    pub posted: Vec<Callback>,
}

impl Run {
    pub fn of(body: &str) -> (Self, Vec<String>) {
        Self::at(Place::Url("http://app/voice?a=1".to_owned()), body)
    }

    /// A document that stands somewhere.
    pub fn at(place: Place, body: &str) -> (Self, Vec<String>) {
        Self::with(Beginning::Document { document: document(body), place }, None, Context::Main)
    }

    pub fn with(beginning: Beginning, fallback: Option<Hook>, context: Context) -> (Self, Vec<String>) {
        let run = ScriptRun::new(RunSpec {
            leg: PARENT,
            call: CallId(PARENT),
            context,
            profile: profile(),
            status: CallStatus::Ringing,
            recordings: "http://switch/Recordings/".into(),
            beginning,
            fallback,
            seed: [7; 16],
        });
        let mut bench = Self { run, now: at(0), log: Vec::new(), asked: Vec::new(), posted: Vec::new() };
        let words = bench.step(|run, turn| run.handle(ScriptInput::Start, turn));
        (bench, words)
    }

    /// Time passes up to `seconds`, deadline by deadline.
    pub fn pass(&mut self, seconds: u64) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(due) = self.run.next_deadline().filter(|due| *due <= at(seconds)) {
            self.now = self.now.max(due);
            words.extend(self.step(|run, turn| run.on_deadline(turn)));
        }
        self.now = at(seconds);
        words
    }

    /// The keys, one after the other.
    pub fn keys(&mut self, keys: &str) -> Vec<String> {
        keys.chars().flat_map(|key| self.told(Told::Digit(key))).collect()
    }

    /// The codes that were found, in order.
    pub fn codes(&self) -> Vec<u32> {
        let code = |event: &Event| match event {
            Event::ScriptFinding { code, .. } => Some(*code),
            _ => None,
        };
        self.log.iter().filter_map(code).collect()
    }

    /// A parameter of what was asked last.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        value(&self.asked.last().expect("something was asked").parameters, name)
    }

    pub fn step(&mut self, act: impl Fn(&mut ScriptRun, &mut Turn<ScriptRun>)) -> Vec<String> {
        let turn = step(&mut self.run, self.now, act);
        self.log.extend(turn.events.into_iter().map(|entry| entry.event));
        let effects = turn.effects.into_iter().map(|effect| match effect {
            ScriptEffect::Prepare { activity, sound: Sound::Speech { text, language, voice } } => {
                let language = if language == "en-US" { String::new() } else { format!(" in {language}") };
                let voice = voice.map(|voice| format!(" by {voice}")).unwrap_or_default();
                format!("{activity} prepare \"{text}\"{language}{voice}")
            }
            ScriptEffect::Prepare { activity, sound: Sound::File(source) | Sound::Url(source) } => {
                format!("{activity} prepare {source}")
            }
            ScriptEffect::Prepare { activity, sound: Sound::Beep } => format!("{activity} prepare beep"),
            ScriptEffect::Fetch(fetch) => {
                let words = format!("{} fetch {}", fetch.number, fetch.request.url);
                self.asked.push(fetch.request);
                words
            }
            ScriptEffect::Open { number, file, otherwise, .. } => match otherwise {
                Some(otherwise) => format!("{number} open {file} or {otherwise}"),
                None => format!("{number} open {file}"),
            },
            ScriptEffect::Finish { trim, .. } => format!("finish, trim {trim}"),
        });
        let effects: Vec<String> = effects.collect();
        let letters = turn.letters.into_iter().map(|letter| match letter.body {
            Wanted::Prompt { activity, asset, loops } => format!("{activity} play {asset} {loops}"),
            Wanted::Dial { activity, dial } => format!("{activity} dial {}", dial.nouns.len()),
            Wanted::Keys { activity, keys } => format!("{activity} send {keys}"),
            Wanted::Tape { activity, silence, limit, .. } => {
                format!("{activity} tape, silence {:?}, limit {limit:?}", silence.unwrap_or_default())
            }
            Wanted::Reject { busy } => format!("reject, busy {busy}"),
            Wanted::Callback(callback) => {
                let words = format!("tell {}", callback.url);
                self.posted.push(*callback);
                words
            }
            other => format!("{other:?}").to_lowercase(),
        });
        let letters: Vec<String> = letters.collect();
        effects.into_iter().chain(letters).map(|words| words.replace("hangup", "hang up")).collect()
    }

    pub fn prepared(&mut self, activity: u64, sound: Result<&str, &str>) -> Vec<String> {
        let sound = sound.map(str::to_owned).map_err(SoundError::skipped);
        self.step(|run, turn| run.handle(ScriptInput::Prepared(activity, sound.clone()), turn))
    }

    pub fn told(&mut self, told: Told) -> Vec<String> {
        self.step(|run, turn| run.handle(ScriptInput::Told(told.clone()), turn))
    }

    pub fn done(&mut self, activity: u64) -> Vec<String> {
        self.told(Told::Done { activity })
    }

    pub fn dial_ended(&mut self, activity: u64, status: DialStatus) -> Vec<String> {
        let result =
            DialResult { status, leg: None, duration: 0, bridged: false, facts: None, recording: None };
        self.told(Told::DialEnded { activity, result: Box::new(result) })
    }
}

#[test]
fn a_script_speaks_plays_waits_dials_and_ends() {
    let body = "<Say>Hello</Say><Play loop='2'>a.wav</Play><Pause length='3'/><Dial>101</Dial>";
    let (mut run, words) = Run::of(body);
    assert_eq!(words, ["1 prepare \"Hello\""]);
    assert_eq!(run.prepared(1, Ok("speech-1")), ["1 play speech-1 1"]);
    assert_eq!(run.done(1), ["2 prepare http://app/a.wav"]);
    assert_eq!(run.prepared(2, Ok("a")), ["2 play a 2"]);
    assert_eq!(run.done(2), [""; 0]);
    assert_eq!(run.run.next_deadline(), Some(at(3)));
    run.now = at(3);
    assert_eq!(run.step(|run, turn| run.on_deadline(turn)), ["3 dial 1"]);
    assert_eq!(run.dial_ended(3, DialStatus::Completed), ["hang up"]);
    assert!(!run.run.is_finished());
    run.run.mail().acknowledge(Party::Call(CallId(PARENT)), u64::MAX);
    assert!(run.run.is_finished());
}

#[test]
fn an_outcome_that_comes_twice_asks_for_nothing_twice() {
    let (mut run, _) = Run::of("<Play>a.wav</Play><Dial>101</Dial>");
    run.prepared(1, Ok("a"));
    assert_eq!(run.done(1), ["2 dial 1"]);
    assert_eq!(run.done(1), [""; 0], "nobody is rung twice");
    let ends = run.log.iter().filter(|event| matches!(event, Event::VerbEnded { .. })).count();
    assert_eq!(ends, 1);
}

#[test]
fn a_sound_that_cannot_be_had_is_skipped_and_told_with_its_place() {
    let (mut run, _) = Run::of("<Play>gone.wav</Play><Say>still here</Say>");
    assert_eq!(run.prepared(1, Err("no such file")), ["2 prepare \"still here\""]);
    let message = "<Play> was skipped: no such file".to_owned();
    assert!(run.log.contains(&Event::ScriptFinding { line: 1, column: 11, code: 12_400, message }));
    assert_eq!(run.prepared(1, Ok("late")), [""; 0], "of a step that is over");
}

#[test]
fn a_script_that_is_brought_back_asks_again_only_for_what_is_not_in_its_letters() {
    let (mut run, _) = Run::of("<Say>Hello</Say><Dial>101</Dial>");
    assert_eq!(run.step(|run, turn| run.resume(turn)), ["1 prepare \"Hello\""]);
    run.prepared(1, Ok("speech-1"));
    assert_eq!(run.step(|run, turn| run.resume(turn)), [""; 0], "the letter lies in its mail");
    run.done(1);
    assert_eq!(run.step(|run, turn| run.resume(turn)), [""; 0], "nobody is rung twice");
}

#[test]
fn nothing_is_done_for_a_caller_that_has_gone() {
    let (mut run, _) = Run::of("<Pause length='3'/><Say>late</Say>");
    assert_eq!(run.told(Told::Gone { dial_ends: false, waits: false }), [""; 0]);
    assert_eq!(run.run.next_deadline(), None);
    run.run.mail().acknowledge(Party::Call(CallId(PARENT)), u64::MAX);
    assert!(run.run.is_finished());
}

#[test]
fn a_step_that_the_call_cannot_bear_ends_the_call_and_leaves_nobody_in_silence() {
    let (mut run, _) = Run::of("<Dial>101</Dial><Say>never</Say>");
    let lost = Wanted::Echo;
    assert_eq!(run.step(|run, turn| run.undeliverable(lost.clone(), turn)), ["hang up"]);
    // Dropped, its last word would leave the caller ringing for ever; a call that cannot bear it either is given up.
    assert_eq!(run.step(|run, turn| run.undeliverable(Wanted::Hangup, turn)), ["hang up"]);
}

#[test]
fn a_script_whose_actor_is_given_up_ends_the_call() {
    let (mut run, _) = Run::of("<Say>Hello</Say>");
    assert_eq!(run.step(|run, turn| run.give_up(turn)), ["hang up"]);
    assert_eq!(run.prepared(1, Ok("late")), [""; 0]);
}

#[test]
fn the_log_of_a_letter_that_could_not_be_delivered_says_what_kind_it_was_and_nothing_of_what_it_said() {
    let (mut run, _) = Run::of("<Play digits='4711'/>");
    let lost = Wanted::Keys { activity: 1, keys: "4711".to_owned() };
    let file = std::env::temp_dir().join(format!("trunkline-undelivered-{}", std::process::id()));
    let paper = std::fs::File::create(&file).expect("a file");
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(std::sync::Mutex::new(paper)).finish();
    tracing::subscriber::with_default(subscriber, || {
        run.step(|run, turn| run.undeliverable(lost.clone(), turn));
    });
    let text = std::fs::read_to_string(&file).expect("what was logged");
    drop(std::fs::remove_file(&file));
    assert!(text.contains("wish=\"keys\"") && !text.contains("4711"), "{text}");
}
