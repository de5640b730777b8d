//! How a `<Dial>` or a `<Record>` wants what is said recorded.
//! Must never record.

use serde::{Deserialize, Serialize};

use super::Method;
use crate::twiml::attributes::Attributes;
use crate::twiml::finding::code;

/// What is recorded, and who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recording {
    /// From when, and in how many channels. Of a Record that is always from its start and mixed.
    #[serde(default)]
    pub mode: Mode,
    /// Silence at both ends is cut off. A Dial's is not by default, that of every other recording is (twiml.md §10).
    #[serde(default)]
    pub trim: bool,
    /// Whose voice is recorded.
    #[serde(default)]
    pub track: Track,
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

/// Whose voice is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// Both parties'.
    #[default]
    Both,
    /// That of the leg whose script it is.
    Inbound,
    /// The other party's.
    Outbound,
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

const BAD_RECORD: u32 = 13_217;
const BAD_STAGE: u32 = 13_621;
const BAD_TRACK: u32 = 13_622;
const BAD_TRIM: u32 = 13_699;

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

const TRACKS: [(&str, Track); 3] =
    [("both", Track::Both), ("inbound", Track::Inbound), ("outbound", Track::Outbound)];

impl Recording {
    /// The recording of a Dial: none, unless it asks for one.
    pub(super) fn of_dial(attributes: &mut Attributes<'_>) -> Recording {
        Recording {
            mode: attributes.one_of("record", BAD_RECORD, &MODES, Mode::DoNotRecord),
            track: attributes.one_of("recordingTrack", BAD_TRACK, &TRACKS, Track::Both),
            ..Self::read(attributes, false)
        }
    }

    /// The recording of a Record: the caller alone.
    pub(super) fn of_record(attributes: &mut Attributes<'_>) -> Recording {
        Recording { mode: Mode::RecordFromAnswer, track: Track::Inbound, ..Self::read(attributes, true) }
    }

    fn read(attributes: &mut Attributes<'_>, trim: bool) -> Recording {
        let status_callback = attributes.url("recordingStatusCallback");
        let method = attributes.method("recordingStatusCallbackMethod", code::SCHEMA);
        let stages = attributes.set_of("recordingStatusCallbackEvent", BAD_STAGE, &STAGES);
        let stages = stages.unwrap_or_else(|| vec![Stage::Completed]);
        Recording {
            trim: attributes.one_of(
                "trim",
                BAD_TRIM,
                &[("trim-silence", true), ("do-not-trim", false)],
                trim,
            ),
            status_callback_method: method,
            status_callback_event: if status_callback.is_some() { stages } else { Vec::new() },
            status_callback,
            ..Recording::default()
        }
    }
}
