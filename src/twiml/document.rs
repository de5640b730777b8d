//! A TwiML document: its steps in order, typed, each with the place where it stands.
//! Must never carry out a step, nor fail for a verb that it does not know: that is a finding.

use serde::{Deserialize, Serialize};

use super::attributes::{Attributes, Findings};
use super::element::{self, Place};
use super::finding::{Finding, ScriptError, code};
use super::verb::{Play, Say, Verb};

/// Where a document runs, which says what it may do (twiml.md §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    /// For the leg that a call began with: every verb.
    #[default]
    Main,
    /// For a callee that has answered and is not joined yet: it may be spoken to and asked, but neither dials nor
    /// records.
    Screening,
}

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

impl From<Document> for Parsed {
    fn from(document: Document) -> Self {
        Self { document, warnings: Vec::new() }
    }
}

impl Document {
    /// Reads the document of a call's first leg.
    ///
    /// # Errors
    /// Those of [`parse_in`](Self::parse_in).
    pub fn parse(xml: &[u8]) -> Result<Parsed, ScriptError> {
        Self::parse_in(xml, Context::Main)
    }

    /// Reads a document that is to run in `context`.
    ///
    /// # Errors
    /// The text is not well-formed, breaks a bound, its root is not `<Response>`, or it has what the dictionary calls
    /// an error instead of a warning.
    pub fn parse_in(xml: &[u8], context: Context) -> Result<Parsed, ScriptError> {
        let root = element::read(xml)?;
        if root.name != "Response" {
            return Err(root.place.error(code::ROOT, format!("the root is <{}>, not <Response>", root.name)));
        }
        let mut findings = Findings::default();
        drop(Attributes::of(&root, &mut findings));
        if root.has_text() {
            findings.add(root.place, code::SCHEMA, "<Response>: text between verbs is ignored");
        }
        let mut steps = Vec::new();
        for element in root.elements() {
            let Place { line, column } = element.place;
            steps.extend(Verb::read(element, context, &mut findings).map(|verb| Step { line, column, verb }));
        }
        Ok(Parsed { document: Document { steps }, warnings: findings.finish()? })
    }

    /// A document that speaks a text: what an answer in plain text means.
    pub fn spoken(text: &str) -> Document {
        Self::of(Say::plain(text).map(Verb::Say))
    }

    /// A document that plays a file: what an answer that is audio means.
    pub fn played(url: &str) -> Document {
        Self::of(Some(Verb::Play(Play { source: url.to_owned(), loops: 1, digits: None })))
    }

    /// What is heard in place of a document that cannot be run: these words, and the end of the call.
    pub fn apology(text: &str) -> Document {
        let mut document = Self::spoken(text);
        document.steps.push(Step { line: 1, column: 1, verb: Verb::Hangup });
        document
    }

    fn of(verb: Option<Verb>) -> Document {
        Document { steps: verb.map(|verb| Step { line: 1, column: 1, verb }).into_iter().collect() }
    }
}

#[cfg(test)]
mod tests;
