//! What is wrong with a script: findings that it survives, and the error that it does not.
//! Must never hold the text of a script: findings are shown in logs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Codes of the error dictionary that documents share; those of one verb stand beside it.
pub mod code {
    /// The document is not well-formed XML 1.0 in UTF-8.
    pub const PARSE: u32 = 12_100;
    /// The document is of an XML version other than 1.0.
    pub const VERSION: u32 = 12_101;
    /// The root is not `<Response>`.
    pub const ROOT: u32 = 12_102;
    /// Something unknown, misplaced or not yet supported; it is ignored.
    pub const SCHEMA: u32 = 12_200;
    /// A callee that is being asked whether it takes the call cannot dial or record.
    pub const NOT_SCREENING: u32 = 13_201;
    /// What should be a URL cannot be one.
    pub const BAD_URL: u32 = 11_100;
    /// The document is longer than 64 kB.
    pub const TOO_LARGE: u32 = 11_750;
    /// A step could not be carried out and was skipped.
    pub const SKIPPED: u32 = 12_400;

    /// Whether the dictionary calls it an error, which ends the document, or a warning (twiml.md §9): found in a document
    /// it keeps that from being run, found while it runs it leads to the fallback.
    pub fn is_error(code: u32) -> bool {
        matches!(code, 11_000..=11_999 | PARSE | VERSION | ROOT | 12_300)
            || matches!(code, NOT_SCREENING | 13_257 | 13_325 | 13_338 | 13_420 | 13_621)
    }
}

/// A warning: the script goes on with a default, or without the part that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Line in the document, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
    /// Code of the error dictionary.
    pub code: u32,
    /// What was found, for a developer.
    pub message: String,
}

/// Why a text is no script at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("line {line}, column {column}: {message} ({code})")]
pub struct ScriptError {
    /// Line in the document, from 1.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
    /// Code of the error dictionary.
    pub code: u32,
    /// What is wrong, for a developer.
    pub message: String,
}

/// Longest message in characters: those of a hostile document must not be as long as itself.
const MAX_MESSAGE: usize = 300;

/// A message, within bounds.
pub(super) fn shortened(message: impl Into<String>) -> String {
    let mut message = message.into();
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}

impl From<ScriptError> for Finding {
    fn from(error: ScriptError) -> Self {
        Self { line: error.line, column: error.column, code: error.code, message: error.message }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {} ({})", self.line, self.column, self.message, self.code)
    }
}
