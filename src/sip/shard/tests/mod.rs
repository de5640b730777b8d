//! Stories of a shard, told with short words for letters and messages.
//! Each step is done twice: by the shard, and by one that was brought back from what was committed before.

mod gate;
mod letters;
mod reception;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::*;
use crate::routing::{Caller, Decision, Target, Webhook};
use crate::sip::endpoint::DialogKey;
use crate::sip::message::{HeaderName, Limits, Method, Response, Uri};

const LEG: LegId = LegId::from_bytes([7; 16]);

fn at(millis: u64) -> Moment {
    Moment::from_micros(millis * 1000)
}

fn flow() -> Flow {
    let (local, remote) = (([192, 0, 2, 1], 5060).into(), ([198, 51, 100, 7], 5062).into());
    Flow::udp(local, remote)
}

fn message(bytes: Bytes) -> Message {
    Message::parse(bytes, &Limits::default()).expect("what we send can be read")
}

/// A request of the phone; `more` are further header lines.
fn request(method: &str, uri: &str, branch: &str, more: &[&str]) -> Request {
    let number = if method == "BYE" { 2 } else { 1 };
    let mut lines = vec![
        format!("{method} {uri} SIP/2.0"),
        format!("Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bK{branch}"),
        "Call-ID: one@198.51.100.7".to_owned(),
        format!("CSeq: {number} {method}"),
        "Contact: <sip:alice@198.51.100.7:5062>".to_owned(),
    ];
    let is_given = |name: &str| more.iter().any(|line| line.starts_with(name));
    if !is_given("From") {
        lines.push("From: <sip:alice@192.0.2.1>;tag=alice".to_owned());
    }
    if !is_given("To") {
        lines.push("To: <sip:alice@192.0.2.1>".to_owned());
    }
    if !is_given("Max-Forwards") {
        lines.push("Max-Forwards: 70".to_owned());
    }
    lines.extend(more.iter().map(|line| (*line).to_owned()));
    let text = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
    match message(Bytes::from(format!("{text}\r\n"))) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a request is wanted"),
    }
}

/// An INVITE of alice, who proves it, to bob.
fn invite(branch: &str) -> Request {
    request("INVITE", "sip:bob@192.0.2.1", branch, &["Authorization: alice"])
}

/// What a shard must know of the house.
struct House {
    gate: RefCell<Gate>,
    is_full: Cell<bool>,
    is_trusting: Cell<bool>,
    /// Who was shown as the caller of the latest call, and what was dialled.
    shown: RefCell<Option<String>>,
    admitted: RefCell<BTreeMap<ServerKey, LegId>>,
    asked: RefCell<Vec<String>>,
}

impl House {
    fn new() -> Self {
        Self {
            gate: RefCell::new(Gate::new("house", [7; 32], std::time::Duration::from_secs(300))),
            is_full: Cell::new(false),
            is_trusting: Cell::new(false),
            shown: RefCell::default(),
            admitted: RefCell::default(),
            asked: RefCell::default(),
        }
    }
}

impl Exchange for House {
    fn serves(&self, uri: &Uri) -> bool {
        uri.host().is_some_and(|host| host.to_string() == "192.0.2.1")
    }

    /// Credentials are the name itself; without any there is the gate's challenge.
    fn identify(&self, request: &Request, flow: &Flow, now: Moment) -> Passage {
        self.asked.borrow_mut().push("who is it".to_owned());
        match request.headers().get(&HeaderName::Authorization).as_deref() {
            Some("suspect") => Passage::Silence,
            Some(name) => Passage::User(name.to_owned()),
            None => self.gate.borrow_mut().pass(request, flow, |_| None, now, 1_700_000_000),
        }
    }

    fn is_user(&self, name: &str) -> bool {
        matches!(name, "alice" | "bob")
    }

    fn register(&self, user: &str, request: &Request, _: &Flow, _: Moment) -> Response {
        self.asked.borrow_mut().push(format!("register {user}"));
        request.response_tagged(StatusCode::OK, "house")
    }

    fn route(&self, caller: &Caller, dialled: &str) -> Decision {
        let target = match (dialled, &caller.user) {
            ("100", _) => Target::Script("greeting.xml".to_owned()),
            ("101", _) => Target::Webhook(Box::new(Webhook {
                url: "http://app.example/".to_owned(),
                method: crate::twiml::verb::Method::Post,
                fallback: None,
            })),
            (_, None) => Target::Forbidden,
            ("bob", Some(_)) => Target::Endpoint("bob".to_owned()),
            (_, Some(_)) => Target::Unknown,
        };
        Decision { target, reason: "so it is".to_owned(), status_callback: None }
    }

    fn trusts(&self, _: &Flow) -> bool {
        self.is_trusting.get()
    }

