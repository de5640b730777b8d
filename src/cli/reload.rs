//! `trunkline reload`: has the running switch take up its files, and tells what came of it.
//! It must never read the files itself: the switch's own folder and user count.

use std::path::Path;
use std::process::ExitCode;

use trunkline::ops::control::{self, Answer, Outcome, Question};
use trunkline::ops::print;

use super::show::{json, say};

/// The exit code where only a restart brings about what the files say.
const NEEDS_RESTART: u8 = 3;

/// Asks for a reload.
pub fn reload(data: &Path, dry_run: bool, as_json: bool) -> anyhow::Result<ExitCode> {
    let Answer::Reloaded(reloaded) = control::ask(data, &Question::Reload { dry_run })? else {
        anyhow::bail!("the switch answered another question");
    };
    say(&if as_json { json(&reloaded)? } else { print::reload(&reloaded) })?;
    Ok(match reloaded.outcome {
        Outcome::Swapped | Outcome::Unchanged | Outcome::Checked => ExitCode::SUCCESS,
        Outcome::NeedsRestart => ExitCode::from(NEEDS_RESTART),
        Outcome::Broken => ExitCode::FAILURE,
    })
}
