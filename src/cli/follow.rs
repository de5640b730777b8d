//! `trunkline trace --follow`: what happens in a call, or in all, line by line as it comes.
//! It must never hold the switch up: what is not read in time is left out, and that is said.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use trunkline::ids::LegId;
use trunkline::ops::control::{self, Answer, Question, Told};
use trunkline::ops::trace::{Follower, Trace};
use trunkline::supervision::{Clock as _, SystemClock};

/// Prints what happens until the call is over, or for ever.
pub fn follow(data: &Path, whom: &str, as_json: bool) -> anyhow::Result<ExitCode> {
    let call = match whom {
        "all" => None,
        "last" => Some(latest(data)?),
        sid => Some(
            sid.parse::<LegId>()
                .with_context(|| format!("`{sid}` is neither `all`, `last` nor a CallSid"))?,
        ),
    };
    let boot_wall_us = SystemClock.wall().saturating_sub(SystemClock.now().as_micros());
    let mut follower = Follower::new(boot_wall_us, call.is_none());
    let mut failed = None;
    control::follow(data, &Question::Follow { call }, |answer| {
        let lines = if as_json { objects(&answer) } else { sentences(&mut follower, answer) };
        let written = lines.iter().try_for_each(|line| writeln!(std::io::stdout(), "{line}"));
        failed = written.err();
        failed.is_none()
    })?;
    match failed {
        // Whoever reads it has seen enough.
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Any leg of the call that began last.
fn latest(data: &Path) -> anyhow::Result<LegId> {
    match control::ask(data, &Question::Trace { call: None })? {
        Answer::Trace(Trace { call, .. }) => Ok(call.0),
        _ => anyhow::bail!("the switch answered another question"),
    }
}

fn sentences(follower: &mut Follower, answer: Answer) -> Vec<String> {
    match answer {
        Answer::Trace(trace) => follower.begin(trace),
        Answer::Told(Told { call, far_end, entry }) => {
            follower.told(call, &far_end, entry).into_iter().collect()
        }
        Answer::Missed { events } => {
            vec![format!("… {events} events were left out: they were not read in time")]
        }
        _ => Vec::new(),
    }
}

fn objects(answer: &Answer) -> Vec<String> {
    let line = |value: serde_json::Result<String>| value.ok();
    match answer {
        Answer::Trace(trace) => {
            let told = trace.legs.iter().flat_map(|leg| {
                let call = trace.call;
                leg.entries.iter().map(move |entry| Told {
                    call,
                    far_end: leg.peer.clone(),
                    entry: entry.clone(),
                })
            });
            let mut told: Vec<Told> = told.collect();
            told.sort_by_key(|told| told.entry.at);
            told.iter().filter_map(|told| line(serde_json::to_string(told))).collect()
        }
        Answer::Told(told) => line(serde_json::to_string(told)).into_iter().collect(),
        Answer::Missed { events } => vec![format!("{{\"missed\":{events}}}")],
        _ => Vec::new(),
    }
}
