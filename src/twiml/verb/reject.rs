//! `<Reject>`: refuse the call without answering it.
//! Must never know the status code that a refusal becomes.

use serde::{Deserialize, Serialize};

use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;

const BAD_REASON: u32 = 13_810;

/// Refuse the call; one that is answered already ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The caller is told that the line is busy, instead of that nobody takes the call.
    #[serde(default)]
    pub busy: bool,
}

impl Reject {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Reject {
        findings.refuse_text(element);
        findings.children_not_yet(element, &["Parameter"]);
        let mut attributes = Attributes::of(element, findings);
        Reject {
            busy: attributes.one_of("reason", BAD_REASON, &[("rejected", false), ("busy", true)], false),
        }
    }
}

#[cfg(test)]
mod tests;
