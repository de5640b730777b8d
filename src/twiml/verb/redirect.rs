//! `<Redirect>`: go on with another document.
//! Must never fetch or resolve it.

use serde::{Deserialize, Serialize};

use super::Method;
use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;
use crate::twiml::finding::code;

const BAD_METHOD: u32 = 13_710;

/// Go on with another document; what follows this verb never runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// URL as the document has it, not yet resolved; empty means this document.
    #[serde(default)]
    pub url: String,
    /// How it is asked for.
    #[serde(default)]
    pub method: Method,
}

impl Redirect {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Option<Redirect> {
        findings.refuse_children(element);
        let mut attributes = Attributes::of(element, findings);
        let method = attributes.method("method", BAD_METHOD);
        let url = element.text();
        if url.contains(char::is_control) {
            attributes.complain(code::BAD_URL, "a URL has no control characters");
            return None;
        }
        Some(Redirect { url, method })
    }
}

#[cfg(test)]
mod tests;
