//! A user of an endpoint with the simplest mind: it calls or is called, and hangs up.
//! Its endpoint is committed after each step as a shard does it, and dies now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

/// What is to happen in a call, in milliseconds after the start or after the answer.
#[derive(Clone, Debug)]
pub struct Plan {
    pub code: u16,
    pub ring_after: u64,
    pub answer_after: u64,
    pub cancel_after: Option<u64>,
    pub abandon_after: Option<u64>,
    pub caller_talks: u64,
    pub callee_talks: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Idle,
    Trying,
    Up,
    Over,
}

#[derive(Clone, Copy, Debug)]
enum Alarm {
    Ring,
    Answer,
    RepeatAnswer(u64),
    Cancel,
    Abandon,
    HangUp,
}

/// How the endpoint dies during a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Death {
    No,
    /// The input is lost with it.
    BeforeCommit,
    /// What it wanted done is lost with it.
    AfterCommit,
    /// Nothing is lost.
    AtRest,
}

pub struct Phone {
    pub name: &'static str,
    pub endpoint: Endpoint,
    pub call: Call,
    pub was_up: bool,
    flow: Flow,
    plan: Plan,
    store: BTreeMap<PartKey, Vec<u8>>,
    alarms: BTreeMap<(Moment, usize), Alarm>,
    set: usize,
    invite: Option<Request>,
    incoming: Option<(ServerKey, Request)>,
    acked: bool,
    peer_tag: String,
    out: Vec<Bytes>,
}

impl Phone {
    pub fn new(name: &'static str, flow: Flow, plan: &Plan) -> Self {
        Self {
            name,
            endpoint: Endpoint::new(Timing::default()),
            call: Call::Idle,
            was_up: false,
            flow,
            plan: plan.clone(),
            store: BTreeMap::new(),
            alarms: BTreeMap::new(),
            set: 0,
            invite: None,
            incoming: None,
            acked: false,
            peer_tag: String::new(),
            out: Vec::new(),
        }
    }

    pub fn next_deadline(&self) -> Option<Moment> {
        let alarm = self.alarms.keys().next().map(|(at, _)| *at);
        trunkline_media::moment::earliest(alarm, self.endpoint.next_deadline())
    }

    pub fn dial(&mut self, now: Moment) -> Vec<Bytes> {
        let invite = self.compose("INVITE", 1);
        self.call = Call::Trying;
        self.endpoint.bind(DialogKey::new("call", self.name), LEG);
        self.endpoint.request(Some(LEG), invite.clone(), self.flow.clone(), now);
        self.invite = Some(invite);
        let Plan { cancel_after, abandon_after, .. } = self.plan;
        cancel_after.into_iter().for_each(|after| self.alarm(now, after, Alarm::Cancel));
        abandon_after.into_iter().for_each(|after| self.alarm(now, after, Alarm::Abandon));
        self.finish(Death::No, now)
    }

    pub fn receive(&mut self, bytes: Bytes, death: Death, now: Moment) -> Vec<Bytes> {
        self.endpoint.receive(message(bytes), self.flow.clone(), now);
        self.finish(death, now)
    }

    pub fn wake(&mut self, death: Death, now: Moment) -> Vec<Bytes> {
        self.endpoint.on_deadline(now);
        let mut out = self.finish(death, now);
        while let Some(entry) = self.alarms.first_entry().filter(|entry| entry.key().0 <= now) {
            let alarm = entry.remove();
            self.ring(alarm, now);
            let death = if death == Death::No { Death::No } else { Death::AtRest };
            out.extend(self.finish(death, now));
        }
        out
    }

    /// Lets go of everything, as a leg does in the end.
    pub fn forget(&mut self, now: Moment) -> Vec<Bytes> {
        self.endpoint.abandon(LEG, now);
        self.finish(Death::No, now)
    }

    /// Commit before outputs; see the loop in the endpoint's own description.
    fn finish(&mut self, death: Death, now: Moment) -> Vec<Bytes> {
        let mut actions: Vec<Action> = std::iter::from_fn(|| self.endpoint.poll()).collect();
        if death != Death::BeforeCommit {
            self.commit();
        }
        if death != Death::No {
            let parts =
                self.store.values().map(|part| ciborium::from_reader(part.as_slice()).expect("a part"));
            self.endpoint = Endpoint::restore(Timing::default(), parts, now);
            if death != Death::AtRest {
                actions.clear();
            }
            self.endpoint.offer_again(Some(LEG));
            self.endpoint.offer_again(None);
            self.take_stock();
        }
        loop {
            for action in std::mem::take(&mut actions) {
                self.act(action, now);
            }
            actions = std::iter::from_fn(|| self.endpoint.poll()).collect();
            self.commit();
            if actions.is_empty() {
                return std::mem::take(&mut self.out);
            }
        }
    }

    fn commit(&mut self) {
        for change in self.endpoint.changes() {
            match change {
                Change::Put(part) => self.store.insert(part.key(), encoded(&part)),
                Change::Gone(key) => self.store.remove(&key),
            };
        }
        let whole = self.endpoint.parts().iter().map(|part| (part.key(), encoded(part))).collect();
        assert_eq!(self.store, whole, "{}: a change was not told", self.name);
    }

    /// A call whose INVITE is no longer known has failed unheard.
    fn take_stock(&mut self) {
        let open = self.invite.as_ref().is_some_and(|invite| self.endpoint.is_open(&ClientKey::of(invite)));
        if self.call == Call::Trying && self.invite.is_some() && !open {
            self.call = Call::Over;
        }
    }

