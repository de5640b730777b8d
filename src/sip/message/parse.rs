//! Reading a datagram, or one frame of a stream, as a message (RFC 3261 §7, §18.3).
//! What is not SIP must never be answered; a bad request must keep what its answer needs.

use bytes::Bytes;

use super::Message;
use super::grammar::{is_token_text, number};
use super::header::HeaderName;
use super::headers::Headers;
use super::limits::Limits;
use super::method::Method;
use super::request::{Request, Version};
use super::response::Response;
use super::status::StatusCode;
use super::uri::Uri;
use super::validate::Violation;
use super::write::Envelope;

mod lines;

pub(super) use lines::Head;

/// Why bytes did not become a message.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Rejected {
    /// Only line ends or NUL: somebody keeps a binding of a NAT open.
    #[error("a keep-alive")]
    KeepAlive,
    /// Nothing that can or may be answered.
    #[error("{0}")]
    Discard(#[from] ParseError),
    /// A bad request that can be answered.
    #[error("a bad request: {}", violation.reason)]
    Answer {
        /// What could be read of Via, From, To, Call-ID and CSeq.
        request: Box<Request>,
        /// The answer that it gets.
        violation: Violation,
    },
}

/// Why a message is dropped without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// More bytes than the limit.
    #[error("larger than {0} bytes")]
    TooLarge(usize),
    /// The first line is neither a request nor a status line.
    #[error("not a SIP message")]
    NotSip,
    /// A response, an ACK, or a request without Via, with this fault.
    #[error("unanswerable: {0}")]
    Unanswerable(String),
}

impl Message {
    /// Reads one message. Bytes behind its Content-Length are dropped (RFC 3261 §18.3).
    pub fn parse(datagram: Bytes, limits: &Limits) -> Result<Message, Rejected> {
        let start =
            datagram.iter().position(|byte| !matches!(byte, b'\r' | b'\n' | 0)).ok_or(Rejected::KeepAlive)?;
        let message = datagram.slice(start..);
        if message.len() > limits.message {
            return Err(ParseError::TooLarge(limits.message).into());
        }
        let head = Head::read(&message, limits);
        let line = head.start.trim_ascii_end();
        if line.starts_with(b"SIP/") {
            response(message.clone(), head)
        } else {
            request(message.clone(), head)
        }
    }
}

fn response(message: Bytes, head: Head) -> Result<Message, Rejected> {
    let status = status_line(&head.start).ok_or(ParseError::NotSip)?;
    let unanswerable = |fault: &str| ParseError::Unanswerable(fault.to_owned());
    if let Some(fault) = head.fault {
        return Err(unanswerable(fault).into());
    }
    let end = body_end(&message, head.end, &head.headers).map_err(unanswerable)?;
    Ok(Response::from_parts(status, envelope(&message, head.start, head.headers, head.end, end)).into())
}

fn request(message: Bytes, head: Head) -> Result<Message, Rejected> {
    let line = std::str::from_utf8(&head.start).unwrap_or_default();
    let method = line.split(' ').next().filter(|method| is_token_text(method)).ok_or(ParseError::NotSip)?;
    let method = Method::from_token(method);
    // Some version at the end tells a bad request from noise.
    line.trim_ascii_end().rsplit([' ', '\t']).next().and_then(version).ok_or(ParseError::NotSip)?;
    let (uri, fault) = match request_line(line) {
        Ok(read) => (Some(read), head.fault),
        Err(fault) => (None, Some(fault)),
    };
    let fault = match (uri, fault, body_end(&message, head.end, &head.headers)) {
        (Some((uri, version)), None, Ok(end)) => {
            let envelope = envelope(&message, head.start, head.headers, head.end, end);
            return Ok(Request::from_parts(method, uri, version, envelope).into());
        }
        (_, Some(fault), _) | (_, None, Err(fault)) => fault,
        (None, None, Ok(_)) => "Malformed Request-Line",
    };
    Err(salvage(method, head.headers, fault))
}

/// A bad request with what its answer needs; ACK is never answered, and without Via there is nobody to answer.
fn salvage(method: Method, headers: Headers, fault: &str) -> Rejected {
    if method == Method::Ack || !headers.contains(&HeaderName::Via) {
        return ParseError::Unanswerable(fault.to_owned()).into();
    }
    let mut request = Request::new(method, Uri::unreadable());
    for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        request.headers_mut().copy(&headers, &name);
    }
    Rejected::Answer { request: Box::new(request), violation: Violation::bad_request(fault) }
}

fn envelope(message: &Bytes, start: Bytes, headers: Headers, head_end: usize, end: usize) -> Envelope {
    Envelope { start, headers, body: message.slice(head_end..end), received: Some(message.slice(..end)) }
}

/// Where the body ends: at its Content-Length, else with the datagram.
fn body_end(message: &Bytes, head_end: usize, headers: &Headers) -> Result<usize, &'static str> {
    let length = headers.content_length().map_err(|_| "Bad Content-Length")?;
    let end = length.map_or(Some(message.len()), |length| head_end.checked_add(length));
    end.filter(|end| *end <= message.len()).ok_or("Body Shorter than Content-Length")
}

fn request_line(line: &str) -> Result<(Uri, Version), &'static str> {
    let line = line.strip_suffix("\r\n").ok_or("Malformed Request-Line")?;
    let mut words = line.split(' ');
    let (Some(_), Some(uri), Some(last), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("Malformed Request-Line");
    };
    let version = version(last).ok_or("Malformed SIP Version")?;
    Ok((uri.parse().map_err(|_| "Malformed Request-URI")?, version))
}

/// `SIP/2.0` in whatever case, or another version of the same form.
fn version(word: &str) -> Option<Version> {
    let (name, numbers) = word.split_once('/')?;
    let (major, minor) = numbers.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !name.eq_ignore_ascii_case("SIP") || !is_number(major) || !is_number(minor) {
        return None;
    }
    Some(if numbers == "2.0" { Version::Two } else { Version::Unknown })
}

fn status_line(line: &[u8]) -> Option<StatusCode> {
    let line = line.strip_suffix(b"\r\n")?.strip_prefix(b"SIP/2.0 ")?;
    let (code, rest) = line.split_at_checked(3)?;
    let code = StatusCode::new(number(std::str::from_utf8(code).ok()?).ok()?)?;
    matches!(rest.first(), None | Some(b' ')).then_some(code)
}
