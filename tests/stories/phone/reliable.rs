//! Provisional answers that must arrive, as phones send and acknowledge them (RFC 3262).
//! It must never acknowledge one twice.

use bytes::Bytes;
use trunkline::sip::dialog::{Dialog, Heard, Overdue, is_reliable};
use trunkline::sip::endpoint::{ServerKey, Timing};
use trunkline::sip::flow::Flow;
use trunkline::sip::message::{HeaderName, Method, Request, Response, StatusCode};
use trunkline_media::moment::Moment;
use trunkline_media::sdp::Negotiation;

use super::talk::{Branch, Talk};
use super::{Alarm, Cue, ME, Phone};

/// An early dialog of our INVITE.
#[derive(Debug)]
pub(super) struct Early {
    pub dialog: Dialog,
    pub heard: Heard,
    pub negotiation: Negotiation,
}

impl Talk {
    /// The dialog of our INVITE that this 2xx confirms or makes.
    pub fn confirm(&mut self, tag: &str, response: &Response, flow: &Flow) -> Branch {
        let Some(mut early) = self.early.remove(tag) else {
            let mut branch = Branch::new(self.offered.clone());
            branch.dialog = Some(Dialog::uac(&self.invite, response, flow).expect("a 2xx makes a dialog"));
            return branch;
        };
        early.dialog.confirm(response).expect("it is of this dialog");
        let mut branch = Branch::new(early.negotiation);
        branch.dialog = Some(early.dialog);
        branch
    }
}

impl Phone {
    /// Whether an answer to our INVITE counts. One that must arrive is acknowledged; the first ones may be missed.
    pub(super) fn takes(&mut self, response: &Response, now: Moment) -> bool {
        if !is_reliable(response) {
            return true;
        }
        if self.misses > 0 {
            self.misses -= 1;
            return false;
        }
        let flow = self.flow();
        let Some(tag) = response.headers().to().ok().and_then(|to| to.tag().map(str::to_owned)) else {
            return false;
        };
        let Some(talk) = &mut self.talk else { return false };
        let early = talk.early.entry(tag.clone()).or_insert_with(|| Early {
            dialog: Dialog::uac(&talk.invite, response, &flow).expect("it makes an early dialog"),
            heard: Heard::default(),
            negotiation: talk.offered.clone(),
        });
        let Some(rack) = early.heard.receive(response) else { return false };
        let mut body = Bytes::new();
        if !response.body().is_empty() {
            if early.negotiation.is_offer_pending() {
                early.negotiation.on_answer(response.body()).expect("the switch's early answer can be used");
            } else {
                (body, _) =
                    early.negotiation.on_offer(response.body()).expect("the switch's early offer, too");
            }
        }
        let next = early.dialog.local_cseq() + 1;
        let via = self.via(&Method::Prack, next);
        let early = self.talk.as_mut().and_then(|talk| talk.early.get_mut(&tag)).expect("just begun");
        let mut prack = early.dialog.request(Method::Prack, &via, None);
        prack.headers_mut().push(HeaderName::RAck, rack);
        prack.set_body("application/sdp", body);
        self.endpoint.request(Some(ME), prack, flow, now);
        true
    }

    /// A provisional answer of ours that is repeated until its PRACK.
    pub(super) fn provisional_that_arrives(
        &mut self,
        key: &ServerKey,
        mut response: Response,
        tag: &str,
        now: Moment,
    ) {
        let branch = self.talk.as_mut().and_then(|talk| talk.branches.get_mut(tag)).expect("it was begun");
        branch.provisionals.send(&mut response, &Timing::default(), now);
        let due = branch.provisionals.next_deadline().expect("a repeat");
        self.respond(key, response, now);
        self.alarm(due, Alarm::RepeatProvisional { tag: tag.to_owned() });
    }

    pub(super) fn repeat_provisional(&mut self, tag: &str, now: Moment) {
        let Some(talk) = &mut self.talk else { return };
        let super::talk::Role::Callee(key) = talk.role.clone() else { return };
        let Some(branch) = talk.branches.get_mut(tag) else { return };
        let Some(Overdue::Again(response)) = branch.provisionals.on_deadline(now) else { return };
        let due = branch.provisionals.next_deadline().expect("the next repeat, or the end");
        self.respond(&key, response, now);
        self.alarm(due, Alarm::RepeatProvisional { tag: tag.to_owned() });
    }

    /// The switch's PRACK.
    pub(super) fn acknowledged_early(&mut self, key: &ServerKey, prack: &Request, now: Moment) {
        let tag = prack.headers().to().ok().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
        let branch = self.talk.as_mut().and_then(|talk| talk.branches.get_mut(&tag));
        let acknowledged = branch.and_then(|branch| {
            let dialog = branch.early.as_mut().or(branch.dialog.as_mut())?;
            dialog.receive(prack).ok()?;
            branch.provisionals.acknowledge(prack.headers())
        });
        let status = match acknowledged {
            Some(_) => StatusCode::OK,
            None => StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
        };
        self.respond(key, prack.response(status), now);
        if status == StatusCode::OK {
            self.cue(Cue::Acknowledged, now);
        }
    }
}
