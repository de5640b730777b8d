//! Framing of messages on a stream: TCP and TLS (RFC 3261 §18.3, RFC 5626 §3.5.1).
//! It must never buffer more than one message and its limits allow.

use bytes::{Buf, Bytes, BytesMut};

use super::limits::Limits;
use super::parse::Head;

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

/// How far the message at the end of what was read is: what its sender is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// No message has begun.
    Between,
    /// The headers are not complete.
    Head,
    /// The body is not complete.
    Body,
}

/// Cuts the bytes of one connection into frames.
#[derive(Clone, Debug)]
pub struct Framer {
    limits: Limits,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no end of the headers.
    searched: usize,
    /// Where the message at the front ends, once its headers are there.
    end: Option<usize>,
    /// One line end was just told as a pong; another makes it a ping.
    half_ping: bool,
    broken: Option<FrameError>,
}

impl Framer {
    /// A framer at the begin of a connection.
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: BytesMut::new(), searched: 0, end: None, half_ping: false, broken: None }
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

    /// How far the next message is, once [`Framer::next`] has nothing more.
    pub fn progress(&self) -> Progress {
        match self.end {
            Some(_) => Progress::Body,
            None if self.buffer.is_empty() => Progress::Between,
            None => Progress::Head,
        }
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
        let end = match self.end {
            Some(end) => end,
            None => match self.find_end()? {
                Some(end) => *self.end.insert(end),
                None => return Ok(None),
            },
        };
        if self.buffer.len() < end {
            return Ok(None);
        }
        (self.searched, self.end, self.half_ping) = (0, None, false);
        Ok(Some(self.buffer.split_to(end).freeze()))
    }

    /// Where the message ends; `None` while its headers are not complete.
    fn find_end(&mut self) -> Result<Option<usize>, FrameError> {
        const BLANK: &[u8] = b"\r\n\r\n";
        let limit = self.limits.message;
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let Some(at) = unsearched.windows(BLANK.len()).position(|window| window == BLANK) else {
            self.searched = self.buffer.len().saturating_sub(BLANK.len() - 1);
            return if self.buffer.len() > limit { Err(FrameError::TooLarge(limit)) } else { Ok(None) };
        };
        let head = self.searched + at + BLANK.len();
        // The parser itself says how long the message is, so that both never see different ends.
        let lines =
            Head::read(&Bytes::copy_from_slice(self.buffer.get(..head).unwrap_or_default()), &self.limits);
        let length = lines.headers.content_length().ok().flatten().filter(|_| lines.end == head);
        let length = length.ok_or(FrameError::NoLength)?;
        let end = head.checked_add(length).filter(|end| *end <= limit);
        end.map(Some).ok_or(FrameError::TooLarge(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP a\r\nContent-Length: 3\r\n\r\nabc";
    const TWO: &str = "BYE sip:b SIP/2.0\r\nl : 0\r\n\r\n";

    fn framer() -> Framer {
        Framer::new(Limits::default())
    }

    fn drain(framer: &mut Framer) -> Vec<Result<Frame, FrameError>> {
        std::iter::from_fn(|| framer.next()).take(8).collect()
    }

    fn message(text: &'static str) -> Result<Frame, FrameError> {
        Ok(Frame::Message(Bytes::from(text)))
    }

    #[test]
    fn messages_come_out_whole_however_the_stream_is_cut() {
        let stream = format!("{ONE}{TWO}\r\n{ONE}");
        for size in 1..stream.len() {
            let mut framer = framer();
            let mut frames = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                framer.push(piece);
                frames.append(&mut drain(&mut framer));
            }
            assert_eq!(
                frames,
                [message(ONE), message(TWO), Ok(Frame::Pong), message(ONE)],
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn keep_alives_are_told_even_in_halves() {
        let mut framer = framer();
        framer.push(b"\r\n\r\n");
        assert_eq!(drain(&mut framer), [Ok(Frame::Ping)]);
        framer.push(b"\r\n");
        assert_eq!(drain(&mut framer), [Ok(Frame::Pong)]);
        framer.push(b"\r");
        assert_eq!(drain(&mut framer), []);
        framer.push(b"\n");
        assert_eq!(drain(&mut framer), [Ok(Frame::Ping)]);
    }

    #[test]
    fn a_stream_that_cannot_be_cut_stays_broken() {
        for (text, error) in [
            ("BYE sip:b SIP/2.0\r\n\r\n", FrameError::NoLength),
            ("BYE sip:b SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\n", FrameError::NoLength),
            ("BYE sip:b SIP/2.0\r\nl: 1\r\n 0\r\n\r\n", FrameError::NoLength),
            ("BYE sip:b SIP/2.0\r\nl: 1\n\nl: 0\r\n\r\n", FrameError::NoLength),
            ("BYE sip:b SIP/2.0\r\nl: 99999999\r\n\r\n", FrameError::TooLarge(65_535)),
            ("BYE sip:b SIP/2.0\r\nl: 18446744073709551615\r\n\r\n", FrameError::TooLarge(65_535)),
        ] {
            let mut framer = framer();
            framer.push(text.as_bytes());
            assert_eq!(framer.next(), Some(Err(error)), "{text}");
            framer.push(TWO.as_bytes());
            assert_eq!(framer.next(), Some(Err(error)), "{text}");
        }
    }

    #[test]
    fn how_far_a_message_is_can_be_told() {
        let mut framer = framer();
        let mut progress = |pieces: &[u8]| {
            framer.push(pieces);
            drain(&mut framer);
            framer.progress()
        };
        assert_eq!(progress(b""), Progress::Between);
        assert_eq!(progress(b"BYE sip:b SIP/2.0\r\nl: 3\r\n"), Progress::Head);
        assert_eq!(progress(b"\r\nab"), Progress::Body);
        assert_eq!(progress(b"c"), Progress::Between);
        assert_eq!(progress(b"\r\n\r\n"), Progress::Between);
        assert_eq!(progress(b"B"), Progress::Head);
    }

    #[test]
    fn endless_headers_are_cut_off_at_the_limit() {
        let mut framer = framer();
        let pushed = (0..1_000).take_while(|_| {
            framer.push(&[b'a'; 1_000]);
            framer.next().is_none()
        });
        assert_eq!(pushed.count(), 65);
        assert!(framer.buffer.is_empty());
    }
}
