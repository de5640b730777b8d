//! URIs: `sip`, `sips`, `tel`, and any other kept as it came (RFC 3261 §19.1, RFC 3966).
//! It must never take a user part or a parameter for the host, whatever characters they hold.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::grammar::{self, Cursor, SyntaxError, serde_as_text, wanted};
use super::host::Host;
use super::params::{self, Params};

mod equivalence;
#[cfg(test)]
mod tests;

/// The scheme of a URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip`
    Sip,
    /// `sips`: TLS on every hop.
    Sips,
    /// `tel` (RFC 3966).
    Tel,
    /// Any other, in lower case.
    Other(Box<str>),
}

impl Scheme {
    /// The scheme in lower case, without the colon.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sip => "sip",
            Self::Sips => "sips",
            Self::Tel => "tel",
            Self::Other(name) => name,
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        let known = [Self::Sip, Self::Sips, Self::Tel];
        let fits = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let found = known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
        found.or_else(|| fits.then(|| Self::Other(text.to_ascii_lowercase().into())))
    }
}

/// A URI. What it prints reads back as the same URI; equality is by text, [`Uri::is_equivalent`] by the RFC's rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uri {
    scheme: Scheme,
    /// Escaped as on the wire; for `tel` the number.
    user: Option<String>,
    password: Option<String>,
    host: Option<Host>,
    port: Option<u16>,
    params: Params,
    /// What follows `?`, or for other schemes what follows the colon.
    tail: String,
}

impl Uri {
    /// `sip:user@host:port`; the user is escaped as needed.
    pub fn sip(user: Option<&str>, host: Host, port: Option<u16>) -> Self {
        let user = user.filter(|user| !user.is_empty()).map(|user| grammar::escape(user, is_user));
        Self { user, host: Some(host), port, ..Self::empty(Scheme::Sip) }
    }

    /// `tel:number`. Characters that no telephone number has are left out.
    pub fn tel(number: &str) -> Self {
        let number = number.chars().filter(|letter| u8::try_from(*letter).is_ok_and(is_tel)).collect();
        Self { user: Some(number), ..Self::empty(Scheme::Tel) }
    }

    /// Stands for a Request-URI that could not be read, so that its request can still be answered.
    pub(super) fn unreadable() -> Self {
        Self { tail: "unreadable".to_owned(), ..Self::empty(Scheme::Other("invalid".into())) }
    }

    const fn empty(scheme: Scheme) -> Self {
        let (user, password, host, port) = (None, None, None, None);
        Self { scheme, user, password, host, port, params: Params::new(), tail: String::new() }
    }

    /// The scheme.
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Whether it asks for TLS on every hop.
    pub fn is_secure(&self) -> bool {
        self.scheme == Scheme::Sips
    }

