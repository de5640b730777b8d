//! Whom a Dial reaches: a noun becomes targets, and those a leg.
//! It must never dial for a stranger what a route does not name: nouns come from scripts of the operator.

use std::net::SocketAddr;

use trunkline_media::moment::Moment;

use super::admission::{carried, hooks};
use super::cell::Cell;
use crate::call::script::{Hook, Place};
use crate::call::{CallInput, CallerId, Dialled, Referrer};
use crate::ids::CallId;
use crate::leg::{Leg, OutboundSpec, Path, Target};
use crate::ops::events::{Cause, Event};
use crate::ops::log::Number;
use crate::routing::{self, Caller};
use crate::sip::auth::Login;
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderName, Host, NameAddr, Params, Scheme, Uri};
use crate::sip::shard::Exchange;
use crate::sip::transport::Hop;
use crate::twiml::verb::{Method, Noun, Sip, sip};

/// Whom a noun names.
enum Callee {
    /// A user of ours.
    User(String),
    /// A SIP address elsewhere, and how we are known there.
    Address(Uri, Option<Login>),
    /// A number outside of the house.
    Outside(Uri),
    /// A script, which a transferred party goes on with, and what is asked when that fails.
    Script(Box<(Hook, Option<Hook>)>),
    /// Nobody that we know.
    Nobody,
}

impl Cell {
    /// The call wants this leg. Asked again for one that exists, or was over before, nothing happens.
    pub(super) fn dial(&self, call: CallId, dialled: Dialled) {
        if !self.is_still_due(call, &dialled) {
            return;
        }
        // Whoever transfers its party to somebody who refuses, again and again, begins calls as fast as it likes.
        if dialled.referrer.is_some() && self.is_time_for_a_call(self.house.clock.now()).is_err() {
            return self.refused(call, &dialled, Cause::Overloaded);
        }
        let callee = match &dialled.referrer {
            Some(referrer) => self.referred(&dialled.noun, referrer),
            None => self.callee(&dialled.noun),
        };
        match callee {
            Callee::User(user) => {
                let targets = self.phones(&user);
                let host = self.house.config.sip.domain.clone();
                let to = named(None, &user, host.as_deref(), targets.first());
                self.begin_outbound(call, dialled, Some(user), to, targets);
            }
            Callee::Address(uri, login) => self.dial_address(call, dialled, uri, login),
            Callee::Outside(uri) => self.dial_outside(call, dialled, uri),
            Callee::Script(script) => {
                let ((hook, fallback), leg) = (*script, dialled.leg);
                self.signal_call(call, CallInput::Scripted { leg, hook, fallback });
            }
            Callee::Nobody => self.refused(call, &dialled, Cause::NotFound),
        }
    }

    /// Whether a leg has yet to begin. The call may have changed its mind, or be over, while a name was looked up.
    fn is_still_due(&self, call: CallId, dialled: &Dialled) -> bool {
        let (has_begun, is_wanted) = {
            let records = self.records.borrow();
            let call = records.calls.get(&call);
            (records.legs.contains_key(&dialled.leg), call.is_some_and(|call| call.wants(dialled.leg)))
        };
        if !has_begun && !is_wanted {
            self.refused(call, dialled, Cause::Cancelled);
        }
        !has_begun && is_wanted
    }

    fn callee(&self, noun: &Noun) -> Callee {
        match noun {
            Noun::Client(client) if self.is_user(&client.identity) => Callee::User(client.identity.clone()),
            Noun::Client(_) => Callee::Nobody,
            // A script is the operator's: it dials what a user could.
            Noun::Number(number) => {
                let caller = Caller { user: Some(String::new()) };
                match self.route(&caller, &number.number).target {
                    routing::Target::Endpoint(user) => Callee::User(user),
                    routing::Target::Unknown | routing::Target::Outside(_) => self.outside(&number.number),
                    _ => Callee::Nobody,
                }
            }
            Noun::Sip(sip) => match sip.uri.parse::<Uri>() {
                Ok(uri) => match uri.user() {
                    Some(user) if self.is_local(&uri) && self.is_user(&user) => {
                        Callee::User(user.into_owned())
                    }
                    _ => Callee::Address(uri, login_of(sip)),
                },
                Err(_) => Callee::Nobody,
            },
        }
    }

