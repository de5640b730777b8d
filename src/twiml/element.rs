//! XML to a small tree with positions, within hard bounds.
//! Must never know a verb, resolve an entity that the document declares, or recurse over untrusted depth.

use std::borrow::Cow;

use memchr::{memchr_iter, memrchr};
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::attributes::Attributes;
use quick_xml::events::{BytesDecl, BytesRef, Event};

use super::finding::{ScriptError, code, shortened};

/// Longest document in bytes.
pub(super) const MAX_BYTES: usize = 64 << 10;
/// How deep elements may nest.
pub(super) const MAX_DEPTH: usize = 32;
/// How many elements a document may have.
pub(super) const MAX_ELEMENTS: usize = 4_000;
/// How many attributes an element may have: each is compared with all others.
pub(super) const MAX_ATTRIBUTES: usize = 100;

/// An element with what it holds, its references resolved. It borrows from the document what stands there as it is
/// meant: nearly everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element<'x> {
    /// Name with its prefix, as written.
    pub name: &'x str,
    /// In document order, each name once.
    pub attributes: Vec<(&'x str, Cow<'x, str>)>,
    /// In document order.
    pub children: Vec<Node<'x>>,
    /// Where its start tag begins.
    pub place: Place,
}

/// What an element holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node<'x> {
    Element(Element<'x>),
    Text(Cow<'x, str>),
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
        let Some(passed) = self.xml.get(self.at..offset) else { return self.place };
        let Place { line, column } = self.place;
        let breaks = memchr_iter(b'\n', passed).count();
        self.place = match memrchr(b'\n', passed) {
            Some(last) => Place { line: line + small(breaks), column: small(passed.len() - last) },
            None => Place { line, column: column + small(passed.len()) },
        };
        self.at = offset;
        self.place
    }
}

/// A count of a document's bytes, of which there are at most [`MAX_BYTES`].
fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl<'x> Element<'x> {
    /// The value of an attribute, as written.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_ref())
    }

    /// The text directly inside, without surrounding blanks.
    pub(super) fn text(&self) -> String {
        match self.children.as_slice() {
            [] => String::new(),
            [Node::Text(text)] => text.trim().to_owned(),
            _ => self.texts().collect::<String>().trim().to_owned(),
        }
    }

    /// Whether there is text directly inside, other than blanks.
    pub(super) fn has_text(&self) -> bool {
        self.texts().any(|text| !text.trim().is_empty())
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.children.iter().filter_map(|child| match child {
            Node::Text(text) => Some(text.as_ref()),
            Node::Element(_) => None,
        })
    }

    /// The elements directly inside.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Element<'x>> {
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
pub(super) fn read(xml: &[u8]) -> Result<Element<'_>, ScriptError> {
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
        tree.take(event, xml.get(start..).unwrap_or_default(), place)?;
    }
}

