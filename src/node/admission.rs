//! The house as a shard sees it: who is served, who calls, and the beginning of a call.
//! It must never begin a call for which ports, limits or time are missing: refusing is early and cheap.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use trunkline_media::moment::Moment;

use super::cell::Cell;
use super::changes::Key;
use super::house::{House, Plan};
use super::metrics::Refusal;
use crate::call::Notify;
use crate::call::opening::{About, Admitted, Opening};
use crate::call::profile::WallClock;
use crate::call::script::{Beginning, Hook, Place};
use crate::ids::{CallId, LegId};
use crate::leg::{Basis, Path};
use crate::ops::events::Event;
use crate::routing::{Caller, Decision, Target, Webhook};
use crate::sip::dialog::SessionPolicy;
use crate::sip::flow::Flow;
use crate::sip::message::{Host, Request, Response, StatusCode, Uri};
use crate::sip::shard::{Admission, Exchange, Passage};
use crate::twiml::document::Document;
use crate::twiml::finding::Finding;

/// Queue delay from which on new calls are refused: those that are up come first (design §12).
pub(super) const TOO_LATE: Duration = Duration::from_millis(500);

/// What a caller hears whose script cannot be read.
const APOLOGY: &str = "We are sorry, an application error has occurred. Goodbye.";

impl Exchange for Cell {
    fn serves(&self, uri: &Uri) -> bool {
        let Some(domain) = &self.house.config.sip.domain else { return true };
        match uri.host() {
            Some(Host::Name(name)) => name.eq_ignore_ascii_case(domain),
            Some(host) => host.ip().is_some_and(|ip| self.house.is_ours(ip)),
            None => false,
        }
    }

    fn identify(&self, request: &Request, flow: &Flow, now: Moment) -> Passage {
        let wall = self.house.clock.wall() / 1_000_000;
        let password_of = |user: &str| self.house.settings().credentials.users.get(user).cloned();
        self.house.gate().pass(request, flow, password_of, now, wall)
    }

    fn is_user(&self, name: &str) -> bool {
        self.house.settings().credentials.users.contains_key(name)
    }

    fn register(&self, user: &str, request: &Request, flow: &Flow, now: Moment) -> Response {
        let response = self.house.registrar.register(user, request, flow, now);
        self.records.borrow_mut().changes.note(Key::User(user.to_owned()));
        if flow.connection.is_some()
            && let Some(until) = self.house.registrar.registered_until(user, flow, now)
        {
            self.house.connections.hold(flow, until);
        }
        response
    }

    fn route(&self, caller: &Caller, dialled: &str) -> Decision {
        self.house.settings().plan.routes.decide(caller, dialled, |name| self.is_user(name))
    }

    fn session(&self) -> SessionPolicy {
        self.house.session()
    }

    fn takes_calls(&self) -> bool {
        self.house.is_open()
    }

    fn trusts(&self, flow: &Flow) -> bool {
        self.house.trusts(flow.remote.ip())
    }

    fn admit(&self, admission: Admission<'_>, now: Moment) -> Result<LegId, StatusCode> {
        if let Some(leg) = self.admitted.borrow().leg(admission.key) {
            return Ok(leg);
        }
        let begun = self.room_for_a_call(now).and_then(|()| {
            let begun = self.begin_inbound(&admission, now);
            begun.inspect_err(|_| House::give_back(&self.house.load.calls))
        });
        self.house.metrics.admission(begun.as_ref().err().copied());
        begun.map_err(Refusal::status)
    }
}

