//! Who calls and what was dialled, to what should happen. Pure.
//! It must never look anything up outside the tables that it is given.

mod numbers;
mod pattern;
mod table;

pub use numbers::Numbers;
use pattern::Pattern;

use crate::twiml::verb::Method;

/// The dialplan: which number leads where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// The most specific first: the first that matches decides.
    routes: Vec<Route>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    name: String,
    dialled: Pattern,
    target: Target,
    public: bool,
    description: String,
    status_callback: Option<StatusCallback>,
}

/// A web application that says what to do with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its URL.
    pub url: String,
    /// How it is asked.
    pub method: Method,
    /// What is asked when that fails, and how: a URL, or a file of the dialplan.
    pub fallback: Option<(String, Method)>,
}

/// Who is told when a call is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCallback {
    /// A URL.
    pub url: String,
    /// How it is told.
    pub method: Method,
}

/// One line of the dialplan, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'r> {
    /// The number or pattern, as written.
    pub number: &'r str,
    /// The route's name.
    pub name: &'r str,
    /// What it is for; may be empty.
    pub description: &'r str,
    /// Where it leads.
    pub target: &'r Target,
    /// Whether strangers may dial it.
    pub public: bool,
    /// Who is told when its calls are over.
    pub status_callback: Option<&'r StatusCallback>,
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The user who has proved who they are; none for a stranger.
    pub user: Option<String>,
}

/// Where a call goes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Where.
    pub target: Target,
    /// Why, for the event log.
    pub reason: String,
    /// Who is told when the call is over.
    pub status_callback: Option<StatusCallback>,
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A document of the dialplan folder runs for the caller: its path in there.
    Script(String),
    /// A web application is asked.
    Webhook(Box<Webhook>),
    /// The telephones of this user ring.
    Endpoint(String),
    /// This number is called by the gateway; as a route stands, it is what the route is written for.
    Outside(String),
    /// Nobody has that number: 404.
    Unknown,
    /// The caller may not dial that: 403.
    Forbidden,
}

/// Why a dialplan cannot be used: everything that is wrong, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct RoutesErrors(pub Vec<RoutesError>);

/// One fault of a dialplan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct RoutesError {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl Target {
    /// The SIP status of a refusal; none where the call goes on.
    pub fn refusal(&self) -> Option<u16> {
        match self {
            Self::Script(_) | Self::Webhook(_) | Self::Endpoint(_) | Self::Outside(_) => None,
            Self::Unknown => Some(404),
            Self::Forbidden => Some(403),
        }
    }
}

impl Routes {
    /// Reads `routes.toml`.
    ///
    /// # Errors
    /// The text is not TOML, has an unknown key, or a route contradicts itself or another: every fault is told.
    pub fn parse(toml: &str) -> Result<Routes, RoutesErrors> {
        let mut routes = table::read(toml)?;
        // Stable: among equals the file's order stands.
        routes.sort_by_key(|route| std::cmp::Reverse(route.dialled.precision()));
        Ok(Routes { routes })
    }

    /// Where a call to `dialled` (the user part of the Request-URI) goes. The most specific route decides: a number
    /// before a pattern, a longer pattern before a shorter one. Numbers come before users of the same name. A stranger
    /// reaches public routes only, and learns nothing about what else there is.
    pub fn decide(&self, caller: &Caller, dialled: &str, is_user: impl Fn(&str) -> bool) -> Decision {
        let dialled = dialled.trim();
        let route = self.routes.iter().find(|route| route.dialled.matches(dialled));
        match (&caller.user, route) {
            (_, Some(route)) if route.public => route.decision(dialled),
            (None, _) => refusal(Target::Forbidden, "a stranger reaches public routes only"),
            (Some(_), Some(route)) => route.decision(dialled),
            (Some(_), None) if is_user(dialled) => Decision {
                target: Target::Endpoint(dialled.to_owned()),
                reason: "the name of a user".into(),
                status_callback: None,
            },
            (Some(_), None) => refusal(Target::Unknown, "no route and no user has that name"),
        }
    }

    /// Every URL that routes name: their hosts are the operator's own choice.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().flat_map(|route| {
            let hooks = match &route.target {
                Target::Webhook(webhook) => {
                    let fallback = webhook.fallback.as_ref().map(|(url, _)| url.as_str());
                    [Some(webhook.url.as_str()), fallback]
                }
                _ => [None, None],
            };
            let told = route.status_callback.as_ref().map(|callback| callback.url.as_str());
            hooks.into_iter().chain([told]).flatten()
        })
    }

    /// Every route, the most specific first.
    pub fn list(&self) -> impl Iterator<Item = Listed<'_>> {
        self.routes.iter().map(|route| Listed {
            number: route.dialled.written(),
            name: &route.name,
            description: &route.description,
            target: &route.target,
            public: route.public,
            status_callback: route.status_callback.as_ref(),
        })
    }
}

impl Route {
    fn decision(&self, dialled: &str) -> Decision {
        let reason = format!("route {} ({})", self.name, self.dialled.written());
        let target = match &self.target {
            Target::Outside(_) => Target::Outside(dialled.to_owned()),
            target => target.clone(),
        };
        Decision { target, reason, status_callback: self.status_callback.clone() }
    }
}

fn refusal(target: Target, reason: &str) -> Decision {
    Decision { target, reason: reason.to_owned(), status_callback: None }
}

#[cfg(test)]
mod tests;
