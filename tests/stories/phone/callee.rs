//! The called side of a phone, or of the forks behind a proxy: rings, answers, refuses.
//! It must never stop repeating a 2xx before its ACK.

use std::time::Duration;

use bytes::Bytes;
use trunkline::sip::dialog::Dialog;
use trunkline::sip::endpoint::{DialogKey, ServerKey, Timing};
use trunkline::sip::message::{HeaderName, NameAddr, Request, Response, StatusCode};
use trunkline_media::moment::Moment;

use super::talk::{Branch, Role, Talk};
use super::{Alarm, Cue, ME, Phone};

impl Phone {
    pub(super) fn invited(&mut self, key: ServerKey, invite: &Request, now: Moment) {
        let call_id = |request: &Request| request.headers().call_id().map(|id| id.into_owned());
        let is_anew = self.talk.as_ref().is_some_and(|talk| call_id(&talk.invite) == call_id(invite));
        let is_talking = self.talk.as_ref().is_some_and(|talk| !talk.is_given_up);
        if is_talking && !is_anew {
            let busy = invite.response_tagged(StatusCode::BUSY_HERE, &format!("{}-busy", self.name));
            self.respond(&key, busy, now);
            return;
        }
        self.endpoint.assign(&key, ME);
        self.talk = Some(Talk {
            role: Role::Callee(key),
            invite: invite.clone(),
            offered: self.negotiation(0),
            branches: Default::default(),
            early: Default::default(),
            is_given_up: false,
        });
        self.cue(if is_anew { Cue::InvitedAnew } else { Cue::Invited }, now);
    }

    /// The INVITE, as a fork sees it: under which name to answer, and under which tag.
    pub(super) fn fork(&mut self, tag: &str) -> Option<(ServerKey, Request, String, Bytes)> {
        let tag = format!("{}-tag{tag}", self.name);
        let talk = self.talk.as_ref()?;
        let Role::Callee(key) = &talk.role else { return None };
        let (key, invite) = (key.clone(), talk.invite.clone());
        if !talk.branches.contains_key(&tag) {
            let mut branch = Branch::new(self.negotiation(talk.branches.len()));
            let (answer, _) =
                branch.negotiation.on_offer(invite.body()).expect("the switch's offer can be met");
            branch.body = answer;
            branch.early = Dialog::uas(&invite, &tag, &self.flow()).ok();
            self.endpoint.bind(DialogKey::new(invite.headers().call_id().ok()?, &tag), ME);
            self.talk.as_mut()?.branches.insert(tag.clone(), branch);
        }
        let body = self.talk.as_ref()?.branches.get(&tag)?.body.clone();
        Some((key, invite, tag, body))
    }

    pub(super) fn provisional(&mut self, tag: &str, status: StatusCode, with_body: bool, now: Moment) {
        let Some((key, invite, tag, body)) = self.fork(tag) else { return };
        let mut response = self.reply(&invite, status, &tag);
        if with_body {
            response.set_body("application/sdp", body);
        }
        if self.insists {
            return self.provisional_that_arrives(&key, response, &tag, now);
        }
        self.respond(&key, response, now);
    }

    pub(super) fn answer(&mut self, tag: &str, now: Moment) {
        let Some((key, invite, tag, body)) = self.fork(tag) else { return };
        if let Some(branch) = self.talk.as_mut().and_then(|talk| talk.branches.get_mut(&tag)) {
            branch.dialog = branch.early.take();
            assert!(branch.dialog.is_some(), "the switch's INVITE makes a dialog");
        }
        self.accept(&key, &invite, &tag, body, now);
    }

    /// Answers an INVITE or a re-INVITE, and again until the ACK comes.
    fn accept(&mut self, key: &ServerKey, invite: &Request, tag: &str, body: Bytes, now: Moment) {
        let mut response = self.reply(invite, StatusCode::OK, tag);
        self.say_session(invite, response.headers_mut());
        self.say(response.headers_mut());
        response.set_body("application/sdp", body);
        self.respond(key, response.clone(), now);
        let timing = Timing::default();
        if let Some(branch) = self.talk.as_mut().and_then(|talk| talk.branches.get_mut(tag)) {
            branch.answer = Some((key.clone(), response, now + timing.patience()));
        }
        self.alarm(now + timing.t1, Alarm::RepeatAnswer { tag: tag.to_owned(), pause: timing.t1 });
    }

