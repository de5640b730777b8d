//! Hosts: names and addresses as URIs and Vias carry them (RFC 3261 §25.1, RFC 5954).
//! It must never resolve a name.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::grammar::{Cursor, SyntaxError, serde_as_text, wanted};

/// A host name or an address. Names compare without regard to case.
#[derive(Clone, Debug, Eq)]
pub enum Host {
    /// A domain name.
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; written in brackets.
    V6(Ipv6Addr),
}

impl Host {
    /// The address, unless it is a name.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(address) => Some(IpAddr::V4(*address)),
            Self::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// Reads `hostport`: a host and what may follow it after a colon.
    pub(super) fn read_with_port(cursor: &mut Cursor<'_>) -> Result<(Self, Option<u16>), SyntaxError> {
        let host = Self::read(cursor)?;
        if !cursor.eat_spaced(b':') {
            return Ok((host, None));
        }
        let port = super::grammar::number::<u16>(cursor.run(|byte| byte.is_ascii_digit()))?;
        if port == 0 { wanted("a port of 1 to 65535") } else { Ok((host, Some(port))) }
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        if cursor.eat(b'[') {
            let text = cursor.run(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'));
            let address = v6(text).ok_or(SyntaxError { wanted: "an IPv6 address" })?;
            return if cursor.eat(b']') { Ok(Self::V6(address)) } else { wanted("a closing bracket") };
        }
        let text = cursor.run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        if let Ok(address) = text.parse() {
            return Ok(Self::V4(address));
        }
        if is_name(text) { Ok(Self::Name(text.to_owned())) } else { wanted("a host") }
    }
}

/// The grammar of RFC 3261 allowed a third colon before an embedded IPv4 address; RFC 5118 §4.10 wants it read.
fn v6(text: &str) -> Option<Ipv6Addr> {
    let strict = text.parse().ok();
    strict.or_else(|| if text.contains('.') { text.replacen(":::", "::", 1).parse().ok() } else { None })
}

/// Labels of letters, digits, hyphens and (container names have them) underscores. The last label must not be a
/// number: `10.0.0.256` is a bad address, not a name.
fn is_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let labels = || text.split('.');
    labels().all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && labels().next_back().is_some_and(|last| last.bytes().any(|byte| !byte.is_ascii_digit()))
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(two)) => one.eq_ignore_ascii_case(two),
            (one, two) => one.ip().is_some() && one.ip() == two.ip(),
        }
    }
}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Name(name) => name.bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase())),
            address => address.ip().hash(state),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl FromStr for Host {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        let host = Self::read(&mut cursor)?;
        cursor.end().map(|()| host)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

serde_as_text!(Host);
