//! A phone: the crate's own endpoint and dialogs as a user agent, and rules that say what its user does when.
//! It must never look at anything but the messages that it gets.

mod callee;
mod caller;
mod compose;
mod reliable;
mod session;
mod talk;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use trunkline::ids::LegId;
use trunkline::sip::endpoint::{Action, ClientKey, Endpoint, ServerKey, Timing};
use trunkline::sip::flow::Flow;
use trunkline::sip::message::{Limits, Message, Method, Request, Response, StatusCode};
use trunkline_media::codec::Codec;
use trunkline_media::moment::{Moment, earliest};
use trunkline_media::sdp::Direction;

use self::compose::home;
use self::talk::Talk;
use crate::network::SWITCH;

/// The realm of the house.
pub const REALM: &str = "story";

/// Whoever owns the dialogs of a phone.
const ME: LegId = LegId::from_bytes([9; 16]);

thread_local! {
    /// The dialogs of phones, as a Replaces names them: two lines of one telephone know each other's.
    static DIALOGS: RefCell<BTreeMap<&'static str, String>> = RefCell::default();
}

/// What may happen to a phone; each counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cue {
    /// The story begins.
    Begin,
    /// Registered.
    Registered,
    /// An INVITE came.
    Invited,
    /// The same INVITE came anew, changed.
    InvitedAnew,
    /// 180 came.
    Ringing,
    /// 183 came.
    EarlyMedia,
    /// A 2xx to our INVITE came.
    Answered,
    /// The ACK of our 2xx came.
    Confirmed,
    /// Our INVITE was given up by the other side.
    Cancelled,
    /// The n-th re-INVITE of ours got its 2xx.
    Agreed(usize),
    /// Our first PRACK got its 2xx.
    Assured,
    /// The first PRACK of the switch came.
    Acknowledged,
    /// Our first UPDATE got its 2xx.
    Updated,
    /// Our first UPDATE was refused for now.
    UpdateRefused,
}

/// How a re-INVITE shall change the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Direction(Direction),
    /// Hold by address (RFC 2543).
    NoAddress,
}

