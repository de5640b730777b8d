//! `routes.toml`, read and checked.
//! Must never accept a route that could mean two things, or name a file outside the dialplan's folder.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Component, Path};

use serde::Deserialize;
use toml::Spanned;

use super::pattern::Pattern;
use super::{Route, RoutesError, Target};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    route: Vec<Spanned<Written>>,
}

/// One `[[route]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    number: Option<String>,
    pattern: Option<String>,
    name: Option<String>,
    script: Option<String>,
    endpoint: Option<String>,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    description: String,
}

/// The routes in the file's order.
pub(super) fn read(toml: &str) -> Result<Vec<Route>, RoutesError> {
    let at = |span: Option<Range<usize>>, message: String| RoutesError { line: line(toml, span), message };
    let file: File = toml::from_str(toml).map_err(|error| at(error.span(), error.message().to_owned()))?;
    let mut taken = HashSet::new();
    let mut routes = Vec::new();
    for written in file.route {
        let span = written.span();
        let route = checked(written.into_inner()).map_err(|message| at(Some(span.clone()), message))?;
        if !taken.insert(route.dialled.written().to_owned()) {
            return Err(at(Some(span), format!("{} has a route already", route.dialled.written())));
        }
        routes.push(route);
    }
    Ok(routes)
}

fn checked(written: Written) -> Result<Route, String> {
    let dialled = match (written.number, written.pattern) {
        (Some(number), None) if number.is_empty() => return Err("number is empty".into()),
        (Some(number), None) => Pattern::Number(number),
        (None, Some(pattern)) => Pattern::read(&pattern).ok_or(
            "a pattern is made of digits, + and #, X, Z and N for digits, and perhaps a * at the end",
        )?,
        _ => return Err("a route has either a number or a pattern".into()),
    };
    let target = match (written.script, written.endpoint) {
        (Some(script), None) if is_inside(&script) => Target::Script(script),
        (Some(_), None) => return Err("script is a path inside the dialplan's folder".into()),
        (None, Some(endpoint)) if endpoint.is_empty() => return Err("endpoint is empty".into()),
        (None, Some(endpoint)) => Target::Endpoint(endpoint),
        _ => return Err("a route leads either to a script or to an endpoint".into()),
    };
    let name = written.name.unwrap_or_else(|| dialled.written().to_owned());
    Ok(Route { name, dialled, target, public: written.public, description: written.description })
}

/// Whether a path stays below the folder that it is joined to.
fn is_inside(script: &str) -> bool {
    let mut parts = Path::new(script).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn line(toml: &str, span: Option<Range<usize>>) -> usize {
    let until = span.map_or(0, |span| span.start);
    1 + toml.bytes().take(until).filter(|byte| *byte == b'\n').count()
}
