//! `<Sip>`: a SIP address to dial.
//! Must never show its password, nor let a script set a header that signalling itself relies on.

use std::cmp::Reverse;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Hooks;
use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::{Element, Place};
use crate::twiml::finding::code;

const BAD_METHOD: u32 = 13_241;
const BAD_URI: u32 = 13_243;
const BAD_CREDENTIALS: u32 = 13_249;
const TOO_MANY: u32 = 13_250;
const BAD_HEADER: u32 = 13_252;
const LONG_HEADERS: u32 = 13_253;

/// Longest URI without its headers, and longest headers, in bytes.
const MAX_URI: usize = 254;
const MAX_HEADERS: usize = 1_023;

/// Most addresses of one failover list.
const MAX_URIS: usize = 10;
/// Lowest rank of one of them.
const RANKS: u32 = 65_535;

/// What a URI may ask to be sent over.
const TRANSPORTS: [&str; 3] = ["udp", "tcp", "tls"];

/// Headers that a script may set, besides those that begin with `X-`.
const HEADERS: [&str; 4] = ["User-to-User", "Remote-Party-ID", "P-Preferred-Identity", "P-Called-Party-ID"];

/// Attributes for recognising answering machines.
const NOT_YET: [&str; 7] = [
    "machineDetection",
    "machineDetectionTimeout",
    "machineDetectionSpeechThreshold",
    "machineDetectionSpeechEndThreshold",
    "machineDetectionSilenceTimeout",
    "amdStatusCallback",
    "amdStatusCallbackMethod",
];

/// A SIP address to dial.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sip {
    /// URI with its scheme and parameters, among them `transport`; what follows `?` in the document is in `headers`.
    pub uri: String,
    /// Signalling and sound are wanted encrypted.
    #[serde(default)]
    pub secure: bool,
    /// Headers for the INVITE, decoded, in order: name and value.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// User for a digest challenge of the far side.
    #[serde(default)]
    pub username: Option<String>,
    /// Password for it.
    #[serde(default)]
    pub password: Option<String>,
    /// What is told about the attempt.
    #[serde(default)]
    pub hooks: Hooks,
    /// What can be dialled where this one cannot be reached, best first, each with the same hooks and no
    /// alternatives of its own.
    #[serde(default)]
    pub alternatives: Vec<Sip>,
}

impl Sip {
    /// This address and nothing else.
    pub fn of(uri: String) -> Self {
        Self {
            uri,
            secure: false,
            headers: Vec::new(),
            username: None,
            password: None,
            hooks: Hooks::default(),
            alternatives: Vec::new(),
        }
    }

    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Option<Sip> {
        let uris = uris(element, findings);
        let mut attributes = Attributes::of(element, findings);
        let hooks = Hooks::read(&mut attributes, BAD_METHOD);
        let credentials = Credentials::read(&mut attributes);
        attributes.not_yet(&NOT_YET);
        drop(attributes);
        let mut sips: Vec<Sip> = if uris.is_empty() {
            Self::address(&element.text(), credentials, element, findings).into_iter().collect()
        } else {
            let addresses = uris.into_iter().filter_map(|(uri, own)| {
                Self::address(&uri.text(), own.or(credentials.clone()), uri, findings)
            });
            addresses.collect()
        };
        for sip in &mut sips {
            sip.hooks = hooks.clone();
        }
        if sips.is_empty() {
            return None;
        }
        if sips.iter().any(|sip| sip.secure) {
            findings.add(
                element.place,
                code::SCHEMA,
                "<Sip>: secure is not supported yet, sound is not encrypted",
            );
        }
        let alternatives = sips.split_off(1);
        if !alternatives.is_empty() {
            findings.add(element.place, code::SCHEMA, "<Sip>: only the best <Uri> is dialled so far");
        }
        sips.pop().map(|first| Sip { alternatives, ..first })
    }

    /// One address as it is written, with its headers.
    fn address(
        text: &str,
        credentials: Credentials,
        element: &Element<'_>,
        findings: &mut Findings,
    ) -> Option<Sip> {
        let (address, headers) = text.split_once('?').unwrap_or((text, ""));
        let Some((uri, secure)) = uri(address) else {
            let message = format!("<{}>: this is no SIP address; it is not dialled", element.name);
            findings.add(element.place, BAD_URI, message);
            return None;
        };
        let Credentials { username, password } = credentials;
        Some(Sip {
            uri,
            secure,
            headers: read_headers(headers, element.place, findings),
            username,
            password,
            hooks: Hooks::default(),
            alternatives: Vec::new(),
        })
    }
}

/// What answers a digest challenge: both or neither.
#[derive(Clone, Default)]
struct Credentials {
    username: Option<String>,
    password: Option<String>,
}

