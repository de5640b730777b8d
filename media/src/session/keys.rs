//! Keys in both directions: presses of the other end, and what is dialled to it.
//! Must never tell a press in two ways: sound is listened to only where no events are agreed.

use serde::{Deserialize, Serialize};

use super::dialling::Step;
use super::receive::{Heard, Kind};
use super::transmit::Transmit;
use super::voice::FRAME;
use super::{Event, Keys, Session};
use crate::codec::Codec;
use crate::dtmf::{Ear, Key, Presses, Report};
use crate::moment::Moment;
use crate::rtp::{Header, Incoming};

/// Presses of the other end's keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listening {
    pub(super) presses: Presses,
    ear: Ear,
    /// The stream that the ear follows, and the next packet of it.
    stream: u32,
    next: u64,
}

impl Session {
    /// Looks for keys in what was received: the packet of an event that is the first of its press is marked, no other.
    pub(super) fn listen(&mut self, kind: Kind, place: &mut Incoming, payload: &[u8]) -> Option<Key> {
        let press = match kind {
            Kind::Audio(codec) if !self.has_events() => self.listening.follow(codec, place, payload),
            Kind::Event => {
                let report = Report::read(payload)?;
                let press = self.listening.presses.take(report, place.timestamp, place.marker);
                if Key::from_event(report.event).is_some() {
                    place.marker = press.is_some();
                }
                press
            }
            Kind::Audio(_) | Kind::Comfort => None,
        };
        if let Some(key) = press {
            self.tell(Event::Digit { session: self.id, digit: key.digit() });
        }
        press.filter(|_| kind == Kind::Event)
    }

    /// Takes up the keys of a plan; ones that were sent before are told again.
    pub(super) fn press(&mut self, keys: Option<&Keys>) {
        self.dialling.take(keys);
        if let Some(activity) = keys.and(self.dialling.ended()) {
            self.tell(Event::KeysSent { session: self.id, activity });
        }
    }

    /// Whether a packet of the other leg gives way to keys that are dialled here. A press that would be lost by that,
    /// or that this end can only hear, is dialled here too.
    pub(super) fn gives_way(&mut self, heard: &Heard<'_>, now: Moment) -> bool {
        let is_stroking = self.dialling.is_stroking();
        if let Some(key) = heard.press.filter(|_| is_stroking || !self.has_events()) {
            self.dialling.pass(key);
            self.set_ticking(now);
        }
        is_stroking
    }

    /// Does the next step of what is dialled; it waits while nothing can be sent.
    pub(super) fn dial(&mut self, now: Moment, out: &mut [u8]) -> Option<Transmit> {
        self.destination_or_cut()?;
        let step = self.dialling.step();
        let transmit = step.and_then(|step| self.send_step(step, now, out));
        if let Some(activity) = self.dialling.end() {
            self.tell(Event::KeysSent { session: self.id, activity });
        }
        self.set_ticking(now);
        transmit
    }

    fn send_step(&mut self, step: Step, now: Moment, out: &mut [u8]) -> Option<Transmit> {
        let mut frame = [0; FRAME];
        match step {
            Step::Tone { key, start, is_last, .. } if self.has_events() => {
                self.send_report(key, step.duration(), is_last, start, now, out)
            }
            Step::Pause { key, start: Some(start), is_told: true } if self.has_events() => {
                self.send_report(key, step.duration(), true, Some(start), now, out)
            }
            Step::Tone { key, step, .. } => {
                key.fill(u64::from(step) * FRAME as u64, &mut frame);
                self.send_frame(&frame, now, out)
            }
            // What the other leg says fills the time between the keys by itself.
            Step::Wait if !self.voice.is_made() => None,
            Step::Pause { .. } if !self.voice.is_made() && self.has_events() => None,
            Step::Pause { .. } | Step::Wait => self.send_frame(&frame, now, out),
        }
    }

    fn send_report(
        &mut self,
        key: Key,
        duration: u16,
        is_end: bool,
        start: Option<u32>,
        now: Moment,
        out: &mut [u8],
    ) -> Option<Transmit> {
        let types = self.remote.as_ref()?.events?;
        let report = Report { event: key.event(), is_end, duration };
        out.get(Header::LENGTH + Report::LENGTH)?;
        let stamp = self.clock.report(start, FRAME as u32, now);
        self.dialling.note_start(stamp.timestamp);
        self.write(types.send, stamp, &report.octets(), out)
    }

    /// Whether both ends speak telephone events.
    pub(super) fn has_events(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.events.is_some())
    }
}

impl Listening {
    /// Hears sound in its order; what comes late is left out.
    fn follow(&mut self, codec: Codec, place: &Incoming, payload: &[u8]) -> Option<Key> {
        if place.stream == self.stream && place.sequence < self.next {
            return None;
        }
        (self.stream, self.next) = (place.stream, place.sequence + 1);
        let mut told = None;
        for octets in payload.chunks(FRAME) {
            let mut frame = [0; FRAME];
            let samples = frame.get_mut(..octets.len()).unwrap_or_default();
            codec.decode(octets, samples);
            told = told.or(self.ear.hear(samples));
        }
        told
    }
}
