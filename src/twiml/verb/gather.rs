//! `<Gather>`: collect the keys that a caller presses, while prompts are heard.
//! Must never listen: it says what ends the collection and what follows.

use serde::{Deserialize, Serialize};

use super::{Method, Pause, Play, Say};
use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;
use crate::twiml::finding::code;

const BAD_KEY: u32 = 13_310;
const TOO_MANY_KEYS: u32 = 13_311;
const BAD_METHOD: u32 = 13_312;
const BAD_TIMEOUT: u32 = 13_313;
const BAD_NUM_DIGITS: u32 = 13_314;
const BAD_NESTED: u32 = 13_320;
const BAD_INPUT: u32 = 13_326;
const BAD_ON_EMPTY: u32 = 13_338;
const BAD_DIGITS: u32 = 13_430;

/// Seconds without a key that end a Gather.
const TIMEOUT: u32 = 5;
/// Longest wait in seconds: that of a call.
const MAX_TIMEOUT: u32 = 14_400;

/// Attributes of speech recognition.
const NOT_YET: [&str; 11] = [
    "bargeIn",
    "debug",
    "enhanced",
    "hints",
    "language",
    "maxSpeechTime",
    "partialResultCallback",
    "partialResultCallbackMethod",
    "profanityFilter",
    "speechModel",
    "speechTimeout",
];

/// Collect keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gather {
    /// Document that follows once there are keys. None and the empty reference both mean this document.
    #[serde(default)]
    pub action: Option<String>,
    /// How `action` is asked for.
    #[serde(default)]
    pub method: Method,
    /// Seconds without a key that end it, counted from the end of the prompts or from the latest key.
    pub timeout: u32,
    /// The key that ends it once others were pressed; it is none of the digits. None: no key does.
    #[serde(default)]
    pub finish_on_key: Option<char>,
    /// So many keys end it at once. None: no number does.
    #[serde(default)]
    pub num_digits: Option<u32>,
    /// `action` is asked for even when no key was pressed; else the next verb follows then.
    #[serde(default)]
    pub action_on_empty_result: bool,
    /// Keys are listened to. Not so where a document asks for speech alone: the prompts are played and the time runs
    /// out.
    pub listens: bool,
    /// What the caller hears meanwhile, in order; a key ends it.
    #[serde(default)]
    pub prompts: Vec<Prompt>,
}

/// What is heard during a Gather.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Speak a text.
    Say(Say),
    /// Play a file; never keys.
    Play(Play),
    /// Wait.
    Pause(Pause),
}

impl Gather {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Gather {
        findings.refuse_text(element);
        let prompts = element.elements().filter_map(|child| Prompt::read(child, findings)).collect();
        let mut attributes = Attributes::of(element, findings);
        let gather = Gather {
            action: attributes.text("action"),
            method: attributes.method("method", BAD_METHOD),
            timeout: timeout(&mut attributes),
            finish_on_key: finish_on_key(&mut attributes),
            num_digits: attributes.at_least_one("numDigits", BAD_NUM_DIGITS),
            action_on_empty_result: attributes.flag("actionOnEmptyResult", BAD_ON_EMPTY, false),
            listens: listens(&mut attributes),
            prompts,
        };
        attributes.not_yet(&NOT_YET);
        gather
    }
}

impl Prompt {
    fn read(element: &Element<'_>, findings: &mut Findings) -> Option<Prompt> {
        match element.name {
            "Say" => Say::read(element, findings).map(Prompt::Say),
            "Play" => {
                let mut play = Play::read(element, findings)?;
                if play.digits.take().is_some() {
                    findings.add(
                        element.place,
                        BAD_DIGITS,
                        "<Play>: no keys are sent while keys are gathered",
                    );
                }
                (!play.source.is_empty()).then_some(Prompt::Play(play))
            }
            "Pause" => Some(Prompt::Pause(Pause::read(element, findings))),
            name => {
                let message = format!("<{name}> is not allowed in <Gather>; it is skipped");
                findings.add(element.place, BAD_NESTED, message);
                None
            }
        }
    }
}

/// `auto` leaves the time to the switch.
fn timeout(attributes: &mut Attributes<'_>) -> u32 {
    if attributes.is("timeout", "auto") {
        return TIMEOUT;
    }
    attributes.whole("timeout", BAD_TIMEOUT, 0..=MAX_TIMEOUT, TIMEOUT)
}

fn finish_on_key(attributes: &mut Attributes<'_>) -> Option<char> {
    const DEFAULT: Option<char> = Some('#');
    let Some(text) = attributes.text("finishOnKey") else { return DEFAULT };
    let mut keys = text.chars();
    match (keys.next(), keys.next()) {
        (None, _) => None,
        (Some(key @ ('0'..='9' | '#' | '*')), None) => Some(key),
        (Some(_), None) => {
            attributes.complain(BAD_KEY, "finishOnKey is one of 0-9 # *, or empty; # is used");
            DEFAULT
        }
        (Some(_), Some(_)) => {
            attributes.complain(TOO_MANY_KEYS, "finishOnKey is a single key, or empty; # is used");
            DEFAULT
        }
    }
}

/// Whether keys are among the inputs asked for.
fn listens(attributes: &mut Attributes<'_>) -> bool {
    const INPUTS: [(&str, bool); 2] = [("dtmf", true), ("speech", false)];
    let inputs = attributes.set_of("input", BAD_INPUT, &INPUTS).unwrap_or_else(|| vec![true]);
    let keys = inputs.contains(&true);
    if inputs.contains(&false) {
        let instead = if keys { "only keys are listened to" } else { "nothing is listened to" };
        attributes.complain(code::SCHEMA, format!("input: speech is not supported yet; {instead}"));
    }
    keys
}

#[cfg(test)]
mod tests;
