//! `<Play>`: play a file, or send keys.
//! Must never fetch the file.

use serde::{Deserialize, Serialize};

use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;
use crate::twiml::finding::code;

const BAD_LOOP: u32 = 13_410;
const BAD_DIGITS: u32 = 13_430;

/// Play a file, or send keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Play {
    /// URL or path as the document has it, not yet resolved; empty where there are only keys.
    pub source: String,
    /// How often the file is played, 1 to 1000.
    pub loops: u32,
    /// Keys to send instead of a file, not empty: `0-9 A-D # *`, `w` waits half a second, `W` one.
    #[serde(default)]
    pub digits: Option<String>,
}

impl Play {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Option<Play> {
        findings.refuse_children(element);
        let mut attributes = Attributes::of(element, findings);
        let loops = attributes.loops(BAD_LOOP);
        let digits = attributes.keys("digits", BAD_DIGITS);
        let source = element.text();
        if source.contains(char::is_control) || source.is_empty() && digits.is_none() {
            attributes.complain(code::SCHEMA, "there is no file to play; it is skipped");
            return None;
        }
        Some(Play { source, loops, digits })
    }
}

#[cfg(test)]
mod tests;
