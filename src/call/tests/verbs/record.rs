//! Record (twiml.md §3) and what is told of a recording (webhooks.md §2.4): the rows that `recording.rs` has no story
//! for.

use super::*;
use crate::recorded::{Finished, RecordingError};

/// One that records, without a beep.
fn taping(attributes: &str) -> Run {
    Run::of(&format!("<Record playBeep='false' {attributes}/><Hangup/>")).0
}

fn end(run: &mut Run, result: Result<Finished, RecordingError>) -> Vec<String> {
    run.told(Told::Taped { activity: 1, voiced: true });
    let recording = sid_in(&run.run);
    run.step(|run, turn| run.handle(ScriptInput::Finished { recording, result: result.clone() }, turn))
}

fn whole() -> Result<Finished, RecordingError> {
    Ok(Finished { duration: 7, channels: 1, is_empty: false })
}

fn empty() -> Result<Finished, RecordingError> {
    Ok(Finished { duration: 0, channels: 1, is_empty: true })
}

/// The value of a parameter in each callback.
fn told<'r>(run: &'r Run, name: &str) -> Vec<&'r str> {
    run.posted.iter().map(|told| value(&told.parameters, name).unwrap_or("-")).collect()
}

#[test]
fn the_action_is_this_document_by_post_unless_it_says_otherwise() {
    for (says, attributes, url, method) in [
        ("action: current document; method: POST", "", "http://app/voice?a=1", Method::Post),
        ("empty action means the current document", "action=''", "http://app/voice?a=1", Method::Post),
        ("method: GET POST", "action='done' method='GET'", "http://app/done", Method::Get),
        ("method: bad, the default is used", "action='done' method='PUT'", "http://app/done", Method::Post),
    ] {
        let mut run = taping(attributes);
        assert_eq!(end(&mut run, whole()), [format!("2 fetch {url}")], "{says}");
        assert_eq!(run.asked[0].method, method, "{says}");
    }
}

#[test]
fn any_of_twelve_keys_ends_it_those_that_are_named_or_none() {
    const KEYS: &str = "0123456789*#";
    for (says, attributes, ending) in [
        ("finishOnKey: 1234567890*#", "", KEYS),
        ("finishOnKey: set of 0-9 * #", "finishOnKey='*9'", "*9"),
        ("finishOnKey: ''", "finishOnKey=''", ""),
        ("finishOnKey: bad, the default is used", "finishOnKey='any'", KEYS),
    ] {
        for key in KEYS.chars() {
            let words = taping(attributes).keys(&key.to_string());
            assert_eq!(!words.is_empty(), ending.contains(key), "{says}: {key}");
        }
    }
}

#[test]
fn its_end_is_told_by_post_and_other_stages_where_they_are_asked_for() {
    for (says, attributes, stages) in [
        ("recordingStatusCallbackEvent: completed", "", &["completed"][..]),
        ("in-progress", "recordingStatusCallbackEvent='in-progress'", &["in-progress"]),
        ("space list", "recordingStatusCallbackEvent='in-progress completed'", &["in-progress", "completed"]),
        ("absent", "recordingStatusCallbackEvent='absent'", &[]),
    ] {
        let mut run = taping(&format!("recordingStatusCallback='told' {attributes}"));
        end(&mut run, whole());
        assert_eq!(told(&run, "RecordingStatus"), stages, "{says}");
        assert!(run.posted.iter().all(|told| told.method == Method::Post), "{says}: method POST");
    }
    let mut run = taping("");
    end(&mut run, whole());
    assert_eq!(run.posted.len(), 0, "recordingStatusCallback: none");
}

#[test]
fn of_one_that_is_absent_the_reason_is_told_and_no_duration() {
    for result in [empty(), Err(RecordingError::Failed("no space left".to_owned()))] {
        let mut run =
            taping("recordingStatusCallback='told' recordingStatusCallbackEvent='completed absent'");
        end(&mut run, result);
        assert_eq!(told(&run, "RecordingStatus"), ["absent"]);
        assert_eq!(told(&run, "ErrorCode"), ["16101"], "ErrorCode on absent");
        assert_eq!(told(&run, "RecordingDuration"), ["-"], "completed only");
    }
    let mut run = taping("recordingStatusCallback='told'");
    end(&mut run, whole());
    assert_eq!(told(&run, "ErrorCode"), ["-"]);
    assert_eq!(told(&run, "RecordingTrack"), ["inbound"], "the caller's inbound audio only");
    assert_eq!(told(&run, "RecordingChannels"), ["1"], "mono");
}

#[test]
fn silence_at_both_ends_is_cut_off_unless_it_shall_stay() {
    for (says, attributes, words) in [
        ("trim: trim-silence", "", "finish, trim true"),
        ("trim: trim-silence", "trim='trim-silence'", "finish, trim true"),
        ("trim: do-not-trim", "trim='do-not-trim'", "finish, trim false"),
        ("trim: bad, the default is used", "trim='short'", "finish, trim true"),
    ] {
        let mut run = taping(attributes);
        assert_eq!(run.told(Told::Taped { activity: 1, voiced: true }), [words], "{says}");
    }
}
