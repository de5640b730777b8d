//! How a `<Dial>` wants its parties recorded.
//! Must never record.

use serde::{Deserialize, Serialize};

use super::Method;
use crate::twiml::attributes::Attributes;
use crate::twiml::finding::code;

/// What is recorded of a Dial, and who is told. Not carried out yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// From when, and in how many channels.
    #[serde(default)]
    pub mode: Mode,
    /// Silence at both ends is cut off. Unlike every other recording, a Dial's is not by default (twiml.md §10).
    #[serde(default)]
    pub trim: bool,
    /// Where its progress is told.
    #[serde(default)]
    pub status_callback: Option<String>,
    /// How it is told.
    #[serde(default)]
    pub status_callback_method: Method,
    /// Which progress is told.
    #[serde(default)]
    pub status_callback_event: Vec<Stage>,
}

/// From when a Dial is recorded, and in how many channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Not at all.
    #[default]
    DoNotRecord,
    /// From the callee's answer, mixed.
    RecordFromAnswer,
    /// From ringing, mixed.
    RecordFromRinging,
    /// From the callee's answer, the caller on channel 1 and the callee on 2.
    RecordFromAnswerDual,
    /// From ringing, the caller on channel 1 and the callee on 2.
    RecordFromRingingDual,
}

/// Stages of a recording that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It has begun.
    InProgress,
    /// It can be fetched.
    Completed,
    /// Nothing was recorded.
    Absent,
}

const BAD_RECORD: u32 = 13_218;

const MODES: [(&str, Mode); 7] = [
    ("do-not-record", Mode::DoNotRecord),
    ("record-from-answer", Mode::RecordFromAnswer),
    ("record-from-ringing", Mode::RecordFromRinging),
    ("record-from-answer-dual", Mode::RecordFromAnswerDual),
    ("record-from-ringing-dual", Mode::RecordFromRingingDual),
    // Older documents.
    ("true", Mode::RecordFromAnswer),
    ("false", Mode::DoNotRecord),
];

const STAGES: [(&str, Stage); 3] =
    [("in-progress", Stage::InProgress), ("completed", Stage::Completed), ("absent", Stage::Absent)];

impl Recording {
    pub(super) fn read(attributes: &mut Attributes<'_>) -> Recording {
        let mode = attributes.one_of("record", BAD_RECORD, &MODES, Mode::DoNotRecord);
        if mode != Mode::DoNotRecord {
            attributes.complain(code::SCHEMA, "record is not supported yet; nothing is recorded");
        }
        let status_callback = attributes.text("recordingStatusCallback");
        let stages = attributes.set_of("recordingStatusCallbackEvent", code::SCHEMA, &STAGES);
        let told = status_callback.is_some();
        Recording {
            mode,
            trim: attributes.one_of(
                "trim",
                code::SCHEMA,
                &[("trim-silence", true), ("do-not-trim", false)],
                false,
            ),
            status_callback_method: attributes.method("recordingStatusCallbackMethod", code::SCHEMA),
            status_callback_event: if told {
                stages.unwrap_or_else(|| vec![Stage::Completed])
            } else {
                vec![]
            },
            status_callback,
        }
    }
}
