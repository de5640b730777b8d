//! A phone's call: its INVITE, one branch per fork, and what each branch still waits for.
//! It must never send; it remembers.

use std::collections::BTreeMap;

use bytes::Bytes;
use trunkline::sip::dialog::{Dialog, Provisionals};
use trunkline::sip::endpoint::{ClientKey, ServerKey};
use trunkline::sip::message::{HeaderName, Method, Request, Response};
use trunkline_media::moment::Moment;
use trunkline_media::sdp::{Direction, Negotiation};

use super::compose::home;
use super::reliable::Early;
use super::{Change, Cue, DIALOGS, ME, Phone};

/// The transaction of the INVITE.
#[derive(Clone, Debug)]
pub(super) enum Role {
    Caller(ClientKey),
    Callee(ServerKey),
}

/// One call of a phone.
#[derive(Debug)]
pub(super) struct Talk {
    pub role: Role,
    pub invite: Request,
    /// The caller's offer, while it is out.
    pub offered: Negotiation,
    pub branches: BTreeMap<String, Branch>,
    /// Early dialogs of our INVITE, by the other's tag.
    pub early: BTreeMap<String, Early>,
    pub is_given_up: bool,
}

/// One dialog of a call: by our tag where we are called, by the other's where we call.
#[derive(Debug)]
pub(super) struct Branch {
    pub dialog: Option<Dialog>,
    pub negotiation: Negotiation,
    /// Our 2xx that was not acknowledged, and how long it is repeated.
    pub answer: Option<(ServerKey, Response, Moment)>,
    /// Our answer to the offer in their INVITE, said in every response that bears one.
    pub body: Bytes,
    pub acks: BTreeMap<u32, Request>,
    pub reinvites: BTreeMap<ClientKey, usize>,
    /// Where we are called: the dialog before the answer, and what we said in it.
    pub early: Option<Dialog>,
    pub provisionals: Provisionals,
    pub is_over: bool,
}

impl Branch {
    pub fn new(negotiation: Negotiation) -> Self {
        Self {
            dialog: None,
            negotiation,
            answer: None,
            body: Bytes::new(),
            acks: BTreeMap::new(),
            reinvites: BTreeMap::new(),
            early: None,
            provisionals: Provisionals::new(100),
            is_over: false,
        }
    }
}

impl Talk {
    pub fn is_up(&self) -> bool {
        self.branches.values().any(|branch| branch.dialog.is_some() && !branch.is_over)
    }

    pub fn up(&mut self) -> Option<&mut Branch> {
        self.branches.values_mut().find(|branch| branch.dialog.is_some() && !branch.is_over)
    }
}

impl Phone {
    pub(super) fn in_dialog(&mut self, method: Method) -> Option<(Request, &mut Branch)> {
        let contact = self.contact();
        let next = self.talk.as_mut()?.up()?.dialog.as_ref()?.local_cseq() + 1;
        let via = self.via(&method, next);
        let branch = self.talk.as_mut()?.up()?;
        let request = branch.dialog.as_mut()?.request(method, &via, Some(&contact));
        Some((request, branch))
    }

    pub(super) fn bye(&mut self, now: Moment) {
        self.hang_up(None, now);
    }

    pub(super) fn bye_because(&mut self, reason: &str, now: Moment) {
        self.hang_up(Some(reason), now);
    }

    fn hang_up(&mut self, reason: Option<&str>, now: Moment) {
        let Some((mut bye, branch)) = self.in_dialog(Method::Bye) else { return };
        branch.is_over = true;
        if let Some(reason) = reason {
            bye.headers_mut().push(HeaderName::Reason, reason);
        }
        self.endpoint.request(Some(ME), bye, self.flow(), now);
    }

    pub(super) fn info(&mut self, digit: char, now: Moment) {
        let Some((mut info, _)) = self.in_dialog(Method::Info) else { return };
        info.set_body("application/dtmf-relay", format!("Signal={digit}\r\nDuration=160\r\n").into());
        self.endpoint.request(Some(ME), info, self.flow(), now);
    }

    pub(super) fn refer(&mut self, to: String, now: Moment) {
        let Some((mut refer, _)) = self.in_dialog(Method::Refer) else { return };
        refer.headers_mut().push(HeaderName::ReferTo, format!("<{to}>"));
        self.endpoint.request(Some(ME), refer, self.flow(), now);
    }