/// Refuses what XML 1.0 §2.2 does not allow, as itself or as a reference, and a mark or blank before the declaration.
fn refuse_bad_characters(xml: &str) -> Result<(), ScriptError> {
    // All that is refused is a control character, or begins with this byte. This order of things is many at a time.
    let is_suspect = |byte: &u8| (*byte < b' ') & !is_blank(*byte) | (*byte == 0xEF);
    let is_suspect = xml.as_bytes().iter().fold(false, |any, byte| any | is_suspect(byte));
    let bad = || xml.char_indices().find(|(_, c)| !is_xml_character(*c));
    if let Some((at, bad)) = is_suspect.then(bad).flatten() {
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
struct Tree<'x> {
    /// From the root to the element that is being read.
    open: Vec<Element<'x>>,
    root: Option<Element<'x>>,
    elements: usize,
}

impl<'x> Tree<'x> {
    /// Takes what the document goes on with.
    fn take(&mut self, event: Event<'x>, rest: &'x str, place: Place) -> Result<(), ScriptError> {
        match event {
            Event::Start(tag) => self.begin(inside(rest, tag.len()), place),
            Event::Empty(tag) => {
                self.begin(inside(rest, tag.len()), place)?;
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
                self.text(character, place)
            }
            Event::Decl(declaration) => declared(&declaration, place),
            Event::DocType(_) => Err(place.error(code::PARSE, "a DOCTYPE is not allowed")),
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn begin(&mut self, tag: &'x str, place: Place) -> Result<(), ScriptError> {
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
        let name = tag.split([' ', '\t', '\r', '\n']).next().unwrap_or_default();
        if !is_name(name) {
            return Err(place.error(code::PARSE, format!("`{name}` is not a name")));
        }
        let attributes = attributes(tag, name.len(), place)?;
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

    fn text(&mut self, text: Cow<'x, str>, place: Place) -> Result<(), ScriptError> {
        match self.open.last_mut() {
            Some(parent) => match parent.children.last_mut() {
                Some(Node::Text(before)) => before.to_mut().push_str(&text),
                _ => parent.children.push(Node::Text(text)),
            },
            None if text.trim().is_empty() => {}
            None => return Err(place.error(code::PARSE, "text outside the root element")),
        }
        Ok(())
    }

    fn finish(self, end: Place) -> Result<Element<'x>, ScriptError> {
        if let Some(open) = self.open.last() {
            return Err(end.error(code::PARSE, format!("<{}> is not closed", open.name)));
        }
        self.root.ok_or_else(|| end.error(code::PARSE, "the document has no element"))
    }
}

/// What stands in a tag of this length, without its brackets.
fn inside(rest: &str, length: usize) -> &str {
    rest.get(1..).and_then(|rest| rest.get(..length)).unwrap_or_default()
}

type Pair<'x> = (&'x str, Cow<'x, str>);

/// The attributes of a tag, which begin behind its name.
fn attributes(tag: &str, name: usize, place: Place) -> Result<Vec<Pair<'_>>, ScriptError> {
    let mut read: Vec<Pair<'_>> = Vec::new();
    // That each stands there once is seen below.
    for attribute in Attributes::new(tag, name).with_checks(false) {
        if read.len() >= MAX_ATTRIBUTES {
            return Err(place.error(code::PARSE, format!("more than {MAX_ATTRIBUTES} attributes")));
        }
        let attribute = attribute.map_err(|error| place.error(code::PARSE, error.to_string()))?;
        let name = attribute.key.into_inner();
        if !is_name(name) || attribute.value.contains('<') {
            return Err(place.error(code::PARSE, format!("`{name}` is not a well-formed attribute")));
        }
        if read.iter().any(|(known, _)| *known == name) {
            return Err(place.error(code::PARSE, format!("attribute {name} stands there twice")));
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| place.error(code::PARSE, format!("attribute {name}: {error}")))?;
        // A reference can stand for any character.
        if let Cow::Owned(value) = &value
            && let Some(bad) = value.chars().find(|c| !is_xml_character(*c))
        {
            let message = format!("attribute {name}: U+{:04X} is not allowed in XML", u32::from(bad));
            return Err(place.error(code::PARSE, message));
        }
        read.push((name, value));
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
fn resolve(reference: &BytesRef<'_>) -> Option<Cow<'static, str>> {
    if reference.is_char_ref() {
        let character = reference.resolve_char_ref().ok()?.filter(|c| is_xml_character(*c));
        return character.map(|c| String::from(c).into());
    }
    resolve_predefined_entity(reference).map(Cow::Borrowed)
}

fn declared(declaration: &BytesDecl<'_>, place: Place) -> Result<(), ScriptError> {
    let version = declaration.version().map_err(|error| place.error(code::PARSE, error.to_string()))?;
    if version != "1.0" {
        return Err(place.error(code::VERSION, "the XML version must be 1.0"));
    }
    match declaration.encoding().transpose() {
        Ok(Some(encoding)) if !encoding.eq_ignore_ascii_case("utf-8") => {
            Err(place.error(code::PARSE, "the encoding must be UTF-8"))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(place.error(code::PARSE, error.to_string())),
    }
}
