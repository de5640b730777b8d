//! `routes.toml`, read and checked.
//! Must never accept a route that could mean two things, or name a file outside the dialplan's folder.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Component, Path};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::pattern::Pattern;
use super::{Route, RoutesError, RoutesErrors, StatusCallback, Target, Webhook};
use crate::config::most_alike;
use crate::twiml::verb::Method;

/// The keys of a route: what [`Written`] reads.
const KEYS: [&str; 14] = [
    "number",
    "pattern",
    "name",
    "script",
    "endpoint",
    "webhook",
    "method",
    "fallback",
    "fallback_method",
    "gateway",
    "status_callback",
    "status_callback_method",
    "public",
    "description",
];

/// One `[[route]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    number: Option<String>,
    pattern: Option<String>,
    name: Option<String>,
    script: Option<String>,
    endpoint: Option<String>,
    webhook: Option<String>,
    method: Option<Method>,
    fallback: Option<String>,
    fallback_method: Option<Method>,
    #[serde(default)]
    gateway: bool,
    status_callback: Option<String>,
    status_callback_method: Option<Method>,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    description: String,
}

/// The routes in the file's order, or everything that is wrong with them.
pub(super) fn read(toml: &str) -> Result<Vec<Route>, RoutesErrors> {
    let (table, wrong) = DeTable::parse_recoverable(toml);
    let mut faults: Faults = wrong.iter().map(|fault| (fault.span(), fault.message().to_owned())).collect();
    let mut taken = HashSet::new();
    let mut routes = Vec::new();
    for item in items(table.into_inner(), &mut faults) {
        let span = item.span();
        match route(item, &mut faults) {
            Some(route) if !taken.insert(route.dialled.written().to_owned()) => {
                faults.push((Some(span), format!("{} has a route already", route.dialled.written())));
            }
            Some(route) => routes.push(route),
            None => {}
        }
    }
    if faults.is_empty() {
        return Ok(routes);
    }
    let told = faults.into_iter().map(|(span, message)| RoutesError { line: line(toml, span), message });
    let mut told: Vec<RoutesError> = told.collect();
    told.sort_by_key(|fault| fault.line);
    Err(RoutesErrors(told))
}

/// What is wrong, and where.
type Faults = Vec<(Option<Range<usize>>, String)>;

/// Every `[[route]]` as it stands there.
fn items<'t>(file: DeTable<'t>, faults: &mut Faults) -> Vec<Spanned<DeValue<'t>>> {
    let mut items = Vec::new();
    for (key, value) in file {
        let span = value.span();
        match value.into_inner() {
            _ if key.get_ref() != "route" => {
                faults.push((Some(key.span()), unknown(key.get_ref(), &["route"])));
            }
            DeValue::Array(routes) => items.extend(routes),
            _ => faults.push((Some(span), "each route begins with [[route]]".to_owned())),
        }
    }
    items
}

fn route(item: Spanned<DeValue<'_>>, faults: &mut Faults) -> Option<Route> {
    let span = item.span();
    let DeValue::Table(mut keys) = item.into_inner() else {
        faults.push((Some(span), "each route begins with [[route]]".to_owned()));
        return None;
    };
    let strange: Vec<_> =
        keys.keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())).cloned().collect();
    for key in &strange {
        faults.push((Some(key.span()), unknown(key.get_ref(), &KEYS)));
        keys.remove(key);
    }
    let places: Vec<_> = keys.iter().map(|(key, value)| (key.get_ref().to_string(), value.span())).collect();
    let written = Written::deserialize(Deserializer::from(Spanned::new(span.clone(), keys)));
    let written = written.map_err(|error| (error.span(), wrong_value(&error, &places)));
    let checked = match written {
        // Of what was meant by a key that means nothing, nothing is said twice.
        Ok(_) if !strange.is_empty() => return None,
        Ok(written) => checked(written).map_err(|message| (Some(span), message)),
        Err(fault) => Err(fault),
    };
    checked.map_err(|fault| faults.push(fault)).ok()
}

/// What is wrong with the value of a key.
fn wrong_value(error: &toml::de::Error, places: &[(String, Range<usize>)]) -> String {
    let at = error.span().unwrap_or_default();
    let holds = |place: &Range<usize>| place.start <= at.start && at.end <= place.end;
    let Some((key, _)) = places.iter().find(|(_, place)| holds(place)) else {
        return error.message().to_owned();
    };
    match key.as_str() {
        "gateway" | "public" => format!("{key} is true or false"),
        "method" | "fallback_method" | "status_callback_method" => format!("{key} is \"GET\" or \"POST\""),
        _ => format!("{key} is a text in quotes"),
    }
}

fn unknown(key: &str, known: &[&str]) -> String {
    let nearest = most_alike(key, known.iter().map(|&key| key.to_owned()).collect());
    let meant = nearest.map(|nearest| format!(", did you mean `{nearest}`?")).unwrap_or_default();
    format!("unknown key `{key}`{meant}")
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
    let has_hook = written.webhook.is_some();
    if !has_hook && (written.method.is_some() || written.fallback.is_some()) {
        return Err("method and fallback belong to a webhook".into());
    }
    let fallback = fallback(written.fallback, written.fallback_method)?;
    let target = match (written.script, written.webhook, written.endpoint, written.gateway) {
        (Some(script), None, None, false) if is_inside(&script) => Target::Script(script),
        (Some(_), None, None, false) => return Err("script is a path inside the dialplan's folder".into()),
        (None, None, Some(endpoint), false) if endpoint.is_empty() => return Err("endpoint is empty".into()),
        (None, None, Some(endpoint), false) => Target::Endpoint(endpoint),
        (None, Some(url), None, false) if is_url(&url) => {
            Target::Webhook(Box::new(Webhook { url, method: written.method.unwrap_or_default(), fallback }))
        }
        (None, Some(_), None, false) => return Err("webhook is a URL of http or https".into()),
        // Whoever may call out through us without a name calls at our cost (T14).
        (None, None, None, true) if written.public => return Err("what leads outside is never public".into()),
        (None, None, None, true) => Target::Outside(dialled.written().to_owned()),
        _ => return Err("a route leads to one of: a script, a webhook, an endpoint, the gateway".into()),
    };
    let status_callback = match (written.status_callback, written.status_callback_method) {
        (Some(url), method) if is_url(&url) => {
            Some(StatusCallback { url, method: method.unwrap_or_default() })
        }
        (Some(_), _) => return Err("status_callback is a URL of http or https".into()),
        (None, Some(_)) => return Err("status_callback_method belongs to a status_callback".into()),
        (None, None) => None,
    };
    let name = written.name.unwrap_or_else(|| dialled.written().to_owned());
    let Written { public, description, .. } = written;
    Ok(Route { name, dialled, target, public, description, status_callback })
}

/// What is asked when a webhook fails: a URL, or a file of the dialplan.
fn fallback(
    fallback: Option<String>,
    method: Option<Method>,
) -> Result<Option<(String, Method)>, &'static str> {
    match (fallback, method) {
        (Some(place), method) if is_url(&place) || is_inside(&place) => {
            Ok(Some((place, method.unwrap_or_default())))
        }
        (Some(_), _) => Err("fallback is a URL, or a path inside the dialplan's folder"),
        (None, Some(_)) => Err("fallback_method belongs to a fallback"),
        (None, None) => Ok(None),
    }
}

fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
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
