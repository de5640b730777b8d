//! What becomes of a request that belongs to no dialog: REGISTER, OPTIONS, a new call, or a refusal.
//! It must never ask for credentials before the request itself was found sound (design §13).

use trunkline_media::moment::Moment;

use super::gate::Passage;
use crate::ids::LegId;
use crate::routing::{Caller, Decision};
use crate::sip::dialog::SessionPolicy;
use crate::sip::dispatch::{ALLOW, EXTENSIONS, SUPPORTED};
use crate::sip::endpoint::ServerKey;
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderName, Method, NameAddr, Request, Response, Scheme, StatusCode, Uri};
use crate::sip::stateless;

/// What a shard must know of the house. Answers come at once: nothing here waits.
pub trait Exchange {
    /// Whether requests to this host are for us.
    fn serves(&self, uri: &Uri) -> bool;
    /// Who sends this request.
    fn identify(&self, request: &Request, flow: &Flow, now: Moment) -> Passage;
    /// Whether a user of this name exists.
    fn is_user(&self, name: &str) -> bool;
    /// Registers what `user` asks for.
    fn register(&self, user: &str, request: &Request, flow: &Flow, now: Moment) -> Response;
    /// Where a call goes.
    fn route(&self, caller: &Caller, dialled: &str) -> Decision;
    /// How long sessions last without a refresh.
    fn session(&self) -> SessionPolicy {
        SessionPolicy::default()
    }
    /// Whether new calls are taken, as far as the operator is concerned.
    fn takes_calls(&self) -> bool {
        true
    }
    /// Whether the word of whoever sends by this flow is taken on who calls (RFC 3325).
    fn trusts(&self, _flow: &Flow) -> bool {
        false
    }
    /// Begins a call. Asked twice for the same transaction, it names the same leg.
    ///
    /// # Errors
    /// The status to refuse it with.
    fn admit(&self, admission: Admission<'_>, now: Moment) -> Result<LegId, StatusCode>;
}

/// A call that may begin.
#[derive(Debug)]
pub struct Admission<'a> {
    /// The transaction of the INVITE.
    pub key: &'a ServerKey,
    /// The INVITE.
    pub invite: &'a Request,
    /// How it came.
    pub flow: &'a Flow,
    /// The user who calls, if one has proved it.
    pub user: Option<String>,
    /// Who may be shown as the caller: that user, or a name that is no user's.
    pub caller: Option<String>,
    /// Where it goes.
    pub decision: Decision,
}

/// What a request came to.
pub(super) enum Outcome {
    /// A leg has it.
    Admitted(LegId),
    /// Answered in its transaction.
    Answered(Box<Response>),
    /// Answered without keeping anything, or not at all: who has proved nothing may have sent it in another's name. What
    /// is kept is said again towards that address, and fills the shard (T11, T12).
    Dismissed(Option<Box<Response>>),
}

impl Outcome {
    fn answered(response: Response) -> Self {
        Self::Answered(Box::new(response))
    }

    fn dismissed(response: Response) -> Self {
        Self::Dismissed(Some(Box::new(response)))
    }

    /// Refuses somebody who has proved nothing.
    fn refused(request: &Request, status: StatusCode) -> Self {
        Self::dismissed(Self::refusal(request, status))
    }

    /// Refuses a user of ours.
    fn refused_user(request: &Request, status: StatusCode) -> Self {
        Self::answered(Self::refusal(request, status))
    }

    fn refusal(request: &Request, status: StatusCode) -> Response {
        let mut response = request.response_tagged(status, &stateless::tag(request));
        match status {
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => {
                response.headers_mut().push(HeaderName::Allow, ALLOW);
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                response.headers_mut().push(HeaderName::Accept, "application/sdp");
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                let spread = stateless::fingerprint(request) % 6;
                response.headers_mut().push(HeaderName::RetryAfter, 5 + spread);
            }
            _ => {}
        }
        response
    }
}

/// Programs that probe for open switches and have no other use.
const SCANNERS: [&str; 5] = ["friendly-scanner", "sipvicious", "sipcli", "sip-scan", "sundayddr"];

pub(super) fn receive(
    key: &ServerKey,
    request: &Request,
    flow: &Flow,
    exchange: &dyn Exchange,
    now: Moment,
) -> Outcome {
    if is_scanner(request) {
        return Outcome::Dismissed(None);
    }
    if let Some(refusal) = unsuitable(request) {
        return refusal;
    }
    if *request.method() == Method::Invite
        && let Some(shortest) = exchange.session().refuses(request.headers())
    {
        let status = StatusCode::SESSION_INTERVAL_TOO_SMALL;
        let mut response = request.response_tagged(status, &stateless::tag(request));
        response.headers_mut().push(HeaderName::MinSe, shortest);
        return Outcome::dismissed(response);
    }
    // A telephone number has no host: it is ours to find out where it leads.
    let is_number = *request.method() == Method::Invite && *request.uri().scheme() == Scheme::Tel;
    if !is_number && !exchange.serves(request.uri()) {
        return Outcome::refused(request, StatusCode::NOT_FOUND);
    }
    match request.method() {
        // Whoever asks whether to send calls here learns it (RFC 3261 §11.2: as an INVITE would be answered).
        Method::Options if !exchange.takes_calls() => {
            Outcome::refused(request, StatusCode::SERVICE_UNAVAILABLE)
        }
        Method::Options => options(request),
        Method::Register => register(request, flow, exchange, now),
        _ => invite(key, request, flow, exchange, now),
    }
}

fn is_scanner(request: &Request) -> bool {
    let agent = request.headers().get(&HeaderName::UserAgent);
    agent.is_some_and(|agent| {
        let agent = agent.to_ascii_lowercase();
        SCANNERS.iter().any(|scanner| agent.contains(scanner))
    })
}

