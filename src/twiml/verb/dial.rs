//! `<Dial>`: call somebody and join the parties.
//! Must never know legs or attempts.

use serde::{Deserialize, Serialize};

use super::{Client, Method, Number, Sip};

/// Call somebody and join the parties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dial {
    /// Whom to call: 1 to 10.
    pub nouns: Vec<Noun>,
    /// Seconds to wait for an answer, 5 to 600.
    pub timeout: u32,
    /// Seconds that the parties may talk.
    pub time_limit: u32,
    /// The caller's star key drops the callee.
    #[serde(default)]
    pub hangup_on_star: bool,
    /// Who is shown as the caller; the caller's own number if none.
    #[serde(default)]
    pub caller_id: Option<String>,
    /// The caller's leg is answered only when the callee's is.
    #[serde(default)]
    pub answer_on_bridge: bool,
    /// Country whose ringback is played, such as `de`.
    #[serde(default)]
    pub ring_tone: Option<String>,
    /// One noun after the other instead of all at once.
    #[serde(default)]
    pub sequential: bool,
    /// Document that follows, where one is named.
    #[serde(default)]
    pub action: Option<String>,
    /// How `action` is asked for.
    #[serde(default)]
    pub method: Method,
}

/// Whom to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noun {
    /// A telephone number.
    Number(Number),
    /// A registered endpoint.
    Client(Client),
    /// A SIP address.
    Sip(Sip),
}

/// What is told about one attempt, and what is asked before its callee is joined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hooks {
    /// Document run for the callee before the parties are joined.
    #[serde(default)]
    pub url: Option<String>,
    /// How `url` is asked for.
    #[serde(default)]
    pub method: Method,
    /// Where progress is told.
    #[serde(default)]
    pub status_callback: Option<String>,
    /// How it is told.
    #[serde(default)]
    pub status_callback_method: Method,
    /// Which progress is told.
    #[serde(default)]
    pub status_callback_event: Vec<Progress>,
}

/// Steps of an attempt that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// The attempt is on its way.
    Initiated,
    /// The callee's telephone rings.
    Ringing,
    /// The callee has answered.
    Answered,
    /// The attempt has ended.
    Completed,
}
