//! `<Number>`: a telephone number to dial.
//! Must never decide how a number is reached: routing does.

use serde::{Deserialize, Serialize};

use super::dial::Hooks;

/// A number to dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// E.164 with `+`, or digits as a telephone dials them.
    pub number: String,
    /// Digits sent after the answer and before the parties are joined; `w` waits half a second, `W` one.
    #[serde(default)]
    pub send_digits: Option<String>,
    /// What is told about the attempt.
    #[serde(default)]
    pub hooks: Hooks,
}
