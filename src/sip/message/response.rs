//! Responses (RFC 3261 §7.2).
//! A response must never be read for its reason phrase: the number decides.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::header::HeaderError;
use super::headers::Headers;
use super::status::StatusCode;
use super::write::Envelope;

/// A response. Cloning it copies one pointer; the first change after that copies the rest.
#[derive(Clone)]
pub struct Response(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    status: StatusCode,
    envelope: Envelope,
}

/// `SIP/2.0 200 `: what stands before the reason phrase.
const BEFORE_REASON: usize = 12;

impl Response {
    /// A response with the registered reason phrase and without header fields; see also
    /// [`super::Request::response`].
    pub fn new(status: StatusCode) -> Self {
        Self::with_reason(status, status.reason())
    }

    /// A response with a reason phrase of its own.
    pub fn with_reason(status: StatusCode, reason: &str) -> Self {
        Self::from_parts(status, Envelope::new(format_args!("SIP/2.0 {status} {reason}")))
    }

    pub(super) fn from_parts(status: StatusCode, envelope: Envelope) -> Self {
        Self(Arc::new(Inner { status, envelope }))
    }

    /// Replaces the reason phrase.
    pub fn set_reason(&mut self, reason: &str) {
        let inner = Arc::make_mut(&mut self.0);
        inner.envelope.set_start(format_args!("SIP/2.0 {} {reason}", inner.status));
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The reason phrase, for people.
    pub fn reason(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(
            self.0.envelope.start.get(BEFORE_REASON..).unwrap_or_default().trim_ascii_end(),
        )
    }

    /// The header fields.
    pub fn headers(&self) -> &Headers {
        &self.0.envelope.headers
    }

    /// The header fields, to be changed.
    pub fn headers_mut(&mut self) -> &mut Headers {
        Arc::make_mut(&mut self.0).envelope.headers_mut()
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.0.envelope.body
    }

    /// Sets the body with its Content-Type and Content-Length; an empty one takes the type out.
    pub fn set_body(&mut self, content_type: &str, body: Bytes) {
        Arc::make_mut(&mut self.0).envelope.set_body(content_type, body);
    }

    /// The response as it is sent: for an unchanged one the very bytes that were received.
    pub fn to_bytes(&self) -> Bytes {
        self.0.envelope.to_bytes()
    }

    /// Whether the headers that match it with its request are there and sane; else it is to be dropped.
    pub fn validate(&self) -> Result<(), HeaderError> {
        let headers = self.headers();
        headers.vias().and(headers.from()).and(headers.to())?;
        headers.call_id().and(headers.cseq().map(drop))
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} {:?}, {} bytes of body)", self.status(), self.headers(), self.body().len())
    }
}
