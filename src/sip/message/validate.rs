//! Whether a request may be acted upon, and the answer if not (RFC 3261 §8.2, §16.3; RFC 4475).
//! It must never keep state: the same request gets the same answer.

use super::grammar::SyntaxError;
use super::header::{HeaderError, HeaderName, Problem};
use super::headers::Headers;
use super::method::Method;
use super::request::{Request, Version};
use super::response::Response;
use super::status::StatusCode;
use super::uri::Scheme;

/// What goes into Allow with a 405.
pub const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, REGISTER, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY, SUBSCRIBE, MESSAGE";

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The status to answer with.
    pub status: StatusCode,
    /// The reason phrase: what is wrong, for people.
    pub reason: String,
    /// Option tags for Unsupported, with 420.
    pub unsupported: Vec<String>,
}

impl Violation {
    /// A refusal.
    pub fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), unsupported: Vec::new() }
    }

    pub(super) fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// A refusal of these option tags: 420.
    pub fn bad_extension(unsupported: Vec<String>) -> Self {
        Self { unsupported, ..Self::new(StatusCode::BAD_EXTENSION, StatusCode::BAD_EXTENSION.reason()) }
    }

    /// The answer. Its To tag is made of the request alone, so that a repeated request gets the same one
    /// (RFC 3261 §8.2.7).
    pub fn response(&self, request: &Request) -> Response {
        let mut response = request.response_tagged(self.status, &stateless_tag(request.headers()));
        response.set_reason(&self.reason);
        let headers = response.headers_mut();
        match self.status {
            StatusCode::BAD_EXTENSION => headers.push(HeaderName::Unsupported, self.unsupported.join(", ")),
            StatusCode::METHOD_NOT_ALLOWED => headers.push(HeaderName::Allow, ALLOW),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => headers.push(HeaderName::Accept, "application/sdp"),
            _ => {}
        }
        response
    }
}

impl From<HeaderError> for Violation {
    fn from(error: HeaderError) -> Self {
        Self::bad_request(match error.problem {
            Problem::Missing => format!("Missing {}", error.name),
            Problem::Repeated => format!("Repeated {}", error.name),
            Problem::Malformed(SyntaxError { wanted }) => {
                format!("Malformed {}: Wanted {wanted}", error.name)
            }
        })
    }
}

/// FNV-1a over what names the transaction.
fn stateless_tag(headers: &Headers) -> String {
    let parts = [HeaderName::Via, HeaderName::CallId, HeaderName::CSeq];
    let texts = parts.iter().filter_map(|name| headers.get(name));
    let hash = texts.fold(0xcbf2_9ce4_8422_2325_u64, |hash, text| {
        text.bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    });
    format!("{hash:016x}")
}

impl Request {
    /// Whether it may be acted upon: version, mandatory headers, lists, scheme, hops, and their agreement.
    /// Method (405, 501), Require (420) and the rest are for the one who is asked.
    pub fn validate(&self) -> Result<(), Violation> {
        if self.version() == Version::Unknown {
            let status = StatusCode::VERSION_NOT_SUPPORTED;
            return Err(Violation::new(status, status.reason()));
        }
        let headers = self.headers();
        if headers.vias()?.is_empty() {
            return Err(HeaderError { name: HeaderName::Via, problem: Problem::Missing }.into());
        }
        headers.from()?;
        let to = headers.to()?;
        headers.call_id()?;
        let cseq = headers.cseq()?;
        headers.max_forwards()?;
        headers.contacts()?;
        headers.routes()?;
        headers.record_routes()?;
        headers.expires()?;
        if headers.content_length()?.is_some_and(|length| length != self.body().len()) {
            return Err(Violation::bad_request("Content-Length Does Not Match the Body"));
        }
        if cseq.method != *self.method() {
            return Err(Violation::bad_request("CSeq Names Another Method"));
        }
        if matches!(self.uri().scheme(), Scheme::Other(_)) {
            let status = StatusCode::UNSUPPORTED_URI_SCHEME;
            return Err(Violation::new(status, status.reason()));
        }
        if self.uri().headers().next().is_some() {
            return Err(Violation::bad_request("Request-URI Has Headers"));
        }
        if *self.method() == Method::Register && to.uri.host().is_none() {
            return Err(Violation::bad_request("To of a REGISTER Is No SIP URI"));
        }
        Ok(())
    }
}
