//! `trunkline records`, and `trunkline call` for calls that the switch has forgotten: what the ledger tells.
//! It must never need a running switch.

use std::path::Path;
use std::process::ExitCode;

use trunkline::ids::LegId;
use trunkline::ledger::{self, CallRecord};
use trunkline::ops::control::{ControlError, Question};
use trunkline::ops::print;

use super::show::{say, show};

/// Prints the latest records.
pub fn last(data: &Path, most: usize, as_json: bool) -> anyhow::Result<ExitCode> {
    print(&ledger::last(data, most)?, as_json)
}

/// Prints everything about a call, or what its record says.
pub fn call(data: &Path, leg: Option<LegId>, as_json: bool) -> anyhow::Result<ExitCode> {
    let asked = show(data, &Question::Call { leg }, as_json);
    let (Err(error), Some(leg)) = (&asked, leg) else { return asked };
    let is_unknown =
        |error: &ControlError| matches!(error, ControlError::Refused(_) | ControlError::NotRunning(_));
    if !error.downcast_ref().is_some_and(is_unknown) {
        return asked;
    }
    match ledger::find(data, leg)? {
        none if none.is_empty() => asked,
        found => print(&found, as_json),
    }
}

fn print(records: &[CallRecord], as_json: bool) -> anyhow::Result<ExitCode> {
    if !as_json {
        return say(&print::records(records));
    }
    let lines = records.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
    say(&lines.join("\n"))
}