    pub(super) fn join(&mut self, phone: &str, now: Moment) {
        // In bad weather the other line may not talk yet.
        let Some(replaces) = DIALOGS.with_borrow(|dialogs| dialogs.get(phone).cloned()) else { return };
        self.refer(format!("{}?Replaces={replaces}", home(phone)), now);
    }

    /// Notes the dialog for another line of the same telephone: both tags, theirs first.
    pub(super) fn note_dialog(&self, call_id: &str, theirs: &str, ours: &str) {
        let call_id = call_id.replace('@', "%40");
        let named = format!("{call_id}%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{ours}");
        DIALOGS.with_borrow_mut(|dialogs| dialogs.insert(self.name, named));
    }

    pub(super) fn reinvite(&mut self, change: Change, now: Moment) {
        let Some((mut invite, branch)) = self.in_dialog(Method::Invite) else { return };
        let offer = match change {
            Change::Direction(direction) => branch.negotiation.offer_held(direction),
            Change::NoAddress => branch.negotiation.offer_held(Direction::SendOnly),
        };
        let Ok(mut offer) = offer.or_else(|_| branch.negotiation.offer()) else { return };
        if change == Change::NoAddress {
            offer = without_address(&offer);
        }
        invite.set_body("application/sdp", offer);
        let nth = branch.reinvites.len() + 1;
        branch.reinvites.insert(ClientKey::of(&invite), nth);
        self.endpoint.request(Some(ME), invite, self.flow(), now);
    }

    /// A final or provisional answer to a re-INVITE; `false` if it is none.
    pub(super) fn reinvite_answered(&mut self, key: &ClientKey, response: &Response, now: Moment) -> bool {
        let Some(talk) = &mut self.talk else { return false };
        let found = talk.branches.iter_mut().find(|(_, branch)| branch.reinvites.contains_key(key));
        let Some((tag, branch)) = found else { return false };
        let tag = tag.clone();
        let nth = branch.reinvites.get(key).copied().unwrap_or_default();
        if response.status().is_success() {
            if branch.negotiation.is_offer_pending() {
                branch.negotiation.on_answer(response.body()).expect("the switch's answer can be used");
            }
            // The cue comes first: what is done at once crosses the ACK.
            self.cue(Cue::Agreed(nth), now);
            self.acknowledge(&tag, response, Bytes::new());
        }
        true
    }

    /// Sends the ACK of a 2xx, the same for each repeat, unless it gets lost.
    pub(super) fn acknowledge(&mut self, tag: &str, response: &Response, body: Bytes) {
        let Ok(cseq) = response.headers().cseq() else { return };
        let via = self.via(&Method::Ack, cseq.number);
        let flow = self.flow();
        let Some(talk) = &mut self.talk else { return };
        let Some(branch) = talk.branches.get_mut(tag) else { return };
        let Some(dialog) = &branch.dialog else { return };
        let ack = branch.acks.entry(cseq.number).or_insert_with(|| {
            let mut ack = dialog.ack(cseq.number, &via);
            if !body.is_empty() {
                ack.set_body("application/sdp", body);
            }
            ack
        });
        let ack = ack.clone();
        if self.loses_acks > 0 {
            self.loses_acks -= 1;
        } else {
            self.endpoint.send_ack(ack, flow);
        }
    }

    pub(super) fn hung_up_on(&mut self, bye: &Request) {
        let tag = |name: &HeaderName| {
            let headers = bye.headers();
            let address = if *name == HeaderName::To { headers.to() } else { headers.from() };
            address.ok().and_then(|address| address.tag().map(str::to_owned)).unwrap_or_default()
        };
        let (ours, theirs) = (tag(&HeaderName::To), tag(&HeaderName::From));
        let Some(talk) = &mut self.talk else { return };
        for branch in talk.branches.values_mut() {
            let is_this = branch
                .dialog
                .as_ref()
                .is_some_and(|dialog| dialog.local_tag() == ours && dialog.remote_tag() == theirs);
            branch.is_over |= is_this;
        }
    }
}

/// Hold as RFC 2543 had it: nothing shall be sent anywhere.
fn without_address(offer: &Bytes) -> Bytes {
    let text = String::from_utf8_lossy(offer);
    let lines =
        text.lines().filter(|line| *line != "a=sendonly").map(|line| match line.strip_prefix("c=IN IP4 ") {
            Some(_) => "c=IN IP4 0.0.0.0",
            None => line,
        });
    lines.map(|line| format!("{line}\r\n")).collect::<String>().into()
}
