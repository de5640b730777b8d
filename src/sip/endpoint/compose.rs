//! Messages that the endpoint writes by itself: ACK, CANCEL, the end of an orphan, answers without a user.
//! Must never draw anything random: what is composed twice is a retransmission.

use super::key::fingerprint;
use crate::sip::message::{
    CSeq, HeaderError, HeaderName, Headers, Method, NameAddr, Request, Response, Uri, Via,
};

/// How far the CSeq of an orphan's BYE lies beyond its INVITE: its leg may have sent PRACK and UPDATE between
/// them, and gaps are legal (RFC 3261 §12.2.2).
const ORPHAN_CSEQ_GAP: u32 = 100;

/// The ACK of a failure (RFC 3261 §17.1.1.3).
pub(super) fn ack_of_failure(invite: &Request, response: &Response) -> Result<Request, HeaderError> {
    companion(invite, Method::Ack, &response.headers().to()?)
}

/// The CANCEL of an INVITE (RFC 3261 §9.1).
pub(super) fn cancel(invite: &Request, reason: Option<&str>) -> Result<Request, HeaderError> {
    let mut cancel = companion(invite, Method::Cancel, &invite.headers().to()?)?;
    if let Some(reason) = reason {
        cancel.headers_mut().push(HeaderName::Reason, reason);
    }
    Ok(cancel)
}

/// A request that goes where the INVITE went, by its branch.
fn companion(invite: &Request, method: Method, to: &NameAddr) -> Result<Request, HeaderError> {
    let theirs = invite.headers();
    let mut request = Request::new(method.clone(), invite.uri().clone());
    let headers = request.headers_mut();
    headers.push(HeaderName::Via, theirs.top_via()?);
    for route in theirs.all(&HeaderName::Route) {
        headers.push(HeaderName::Route, route);
    }
    identify(headers, theirs, to, CSeq { number: theirs.cseq()?.number, method })?;
    Ok(request)
}

/// ACK and BYE for a 2xx that nobody wants any more: the dialog is taken up only to be ended.
pub(super) fn ack_and_bye(invite: &Request, response: &Response) -> Result<(Request, Request), HeaderError> {
    let number = invite.headers().cseq()?.number;
    let ack = in_dialog(invite, response, CSeq { number, method: Method::Ack })?;
    let number = number.saturating_add(ORPHAN_CSEQ_GAP);
    let bye = in_dialog(invite, response, CSeq { number, method: Method::Bye })?;
    Ok((ack, bye))
}

/// A request in the dialog that `response` made (RFC 3261 §12.1.2, §12.2.1.1).
fn in_dialog(invite: &Request, response: &Response, cseq: CSeq) -> Result<Request, HeaderError> {
    let contact = response.headers().contact()?;
    let mut target: Uri = contact.map_or_else(|| invite.uri().clone(), |contact| contact.uri);
    let mut routes = response.headers().record_routes()?;
    routes.reverse();
    if routes.first().is_some_and(|first| first.uri.param("lr").is_none()) {
        // A strict router takes its own URI from the Request-URI, and the target from the last Route.
        let first = routes.remove(0);
        routes.push(NameAddr::new(std::mem::replace(&mut target, first.uri)));
    }
    let to = response.headers().to()?;
    let mut request = Request::new(cseq.method.clone(), target);
    let headers = request.headers_mut();
    let via = derived(invite.headers().top_via()?, to.tag().unwrap_or_default(), &cseq);
    headers.push(HeaderName::Via, via);
    for route in routes {
        headers.push(HeaderName::Route, route);
    }
    identify(headers, invite.headers(), &to, cseq)?;
    Ok(request)
}

/// The INVITE's Via with a branch that follows from it and from the fork that answered.
fn derived(mut via: Via, to_tag: &str, cseq: &CSeq) -> Via {
    let mark = fingerprint(&[via.branch().unwrap_or_default(), to_tag, cseq.method.as_str()]);
    via.params.set("branch", Some(&format!("z9hG4bK{mark:016x}")));
    via
}

fn identify(headers: &mut Headers, theirs: &Headers, to: &NameAddr, cseq: CSeq) -> Result<(), HeaderError> {
    headers.push(HeaderName::MaxForwards, 70);
    headers.push(HeaderName::From, theirs.from()?);
    headers.push(HeaderName::To, to);
    headers.push(HeaderName::CallId, theirs.call_id()?);
    headers.push(HeaderName::CSeq, cseq);
    Ok(())
}
