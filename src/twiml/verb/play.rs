//! `<Play>`: play a file.
//! Must never fetch it.

use serde::{Deserialize, Serialize};

use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;
use crate::twiml::finding::code;

const BAD_LOOP: u32 = 13_410;
const BAD_DIGITS: u32 = 13_430;

/// Play a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Play {
    /// URL or path as the document has it, not yet resolved.
    pub source: String,
    /// How often, 1 to 1000.
    pub loops: u32,
    /// Keys to send instead of a file, `w` half a second, `W` one. Not carried out yet.
    #[serde(default)]
    pub digits: Option<String>,
}

impl Play {
    pub(super) fn read(element: &Element, findings: &mut Findings) -> Option<Play> {
        findings.refuse_children(element);
        let mut attributes = Attributes::of(element, findings);
        let loops = attributes.loops(BAD_LOOP);
        let digits = attributes.keys("digits", BAD_DIGITS);
        if digits.is_some() {
            attributes.complain(code::SCHEMA, "digits are not supported yet; they are not sent");
        }
        let source = element.text();
        if source.is_empty() || source.chars().any(char::is_control) {
            attributes.complain(code::SCHEMA, "there is no file to play; it is skipped");
            return None;
        }
        Some(Play { source, loops, digits })
    }
}
