//! A TwiML document: its steps in order, typed, each with the place where it stands.
//! Must never carry out a step, nor fail for a verb that it does not know: that is a finding.

use serde::{Deserialize, Serialize};

use super::attributes::{Attributes, Findings};
use super::element::{self, Place};
use super::finding::{Finding, ScriptError, code};
use super::verb::Verb;

/// A document that can be run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The verbs, from top to bottom.
    pub steps: Vec<Step>,
}

/// One verb of a document and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Line of its start tag, from 1.
    pub line: u32,
    /// Column of its start tag in bytes, from 1.
    pub column: u32,
    /// What to do.
    pub verb: Verb,
}

/// A document and what was found wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What can be run.
    pub document: Document,
    /// What it had to do without.
    pub warnings: Vec<Finding>,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// The text is not well-formed, breaks a bound, or its root is not `<Response>`.
    pub fn parse(xml: &[u8]) -> Result<Parsed, ScriptError> {
        let root = element::read(xml)?;
        if root.name != "Response" {
            return Err(root.place.error(code::ROOT, format!("the root is <{}>, not <Response>", root.name)));
        }
        let mut findings = Findings::default();
        drop(Attributes::of(&root, &mut findings));
        if !root.text().is_empty() {
            findings.add(root.place, code::SCHEMA, "<Response>: text between verbs is ignored");
        }
        let mut steps = Vec::new();
        for element in root.elements() {
            let Place { line, column } = element.place;
            steps.extend(Verb::read(element, &mut findings).map(|verb| Step { line, column, verb }));
        }
        Ok(Parsed { document: Document { steps }, warnings: findings.into_vec() })
    }
}

#[cfg(test)]
mod tests;
