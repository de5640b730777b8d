//! What came of a story: what each phone saw, the event log, what was to be heard, and what is left.
//! It must never be compared by times: a mishap may cost some.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use trunkline::leg::Hear;
use trunkline::ops::events::{Cause, Entry, Event, Side};
use trunkline::sip::message::{Limits, Message, Method};
use trunkline::webhook::Request;
use trunkline_media::moment::Moment;

use crate::house::House;
use crate::media::Wished;
use crate::world::World;

/// What came of a story.
pub struct Outcome {
    /// By phone, each message once, without 100: that one depends on time alone.
    pub heard: BTreeMap<&'static str, Vec<Bytes>>,
    pub log: Vec<Entry>,
    /// Each leg's far end, in the order in which legs began.
    pub peers: Vec<(trunkline::ids::LegId, String)>,
    pub wishes: Vec<(String, Vec<Wished>)>,
    /// Keys that were sent to each far end that was sent any.
    pub pressed: BTreeMap<String, String>,
    /// Whatever should be gone and is not.
    pub left: Vec<String>,
    /// Phones that believe they are in a call.
    pub talking: Vec<&'static str>,
    /// What was asked of the web application.
    pub asked: Vec<Request>,
    posted: Vec<Request>,
    pub commits: usize,
    pub inputs: usize,
    /// Every message of the wire in one line, for people.
    pub trace: String,
}

fn parameter<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A leg's end as the log tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    pub peer: String,
    pub cause: Cause,
    pub by: Side,
}

impl Outcome {
    pub fn of(world: &World) -> Self {
        let heard = world.phones.iter().map(|phone| {
            let mut seen = BTreeSet::new();
            let all = phone.heard.iter().map(|heard| heard.bytes.clone());
            let first = all.filter(|bytes| !is_trying(bytes) && seen.insert(bytes.clone()));
            (phone.name, first.collect())
        });
        let mut left = world.census();
        // A leg whose BYE was poison has nothing on the wire, and waits a little longer than transactions do.
        let is_poisoned = world.poison.is_some();
        let slack = Duration::from_secs(if is_poisoned { 30 } else { 1 });
        let latest = world.network.last + House::timing().patience() + slack;
        if world.emptied.is_none_or(|emptied| emptied > latest) {
            left.push(format!(
                "something until {:?}; the last packet went {:?}",
                world.emptied, world.network.last
            ));
        }
        let open = world.phones.iter().filter(|phone| phone.transactions() > 0);
        left.extend(open.map(|phone| format!("transactions of {}", phone.name)));
        // A BYE that never left is noticed by silence, which these phones do not listen to.
        let talking =
            world.phones.iter().filter(|phone| phone.is_talking() && !is_poisoned && !phone.is_deaf);
        let peers = &world.records.peers;
        let wishes =
            peers.iter().filter_map(|(leg, peer)| Some((peer.clone(), world.media.wishes.get(leg)?.clone())));
        let pressed = peers.iter().filter_map(|(leg, peer)| {
            let keys = world.media.pressed.get(leg)?.values().map(String::as_str).collect();
            Some((user(peer), keys))
        });
        Self {
            heard: heard.collect(),
            log: world.records.log.clone(),
            peers: peers.clone(),
            wishes: wishes.collect(),
            pressed: pressed.collect(),
            left,
            talking: talking.map(|phone| phone.name).collect(),
            asked: world.asked.clone(),
            posted: world.posted.iter().map(|(_, request)| request.clone()).collect(),
            commits: world.commits,
            inputs: world.inputs,
            trace: trace(world),
        }
    }

    /// A parameter of what was asked of the web application at this place.
    pub fn asked_with(&self, at: usize, name: &str) -> Option<&str> {
        self.asked.get(at).and_then(|request| parameter(request, name))
    }

    /// A parameter of all callbacks that have it, in order; one that was posted again counts once.
    pub fn posts(&self, name: &str) -> Vec<&str> {
        let mut tokens = BTreeSet::new();
        let first = self.posted.iter().filter(|request| tokens.insert(&request.token));
        first.filter_map(|request| parameter(request, name)).collect()
    }

    /// What a phone saw, in a few words each.
    pub fn saw(&self, phone: &str) -> Vec<String> {
        self.heard.get(phone).into_iter().flatten().map(words).collect()
    }

    /// The whole of a message that a phone saw.
    pub fn text(&self, phone: &str, at: usize) -> String {
        String::from_utf8_lossy(&self.heard[phone][at]).into_owned()
    }

    /// How each leg ended, in the order in which they began.
    pub fn ends(&self) -> Vec<End> {
        let ends = self.peers.iter().flat_map(|(leg, peer)| {
            self.log.iter().filter(move |entry| entry.leg == *leg).filter_map(move |entry| {
                match &entry.event {
                    Event::Ended { cause, by } => {
                        Some(End { peer: user(peer), cause: cause.clone(), by: *by })
                    }
                    _ => None,
                }
            })
        });
        ends.collect()
    }

