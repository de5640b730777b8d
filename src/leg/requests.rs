//! Requests of the far end inside its dialog, as far as their answer is the same in every stage of a leg.
//! It must never change a dialog or a session: that is the stage's own.

use trunkline_media::sdp::NegotiationError;

use super::presses::{Info, KINDS};
use super::{Core, DigitWay, Leg, Path};
use crate::sip::dispatch::{ALLOW, EXTENSIONS, SUPPORTED};
use crate::sip::message::{HeaderName, Headers, Method, Request, Response, StatusCode};
use crate::supervision::machine::Turn;

/// What makes a request one that we cannot serve (RFC 3261 §8.2.2.3, §8.2.3).
pub(super) fn unsuitable(request: &Request) -> Option<Response> {
    let unsupported = request.unsupported(&EXTENSIONS);
    if !unsupported.is_empty() {
        let mut response = request.response(StatusCode::BAD_EXTENSION);
        response.headers_mut().push(HeaderName::Unsupported, unsupported.join(", "));
        return Some(response);
    }
    let is_sdp = request.headers().content_type().is_none_or(|kind| kind == "application/sdp");
    let has_session = matches!(request.method(), Method::Invite | Method::Update | Method::Prack);
    (has_session && !request.body().is_empty() && !is_sdp).then(|| {
        let mut response = request.response(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        response.headers_mut().push(HeaderName::Accept, "application/sdp");
        response
    })
}

/// The answer to a request that neither begins, ends nor changes anything: keys, questions, and what we do not do.
pub(super) fn bystander(core: &mut Core, request: &Request, turn: &mut Turn<Leg>) -> Response {
    match request.method() {
        Method::Info => info(core, request, turn),
        Method::Options => allowing(request, StatusCode::OK),
        // Of an event that nobody has subscribed to (RFC 6665 §4.1.3).
        Method::Notify => request.response(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST),
        // A transfer before the answer, a subscription.
        _ => allowing(request, StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// Where we are reached and what we understand: in every message that makes or refreshes a dialog.
pub(super) fn introduce(path: &Path, headers: &mut Headers) {
    headers.set(HeaderName::Contact, path.contact());
    headers.set(HeaderName::Allow, ALLOW);
    headers.set(HeaderName::Supported, SUPPORTED);
}

/// How an offer is refused that cannot be met.
pub(super) fn refusal_of(error: &NegotiationError) -> StatusCode {
    match error {
        NegotiationError::OfferPending => StatusCode::REQUEST_PENDING,
        NegotiationError::Malformed(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::NOT_ACCEPTABLE_HERE,
    }
}

/// An answer that tells which methods we know.
pub(super) fn allowing(request: &Request, status: StatusCode) -> Response {
    let mut response = request.response(status);
    response.headers_mut().push(HeaderName::Allow, ALLOW);
    response
}

/// An answer that tells the far end to come again, but not at once with everybody else (RFC 3261 §14.2).
pub(super) fn later(core: &mut Core, request: &Request) -> Response {
    let mut response = request.response(StatusCode::SERVER_INTERNAL_ERROR);
    response.headers_mut().set(HeaderName::RetryAfter, core.minter.number() % 11);
    response
}

/// A key, or what belongs to no package that we know (RFC 6086 §4.2.2).
fn info(core: &mut Core, info: &Request, turn: &mut Turn<Leg>) -> Response {
    if info.headers().contains(&HeaderName::InfoPackage) {
        let mut response = info.response(StatusCode::BAD_INFO_PACKAGE);
        response.headers_mut().push(HeaderName::RecvInfo, "");
        return response;
    }
    match Info::of(info) {
        Info::Digit(digit) => core.press(digit, DigitWay::Info, turn),
        Info::Nothing => {}
        Info::Unknown => {
            let mut response = info.response(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            response.headers_mut().push(HeaderName::Accept, KINDS);
            return response;
        }
    }
    info.response(StatusCode::OK)
}
