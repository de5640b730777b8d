//! Lists of tokens: Require, Supported, Unsupported, Allow and others (RFC 3261 §20).
//! An empty list must never become a list of one empty token.

use super::HeaderName;
use crate::sip::message::Headers;

impl Headers {
    /// The items of a comma-separated list, over all lines, trimmed.
    pub fn tokens(&self, name: &HeaderName) -> Vec<String> {
        let mut tokens = Vec::new();
        for value in self.all(name) {
            let items = value.split(',').map(|item| item.trim_matches([' ', '\t']));
            tokens.extend(items.filter(|item| !item.is_empty()).map(str::to_owned));
        }
        tokens
    }
}
