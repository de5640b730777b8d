//! `<Number>`: a telephone number to dial.
//! Must never decide how a number is reached: routing does.

use serde::{Deserialize, Serialize};

use super::Hooks;
use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;

const BAD_METHOD: u32 = 13_221;
const BAD_NUMBER: u32 = 13_223;
const BAD_DIGITS: u32 = 13_222;

/// Attributes for recognising answering machines and for carriers of one's own.
const NOT_YET: [&str; 8] = [
    "byoc",
    "machineDetection",
    "machineDetectionTimeout",
    "machineDetectionSpeechThreshold",
    "machineDetectionSpeechEndThreshold",
    "machineDetectionSilenceTimeout",
    "amdStatusCallback",
    "amdStatusCallbackMethod",
];

/// A number to dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// E.164 with `+`, or digits as a telephone dials them, without punctuation.
    pub number: String,
    /// Digits sent after the answer and before the parties are joined; `w` waits half a second, `W` one.
    #[serde(default)]
    pub send_digits: Option<String>,
    /// What is told about the attempt.
    #[serde(default)]
    pub hooks: Hooks,
}

impl Number {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Option<Number> {
        findings.refuse_children(element);
        let mut attributes = Attributes::of(element, findings);
        let hooks = Hooks::read(&mut attributes, BAD_METHOD);
        let send_digits = attributes.keys("sendDigits", BAD_DIGITS);
        attributes.not_yet(&NOT_YET);
        let Some(number) = normalised(&element.text()) else {
            attributes.complain(BAD_NUMBER, "this is no telephone number; it is not dialled");
            return None;
        };
        Some(Number { number, send_digits, hooks })
    }

    /// A number given as plain text of a `<Dial>`.
    pub(super) fn plain(text: &str, dial: &Element<'_>, findings: &mut Findings) -> Option<Number> {
        let Some(number) = normalised(text) else {
            findings.add(dial.place, BAD_NUMBER, "<Dial>: this is no telephone number; it is not dialled");
            return None;
        };
        Some(Number { number, send_digits: None, hooks: Hooks::default() })
    }
}

/// Digits with an optional `+`, punctuation removed. Ten digits that are written with punctuation, or eleven with a
/// leading 1, are a number of the North American plan; plain digits stay what a telephone would dial here.
fn normalised(text: &str) -> Option<String> {
    let mut number = String::new();
    let mut punctuated = false;
    for c in text.chars() {
        match c {
            '0'..='9' | '*' | '#' => number.push(c),
            '+' if number.is_empty() && !punctuated => number.push(c),
            ' ' | '-' | '(' | ')' | '.' | '/' => punctuated = true,
            _ => return None,
        }
    }
    let digits = number.trim_start_matches('+').len();
    if digits == 0 || digits > 32 {
        return None;
    }
    let national = punctuated && number.bytes().all(|byte| byte.is_ascii_digit());
    Some(match digits {
        10 if national => format!("+1{number}"),
        11 if national && number.starts_with('1') => format!("+{number}"),
        _ => number,
    })
}

#[cfg(test)]
mod tests;
