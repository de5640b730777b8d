//! One side of a call: a leg with its dialogs and its media session, as a machine that is plain data.
//! It must never touch a socket, a clock or a task, and never know what the other legs do.

mod established;
mod facts;
mod identity;
mod incoming;
mod leaving;
mod media;
mod outgoing;
mod path;
mod presses;
mod requests;
mod spec;
mod verdict;
mod words;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use crate::ids::{CallId, LegId, Minter, RecordingSid};
use crate::ops::events::{Cause, Event, Side};
use crate::sip::auth::Proofs;
use crate::sip::dialog::SessionPolicy;
use crate::sip::dispatch::{Delivery, Errand};
use crate::sip::message::{Replaces, Request, Response, Transport, Uri};
use crate::supervision::machine::{Machine, Mail, Party, Turn};

pub use self::facts::custom_headers;
pub use self::media::{Hear, Layout, MediaSide, Taping, Wish};
pub use self::path::Path;
pub use self::spec::{Basis, InboundSpec, OutboundSpec, Seat, Target};
pub(crate) use self::verdict::{cause_of, status_of};
pub use self::words::{
    DigitWay, Facts, LegEffect, LegInput, LegPost, Notice, Order, Readopted, Refer, Remarks, Report, Voice,
};

use self::established::Established;
use self::incoming::Incoming;
use self::leaving::Leaving;
use self::outgoing::Outgoing;
use self::presses::Presses;

/// A leg: the parts that every stage has, and its stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Leg {
    core: Core,
    stage: Stage,
}

/// What a leg has in every stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Core {
    pub id: LegId,
    pub call: CallId,
    /// The far end, in words.
    pub peer: String,
    /// Which user of ours that is for certain: what it says of itself does not count.
    #[serde(default)]
    pub owner: Option<String>,
    /// What carried its first message.
    #[serde(default)]
    pub transport: Option<Transport>,
    pub began: Moment,
    pub minter: Minter,
    pub media: MediaSide,
    pub timing: crate::sip::transaction::Timing,
    #[serde(default)]
    pub session: SessionPolicy,
    /// What the far end was proved once it asked; every further request shows it.
    #[serde(default)]
    pub proofs: Option<Proofs>,
    /// What its signalling has said so far.
    #[serde(default)]
    pub facts: Facts,
    /// What the call wants to be said with the end.
    #[serde(default)]
    pub remarks: Remarks,
    #[serde(default)]
    presses: Presses,
    mail: Mail<LegPost>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Stage {
    /// An INVITE came and has no final answer yet.
    Incoming(Box<Incoming>),
    /// INVITEs are out, none is answered yet.
    Outgoing(Box<Outgoing>),
    /// Answered.
    Up(Box<Established>),
    /// Over for the call; the last transactions come to their end.
    Leaving(Box<Leaving>),
    /// Nothing is left but letters to deliver.
    Gone,
}

/// What a stage decided: stay, or become another one.
pub(crate) enum Next {
    Stay,
    Up(Box<Established>),
    Leave { leaving: Box<Leaving>, cause: Cause, by: Side },
}

/// A leg for those who look from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegSummary {
    /// The leg.
    pub id: LegId,
    /// Its call.
    pub call: CallId,
    /// The far end.
    pub peer: String,
    /// `incoming`, `outgoing`, `up` or `leaving`.
    pub state: String,
    /// When it began.
    pub began: Moment,
}

impl Core {
    /// Sends an errand to the shard.
    pub(crate) fn errand(&mut self, mut errand: Errand, turn: &mut Turn<Leg>) {
        if let (Some(proofs), Errand::Request { request, .. } | Errand::Ack { request, .. }) =
            (&mut self.proofs, &mut errand)
        {
            proofs.sign(request, &mut self.minter);
        }
        self.note_sent(&errand, turn);
        let letter = self.mail.post(Party::Shard, LegPost::Shard(Box::new(errand)));
        turn.letters.push(letter);
    }

    /// Tells the call.
    pub(crate) fn report(&mut self, report: Report, turn: &mut Turn<Leg>) {
        let letter = self.mail.post(Party::Call(self.call), LegPost::Call(report));
        turn.letters.push(letter);
    }

