//! One INVITE to one target: how it is written, tried again, and what became of it.
//! It must never decide for its leg: whether the others go on is none of its business.

use serde::{Deserialize, Serialize};
use trunkline_media::sdp::Negotiation;

use super::MAX_FORKS;
use crate::leg::path::Path;
use crate::leg::requests::introduce;
use crate::leg::spec::Target;
use crate::leg::verdict::{cause_of, rank};
use crate::leg::{Core, Facts};
use crate::ops::events::Cause;
use crate::sip::auth::Proofs;
use crate::sip::dialog::{Dialog, DialogError, Heard, SessionTimer};
use crate::sip::dispatch::Errand;
use crate::sip::endpoint::{ClientKey, DialogKey};
use crate::sip::flow::Flow;
use crate::sip::message::{CSeq, HeaderName, Headers, Method, NameAddr, RAck, Request, Response};

/// One INVITE to one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub key: ClientKey,
    pub invite: Request,
    pub path: Path,
    /// The negotiation with our offer out; every early dialog goes on from a copy.
    pub(super) offered: Negotiation,
    pub(super) early: Vec<Early>,
    pub(super) failed: Option<Failure>,
    /// What this target may be proved.
    #[serde(default)]
    pub proofs: Option<Proofs>,
    /// How long the session shall last, as far as it is known.
    #[serde(default)]
    pub timer: SessionTimer,
}

/// One early dialog of a forked INVITE (design: each keeps its own remote SDP and To-tag).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Early {
    pub tag: String,
    pub path: Path,
    pub negotiation: Negotiation,
    /// None where the response names no dialog that one could write in.
    pub dialog: Option<Dialog>,
    pub heard: Heard,
    /// Our latest PRACK, and what it acknowledges.
    #[serde(default)]
    pub pracked: Option<(ClientKey, RAck)>,
    /// Our offer has its answer for certain: whatever else comes in responses does not count (RFC 3261 §13.2.1).
    pub is_settled: bool,
}

/// Why an attempt is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    pub cause: Cause,
    pub facts: Facts,
}

/// What all INVITEs of a leg have in common.
pub(super) struct Letterhead<'a> {
    pub from: &'a NameAddr,
    pub to: &'a NameAddr,
    pub headers: &'a [(HeaderName, String)],
    pub max_forwards: u8,
}

impl Attempt {
    pub(super) fn new(core: &mut Core, target: Target, call_id: &str, letterhead: &Letterhead<'_>) -> Self {
        let Letterhead { from, to, headers: said, max_forwards } = letterhead;
        let branch = core.minter.branch();
        let mut invite = Request::new(Method::Invite, target.uri);
        let headers = invite.headers_mut();
        headers.push(HeaderName::Via, target.path.via(&branch));
        headers.push(HeaderName::MaxForwards, max_forwards);
        headers.push(HeaderName::From, from);
        headers.push(HeaderName::To, to);
        headers.push(HeaderName::CallId, call_id);
        headers.push(HeaderName::CSeq, CSeq { number: 1, method: Method::Invite });
        introduce(&target.path, headers);
        let timer = SessionTimer::new(core.session);
        timer.ask(headers);
        headers.push(HeaderName::UserAgent, crate::leg::established::PRODUCT);
        for (name, value) in *said {
            headers.push(name.clone(), value);
        }
        let (offered, offer) = core.media.offer(target.media_ip);
        invite.set_body("application/sdp", offer);
        Self {
            key: ClientKey::of(&invite),
            invite,
            path: target.path,
            offered,
            early: Vec::new(),
            failed: None,
            proofs: target.login.map(Proofs::new),
            timer,
        }
    }

    pub fn call_id(&self) -> Option<String> {
        self.invite.headers().call_id().ok().map(|id| id.into_owned())
    }

    pub fn dialog_key(&self) -> Option<DialogKey> {
        let from = self.invite.headers().from().ok()?;
        Some(DialogKey::new(self.call_id()?, from.tag()?))
    }

    /// Sends the INVITE.
    pub fn errand(&self) -> Errand {
        Errand::Request { request: self.invite.clone(), flow: self.path.flow.clone() }
    }

    /// The same INVITE as a new one: next CSeq, new branch, and a change to what the last one was refused for
    /// (RFC 3261 §8.1.3.5). Early dialogs of the old one are gone with it.
    pub fn renew(&mut self, core: &mut Core, change: impl FnOnce(&mut Headers)) {
        let number = self.invite.headers().cseq().map_or(1, |cseq| cseq.number.saturating_add(1));
        let headers = self.invite.headers_mut();
        headers.set(HeaderName::Via, self.path.via(&core.minter.branch()));
        headers.set(HeaderName::CSeq, CSeq { number, method: Method::Invite });
        change(headers);
        if let Some(proofs) = &mut self.proofs {
            proofs.sign(&mut self.invite, &mut core.minter);
        }
        self.early.clear();
        self.key = ClientKey::of(&self.invite);
    }

    /// The early dialog with this To-tag.
    pub(super) fn early(&mut self, tag: &str) -> Option<&mut Early> {
        self.early.iter_mut().find(|early| early.tag == tag)
    }

    /// Begins the early dialog with this To-tag, unless it is known; `false` beyond the bound.
    pub(super) fn note_early(&mut self, tag: &str, response: &Response, flow: &Flow) -> bool {
        if self.early.iter().any(|early| early.tag == tag) {
            return true;
        }
        let has_room = self.early.len() < MAX_FORKS;
        if has_room {
            self.early.push(Early {
                tag: tag.to_owned(),
                path: self.path.clone(),
                negotiation: self.offered.clone(),
                dialog: Dialog::uac(&self.invite, response, flow).ok(),
                heard: Heard::default(),
                pracked: None,
                is_settled: false,
            });
        }
        has_room
    }

    /// The dialog that a 2xx confirms or makes (RFC 3261 §13.2.2.4).
    pub fn dialog(&self, response: &Response, flow: &Flow) -> Result<Dialog, DialogError> {
        let fresh = Dialog::uac(&self.invite, response, flow)?;
        let early = self.early.iter().find(|early| early.tag == fresh.remote_tag());
        let Some(mut dialog) = early.and_then(|early| early.dialog.clone()) else { return Ok(fresh) };
        dialog.confirm(response)?;
        dialog.set_flow(flow.clone());
        Ok(dialog)
    }

    /// CSeq number of the INVITE, which its ACK repeats.
    pub fn cseq(&self) -> u32 {
        self.invite.headers().cseq().map_or(1, |cseq| cseq.number)
    }

    pub fn is_open(&self) -> bool {
        self.failed.is_none()
    }
}

impl Failure {
    /// The far end refused.
    pub fn refused(refusal: &Response) -> Self {
        Self { cause: cause_of(refusal.status()), facts: Facts::of_answer(refusal) }
    }

    /// Nothing usable came: what that counts as (RFC 3261 §8.1.3.1), and what it means.
    pub fn silent(attempt: &Attempt, status: u16, cause: Cause) -> Self {
        let facts = Facts::of_dialog(&attempt.call_id().unwrap_or_default());
        Self { cause, facts: Facts { status: Some(status), ..facts } }
    }

    pub fn status(&self) -> u16 {
        self.facts.status.unwrap_or_default()
    }

    /// Of several failures the one that tells the caller most.
    pub fn rank(&self) -> u8 {
        rank(self.status(), &self.cause)
    }
}