    /// What a far end was to hear, one after the other, until its session closed.
    pub fn hears(&self, peer: &str) -> Vec<String> {
        let wishes =
            self.wishes.iter().filter(|(known, _)| user(known) == peer).flat_map(|(_, wishes)| wishes);
        let mut all: Vec<String> = Vec::new();
        for wish in wishes {
            let word = match wish {
                Wished::Closed => "closed".to_owned(),
                Wished::Open { hear, agreed } => {
                    let hear = match hear {
                        Hear::Silence => "silence".to_owned(),
                        Hear::Leg(_) => "the other".to_owned(),
                        Hear::Prompt { activity, .. } => format!("prompt {activity}"),
                        Hear::Tone(tone) => format!("{tone:?}").to_lowercase(),
                        Hear::Echo => "itself".to_owned(),
                    };
                    match agreed {
                        Some(agreed) if agreed.held => format!("{hear}, held"),
                        _ => hear,
                    }
                }
            };
            if all.last() != Some(&word) {
                all.push(word);
            }
        }
        all
    }

    /// Lines of the log that `pick` wants, of all legs.
    pub fn told<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.log.iter().filter_map(|entry| pick(&entry.event)).collect()
    }

    /// Nothing is left, nobody believes in a call, and every leg has one end.
    pub fn assert_is_over(&self) {
        assert_eq!(self.left, [""; 0], "left over\n{}", self.trace);
        assert_eq!(self.talking, [""; 0], "believe in a call\n{}", self.trace);
        for (leg, peer) in &self.peers {
            let mine = self.log.iter().filter(|entry| entry.leg == *leg);
            let ends = mine.filter(|entry| matches!(entry.event, Event::Ended { .. })).count();
            assert_eq!(ends, 1, "ends of the leg of {peer}\n{}", self.trace);
        }
    }

    /// The same; but phones are asked whether they are still there, by OPTIONS and perhaps by a refresh. That takes a
    /// CSeq of every later request of the switch in the dialog, and draws from its names.
    pub fn assert_is_like_but_for_questions(&self, calm: &Outcome) {
        for (phone, heard) in &self.heard {
            let mut more: Vec<String> = heard.iter().map(kind).collect();
            for missed in calm.heard[phone].iter().map(kind) {
                let place = more.iter().position(|words| *words == missed);
                let Some(place) = place else {
                    panic!("{phone} misses {missed}\n{}\n--- calm\n{}", self.trace, calm.trace);
                };
                more.swap_remove(place);
            }
            let acks = more.iter().filter(|words| *words == "ACK").count();
            let invited = more.iter().filter(|words| *words == "again INVITE").count();
            assert_eq!(acks, invited, "{phone}\n{}\n--- calm\n{}", self.trace, calm.trace);
            more.retain(|words| {
                !["again OPTIONS", "again INVITE", "again UPDATE", "ACK"].contains(&&**words)
            });
            assert_eq!(more, [""; 0], "{phone} hears more\n{}\n--- calm\n{}", self.trace, calm.trace);
        }
        self.assert_ended_like(calm);
    }

    /// Whether the phones saw the same and the log came to the same end, whatever happened in between.
    pub fn assert_is_like(&self, calm: &Outcome) {
        for (phone, heard) in &self.heard {
            let (mine, theirs) = (by_transaction(heard), by_transaction(&calm.heard[phone]));
            if mine == theirs {
                continue;
            }
            let names: BTreeSet<_> = mine.keys().chain(theirs.keys()).collect();
            for name in names {
                let (mine, theirs) = (mine.get(name), theirs.get(name));
                if mine != theirs {
                    let text = |all: Option<&Vec<Bytes>>| {
                        all.into_iter().flatten().map(|one| String::from_utf8_lossy(one)).collect::<String>()
                    };
                    panic!(
                        "{phone} notices, {name}:\n--- now\n{}--- else\n{}--- trace\n{}\n--- calm\n{}",
                        text(mine),
                        text(theirs),
                        self.trace,
                        calm.trace
                    );
                }
            }
        }
        self.assert_ended_like(calm);
    }

    /// Whether the log and the media side came to the same end, and the same was asked and told.
    fn assert_ended_like(&self, calm: &Outcome) {
        let sorted = |outcome: &Outcome| {
            let mut ends: Vec<String> = outcome.ends().iter().map(|end| format!("{end:?}")).collect();
            ends.sort();
            ends
        };
        assert_eq!(sorted(self), sorted(calm), "ends\n{}", self.trace);
        for ((peer, mine), (_, theirs)) in by_peer(&self.wishes).zip(by_peer(&calm.wishes)) {
            assert_eq!(mine.last(), theirs.last(), "the last wish for {peer}");
            let last = |all: &[Wished]| all.iter().rev().find(|wish| **wish != Wished::Closed).cloned();
            assert_eq!(last(mine), last(theirs), "the last open wish for {peer}\n{}", self.trace);
        }
        assert_eq!(self.wishes.len(), calm.wishes.len(), "legs with media\n{}", self.trace);
        assert_eq!(self.pressed, calm.pressed, "keys\n{}", self.trace);
        assert_eq!(exchanges(&self.asked), exchanges(&calm.asked), "what was asked\n{}", self.trace);
        assert_eq!(exchanges(&self.posted), exchanges(&calm.posted), "who was told\n{}", self.trace);
    }
}

