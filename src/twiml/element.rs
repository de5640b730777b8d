//! XML to a small tree with positions, within hard bounds.
//! Must never know a verb, resolve an entity that the document declares, or recurse over untrusted depth.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

use super::finding::{ScriptError, code, shortened};

/// Longest document in bytes.
pub(super) const MAX_BYTES: usize = 64 << 10;
/// How deep elements may nest.
pub(super) const MAX_DEPTH: usize = 32;
/// How many elements a document may have.
pub(super) const MAX_ELEMENTS: usize = 4_000;
/// How many attributes an element may have: each is compared with all others.
pub(super) const MAX_ATTRIBUTES: usize = 100;

/// An element with what it holds, its references resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// Name with its prefix, as written.
    pub name: String,
    /// In document order, each name once.
    pub attributes: Vec<(String, String)>,
    /// In document order.
    pub children: Vec<Node>,
    /// Where its start tag begins.
    pub place: Place,
}

/// What an element holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

/// Line and column (in bytes), both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub line: u32,
    pub column: u32,
}

impl Default for Place {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

impl Place {
    /// Where the byte at `offset` stands.
    fn of(xml: &str, offset: usize) -> Self {
        let mut walk = Walk { xml: xml.as_bytes(), at: 0, place: Self::default() };
        walk.to(offset)
    }

    pub(super) fn error(self, code: u32, message: impl Into<String>) -> ScriptError {
        ScriptError { line: self.line, column: self.column, code, message: shortened(message) }
    }
}

/// Walks once through a document and knows line and column: finding each place anew would cost its square.
struct Walk<'x> {
    xml: &'x [u8],
    at: usize,
    place: Place,
}

impl Walk<'_> {
    /// Goes on to `offset`; never back.
    fn to(&mut self, offset: usize) -> Place {
        for byte in self.xml.iter().take(offset).skip(self.at) {
            match byte {
                b'\n' => self.place = Place { line: self.place.line.saturating_add(1), column: 1 },
                _ => self.place.column = self.place.column.saturating_add(1),
            }
        }
        self.at = self.at.max(offset);
        self.place
    }
}

impl Element {
    /// The text directly inside, without surrounding blanks.
    pub(super) fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|child| match child {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect::<String>().trim().to_owned()
    }

    /// Whether there is text directly inside, other than blanks.
    pub(super) fn has_text(&self) -> bool {
        self.children.iter().any(|child| matches!(child, Node::Text(text) if !text.trim().is_empty()))
    }

    /// The elements directly inside.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }
}

/// Reads the one root element of a document.
///
/// # Errors
/// Not UTF-8, not well-formed, not XML 1.0, with a DOCTYPE, or beyond a bound.
pub(super) fn read(xml: &[u8]) -> Result<Element, ScriptError> {
    if xml.len() > MAX_BYTES {
        return Err(Place::default().error(code::TOO_LARGE, "a document has at most 64 kB"));
    }
    let xml = std::str::from_utf8(xml).map_err(|error| {
        let valid = xml.get(..error.valid_up_to()).unwrap_or_default();
        Place::of(&String::from_utf8_lossy(valid), error.valid_up_to())
            .error(code::PARSE, "the text is not UTF-8")
    })?;
    refuse_bad_characters(xml)?;
    let mut reader = Reader::from_str(xml);
    reader.config_mut().enable_all_checks(true);
    let mut walk = Walk { xml: xml.as_bytes(), at: 0, place: Place::default() };
    let mut tree = Tree::default();
    loop {
        let start = offset(reader.buffer_position());
        let place = walk.to(start);
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                let place = Place::of(xml, offset(reader.error_position()));
                return Err(place.error(code::PARSE, error.to_string()));
            }
        };
        if matches!(event, Event::Eof) {
            return tree.finish(place);
        }
        if matches!(event, Event::Decl(_)) && start > 0 {
            return Err(place.error(code::PARSE, "an XML declaration stands at the very start"));
        }
        tree.take(event, place)?;
    }
}

/// Refuses what XML 1.0 §2.2 does not allow, as itself or as a reference, and a mark or blank before the declaration.
fn refuse_bad_characters(xml: &str) -> Result<(), ScriptError> {
    if let Some((at, bad)) = xml.char_indices().find(|(_, c)| !is_xml_character(*c)) {
        let message = format!("the character U+{:04X} is not allowed in XML", u32::from(bad));
        return Err(Place::of(xml, at).error(code::PARSE, message));
    }
    let body = xml.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if body.len() < xml.len() && body.starts_with("<?xml ") || xml.starts_with('\u{feff}') {
        return Err(Place::default().error(code::PARSE, "something stands before the XML declaration"));
    }
    Ok(())
}

fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// A position of the reader, which is that of a text in memory.
fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[derive(Default)]
struct Tree {
    /// From the root to the element that is being read.
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, place: Place) -> Result<(), ScriptError> {
        match event {
            Event::Start(tag) => self.begin(&tag, place),
            Event::Empty(tag) => {
                self.begin(&tag, place)?;
                self.end();
                Ok(())
            }
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.text(text.xml10_content(), place),
            Event::CData(text) => self.text(text.xml10_content(), place),
            Event::GeneralRef(reference) => {
                let character = resolve(&reference).ok_or_else(|| {
                    place.error(code::PARSE, "an unknown reference, or `&` where `&amp;` is meant")
                })?;
                self.text(Ok::<_, std::convert::Infallible>(character.into()), place)
            }
            Event::Decl(declaration) => declared(&declaration, place),
            Event::DocType(_) => Err(place.error(code::PARSE, "a DOCTYPE is not allowed")),
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn begin(&mut self, tag: &BytesStart<'_>, place: Place) -> Result<(), ScriptError> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(place.error(code::PARSE, format!("more than {MAX_ELEMENTS} elements")));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(place.error(code::PARSE, format!("elements nest deeper than {MAX_DEPTH}")));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(place.error(code::PARSE, "a document has one root element"));
        }
        let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
        if !is_name(&name) {
            return Err(place.error(code::PARSE, format!("`{name}` is not a name")));
        }
        let attributes = attributes(tag, place)?;
        self.open.push(Element { name, attributes, children: Vec::new(), place });
        Ok(())
    }

    fn end(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    fn text<E: std::fmt::Display>(
        &mut self,
        text: Result<std::borrow::Cow<'_, str>, E>,
        place: Place,
    ) -> Result<(), ScriptError> {
        let text = text.map_err(|error| place.error(code::PARSE, error.to_string()))?;
        match self.open.last_mut() {
            Some(parent) => match parent.children.last_mut() {
                Some(Node::Text(before)) => before.push_str(&text),
                _ => parent.children.push(Node::Text(text.into_owned())),
            },
            None if text.trim().is_empty() => {}
            None => return Err(place.error(code::PARSE, "text outside the root element")),
        }
        Ok(())
    }

    fn finish(self, end: Place) -> Result<Element, ScriptError> {
        if let Some(open) = self.open.last() {
            return Err(end.error(code::PARSE, format!("<{}> is not closed", open.name)));
        }
        self.root.ok_or_else(|| end.error(code::PARSE, "the document has no element"))
    }
}

fn attributes(tag: &BytesStart<'_>, place: Place) -> Result<Vec<(String, String)>, ScriptError> {
    let mut read = Vec::new();
    for attribute in tag.attributes() {
        if read.len() >= MAX_ATTRIBUTES {
            return Err(place.error(code::PARSE, format!("more than {MAX_ATTRIBUTES} attributes")));
        }
        let mut attribute = attribute.map_err(|error| place.error(code::PARSE, error.to_string()))?;
        let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        if !is_name(&name) || attribute.value.contains(&b'<') {
            return Err(place.error(code::PARSE, format!("`{name}` is not a well-formed attribute")));
        }
        // XML 1.0 §3.3.3: a line end in a value is a blank, unless it is written as a reference.
        if attribute.value.iter().any(|byte| is_blank(*byte)) {
            let blanked = attribute.value.iter().map(|byte| if is_blank(*byte) { b' ' } else { *byte });
            attribute.value = blanked.collect::<Vec<_>>().into();
        }
        let value = attribute
            .unescape_value()
            .map_err(|error| place.error(code::PARSE, format!("attribute {name}: {error}")))?;
        if let Some(bad) = value.chars().find(|c| !is_xml_character(*c)) {
            let message = format!("attribute {name}: U+{:04X} is not allowed in XML", u32::from(bad));
            return Err(place.error(code::PARSE, message));
        }
        read.push((name, value.into_owned()));
    }
    Ok(read)
}

/// White space other than the space itself.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Close to XML 1.0 §2.3: letters, digits, `_`, `:`, `-`, `.`; the first a letter, `_` or `:`.
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | ':'))
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.'))
}

/// One of the five entities of XML 1.0 §4.6, or a character by its number.
fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok()?.filter(|c| is_xml_character(*c)).map(String::from);
    }
    reference.decode().ok().and_then(|name| resolve_predefined_entity(&name).map(str::to_owned))
}

fn declared(declaration: &BytesDecl<'_>, place: Place) -> Result<(), ScriptError> {
    let version = declaration.version().map_err(|error| place.error(code::PARSE, error.to_string()))?;
    if version.as_ref() != b"1.0" {
        return Err(place.error(code::VERSION, "the XML version must be 1.0"));
    }
    match declaration.encoding().transpose() {
        Ok(Some(encoding)) if !encoding.eq_ignore_ascii_case(b"utf-8") => {
            Err(place.error(code::PARSE, "the encoding must be UTF-8"))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(place.error(code::PARSE, error.to_string())),
    }
}
