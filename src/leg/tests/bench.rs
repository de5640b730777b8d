//! A leg on a virtual clock, and what it has sent so far.
//! It must never help the leg: time passes only where a story says so.

use super::*;
use crate::ops::events::Entry;

pub struct Bench {
    pub leg: Leg,
    pub now: Moment,
    pub requests: Vec<Request>,
    pub answers: Vec<Response>,
    pub acks: Vec<Request>,
    log: Vec<Entry>,
    facts: Option<Facts>,
}

impl Bench {
    pub fn of(leg: Leg) -> Self {
        let now = at(0);
        Self {
            leg,
            now,
            requests: Vec::new(),
            answers: Vec::new(),
            acks: Vec::new(),
            log: Vec::new(),
            facts: None,
        }
    }

    /// One step; what came of it, in short words.
    pub fn step(&mut self, act: impl Fn(&mut Leg, &mut Turn<Leg>)) -> Vec<String> {
        let mut heir: Leg = ciborium::from_reader(encoded(&self.leg).as_slice()).expect("what was written");
        let (mut turn, mut again) = (Turn::at(self.now), Turn::at(self.now));
        act(&mut self.leg, &mut turn);
        act(&mut heir, &mut again);
        assert_eq!(encoded(&again.letters), encoded(&turn.letters), "brought back, it writes the same");
        assert_eq!(format!("{:?}", again.effects), format!("{:?}", turn.effects), "it wants the same");
        assert_eq!(again.events, turn.events, "it tells the same");
        assert_eq!(encoded(&heir), encoded(&self.leg), "it becomes the same");
        self.leg = heir;
        self.note(turn)
    }

    fn note(&mut self, turn: Turn<Leg>) -> Vec<String> {
        let mut words = Vec::new();
        for letter in turn.letters {
            words.push(match letter.body {
                LegPost::Call(report) => {
                    if let Report::Answered { facts, .. } | Report::Ended { facts, .. } = &report {
                        self.facts = facts.as_deref().cloned();
                    }
                    format!("report {}", short(&report))
                }
                LegPost::Shard(errand) => self.errand(*errand),
            });
        }
        for effect in turn.effects {
            match effect {
                LegEffect::Media(Wish::Open { .. }) => {}
                LegEffect::Media(Wish::Closed { .. }) => words.push("close".to_owned()),
                LegEffect::Release(_) => words.push("release".to_owned()),
            }
        }
        self.log.extend(turn.events);
        words
    }

    fn errand(&mut self, errand: Errand) -> String {
        match errand {
            Errand::Request { request, .. } => {
                let words = format!("send {}", request.method());
                self.requests.push(request);
                words
            }
            Errand::Respond { response, .. } => {
                let cseq = response.headers().cseq().expect("CSeq");
                let words = format!("answer {} {}", response.status().code(), cseq.method);
                self.answers.push(response);
                words
            }
            Errand::Ack { request, .. } => {
                let words = format!("ack {}", request.headers().cseq().expect("CSeq").number);
                self.acks.push(request);
                words
            }
            Errand::Cancel { reason: None, .. } => "cancel".to_owned(),
            Errand::Cancel { reason: Some(reason), .. } => format!("cancel ({reason})"),
            Errand::Bind { .. } => "bind".to_owned(),
            Errand::Abandon => "abandon".to_owned(),
        }
    }

    pub fn start(&mut self) -> Vec<String> {
        self.step(|leg, turn| leg.handle(LegInput::Start, turn))
    }

    pub fn order(&mut self, order: Order) -> Vec<String> {
        self.step(|leg, turn| leg.handle(LegInput::Order(order.clone()), turn))
    }

    pub fn hang_up(&mut self) -> Vec<String> {
        self.order(Order::Hangup { cause: Cause::HungUp })
    }

    pub fn sip(&mut self, delivery: Delivery) -> Vec<String> {
        self.step(|leg, turn| leg.handle(LegInput::Sip(Box::new(delivery.clone())), turn))
    }

    pub fn media(&mut self, notice: Notice) -> Vec<String> {
        self.step(|leg, turn| leg.handle(LegInput::Media(notice.clone()), turn))
    }

    pub fn readopted(&mut self, readopted: Readopted) -> Vec<String> {
        self.step(|leg, turn| leg.handle(LegInput::Readopted(readopted), turn))
    }

    pub fn media_closed(&mut self) -> Vec<String> {
        let quality = Event::Quality { received: 1, sent: 1, lost: 0, jitter_us: 0, foreign: 0 };
        self.media(Notice::Closed(Box::new(quality)))
    }

    /// A request of the phone that its leg's shard has opened a transaction for.
    pub fn request(&mut self, request: &Request) -> Vec<String> {
        let key = ServerKey::of(request).expect("a key");
        self.sip(Delivery::Request { key, request: request.clone(), flow: flow(5062) })
    }

    /// The caller's next request, of this number.
    pub fn asked(&mut self, method: &str, number: u32, body: &Bytes) -> Vec<String> {
        let request = self.in_dialog(method, number, body);
        self.request(&request)
    }

