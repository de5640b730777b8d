//! `<Sip>`: a SIP address to dial.
//! Must never show its password, nor let a script set a header that signalling itself relies on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Hooks;
use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::{Element, Place};
use crate::twiml::finding::code;

const BAD_URI: u32 = 13_243;
const BAD_HEADER: u32 = 13_252;
const LONG_HEADERS: u32 = 13_253;

/// Longest URI without its headers, and longest headers, in bytes.
const MAX_URI: usize = 254;
const MAX_HEADERS: usize = 1_023;

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
    /// URI with its scheme and parameters; what follows `?` in the document is in `headers`.
    pub uri: String,
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
}

impl Sip {
    pub(super) fn read(element: &Element, findings: &mut Findings) -> Option<Sip> {
        let chosen = chosen_uri(element, findings);
        let mut attributes = Attributes::of(element, findings);
        let hooks = Hooks::read(&mut attributes);
        let mut username = attributes.text("username");
        let mut password = attributes.text("password");
        attributes.not_yet(&NOT_YET);
        drop(attributes);
        let text = match chosen {
            Some(child) => {
                let mut attributes = Attributes::of(child, findings);
                attributes.not_yet(&["weight"]);
                attributes.text("priority");
                username = attributes.text("username").or(username);
                password = attributes.text("password").or(password);
                child.text()
            }
            None => element.text(),
        };
        let (address, headers) = text.split_once('?').unwrap_or((&text, ""));
        let Some(uri) = uri(address) else {
            findings.add(element.place, BAD_URI, "<Sip>: this is no SIP address; it is not dialled");
            return None;
        };
        let headers = read_headers(headers, element.place, findings);
        Some(Sip { uri, headers, username, password, hooks })
    }
}

/// The `<Uri>` child to use: that of the lowest priority, the first among equals. The others wait for failover lists.
fn chosen_uri<'e>(element: &'e Element, findings: &mut Findings) -> Option<&'e Element> {
    let priority = |child: &Element| {
        let value = child.attributes.iter().find(|(name, _)| name == "priority");
        value.and_then(|(_, value)| value.trim().parse::<u16>().ok()).unwrap_or(u16::MAX)
    };
    let chosen = element.elements().filter(|child| child.name == "Uri").min_by_key(|child| priority(child));
    for child in element.elements() {
        let fate = match child.name.as_str() {
            "Uri" if chosen.is_some_and(|chosen| std::ptr::eq(chosen, child)) => continue,
            "Uri" => "an alternative; lists are not supported yet, it is ignored",
            "Headers" => "not supported yet; it is ignored",
            _ => "not allowed in <Sip>",
        };
        findings.add(child.place, code::SCHEMA, format!("<{}> is {fate}", child.name));
    }
    chosen
}

/// The address with its scheme, if it could be one: signalling parses it for good.
fn uri(address: &str) -> Option<String> {
    let address = address.trim();
    let lower = address.get(..5).unwrap_or(address).to_ascii_lowercase();
    let bare = if lower == "sips:" {
        address.get(5..)?
    } else if lower.starts_with("sip:") {
        address.get(4..)?
    } else {
        address
    };
    let scheme = if lower == "sips:" { "sips" } else { "sip" };
    let host = bare.rsplit_once('@').map_or(bare, |(_, host)| host);
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"');
    let valid = !host.is_empty()
        && host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && !bare.contains(forbidden)
        && bare.len() <= MAX_URI;
    valid.then(|| format!("{scheme}:{bare}"))
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
    let token = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let custom = name.len() > 2 && name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("X-"));
    token && (custom || HEADERS.iter().any(|known| known.eq_ignore_ascii_case(name)))
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
            .field("headers", &self.headers)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "hidden"))
            .field("hooks", &self.hooks)
            .finish()
    }
}
