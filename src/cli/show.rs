//! One question to the running switch, and its answer on the standard output.
//! It must never decide how an answer looks: that is `ops::print`'s.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use trunkline::ops::control::{self, Answer, Question};
use trunkline::ops::sheet::Sheet;
use trunkline::ops::{print, trace};
use trunkline::supervision::{Clock as _, SystemClock};

/// Asks, and prints the answer.
pub fn show(data: &Path, question: &Question, as_json: bool) -> anyhow::Result<ExitCode> {
    let answer = control::ask(data, question)?;
    let text = match &answer {
        Answer::Calls(legs) if as_json => json(legs)?,
        Answer::Registrations(phones) if as_json => json(phones)?,
        Answer::Trace(trace) if as_json => json(trace)?,
        Answer::Census(census) if as_json => json(census)?,
        Answer::Call(report) if as_json => json(&Sheet::of(report))?,
        Answer::Calls(legs) => print::calls(legs, SystemClock.now()),
        Answer::Registrations(phones) => print::registrations(phones),
        Answer::Trace(trace) => trace::ladder(trace),
        Answer::Census(census) => print::census(census),
        Answer::Call(report) => print::sheet(report),
        Answer::Reloaded(reloaded) => print::reload(reloaded),
        Answer::Draining(drained) if as_json => json(drained)?,
        Answer::Draining(drained) => print::draining(drained),
        Answer::HungUp { legs } => print::hung_up(*legs),
        Answer::Overview(overview) => json(overview)?,
        Answer::Done => "done".to_owned(),
        Answer::Error { message } => anyhow::bail!("{message}"),
        Answer::Told(_) | Answer::Missed { .. } | Answer::Upgraded { .. } => {
            anyhow::bail!("the switch answered another question")
        }
    };
    say(&text)
}

/// Prints a text with one line feed at its end.
pub fn say(text: &str) -> anyhow::Result<ExitCode> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        // Whoever reads it has seen enough: `trunkline trace last | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A value for programs, and for people who look at it.
pub fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)?)
}
