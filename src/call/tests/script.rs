//! A running script: what it asks for, in which order, and once.

use super::super::script::{ScriptEffect, ScriptInput, ScriptRun};
use super::*;
use crate::call::sound::SoundError;

struct Run {
    run: ScriptRun,
    now: Moment,
    log: Vec<Event>,
}

impl Run {
    fn of(body: &str) -> (Self, Vec<String>) {
        let run = ScriptRun::new(PARENT, CallId(PARENT), script(body));
        let mut bench = Self { run, now: at(0), log: Vec::new() };
        let words = bench.step(|run, turn| run.handle(ScriptInput::Start, turn));
        (bench, words)
    }

    fn step(&mut self, act: impl Fn(&mut ScriptRun, &mut Turn<ScriptRun>)) -> Vec<String> {
        let turn = step(&mut self.run, self.now, act);
        self.log.extend(turn.events.into_iter().map(|entry| entry.event));
        let effects = turn.effects.into_iter().map(|effect| match effect {
            ScriptEffect::Prepare { activity, sound: Sound::Speech { text, .. } } => {
                format!("{activity} prepare \"{text}\"")
            }
            ScriptEffect::Prepare { activity, sound: Sound::File(source) | Sound::Url(source) } => {
                format!("{activity} prepare {source}")
            }
            ScriptEffect::Fetch(fetch) => format!("{} fetch {}", fetch.number, fetch.request.url),
        });
        let letters = turn.letters.into_iter().map(|letter| match letter.body {
            Wanted::Prompt { activity, asset, loops } => format!("{activity} play {asset} {loops}"),
            Wanted::Dial { activity, dial } => format!("{activity} dial {}", dial.nouns.len()),
            Wanted::Echo => "echo".to_owned(),
            Wanted::Hangup => "hang up".to_owned(),
        });
        effects.chain(letters).collect()
    }

    fn prepared(&mut self, activity: u64, sound: Result<&str, &str>) -> Vec<String> {
        let sound = sound.map(str::to_owned).map_err(SoundError::skipped);
        self.step(|run, turn| run.handle(ScriptInput::Prepared(activity, sound.clone()), turn))
    }

    fn told(&mut self, told: Told) -> Vec<String> {
        self.step(|run, turn| run.handle(ScriptInput::Told(told.clone()), turn))
    }

    fn done(&mut self, activity: u64) -> Vec<String> {
        self.told(Told::Outcome(Outcome::Done { activity }))
    }

    fn dial_ended(&mut self, activity: u64, status: DialStatus) -> Vec<String> {
        self.told(Told::Outcome(Outcome::DialEnded { activity, status }))
    }
}

#[test]
fn a_script_speaks_plays_waits_dials_and_ends() {
    let body = "<Say>Hello</Say><Play loop='2'>a.wav</Play><Pause length='3'/><Dial>101</Dial>";
    let (mut run, words) = Run::of(body);
    assert_eq!(words, ["1 prepare \"Hello\""]);
    assert_eq!(run.prepared(1, Ok("speech-1")), ["1 play speech-1 1"]);
    assert_eq!(run.done(1), ["2 prepare a.wav"]);
    assert_eq!(run.prepared(2, Ok("a")), ["2 play a 2"]);
    assert_eq!(run.done(2), [""; 0]);
    assert_eq!(run.run.next_deadline(), Some(at(3)));
    run.now = at(3);
    assert_eq!(run.step(|run, turn| run.on_deadline(turn)), ["4 dial 1"]);
    assert_eq!(run.dial_ended(4, DialStatus::Completed), ["hang up"]);
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
    assert_eq!(run.told(Told::CallerGone), [""; 0]);
    assert_eq!(run.run.next_deadline(), None);
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