    pub fn ack(&mut self, number: u32, body: &Bytes) -> Vec<String> {
        let request = self.in_dialog("ACK", number, body);
        self.sip(Delivery::Ack { request })
    }

    pub fn cancelled(&mut self, invite: &Request) -> Vec<String> {
        let key = ServerKey::of(invite).expect("a key");
        self.sip(Delivery::Cancelled { key, request: invite.clone() })
    }

    pub fn response(&mut self, request: &Request, code: u16, tag: &str, body: &Bytes) -> Vec<String> {
        let mut response = request.response_tagged(StatusCode::new(code).expect("a status"), tag);
        response.headers_mut().push(HeaderName::Contact, format_args!("<sip:{tag}@198.51.100.7:5070>"));
        response.set_body("application/sdp", body.clone());
        self.sip(Delivery::Response { key: ClientKey::of(request), response, flow: flow(5062) })
    }

    /// An answer with these headers.
    pub fn told(
        &mut self,
        request: &Request,
        code: u16,
        tag: &str,
        lines: &[(HeaderName, &str)],
        body: &Bytes,
    ) -> Vec<String> {
        let mut response = request.response_tagged(StatusCode::new(code).expect("a status"), tag);
        response.headers_mut().push(HeaderName::Contact, format_args!("<sip:{tag}@198.51.100.7:5070>"));
        lines.iter().for_each(|(name, value)| response.headers_mut().push(name.clone(), value));
        response.set_body("application/sdp", body.clone());
        self.sip(Delivery::Response { key: ClientKey::of(request), response, flow: flow(5062) })
    }

    /// The caller's next request, with these headers.
    pub fn asked_with(
        &mut self,
        method: &str,
        number: u32,
        lines: &[(HeaderName, &str)],
        body: &Bytes,
    ) -> Vec<String> {
        let mut request = self.in_dialog(method, number, body);
        lines.iter().for_each(|(name, value)| request.headers_mut().push(name.clone(), value));
        self.request(&request)
    }

    /// A header of our latest answer.
    pub fn answer_says(&self, name: &HeaderName) -> Option<String> {
        self.last_answer().headers().get(name).map(String::from)
    }

    /// A header of our latest request.
    pub fn request_says(&self, name: &HeaderName) -> Option<String> {
        self.last_request().headers().get(name).map(String::from)
    }

    pub fn failed(&mut self, request: &Request, cause: FailureCause) -> Vec<String> {
        self.sip(Delivery::Failed { key: ClientKey::of(request), cause })
    }

    /// Lets time pass, deadline by deadline; what happened and when, in milliseconds.
    pub fn pass(&mut self, until: u64) -> Vec<(u64, String)> {
        let mut story = Vec::new();
        while let Some(due) = self.leg.next_deadline().filter(|due| *due <= at(until)) {
            self.now = self.now.max(due);
            let words = self.step(|leg, turn| leg.on_deadline(turn));
            story.extend(words.into_iter().map(|word| (self.now.as_micros() / 1000, word)));
        }
        self.now = at(until);
        story
    }

    /// A request of the caller in the dialog that our answers made.
    pub fn in_dialog(&self, method: &str, number: u32, body: &Bytes) -> Request {
        let to = self.last_answer().headers().to().expect("To");
        let text = format!(
            "{method} sip:192.0.2.1:5060 SIP/2.0
             Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK{method}{number}
             Max-Forwards: 70
             From: <sip:bob@198.51.100.7>;tag=bob
             To: {to}
             Call-ID: one@198.51.100.7
             CSeq: {number} {method}
             Contact: <sip:bob@198.51.100.7:5062>"
        );
        read(&text, body)
    }

    pub fn last_request(&self) -> Request {
        self.requests.last().expect("a request").clone()
    }

    pub fn last_answer(&self) -> Response {
        self.answers.last().expect("an answer").clone()
    }

    /// The agreed codec, and the phone's port.
    pub fn agreed(&self) -> Option<(Codec, u16)> {
        match self.leg.wish() {
            Wish::Open { agreed, .. } => agreed.map(|agreed| (agreed.codec, agreed.remote_rtp.port())),
            Wish::Closed { .. } => None,
        }
    }

    /// What was reported of the signalling last.
    pub fn facts(&self) -> Facts {
        self.facts.clone().expect("a report with facts")
    }

    pub fn has_told(&self, event: &Event) -> usize {
        self.log.iter().filter(|entry| entry.event == *event).count()
    }
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("memory");
    bytes
}

fn short(report: &Report) -> String {
    match report {
        Report::Ended { cause, by, .. } => format!("ended {cause:?} by {by:?}"),
        Report::Answered { .. } => "answered".to_owned(),
        Report::Refer(refer) => format!("refer to {}, {:?}", refer.refer_to.target, refer.refer_to.replaces),
        Report::Ringing => "ringing".to_owned(),
        Report::EarlyMedia => "early media".to_owned(),
        Report::Revoiced(voice) => format!("speaks {:?} of {:?}", voice.codec, voice.understood),
        other => format!("{other:?}"),
    }
}
