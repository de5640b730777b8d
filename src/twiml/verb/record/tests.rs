use super::*;
use crate::twiml::verb::Verb;
use crate::twiml::verb::recording::{Mode, Stage, Track};
use crate::twiml::verb::rows::{hold, only, refusal};

fn record() -> Record {
    Record {
        action: None,
        method: Method::Post,
        timeout: Some(5),
        finish_on_key: "1234567890*#".into(),
        max_length: 3_600,
        play_beep: true,
        recording: Recording {
            mode: Mode::RecordFromAnswer,
            trim: true,
            track: Track::Inbound,
            ..Recording::default()
        },
    }
}

fn recorded(given: &str) -> (Record, Vec<u32>) {
    match only(&format!("<Record {given}/>")) {
        (Verb::Record(record), codes) => (*record, codes),
        (verb, _) => panic!("a Record is wanted, not {verb:?}"),
    }
}

#[test]
fn each_attribute_has_its_default_its_bounds_and_its_code() {
    hold(
        recorded,
        record(),
        &[
            ("action='/done'", |record| record.action = Some("/done".into()), &[]),
            ("action=''", |record| record.action = Some(String::new()), &[]),
            ("method='GET'", |record| record.method = Method::Get, &[]),
            ("method='PATCH'", |_| {}, &[13_610]),
            ("timeout='9'", |record| record.timeout = Some(9), &[]),
            ("timeout='0'", |record| record.timeout = None, &[]),
            ("timeout='long'", |_| {}, &[13_611]),
            ("finishOnKey='#'", |record| record.finish_on_key = "#".into(), &[]),
            ("finishOnKey='*9'", |record| record.finish_on_key = "*9".into(), &[]),
            ("finishOnKey=''", |record| record.finish_on_key = String::new(), &[]),
            ("finishOnKey='any'", |_| {}, &[13_613]),
            ("maxLength='30'", |record| record.max_length = 30, &[]),
            ("maxLength='1'", |record| record.max_length = 1, &[]),
            ("maxLength='86400'", |record| record.max_length = 86_400, &[]),
            ("maxLength='86401'", |_| {}, &[13_612]),
            ("maxLength='0'", |_| {}, &[13_612]),
            ("playBeep='true'", |_| {}, &[]),
            ("playBeep='FALSE'", |record| record.play_beep = false, &[]),
            ("playBeep='loud'", |_| {}, &[13_616]),
            ("trim='trim-silence'", |_| {}, &[]),
            ("trim='Do-Not-Trim'", |record| record.recording.trim = false, &[]),
            ("trim='short'", |_| {}, &[13_699]),
            ("record='true'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn progress_is_told_as_completed_unless_other_stages_are_asked_for() {
    hold(
        |given| recorded(&format!("recordingStatusCallback='/r' {given}")),
        Record {
            recording: Recording {
                status_callback: Some("/r".into()),
                status_callback_event: vec![Stage::Completed],
                ..record().recording
            },
            ..record()
        },
        &[
            (
                "recordingStatusCallbackMethod='GET'",
                |record| record.recording.status_callback_method = Method::Get,
                &[],
            ),
            ("recordingStatusCallbackMethod='HEAD'", |_| {}, &[12_200]),
            ("recordingStatusCallbackEvent='completed'", |_| {}, &[]),
            (
                "recordingStatusCallbackEvent='in-progress Completed\n absent absent'",
                |record| {
                    record.recording.status_callback_event =
                        vec![Stage::InProgress, Stage::Completed, Stage::Absent];
                },
                &[],
            ),
        ],
    );
    assert_eq!(recorded("recordingStatusCallbackEvent='absent'"), (record(), vec![]), "to nobody");
    assert_eq!(
        refusal("<Record recordingStatusCallback='/r' recordingStatusCallbackEvent='begun'/>"),
        13_621
    );
}

#[test]
fn what_is_written_down_is_shorter_and_not_supported_yet() {
    hold(
        recorded,
        record(),
        &[
            ("transcribe='false'", |_| {}, &[]),
            ("transcribe='true'", |record| record.max_length = 120, &[12_200]),
            ("transcribe='true' maxLength='90'", |record| record.max_length = 90, &[12_200]),
            ("transcribe='true' maxLength='300'", |record| record.max_length = 300, &[12_200, 13_615]),
            ("transcribe='perhaps'", |_| {}, &[13_614]),
            ("transcribeCallback='/t'", |_| {}, &[12_200]),
            ("recordingConfigurationId='x'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn nothing_stands_inside() {
    let filled = only("<Record>text<Say>x</Say></Record>");
    assert_eq!(filled, (Verb::Record(Box::new(record())), vec![12_200, 12_200]));
}