    /// Whom a party may refer another one to: whom it could call itself (threats T14). A SIP address that is not ours
    /// is for our users alone.
    fn referred(&self, noun: &Noun, referrer: &Referrer) -> Callee {
        let user = match referrer {
            Referrer::User(user) => Some(user.clone()),
            Referrer::Stranger => None,
        };
        let Noun::Sip(sip) = noun else { return Callee::Nobody };
        let Ok(uri) = sip.uri.parse::<Uri>() else { return Callee::Nobody };
        let is_number = *uri.scheme() == Scheme::Tel;
        if !is_number && !self.is_local(&uri) {
            return if user.is_some() { Callee::Address(uri, None) } else { Callee::Nobody };
        }
        let Some(dialled) = uri.user() else { return Callee::Nobody };
        match self.route(&Caller { user }, &dialled).target {
            routing::Target::Endpoint(user) => Callee::User(user),
            routing::Target::Outside(number) => self.outside(&number),
            routing::Target::Script(file) => {
                let hook = Hook { place: Place::File(file), method: Method::default() };
                Callee::Script(Box::new((hook, None)))
            }
            routing::Target::Webhook(webhook) => Callee::Script(Box::new(hooks(&webhook))),
            routing::Target::Unknown | routing::Target::Forbidden => Callee::Nobody,
        }
    }

    fn outside(&self, number: &str) -> Callee {
        let settings = self.house.settings();
        let uri = settings.gateway.as_ref().and_then(|gateway| gateway.uri(number));
        uri.map_or(Callee::Nobody, Callee::Outside)
    }

    fn dial_outside(&self, call: CallId, mut dialled: Dialled, uri: Uri) {
        let settings = self.house.settings();
        let Some(gateway) = &settings.gateway else { return self.refused(call, &dialled, Cause::NotFound) };
        let caller_is_at = self.records.borrow().legs.get(&dialled.parent).map(Leg::peer_address);
        let Some(shown) = gateway.shown(&dialled.caller.user, caller_is_at) else {
            let caller = Number(&dialled.caller.user);
            tracing::warn!(%call, %caller, "this number may not be shown outside: see gateway.caller_ids");
            return self.refused(call, &dialled, Cause::NotAcceptable);
        };
        dialled.caller.user = shown;
        let login = gateway.login();
        self.dial_address(call, dialled, uri, login);
    }

    /// Whether a URI names this switch itself: its domain, or a socket that it listens on.
    fn is_local(&self, uri: &Uri) -> bool {
        match uri.host() {
            Some(Host::Name(name)) => {
                self.house.config.sip.domain.as_ref().is_some_and(|domain| domain.eq_ignore_ascii_case(name))
            }
            Some(host) => {
                let port = Hop::of(uri).map(|hop| hop.port);
                let listens = port.is_some_and(|port| self.house.listens_at(port));
                listens && host.ip().is_some_and(|ip| self.house.is_ours(ip))
            }
            None => false,
        }
    }

    /// Where the phones of a user can be reached: all of them ring. Requests follow the flow of the registration.
    fn phones(&self, user: &str) -> Vec<Target> {
        let bindings = self.house.registrar.lookup(user, self.now()).into_iter();
        // Nobody may read along what goes to a `sips:` address (RFC 3261 §26.2.2).
        let bindings =
            bindings.filter(|binding| !binding.contact.uri.is_secure() || binding.flow.transport.is_secure());
        bindings.map(|binding| self.target(binding.contact.uri, binding.flow, None)).collect()
    }

    fn target(&self, uri: Uri, flow: Flow, login: Option<Login>) -> Target {
        let media_ip = self.house.addresses.media_advertised_ip(flow.remote.ip());
        let path = Path { sips: uri.is_secure(), ..self.path(flow) };
        Target { uri, path, media_ip, login }
    }

    fn dial_address(&self, call: CallId, dialled: Dialled, uri: Uri, login: Option<Login>) {
        let Some(hop) = Hop::of(&uri) else { return self.refused(call, &dialled, Cause::NotAcceptable) };
        if let Some(address) = hop.address() {
            return self.dial_hop(call, dialled, uri, &hop, &[address], login);
        }
        // Names are looked up off the call path; the leg begins when the answer is there.
        super::cell::spawn(async move {
            let found = hop.resolve().await.inspect_err(|error| {
                tracing::warn!(host = %hop.host, %error, "a name cannot be looked up");
            });
            if let Some(cell) = Cell::present() {
                cell.dial_hop(call, dialled, uri, &hop, &found.unwrap_or_default(), login);
            }
        });
    }

