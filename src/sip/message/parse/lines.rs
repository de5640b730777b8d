//! Splitting the head of a message into lines and naming them (RFC 3261 §7.3).
//! A line at fault must never take the good lines after it along.

use bytes::Bytes;

use super::super::grammar::is_token_text;
use super::super::header::HeaderName;
use super::super::headers::Headers;
use super::super::limits::Limits;

/// Start line and header fields, with the first fault that was found in them.
pub(in crate::sip::message) struct Head {
    /// The start line with its line end.
    pub(in crate::sip::message) start: Bytes,
    pub(in crate::sip::message) headers: Headers,
    /// Where the body begins.
    pub(in crate::sip::message) end: usize,
    pub(in crate::sip::message) fault: Option<&'static str>,
}

/// One line with its continuations.
struct Line {
    length: usize,
    colon: Option<usize>,
    /// Ends and folds with CRLF, and holds no control character but in a quoted pair.
    is_clean: bool,
}

impl Head {
    pub(in crate::sip::message) fn read(message: &Bytes, limits: &Limits) -> Self {
        let first = scan(message, false);
        let mut head = Self {
            start: message.slice(..first.length),
            headers: Headers::new(),
            end: first.length,
            fault: (!first.is_clean || first.length > limits.line).then_some("Malformed Start Line"),
        };
        let mut vias = 0_usize;
        loop {
            let rest = message.slice(head.end..);
            let line = scan(&rest, true);
            head.end += line.length;
            match &rest[..line.length] {
                b"\r\n" => return head,
                b"" | b"\n" => {
                    head.fault("No Empty Line behind the Headers");
                    return head;
                }
                _ if head.headers.len() >= limits.headers => {
                    head.fault("Too Many Headers");
                    return head;
                }
                _ if line.length > limits.line => head.fault("Header Too Long"),
                raw => {
                    let Some((name, value)) = line.colon.and_then(|colon| named(raw, colon)) else {
                        head.fault("Malformed Header");
                        continue;
                    };
                    if name == HeaderName::Via {
                        vias += 1 + raw.iter().filter(|byte| **byte == b',').count();
                        if vias > limits.vias {
                            head.fault("Too Many Via");
                            continue;
                        }
                    }
                    if line.is_clean {
                        head.headers.keep(name, rest.slice(..line.length), value);
                    } else {
                        head.fault("Control Character or Bare Line End");
                        let text = String::from_utf8_lossy(raw.get(value..).unwrap_or_default()).into_owned();
                        head.headers.push(name, text.trim());
                    }
                }
            }
        }
    }

    fn fault(&mut self, fault: &'static str) {
        self.fault.get_or_insert(fault);
    }
}

/// The name of a header line, and where its value begins.
fn named(raw: &[u8], colon: usize) -> Option<(HeaderName, usize)> {
    let name = std::str::from_utf8(raw.get(..colon)?).ok()?.trim_end_matches([' ', '\t']);
    is_token_text(name).then(|| (HeaderName::from_token(name), colon + 1))
}

/// The first line of `rest`; where `folds`, with the lines that continue it.
fn scan(rest: &[u8], folds: bool) -> Line {
    let mut line = Line { length: rest.len(), colon: None, is_clean: true };
    let mut last = 0;
    for (at, byte) in rest.iter().copied().enumerate() {
        match byte {
            b'\n' => {
                line.is_clean &= last == b'\r';
                let is_empty = at == 0 || (at == 1 && last == b'\r');
                let goes_on = folds && !is_empty && matches!(rest.get(at + 1), Some(b' ' | b'\t'));
                if !goes_on {
                    line.length = at + 1;
                    return line;
                }
            }
            b':' if line.colon.is_none() => line.colon = Some(at),
            b'\r' => line.is_clean &= rest.get(at + 1) == Some(&b'\n'),
            b'\t' => {}
            0..0x20 | 0x7f => line.is_clean &= last == b'\\',
            _ => {}
        }
        last = byte;
    }
    line.is_clean = false;
    line
}
