//! TwiML: text to typed document to a pure cursor.
//! It must never fetch, speak or play: it says what should happen next.

mod attributes;
pub mod document;
mod element;
pub mod finding;
pub mod script;
pub mod verb;

pub use document::{Context, Document, Parsed};
pub use finding::{Finding, ScriptError};
pub use script::{DialStatus, Script};
