//! Requests (RFC 3261 §7.1).
//! A request must never be changed by asking it something.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::header::HeaderName;
use super::headers::Headers;
use super::method::Method;
use super::params::Params;
use super::response::Response;
use super::status::StatusCode;
use super::uri::Uri;
use super::write::Envelope;

/// A request. Cloning it copies one pointer; the first change after that copies the rest.
#[derive(Clone)]
pub struct Request(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    method: Method,
    uri: Uri,
    version: Version,
    envelope: Envelope,
}

/// The version in a start line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// SIP/2.0
    Two,
    /// Any other: answered with 505.
    Unknown,
}

impl Request {
    /// A request without header fields.
    pub fn new(method: Method, uri: Uri) -> Self {
        let envelope = Envelope::new(format_args!("{method} {uri} SIP/2.0"));
        Self::from_parts(method, uri, Version::Two, envelope)
    }

    pub(super) fn from_parts(method: Method, uri: Uri, version: Version, envelope: Envelope) -> Self {
        Self(Arc::new(Inner { method, uri, version, envelope }))
    }

    /// What is asked for.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The Request-URI.
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// Sends it elsewhere.
    pub fn set_uri(&mut self, uri: Uri) {
        let inner = Arc::make_mut(&mut self.0);
        inner.envelope.set_start(format_args!("{} {uri} SIP/2.0", inner.method));
        inner.uri = uri;
    }

    pub(super) fn version(&self) -> Version {
        self.0.version
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

    /// The request as it is sent: for an unchanged one the very bytes that were received.
    pub fn to_bytes(&self) -> Bytes {
        self.0.envelope.to_bytes()
    }

    /// An answer with what RFC 3261 §8.2.6.2 wants copied: all Via, From, To, Call-ID, CSeq; Timestamp for 100.
    /// The To gets no tag.
    pub fn response(&self, status: StatusCode) -> Response {
        let mut response = Response::new(status);
        let headers = response.headers_mut();
        for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq]
        {
            headers.copy(self.headers(), &name);
        }
        if status == StatusCode::TRYING {
            headers.copy(self.headers(), &HeaderName::Timestamp);
        }
        response
    }

    /// Like [`Request::response`], with a tag in the To if the request had none.
    pub fn response_tagged(&self, status: StatusCode, to_tag: &str) -> Response {
        let mut response = self.response(status);
        if let Ok(to) = self.headers().to()
            && to.tag().is_none()
        {
            let mut tag = Params::new();
            tag.set("tag", Some(to_tag));
            response.headers_mut().append(&HeaderName::To, tag);
        }
        response
    }

    /// The option tags that it requires and that are not in `supported` (RFC 3261 §8.2.2.3): 420 if there are any.
    /// ACK and CANCEL are never refused for that.
    pub fn unsupported(&self, supported: &[&str]) -> Vec<String> {
        if matches!(self.method(), Method::Ack | Method::Cancel) {
            return Vec::new();
        }
        let known = |tag: &String| supported.iter().any(|known| known.eq_ignore_ascii_case(tag));
        self.headers().tokens(&HeaderName::Require).into_iter().filter(|tag| !known(tag)).collect()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {:?}, {} bytes of body)", self.method(), self.headers(), self.body().len())
    }
}