impl Credentials {
    fn read(attributes: &mut Attributes<'_>) -> Self {
        let (username, password) = (attributes.text("username"), attributes.text("password"));
        if username.as_ref().is_some_and(|name| !name.is_empty()) && password.is_some() {
            return Self { username, password };
        }
        if username.is_some() || password.is_some() {
            attributes.complain(BAD_CREDENTIALS, "username and password go together; none are used");
        }
        Self::default()
    }

    fn or(self, other: Self) -> Self {
        if self.username.is_some() { self } else { other }
    }
}

/// The `<Uri>` children, best first: by priority, where less is better, then by weight, where more is; the first among
/// equals.
fn uris<'e>(element: &'e Element<'e>, findings: &mut Findings) -> Vec<(&'e Element<'e>, Credentials)> {
    let mut uris = Vec::new();
    for child in element.elements() {
        match child.name {
            "Uri" => {
                findings.refuse_children(child);
                let mut attributes = Attributes::of(child, findings);
                let priority = attributes.whole("priority", code::SCHEMA, 0..=RANKS, RANKS);
                let weight = attributes.whole("weight", code::SCHEMA, 0..=RANKS, 1);
                let credentials = Credentials::read(&mut attributes);
                uris.push(((priority, Reverse(weight)), (child, credentials)));
            }
            "Headers" => {
                findings.add(child.place, code::SCHEMA, "<Headers> is not supported yet; it is ignored")
            }
            name => findings.add(child.place, code::SCHEMA, format!("<{name}> is not allowed in <Sip>")),
        }
    }
    uris.sort_by_key(|(rank, _)| *rank);
    if uris.len() > MAX_URIS {
        findings.add(element.place, TOO_MANY, format!("<Sip>: only the best {MAX_URIS} are dialled"));
        uris.truncate(MAX_URIS);
    }
    uris.into_iter().map(|(_, uri)| uri).collect()
}

/// The address with its scheme and whether it is wanted secure, if it could be one: signalling parses it for good.
/// Parameters that are meant for this switch alone are taken off.
fn uri(address: &str) -> Option<(String, bool)> {
    let address = address.trim();
    let (scheme, bare) = match address.split_once(':') {
        Some((scheme, bare)) if scheme.eq_ignore_ascii_case("sips") => ("sips", bare),
        Some((scheme, bare)) if scheme.eq_ignore_ascii_case("sip") => ("sip", bare),
        _ => ("sip", address),
    };
    if bare.len() > MAX_URI {
        return None;
    }
    let (user, host) = bare.rsplit_once('@').map_or(("", bare), |(user, host)| (user, host));
    let mut parts = host.split(';');
    let name = parts.next()?;
    if !is_host(name)
        || bare.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"'))
    {
        return None;
    }
    let mut secure = scheme == "sips";
    let mut uri = format!("{scheme}:{user}{at}{name}", at = if user.is_empty() { "" } else { "@" });
    for parameter in parts {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match key.to_ascii_lowercase().as_str() {
            "secure" => secure |= value.eq_ignore_ascii_case("true"),
            "region" | "edge" => {}
            "transport" if !TRANSPORTS.iter().any(|known| known.eq_ignore_ascii_case(value)) => return None,
            _ => {
                uri.push(';');
                uri.push_str(parameter);
            }
        }
    }
    Some((uri, secure))
}

/// The look of a host with a port or none.
fn is_host(text: &str) -> bool {
    let port = text.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map(|(_, port)| port);
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && port.is_none_or(|port| !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn read_headers(text: &str, place: Place, findings: &mut Findings) -> Vec<(String, String)> {
    if text.len() > MAX_HEADERS {
        let message = format!("<Sip>: headers have at most {MAX_HEADERS} characters; they are left out");
        findings.add(place, LONG_HEADERS, message);
        return Vec::new();
    }
    let mut headers = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decoded(name), decoded(value)) {
            (Some(name), Some(value)) if is_allowed(&name) => headers.push((name, value)),
            _ => findings.add(place, BAD_HEADER, "<Sip>: a header that may not be set is left out"),
        }
    }
    headers
}

fn is_allowed(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && is_free(name)
}

/// Whether a header of this name is a script's to set: what steers a call is none of its business.
pub fn is_free(name: &str) -> bool {
    let custom = name.len() > 2 && name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("X-"));
    custom || HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Percent-decoded text; none if it is malformed, not UTF-8 or has control characters (a header must not gain a line).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control))
}

impl fmt::Debug for Sip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sip")
            .field("uri", &self.uri)
            .field("secure", &self.secure)
            .field("headers", &self.headers)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "hidden"))
            .field("hooks", &self.hooks)
            .field("alternatives", &self.alternatives)
            .finish()
    }
}

#[cfg(test)]
mod tests;