    fn dial_hop(
        &self,
        call: CallId,
        dialled: Dialled,
        uri: Uri,
        hop: &Hop,
        found: &[SocketAddr],
        login: Option<Login>,
    ) {
        let flow = |address: &SocketAddr| self.house.flow_to(&hop.transport, *address, hop.name());
        match found.iter().find_map(flow) {
            Some(flow) => {
                let to = NameAddr::new(uri.clone());
                let target = self.target(uri, flow, login);
                self.begin_outbound(call, dialled, None, to, vec![target]);
            }
            None => self.refused(call, &dialled, Cause::Unreachable),
        }
    }

    /// `owner` is the user whose telephones these are.
    fn begin_outbound(
        &self,
        call: CallId,
        dialled: Dialled,
        owner: Option<String>,
        to: NameAddr,
        targets: Vec<Target>,
    ) {
        let now: Moment = self.now();
        if !self.is_still_due(call, &dialled) {
            return;
        }
        let Some(first) = targets.first() else { return self.refused(call, &dialled, Cause::Unreachable) };
        let peers = targets.iter().map(|target| target.path.flow.remote.ip());
        let basis = match self.basis(dialled.leg, call, peers, now) {
            Ok(basis) => crate::leg::Basis { seed: dialled.seed, owner, ..basis },
            Err(_) => return self.refused(call, &dialled, Cause::Overloaded),
        };
        let CallerId { display, user, privacy } = &dialled.caller;
        let from = named(display.clone(), user, self.house.config.sip.domain.as_deref(), Some(first));
        let (caller, printed) = (from.uri.to_string(), to.uri.to_string());
        let (leg, parent) = (dialled.leg, dialled.parent);
        let headers = match &dialled.referrer {
            Some(referrer) => self.referred_by(&dialled.noun, referrer, first).into_iter().collect(),
            None => headers(&dialled, &self.house.credentials.account_sid),
        };
        let (seat, is_private, max_forwards) = (self.seat, *privacy, dialled.max_forwards);
        let ways: Vec<Event> = targets.iter().map(|target| carried(&target.path.flow)).collect();
        let spec = OutboundSpec { basis, seat, from, is_private, to, headers, targets, max_forwards };
        self.begin_leg(Leg::outbound(spec));
        self.note(leg, Event::Dialled { from: caller, to: printed, parent });
        ways.into_iter().for_each(|way| self.note(leg, way));
    }

    /// Who sends somebody to a user of ours (RFC 3892). Outside, nobody learns who works here.
    fn referred_by(&self, noun: &Noun, referrer: &Referrer, target: &Target) -> Option<(HeaderName, String)> {
        let Callee::User(_) = self.referred(noun, referrer) else { return None };
        let Referrer::User(user) = referrer else { return None };
        let by = named(None, user, self.house.config.sip.domain.as_deref(), Some(target));
        Some((HeaderName::ReferredBy, by.to_string()))
    }

    fn refused(&self, call: CallId, dialled: &Dialled, cause: Cause) {
        self.post_unbegun(call, dialled, &cause);
        self.signal_call(call, CallInput::Refused(dialled.leg, cause));
    }
}

/// What a script says to whom it calls, and by which names the call is known here.
fn headers(dialled: &Dialled, account: &str) -> Vec<(HeaderName, String)> {
    let leg = dialled.leg.to_string();
    let own = [("X-Twilio-CallSid", leg.as_str()), ("X-Twilio-AccountSid", account)];
    let written: Vec<(String, &str)> = match &dialled.noun {
        Noun::Sip(sip) => sip.headers.iter().map(|(name, value)| (name.clone(), value.as_str())).collect(),
        Noun::Client(client) => {
            client.parameters.iter().map(|(name, value)| (format!("X-{name}"), value.as_str())).collect()
        }
        Noun::Number(_) => return Vec::new(),
    };
    let written = written.iter().filter_map(|(name, value)| said(name, value));
    own.iter().filter_map(|(name, value)| said(name, value)).chain(written).collect()
}

/// A header that a script may write; it cannot end early.
fn said(name: &str, value: &str) -> Option<(HeaderName, String)> {
    let is_sound = sip::is_free(name) && !value.contains(char::is_control);
    name.parse().ok().filter(|_| is_sound).map(|name| (name, value.to_owned()))
}