    /// A key was pressed at the far end.
    pub(crate) fn press(&mut self, digit: char, by: DigitWay, turn: &mut Turn<Leg>) {
        if let Some(by) = self.presses.news(digit, by, turn.now) {
            self.tell(Event::Digit { digit }, turn);
            self.report(Report::Digit { digit, by }, turn);
        }
    }

    /// The far end ends it, and may say why.
    pub(crate) fn note_remarks(&mut self, request: &Request, turn: &mut Turn<Leg>) {
        self.facts.remarks = Remarks::of(request.headers());
        self.tell_remarks(turn);
    }

    /// Writes into the log why the far end ends it, if it has said so.
    pub(crate) fn tell_remarks(&self, turn: &mut Turn<Leg>) {
        if let Some(reason) = self.facts.remarks.reason() {
            self.tell(Event::Remarked { reason }, turn);
        }
    }

    fn report_end(&mut self, cause: Cause, by: Side, turn: &mut Turn<Leg>) {
        let facts = Some(Box::new(self.facts.clone()));
        self.report(Report::Ended { cause, by, facts }, turn);
    }

    /// Writes into the leg's log.
    pub(crate) fn tell(&self, event: Event, turn: &mut Turn<Leg>) {
        turn.tell(self.id, event);
    }

    /// Says again what the media side shall be like.
    pub(crate) fn apply_media(&self, turn: &mut Turn<Leg>) {
        turn.effect(LegEffect::Media(self.media.wish(self.id, self.mail.generation())));
    }

    fn note_sent(&self, errand: &Errand, turn: &mut Turn<Leg>) {
        let (message, headers, peer) = match errand {
            Errand::Request { request, flow } | Errand::Ack { request, flow } => {
                (request.method().as_str().to_owned(), request.headers(), flow.remote)
            }
            Errand::Respond { response, .. } => {
                (response_line(response), response.headers(), self.media.peer)
            }
            Errand::Cancel { .. } => return,
            Errand::Bind { .. } | Errand::Abandon => return,
        };
        let cseq = headers.cseq().map(|cseq| cseq.to_string()).unwrap_or_default();
        self.tell(Event::Sent { message, cseq, peer }, turn);
    }

    fn note_received(&self, delivery: &Delivery, turn: &mut Turn<Leg>) {
        let request_line = |request: &Request| request.method().as_str().to_owned();
        let (message, headers, peer) = match delivery {
            Delivery::Request { request, flow, .. } => {
                (request_line(request), request.headers(), flow.remote)
            }
            Delivery::Ack { request } | Delivery::Cancelled { request, .. } => {
                (request_line(request), request.headers(), self.media.peer)
            }
            Delivery::Response { response, flow, .. } => {
                (response_line(response), response.headers(), flow.remote)
            }
            Delivery::Failed { .. } => return,
        };
        let cseq = headers.cseq().map(|cseq| cseq.to_string()).unwrap_or_default();
        self.tell(Event::Received { message, cseq, peer }, turn);
    }
}

fn response_line(response: &Response) -> String {
    format!("{} {}", response.status().code(), response.reason())
}

impl Leg {
    /// The leg of a caller whose INVITE came in.
    pub fn inbound(spec: InboundSpec) -> Result<Self, crate::sip::dialog::DialogError> {
        let (core, incoming) = Incoming::from_spec(spec)?;
        Ok(Self { core, stage: Stage::Incoming(Box::new(incoming)) })
    }

    /// A leg that calls somebody.
    pub fn outbound(spec: OutboundSpec) -> Self {
        let (core, outgoing) = Outgoing::from_spec(spec);
        Self { core, stage: Stage::Outgoing(Box::new(outgoing)) }
    }

    /// Which leg this is.
    pub fn id(&self) -> LegId {
        self.core.id
    }

    /// The call that it belongs to.
    pub fn call(&self) -> CallId {
        self.core.call
    }

    /// Where its signalling goes.
    pub fn peer_address(&self) -> std::net::SocketAddr {
        self.core.media.peer
    }

