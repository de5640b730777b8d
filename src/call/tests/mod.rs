//! Stories of a call and of its script, told with short words for orders and wishes.
//! Each step is done twice: by the machine, and by one that was brought back from its bytes alone.

mod dialing;
mod script;

use serde::Serialize;
use trunkline_media::codec::Codec;

use super::script::{Sound, Told, Wanted};
use super::*;
use crate::ops::events::{Entry, Side};
use crate::supervision::machine::{Letter, Turn};
use crate::twiml::document::Document;
use crate::twiml::script::{Action, Script};
use crate::twiml::verb::Dial;

const PARENT: LegId = LegId::from_bytes([1; 16]);

fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("memory");
    bytes
}

/// Does `act` with the machine and with its heir; what came of it.
fn step<M: Machine>(machine: &mut M, now: Moment, act: impl Fn(&mut M, &mut Turn<M>)) -> Turn<M> {
    let mut heir: M = ciborium::from_reader(encoded(machine).as_slice()).expect("what was written");
    let (mut turn, mut again) = (Turn::at(now), Turn::at(now));
    act(machine, &mut turn);
    act(&mut heir, &mut again);
    assert_eq!(encoded(&again.letters), encoded(&turn.letters), "brought back, it writes the same");
    assert_eq!(format!("{:?}", again.effects), format!("{:?}", turn.effects), "it wants the same");
    assert_eq!(again.events, turn.events, "it tells the same");
    assert_eq!(encoded(&heir), encoded(machine), "it becomes the same");
    *machine = heir;
    turn
}

fn script(body: &str) -> Script {
    let parsed = Document::parse(format!("<Response>{body}</Response>").as_bytes()).expect("well-formed");
    Script::new(parsed.document)
}

fn dial(xml: &str) -> Box<Dial> {
    match script(xml).action() {
        Action::Dial { dial, .. } => dial,
        other => panic!("a Dial is wanted: {other:?}"),
    }
}

/// A call, its legs as they were dialled, and what it has told.
struct Bench {
    call: Call,
    now: Moment,
    children: Vec<LegId>,
    log: Vec<Entry>,
}

impl Bench {
    fn new() -> Self {
        let caller = CallerId { display: Some("Bob".to_owned()), user: "bob".to_owned(), privacy: false };
        let call = Call::new(CallSpec { parent: PARENT, caller, max_forwards: 69, seed: [5; 16] });
        Self { call, now: at(0), children: Vec::new(), log: Vec::new() }
    }

    fn step(&mut self, act: impl Fn(&mut Call, &mut Turn<Call>)) -> Vec<String> {
        let turn = step(&mut self.call, self.now, act);
        let mut words = Vec::new();
        for effect in turn.effects {
            let CallEffect::Dial(dialled) = effect else { continue };
            self.children.push(dialled.leg);
            words.push(format!("dial {}", noun(&dialled.noun)));
        }
        words.extend(turn.letters.into_iter().map(|letter| self.told(letter)));
        self.log.extend(turn.events);
        words
    }

    fn told(&self, letter: Letter<CallPost>) -> String {
        match (letter.body, letter.to) {
            (CallPost::Leg(order), Party::Leg(leg)) => format!("{}: {}", self.name(leg), self.order(&order)),
            (CallPost::Script(Told::Outcome(Outcome::DialEnded { activity, status })), _) => {
                format!("script: {activity} {status:?}")
            }
            (CallPost::Script(Told::Outcome(Outcome::Done { activity })), _) => {
                format!("script: {activity} done")
            }
            (CallPost::Script(Told::CallerGone), _) => "script: caller gone".to_owned(),
            other => format!("{other:?}"),
        }
    }

    fn order(&self, order: &Order) -> String {
        match order {
            Order::Hangup { cause } => format!("hang up, {cause:?}"),
            Order::Hear(Hear::Leg(leg)) => format!("hear {}", self.name(*leg)),
            Order::Hear(Hear::Tone(tone)) => format!("hear {tone:?}"),
            Order::Hear(Hear::Prompt { asset, .. }) => format!("hear {asset}"),
            Order::Hear(hear) => format!("hear {hear:?}"),
            Order::Joined(leg) => format!("joined {}", self.name(*leg)),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// `caller`, or the place among those dialled: `1`, `2` …
    fn name(&self, leg: LegId) -> String {
        match self.children.iter().position(|child| *child == leg) {
            Some(at) => (at + 1).to_string(),
            None => "caller".to_owned(),
        }
    }

    fn wanted(&mut self, wanted: Wanted) -> Vec<String> {
        self.step(|call, turn| call.handle(CallInput::Script(wanted.clone()), turn))
    }

    fn dial(&mut self, xml: &str) -> Vec<String> {
        self.wanted(Wanted::Dial { activity: 1, dial: dial(xml) })
    }

    fn caller(&mut self, report: Report) -> Vec<String> {
        self.report(PARENT, report)
    }

    /// The callee dialled at this place, from 1.
    fn callee(&mut self, at: usize, report: Report) -> Vec<String> {
        self.report(self.children[at - 1], report)
    }

    fn report(&mut self, leg: LegId, report: Report) -> Vec<String> {
        self.step(|call, turn| call.handle(CallInput::Leg(leg, report.clone()), turn))
    }

    fn refused(&mut self, at: usize, cause: Cause) -> Vec<String> {
        let leg = self.children[at - 1];
        self.step(|call, turn| call.handle(CallInput::Refused(leg, cause.clone()), turn))
    }

    /// Time passes up to `seconds`, deadline by deadline.
    fn pass(&mut self, seconds: u64) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(due) = self.call.next_deadline().filter(|due| *due <= at(seconds)) {
            self.now = self.now.max(due);
            words.extend(self.step(|call, turn| call.on_deadline(turn)));
        }
        self.now = at(seconds);
        words
    }

    /// Everybody has read everything.
    fn is_finished(&mut self) -> bool {
        let readers = self.children.iter().copied().chain([PARENT]).map(Party::Leg);
        for reader in readers.chain([Party::Script(PARENT)]).collect::<Vec<_>>() {
            self.call.mail().acknowledge(reader, u64::MAX);
        }
        self.call.is_finished()
    }
}

fn noun(noun: &Noun) -> String {
    match noun {
        Noun::Number(number) => number.number.clone(),
        Noun::Client(client) => client.identity.clone(),
        Noun::Sip(sip) => sip.uri.clone(),
    }
}

fn answered() -> Report {
    Report::Answered { voice: None, facts: None }
}

fn ended(cause: Cause) -> Report {
    Report::Ended { cause, by: Side::Peer, facts: None }
}
