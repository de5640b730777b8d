//! Writing a message: what requests and responses have in common.
//! It must never alter a line that nobody changed.

use std::fmt::Display;

use bytes::{BufMut, Bytes, BytesMut};

use super::grammar::printable;
use super::header::HeaderName;
use super::headers::Headers;

/// Start line, header fields and body, and the bytes that all of it came as.
#[derive(Clone)]
pub(super) struct Envelope {
    /// The start line with its CRLF.
    pub(super) start: Bytes,
    pub(super) headers: Headers,
    pub(super) body: Bytes,
    /// The whole message, until something of it is changed.
    pub(super) received: Option<Bytes>,
}

impl Envelope {
    pub(super) fn new(start: impl Display) -> Self {
        Self { start: start_line(start), headers: Headers::new(), body: Bytes::new(), received: None }
    }

    pub(super) fn set_start(&mut self, start: impl Display) {
        self.received = None;
        self.start = start_line(start);
    }

    pub(super) fn headers_mut(&mut self) -> &mut Headers {
        self.received = None;
        &mut self.headers
    }

    pub(super) fn set_body(&mut self, content_type: &str, body: Bytes) {
        let headers = self.headers_mut();
        if body.is_empty() {
            headers.remove(&HeaderName::ContentType);
        } else {
            headers.set(HeaderName::ContentType, content_type);
        }
        headers.set(HeaderName::ContentLength, body.len());
        self.body = body;
    }

    /// The bytes to send. What we build always tells its length (RFC 3261 §18.3: streams need it).
    pub(super) fn to_bytes(&self) -> Bytes {
        if let Some(received) = &self.received {
            return received.clone();
        }
        let told = matches!(self.headers.content_length(), Ok(Some(length)) if length == self.body.len());
        let kept = || self.headers.lines().filter(|(name, _)| told || **name != HeaderName::ContentLength);
        let lines: usize = kept().map(|(_, line)| line.len()).sum();
        let mut bytes = BytesMut::with_capacity(self.start.len() + lines + self.body.len() + 32);
        bytes.put_slice(&self.start);
        kept().for_each(|(_, line)| bytes.put_slice(line));
        if !told {
            bytes.put_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.put_slice(b"\r\n");
        bytes.put_slice(&self.body);
        bytes.freeze()
    }
}

/// One line whatever the text: control characters become spaces.
fn start_line(start: impl Display) -> Bytes {
    let line: String = start.to_string().chars().map(printable).chain("\r\n".chars()).collect();
    Bytes::from(line)
}