    /// What was leased for its media.
    pub fn lease(&self) -> Option<&trunkline_media::port::Lease> {
        (!matches!(self.stage, Stage::Gone)).then_some(&self.core.media.lease)
    }

    /// The recording that what its far end says goes into.
    pub fn recording(&self) -> Option<RecordingSid> {
        let taping = self.core.media.taping.as_ref();
        taping.filter(|_| !matches!(self.stage, Stage::Gone)).map(|taping| taping.recording)
    }

    /// The Call-IDs of its dialogs.
    pub fn call_ids(&self) -> Vec<String> {
        match &self.stage {
            Stage::Incoming(incoming) => vec![incoming.call_id().to_owned()],
            Stage::Outgoing(outgoing) => outgoing.call_ids(),
            Stage::Up(established) => vec![established.call_id().to_owned()],
            Stage::Leaving(_) | Stage::Gone => Vec::new(),
        }
    }

    /// Whether this is the leg of a dialog, as the far end names it (RFC 3891 §3): of an answered one, or of one that
    /// the far end began and nobody has answered.
    pub fn has_dialog(&self, named: &Replaces) -> bool {
        match &self.stage {
            Stage::Up(established) => established.is(named),
            Stage::Incoming(incoming) => incoming.is(named),
            _ => false,
        }
    }

    /// Whom the far end calls, as long as nobody has answered it.
    pub fn dialled(&self) -> Option<&Uri> {
        match &self.stage {
            Stage::Incoming(incoming) => Some(incoming.dialled()),
            _ => None,
        }
    }

    /// Which user of ours is at the far end: one who has proved it, or whose telephones were called.
    pub fn owner(&self) -> Option<&str> {
        self.core.owner.as_deref()
    }

    /// Whether the same party is at the far end of both: the same user, or where that is not known of both, whoever
    /// has come the same way. Neither a name that nobody has proved counts (RFC 3891 §6), nor an address that many
    /// share.
    pub fn is_of_whom(&self, other: &Leg) -> bool {
        let way = |leg: &Leg| (leg.core.transport.clone(), leg.peer_address());
        match (self.owner(), other.owner()) {
            (Some(owner), Some(others)) => owner == others,
            _ => way(self) == way(other),
        }
    }

    /// The leg for those who look from outside.
    pub fn summary(&self) -> LegSummary {
        let state = match self.stage {
            Stage::Incoming(_) => "incoming",
            Stage::Outgoing(_) => "outgoing",
            Stage::Up(_) => "up",
            Stage::Leaving(_) | Stage::Gone => "leaving",
        };
        LegSummary {
            id: self.core.id,
            call: self.core.call,
            peer: self.core.peer.clone(),
            state: state.to_owned(),
            began: self.core.began,
        }
    }

    /// Its actor cannot be kept alive: ends the leg with BYE, from the snapshot, for good.
    pub fn give_up(&mut self, turn: &mut Turn<Leg>) {
        if let Stage::Up(established) = &mut self.stage {
            established.wait_no_more();
        }
        self.order(Order::Hangup { cause: Cause::Internal }, turn);
        self.vanish(turn);
    }

    /// Ends the leg with as little of its own code as can be: what is open is left to the shard.
    pub fn disown(&mut self, turn: &mut Turn<Leg>) {
        self.core.tell(Event::Ended { cause: Cause::Internal, by: Side::Switch }, turn);
        self.core.report_end(Cause::Internal, Side::Switch, turn);
        self.vanish(turn);
    }

    fn vanish(&mut self, turn: &mut Turn<Leg>) {
        self.stage = Stage::Gone;
        self.core.media.close();
        self.core.apply_media(turn);
        self.core.errand(Errand::Abandon, turn);
        turn.effect(LegEffect::Release(self.core.media.lease));
    }

    /// Another process than the one that wrote it down takes it up. Says nothing by itself: it is asked of the far end
    /// later whether that is still there.
    pub fn readopt(&mut self, readopted: &Readopted) {
        if let Some(room) = readopted.room {
            self.core.minter.leap(room);
        }
        match &mut self.stage {
            Stage::Incoming(incoming) => incoming.readopted(readopted),
            Stage::Outgoing(outgoing) => outgoing.readopted(readopted),
            Stage::Up(established) => established.readopted(readopted),
            Stage::Leaving(_) | Stage::Gone => {}
        }
    }

