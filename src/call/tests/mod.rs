//! Stories of a call and of its script, told with short words for orders and wishes.
//! Each step is done twice: by the machine, and by one that was brought back from its bytes alone.

mod delegating;
mod dialing;
mod documents;
mod endings;
mod gathering;
mod patience;
mod recording;
mod redirecting;
mod screening;
mod script;
mod semi_attended;
mod telling;
mod transfer;
mod verbs;

use serde::Serialize;
use trunkline_media::codec::Codec;

use super::script::{DialResult, Sound, Told, Wanted};
use super::*;
use crate::callbacks::Callback;
use crate::ops::events::{Entry, Side};
use crate::supervision::machine::{Letter, Turn};
use crate::twiml::document::Document;
use crate::twiml::verb::{Dial, Noun, Verb};

const PARENT: LegId = LegId::from_bytes([1; 16]);
/// A leg of another call.
const FOREIGN: LegId = LegId::from_bytes([8; 16]);

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

fn document(body: &str) -> Document {
    let parsed = Document::parse(format!("<Response>{body}</Response>").as_bytes()).expect("well-formed");
    parsed.document
}

fn profile() -> Arc<Profile> {
    Arc::new(Profile {
        leg: PARENT,
        parent: None,
        account: "AC1".to_owned(),
        from: "sip:bob@example.com".to_owned(),
        to: "sip:100@example.com".to_owned(),
        direction: super::profile::Direction::Inbound,
        clock: super::profile::WallClock::default(),
        further: Vec::new(),
    })
}

/// What a call of anybody is made from.
pub(crate) fn spec(parent: LegId) -> CallSpec {
    CallSpec {
        parent,
        profile: profile(),
        notify: None,
        recordings: "http://switch/Recordings/".into(),
        caller: CallerId { display: None, user: "bob".to_owned(), privacy: false },
        max_forwards: 69,
        longest: std::time::Duration::from_secs(24 * 3600),
        screening: std::time::Duration::from_secs(600),
        seed: [5; 16],
    }
}

/// The SID of the recording under way, out of the machine's own bytes.
fn sid_in<T: Serialize>(machine: &T) -> crate::ids::RecordingSid {
    let bytes = encoded(machine);
    let sid = bytes.windows(34).find_map(|window| std::str::from_utf8(window).ok()?.parse().ok());
    sid.expect("a recording")
}

/// The value of a parameter.
fn value<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn dial(xml: &str) -> Box<Dial> {
    match document(xml).steps.swap_remove(0).verb {
        Verb::Dial(dial) => dial,
        other => panic!("a Dial is wanted: {other:?}"),
    }
}

/// A call, its legs as they were dialled, and what it has told.
struct Bench {
    call: Call,
    now: Moment,
    children: Vec<LegId>,
    log: Vec<Entry>,
    /// Callbacks, in order.
    posted: Vec<Callback>,
    /// What scripts were told of Dials.
    results: Vec<DialResult>,
    /// The legs that were wanted, in order.
    dialled: Vec<Dialled>,
    /// The scripts that were wanted for callees, in order.
    screenings: Vec<Screening>,
}

impl Bench {
    fn new() -> Self {
        let caller = CallerId { display: Some("Bob".to_owned()), user: "bob".to_owned(), privacy: false };
        let call = Call::new(CallSpec { caller, ..spec(PARENT) });
        Self {
            call,
            now: at(0),
            children: Vec::new(),
            log: Vec::new(),
            posted: Vec::new(),
            results: Vec::new(),
            dialled: Vec::new(),
            screenings: Vec::new(),
        }
    }