impl Cell {
    /// Whether somebody else may cause a call to begin: another one each time that this is asked.
    pub(super) fn is_time_for_a_call(&self, now: Moment) -> Result<(), Refusal> {
        if self.house.load.closing.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(Refusal::Stopping);
        }
        if self.lag.get() > TOO_LATE {
            return Err(Refusal::Late);
        }
        let settings = self.house.settings();
        let limits = &settings.config.limits;
        // Call-IDs spread evenly over the arbiters: each has its part of the limit.
        let share = limits.calls_per_second.div_ceil(self.seat.of.max(1));
        if !self.pace.borrow_mut().admits(share, now) {
            tracing::debug!(limit = limits.calls_per_second, "calls come too fast");
            return Err(Refusal::Pace);
        }
        Ok(())
    }

    /// Takes a place for a call.
    fn room_for_a_call(&self, now: Moment) -> Result<(), Refusal> {
        if self.house.drain().is_some() {
            return Err(Refusal::Draining);
        }
        self.is_time_for_a_call(now)?;
        let settings = self.house.settings();
        let limits = &settings.config.limits;
        if !House::take(&self.house.load.calls, limits.calls) {
            tracing::warn!(limit = limits.calls, "the limit of calls is reached");
            return Err(Refusal::Calls);
        }
        Ok(())
    }

    fn begin_inbound(&self, admission: &Admission<'_>, now: Moment) -> Result<LegId, Refusal> {
        let id = LegId::from_bytes(self.seed());
        let call = CallId(id);
        let basis = self.basis(id, call, [admission.flow.remote.ip()], now)?;
        let lease = basis.lease;
        let settings = self.house.settings();
        let ring = settings.config.sip.timers.ring;
        let (beginning, fallback, findings) = beginning(&settings.plan, &admission.decision, ring);
        let told = admission.decision.status_callback.as_ref();
        let notify = told.map(|told| Notify { url: told.url.clone(), method: told.method });
        let opening = Opening::of(Admitted {
            invite: admission.invite,
            key: admission.key,
            caller: admission.caller.clone(),
            user: admission.user.clone(),
            path: Path { sips: is_sips(admission.invite), ..self.path(admission.flow.clone()) },
            basis,
            seed: self.seed(),
            beginning,
            fallback,
            notify,
            about: self.about(admission.flow, now),
            longest: settings.config.limits.call_duration,
            screening: settings.config.limits.screening,
        });
        let opening = opening.map_err(|error| {
            tracing::debug!(%error, "an INVITE makes no dialog");
            self.give_basis_back(&lease, now);
            Refusal::Malformed
        })?;
        let target = match &admission.decision.target {
            Target::Script(name) | Target::Endpoint(name) | Target::Outside(name) => name.clone(),
            Target::Webhook(webhook) => crate::webhook::shown(&webhook.url),
            Target::Unknown | Target::Forbidden => String::new(),
        };
        let routed = Event::Routed { target, reason: admission.decision.reason.clone() };
        let findings = findings.into_iter().map(|finding| {
            let (line, column, code) = (finding.line, finding.column, finding.code);
            Event::ScriptFinding { line, column, code, message: finding.message }
        });
        let carried = carried(admission.flow);
        let events = [carried, routed].into_iter().chain(findings).collect();
        self.stage_call(opening, admission.key.clone(), events);
        self.house.load.begun.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(id)
    }

    /// What webhooks are told of this switch by a call that comes along this flow.
    fn about(&self, flow: &Flow, now: Moment) -> About {
        let settings = self.house.settings();
        let domain = settings.config.sip.domain.clone();
        let domain = domain.unwrap_or_else(|| self.path(flow.clone()).advertised.ip().to_string());
        About {
            account: settings.credentials.account_sid.clone(),
            recordings: self.house.recordings_at(),
            domain,
            clock: WallClock { at: now, wall: self.house.clock.wall() },
        }
    }

    /// Ports and names for a leg whose far end is at one of `peers`; what is told of one is told of the first.
    pub(super) fn basis(
        &self,
        id: LegId,
        call: CallId,
        peers: impl IntoIterator<Item = IpAddr>,
        now: Moment,
    ) -> Result<Basis, Refusal> {
        let mut peers = peers.into_iter();
        let peer = peers.next().unwrap_or(Ipv4Addr::LOCALHOST.into());
        let settings = self.house.settings();
        let (limit, silence) = (settings.config.limits.legs, settings.config.media.timeout);
        if !House::take(&self.house.load.legs, limit) {
            tracing::warn!(limit, "the limit of legs is reached");
            return Err(Refusal::Legs);
        }
        let addresses = &self.house.addresses;
        let lease = self.house.ports.lease(addresses.media_bind_ip_of(peer, peers), now);
        let lease = lease.map_err(|error| tracing::warn!(%error, "a call is refused"));
        let Ok(lease) = lease else {
            House::give_back(&self.house.load.legs);
            return Err(Refusal::Ports);
        };
        Ok(Basis {
            id,
            call,
            owner: None,
            seed: self.seed(),
            media_ip: addresses.media_advertised_ip(peer),
            lease,
            codecs: self.house.codecs(),
            media_timeout: Some(silence).filter(|timeout| !timeout.is_zero()),
            timing: self.house.timing(),
            session: self.house.session(),
            is_trusted: self.house.trusts(peer),
            began: now,
        })
    }

    /// Undoes [`basis`](Self::basis) for a leg that never began.
    pub(super) fn give_basis_back(&self, lease: &trunkline_media::port::Lease, now: Moment) {
        self.house.ports.release(lease, now);
        House::give_back(&self.house.load.legs);
    }

    /// The way along a flow, with our address as the peer sees it.
    pub(super) fn path(&self, flow: Flow) -> Path {
        let mut advertised = self.house.addresses.advertised(flow.local, flow.remote.ip());
        if flow.transport.is_secure() {
            // A port in `sip.advertised` is that of UDP and TCP.
            advertised.set_port(flow.local.port());
        }
        Path::new(flow, advertised)
    }
}

/// What the log tells of the way to a far end.
pub(super) fn carried(flow: &Flow) -> Event {
    Event::Carried { transport: flow.transport.clone(), peer: flow.remote }
}

/// Whether the dialog of this INVITE is one of `sips:` addresses (RFC 3261 §12.1.1).
fn is_sips(invite: &Request) -> bool {
    let headers = invite.headers();
    let route = headers.record_routes().ok().and_then(|routes| routes.into_iter().next());
    let next = route.or_else(|| headers.contact().ok().flatten());
    invite.uri().is_secure() || next.is_some_and(|next| next.uri.is_secure())
}

/// Where a web application is asked, and what is asked when that fails.
pub(super) fn hooks(webhook: &Webhook) -> (Hook, Option<Hook>) {
    let fallback = webhook
        .fallback
        .as_ref()
        .and_then(|(place, method)| Some(Hook { place: Place::read(place).ok()?, method: *method }));
    (Hook { place: Place::Url(webhook.url.clone()), method: webhook.method }, fallback)
}

/// How the script of a call begins, what is asked when that fails, and what is wrong with it.
fn beginning(plan: &Plan, decision: &Decision, ring: Duration) -> (Beginning, Option<Hook>, Vec<Finding>) {
    if let Target::Webhook(webhook) = &decision.target {
        let (hook, fallback) = hooks(webhook);
        return (Beginning::Hook(hook), fallback, Vec::new());
    }
    let place = match &decision.target {
        Target::Script(name) => Place::File(name.clone()),
        _ => Place::Made,
    };
    let (document, findings) = match plan.document(decision, ring) {
        Ok(parsed) => (parsed.document, parsed.warnings),
        Err(error) => (Document::apology(APOLOGY), vec![error.into()]),
    };
    (Beginning::Document { document, place }, None, findings)
}
