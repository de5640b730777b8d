//! Framing of messages on a stream: TCP and TLS (RFC 3261 §18.3, RFC 5626 §3.5.1).
//! It must never buffer more than one message and its limits allow.

use bytes::{Buf, Bytes, BytesMut};

use super::header::HeaderName;
use super::limits::Limits;

/// What a stream carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The bytes of one message.
    Message(Bytes),
    /// Two line ends: the peer wants to see one back (RFC 5626 §4.4.1).
    Ping,
    /// One line end: the answer to our ping.
    Pong,
}

/// The stream cannot be cut into messages any more: the connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A message, or its head, is larger than the limit.
    #[error("message larger than {0} bytes")]
    TooLarge(usize),
    /// The length of the body is not told, or told in two ways.
    #[error("no single, readable content length")]
    NoLength,
}

/// Cuts the bytes of one connection into frames.
#[derive(Clone, Debug)]
pub struct Framer {
    limits: Limits,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no end of the headers.
    searched: usize,
    /// One line end was just told as a pong; another makes it a ping.
    half_ping: bool,
    broken: Option<FrameError>,
}

impl Framer {
    /// A framer at the begin of a connection.
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: BytesMut::new(), searched: 0, half_ping: false, broken: None }
    }

    /// Adds what was read from the connection; [`Framer::next`] is to be called until it has nothing more.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.broken.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next frame; after an error, only that error again.
    #[expect(clippy::should_implement_trait, reason = "more can come after None, so it is no iterator")]
    pub fn next(&mut self) -> Option<Result<Frame, FrameError>> {
        if let Some(error) = self.broken {
            return Some(Err(error));
        }
        if let Some(frame) = self.keep_alive() {
            return Some(Ok(frame));
        }
        let frame = self.message().transpose()?;
        if let Err(error) = frame {
            self.broken = Some(error);
            self.buffer = BytesMut::new();
        }
        Some(frame.map(Frame::Message))
    }

    /// Line ends between messages.
    fn keep_alive(&mut self) -> Option<Frame> {
        if self.buffer.starts_with(b"\r\n\r\n") {
            self.buffer.advance(4);
            self.half_ping = false;
            return Some(Frame::Ping);
        }
        if self.buffer.starts_with(b"\r\n") && self.buffer.get(2) != Some(&b'\r') {
            self.buffer.advance(2);
            self.half_ping = !self.half_ping;
            return Some(if self.half_ping { Frame::Pong } else { Frame::Ping });
        }
        None
    }

    fn message(&mut self) -> Result<Option<Bytes>, FrameError> {
        const END: &[u8] = b"\r\n\r\n";
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(at) = unsearched.windows(END.len()).position(|window| window == END) else {
            self.searched = self.buffer.len().saturating_sub(END.len() - 1);
            return if self.buffer.len() > self.limits.message {
                Err(FrameError::TooLarge(self.limits.message))
            } else {
                Ok(None)
            };
        };
        let head = self.searched + at + END.len();
        self.searched += at;
        let length =
            content_length(self.buffer.get(..head).unwrap_or_default()).ok_or(FrameError::NoLength)?;
        let end = head.checked_add(length).filter(|end| *end <= self.limits.message);
        let end = end.ok_or(FrameError::TooLarge(self.limits.message))?;
        if self.buffer.len() < end {
            return Ok(None);
        }
        (self.searched, self.half_ping) = (0, false);
        Ok(Some(self.buffer.split_to(end).freeze()))
    }
}

/// The length that all Content-Length headers of this head agree on; it is mandatory on streams (RFC 3261 §20.14).
fn content_length(head: &[u8]) -> Option<usize> {
    let mut lengths = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let name: HeaderName = std::str::from_utf8(name.trim_ascii_end()).ok()?.parse().ok()?;
        (name == HeaderName::ContentLength).then(|| {
            let value = std::str::from_utf8(value.get(1..)?.trim_ascii()).ok()?;
            super::grammar::number::<usize>(value).ok()
        })
    });
    let length = lengths.next()??;
    lengths.next().is_none().then_some(length)
}
