//! Reads just enough Rust to see which paths a file names.
//! It must never guess: comments, literals and test code are blanked first.

use std::collections::BTreeSet;

/// A path as it is named in the code, such as `crate::sip::flow::Flow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub line: usize,
    pub path: Vec<String>,
}

/// What a file says, without its tests.
#[derive(Debug, Default)]
pub struct Source {
    pub paths: Vec<Named>,
    /// Child modules that are compiled for tests alone.
    pub test_modules: BTreeSet<String>,
}

impl Source {
    pub fn read(text: &str) -> Self {
        let mut source = Source::default();
        let code = blank(text);
        let tokens = source.without_tests(&tokens(&code));
        let mut reader = Reader { tokens: &tokens, at: 0, paths: Vec::new() };
        while reader.at < tokens.len() {
            reader.path();
        }
        source.paths = reader.paths;
        source
    }

    /// Drops each item under `#[cfg(test)]`, up to its closing brace or semicolon.
    fn without_tests<'t>(&mut self, tokens: &[Token<'t>]) -> Vec<Token<'t>> {
        const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
        let mut kept = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let rest = &tokens[at..];
            if rest.len() < MARK.len() || !rest.iter().zip(MARK).all(|(token, mark)| token.text == mark) {
                kept.push(tokens[at]);
                at += 1;
                continue;
            }
            at += MARK.len();
            let mut depth = 0_usize;
            for (offset, token) in tokens[at..].iter().enumerate() {
                match token.text {
                    "{" => depth += 1,
                    "}" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth == 0 && matches!(token.text, "}" | ";") {
                    if let Some(name) = (offset >= 2).then(|| &tokens[at + offset - 2..at + offset])
                        && token.text == ";"
                        && name[0].text == "mod"
                    {
                        self.test_modules.insert(name[1].text.to_owned());
                    }
                    at += offset + 1;
                    break;
                }
                if at + offset + 1 == tokens.len() {
                    at = tokens.len();
                    break;
                }
            }
        }
        kept
    }
}

#[derive(Clone, Copy, Debug)]
struct Token<'t> {
    line: usize,
    text: &'t str,
}

impl Token<'_> {
    fn is_name(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (number, text) in code.lines().enumerate() {
        let line = number + 1;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match name {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                length => length,
            };
            let (token, after) = rest.split_at(length);
            if !first.is_whitespace() {
                tokens.push(Token { line, text: token });
            }
            rest = after;
        }
    }
    tokens
}

struct Reader<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
    paths: Vec<Named>,
}

impl Reader<'_> {
    fn text(&self) -> &str {
        self.tokens.get(self.at).map_or("", |token| token.text)
    }

    fn path(&mut self) {
        if self.text() == "::" {
            self.at += 1;
        }
        match self.tokens.get(self.at) {
            Some(token) if token.is_name() => self.tree(&[]),
            _ => self.at += 1,
        }
    }

    /// A path and, in a `use`, the group at its end. Leaves the reader behind it.
    fn tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        while let Some(token) = self.tokens.get(self.at) {
            if token.text == "{" {
                return self.group(&path);
            }
            if !token.is_name() && token.text != "*" {
                break;
            }
            path.push(token.text.to_owned());
            self.at += 1;
            if self.text() != "::" {
                break;
            }
            self.at += 1;
        }
        if path.len() > prefix.len() {
            self.paths.push(Named { line, path });
        }
    }

    fn group(&mut self, prefix: &[String]) {
        self.at += 1;
        while self.at < self.tokens.len() && self.text() != "}" {
            let before = self.at;
            self.tree(prefix);
            if self.text() == "as" {
                self.at += 2;
            }
            if self.text() == "," || self.at == before {
                self.at += 1;
            }
        }
        self.at += 1;
    }
}

/// Replaces comments and the insides of literals by spaces; lines stay where they are.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = if chars[at..].starts_with(&['/', '/']) {
            line_end(&chars, at)
        } else if chars[at..].starts_with(&['/', '*']) {
            block_end(&chars, at)
        } else if let Some(end) = literal_end(&chars, at) {
            end
        } else {
            out.push(chars[at]);
            at += 1;
            continue;
        };
        out.extend(chars[at..end].iter().map(|&c| if c == '\n' { c } else { ' ' }));
        at = end;
    }
    out
}

fn line_end(chars: &[char], start: usize) -> usize {
    chars[start..].iter().position(|&c| c == '\n').map_or(chars.len(), |length| start + length)
}

fn block_end(chars: &[char], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = start;
    while at < chars.len() {
        if chars[at..].starts_with(&['/', '*']) {
            depth += 1;
            at += 2;
        } else if chars[at..].starts_with(&['*', '/']) {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    chars.len()
}

/// The end of the string or character literal that starts here, if one does.
fn literal_end(chars: &[char], start: usize) -> Option<usize> {
    let after_name = start > 0 && (chars[start - 1].is_alphanumeric() || chars[start - 1] == '_');
    match chars[start] {
        'r' if !after_name || chars[start - 1] == 'b' => {
            let hashes = chars[start + 1..].iter().take_while(|&&c| c == '#').count();
            (chars.get(start + 1 + hashes) == Some(&'"')).then(|| {
                let mut close = vec!['"'];
                close.resize(hashes + 1, '#');
                let body = start + 2 + hashes;
                (body..chars.len())
                    .find(|&at| chars[at..].starts_with(&close))
                    .map_or(chars.len(), |at| at + close.len())
            })
        }
        '"' => Some(quoted_end(chars, start, '"')),
        // A lifetime has no closing quote right behind its first character.
        '\'' if chars.get(start + 1) == Some(&'\\') || chars.get(start + 2) == Some(&'\'') => {
            Some(quoted_end(chars, start, '\''))
        }
        _ => None,
    }
}

fn quoted_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

#[test]
fn groups_are_unfolded_and_comments_literals_and_tests_are_not_read() {
    let source = Source::read(
        r##"
        use crate::{sip::{self, flow::Flow as F}, ids::*};
        // use crate::hidden::Comment;
        /* outer /* inner */ use crate::hidden::Block; */
        const TEXT: &str = "crate::hidden::Text \" still";
        const RAW: &str = r#"crate::hidden::Raw " still"#;
        fn quote<'a>(c: &'a char) -> bool { *c == '"' || *c == '\'' || super::call::yes() }
        #[cfg(test)]
        mod tests;
        #[cfg(test)]
        mod inline { use crate::hidden::Inline; fn f() {} }
        fn after() { ::tokio::spawn::<()>(x) }
        "##,
    );
    let named: Vec<String> = source.paths.iter().map(|named| named.path.join("::")).collect();
    for path in
        ["crate::sip::self", "crate::sip::flow::Flow", "crate::ids::*", "super::call::yes", "tokio::spawn"]
    {
        assert!(named.iter().any(|name| name == path), "{path} is not among {named:?}");
    }
    assert!(!named.iter().any(|name| name.contains("hidden")), "{named:?}");
    assert!(source.test_modules.contains("tests"));
    let line = source.paths.iter().find(|named| named.path[0] == "super").map(|named| named.line);
    assert_eq!(line, Some(7));
}
