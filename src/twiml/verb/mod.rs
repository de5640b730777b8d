//! The verbs, typed, one file each: what an element says, with defaults in place.
//! Must never carry a verb out.

pub mod client;
pub mod dial;
pub mod number;
pub mod pause;
pub mod play;
pub mod say;
pub mod sip;

use serde::{Deserialize, Serialize};

pub use client::Client;
pub use dial::{Dial, Noun};
pub use number::Number;
pub use pause::Pause;
pub use play::Play;
pub use say::Say;
pub use sip::Sip;

/// One step of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Speak a text.
    Say(Say),
    /// Play a file.
    Play(Play),
    /// Wait.
    Pause(Pause),
    /// Call somebody and join the parties.
    Dial(Box<Dial>),
    /// End the call.
    Hangup,
    /// Send the caller's own sound back until the end of the call.
    Echo,
}

/// How a URL of a script is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Parameters in the query.
    #[serde(rename = "GET")]
    Get,
    /// Parameters in the body.
    #[default]
    #[serde(rename = "POST")]
    Post,
}
