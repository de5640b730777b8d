//! What phones say of themselves, UPDATE, and the refresh of sessions (RFC 3311, RFC 4028).
//! It must never keep a timer: a phone of a story refreshes when its rules say so.

use trunkline::sip::endpoint::ServerKey;
use trunkline::sip::message::{HeaderName, Headers, Method, Request, Response, StatusCode};
use trunkline_media::moment::Moment;
use trunkline_media::sdp::Direction;

use super::{Cue, ME, Phone};

impl Phone {
    /// Extensions, methods and the session interval, as an INVITE names them.
    pub(super) fn introduce(&self, headers: &mut Headers) {
        if !self.supports.is_empty() {
            headers.push(HeaderName::Supported, self.supports);
        }
        if self.insists {
            headers.push(HeaderName::Require, "100rel");
        }
        if self.updates {
            headers.push(HeaderName::Allow, "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE");
        }
        if !self.session.is_empty() {
            headers.push(HeaderName::SessionExpires, self.session);
        }
    }

    /// The same in a 2xx to an INVITE or UPDATE of the switch: a refresh is granted as it was asked for.
    pub(super) fn say_session(&self, request: &Request, headers: &mut Headers) {
        if self.updates {
            headers.push(HeaderName::Allow, "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE");
        }
        if !self.supports.contains("timer") {
            return;
        }
        let in_dialog = request.headers().to().is_ok_and(|to| to.tag().is_some());
        let asked = request.headers().get(&HeaderName::SessionExpires).map(String::from);
        let granted = if in_dialog { asked } else { Some(self.session.to_owned()) };
        if let Some(granted) = granted.filter(|granted| !granted.is_empty()) {
            headers.push(HeaderName::Require, "timer");
            headers.push(HeaderName::SessionExpires, granted);
        }
    }

    pub(super) fn say(&self, headers: &mut Headers) {
        for (name, value) in self.says {
            headers.push(name.parse().expect("a name"), value);
        }
    }

    /// Sends an UPDATE in the dialog that is up, else in the early one.
    pub(super) fn update(&mut self, direction: Option<Direction>, now: Moment) {
        let Some(mut update) = self.early_or_up(Method::Update) else { return };
        if let Some(direction) = direction {
            let Some(negotiation) = self.early_or_up_negotiation() else { return };
            let offer = negotiation.offer_held(direction).expect("no offer of ours is out");
            update.set_body("application/sdp", offer);
        }
        if self.supports.contains("timer") {
            update.headers_mut().push(HeaderName::Supported, self.supports);
            let seconds = self.session.split(';').next().unwrap_or_default();
            update.headers_mut().push(HeaderName::SessionExpires, format_args!("{seconds};refresher=uac"));
        }
        self.endpoint.request(Some(ME), update, self.flow(), now);
    }

    fn early_or_up(&mut self, method: Method) -> Option<Request> {
        if self.is_talking() {
            return self.in_dialog(method).map(|(request, _)| request);
        }
        let contact = self.contact();
        let talk = self.talk.as_mut()?;
        let ours = talk.early.values_mut().map(|early| &mut early.dialog);
        let theirs = talk.branches.values_mut().filter_map(|branch| branch.early.as_mut());
        let next = ours.chain(theirs).next()?.local_cseq() + 1;
        let via = self.via(&method, next);
        let talk = self.talk.as_mut()?;
        let ours = talk.early.values_mut().map(|early| &mut early.dialog);
        let theirs = talk.branches.values_mut().filter_map(|branch| branch.early.as_mut());
        let dialog = ours.chain(theirs).next()?;
        Some(dialog.request(method, &via, Some(&contact)))
    }

    fn early_or_up_negotiation(&mut self) -> Option<&mut trunkline_media::sdp::Negotiation> {
        let is_up = self.is_talking();
        let talk = self.talk.as_mut()?;
        if is_up {
            return talk.up().map(|branch| &mut branch.negotiation);
        }
        let ours = talk.early.values_mut().map(|early| &mut early.negotiation);
        let theirs = talk.branches.values_mut().map(|branch| &mut branch.negotiation);
        ours.chain(theirs).next()
    }

    pub(super) fn update_answered(&mut self, response: &Response, now: Moment) {
        if response.status().is_success() {
            if let Some(negotiation) = self.early_or_up_negotiation().filter(|one| one.is_offer_pending()) {
                negotiation.on_answer(response.body()).expect("the switch's answer can be used");
            }
            self.cue(Cue::Updated, now);
        } else if response.status().is_final() {
            self.early_or_up_negotiation().into_iter().for_each(|negotiation| negotiation.withdraw());
            self.cue(Cue::UpdateRefused, now);
        }
    }

    /// The switch's UPDATE: a refresh.
    pub(super) fn updated(&mut self, key: &ServerKey, update: &Request, now: Moment) {
        let mut response = update.response(StatusCode::OK);
        response.headers_mut().push(HeaderName::Contact, self.contact());
        self.say_session(update, response.headers_mut());
        self.respond(key, response, now);
    }
}
