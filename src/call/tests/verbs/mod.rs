//! What each verb does, attribute by attribute: each row quotes the reference (twiml.md) and tells a default from any
//! other value. Stories of several verbs stand beside this folder.

mod dial;
mod gather;
mod hangup;
mod later;
mod nouns;
mod pause;
mod play;
mod record;
mod redirect;
mod reject;
mod say;
mod screened;

use super::script::Run;
use super::*;
use crate::call::script::{Beginning, Hook, Place, ScriptInput};
use crate::twiml::document::Context;
use crate::twiml::verb::Method;

/// A row: what the reference says, the document, and the words that come of it.
type Row = (&'static str, &'static str, &'static [&'static str]);

/// Each document wants what its row says, from the start.
fn begin_with(rows: &[Row]) {
    for (says, body, words) in rows {
        assert_eq!(Run::of(body).1, *words, "{says}: {body}");
    }
}

/// One that was asked for as a route says.
fn asked(url: &str, method: Method, fallback: Option<Hook>, context: Context) -> Run {
    let hook = Hook { place: Place::Url(url.to_owned()), method };
    Run::with(Beginning::Hook(hook), fallback, context).0
}
