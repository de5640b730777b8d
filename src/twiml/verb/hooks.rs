//! What a noun of `<Dial>` asks to be told, and the document that its callee hears first.
//! Must never fetch or post.

use serde::{Deserialize, Serialize};

use super::Method;
use crate::twiml::attributes::Attributes;
use crate::twiml::finding::code;

/// What is told about one attempt, and what its callee hears before it is joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    /// Document run for the callee before the parties are joined.
    #[serde(default)]
    pub url: Option<String>,
    /// How `url` is asked for.
    #[serde(default)]
    pub method: Method,
    /// Where progress is told.
    #[serde(default)]
    pub status_callback: Option<String>,
    /// How it is told.
    #[serde(default)]
    pub status_callback_method: Method,
    /// Which progress is told; nothing without a `status_callback`.
    #[serde(default)]
    pub status_callback_event: Vec<Progress>,
}

/// Steps of an attempt that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The attempt is on its way.
    Initiated,
    /// The callee's telephone rings.
    Ringing,
    /// The callee has answered.
    Answered,
    /// The attempt has ended.
    Completed,
}

const PROGRESS: [(&str, Progress); 4] = [
    ("initiated", Progress::Initiated),
    ("ringing", Progress::Ringing),
    ("answered", Progress::Answered),
    ("completed", Progress::Completed),
];

impl Hooks {
    /// Reads what every noun may have; `bad_method` is the noun's own code.
    pub(super) fn read(attributes: &mut Attributes<'_>, bad_method: u32) -> Hooks {
        let url = attributes.url("url");
        let method = attributes.method("method", bad_method);
        let status_callback = attributes.url("statusCallback");
        let status_callback_method = attributes.method("statusCallbackMethod", code::SCHEMA);
        let events = attributes.set_of("statusCallbackEvent", code::SCHEMA, &PROGRESS);
        let events = events.unwrap_or_else(|| vec![Progress::Completed]);
        Hooks {
            url,
            method,
            status_callback_method,
            status_callback_event: if status_callback.is_some() { events } else { Vec::new() },
            status_callback,
        }
    }
}
