//! The house as a shard sees it: who is served, who calls, and the beginning of a call.
//! It must never begin a call for which ports, limits or time are missing: refusing is early and cheap.

use std::net::IpAddr;
use std::time::Duration;

use trunkline_media::moment::Moment;

use super::cell::Cell;
use super::house::House;
use crate::call::opening::{Admitted, Opening};
use crate::ids::{CallId, LegId};
use crate::leg::{Basis, Path};
use crate::ops::events::Event;
use crate::routing::{Caller, Decision, Target};
use crate::sip::dialog::SessionPolicy;
use crate::sip::flow::Flow;
use crate::sip::message::{Host, Request, Response, StatusCode, Uri};
use crate::sip::shard::{Admission, Exchange, Passage};
use crate::twiml::script::Script;

/// Queue delay from which on new calls are refused: those that are up come first (design §12).
const TOO_LATE: Duration = Duration::from_millis(500);

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
        let password_of = |user: &str| self.house.credentials.users.get(user).cloned();
        self.gate.borrow_mut().pass(request, flow, password_of, now, wall)
    }

    fn is_user(&self, name: &str) -> bool {
        self.house.credentials.users.contains_key(name)
    }

    fn register(&self, user: &str, request: &Request, flow: &Flow, now: Moment) -> Response {
        self.house.registrar.register(user, request, flow, now)
    }

    fn route(&self, caller: &Caller, dialled: &str) -> Decision {
        self.house.plan.routes.decide(caller, dialled, |name| self.is_user(name))
    }

    fn session(&self) -> SessionPolicy {
        self.house.session()
    }

    fn trusts(&self, flow: &Flow) -> bool {
        self.house.trusts(flow.remote.ip())
    }

    fn admit(&self, admission: Admission<'_>, now: Moment) -> Result<LegId, StatusCode> {
        if let Some(leg) = self.admitted.borrow().leg(admission.key) {
            return Ok(leg);
        }
        let is_closing = self.house.load.closing.load(std::sync::atomic::Ordering::Relaxed);
        if is_closing || self.lag.get() > TOO_LATE {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let limits = &self.house.config.limits;
        if !self.pace.borrow_mut().admits(now) {
            tracing::debug!(limit = limits.calls_per_second, "calls come too fast");
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        if !House::take(&self.house.load.calls, limits.calls) {
            tracing::warn!(limit = limits.calls, "the limit of calls is reached");
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        self.begin_inbound(&admission, now).inspect_err(|_| House::give_back(&self.house.load.calls))
    }
}

impl Cell {
    fn begin_inbound(&self, admission: &Admission<'_>, now: Moment) -> Result<LegId, StatusCode> {
        let id = LegId::from_bytes(self.seed());
        let call = CallId(id);
        let basis = self.basis(id, call, admission.flow.remote.ip(), now)?;
        let lease = basis.lease;
        let (script, findings) =
            match self.house.plan.document(&admission.decision, self.house.config.sip.timers.ring) {
                Ok(parsed) => (Script::new(parsed.document), parsed.warnings),
                Err(error) => (Script::broken(&error), vec![error.into()]),
            };
        let opening = Opening::of(Admitted {
            invite: admission.invite,
            key: admission.key,
            caller: admission.caller.clone(),
            path: self.path(admission.flow.clone()),
            basis,
            seed: self.seed(),
            script,
        });
        let opening = opening.map_err(|error| {
            tracing::debug!(%error, "an INVITE makes no dialog");
            self.give_basis_back(&lease, now);
            StatusCode::BAD_REQUEST
        })?;
        let target = match &admission.decision.target {
            Target::Script(name) | Target::Endpoint(name) => name.clone(),
            Target::Unknown | Target::Forbidden => String::new(),
        };
        let routed = Event::Routed { target, reason: admission.decision.reason.clone() };
        let findings = findings.into_iter().map(|finding| {
            let (line, column, code) = (finding.line, finding.column, finding.code);
            Event::ScriptFinding { line, column, code, message: finding.message }
        });
        let events = std::iter::once(routed).chain(findings).collect();
        self.stage_call(opening, admission.key.clone(), events);
        Ok(id)
    }

    /// Ports and names for a leg whose far end is at `peer`.
    pub(super) fn basis(
        &self,
        id: LegId,
        call: CallId,
        peer: IpAddr,
        now: Moment,
    ) -> Result<Basis, StatusCode> {
        if !House::take(&self.house.load.legs, self.house.config.limits.legs) {
            tracing::warn!(limit = self.house.config.limits.legs, "the limit of legs is reached");
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let addresses = &self.house.addresses;
        let lease = self.house.ports.lease(addresses.media_bind_ip(peer), now);
        let lease = lease.map_err(|error| tracing::warn!(%error, "a call is refused"));
        let Ok(lease) = lease else {
            House::give_back(&self.house.load.legs);
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        };
        Ok(Basis {
            id,
            call,
            seed: self.seed(),
            media_ip: addresses.media_advertised_ip(peer),
            lease,
            codecs: self.house.codecs(),
            media_timeout: Some(self.house.config.media.timeout).filter(|timeout| !timeout.is_zero()),
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
        let advertised = self.house.addresses.advertised(flow.local, flow.remote.ip());
        Path { advertised, flow }
    }
}