    fn admit(&self, admission: Admission<'_>, _: Moment) -> Result<LegId, StatusCode> {
        if self.is_full.get() {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let user = admission.user.as_deref().unwrap_or("a stranger");
        let fresh = !self.admitted.borrow().contains_key(admission.key);
        self.asked.borrow_mut().push(format!("{} {user}", if fresh { "admit" } else { "admit again" }));
        self.shown.replace(admission.caller);
        Ok(*self.admitted.borrow_mut().entry(admission.key.clone()).or_insert(LEG))
    }
}

/// A shard, the house, and what was committed.
struct Bench {
    shard: Shard,
    house: House,
    now: Moment,
    store: BTreeMap<ShardKey, Vec<u8>>,
    sent: Vec<Message>,
    letters: Vec<Letter<Post>>,
    written: u64,
}

impl Bench {
    fn new() -> Self {
        let shard = Shard::restore(Timing::default(), [], Generation::default(), at(0));
        let (house, now, store) = (House::new(), at(0), BTreeMap::new());
        Self { shard, house, now, store, sent: Vec::new(), letters: Vec::new(), written: 0 }
    }

    /// A shard from the bytes alone, with what it says at its start left out.
    fn heir(&self, generation: Generation) -> Shard {
        let parts = self.store.values().map(|part| ciborium::from_reader(part.as_slice()).expect("a part"));
        let mut heir = Shard::restore(Timing::default(), parts.collect::<Vec<_>>(), generation, self.now);
        let house = House::new();
        house.admitted.borrow_mut().clone_from(&self.house.admitted.borrow());
        house.is_full.set(self.house.is_full.get());
        heir.batch(&house, self.now);
        heir
    }

    /// One step; what came of it, in short words: first to legs, then to the network.
    fn step(&mut self, act: impl Fn(&mut Shard, &House, Moment) -> Batch) -> Vec<String> {
        let mut story = self.house.asked.take();
        let mut heir = self.heir(Generation::default());
        let again = act(&mut heir, &self.house, self.now);
        let asked = self.house.asked.take();
        let batch = act(&mut self.shard, &self.house, self.now);
        assert_eq!(encoded(&again.letters), encoded(&batch.letters), "brought back, it writes the same");
        assert_eq!(again.transmissions, batch.transmissions, "brought back, it sends the same");
        let repeated: Vec<String> =
            asked.iter().map(|words| words.replace("admit ", "admit again ")).collect();
        assert_eq!(self.house.asked.take(), repeated, "brought back, it asks the same");
        story.extend(asked);
        self.house.asked.replace(story);
        self.take(batch)
    }

    /// Fails if a request has left anything behind: an address that may be forged would be answered again and again,
    /// and a flood would fill the shard.
    fn holds_nothing(&self) {
        assert_eq!(self.shard.census(), Census::default());
        assert_eq!((self.store.len(), self.shard.next_deadline()), (0, None));
    }

    fn take(&mut self, batch: Batch) -> Vec<String> {
        for part in &batch.changed {
            self.store.insert(part.key(), encoded(part));
        }
        for key in &batch.gone {
            self.store.remove(key);
        }
        let kept: Vec<ShardKey> = self.shard.parts().iter().map(ShardPart::key).collect();
        assert!(kept.iter().all(|key| self.store.contains_key(key)), "all that is kept is committed");
        assert_eq!(kept.len(), self.store.len(), "nothing is committed that is gone");
        let sent: Vec<Message> = batch.transmissions.into_iter().map(|(_, bytes)| message(bytes)).collect();
        let words =
            batch.letters.iter().map(|letter| told(&letter.body)).chain(sent.iter().map(short)).collect();
        self.sent.extend(sent);
        self.letters.extend(batch.letters);
        words
    }

    fn receive(&mut self, message: impl Into<Message>) -> Vec<String> {
        let message = message.into();
        self.step(|shard, house, now| shard.receive(message.clone(), flow(), house, now))
    }

    /// The leg's next letter.
    fn errand(&mut self, errand: Errand) -> Vec<String> {
        self.written += 1;
        let (receipt, words) = self.letter(self.written, Generation::default(), errand);
        assert_eq!(receipt, Receipt::Fresh);
        words
    }

    fn letter(&mut self, number: u64, generation: Generation, body: Errand) -> (Receipt, Vec<String>) {
        let letter = Letter { from: Party::Leg(LEG), generation, to: Party::Shard, number, body };
        let receipt = Cell::new(Receipt::Early);
        let words = self.step(|shard, house, now| {
            let (how, batch) = shard.read(letter.clone(), house, now);
            receipt.set(how);
            batch
        });
        (receipt.get(), words)
    }

    fn last_sent(&self) -> &Message {
        self.sent.last().expect("a message")
    }

    fn asked(&self) -> Vec<String> {
        self.house.asked.take()
    }
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("memory");
    bytes
}

fn told(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Request { request, .. } => format!("leg: {}", request.method()),
        Delivery::Ack { .. } => "leg: ACK".to_owned(),
        Delivery::Cancelled { .. } => "leg: cancelled".to_owned(),
        Delivery::Response { response, .. } => format!("leg: {}", response.status().code()),
        Delivery::Failed { cause, .. } => format!("leg: {cause:?}"),
    }
}

fn short(message: &Message) -> String {
    match message {
        Message::Request(request) => format!("send {}", request.method()),
        Message::Response(response) => format!("send {}", response.status().code()),
    }
}

fn header(message: &Message, name: HeaderName) -> Option<String> {
    message.headers().get(&name).map(|value| value.into_owned())
}
