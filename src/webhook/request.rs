//! What is asked of a webhook and what it answers. Pure.
//! It must never hold more of an answer than its bound.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Cookies, WebhookError, code};
use crate::twiml::finding::Finding;
use crate::twiml::verb::Method;

/// A request to a script's or a callback's URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Where; an absolute URL, with connection overrides in its fragment.
    pub url: String,
    /// Whether the parameters stand in the body or in the query.
    pub method: Method,
    /// Names and values, not encoded.
    pub parameters: Vec<(String, String)>,
    /// The idempotency token: a UUID, the same in every try.
    pub token: String,
    /// What hosts gave the call to keep.
    pub cookies: Cookies,
}

/// The answer to a request for a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status, 200 to 299.
    pub status: u16,
    /// The URL that answered, after redirects, without fragment and without the parameters of a GET. It may hold a
    /// password: what is relative to it is asked for with the same.
    pub url: String,
    /// What to do now.
    pub content: Content,
    /// The cookies, as they are now.
    pub cookies: Cookies,
    /// What is wrong with the URL's connection overrides.
    pub findings: Vec<Finding>,
}

/// What an answer holds (webhooks.md §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A document, in UTF-8.
    Twiml(Bytes),
    /// A sound: the document is one Play of this URL, under which the answer is kept.
    Audio(String),
    /// A text to be spoken.
    Text(String),
    /// Nothing.
    Empty,
}

/// A sound as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The file.
    pub bytes: Bytes,
    /// Its content type, in lower case and without parameters.
    pub kind: String,
    /// The same as long as the bytes are.
    pub version: u64,
}

/// The absolute URL that `reference` means in a document of `base`; an empty one means the document itself.
///
/// The reference's own fragment is kept: it holds connection overrides. That of the base is dropped.
///
/// # Errors
/// It is no URL, none of HTTP, or relative without anything to be relative to.
pub fn resolve(base: Option<&str>, reference: &str) -> Result<String, WebhookError> {
    let reference = reference.trim();
    let bad = |why: &str| WebhookError::new(code::BAD_URL, reference, why);
    if reference.contains(|c: char| c.is_control()) {
        return Err(bad("a URL has no control characters"));
    }
    let base =
        base.map(|base| Url::parse(base).map_err(|_| bad("its document has no URL to be relative to")));
    let url = match base.transpose()? {
        Some(mut base) if reference.is_empty() => {
            base.set_fragment(None);
            base
        }
        Some(base) => base.join(reference).map_err(|_| bad("it is no URL"))?,
        None => Url::parse(reference)
            .map_err(|_| bad("it is no absolute URL, and the document has none to be relative to"))?,
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("only http and https can be asked"));
    }
    Ok(url.into())
}

/// A URL as it may be shown: without fragment and user.
pub fn shown(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else {
        // What follows `@` cannot be a password; what stands before it may be.
        let bare = url.split('#').next().unwrap_or_default();
        return bare.rsplit('@').next().unwrap_or_default().chars().take(200).collect();
    };
    url.set_fragment(None);
    // Neither fails on a URL with a host, and without one there is no user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_resolved_against_the_url_of_its_document() {
        for (base, reference, whole) in [
            (Some("http://h/a/b?c=1#ct=5"), "next", "http://h/a/next"),
            (Some("http://h/a/b?c=1#ct=5"), "", "http://h/a/b?c=1"),
            (Some("http://h/a/b"), " /n?x=1#rt=100\n", "http://h/n?x=1#rt=100"),
            (Some("http://h/a/b"), "https://other/", "https://other/"),
            (Some("http://h/a/b"), "//other:8080/x", "http://other:8080/x"),
            (Some("http://h/a/b"), "www.myexample.com", "http://h/a/www.myexample.com"),
            (None, "http://u:p@h/", "http://u:p@h/"),
        ] {
            assert_eq!(resolve(base, reference).as_deref(), Ok(whole), "{reference}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_11100() {
        for (base, reference) in [
            (None, ""),
            (None, "/relative"),
            (Some("http://h/"), "ftp://h/x"),
            (Some("http://h/"), "file:///etc/passwd"),
            (Some("http://h/"), "http://"),
            (Some("http://h/"), "http://h/\r\nX-Evil: 1"),
            (Some("http://h/"), "javascript:alert(1)"),
        ] {
            assert_eq!(resolve(base, reference).expect_err(reference).code, 11_100);
        }
    }

    #[test]
    fn neither_a_password_nor_overrides_are_shown() {
        assert_eq!(shown("https://u:secret@h:8443/p?q=1#rc=5"), "https://h:8443/p?q=1");
        assert_eq!(shown("no url: u:secret@h#x"), "h");
    }
}
