//! Addresses with a display name: From, To, Contact, Route and their like (RFC 3261 §20.10, §25.1 `name-addr`).
//! It must never read a URI out of a quoted display name: that would forge a caller.

use std::fmt;
use std::str::FromStr;

use super::grammar::{self, Cursor, SyntaxError, is_token, serde_as_text, wanted};
use super::params::Params;
use super::uri::Uri;

/// A display name, a URI, and the parameters of the header field (not of the URI).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameAddr {
    /// The display name, without quotes and backslashes.
    pub display: Option<String>,
    /// The address.
    pub uri: Uri,
    /// Parameters behind the closing bracket, such as `tag`.
    pub params: Params,
}

impl NameAddr {
    /// An address without display name and parameters.
    pub const fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::new() }
    }

    /// The tag of From and To.
    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag")
    }

    /// With this tag.
    #[must_use]
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", Some(tag));
        self
    }

    /// Without a tag.
    #[must_use]
    pub fn without_tag(mut self) -> Self {
        self.params.remove("tag");
        self
    }

    /// With this display name.
    #[must_use]
    pub fn with_display(mut self, display: &str) -> Self {
        self.display = (!display.is_empty()).then(|| display.to_owned());
        self
    }

    /// With this parameter.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Self {
        self.params.set(name, value);
        self
    }

    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, SyntaxError> {
        let mut ahead = *cursor;
        if let Some(display) = read_display(&mut ahead)? {
            *cursor = ahead;
            let uri = cursor.run(|byte| byte != b'>').parse()?;
            if !cursor.eat(b'>') {
                return wanted("a closing angle bracket");
            }
            let display = (!display.is_empty()).then_some(display);
            return Ok(Self { display, uri, params: Params::read(cursor)? });
        }
        // Without brackets, what follows a semicolon belongs to the header field, and a URI with a comma or a
        // question mark is not allowed (RFC 3261 §20): reading stops there and its rest is refused.
        let uri = cursor
            .run(|byte| !matches!(byte, b';' | b',' | b'?' | b' ' | b'\t' | b'<' | b'>' | b'"'))
            .parse()?;
        Ok(Self { display: None, uri, params: Params::read(cursor)? })
    }
}

/// Reads `[display-name] LAQUOT`; `None` if no bracket follows the words.
fn read_display(cursor: &mut Cursor<'_>) -> Result<Option<String>, SyntaxError> {
    if cursor.peek() == Some(b'"') {
        let display = grammar::unquote(cursor.quoted()?).into_owned();
        cursor.skip_lws();
        return if cursor.eat(b'<') { Ok(Some(display)) } else { wanted("an angle bracket") };
    }
    // The grammar wants tokens here. The field also sends letters beyond ASCII and `AT&T (work)`, which nobody can
    // take for anything else; a comma, colon, semicolon or @ stays refused.
    let words = cursor.run(|byte| is_token(byte) || byte >= 0x80 || b" \t()&/#=?$".contains(&byte));
    Ok(cursor.eat(b'<').then(|| words.trim_end_matches([' ', '\t']).to_owned()))
}

impl FromStr for NameAddr {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_lws();
        let address = Self::read(&mut cursor)?;
        cursor.end().map(|()| address)
    }
}

impl From<Uri> for NameAddr {
    fn from(uri: Uri) -> Self {
        Self::new(uri)
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", grammar::quote(display))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

serde_as_text!(NameAddr);
