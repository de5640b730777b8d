//! Lists of tokens: Require, Supported, Unsupported, Allow and others (RFC 3261 §20).
//! An empty list must never become a list of one empty token.

use super::HeaderName;
use crate::sip::message::{Headers, Method};

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

    /// Whether the sender knows this extension: it supports or even requires it.
    pub fn supports(&self, tag: &str) -> bool {
        self.has_token(&HeaderName::Supported, tag) || self.requires(tag)
    }

    /// Whether the sender insists on this extension.
    pub fn requires(&self, tag: &str) -> bool {
        self.has_token(&HeaderName::Require, tag)
    }

    /// Whether the sender takes requests of this method; `None` if it does not say.
    pub fn allows(&self, method: &Method) -> Option<bool> {
        let methods = self.tokens(&HeaderName::Allow);
        self.contains(&HeaderName::Allow).then(|| methods.iter().any(|known| known == method.as_str()))
    }

    fn has_token(&self, name: &HeaderName, token: &str) -> bool {
        self.tokens(name).iter().any(|known| known.eq_ignore_ascii_case(token))
    }
}
