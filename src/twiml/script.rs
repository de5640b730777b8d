//! The cursor over a document: what happened with a step in, the next step out. Pure, serialisable, resumable.
//! It must never act: who drives it carries the actions out and tells how they went.

use serde::{Deserialize, Serialize};

use super::document::Document;
use super::finding::{Finding, ScriptError};
use super::verb::Dial;

/// A document being run for a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    document: Document,
    at: usize,
    #[serde(default)]
    findings: Vec<Finding>,
    #[serde(default)]
    last_dial: Option<DialStatus>,
}

/// The step wanted now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Speak.
    Say {
        /// Names this step in outcomes, players and snapshots.
        activity: u64,
        /// The text.
        text: String,
        /// BCP 47 tag.
        language: String,
        /// Voice by name.
        voice: Option<String>,
        /// How often, 1 to 1000.
        loops: u32,
    },
    /// Play a file.
    Play {
        /// Names this step.
        activity: u64,
        /// URL or path as the document has it.
        source: String,
        /// How often, 1 to 1000.
        loops: u32,
    },
    /// Wait.
    Pause {
        /// Names this step.
        activity: u64,
        /// Seconds.
        seconds: u32,
    },
    /// Call somebody and join the parties.
    Dial {
        /// Names this step.
        activity: u64,
        /// Whom, and how.
        dial: Box<Dial>,
    },
    /// Send the caller's sound back until the call ends.
    Echo {
        /// Names this step.
        activity: u64,
    },
    /// End the call; also wanted when the verbs have run out.
    Hangup,
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran to its end.
    Done {
        /// The step.
        activity: u64,
    },
    /// It could not be carried out.
    Failed {
        /// The step.
        activity: u64,
        /// Why, for a developer.
        reason: String,
    },
    /// A Dial is over and the caller still there.
    DialEnded {
        /// The step.
        activity: u64,
        /// How it ended.
        status: DialStatus,
    },
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

impl Script {
    /// A script at the first step of `document`.
    pub fn new(document: Document) -> Self {
        Self { document, at: 0, findings: Vec::new(), last_dial: None }
    }

    /// What runs in place of a document that cannot be read: an apology, then the end of the call.
    pub fn broken(_error: &ScriptError) -> Self {
        Self::new(Document::default())
    }

    /// The step wanted now; asked again after a restore, it has the same activity.
    pub fn action(&self) -> Action {
        Action::Hangup
    }

    /// Takes how a step went and answers with the step wanted next. The outcome of another step than the
    /// present one changes nothing.
    pub fn advance(&mut self, _outcome: Outcome) -> Action {
        self.action()
    }

    /// What went wrong so far, in order.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How the latest Dial ended. A leg that is still unanswered when the script wants to hang up can be refused
    /// with it instead of answered.
    pub fn last_dial(&self) -> Option<DialStatus> {
        self.last_dial
    }
}

impl Action {
    /// Whether the step needs an answered leg. A Pause does not: a document that begins with one keeps ringing for
    /// that long.
    pub fn answers(&self) -> bool {
        match self {
            Self::Say { .. } | Self::Play { .. } | Self::Echo { .. } | Self::Hangup => true,
            Self::Pause { .. } => false,
            Self::Dial { dial, .. } => !dial.answer_on_bridge,
        }
    }

    /// The activity of the step; none for the end.
    pub fn activity(&self) -> Option<u64> {
        match self {
            Self::Say { activity, .. }
            | Self::Play { activity, .. }
            | Self::Pause { activity, .. }
            | Self::Dial { activity, .. }
            | Self::Echo { activity } => Some(*activity),
            Self::Hangup => None,
        }
    }
}
