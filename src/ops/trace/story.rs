//! The logs of all legs as one story: in order, without doubles, each line a message or a sentence.
//! It must never leave out what could explain a call, but what the line before has said.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use trunkline_media::moment::Moment;

use super::names::short;
use super::{LegTrace, Trace, words};
use crate::ids::LegId;
use crate::ops::events::{Entry, Event};
use crate::sip::message::Transport;

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub at: Moment,
    /// Whose log tells it, by its place in the trace.
    pub leg: usize,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A SIP message.
    Message { text: String, direction: Direction, peer: SocketAddr, is_failure: bool },
    /// Something that the switch did or learnt.
    Note { text: String, weight: Weight },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    FromPeer,
    ToPeer,
}

/// How much a note should catch the eye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Plain,
    Alarm,
    End,
}

/// The story of a call.
pub(super) fn tell(trace: &Trace, names: &[String]) -> Vec<Step> {
    let mut narrator = Narrator::new(trace, names);
    merged(trace).into_iter().filter_map(|(leg, entry)| narrator.step(leg, entry)).collect()
}

/// What the newest entry of a leg adds to the story; `None` if the line before has said so.
pub(super) fn latest(trace: &Trace, names: &[String], leg: usize) -> Option<Step> {
    let mut narrator = Narrator::new(trace, names);
    let newest = trace.legs.get(leg)?.entries.last()?;
    for (teller, entry) in merged(trace) {
        if !std::ptr::eq(entry, newest) {
            drop(narrator.step(teller, entry));
        }
    }
    narrator.step(leg, newest)
}

/// All entries by time. What happened at the same moment in several legs begins with what came from outside, and is
/// told leg by leg.
fn merged(trace: &Trace) -> Vec<(usize, &Entry)> {
    let mut logs: Vec<_> = trace.legs.iter().map(|leg| leg.entries.iter().peekable()).collect();
    let mut merged: Vec<(usize, &Entry)> = Vec::new();
    loop {
        let last = merged.last().map(|(leg, _)| *leg);
        let next = logs.iter_mut().enumerate().filter_map(|(leg, log)| log.peek().map(|entry| (leg, *entry)));
        let next = next.min_by_key(|(leg, entry)| {
            let comes_from_outside = matches!(entry.event, Event::Received { .. } | Event::Invited { .. });
            (entry.at, Some(*leg) != last, !comes_from_outside, *leg)
        });
        let Some((leg, _)) = next else { return merged };
        merged.extend(logs.get_mut(leg).and_then(Iterator::next).map(|entry| (leg, entry)));
    }
}

/// Remembers what was said, so that it need not be said again.
struct Narrator<'a> {
    names: &'a [String],
    places: HashMap<LegId, usize>,
    said: HashSet<(usize, Direction, &'a str, &'a str)>,
    answered: HashSet<usize>,
    /// Where each leg's media should come from, by its description.
    announced: HashMap<usize, SocketAddr>,
    joined: HashMap<usize, usize>,
    /// Legs that sent an INVITE.
    invited: HashSet<usize>,
    /// The status of the latest response on each leg.
    latest: HashMap<usize, u16>,
}

impl<'a> Narrator<'a> {
    fn new(trace: &'a Trace, names: &'a [String]) -> Self {
        Self {
            names,
            places: trace.legs.iter().enumerate().map(|(at, leg)| (leg.id, at)).collect(),
            said: HashSet::new(),
            answered: HashSet::new(),
            announced: HashMap::new(),
            joined: HashMap::new(),
            invited: trace
                .legs
                .iter()
                .enumerate()
                .filter(|(_, leg)| is_invited(leg))
                .map(|(at, _)| at)
                .collect(),
            latest: HashMap::new(),
        }
    }

