//! The cursor over a document: what happened with a step in, the next step out. Pure, serialisable, resumable.
//! It must never act: who drives it carries the actions out and tells how they went.

use serde::{Deserialize, Serialize};

use super::document::{Document, Step};
use super::finding::{Finding, ScriptError, code};
use super::verb::{Dial, Say, Verb};

/// Findings kept; what exceeds it adds nothing that a developer would read.
const MAX_FINDINGS: usize = 100;

/// What a caller hears whose script cannot be read.
const APOLOGY: &str = "We are sorry, an application error has occurred. Goodbye.";

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
    pub fn broken(error: &ScriptError) -> Self {
        let ScriptError { line, column, code, message } = error.clone();
        let apology =
            Verb::Say(Say { text: APOLOGY.into(), language: "en-US".into(), voice: None, loops: 1 });
        let steps = [apology, Verb::Hangup].into_iter().map(|verb| Step { line, column, verb }).collect();
        let mut script = Self::new(Document { steps });
        script.findings.push(Finding { line, column, code, message });
        script
    }

    /// The step wanted now; asked again after a restore, it has the same activity.
    pub fn action(&self) -> Action {
        let activity = self.activity();
        match self.document.steps.get(self.at).map(|step| &step.verb) {
            Some(Verb::Say(say)) => Action::Say {
                activity,
                text: say.text.clone(),
                language: say.language.clone(),
                voice: say.voice.clone(),
                loops: say.loops,
            },
            Some(Verb::Play(play)) => {
                Action::Play { activity, source: play.source.clone(), loops: play.loops }
            }
            Some(Verb::Pause(pause)) => Action::Pause { activity, seconds: pause.seconds },
            Some(Verb::Dial(dial)) => Action::Dial { activity, dial: dial.clone() },
            Some(Verb::Echo) => Action::Echo { activity },
            // Passed by.
            Some(Verb::Gather(_) | Verb::Record(_)) => Action::Pause { activity, seconds: 0 },
            Some(Verb::Redirect(_) | Verb::Reject(_) | Verb::Hangup) | None => Action::Hangup,
        }
    }

    /// Takes how a step went and answers with the step wanted next. The outcome of another step than the
    /// present one changes nothing, so that outcomes can be repeated; from a Hangup there is no way on.
    pub fn advance(&mut self, outcome: Outcome) -> Action {
        if self.action().activity() == Some(outcome.activity()) {
            match outcome {
                Outcome::Done { .. } => {}
                Outcome::DialEnded { status, .. } => self.last_dial = Some(status),
                Outcome::Failed { reason, .. } => self.skip(&reason),
            }
            self.at = self.at.saturating_add(1);
        }
        self.action()
    }

    /// The present step's number, from 1: the same however often it is asked.
    fn activity(&self) -> u64 {
        u64::try_from(self.at).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn skip(&mut self, reason: &str) {
        let Some(Step { line, column, verb }) = self.document.steps.get(self.at) else { return };
        let message = format!("<{}> was skipped: {reason}", verb.name());
        let dials = matches!(verb, Verb::Dial(_));
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding { line: *line, column: *column, code: code::SKIPPED, message });
        }
        if dials {
            self.last_dial = Some(DialStatus::Failed);
        }
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

impl Outcome {
    /// The step that it tells of.
    pub fn activity(&self) -> u64 {
        match self {
            Self::Done { activity } | Self::Failed { activity, .. } | Self::DialEnded { activity, .. } => {
                *activity
            }
        }
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

#[cfg(test)]
mod tests;