    /// The condition that its media side shall be in now.
    pub fn wish(&self) -> Wish {
        self.core.media.wish(self.core.id, self.core.mail.generation())
    }

    fn start(&mut self, turn: &mut Turn<Leg>) {
        let Self { core, stage } = self;
        let next = match stage {
            Stage::Incoming(incoming) => incoming.start(core, turn),
            Stage::Outgoing(outgoing) => {
                outgoing.start(core, turn);
                Next::Stay
            }
            Stage::Up(_) | Stage::Leaving(_) | Stage::Gone => Next::Stay,
        };
        self.become_next(next, turn);
    }

    fn sip(&mut self, delivery: Delivery, turn: &mut Turn<Leg>) {
        self.core.note_received(&delivery, turn);
        let Self { core, stage } = self;
        let next = match stage {
            Stage::Incoming(incoming) => incoming.on_sip(core, delivery, turn),
            Stage::Outgoing(outgoing) => outgoing.on_sip(core, delivery, turn),
            Stage::Up(established) => established.on_sip(core, delivery, turn),
            Stage::Leaving(leaving) => {
                leaving.on_sip(core, delivery, turn);
                Next::Stay
            }
            Stage::Gone => Next::Stay,
        };
        self.become_next(next, turn);
    }

    fn order(&mut self, order: Order, turn: &mut Turn<Leg>) {
        let Self { core, stage } = self;
        let order = match order {
            Order::Hear(hear) => {
                core.media.hear = hear;
                return self.media_changed(turn);
            }
            Order::Press(keys) => {
                core.media.keys = Some(keys);
                return self.media_changed(turn);
            }
            Order::Tape(taping) => {
                core.media.taping = taping;
                return self.media_changed(turn);
            }
            Order::Remark(remarks) => {
                core.remarks = remarks;
                return;
            }
            Order::Joined(with) => return core.tell(Event::Bridged { with }, turn),
            order => order,
        };
        let next = match stage {
            Stage::Incoming(incoming) => incoming.on_order(core, order, turn),
            Stage::Outgoing(outgoing) => outgoing.on_order(core, order, turn),
            Stage::Up(established) => established.on_order(core, order, turn),
            Stage::Leaving(_) | Stage::Gone => Next::Stay,
        };
        self.become_next(next, turn);
    }

    fn media_changed(&self, turn: &mut Turn<Leg>) {
        if !matches!(self.stage, Stage::Leaving(_) | Stage::Gone) {
            self.core.apply_media(turn);
        }
    }

    fn notice(&mut self, notice: Notice, turn: &mut Turn<Leg>) {
        let Self { core, stage } = self;
        match (notice, stage) {
            (Notice::Learnt(media), _) => core.tell(Event::MediaLearnt { media }, turn),
            (Notice::Played { activity }, Stage::Leaving(_) | Stage::Gone) => {
                tracing::trace!(activity, "a prompt ended after its leg");
            }
            (Notice::Played { activity }, _) => core.report(Report::Played { activity }, turn),
            (Notice::Digit(_), Stage::Leaving(_) | Stage::Gone) => {}
            (Notice::Digit(digit), _) => core.press(digit, DigitWay::Rtp, turn),
            (Notice::KeysSent { activity }, _) => {
                // A session that begins anew, in another process, must not send them once more.
                core.media.keys.take_if(|keys| keys.activity == activity);
                core.report(Report::Pressed { activity }, turn);
            }
            (Notice::Taped { activity, end, length, voiced }, _) => {
                // The next process, whose sessions may know nothing of it, must not begin it again.
                core.media.taping.take_if(|taping| taping.activity == activity);
                core.report(Report::Taped { activity, end, length, voiced }, turn);
            }
            (Notice::Timeout, Stage::Up(_)) => self.order(Order::Hangup { cause: Cause::MediaTimeout }, turn),
            (Notice::Timeout, _) => {}
            (Notice::Closed(quality), Stage::Leaving(leaving)) => {
                // A leg that is brought back asks for the end of its session again, and is told of it again.
                if leaving.media_closed() {
                    core.tell(*quality, turn);
                }
                self.settle(turn);
            }
            // The engine has closed it by itself: nobody would hear anything from now on.
            (Notice::Closed(_), Stage::Up(_)) => self.order(Order::Hangup { cause: Cause::Internal }, turn),
            (Notice::Closed(_), _) => {}
        }
    }

