//! `<Record>`: record what the caller says.
//! Must never record: it says what ends the recording and what follows.

use serde::{Deserialize, Serialize};

use super::{Method, Recording};
use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;
use crate::twiml::finding::code;

const BAD_METHOD: u32 = 13_610;
const BAD_TIMEOUT: u32 = 13_611;
const BAD_MAX_LENGTH: u32 = 13_612;
const BAD_KEYS: u32 = 13_613;
const BAD_TRANSCRIBE: u32 = 13_614;
const LONG_FOR_TRANSCRIPT: u32 = 13_615;
const BAD_BEEP: u32 = 13_616;

/// Seconds of silence that end a recording.
const TIMEOUT: u32 = 5;
/// Longest recording in seconds: a day, and the default: an hour; two minutes of one that is transcribed.
const MAX_LENGTH: u32 = 86_400;
const LENGTH: u32 = 3_600;
const TRANSCRIBED: u32 = 120;
/// Unlike a Gather, a Record is ended by any key (twiml.md §10).
const ANY_KEY: &str = "1234567890*#";

/// Record the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Document that follows. None and the empty reference both mean this document.
    #[serde(default)]
    pub action: Option<String>,
    /// How `action` is asked for.
    #[serde(default)]
    pub method: Method,
    /// Seconds of silence that end it. None: no silence does.
    #[serde(default)]
    pub timeout: Option<u32>,
    /// The keys that end it, out of `0-9 * #`; none if empty.
    pub finish_on_key: String,
    /// Longest recording in seconds, 1 to 86400.
    pub max_length: u32,
    /// A beep tells the caller that it begins.
    pub play_beep: bool,
    /// How silence is trimmed, and who is told of its progress.
    #[serde(default)]
    pub recording: Recording,
}

impl Record {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Record {
        findings.refuse_text(element);
        findings.refuse_children(element);
        let mut attributes = Attributes::of(element, findings);
        let transcribe = attributes.flag("transcribe", BAD_TRANSCRIBE, false);
        if transcribe {
            attributes.complain(code::SCHEMA, "transcribe is not supported yet; nothing is written down");
        }
        attributes.not_yet(&["transcribeCallback", "recordingConfigurationId"]);
        Record {
            action: attributes.text("action"),
            method: attributes.method("method", BAD_METHOD),
            timeout: Some(attributes.whole("timeout", BAD_TIMEOUT, 0..=MAX_LENGTH, TIMEOUT))
                .filter(|seconds| *seconds > 0),
            finish_on_key: finish_on_key(&mut attributes),
            max_length: max_length(&mut attributes, transcribe),
            play_beep: attributes.flag("playBeep", BAD_BEEP, true),
            recording: Recording::of_record(&mut attributes),
        }
    }
}

fn finish_on_key(attributes: &mut Attributes<'_>) -> String {
    let Some(keys) = attributes.text("finishOnKey") else { return ANY_KEY.into() };
    if keys.chars().all(|key| ANY_KEY.contains(key)) {
        return keys;
    }
    attributes.complain(BAD_KEYS, "finishOnKey is made of 0-9 * #; any key ends the recording");
    ANY_KEY.into()
}

fn max_length(attributes: &mut Attributes<'_>, transcribe: bool) -> u32 {
    let default = if transcribe { TRANSCRIBED } else { LENGTH };
    let seconds = attributes.whole("maxLength", BAD_MAX_LENGTH, 1..=MAX_LENGTH, default);
    if transcribe && seconds > TRANSCRIBED {
        let message = format!("maxLength is at most {TRANSCRIBED} where speech is written down");
        attributes.complain(LONG_FOR_TRANSCRIPT, message);
    }
    seconds
}

#[cfg(test)]
mod tests;