    /// A new offer of the switch inside a dialog: met, unless one of ours is out (RFC 3261 §14.2).
    pub(super) fn reinvited(&mut self, key: &ServerKey, invite: &Request, now: Moment) {
        let tag = |address: Option<NameAddr>| address.and_then(|address| address.tag().map(str::to_owned));
        let (ours, theirs) = (tag(invite.headers().to().ok()), tag(invite.headers().from().ok()));
        let branches = self.talk.as_mut().map(|talk| &mut talk.branches).into_iter().flatten();
        let mut found =
            branches.filter(|(name, _)| Some(*name) == ours.as_ref() || Some(*name) == theirs.as_ref());
        let Some((name, branch)) = found.next() else {
            return self.respond(key, invite.response(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST), now);
        };
        let name = name.clone();
        match branch.negotiation.on_offer(invite.body()) {
            Ok((answer, _)) if self.collisions == 0 => self.accept(key, invite, &name, answer, now),
            _ => {
                self.collisions = self.collisions.saturating_sub(1);
                self.respond(key, invite.response(StatusCode::REQUEST_PENDING), now);
            }
        }
    }

    pub(super) fn repeat_answer(&mut self, tag: &str, pause: Duration, now: Moment) {
        let branch = self.talk.as_ref().and_then(|talk| talk.branches.get(tag));
        let Some((key, response, until)) = branch.and_then(|branch| branch.answer.clone()) else { return };
        if now >= until {
            return self.bye(now);
        }
        self.respond(&key, response, now);
        let pause = (pause * 2).min(Timing::default().t2);
        self.alarm((now + pause).min(until), Alarm::RepeatAnswer { tag: tag.to_owned(), pause });
    }

    fn reply(&self, invite: &Request, status: StatusCode, tag: &str) -> Response {
        let mut response = invite.response_tagged(status, tag);
        response.headers_mut().push(HeaderName::Contact, self.contact());
        response
    }

    pub(super) fn refuse(&mut self, status: StatusCode, now: Moment) {
        let Some(talk) = &self.talk else { return };
        let Role::Callee(key) = talk.role.clone() else { return };
        let mut response = talk.invite.response_tagged(status, &format!("{}-tag", self.name));
        self.say(response.headers_mut());
        self.respond(&key, response, now);
    }

    pub(super) fn refuse_short(&mut self, seconds: u32, now: Moment) {
        let Some(talk) = &self.talk else { return };
        let Role::Callee(key) = talk.role.clone() else { return };
        let status = StatusCode::SESSION_INTERVAL_TOO_SMALL;
        let mut response = talk.invite.response_tagged(status, &format!("{}-tag", self.name));
        response.headers_mut().push(HeaderName::MinSe, seconds);
        self.respond(&key, response, now);
    }

    pub(super) fn acknowledged(&mut self, ack: &Request, now: Moment) {
        let tag = |address: Option<NameAddr>| address.and_then(|address| address.tag().map(str::to_owned));
        let (ours, theirs) = (tag(ack.headers().to().ok()), tag(ack.headers().from().ok()));
        let branches = self.talk.as_mut().map(|talk| &mut talk.branches).into_iter().flatten();
        let mut mine =
            branches.filter(|(name, _)| Some(*name) == ours.as_ref() || Some(*name) == theirs.as_ref());
        if let Some((_, branch)) = mine.next() {
            branch.answer = None;
            let call_id = ack.headers().call_id().expect("Call-ID").into_owned();
            self.note_dialog(&call_id, &theirs.unwrap_or_default(), &ours.unwrap_or_default());
            self.cue(Cue::Confirmed, now);
        }
    }

    pub(super) fn cancelled(&mut self, key: &ServerKey, now: Moment) {
        let is_mine = matches!(&self.talk, Some(Talk { role: Role::Callee(mine), .. }) if mine == key);
        if let Some(talk) = self.talk.as_mut().filter(|_| is_mine) {
            talk.is_given_up = true;
        }
        if is_mine && self.heeds(Cue::Cancelled) {
            self.cue(Cue::Cancelled, now);
        } else if is_mine {
            self.refuse(StatusCode::REQUEST_TERMINATED, now);
        }
    }
}
