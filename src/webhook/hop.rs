//! One request of an exchange, and the one that a redirect makes of it. Pure.
//! It must never take the body or the password of one host to another that the first did not name.

use url::Url;

use super::{Request, WebhookError, code};
use crate::twiml::verb::Method;

/// One request: where, how, with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// Without fragment and parameters; its user and password are for HTTP Basic.
    pub url: Url,
    pub method: Method,
    /// For the form body, or for the query.
    parameters: Vec<(String, String)>,
}

impl Hop {
    /// The first request, and the fragment of its URL.
    pub fn first(request: Request) -> Result<(Self, Option<String>), WebhookError> {
        let (url, fragment) = parse(&request.url)?;
        Ok((Self { url, method: request.method, parameters: request.parameters }, fragment))
    }

    /// A GET without parameters: for sounds.
    pub fn get(url: &str) -> Result<(Self, Option<String>), WebhookError> {
        let (url, fragment) = parse(url)?;
        Ok((Self { url, method: Method::Get, parameters: Vec::new() }, fragment))
    }

    /// What is asked for: the URL, with the parameters of a GET.
    pub fn target(&self) -> Url {
        let mut url = self.url.clone();
        // Without any, a `?` would be left behind.
        if self.method == Method::Get && !self.parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.parameters);
        }
        url
    }

    /// The target as it stands on the wire: what is signed.
    pub fn wire(&self) -> String {
        super::shown(self.target().as_str())
    }

    /// The parameters of a form body.
    pub fn form(&self) -> &[(String, String)] {
        match self.method {
            Method::Get => &[],
            Method::Post => &self.parameters,
        }
    }

    /// The form body.
    pub fn body(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.form()).finish()
    }

    /// What a redirect of this status to `location` asks for (RFC 9110 §15.4): after 307 and 308 the same method and
    /// body again, after the others a GET. Parameters of a query are not added to another one: the location has what
    /// it shall have.
    pub fn redirected(self, status: u16, location: &str) -> Result<Self, WebhookError> {
        let bad = || WebhookError::new(code::REDIRECT, self.url.as_str(), "a redirect to nowhere");
        let mut url = self.target().join(location.trim()).map_err(|_| bad())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(bad());
        }
        url.set_fragment(None);
        if url.origin() == self.url.origin() && url.username().is_empty() && url.password().is_none() {
            // Neither fails on a URL with a host.
            let _ = url.set_username(self.url.username());
            let _ = url.set_password(self.url.password());
        }
        Ok(match status {
            307 | 308 if self.method == Method::Post => Self { url, ..self },
            _ => Self { url, method: Method::Get, parameters: Vec::new() },
        })
    }
}

/// Whether an answer of this status sends the request elsewhere.
pub(super) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn parse(text: &str) -> Result<(Url, Option<String>), WebhookError> {
    let text = super::resolve(None, text)?;
    let mut url = Url::parse(&text).map_err(|_| WebhookError::new(code::BAD_URL, &text, "it is no URL"))?;
    let fragment = url.fragment().map(str::to_owned);
    url.set_fragment(None);
    Ok((url, fragment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::Cookies;

    fn first(url: &str, method: Method) -> Hop {
        let parameters =
            vec![("CallSid".to_owned(), "CA1".to_owned()), ("From".to_owned(), "+1 2&é".to_owned())];
        let request = Request {
            url: url.to_owned(),
            method,
            parameters,
            token: String::new(),
            cookies: Cookies::default(),
        };
        Hop::first(request).expect(url).0
    }

    #[test]
    fn parameters_of_a_post_stand_in_the_body_and_those_of_a_get_behind_the_query() {
        let post = first("https://h/v?x=1#rc=2", Method::Post);
        assert_eq!(
            (post.wire().as_str(), post.body().as_str()),
            ("https://h/v?x=1", "CallSid=CA1&From=%2B1+2%26%C3%A9")
        );
        let get = first("https://h/v?x=1#rc=2", Method::Get);
        assert_eq!(get.wire(), "https://h/v?x=1&CallSid=CA1&From=%2B1+2%26%C3%A9");
        assert_eq!((get.body().as_str(), get.form().len()), ("", 0));
        assert_eq!(
            get.url.as_str(),
            "https://h/v?x=1",
            "what is relative to the document is relative to this"
        );
        assert_eq!(Hop::get("https://h/v").expect("a URL").0.wire(), "https://h/v");
    }

    #[test]
    fn user_and_fragment_are_not_on_the_wire() {
        let hop = first("https://u:p%40ss@h:8443/v#ct=100", Method::Post);
        assert_eq!(hop.wire(), "https://h:8443/v");
        assert_eq!((hop.url.username(), hop.url.password()), ("u", Some("p%40ss")));
    }

    #[test]
    fn redirects_keep_method_and_body_only_where_their_status_says_so() {
        for status in [301, 302, 303, 307, 308] {
            let hop = first("http://h/a/b?q=1", Method::Post)
                .redirected(status, "../c?d=1#rc=5")
                .expect("a redirect");
            let is_kept = status >= 307;
            assert_eq!(
                (hop.url.as_str(), hop.method == Method::Post),
                ("http://h/c?d=1", is_kept),
                "{status}"
            );
            assert_eq!(hop.form().is_empty(), !is_kept);
        }
    }

    #[test]
    fn a_password_stays_with_its_host() {
        let hop = first("http://u:p@h/", Method::Post);
        let to = |location: &str| hop.clone().redirected(307, location).expect(location).url.to_string();
        assert_eq!(to("http://h/x"), "http://u:p@h/x");
        assert_eq!(to("/x"), "http://u:p@h/x");
        assert_eq!(to("http://h:81/x"), "http://h:81/x");
        assert_eq!(to("https://h/x"), "https://h/x");
        assert_eq!(to("http://other/x"), "http://other/x");
    }

    #[test]
    fn a_redirect_to_nowhere_is_11216() {
        for location in ["ftp://h/", "file:///etc/passwd", "http://", "javascript:alert(1)", "http://[::1"] {
            let refused = first("http://h/", Method::Post).redirected(302, location).expect_err(location);
            assert_eq!(refused.code, code::REDIRECT, "{location}");
        }
    }
}
