//! What a noun of `<Dial>` asks to be told, and the document that its callee hears first.
//! Must never fetch or post.

use serde::{Deserialize, Serialize};

use super::Method;
use crate::twiml::attributes::Attributes;
use crate::twiml::finding::code;

/// What is told about one attempt, and what is asked before its callee is joined. Not carried out yet.
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
    pub(super) fn read(attributes: &mut Attributes<'_>) -> Hooks {
        let url = attributes.text("url");
        let status_callback = attributes.text("statusCallback");
        for (name, hook) in [("url", &url), ("statusCallback", &status_callback)] {
            if hook.is_some() {
                attributes.complain(code::SCHEMA, format!("{name}: webhooks come later; it is ignored"));
            }
        }
        let events = attributes.set_of("statusCallbackEvent", code::SCHEMA, &PROGRESS);
        let told = status_callback.is_some();
        Hooks {
            url,
            method: attributes.method("method", code::SCHEMA),
            status_callback_method: attributes.method("statusCallbackMethod", code::SCHEMA),
            status_callback_event: if told {
                events.unwrap_or_else(|| vec![Progress::Completed])
            } else {
                vec![]
            },
            status_callback,
        }
    }
}
