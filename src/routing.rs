//! Who calls and what was dialled, to what should happen. Pure.
//! It must never look anything up outside the tables that it is given.

/// The dialplan: which number leads where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    routes: Vec<Route>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {}

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
}

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A document of the dialplan folder runs for the caller: its path in there.
    Script(String),
    /// The telephones of this user ring.
    Endpoint(String),
    /// Nobody has that number: 404.
    Unknown,
    /// The caller may not dial that: 403.
    Forbidden,
}

/// Why a dialplan cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("routes, line {line}: {message}")]
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
            Self::Script(_) | Self::Endpoint(_) => None,
            Self::Unknown => Some(404),
            Self::Forbidden => Some(403),
        }
    }
}

impl Routes {
    /// Reads `routes.toml`.
    ///
    /// # Errors
    /// The text is not TOML, has an unknown key, or a route contradicts itself or another.
    pub fn parse(_toml: &str) -> Result<Routes, RoutesError> {
        Ok(Routes::default())
    }

    /// Where a call to `dialled` (the user part of the Request-URI) goes.
    pub fn decide(&self, _caller: &Caller, _dialled: &str, _is_user: impl Fn(&str) -> bool) -> Decision {
        Decision { target: Target::Unknown, reason: format!("{} routes", self.routes.len()) }
    }
}