/// What makes a sound request one that we cannot serve, in the order of RFC 3261 §8.2.
fn unsuitable(request: &Request) -> Option<Outcome> {
    let refused = |status| Some(Outcome::refused(request, status));
    match request.method() {
        Method::Invite | Method::Register | Method::Options => {}
        // They have sense only inside a dialog, and this one is unknown.
        Method::Bye | Method::Info | Method::Update | Method::Prack => {
            return refused(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        }
        // Nobody is called on behalf of who is in no call (RFC 3515 §5.2).
        Method::Refer => return refused(StatusCode::FORBIDDEN),
        Method::Other(_) => return refused(StatusCode::NOT_IMPLEMENTED),
        _ => return refused(StatusCode::METHOD_NOT_ALLOWED),
    }
    let unsupported = request.unsupported(&EXTENSIONS);
    if !unsupported.is_empty() {
        let mut response = request.response_tagged(StatusCode::BAD_EXTENSION, &stateless::tag(request));
        response.headers_mut().push(HeaderName::Unsupported, unsupported.join(", "));
        return Some(Outcome::dismissed(response));
    }
    // Whoever asks for a user wants to get past us, and has no hop left for that; so `OPTIONS` traces a route.
    let is_for_user = *request.method() != Method::Register && request.uri().user().is_some();
    if is_for_user && request.headers().max_forwards().ok().flatten() == Some(0) {
        return refused(StatusCode::TOO_MANY_HOPS);
    }
    if *request.method() != Method::Invite {
        return None;
    }
    match request.headers().replaces() {
        Ok(None) => {}
        // Parties are joined by REFER, inside of their dialogs: for a call from outside there is none to be replaced.
        Ok(Some(_)) => return refused(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST),
        Err(_) => return refused(StatusCode::BAD_REQUEST),
    }
    let sdp = request.headers().content_type().is_none_or(|kind| kind == "application/sdp");
    if !request.body().is_empty() && !sdp {
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    None
}

/// Anybody may ask what we are able to do (RFC 3261 §11.2); the answer is the same for every user.
fn options(request: &Request) -> Outcome {
    let mut response = request.response_tagged(StatusCode::OK, &stateless::tag(request));
    response.headers_mut().push(HeaderName::Allow, ALLOW);
    response.headers_mut().push(HeaderName::Accept, "application/sdp");
    response.headers_mut().push(HeaderName::Supported, SUPPORTED);
    Outcome::dismissed(response)
}

fn register(request: &Request, flow: &Flow, exchange: &dyn Exchange, now: Moment) -> Outcome {
    let user = match exchange.identify(request, flow, now) {
        Passage::User(user) => user,
        Passage::Answer(response) => return Outcome::Dismissed(Some(response)),
        Passage::Silence => return Outcome::Dismissed(None),
    };
    // Nobody registers for somebody else (RFC 3261 §10.3 step 4).
    let record = request.headers().to().ok().and_then(|to| to.uri.user().map(|user| user.into_owned()));
    if record.as_deref() != Some(user.as_str()) {
        return Outcome::refused_user(request, StatusCode::FORBIDDEN);
    }
    Outcome::answered(exchange.register(&user, request, flow, now))
}

/// Whether From says that it names nobody (RFC 3323 §4.1.1.3).
fn is_nobody(request: &Request) -> bool {
    request.headers().from().is_ok_and(|from| from.uri.host() == NameAddr::anonymous().uri.host())
}

fn invite(key: &ServerKey, request: &Request, flow: &Flow, exchange: &dyn Exchange, now: Moment) -> Outcome {
    let Some(dialled) = request.uri().subscriber().map(|user| user.into_owned()) else {
        return Outcome::refused(request, StatusCode::NOT_FOUND);
    };
    let named = |address: Option<NameAddr>| Some(address?.uri.subscriber()?.into_owned());
    let claimed = named(request.headers().from().ok());
    let has_credentials = request.headers().get(&HeaderName::Authorization).is_some();
    let stranger = exchange.route(&Caller { user: None }, &dialled);
    let is_public = stranger.target.refusal().is_none();
    // What is public asks for no proof, whoever it claims to be: a challenge would tell which users exist (T8).
    let (user, decision) = if has_credentials || !is_public {
        match exchange.identify(request, flow, now) {
            Passage::User(user)
                if claimed.as_ref().is_some_and(|name| *name != user && exchange.is_user(name)) =>
            {
                return Outcome::refused_user(request, StatusCode::FORBIDDEN);
            }
            Passage::User(user) => {
                let decision = exchange.route(&Caller { user: Some(user.clone()) }, &dialled);
                (Some(user), decision)
            }
            Passage::Answer(response) => return Outcome::Dismissed(Some(response)),
            Passage::Silence => return Outcome::Dismissed(None),
        }
    } else {
        (None, stranger)
    };
    // A user's name that nobody proved is not shown to a callee (T15); P-Asserted-Identity of anybody else but a trusted
    // peer is no proof.
    let asserted = || named(request.headers().asserted_identity()).filter(|_| exchange.trusts(flow));
    let claimed = claimed.filter(|name| !exchange.is_user(name) && !is_nobody(request));
    let caller = user.clone().or_else(asserted).or(claimed);
    let refused = if user.is_some() { Outcome::refused_user } else { Outcome::refused };
    if let Some(status) = decision.target.refusal().and_then(StatusCode::new) {
        return refused(request, status);
    }
    match exchange.admit(Admission { key, invite: request, flow, user, caller, decision }, now) {
        Ok(leg) => Outcome::Admitted(leg),
        Err(status) => refused(request, status),
    }
}
