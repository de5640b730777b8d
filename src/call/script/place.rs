//! Where a document stands, and what its references mean from there. Pure.
//! It must never lead out of the dialplan's folder.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::sound::Sound;
use crate::webhook::{self, WebhookError};

/// What stands for the keys that were pressed in a reference of the dialplan.
const DIGITS: &str = "{Digits}";

/// Where a document stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Nowhere: the switch made it.
    Made,
    /// A file of the dialplan, by its path in there.
    File(String),
    /// An absolute URL.
    Url(String),
}

/// What a reference means: the document itself, and perhaps the one that takes its place where it is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referred {
    /// The document.
    pub place: Place,
    /// For files named after keys: what follows where there is none for these.
    pub otherwise: Option<Place>,
}

impl Place {
    /// A document as the dialplan names it: an absolute URL, or one of its files.
    ///
    /// # Errors
    /// 11100: it is neither.
    pub fn read(text: &str) -> Result<Self, WebhookError> {
        Self::File(String::new()).refer(text, None).map(|referred| referred.place)
    }

    /// The document that `reference` means here; an empty one means this document. In the dialplan `{Digits}` stands
    /// for the keys that were pressed: `*` is written `star`, `#` is written `pound`.
    ///
    /// # Errors
    /// 11100: it is none, or relative to nothing.
    pub fn refer(&self, reference: &str, digits: Option<&str>) -> Result<Referred, WebhookError> {
        let reference = reference.trim();
        let only = |place| Ok(Referred { place, otherwise: None });
        match self {
            Self::Url(base) => only(Self::Url(webhook::resolve(Some(base), reference)?)),
            _ if is_absolute(reference) => only(Self::Url(webhook::resolve(None, reference)?)),
            Self::File(base) if reference.is_empty() && !base.is_empty() => only(self.clone()),
            Self::File(base) => {
                let named = digits.map(|digits| reference.replace(DIGITS, &spelled(digits)));
                let file = beside(base, named.as_deref().unwrap_or(reference));
                let file = file.ok_or_else(|| bad(reference, "it is no file of the dialplan"))?;
                let otherwise = reference.contains(DIGITS).then(|| self.clone());
                Ok(Referred { place: Self::File(file), otherwise })
            }
            Self::Made => Err(bad(reference, "the document has no address that this could be relative to")),
        }
    }

    /// The sound that a Play means here.
    ///
    /// # Errors
    /// As [`refer`](Self::refer).
    pub fn sound(&self, source: &str) -> Result<Sound, WebhookError> {
        match self.refer(source, None)?.place {
            Self::Url(url) => Ok(Sound::Url(url)),
            Self::File(file) => Ok(Sound::File(file)),
            Self::Made => Err(bad(source, "it is no sound")),
        }
    }
}

/// As it may be shown: a URL without user and connection overrides.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Made => f.write_str("the switch's own document"),
            Self::File(file) => f.write_str(file),
            Self::Url(url) => f.write_str(&webhook::shown(url)),
        }
    }
}

fn bad(reference: &str, why: &str) -> WebhookError {
    WebhookError::new(webhook::code::BAD_URL, reference, why)
}

fn is_absolute(reference: &str) -> bool {
    reference.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Keys as part of a file name.
fn spelled(digits: &str) -> String {
    let spell = |key: char| match key {
        '*' => "star".to_owned(),
        '#' => "pound".to_owned(),
        key => key.to_string(),
    };
    digits.chars().map(spell).collect()
}

/// The path of `reference` in the folder that `base` lies in; from the dialplan's own folder if it begins with `/`.
fn beside(base: &str, reference: &str) -> Option<String> {
    let (from, reference) = match reference.strip_prefix('/') {
        Some(rest) => ("", rest),
        None => (base.rsplit_once('/').map_or("", |(folder, _)| folder), reference),
    };
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in reference.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part if part.contains(|c: char| c.is_control() || c == '\\') => return None,
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Place {
        Place::File(path.to_owned())
    }

    #[test]
    fn in_the_dialplan_a_reference_is_a_file_beside_the_document_and_never_one_outside() {
        for (base, reference, place) in [
            ("menu.xml", "thanks.xml", Some("thanks.xml")),
            ("sales/menu.xml", "thanks.xml", Some("sales/thanks.xml")),
            ("sales/menu.xml", "../thanks.xml", Some("thanks.xml")),
            ("sales/menu.xml", "/audio/./chime.wav", Some("audio/chime.wav")),
            ("menu.xml", "", Some("menu.xml")),
            ("menu.xml", "../../etc/passwd", None),
            ("menu.xml", "a\\..\\b", None),
            ("menu.xml", "/", None),
        ] {
            let referred = file(base).refer(reference, None);
            assert_eq!(referred.ok().map(|referred| referred.place), place.map(file), "{reference}");
        }
    }

    #[test]
    fn keys_choose_a_file_and_where_there_is_none_the_document_begins_again() {
        for (digits, chosen) in [("1", "menu-1.xml"), ("*2#", "menu-star2pound.xml"), ("", "menu-.xml")] {
            let referred = file("menu.xml").refer("menu-{Digits}.xml", Some(digits)).expect("a file");
            assert_eq!(referred, Referred { place: file(chosen), otherwise: Some(file("menu.xml")) });
        }
    }

    #[test]
    fn a_url_is_a_url_wherever_it_stands_and_nothing_is_relative_to_what_stands_nowhere() {
        let url = |text: &str| Place::Url(text.to_owned());
        let place = |base: &Place, reference| base.refer(reference, None).ok().map(|referred| referred.place);
        assert_eq!(place(&file("menu.xml"), "http://h/x"), Some(url("http://h/x")));
        assert_eq!(place(&url("http://h/a/b"), "c"), Some(url("http://h/a/c")));
        assert_eq!(place(&url("http://h/a/b"), ""), Some(url("http://h/a/b")));
        assert_eq!(place(&Place::Made, "https://h/x"), Some(url("https://h/x")));
        assert_eq!(place(&Place::Made, "x.xml"), None);
        assert_eq!(place(&file("menu.xml"), "ftp://h/x"), None);
        assert_eq!(Place::read(" menu.xml "), Ok(file("menu.xml")));
        assert!(Place::read("").is_err());
    }
}
