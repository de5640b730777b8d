//! The cursor over a document: the step wanted now, and the way to the next. Pure, serialisable, resumable.
//! It must never act: who drives it carries the steps out.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::document::{Document, Step};

/// A document being run for a leg.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    document: Document,
    at: usize,
}

impl Script {
    /// A script at the first step of `document`.
    pub fn new(document: Document) -> Self {
        Self { document, at: 0 }
    }

    /// The step wanted now, with its place in the document; `None` once the verbs have run out.
    pub fn step(&self) -> Option<&Step> {
        self.document.steps.get(self.at)
    }

    /// Goes on to the next step.
    pub fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }
}

/// How a Dial ended: `DialCallStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialStatus {
    /// The parties talked.
    Completed,
    /// The callee was busy.
    Busy,
    /// Nobody answered in time.
    NoAnswer,
    /// No way to the callee.
    Failed,
    /// The caller gave up.
    Canceled,
}

impl DialStatus {
    /// As webhooks write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

impl fmt::Display for DialStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_goes_from_step_to_step_and_stays_at_its_end() {
        let parsed = Document::parse(b"<Response><Pause/><Hangup/></Response>").expect("a document");
        let mut script = Script::new(parsed.document);
        let mut names = Vec::new();
        while let Some(step) = script.step() {
            names.push(step.verb.name());
            script.advance();
        }
        script.advance();
        assert_eq!((names.as_slice(), script.step()), (["Pause", "Hangup"].as_slice(), None));
    }
}
