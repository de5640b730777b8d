//! `<Client>`: a registered endpoint to dial.
//! Must never know where it is registered.

use serde::{Deserialize, Serialize};

use super::Hooks;
use crate::twiml::attributes::{Attributes, Findings};
use crate::twiml::element::Element;
use crate::twiml::finding::code;

/// Longest identity in bytes.
const MAX_IDENTITY: usize = 121;
/// Most custom parameters of one client.
const MAX_PARAMETERS: usize = 32;

/// A registered endpoint to dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Name of the user, such as `alice`.
    pub identity: String,
    /// Custom parameters, in order: name and value. Its telephone is told them as `X-` headers.
    #[serde(default)]
    pub parameters: Vec<(String, String)>,
    /// What is told about the attempt.
    #[serde(default)]
    pub hooks: Hooks,
}

impl Client {
    pub(super) fn read(element: &Element<'_>, findings: &mut Findings) -> Option<Client> {
        let mut identity = element.text();
        let mut parameters = Vec::new();
        for child in element.elements() {
            match child.name {
                "Identity" => {
                    drop(Attributes::of(child, findings));
                    identity = child.text();
                }
                "Parameter" => parameters.extend(parameter(child, findings)),
                name => {
                    findings.add(child.place, code::SCHEMA, format!("<{name}> is not allowed in <Client>"));
                }
            }
        }
        let mut attributes = Attributes::of(element, findings);
        let hooks = Hooks::read(&mut attributes, code::SCHEMA);
        if parameters.len() > MAX_PARAMETERS {
            parameters.truncate(MAX_PARAMETERS);
            attributes.complain(code::SCHEMA, format!("only the first {MAX_PARAMETERS} parameters are kept"));
        }
        if !is_identity(&identity) {
            attributes.complain(code::SCHEMA, "this is no identity; it is not dialled");
            return None;
        }
        Some(Client { identity, parameters, hooks })
    }
}

fn parameter(element: &Element<'_>, findings: &mut Findings) -> Option<(String, String)> {
    let mut attributes = Attributes::of(element, findings);
    let (name, value) = (attributes.text("name"), attributes.text("value"));
    let is_sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let Some(name) = name.filter(|name| !name.is_empty() && name.chars().all(is_sound)) else {
        attributes
            .complain(code::SCHEMA, "a parameter has a name of letters, digits, - _ and .; it is not sent");
        return None;
    };
    Some((name, value.unwrap_or_default()))
}

/// What can stand as the user part of an address without changing its meaning.
fn is_identity(text: &str) -> bool {
    let forbidden =
        |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | '@' | ';' | '?');
    !text.is_empty() && text.len() <= MAX_IDENTITY && !text.contains(forbidden)
}

#[cfg(test)]
mod tests;