    fn act(&mut self, action: Action, now: Moment) {
        match action {
            Action::Transmit { bytes, .. } => self.out.push(bytes),
            Action::Incoming { key, request, .. } if *request.method() == Method::Invite => {
                self.rung(key, request, now)
            }
            Action::Incoming { key, request, .. } => {
                self.call = Call::Over;
                let _ = self.endpoint.respond(&key, request.response(StatusCode::OK), now);
            }
            Action::Ack { .. } => {
                if !self.acked {
                    self.acked = true;
                    self.up(self.plan.callee_talks, now);
                }
            }
            Action::Cancelled { .. } => {
                if self.call == Call::Trying {
                    self.call = Call::Over;
                    self.answer(487, now);
                }
            }
            Action::Response { response, .. } => self.answered(&response, now),
            Action::Failed { key, .. } => {
                if self.invite.as_ref().is_some_and(|invite| ClientKey::of(invite) == key) {
                    self.call = Call::Over;
                }
            }
            Action::Confirmed { .. } | Action::Unconfirmed { .. } => {}
        }
    }

    fn rung(&mut self, key: ServerKey, invite: Request, now: Moment) {
        if self.incoming.is_some() {
            return;
        }
        self.call = Call::Trying;
        self.endpoint.assign(&key, LEG);
        self.endpoint.bind(DialogKey::new("call", self.name), LEG);
        self.peer_tag = invite.headers().from().expect("From").tag().expect("a tag").to_owned();
        self.incoming = Some((key, invite));
        self.alarm(now, self.plan.ring_after, Alarm::Ring);
        self.alarm(now, self.plan.answer_after, Alarm::Answer);
    }

    fn answer(&mut self, code: u16, now: Moment) {
        if let Some((key, invite)) = &self.incoming {
            let response = invite.response_tagged(StatusCode::new(code).expect("a status"), self.name);
            // Doubled, as outputs can be.
            let _ = self.endpoint.respond(key, response.clone(), now);
            let _ = self.endpoint.respond(key, response, now);
        }
    }

    fn answered(&mut self, response: &Response, now: Moment) {
        let to_invite = response.headers().cseq().expect("CSeq").method == Method::Invite;
        if !to_invite || response.status().is_provisional() {
            return;
        }
        if !response.status().is_success() {
            self.call = Call::Over;
            return;
        }
        self.peer_tag = response.headers().to().expect("To").tag().expect("a tag").to_owned();
        if self.call == Call::Trying {
            self.up(self.plan.caller_talks, now);
        }
        let ack = self.compose("ACK", 1);
        self.endpoint.send_ack(ack, self.flow.clone());
    }

    fn up(&mut self, talks: u64, now: Moment) {
        if self.call == Call::Trying {
            self.call = Call::Up;
            self.was_up = true;
            self.alarm(now, talks, Alarm::HangUp);
        }
    }

    fn ring(&mut self, alarm: Alarm, now: Moment) {
        match (alarm, self.call) {
            (Alarm::Ring, Call::Trying) => self.answer(180, now),
            (Alarm::Answer, Call::Trying) => {
                self.answer(self.plan.code, now);
                if self.plan.code == 200 {
                    self.alarm(now, 500, Alarm::RepeatAnswer(500));
                } else {
                    self.call = Call::Over;
                }
            }
            // RFC 3261 §13.3.1.4: in the end without ACK, BYE.
            (Alarm::RepeatAnswer(pause), Call::Trying | Call::Over) if !self.acked => {
                if pause > 16_000 {
                    self.hang_up(now);
                } else {
                    self.answer(200, now);
                    self.alarm(now, pause * 2, Alarm::RepeatAnswer(pause * 2));
                }
            }
            (Alarm::Cancel, Call::Trying) => {
                if let Some(invite) = &self.invite {
                    self.endpoint.cancel(&ClientKey::of(invite), None, now);
                }
            }
            (Alarm::Abandon, _) => {
                self.call = Call::Over;
                self.endpoint.abandon(LEG, now);
            }
            (Alarm::HangUp, Call::Up) => self.hang_up(now),
            _ => {}
        }
    }

    fn hang_up(&mut self, now: Moment) {
        self.call = Call::Over;
        let bye = self.compose("BYE", 2);
        self.endpoint.request(Some(LEG), bye.clone(), self.flow.clone(), now);
        self.endpoint.request(Some(LEG), bye, self.flow.clone(), now);
    }

    fn alarm(&mut self, now: Moment, after: u64, alarm: Alarm) {
        self.set += 1;
        self.alarms.insert((now + Duration::from_millis(after), self.set), alarm);
    }

    fn compose(&self, method: &str, number: u32) -> Request {
        let (name, local) = (self.name, self.flow.local);
        let to_tag = if self.peer_tag.is_empty() { String::new() } else { format!(";tag={}", self.peer_tag) };
        read(&format!(
            "{method} sip:peer@{remote} SIP/2.0
Via: SIP/2.0/UDP {local};branch=z9hG4bK{name}{method}{number};rport
Max-Forwards: 70
From: <sip:{name}@{local}>;tag={name}
To: <sip:peer@{remote}>{to_tag}
Call-ID: call
CSeq: {number} {method}
Contact: <sip:{name}@{local}>
Content-Length: 0

",
            remote = self.flow.remote
        ))
    }
}

fn encoded(part: &Part) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(part, &mut bytes).expect("parts can be written");
    bytes
}
