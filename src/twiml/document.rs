//! A TwiML document: its steps in order, typed, each with the place where it stands.
//! Must never carry out a step, nor fail for a verb that it does not know: that is a finding.

use serde::{Deserialize, Serialize};

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
    pub fn parse(_xml: &[u8]) -> Result<Parsed, ScriptError> {
        Err(ScriptError { line: 1, column: 1, code: code::PARSE, message: "not read yet".into() })
    }
}
