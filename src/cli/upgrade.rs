//! `trunkline upgrade` and `trunkline rollback`: asks the running switch to hand over, and tells what came of it.
//! It must never touch the binaries or the calls itself: the switch does.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use trunkline::ops::control::{self, Answer, Question};

/// Hands over to `binary`.
///
/// # Errors
/// It is none, or the switch goes on as it is; the error says why.
pub fn upgrade(data: &Path, binary: &Path) -> anyhow::Result<ExitCode> {
    let found = std::fs::canonicalize(binary);
    let binary = found.with_context(|| format!("{} cannot be found", binary.display()))?;
    ask(data, &Question::Upgrade { binary })
}

/// Hands over to the binary that ran before the last upgrade.
///
/// # Errors
/// There is none, or the switch goes on as it is; the error says why.
pub fn rollback(data: &Path) -> anyhow::Result<ExitCode> {
    ask(data, &Question::Rollback)
}

fn ask(data: &Path, question: &Question) -> anyhow::Result<ExitCode> {
    let (mut said, mut refused) = (None, None);
    control::follow(data, question, |answer| {
        match answer {
            Answer::Upgraded { from, to, process, stood_still_us } => {
                let still = Duration::from_micros(stood_still_us);
                said = Some(format!(
                    "Release {to} (process {process}) has taken over from {from}; sound stood still for {still:.1?}."
                ));
            }
            Answer::Error { message } => refused = Some(message),
            _ => {}
        }
        false
    })?;
    let said = said.with_context(|| refused.unwrap_or_else(|| "the switch says nothing of it".to_owned()))?;
    println!("{said}");
    Ok(ExitCode::SUCCESS)
}