    fn become_next(&mut self, next: Next, turn: &mut Turn<Leg>) {
        match next {
            Next::Stay => {}
            Next::Up(established) => {
                let voice = established.voice().cloned();
                self.stage = Stage::Up(established);
                self.core.tell(Event::Answered, turn);
                let facts = Some(Box::new(self.core.facts.clone()));
                self.core.report(Report::Answered { voice, facts }, turn);
                self.core.apply_media(turn);
            }
            Next::Leave { leaving, cause, by } => {
                self.stage = Stage::Leaving(leaving);
                self.core.media.close();
                self.core.apply_media(turn);
                self.core.tell(Event::Ended { cause: cause.clone(), by }, turn);
                self.core.report_end(cause, by, turn);
            }
        }
        self.settle(turn);
    }

    /// Goes for good once the last transaction and the media side are done.
    fn settle(&mut self, turn: &mut Turn<Leg>) {
        if let Stage::Leaving(leaving) = &self.stage
            && leaving.is_done(turn.now)
        {
            self.stage = Stage::Gone;
            self.core.errand(Errand::Abandon, turn);
            turn.effect(LegEffect::Release(self.core.media.lease));
        }
    }
}

impl Machine for Leg {
    type Input = LegInput;
    type Post = LegPost;
    type Effect = LegEffect;

    fn party(&self) -> Party {
        Party::Leg(self.core.id)
    }

    fn handle(&mut self, input: LegInput, turn: &mut Turn<Self>) {
        match input {
            LegInput::Start => self.start(turn),
            LegInput::Sip(delivery) => self.sip(*delivery, turn),
            LegInput::Order(order) => self.order(order, turn),
            LegInput::Media(notice) => self.notice(notice, turn),
            LegInput::Readopted(readopted) => self.readopt(&readopted),
        }
    }

    fn on_deadline(&mut self, turn: &mut Turn<Self>) {
        let Self { core, stage } = self;
        let next = match stage {
            Stage::Incoming(incoming) => incoming.on_deadline(core, turn),
            Stage::Up(established) => established.on_deadline(core, turn),
            _ => Next::Stay,
        };
        self.become_next(next, turn);
    }

    fn next_deadline(&self) -> Option<Moment> {
        match &self.stage {
            Stage::Up(established) => established.next_deadline(),
            Stage::Leaving(leaving) => Some(leaving.next_deadline()),
            Stage::Incoming(incoming) => incoming.next_deadline(),
            Stage::Outgoing(_) | Stage::Gone => None,
        }
    }

    fn resume(&mut self, turn: &mut Turn<Self>) {
        match self.stage {
            Stage::Gone => turn.effect(LegEffect::Release(self.core.media.lease)),
            _ => self.core.apply_media(turn),
        }
    }

    fn mail(&mut self) -> &mut Mail<LegPost> {
        &mut self.core.mail
    }

    fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Gone)
    }

    fn is_finished(&self) -> bool {
        self.is_ending() && self.core.mail.is_settled()
    }

    fn undeliverable(&mut self, post: LegPost, turn: &mut Turn<Self>) {
        // Not what it says: that may be a header or a digit of somebody's.
        let to = if matches!(post, LegPost::Call(_)) { "call" } else { "shard" };
        tracing::error!(leg = %self.core.id, to, "a letter could not be delivered");
        match post {
            // The call must know of it: one that dies of it again is given up by its supervisor.
            LegPost::Call(ended @ Report::Ended { .. }) => self.core.report(ended, turn),
            // Whoever does not hear it would wait for ever, here or at the far end.
            LegPost::Call(_) | LegPost::Shard(_) => {
                self.order(Order::Hangup { cause: Cause::Internal }, turn)
            }
        }
    }
}