    /// The user without escapes; for `tel` the number.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        self.user.as_deref().map(grammar::unescape)
    }

    /// Whom it names, as it is dialled: of a telephone number (`tel`, or `user=phone`) without what only structures it
    /// for the eye, and without parameters (RFC 3966 §5.1.1).
    pub fn subscriber(&self) -> Option<Cow<'_, str>> {
        let is_phone = matches!(self.param("user"), Some(Some(kind)) if kind.eq_ignore_ascii_case("phone"));
        let user = self.user()?;
        if self.scheme != Scheme::Tel && !is_phone {
            return Some(user);
        }
        let number = user.split(';').next().unwrap_or_default();
        Some(number.chars().filter(|letter| !matches!(letter, '-' | '.' | '(' | ')')).collect())
    }

    /// The password without escapes. Its use is not recommended (RFC 3261 §19.1.1).
    pub fn password(&self) -> Option<Cow<'_, str>> {
        self.password.as_deref().map(grammar::unescape)
    }

    /// The host of `sip` and `sips`.
    pub const fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    /// The port, where one is written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters as on the wire.
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// The parameter called `name`, its value as on the wire: `Some(None)` if it is there without one.
    pub fn param(&self, name: &str) -> Option<Option<&str>> {
        let wanted = |known: &str| grammar::unescape(known).eq_ignore_ascii_case(name);
        self.params.iter().find(|(known, _)| wanted(known)).map(|(_, value)| value)
    }

    /// The headers behind `?`: names and values without escapes.
    pub fn headers(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let has = self.host.is_some() && !self.tail.is_empty();
        let parts = self.tail.split('&').filter(move |_| has);
        parts
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (grammar::unescape(name), grammar::unescape(value)))
    }

    /// What follows the colon in a scheme that is neither `sip`, `sips` nor `tel`.
    pub fn opaque(&self) -> Option<&str> {
        matches!(self.scheme, Scheme::Other(_)).then_some(self.tail.as_str())
    }

    /// With the parameter set; characters that no URI parameter may hold are escaped.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Self {
        let value = value.filter(|value| !value.is_empty());
        let value = value.map(|value| grammar::escape(value, params::is_uri_param));
        self.params.set_written(&grammar::escape(name, params::is_uri_param), value.as_deref());
        self
    }

    /// Without the parameter.
    #[must_use]
    pub fn without_param(mut self, name: &str) -> Self {
        self.params.remove(name);
        self
    }

    /// With another host and port.
    #[must_use]
    pub fn with_host(mut self, host: Host, port: Option<u16>) -> Self {
        (self.host, self.port) = (Some(host), port);
        self
    }

    /// With another user, escaped as needed.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        self.user = (!user.is_empty()).then(|| grammar::escape(user, is_user));
        self
    }

    /// As `sips`, or as `sip`.
    #[must_use]
    pub fn with_secure(mut self, secure: bool) -> Self {
        if self.host.is_some() {
            self.scheme = if secure { Scheme::Sips } else { Scheme::Sip };
        }
        self
    }

    /// With one more header behind `?`, escaped as needed.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if self.host.is_some() {
            let [name, value] = [name, value].map(|text| grammar::escape(text, is_header));
            let joint = if self.tail.is_empty() { "" } else { "&" };
            self.tail.extend([joint, &name, "=", &value]);
        }
        self
    }

    /// Without headers, which no Request-URI may have (RFC 3261 §19.1.1).
    #[must_use]
    pub fn without_headers(mut self) -> Self {
        if self.host.is_some() {
            self.tail.clear();
        }
        self
    }

    fn read_sip(scheme: Scheme, text: &str) -> Result<Self, SyntaxError> {
        let mut uri = Self::empty(scheme);
        let mut place = text;
        if let Some((userinfo, after)) = text.split_once('@') {
            let (user, password) = userinfo.split_once(':').map_or((userinfo, None), |(u, p)| (u, Some(p)));
            let is_password = |text: &str| grammar::is_escaped_text(text, is_password);
            let sane =
                !user.is_empty() && grammar::is_escaped_text(user, |byte| is_user(byte) || byte == b'#');
            if !sane || !password.is_none_or(is_password) {
                return wanted("a user");
            }
            (uri.user, uri.password) = (Some(user.to_owned()), password.map(str::to_owned));
            place = after;
        }
        let mut cursor = Cursor::new(place);
        let (host, port) = Host::read_with_port(&mut cursor)?;
        (uri.host, uri.port) = (Some(host), port);
        uri.params = Params::read_uri(&mut cursor)?;
        if cursor.eat(b'?') {
            let headers = cursor.run(|_| true);
            let is_pair = |part: &str| part.split_once('=').is_some_and(|(name, _)| !name.is_empty());
            let legal = |byte| is_header(byte) || matches!(byte, b'=' | b'&');
            if !headers.split('&').all(is_pair) || !grammar::is_escaped_text(headers, legal) {
                return wanted("URI headers");
            }
            headers.clone_into(&mut uri.tail);
        }
        cursor.end().map(|()| uri)
    }

    fn read_tel(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let number = cursor.run(is_tel);
        if number.is_empty() {
            return wanted("a telephone number");
        }
        let params = Params::read_uri(&mut cursor)?;
        cursor.end().map(|()| Self { user: Some(number.to_owned()), params, ..Self::empty(Scheme::Tel) })
    }
}

/// `user` of the grammar, escapes apart.
const fn is_user(byte: u8) -> bool {
    grammar::is_unreserved(byte) || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/')
}

const fn is_password(byte: u8) -> bool {
    grammar::is_unreserved(byte) || matches!(byte, b'&' | b'=' | b'+' | b'$' | b',')
}

/// `hnv-unreserved` and `unreserved` of the grammar.
const fn is_header(byte: u8) -> bool {
    grammar::is_unreserved(byte) || matches!(byte, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$')
}

/// Digits (hexadecimal for local numbers), visual separators, `+`, and the keys of a telephone.
const fn is_tel(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'+' | b'-' | b'.' | b'(' | b')' | b'*' | b'#')
}

impl FromStr for Uri {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        const SCHEME: SyntaxError = SyntaxError { wanted: "a URI scheme" };
        let (scheme, rest) = text.split_once(':').ok_or(SCHEME)?;
        match Scheme::from_text(scheme).ok_or(SCHEME)? {
            scheme @ (Scheme::Sip | Scheme::Sips) => Self::read_sip(scheme, rest),
            Scheme::Tel => Self::read_tel(rest),
            scheme if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Ok(Self { tail: rest.to_owned(), ..Self::empty(scheme) })
            }
            Scheme::Other(_) => wanted("printable characters"),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme.as_str())?;
        let Some(host) = &self.host else {
            return write!(f, "{}{}{}", self.user.as_deref().unwrap_or_default(), self.params, self.tail);
        };
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)?;
        if self.tail.is_empty() { Ok(()) } else { write!(f, "?{}", self.tail) }
    }
}

serde_as_text!(Uri);
