//! The verbs, typed, one file each: what an element says, with defaults in place.
//! Must never carry a verb out.

pub mod client;
pub mod dial;
pub mod gather;
pub mod hooks;
pub mod number;
pub mod pause;
pub mod play;
pub mod record;
pub mod recording;
pub mod redirect;
pub mod reject;
#[cfg(test)]
mod rows;
pub mod say;
pub mod sip;
mod voices;

use serde::{Deserialize, Serialize};

pub use client::Client;
pub use dial::{Dial, Noun};
pub use gather::{Gather, Prompt};
pub use hooks::{Hooks, Progress};
pub use number::Number;
pub use pause::Pause;
pub use play::Play;
pub use record::Record;
pub use recording::Recording;
pub use redirect::Redirect;
pub use reject::Reject;
pub use say::Say;
pub use sip::Sip;

use super::attributes::{Attributes, Findings};
use super::document::Context;
use super::element::Element;
use super::finding::code;

/// One step of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Speak a text.
    Say(Say),
    /// Play a file, or send keys.
    Play(Play),
    /// Wait.
    Pause(Pause),
    /// Collect keys.
    Gather(Box<Gather>),
    /// Record the caller.
    Record(Box<Record>),
    /// Call somebody and join the parties.
    Dial(Box<Dial>),
    /// Go on with another document.
    Redirect(Redirect),
    /// Refuse the call.
    Reject(Reject),
    /// End the call.
    Hangup,
    /// Send the caller's own sound back until the end of the call.
    Echo,
}

/// Verbs that TwiML has and this switch does not run yet.
const NOT_YET: [&str; 10] =
    ["Connect", "Enqueue", "Leave", "Pay", "Prompt", "Queue", "Refer", "Sms", "Start", "Stop"];

/// What a callee may be told and asked before it is joined, and what would make it a caller.
const SCREENING: [&str; 6] = ["Say", "Play", "Pause", "Gather", "Hangup", "Redirect"];
const NEVER_SCREENING: [&str; 2] = ["Dial", "Record"];

impl Verb {
    /// Reads a verb; none if it is unknown, has no place in `context` or says nothing that could be done, which is a
    /// finding.
    pub(super) fn read(element: &Element<'_>, context: Context, findings: &mut Findings) -> Option<Verb> {
        if context == Context::Screening && !is_screening(element, findings) {
            return None;
        }
        match element.name {
            "Say" => Say::read(element, findings).map(Verb::Say),
            "Play" => Play::read(element, findings).map(Verb::Play),
            "Pause" => Some(Verb::Pause(Pause::read(element, findings))),
            "Gather" => Some(Verb::Gather(Box::new(Gather::read(element, findings)))),
            "Record" => Some(Verb::Record(Box::new(Record::read(element, findings)))),
            "Dial" => Dial::read(element, findings).map(|dial| Verb::Dial(Box::new(dial))),
            "Redirect" => Redirect::read(element, findings).map(Verb::Redirect),
            "Reject" => Some(Verb::Reject(Reject::read(element, findings))),
            "Hangup" => Some(bare(element, findings, Verb::Hangup)),
            "Echo" => Some(bare(element, findings, Verb::Echo)),
            name => {
                let fate = if NOT_YET.contains(&name) { "not supported yet" } else { "no verb" };
                findings.add(element.place, code::SCHEMA, format!("<{name}> is {fate}; it is skipped"));
                None
            }
        }
    }

    /// The verb's name in a document.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Say(_) => "Say",
            Self::Play(_) => "Play",
            Self::Pause(_) => "Pause",
            Self::Gather(_) => "Gather",
            Self::Record(_) => "Record",
            Self::Dial(_) => "Dial",
            Self::Redirect(_) => "Redirect",
            Self::Reject(_) => "Reject",
            Self::Hangup => "Hangup",
            Self::Echo => "Echo",
        }
    }
}

/// Whether a verb may stand in a document for a callee that is not joined yet; what may not is told.
fn is_screening(element: &Element<'_>, findings: &mut Findings) -> bool {
    let name = element.name;
    if NEVER_SCREENING.contains(&name) {
        let message = format!("<{name}>: a callee that is not joined yet cannot be made to");
        findings.add(element.place, code::NOT_SCREENING, message);
    } else if !SCREENING.contains(&name) {
        let message = format!("<{name}> is not allowed for a callee that is not joined yet; it is skipped");
        findings.add(element.place, code::SCHEMA, message);
    }
    SCREENING.contains(&name)
}

/// A verb without attributes and content; a document that another call runs may hand parameters back with it.
fn bare(element: &Element<'_>, findings: &mut Findings, verb: Verb) -> Verb {
    findings.refuse_text(element);
    findings.children_not_yet(element, &["Parameter"]);
    drop(Attributes::of(element, findings));
    verb
}

/// How a URL of a script is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Parameters in the query.
    #[serde(rename = "GET")]
    Get,
    /// Parameters in the body.
    #[default]
    #[serde(rename = "POST")]
    Post,
}

#[cfg(test)]
mod tests;