/// How a SIP address of a script wants us to show ourselves.
fn login_of(sip: &Sip) -> Option<Login> {
    let (user, password) = (sip.username.clone()?, sip.password.clone()?);
    Some(Login { user, password, realm: None })
}

/// An address of ours as the peer at `target` sees it.
fn named(display: Option<String>, user: &str, domain: Option<&str>, target: Option<&Target>) -> NameAddr {
    let host = match (domain, target) {
        (Some(domain), _) => Host::Name(domain.to_owned()),
        (None, Some(target)) => Host::from(target.path.advertised.ip()),
        (None, None) => Host::Name("localhost".to_owned()),
    };
    NameAddr { display, uri: Uri::sip(Some(user), host, None), params: Params::default() }
}

/// Who calls whom, of a leg that has no addresses yet: as its callbacks say it.
pub(super) fn spoken(dialled: &Dialled) -> (String, String) {
    let to = match &dialled.noun {
        Noun::Number(number) => number.number.clone(),
        Noun::Client(client) => format!("client:{}", client.identity),
        Noun::Sip(sip) => sip.uri.clone(),
    };
    (dialled.caller.user.clone(), to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::LegId;
    use crate::twiml::document::Document;
    use crate::twiml::verb::Verb;

    /// The one noun of a Dial.
    fn noun(xml: &str) -> Noun {
        let xml = format!("<Response><Dial>{xml}</Dial></Response>");
        let parsed = Document::parse(xml.as_bytes()).expect("a document");
        match &parsed.document.steps[0].verb {
            Verb::Dial(dial) => dial.nouns[0].clone(),
            verb => panic!("{verb:?}"),
        }
    }

    #[test]
    fn a_callee_by_sip_is_told_the_names_of_the_call_and_what_the_script_says() {
        let told = |xml: &str| -> Vec<(String, String)> {
            let leg = LegId::from_bytes([1; 16]);
            let caller = CallerId { display: None, user: "bob".to_owned(), privacy: false };
            let (noun, seed) = (noun(xml), [0; 16]);
            let dialled = Dialled { leg, parent: leg, noun, caller, seed, max_forwards: 70, referrer: None };
            let headers = headers(&dialled, "AC1").into_iter();
            headers.map(|(name, value)| (name.as_str().to_owned(), value)).collect()
        };
        let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let own =
            [of("X-Twilio-CallSid", "CA01010101010101010101010101010101"), of("X-Twilio-AccountSid", "AC1")];
        assert_eq!(told("<Sip>a@b</Sip>"), own);
        assert_eq!(told("<Client>alice</Client>"), own);
        assert_eq!(told("<Number>+15551234</Number>"), [], "a carrier is told nothing of us");
        let sip = told("<Sip>a@b?X-Id=a%20b&amp;User-to-User=beef&amp;Via=x</Sip>");
        assert_eq!(sip[..2], own);
        assert_eq!(sip[2..], [of("X-Id", "a b"), of("User-to-User", "beef")]);
        let client = told("<Client>alice<Parameter name='team' value='red'/></Client>");
        assert_eq!(client[2..], [of("X-team", "red")]);
    }

    #[test]
    fn a_sip_address_knows_us_by_the_login_that_the_script_gives_for_it() {
        let login = |xml: &str| match noun(xml) {
            Noun::Sip(sip) => login_of(&sip).map(|login| (login.user, login.password, login.realm)),
            noun => panic!("{noun:?}"),
        };
        let known = login("<Sip username='u' password='p'>a@b</Sip>");
        assert_eq!(known, Some(("u".to_owned(), "p".to_owned(), None)), "whatever the realm");
        assert_eq!(login("<Sip>a@b</Sip>"), None);
        assert_eq!(login("<Sip username='u'>a@b</Sip>"), None, "13249: none are used");
    }

    #[test]
    fn a_script_writes_headers_of_its_own_and_none_that_steer_a_call() {
        for (name, value, is_sent) in [
            ("X-Order", "4711", true),
            ("x-order", "a b; c", true),
            ("User-to-User", "3031;encoding=hex", true),
            ("Route", "<sip:evil.example;lr>", false),
            ("Contact", "<sip:evil.example>", false),
            ("X-Two\r\nRoute", "x", false),
            ("X-Order", "1\r\nRoute: <sip:evil.example>", false),
            ("X", "1", false),
            ("", "", false),
        ] {
            assert_eq!(said(name, value).is_some(), is_sent, "{name}: {value}");
        }
    }
}
