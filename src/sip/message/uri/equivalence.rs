//! When two URIs mean the same resource (RFC 3261 §19.1.4, RFC 3966 §4).
//! It must never call URIs equal that may lead to different places.

use std::borrow::Cow;

use super::{Scheme, Uri};
use crate::sip::message::grammar::unescape;

/// Parameters that must be in both URIs, or in neither.
const BINDING: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

impl Uri {
    /// Whether both mean the same resource.
    pub fn is_equivalent(&self, other: &Uri) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => {
                self.user() == other.user()
                    && self.password() == other.password()
                    && self.host == other.host
                    && self.port == other.port
                    && self.params_agree(other)
                    && other.params_agree(self)
                    && self.sorted_headers() == other.sorted_headers()
            }
            Scheme::Tel => digits(self).eq(digits(other)) && self.sorted_params() == other.sorted_params(),
            Scheme::Other(_) => self.tail == other.tail,
        }
    }

    fn params_agree(&self, other: &Uri) -> bool {
        self.params.iter().all(|(name, value)| {
            let name = unescape(name);
            match other.param(&name) {
                Some(theirs) => same_value(value, theirs),
                None => !BINDING.iter().any(|binding| name.eq_ignore_ascii_case(binding)),
            }
        })
    }

    fn sorted_headers(&self) -> Vec<(String, Cow<'_, str>)> {
        let mut headers: Vec<_> =
            self.headers().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        headers.sort();
        headers
    }

    fn sorted_params(&self) -> Vec<(String, String)> {
        let lower = |text: &str| unescape(text).to_ascii_lowercase();
        let mut params: Vec<_> =
            self.params.iter().map(|(name, value)| (lower(name), lower(value.unwrap_or_default()))).collect();
        params.sort();
        params
    }
}

fn same_value(one: Option<&str>, two: Option<&str>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => unescape(one).eq_ignore_ascii_case(&unescape(two)),
        (one, two) => one == two,
    }
}

/// The number without visual separators.
fn digits(uri: &Uri) -> impl Iterator<Item = char> {
    let number = uri.user.as_deref().unwrap_or_default();
    number
        .chars()
        .filter(|letter| !matches!(letter, '-' | '.' | '(' | ')'))
        .map(|letter| letter.to_ascii_lowercase())
}
