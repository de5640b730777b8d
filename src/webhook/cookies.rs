//! The cookies of one call (RFC 6265): what a host gave it to keep is given back to that host. Pure.
//! It must never show a host another one's cookies, nor grow without bound.

use serde::{Deserialize, Serialize};
use url::Url;

/// Cookies that a call keeps; past it the oldest goes.
const LIMIT: usize = 50;

/// Longest name and value together, in bytes (RFC 6265 §6.1).
const LONGEST: usize = 4096;

/// What hosts gave a call to keep. It ends with the call, and what has an expiry date is not kept longer either way.
///
/// Each cookie goes back to the very host that set it, also where it names the domain above as well: which of those
/// are registries of names is for browsers to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cookies(Vec<Cookie>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cookie {
    host: String,
    path: String,
    #[serde(default)]
    secure: bool,
    name: String,
    value: String,
}

impl Cookies {
    /// Keeps what the answer from `url` says in one `Set-Cookie`, or forgets it where it says so.
    pub(super) fn set(&mut self, url: &Url, header: &str) {
        let Some(host) = url.host_str() else { return };
        let mut parts = header.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let (name, value) = (name.trim(), value.trim());
        let is_printable = |text: &str| !text.contains(|c: char| c.is_control());
        if name.is_empty()
            || name.len() + value.len() > LONGEST
            || !is_printable(name)
            || !is_printable(value)
        {
            return;
        }
        let attributes = Attributes::read(parts);
        if attributes.domain.is_some_and(|domain| !is_within(host, domain)) {
            return;
        }
        let path = match attributes.path {
            Some(path) if path.starts_with('/') => path,
            _ => default_path(url.path()),
        };
        self.0.retain(|known| {
            (known.host.as_str(), known.path.as_str(), known.name.as_str()) != (host, path, name)
        });
        if attributes.is_expired {
            return;
        }
        if self.0.len() >= LIMIT {
            self.0.remove(0);
        }
        self.0.push(Cookie {
            host: host.to_owned(),
            path: path.to_owned(),
            secure: attributes.secure,
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }

    /// The `Cookie` header for a request to `url`: those with the longer paths first (RFC 6265 §5.4).
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let host = url.host_str()?;
        let mut due: Vec<&Cookie> = self
            .0
            .iter()
            .filter(|cookie| cookie.host == host && (!cookie.secure || url.scheme() == "https"))
            .filter(|cookie| covers(&cookie.path, url.path()))
            .collect();
        due.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> =
            due.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

#[derive(Default)]
struct Attributes<'h> {
    domain: Option<&'h str>,
    path: Option<&'h str>,
    secure: bool,
    is_expired: bool,
}

impl<'h> Attributes<'h> {
    fn read(parts: impl Iterator<Item = &'h str>) -> Self {
        let mut attributes = Self::default();
        let (mut age, mut is_past) = (None, false);
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "domain" if !value.is_empty() => attributes.domain = Some(value),
                "path" => attributes.path = Some(value),
                "secure" => attributes.secure = true,
                "max-age" => age = value.parse::<i64>().ok().or(age),
                "expires" => is_past = is_long_past(value),
                _ => {}
            }
        }
        // Max-Age goes before Expires (RFC 6265 §5.3).
        attributes.is_expired = age.map_or(is_past, |age| age <= 0);
        attributes
    }
}

/// Whether a date is one that servers write to end a cookie, the beginning of Unix time: there is no clock here to
/// judge others by, and no call in which they would matter.
fn is_long_past(date: &str) -> bool {
    let words = date.split(|c: char| !c.is_ascii_digit()).filter(|word| word.len() == 4);
    words.filter_map(|word| word.parse::<u16>().ok()).any(|year| year <= 2000)
}

/// RFC 6265 §5.1.3, where `host` is no address.
fn is_within(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    host == domain
        || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
            && host.parse::<std::net::IpAddr>().is_err()
}

/// RFC 6265 §5.1.4: up to the last slash.
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => path.get(..at).unwrap_or("/"),
    }
}

/// RFC 6265 §5.1.4.
fn covers(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect(text)
    }

    fn kept(from: &str, headers: &[&str]) -> Cookies {
        let mut cookies = Cookies::default();
        headers.iter().for_each(|header| cookies.set(&url(from), header));
        cookies
    }

    #[test]
    fn a_cookie_goes_back_to_its_host_and_nobody_else() {
        let cookies = kept("https://shop.example/voice/begin", &["sid=1; Path=/; HttpOnly; SameSite=Lax"]);
        assert_eq!(cookies.header(&url("https://shop.example/other")).as_deref(), Some("sid=1"));
        assert_eq!(cookies.header(&url("http://shop.example:8080/")).as_deref(), Some("sid=1"));
        for stranger in ["https://example/", "https://a.shop.example/", "https://shop.example.org/"] {
            assert_eq!(cookies.header(&url(stranger)), None, "{stranger}");
        }
    }

    #[test]
    fn paths_and_secure_are_respected_and_longer_paths_come_first() {
        let cookies = kept(
            "https://h/a/b/c",
            &["wide=1; Path=/a", "here=2", "safe=3; Path=/; Secure", "off=4; Path=/x"],
        );
        assert_eq!(cookies.header(&url("https://h/a/b/d")).as_deref(), Some("here=2; wide=1; safe=3"));
        assert_eq!(cookies.header(&url("http://h/a/b")).as_deref(), Some("here=2; wide=1"));
        assert_eq!(cookies.header(&url("http://h/ab")), None);
    }

    #[test]
    fn a_cookie_is_replaced_by_its_name_and_ended_by_its_host() {
        let mut cookies = kept("http://h/", &["a=1", "a=2", "b=1", "c=1", "d=1"]);
        cookies.set(&url("http://h/"), "b=; Max-Age=0");
        cookies.set(&url("http://h/"), "c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        cookies.set(&url("http://h/"), "d=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60");
        assert_eq!(cookies.header(&url("http://h/")).as_deref(), Some("a=2; d=2"));
    }

    #[test]
    fn what_is_for_another_domain_malformed_or_huge_is_not_kept() {
        let huge = format!("huge={}", "x".repeat(5000));
        let cookies = kept(
            "http://a.example/",
            &["x=1; Domain=evil.example", "x=1; Domain=le", "novalue", "=1", "x=a\u{7}b", &huge],
        );
        assert_eq!(cookies, Cookies::default());
        let above = kept("http://a.example/", &["x=1; Domain=.example"]);
        assert_eq!(above.header(&url("http://a.example/")).as_deref(), Some("x=1"));
        assert_eq!(above.header(&url("http://b.example/")), None);
    }

    #[test]
    fn the_oldest_cookies_make_room() {
        let mut cookies = Cookies::default();
        (0..200).for_each(|number| cookies.set(&url("http://h/"), &format!("c{number}=1")));
        let header = cookies.header(&url("http://h/")).expect("some");
        assert_eq!(header.split("; ").count(), LIMIT);
        assert!(header.ends_with("c199=1") && header.starts_with("c150=1"));
    }
}