    fn step(&mut self, act: impl Fn(&mut Call, &mut Turn<Call>)) -> Vec<String> {
        let turn = step(&mut self.call, self.now, act);
        let mut words = Vec::new();
        for effect in turn.effects {
            match effect {
                CallEffect::Dial(dialled) => {
                    self.children.push(dialled.leg);
                    words.push(format!("dial {}", noun(&dialled.noun)));
                    self.dialled.push(*dialled);
                }
                CallEffect::Screen(screening) => {
                    words.push(format!("ask {} by {}", self.name(screening.leg), screening.hook.place));
                    self.screenings.push(*screening);
                }
                CallEffect::Finish { trim, .. } => words.push(format!("finish, trim {trim}")),
                CallEffect::Replace { leg, replaces, .. } => {
                    words.push(format!("{} in the place of {}", self.name(leg), replaces.call_id));
                }
                CallEffect::Tell { word, .. } => words.push(match word {
                    Word::Replace { .. } => "other: replace".to_owned(),
                    Word::Joined { leg, .. } => format!("other: joined {}", self.name(leg)),
                    Word::Declined { status, .. } => format!("other: declined {status}"),
                    Word::Refer { with, number, .. } => {
                        format!("other: refer {} {}", self.name(with), number - OWN_ACTS)
                    }
                    Word::Referred { with, status, .. } => {
                        format!("other: referred {} {status}", self.name(with))
                    }
                    Word::Hand { with, heir, .. } => {
                        format!("other: {} for {}", self.name(heir), self.name(with))
                    }
                    Word::Replaced { with, .. } => format!("other: replaced {}", self.name(with)),
                    Word::Yield { leg, .. } => format!("other: yield to {}", self.name(leg)),
                    Word::Yielded { with } => format!("other: yielded to {}", self.name(with)),
                    Word::Keys { with, first, keys, .. } => {
                        format!("other: keys {first} {keys} for {}", self.name(with))
                    }
                    Word::Pressed { count, .. } => format!("other: pressed {count}"),
                    Word::Gone { leg, .. } => format!("other: gone {}", self.name(leg)),
                }),
                CallEffect::Together { .. } => {}
                CallEffect::OpenOutbox => {}
            }
        }
        for letter in turn.letters {
            if let CallPost::Callback(callback) = letter.body {
                self.posted.push(*callback);
                continue;
            }
            if let CallPost::Script(Told::DialEnded { result, .. }) = &letter.body {
                self.results.push(result.as_ref().clone());
            }
            words.push(self.told(letter));
        }
        self.log.extend(turn.events);
        words
    }

    fn told(&self, letter: Letter<CallPost>) -> String {
        match (letter.body, letter.to) {
            (CallPost::Leg(order), Party::Leg(leg)) => format!("{}: {}", self.name(leg), self.order(&order)),
            (CallPost::Script(told), Party::Script(leg)) => {
                let whose =
                    if leg == PARENT { "script".to_owned() } else { format!("script of {}", self.name(leg)) };
                match told {
                    Told::DialEnded { activity, result } => {
                        format!("{whose}: {activity} {:?}", result.status)
                    }
                    Told::Done { activity } => format!("{whose}: {activity} done"),
                    Told::Gone { .. } => format!("{whose}: caller gone"),
                    Told::Redirected(redirection) => format!("{whose}: on to {}", redirection.hook.place),
                    Told::Digit(digit) => format!("{whose}: key {digit}"),
                    Told::Taped { activity, .. } => format!("{whose}: {activity} taped"),
                }
            }
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
            Order::Press(keys) => format!("press {}", keys.keys),
            Order::Tape(Some(taping)) => format!("tape {:?} {}", taping.layout, taping.channel),
            Order::Tape(None) => "tape no more".to_owned(),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    /// `caller`, or the place among those dialled: `1`, `2` …
    fn name(&self, leg: LegId) -> String {
        match self.children.iter().position(|child| *child == leg) {
            Some(at) => (at + 1).to_string(),
            None if leg == FOREIGN => "foreign".to_owned(),
            None => "caller".to_owned(),
        }
    }

    fn wanted(&mut self, wanted: Wanted) -> Vec<String> {
        self.wanted_by(PARENT, wanted)
    }

    fn wanted_by(&mut self, leg: LegId, wanted: Wanted) -> Vec<String> {
        self.step(|call, turn| call.handle(CallInput::Script(leg, wanted.clone()), turn))
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

    /// Everybody has read everything, and the script has nothing more to tell.
    fn is_finished(&mut self) -> bool {
        self.wanted(Wanted::Over);
        self.is_read()
    }

    /// Everybody has read everything.
    fn is_read(&mut self) -> bool {
        let readers = self.children.iter().copied().chain([PARENT]).map(Party::Leg);
        let scripts = self.children.iter().copied().chain([PARENT]).map(Party::Script);
        let all = readers.chain(scripts).chain([Party::Outbox(CallId(PARENT))]);
        for reader in all.collect::<Vec<_>>() {
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
