//! The calling side of a phone: REGISTER and INVITE with credentials, CANCEL, ACK.
//! It must never take a second 2xx for a second call.

use bytes::Bytes;
use trunkline::sip::endpoint::{ClientKey, DialogKey};
use trunkline::sip::message::{CSeq, HeaderName, Host, Method, NameAddr, Request, Response, StatusCode, Uri};
use trunkline_media::moment::Moment;

use super::compose::home;
use super::talk::{Role, Talk};
use super::{Cue, ME, Phone};
use crate::network::SWITCH;

impl Phone {
    pub(super) fn send_register(&mut self, challenge: Option<&Response>, now: Moment) {
        self.registered += 1;
        let registrar = Uri::sip(None, Host::from(SWITCH.ip()), None);
        let call_id = format!("{}-registers", self.name);
        let mut register =
            self.compose(Method::Register, registrar.clone(), home(self.user), &call_id, self.registered);
        register.headers_mut().push(HeaderName::Expires, 3600);
        self.prove(&mut register, challenge, &registrar);
        self.endpoint.request(Some(ME), register, self.flow(), now);
    }

    fn prove(&self, request: &mut Request, challenge: Option<&Response>, uri: &Uri) {
        let method = request.method().clone();
        if let Some(credentials) = challenge.and_then(|asked| self.credentials(asked, &method, uri)) {
            request.headers_mut().push(HeaderName::Authorization, credentials);
        }
    }

    /// Tries its password once.
    pub(super) fn register_answered(&mut self, response: &Response, now: Moment) {
        match response.status() {
            StatusCode::UNAUTHORIZED if self.registered == 1 => self.send_register(Some(response), now),
            StatusCode::OK => self.cue(Cue::Registered, now),
            _ => {}
        }
    }

    pub(super) fn invite(&mut self, to: &str, with_offer: bool, now: Moment) {
        let mut offered = self.negotiation(0);
        let call_id = format!("{}-calls", self.name);
        let mut invite = self.compose(Method::Invite, home(to), home(to), &call_id, 1);
        self.introduce(invite.headers_mut());
        self.say(invite.headers_mut());
        if with_offer {
            let offer = offered.offer().expect("a first offer");
            invite.set_body("application/sdp", offer);
        }
        self.send_invite(invite, offered, now);
    }

    fn send_invite(&mut self, invite: Request, offered: trunkline_media::sdp::Negotiation, now: Moment) {
        let (key, headers) = (ClientKey::of(&invite), invite.headers());
        let call_id = headers.call_id().expect("a Call-ID").into_owned();
        let tag = headers.from().expect("From").tag().expect("a tag").to_owned();
        self.endpoint.bind(DialogKey::new(call_id, tag), ME);
        self.endpoint.request(Some(ME), invite.clone(), self.flow(), now);
        let role = Role::Caller(key);
        let (branches, early) = Default::default();
        self.talk = Some(Talk { role, invite, offered, branches, early, is_given_up: false });
    }

    pub(super) fn invite_answered(&mut self, key: &ClientKey, response: &Response, now: Moment) {
        if self.reinvite_answered(key, response, now) {
            return;
        }
        if !self.takes(response, now) {
            return;
        }
        match response.status() {
            StatusCode::RINGING => {
                if let Some(tag) = response.headers().to().ok().and_then(|to| to.tag().map(str::to_owned)) {
                    self.note_dialog(&format!("{}-calls", self.name), &tag, &format!("{}-tag", self.name));
                }
                self.cue(Cue::Ringing, now);
            }
            StatusCode::SESSION_PROGRESS => self.cue(Cue::EarlyMedia, now),
            StatusCode::UNAUTHORIZED => self.try_password(response, now),
            status if status.is_success() => self.invite_accepted(response, now),
            _ => {}
        }
    }

    fn try_password(&mut self, response: &Response, now: Moment) {
        let Some(talk) = &self.talk else { return };
        let (mut invite, offered) = (talk.invite.clone(), talk.offered.clone());
        if invite.headers().contains(&HeaderName::Authorization) {
            return;
        }
        let (uri, method) = (invite.uri().clone(), Method::Invite);
        invite.headers_mut().set(HeaderName::CSeq, CSeq { number: 2, method: method.clone() });
        let via = self.via(&method, 2);
        invite.headers_mut().set(HeaderName::Via, via);
        self.prove(&mut invite, Some(response), &uri);
        self.send_invite(invite, offered, now);
    }

    fn invite_accepted(&mut self, response: &Response, now: Moment) {
        let to: NameAddr = response.headers().to().expect("To");
        let tag = to.tag().expect("a 2xx has a tag").to_owned();
        self.note_dialog(&format!("{}-calls", self.name), &tag, &format!("{}-tag", self.name));
        let flow = self.flow();
        let Some(talk) = &mut self.talk else { return };
        let mut body = Bytes::new();
        let is_new = !talk.branches.contains_key(&tag);
        if is_new {
            let mut branch = talk.confirm(&tag, response, &flow);
            if branch.negotiation.is_offer_pending() {
                branch.negotiation.on_answer(response.body()).expect("the switch's answer can be used");
            } else if !response.body().is_empty() {
                let (answer, _) =
                    branch.negotiation.on_offer(response.body()).expect("the switch's offer, too");
                body = answer;
            }
            talk.branches.insert(tag.clone(), branch);
        }
        if is_new {
            // Before the ACK: what is done at once crosses the 2xx.
            self.cue(Cue::Answered, now);
        }
        self.acknowledge(&tag, response, body);
        if is_new && self.talk.as_ref().is_some_and(|talk| talk.is_given_up) {
            self.bye(now);
        }
    }

    pub(super) fn cancel(&mut self, reason: Option<&str>, now: Moment) {
        let Some(talk) = &mut self.talk else { return };
        let Role::Caller(key) = &talk.role else { return };
        talk.is_given_up = true;
        let key = key.clone();
        self.endpoint.cancel(&key, reason, now);
    }

    /// The same bytes as in time; the endpoint would not send it any more.
    pub(super) fn cancel_too_late(&mut self, now: Moment) {
        let Some(talk) = &self.talk else { return };
        let mut cancel = Request::new(Method::Cancel, talk.invite.uri().clone());
        let theirs = talk.invite.headers();
        let number = theirs.cseq().expect("CSeq").number;
        let headers = cancel.headers_mut();
        headers.push(HeaderName::Via, theirs.top_via().expect("Via"));
        headers.push(HeaderName::MaxForwards, 70);
        headers.push(HeaderName::From, theirs.from().expect("From"));
        headers.push(HeaderName::To, theirs.to().expect("To"));
        headers.push(HeaderName::CallId, theirs.call_id().expect("Call-ID"));
        headers.push(HeaderName::CSeq, CSeq { number, method: Method::Cancel });
        self.endpoint.request(Some(ME), cancel, self.flow(), now);
    }
}
