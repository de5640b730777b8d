//! The verbs, typed, one file each: what an element says, with defaults in place.
//! Must never carry a verb out.

pub mod client;
pub mod dial;
pub mod hooks;
pub mod number;
pub mod pause;
pub mod play;
pub mod recording;
pub mod say;
pub mod sip;

use serde::{Deserialize, Serialize};

pub use client::Client;
pub use dial::{Dial, Noun};
pub use hooks::{Hooks, Progress};
pub use number::Number;
pub use pause::Pause;
pub use play::Play;
pub use recording::Recording;
pub use say::Say;
pub use sip::Sip;

use super::attributes::{Attributes, Findings};
use super::element::Element;
use super::finding::code;

/// One step of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Speak a text.
    Say(Say),
    /// Play a file.
    Play(Play),
    /// Wait.
    Pause(Pause),
    /// Call somebody and join the parties.
    Dial(Box<Dial>),
    /// End the call.
    Hangup,
    /// Send the caller's own sound back until the end of the call.
    Echo,
}

/// Verbs that TwiML has and this switch does not run yet.
const NOT_YET: [&str; 14] = [
    "Connect", "Enqueue", "Gather", "Leave", "Pay", "Prompt", "Queue", "Record", "Redirect", "Refer",
    "Reject", "Sms", "Start", "Stop",
];

impl Verb {
    /// Reads a verb; none if it is unknown or says nothing that could be done, which is a finding.
    pub(super) fn read(element: &Element, findings: &mut Findings) -> Option<Verb> {
        match element.name.as_str() {
            "Say" => Say::read(element, findings).map(Verb::Say),
            "Play" => Play::read(element, findings).map(Verb::Play),
            "Pause" => Some(Verb::Pause(Pause::read(element, findings))),
            "Dial" => Dial::read(element, findings).map(|dial| Verb::Dial(Box::new(dial))),
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
            Self::Dial(_) => "Dial",
            Self::Hangup => "Hangup",
            Self::Echo => "Echo",
        }
    }
}

/// A verb without attributes and content.
fn bare(element: &Element, findings: &mut Findings, verb: Verb) -> Verb {
    findings.refuse_children(element);
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
