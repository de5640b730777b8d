//! `trunkline check`: everything that is wrong with the operator's files, and which number leads where.
//! It must never change anything, nor stop at the first fault.

use std::process::ExitCode;

use serde::Serialize;
use trunkline::config::files::Origin;
use trunkline::config::{Config, Finding};
use trunkline::node::{Draft, Plan, leads_to, limits};
use trunkline::ops::{control, print};
use trunkline::routing::Target;

use super::show::{json, say};

/// What a program reads.
#[derive(Serialize)]
struct Checked<'a> {
    is_sound: bool,
    findings: &'a [Finding],
    numbers: Vec<Number>,
}

/// A number of the dialplan.
#[derive(Serialize)]
struct Number {
    number: String,
    does: String,
}

/// Prints the settings in force.
pub fn effective(origin: &Origin) -> anyhow::Result<ExitCode> {
    say(&origin.load()?.effective())
}

/// Tells everything that is wrong.
pub fn check(origin: &Origin, as_json: bool) -> anyhow::Result<ExitCode> {
    let host = |config: &Config| {
        let mut doubts = limits::of_host(config);
        doubts.extend(limits::of_place(config, control::is_running(&config.data.folder)));
        doubts
    };
    let draft = Draft::read(origin, host);
    let is_sound = draft.is_sound();
    let numbers = draft.plan.as_ref().map(numbers).unwrap_or_default();
    if as_json {
        let numbers = numbers.into_iter().map(|(number, does)| Number { number, does }).collect();
        say(&json(&Checked { is_sound, findings: &draft.findings, numbers })?)?;
    } else {
        let mut text = print::findings(&draft.findings);
        numbers.iter().for_each(|(number, does)| text.push_str(&format!("{number:>12}  {does}\n")));
        let count = print::count(&draft.findings);
        text.push_str(&match (is_sound, count.as_str()) {
            (true, "") => "configuration, routes and scripts are sound".to_owned(),
            (true, count) => format!("configuration, routes and scripts can be used, with {count}"),
            (false, count) => format!("they cannot be used: {count}"),
        });
        say(&text)?;
    }
    Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Numbers and what they do.
pub fn numbers(plan: &Plan) -> Vec<(String, String)> {
    plan.routes
        .list()
        .map(|route| {
            let does = match route.target {
                Target::Endpoint(user) if route.description.is_empty() => format!("{user}'s telephones ring"),
                Target::Outside(_) if route.description.is_empty() => "leaves by the gateway".to_owned(),
                target if route.description.is_empty() => leads_to(target),
                _ => route.description.to_owned(),
            };
            (route.number.to_owned(), does)
        })
        .collect()
}
