//! `<Pause>`: wait.
//! Must never hold a clock: it names a length.

use serde::{Deserialize, Serialize};

use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;

const BAD_LENGTH: u32 = 13_910;

/// Longest pause in seconds: that of a call.
const MAX_LENGTH: u32 = 14_400;

/// Wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Seconds, 0 to 14400.
    pub seconds: u32,
}

impl Pause {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Pause {
        findings.refuse_text(element);
        findings.refuse_children(element);
        let mut attributes = Attributes::of(element, findings);
        Pause { seconds: attributes.whole("length", BAD_LENGTH, 0..=MAX_LENGTH, 1) }
    }
}

#[cfg(test)]
mod tests;
