//! `<Dial>`: call somebody and join the parties.
//! Must never know legs or attempts.

use serde::{Deserialize, Serialize};
use trunkline_media::tone::Country;

use super::{Client, Hooks, Method, Number, Recording, Sip};
use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;
use crate::twiml::finding::code;

const NOBODY: u32 = 13_000;
const BAD_METHOD: u32 = 13_210;
const BAD_TIMEOUT: u32 = 13_212;
const BAD_STAR: u32 = 13_213;
const BAD_CALLER: u32 = 13_214;
const BAD_NESTED: u32 = 13_215;
const BAD_TIME_LIMIT: u32 = 13_216;
const BAD_SEQUENTIAL: u32 = 13_218;
const BAD_ON_BRIDGE: u32 = 13_219;
const BAD_RING_TONE: u32 = 13_220;
const LONG_CALLER: u32 = 13_248;
const TOO_MANY: u32 = 13_250;

/// Most nouns of one Dial.
const MAX_NOUNS: usize = 10;
/// Longest `callerId` in bytes.
const MAX_CALLER: usize = 128;
/// Longest talk in seconds, and the default: one day, four hours.
const MAX_TALK: u32 = 86_400;
const TALK: u32 = 14_400;

/// Nouns that stand for something other than one telephone.
const NOUNS_NOT_YET: [&str; 5] = ["Application", "Conference", "Queue", "Sim", "WhatsApp"];

/// Those of them that cannot be dialled together with others.
const ALONE: [&str; 4] = ["Application", "Conference", "Queue", "WhatsApp"];

/// Call somebody and join the parties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial {
    /// Whom to call: up to 10. Nobody, where all who were named are refused: the Dial fails (twiml.md §9).
    pub nouns: Vec<Noun>,
    /// Seconds to wait for an answer, 5 to 600.
    pub timeout: u32,
    /// Seconds that the parties may talk.
    pub time_limit: u32,
    /// The caller's star key drops the callee.
    #[serde(default)]
    pub hangup_on_star: bool,
    /// Who is shown as the caller; the caller's own number if none.
    #[serde(default)]
    pub caller_id: Option<String>,
    /// The caller's leg is answered only when the callee's is.
    #[serde(default)]
    pub answer_on_bridge: bool,
    /// Country whose ringback is played; our own if none.
    #[serde(default)]
    pub ring_tone: Option<Country>,
    /// One noun after the other instead of all at once.
    #[serde(default)]
    pub sequential: bool,
    /// Document that follows; the next verb does if there is none. Empty means this document.
    #[serde(default)]
    pub action: Option<String>,
    /// How `action` is asked for.
    #[serde(default)]
    pub method: Method,
    /// How the parties are recorded.
    #[serde(default)]
    pub recording: Recording,
}

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noun {
    /// A telephone number.
    Number(Number),
    /// A registered endpoint.
    Client(Client),
    /// A SIP address.
    Sip(Sip),
}

impl Noun {
    /// What it asks to be told, and what its callee hears first.
    pub fn hooks(&self) -> &Hooks {
        match self {
            Self::Number(number) => &number.hooks,
            Self::Client(client) => &client.hooks,
            Self::Sip(sip) => &sip.hooks,
        }
    }

    /// The same, to be changed.
    pub fn hooks_mut(&mut self) -> &mut Hooks {
        match self {
            Self::Number(number) => &mut number.hooks,
            Self::Client(client) => &mut client.hooks,
            Self::Sip(sip) => &mut sip.hooks,
        }
    }
}