/// What a user does. A tag names the fork that does it; most phones have only one, `""`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Register,
    Invite {
        to: &'static str,
        with_offer: bool,
    },
    Ring(&'static str),
    Progress(&'static str),
    Answer(&'static str),
    Refuse(u16),
    Cancel,
    /// A CANCEL that crosses the 2xx which has just come.
    CancelTooLate,
    Change(Change),
    /// An UPDATE, with an offer of this direction or without any.
    Update(Option<Direction>),
    /// A refusal with 422 that wants intervals as long as this.
    RefuseShort(u32),
    /// A BYE or CANCEL that tells this reason.
    ByeBecause(&'static str),
    CancelBecause(&'static str),
    Bye,
    Info(char),
    /// The transfer key: the other party shall talk to this user.
    Refer(&'static str),
    /// The same, after a talk: the other party shall talk to whom this other line of the telephone talks with.
    Join(&'static str),
    /// The next ACKs of a 2xx get lost.
    LoseAcks(usize),
    /// Takes no notice of anything from now on.
    Deafen,
    /// Closes its port.
    Unplug,
}

#[derive(Clone, Debug)]
enum Alarm {
    Act(Act),
    /// RFC 3261 §13.3.1.4.
    RepeatAnswer {
        tag: String,
        pause: Duration,
    },
    /// RFC 3262 §3.
    RepeatProvisional {
        tag: String,
    },
}

struct Rule {
    on: Cue,
    after: Duration,
    act: Act,
}

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Moment,
    pub bytes: Bytes,
}

/// A phone.
pub struct Phone {
    pub name: &'static str,
    pub user: &'static str,
    pub password: &'static str,
    pub address: SocketAddr,
    pub latency: Duration,
    /// Whether its port is open.
    pub is_listening: bool,
    /// Whether it takes no notice of anything.
    pub is_deaf: bool,
    /// ACKs of a 2xx that get lost before they leave.
    pub loses_acks: usize,
    /// What it speaks, the preferred first.
    pub codecs: Vec<Codec>,
    /// So many re-INVITEs of the switch cross one of its own, which got lost.
    pub collisions: usize,
    /// Max-Forwards of its INVITE.
    pub hops: u8,
    /// Extensions that it supports.
    pub supports: &'static str,
    /// Whether its calls and its provisional answers want 100rel.
    pub insists: bool,
    /// Whether it says that it takes UPDATE.
    pub updates: bool,
    /// Its Session-Expires, in its INVITE and in its answer to one; none if empty.
    pub session: &'static str,
    /// So many provisional answers that had to arrive did not.
    pub misses: usize,
    /// Further headers of its INVITE or of its final answer.
    pub says: &'static [(&'static str, &'static str)],
    pub heard: Vec<Heard>,
    endpoint: Endpoint,
    rules: Vec<Rule>,
    cued: BTreeSet<Cue>,
    alarms: BTreeMap<(Moment, usize), Alarm>,
    set: usize,
    registered: u32,
    talk: Option<Talk>,
    out: Vec<Bytes>,
}

impl Phone {
    /// The `number`-th phone, of a user of the house.
    pub fn new(name: &'static str, user: &'static str, number: u8) -> Self {
        let password =
            crate::house::USERS.iter().find(|(known, _)| *known == user).map_or("", |(_, word)| *word);
        Self {
            name,
            user,
            password,
            address: SocketAddr::from(([198, 51, 100, number], 5060)),
            latency: Duration::from_millis(10 + u64::from(number)),
            is_listening: true,
            is_deaf: false,
            loses_acks: 0,
            codecs: vec![Codec::Pcmu],
            collisions: 0,
            hops: 70,
            supports: "",
            insists: false,
            updates: false,
            session: "",
            misses: 0,
            says: &[],
            heard: Vec::new(),
            endpoint: Endpoint::new(Timing::default()),
            rules: Vec::new(),
            cued: BTreeSet::new(),
            alarms: BTreeMap::new(),
            set: 0,
            registered: 0,
            talk: None,
            out: Vec::new(),
        }
    }

    /// When that happens, and some milliseconds later, the user does this.
    pub fn on(mut self, on: Cue, after_ms: u64, act: Act) -> Self {
        self.rules.push(Rule { on, after: Duration::from_millis(after_ms), act });
        self
    }

    pub fn begin(&mut self, now: Moment) -> Vec<Bytes> {
        self.cue(Cue::Begin, now);
        self.finish(now)
    }

    pub fn register(&mut self, now: Moment) -> Vec<Bytes> {
        self.send_register(None, now);
        self.finish(now)
    }

    pub fn receive(&mut self, bytes: Bytes, now: Moment) -> Vec<Bytes> {
        self.heard.push(Heard { at: now, bytes: bytes.clone() });
        if self.is_deaf {
            return Vec::new();
        }
        let message = Message::parse(bytes, &Limits::default()).expect("the switch writes SIP");
        self.endpoint.receive(message, self.flow(), now);
        self.finish(now)
    }

    pub fn wake(&mut self, now: Moment) -> Vec<Bytes> {
        self.endpoint.on_deadline(now);
        while let Some(entry) = self.alarms.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Alarm::Act(act) => self.act(act, now),
                Alarm::RepeatAnswer { tag, pause } => self.repeat_answer(&tag, pause, now),
                Alarm::RepeatProvisional { tag } => self.repeat_provisional(&tag, now),
            }
        }
        self.finish(now)
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        earliest(self.alarms.keys().next().map(|(at, _)| *at), self.endpoint.next_deadline())
    }

    /// Whether it believes that it is in a call.
    pub fn is_talking(&self) -> bool {
        self.talk.as_ref().is_some_and(Talk::is_up)
    }

    /// Open transactions.
    pub fn transactions(&self) -> usize {
        let census = self.endpoint.census();
        census.client + census.server
    }

    fn flow(&self) -> Flow {
        Flow::udp(self.address, SWITCH)
    }

    fn cue(&mut self, cue: Cue, now: Moment) {
        if self.cued.insert(cue) {
            let acts: Vec<_> =
                self.rules.iter().filter(|rule| rule.on == cue).map(|rule| (rule.after, rule.act)).collect();
            for (after, act) in acts {
                if after.is_zero() { self.act(act, now) } else { self.alarm(now + after, Alarm::Act(act)) }
            }
        }
    }

    fn heeds(&self, cue: Cue) -> bool {
        self.rules.iter().any(|rule| rule.on == cue)
    }

    fn alarm(&mut self, at: Moment, alarm: Alarm) {
        self.set += 1;
        self.alarms.insert((at, self.set), alarm);
    }

    fn act(&mut self, act: Act, now: Moment) {
        match act {
            Act::Register => self.send_register(None, now),
            Act::Invite { to, with_offer } => self.invite(to, with_offer, now),
            Act::Ring(tag) => self.provisional(tag, StatusCode::RINGING, false, now),
            Act::Progress(tag) => self.provisional(tag, StatusCode::SESSION_PROGRESS, true, now),
            Act::Answer(tag) => self.answer(tag, now),
            Act::Refuse(code) => self.refuse(StatusCode::new(code).expect("a status"), now),
            Act::Cancel => self.cancel(None, now),
            Act::CancelBecause(reason) => self.cancel(Some(reason), now),
            Act::CancelTooLate => self.cancel_too_late(now),
            Act::Change(change) => self.reinvite(change, now),
            Act::Update(direction) => self.update(direction, now),
            Act::RefuseShort(seconds) => self.refuse_short(seconds, now),
            Act::Bye => self.bye(now),
            Act::ByeBecause(reason) => self.bye_because(reason, now),
            Act::Info(digit) => self.info(digit, now),
            Act::Refer(to) => self.refer(home(to).to_string(), now),
            Act::Join(phone) => self.join(phone, now),
            Act::LoseAcks(count) => self.loses_acks = count,
            Act::Deafen => self.is_deaf = true,
            Act::Unplug => self.is_listening = false,
        }
    }

    fn finish(&mut self, now: Moment) -> Vec<Bytes> {
        while let Some(action) = self.endpoint.poll() {
            match action {
                Action::Transmit { bytes, .. } => self.out.push(bytes),
                Action::Incoming { key, request, .. } => self.asked(key, &request, now),
                Action::Ack { request, .. } => self.acknowledged(&request, now),
                Action::Cancelled { key, .. } => self.cancelled(&key, now),
                Action::Response { key, response, .. } => self.told(&key, &response, now),
                Action::Failed { .. } | Action::Confirmed { .. } | Action::Unconfirmed { .. } => {}
            }
        }
        // Nothing is committed here: phones of stories do not die.
        drop(self.endpoint.changes());
        std::mem::take(&mut self.out)
    }

    /// Answers; a request that is answered already, or over, stays as it is.
    fn respond(&mut self, key: &ServerKey, response: Response, now: Moment) {
        let _ = self.endpoint.respond(key, response, now);
    }

    fn told(&mut self, key: &ClientKey, response: &Response, now: Moment) {
        let Ok(cseq) = response.headers().cseq() else { return };
        match cseq.method {
            Method::Register => self.register_answered(response, now),
            Method::Invite => self.invite_answered(key, response, now),
            Method::Prack if response.status().is_success() => self.cue(Cue::Assured, now),
            Method::Update => self.update_answered(response, now),
            _ => {}
        }
    }

    fn asked(&mut self, key: ServerKey, request: &Request, now: Moment) {
        let in_dialog = request.headers().to().is_ok_and(|to| to.tag().is_some());
        match request.method() {
            Method::Invite if !in_dialog => self.invited(key, request, now),
            Method::Invite => self.reinvited(&key, request, now),
            Method::Bye => {
                let answer = request.response(StatusCode::OK);
                self.respond(&key, answer, now);
                self.hung_up_on(request);
            }
            Method::Prack => self.acknowledged_early(&key, request, now),
            Method::Update => self.updated(&key, request, now),
            _ => self.respond(&key, request.response(StatusCode::OK), now),
        }
    }
}
