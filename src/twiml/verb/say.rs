//! `<Say>`: speak a text.
//! Must never choose an engine: it names a language and perhaps a voice.

use serde::{Deserialize, Serialize};

use super::voices;
use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::{Element, Node};
use crate::twiml::finding::code;

const BAD_LOOP: u32 = 13_510;
const BAD_VOICE: u32 = 13_511;
const BAD_LANGUAGE: u32 = 13_512;
const NO_TEXT: u32 = 13_520;
const LONG_TEXT: u32 = 13_521;

/// Longest text in characters.
const MAX_TEXT: usize = 4_096;

/// What is spoken where a document names neither a language nor a voice that has one.
const LANGUAGE: &str = "en-US";

/// Markup that voices of other engines understand. Ours speak what is inside (twiml.md §2: basic voices).
const SSML: [&str; 12] = [
    "break",
    "emphasis",
    "lang",
    "p",
    "phoneme",
    "prosody",
    "s",
    "say-as",
    "sub",
    "w",
    "speak",
    "amazon:effect",
];

/// Speak a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Say {
    /// The text, without markup, at most 4096 characters, not empty.
    pub text: String,
    /// BCP 47 tag.
    pub language: String,
    /// The voice by name, where one is asked for.
    #[serde(default)]
    pub voice: Option<String>,
    /// How often, 1 to 1000.
    pub loops: u32,
}

impl Say {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Option<Say> {
        let mut spoken = String::new();
        collect(element, &mut spoken, findings);
        let mut attributes = Attributes::of(element, findings);
        let language = attributes.text("language").filter(|tag| {
            let known = is_language(tag);
            if !known {
                attributes.complain(BAD_LANGUAGE, "language is no BCP 47 tag; the default is used");
            }
            known
        });
        let voice = attributes.text("voice").filter(|name| {
            let known = voices::is_voice(name);
            if !known {
                attributes.complain(BAD_VOICE, "voice is unknown; the language's own is used");
            }
            known
        });
        let own = || {
            voice
                .as_deref()
                .and_then(voices::language)
                .filter(|tag| is_language(tag))
                .unwrap_or(LANGUAGE)
                .to_owned()
        };
        let language = language.unwrap_or_else(own);
        let loops = attributes.loops(BAD_LOOP);
        let mut text = on_one_line(&spoken);
        if text.is_empty() {
            attributes.complain(NO_TEXT, "there is no text; it is skipped");
            return None;
        }
        if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
            attributes.complain(LONG_TEXT, format!("only the first {MAX_TEXT} characters are spoken"));
            text.truncate(end);
        }
        Some(Say { text, language, voice, loops })
    }

    /// Speaks a text as it stands, once; none if it is empty. What exceeds the longest text is left out.
    pub(in crate::twiml) fn plain(text: &str) -> Option<Say> {
        let text: String = on_one_line(text).chars().take(MAX_TEXT).collect();
        (!text.is_empty()).then(|| Say { text, language: LANGUAGE.into(), voice: None, loops: 1 })
    }
}

/// The words with one blank between them.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
    }
    line
}

/// Appends what is spoken of an element: depth is bounded by the reader of the document.
fn collect(element: &Element<'_>, spoken: &mut String, findings: &mut Findings) {
    for child in &element.children {
        match child {
            Node::Text(text) => spoken.push_str(text),
            Node::Element(inner) => {
                if let Some(alias) = inner.attribute("alias").filter(|_| inner.name == "sub") {
                    spoken.push_str(alias);
                    continue;
                }
                if !SSML.contains(&inner.name) {
                    let message = format!("<{}> is not allowed in <Say>; its text is spoken", inner.name);
                    findings.add(inner.place, code::SCHEMA, message);
                }
                // A pause of the markup parts words, emphasis does not.
                let parts = matches!(inner.name, "break" | "p" | "s");
                spoken.push_str(if parts { " " } else { "" });
                collect(inner, spoken, findings);
                spoken.push_str(if parts { " " } else { "" });
            }
        }
    }
}

/// The shape of a BCP 47 tag: two or three letters, then subtags.
fn is_language(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let primary = subtags.next().unwrap_or_default();
    matches!(primary.len(), 2 | 3)
        && primary.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|part| matches!(part.len(), 1..=8) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests;