impl Dial {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Option<Dial> {
        let nouns = nouns(element, findings);
        let mut attributes = Attributes::of(element, findings);
        let dial = Dial {
            nouns,
            timeout: attributes.whole("timeout", BAD_TIMEOUT, 5..=600, 30),
            time_limit: attributes.whole("timeLimit", BAD_TIME_LIMIT, 1..=MAX_TALK, TALK),
            hangup_on_star: attributes.flag("hangupOnStar", BAD_STAR, false),
            caller_id: caller_id(&mut attributes),
            answer_on_bridge: attributes.flag("answerOnBridge", BAD_ON_BRIDGE, false),
            ring_tone: ring_tone(&mut attributes),
            sequential: attributes.flag("sequential", BAD_SEQUENTIAL, false),
            action: attributes.text("action"),
            method: attributes.method("method", BAD_METHOD),
            recording: Recording::of_dial(&mut attributes),
        };
        attributes.not_yet(&["referUrl", "referMethod", "recordingConfigurationId"]);
        attributes.not_yet(&["callReason", "events", "passports"]);
        if !dial.nouns.is_empty() {
            return Some(dial);
        }
        let is_meant = names_anybody(element);
        let fate = if is_meant { "it fails" } else { "it is skipped" };
        attributes.complain(NOBODY, format!("there is nobody to dial; {fate}"));
        is_meant.then_some(dial)
    }
}

/// Whom the content names: elements, or else plain text for one number.
fn nouns(element: &Element<'_>, findings: &mut Findings) -> Vec<Noun> {
    let mut nouns = Vec::new();
    for child in element.elements() {
        let noun = match child.name {
            "Number" => Number::read(child, findings).map(Noun::Number),
            "Client" => Client::read(child, findings).map(Noun::Client),
            "Sip" => Sip::read(child, findings).map(Noun::Sip),
            name => {
                let (code, fate) = if NOUNS_NOT_YET.contains(&name) {
                    (code::SCHEMA, "not supported yet")
                } else {
                    (BAD_NESTED, "not allowed in <Dial>")
                };
                findings.add(child.place, code, format!("<{name}> is {fate}; it is not dialled"));
                None
            }
        };
        nouns.extend(noun);
    }
    if element.elements().count() > 1 && element.elements().any(|noun| ALONE.contains(&noun.name)) {
        let message = format!("<Dial>: {} stand alone, the others are dialled", ALONE.join(", "));
        findings.add(element.place, BAD_NESTED, message);
    }
    let text = element.text();
    match (text.is_empty(), element.elements().next()) {
        (true, _) => {}
        (false, None) => nouns.extend(Number::plain(&text, element, findings).map(Noun::Number)),
        (false, Some(_)) => findings.add(element.place, code::SCHEMA, "<Dial>: text beside nouns is ignored"),
    }
    if nouns.len() > MAX_NOUNS {
        findings.add(element.place, TOO_MANY, format!("<Dial>: only the first {MAX_NOUNS} are dialled"));
        nouns.truncate(MAX_NOUNS);
    }
    nouns
}

/// Whether the content names somebody at all, who can be dialled or not.
fn names_anybody(element: &Element<'_>) -> bool {
    let is_noun = |name| matches!(name, "Number" | "Client" | "Sip") || NOUNS_NOT_YET.contains(&name);
    !element.text().is_empty() || element.elements().any(|child| is_noun(child.name))
}

fn caller_id(attributes: &mut Attributes<'_>) -> Option<String> {
    let caller = attributes.text("callerId").filter(|caller| !caller.is_empty())?;
    if caller.len() > MAX_CALLER {
        attributes.complain(LONG_CALLER, "callerId is too long; the caller's own is shown");
        return None;
    }
    if caller.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ';' | '?')) {
        attributes.complain(BAD_CALLER, "callerId cannot stand in an address; the caller's own is shown");
        return None;
    }
    Some(caller)
}

fn ring_tone(attributes: &mut Attributes<'_>) -> Option<Country> {
    let country = attributes.text("ringTone")?.to_ascii_lowercase().parse();
    if country.is_err() {
        attributes.complain(BAD_RING_TONE, "ringTone names no country that has one; the default is used");
    }
    country.ok()
}

#[cfg(test)]
mod tests;