    fn name(&self, leg: usize) -> &'a str {
        self.names.get(leg).map_or("somebody", String::as_str)
    }

    fn step(&mut self, leg: usize, entry: &'a Entry) -> Option<Step> {
        let what = match &entry.event {
            Event::Received { message, cseq, peer } => {
                self.message(leg, Direction::FromPeer, message, cseq, *peer)
            }
            Event::Sent { message, cseq, peer } => self.message(leg, Direction::ToPeer, message, cseq, *peer),
            event => {
                let (text, weight) = self.note(leg, event)?;
                What::Note { text, weight }
            }
        };
        Some(Step { at: entry.at, leg, what })
    }

    /// The start line in short, with what tells it from its like: its method where that is not INVITE, and whether it
    /// is a repetition.
    fn message(
        &mut self,
        leg: usize,
        direction: Direction,
        message: &'a str,
        cseq: &'a str,
        peer: SocketAddr,
    ) -> What {
        let method = cseq.split_whitespace().next_back().unwrap_or_default();
        let is_response = message.starts_with(|c: char| c.is_ascii_digit());
        let mut text = match message {
            "INVITE" if self.answered.contains(&leg) => "re-INVITE".to_owned(),
            message if is_response && !method.is_empty() && method != "INVITE" => {
                format!("{message} ({method})")
            }
            message => message.to_owned(),
        };
        if !self.said.insert((leg, direction, message, cseq)) {
            text.push_str(" again");
        }
        if let Some(status) = message.get(..3).and_then(|status| status.parse().ok()) {
            self.latest.insert(leg, status);
        }
        let is_failure = is_response && message.starts_with(['4', '5', '6']);
        What::Message { text, direction, peer, is_failure }
    }

    fn note(&mut self, leg: usize, event: &Event) -> Option<(String, Weight)> {
        let name = self.name(leg);
        let plain = match event {
            // The message beside it says so, or the head of the ladder.
            Event::Received { .. } | Event::Sent { .. } | Event::Ringing | Event::Invited { .. } => {
                return None;
            }
            // Without a word on it, it is UDP.
            Event::Carried { transport: Transport::Udp, .. } => return None,
            Event::Carried { transport, peer } => format!("{name} is reached over {transport} at {peer}"),
            Event::Routed { target, reason } => format!("routed to {target}: {reason}"),
            Event::Dialled { .. } if self.invited.contains(&leg) => return None,
            Event::Dialled { to, parent, .. } => {
                let parent = self.places.get(parent).map_or("the caller", |leg| self.name(*leg));
                format!("calls {} for {parent}", short(to))
            }
            Event::AttemptFailed { status, .. } if self.latest.get(&leg) == Some(status) => return None,
            Event::AttemptFailed { target, status } => {
                return Some((words::attempt_failed(short(target), *status), Weight::Alarm));
            }
            Event::EarlyMedia if leg == 0 => format!("{name} can hear something before the answer"),
            Event::EarlyMedia => format!("{name} sends sound before the answer"),
            Event::Answered => {
                self.answered.insert(leg);
                if leg == 0 { format!("{name} is answered") } else { format!("{name} answers") }
            }
            Event::Held => format!("{name} puts the call on hold"),
            Event::Resumed => format!("{name} takes the call back"),
            Event::Negotiated { .. } | Event::MediaLearnt { .. } => self.media(leg, event),
            Event::Bridged { .. } | Event::Unbridged => self.bridge(leg, event)?,
            Event::NotJoined { limit } => {
                return Some((format!("{name} was not joined in time ({limit})"), Weight::Alarm));
            }
            Event::Remarked { reason } => format!("{name} says why: {reason}"),
            Event::Referred { to } => format!("{name} transfers the call to {}", short(to)),
            Event::Transferred { status: 200 } => format!("somebody else takes the place of {name}"),
            Event::Transferred { status } => {
                return Some((format!("nobody takes the place of {name} ({status})"), Weight::Alarm));
            }
            Event::Replaced { by } => format!("{by} takes the place of {name}"),
            Event::Digit { digit } => format!("{name} presses {digit}"),
            Event::VerbStarted { verb, detail } if detail.is_empty() => format!("script: {verb}"),
            Event::VerbStarted { verb, detail } => format!("script: {verb} “{detail}”"),
            Event::VerbEnded { verb, outcome } => format!("script: {verb} is over, {outcome}"),
            Event::ScriptFinding { line, column, code, message } => {
                let text = format!("script, line {line}, column {column}: {message} ({code})");
                return Some((text, Weight::Alarm));
            }
            Event::Asked { document } => format!("script: asks {document}"),
            Event::Obtained { document, status, took_us } => {
                format!("script: {document} is there{}", words::exchange(*status, *took_us))
            }
            Event::Unobtained { document, status, took_us, .. } => {
                let exchange = words::exchange(*status, *took_us);
                return Some((format!("script: {document} cannot be had{exchange}"), Weight::Alarm));
            }
            Event::Callback { url, attempt, status, code, message, took_us } => {
                let weight = if code.is_some() { Weight::Alarm } else { Weight::Plain };
                let exchange = words::exchange(*status, *took_us);
                return Some((words::callback(url, *attempt, &exchange, *code, message), weight));
            }
            Event::Panicked { actor, message } => {
                return Some((format!("{} panicked: {message}", self.actor(leg, actor)), Weight::Alarm));
            }
            Event::Restored { actor, .. } if actor == "process" => {
                return Some((
                    "the switch was started again, and the call goes on".to_owned(),
                    Weight::Alarm,
                ));
            }
            Event::Restored { actor, generation } => {
                let text =
                    format!("{} is back from its snapshot (restart {generation})", self.actor(leg, actor));
                return Some((text, Weight::Alarm));
            }
            Event::Quality { received, sent, lost, jitter_us, foreign } => {
                words::quality(name, [*received, *sent, *lost, *jitter_us, *foreign])
            }
            Event::Ended { cause, by } => {
                return Some((words::ended(name, leg == 0, cause, *by), Weight::End));
            }
        };
        Some((plain, Weight::Plain))
    }

    fn media(&mut self, leg: usize, event: &Event) -> String {
        let name = self.name(leg);
        match event {
            Event::Negotiated { codec, media } => {
                self.announced.insert(leg, *media);
                format!("agreed with {name}: {codec}, sound to {media}")
            }
            Event::MediaLearnt { media } if self.announced.get(&leg) == Some(media) => {
                format!("{name}’s sound comes from {media}, as announced")
            }
            Event::MediaLearnt { media } => {
                self.announced.insert(leg, *media);
                format!("{name}’s sound comes from {media}: it goes there from now on")
            }
            _ => String::new(),
        }
    }

    /// Both legs tell of it: the second one adds nothing.
    fn bridge(&mut self, leg: usize, event: &Event) -> Option<String> {
        if let Event::Bridged { with } = event {
            let Some(&other) = self.places.get(with) else {
                self.joined.remove(&leg);
                return Some(format!("{} is joined with another call’s {with}", self.name(leg)));
            };
            if self.joined.insert(leg, other) == Some(other) {
                return None;
            }
            self.joined.insert(other, leg);
            return Some(format!("{} and {} are joined", self.name(leg), self.name(other)));
        }
        let other = self.joined.remove(&leg)?;
        self.joined.remove(&other);
        Some(format!("{} and {} are parted", self.name(leg), self.name(other)))
    }

    /// `leg CA…` as people would say it.
    fn actor(&self, leg: usize, actor: &str) -> String {
        match actor.split_whitespace().next().unwrap_or_default() {
            "leg" => format!("the leg of {}", self.name(leg)),
            "script" => format!("the script of {}", self.name(leg)),
            "" => "an actor".to_owned(),
            kind => format!("the {kind}"),
        }
    }
}

fn is_invited(leg: &LegTrace) -> bool {
    leg.entries.iter().any(|entry| matches!(&entry.event, Event::Sent { message, .. } if message == "INVITE"))
}