/// Requests in the order of each leg, one that was repeated once, without what depends on time.
fn exchanges(requests: &[Request]) -> Vec<String> {
    let mut tokens = BTreeSet::new();
    let mut first: Vec<&Request> =
        requests.iter().filter(|request| tokens.insert(request.token.as_str())).collect();
    first.sort_by_key(|request| parameter(request, "CallSid").unwrap_or_default());
    let lasting = |(name, value): &(String, String)| {
        let is_lasting = !name.ends_with("Duration") && !name.ends_with("Time") && name != "Timestamp";
        is_lasting.then(|| format!("{name}={value}"))
    };
    let line = |request: &Request| {
        let parameters: Vec<String> = request.parameters.iter().filter_map(lasting).collect();
        format!("{} {} {}", request.url, request.token, parameters.join("&"))
    };
    first.into_iter().map(line).collect()
}

/// Legs that began together have no order.
fn by_peer(wishes: &[(String, Vec<Wished>)]) -> impl Iterator<Item = &(String, Vec<Wished>)> {
    let mut sorted: Vec<_> = wishes.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    sorted.into_iter()
}

fn is_trying(bytes: &Bytes) -> bool {
    bytes.starts_with(b"SIP/2.0 100 ")
}

fn read(bytes: &Bytes) -> Message {
    Message::parse(bytes.clone(), &Limits::default()).expect("the switch writes SIP")
}

/// `180 INVITE`, `BYE`.
fn words(bytes: &Bytes) -> String {
    match read(bytes) {
        Message::Request(request) => request.method().as_str().to_owned(),
        Message::Response(response) => {
            let cseq = response.headers().cseq().expect("CSeq");
            format!("{} {}", response.status(), cseq.method)
        }
    }
}

/// The same, where it shows whether a request is of a dialog.
fn kind(bytes: &Bytes) -> String {
    match read(bytes) {
        Message::Request(request) if *request.method() != Method::Ack => {
            let is_in_dialog = request.headers().to().is_ok_and(|to| to.tag().is_some());
            format!("{}{}", if is_in_dialog { "again " } else { "" }, request.method())
        }
        _ => words(bytes),
    }
}

/// Without what is left of a registration or subscription, which depends on time.
fn timeless(bytes: &Bytes) -> Bytes {
    let text = String::from_utf8_lossy(bytes);
    let lasts = |line: &str| line.starts_with("Contact:") || line.starts_with("Subscription-State:");
    let masked = |line: &str| match line.split_once(";expires=") {
        Some((before, _)) if lasts(line) => format!("{before}\r\n"),
        _ => format!("{line}\r\n"),
    };
    text.lines().map(masked).collect::<String>().into()
}

/// Over UDP, order means something within a transaction only.
fn by_transaction(heard: &[Bytes]) -> BTreeMap<String, Vec<Bytes>> {
    let mut all: BTreeMap<String, Vec<Bytes>> = BTreeMap::new();
    for bytes in heard {
        let message = read(bytes);
        let headers = message.headers();
        let (call_id, cseq) = (headers.call_id().expect("Call-ID"), headers.cseq().expect("CSeq"));
        // Forks share a CSeq.
        let kind = match &message {
            Message::Request(request) => {
                request.headers().to().ok().and_then(|to| to.tag().map(str::to_owned))
            }
            Message::Response(_) => Some("response".to_owned()),
        };
        all.entry(format!("{cseq} {kind:?} of {call_id}")).or_default().push(timeless(bytes));
    }
    all
}

fn user(uri: &str) -> String {
    uri.trim_start_matches("sip:").split('@').next().unwrap_or_default().to_owned()
}

fn trace(world: &World) -> String {
    let mut lines: Vec<(Moment, String)> = Vec::new();
    for phone in &world.phones {
        for heard in &phone.heard {
            lines.push((heard.at, format!("{} hears {}", phone.name, words(&heard.bytes))));
        }
    }
    for entry in &world.records.log {
        let at = world.records.peers.iter().position(|(leg, _)| *leg == entry.leg);
        lines.push((entry.at, format!("  leg {at:?} {:?}", entry.event)));
    }
    lines.sort_by_key(|(at, _)| *at);
    let line =
        |(at, text): &(Moment, String)| format!("{:>9} ms {text}\n", (at.as_micros() - 1_000_000_000) / 1000);
    lines.iter().map(line).collect()
}
