//! What a body is: by its content type, its charset, and what it holds (webhooks.md §5). Pure.
//! It must never guess at bytes that the charset does not explain.

use std::borrow::Cow;

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};

use super::request::Content;

/// What Play takes (twiml.md §2), and what servers say for the same.
const SOUNDS: [&str; 16] = [
    "audio/mpeg",
    "audio/mp3",
    "audio/wav",
    "audio/wave",
    "audio/x-wav",
    "audio/vnd.wave",
    "audio/aiff",
    "audio/x-aiff",
    "audio/x-aifc",
    "audio/gsm",
    "audio/x-gsm",
    "audio/ulaw",
    "audio/basic",
    "audio/pcmu",
    "audio/x-mulaw",
    "audio/mulaw",
];

/// What an answer says about its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContentType {
    /// In lower case, without parameters.
    pub kind: String,
    charset: Option<String>,
}

/// What the body of an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A document.
    Document,
    /// A document, or words to be spoken.
    Text,
    /// A sound.
    Sound,
    /// Nothing that could be used.
    Other,
}

impl ContentType {
    /// Reads a `Content-Type`.
    pub fn read(header: &str) -> Self {
        let mut parts = header.split(';');
        let kind = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let charset = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let value = value.trim().trim_matches(['"', '\'']);
            name.trim().eq_ignore_ascii_case("charset").then(|| value.to_owned())
        });
        Self { kind, charset }
    }

    /// What a body of this type is taken for.
    pub fn form(&self) -> Form {
        match self.kind.as_str() {
            "text/xml" | "application/xml" | "text/html" => Form::Document,
            "text/plain" => Form::Text,
            kind if SOUNDS.contains(&kind) => Form::Sound,
            _ => Form::Other,
        }
    }

    /// A body of this type that is no sound, in UTF-8.
    ///
    /// # Errors
    /// What its charset is, if nobody knows that.
    pub fn content(&self, body: Bytes) -> Result<Content, String> {
        if body.is_empty() {
            return Ok(Content::Empty);
        }
        let xml = self.in_utf8(body)?;
        Ok(match self.form() {
            Form::Text => Content::Text(String::from_utf8_lossy(&xml).into_owned()),
            _ => Content::Twiml(xml),
        })
    }

    /// The header's charset counts, else that of the XML declaration, else UTF-8.
    fn in_utf8(&self, body: Bytes) -> Result<Bytes, String> {
        let declared = declared_encoding(&body).and_then(|span| body.get(span)).map(String::from_utf8_lossy);
        let label = self.charset.as_deref().map(Cow::Borrowed).or(declared);
        let encoding = match label {
            None => UTF_8,
            Some(label) => match Encoding::for_label(label.as_bytes()) {
                Some(encoding) => encoding,
                // Of pure ASCII nearly every charset means the same.
                None if body.is_ascii() => UTF_8,
                None => return Err(label.into_owned()),
            },
        };
        // What claims UTF-8 is left as it is: the parser knows best where it is not.
        let text = if encoding == UTF_8 {
            body
        } else {
            match encoding.decode(&body) {
                (Cow::Borrowed(_), ..) => body,
                (Cow::Owned(text), ..) => text.into(),
            }
        };
        Ok(match declared_encoding(&text) {
            Some(span) => {
                let (before, after) = (text.slice(..span.start), text.slice(span.end..));
                [&before[..], b"UTF-8", &after[..]].concat().into()
            }
            None => text,
        })
    }
}

/// Where an XML declaration names its encoding.
fn declared_encoding(xml: &[u8]) -> Option<std::ops::Range<usize>> {
    let head = xml.get(..xml.len().min(200))?;
    let end = head.strip_prefix(b"<?xml")?.windows(2).position(|pair| pair == b"?>")? + 5;
    let declaration = head.get(..end)?;
    let key = declaration.windows(8).position(|word| word == b"encoding")?;
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'');
    let start = key + declaration.get(key..)?.iter().position(is_quote)? + 1;
    let length = declaration.get(start..)?.iter().position(is_quote)?;
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(header: &str, body: &[u8]) -> Result<Content, String> {
        ContentType::read(header).content(Bytes::copy_from_slice(body))
    }

    fn twiml(text: &str) -> Result<Content, String> {
        Ok(Content::Twiml(Bytes::copy_from_slice(text.as_bytes())))
    }

    #[test]
    fn content_types_are_told_apart_whatever_their_case_and_parameters() {
        for (header, form) in [
            ("text/xml", Form::Document),
            ("Application/XML; charset=utf-8", Form::Document),
            ("text/html;charset=utf-8", Form::Document),
            ("text/plain", Form::Text),
            ("audio/mpeg", Form::Sound),
            ("audio/x-wav;rate=8000", Form::Sound),
            ("audio/ogg", Form::Other),
            ("application/json", Form::Other),
            ("", Form::Other),
        ] {
            assert_eq!(ContentType::read(header).form(), form, "{header}");
        }
    }

    #[test]
    fn the_header_names_the_charset_else_the_declaration_else_it_is_utf_8() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
        assert_eq!(content("text/xml", latin), twiml("<?xml version='1.0' encoding='UTF-8'?><a>é</a>"));
        assert_eq!(content("text/xml; charset=\"iso-8859-1\"", b"<a>\xe9</a>"), twiml("<a>é</a>"));
        assert_eq!(content("text/xml; charset=windows-1251", b"<a>\xe4\xe0</a>"), twiml("<a>да</a>"));
        let contradiction = "<?xml version=\"1.0\" encoding=\"latin1\"?><a>é</a>";
        assert_eq!(
            content("text/xml; charset=utf-8", contradiction.as_bytes()),
            twiml("<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>é</a>")
        );
        let utf_16: Vec<u8> = "\u{feff}<a>é</a>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(content("text/xml; charset=utf-16", &utf_16), twiml("<a>é</a>"));
        assert_eq!(content("text/xml", "<a>é</a>".as_bytes()), twiml("<a>é</a>"));
    }

    #[test]
    fn an_unknown_charset_is_an_error_only_where_it_matters() {
        assert_eq!(content("text/xml; charset=klingon", b"<a>\xe9</a>"), Err("klingon".to_owned()));
        assert_eq!(content("text/xml; charset=klingon", b"<a/>"), twiml("<a/>"));
        assert_eq!(
            content("text/plain; charset=utf-8", "Grüß".as_bytes()),
            Ok(Content::Text("Grüß".to_owned()))
        );
        assert_eq!(content("text/xml", b""), Ok(Content::Empty));
    }

    #[test]
    fn an_unfinished_declaration_names_nothing() {
        for odd in
            ["<?xml", "<?xml encoding", "<?xml encoding='", "<?xml encoding='x", "<?xml ?>encoding='latin1'"]
        {
            assert_eq!(content("text/xml", odd.as_bytes()), twiml(odd), "{odd}");
        }
    }
}
