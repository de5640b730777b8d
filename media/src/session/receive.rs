//! What a session does with a packet that came.
//! Must never pass on what a stranger sent, or what came twice.

use std::net::SocketAddr;

use super::{Event, Remote, Session};
use crate::codec::Codec;
use crate::dtmf::{Key, Report};
use crate::moment::Moment;
use crate::rtp::{Arrival, Incoming, Packet, Verdict, is_rtcp};

/// The payload type of comfort noise (RFC 3389 §4).
const COMFORT_NOISE: u8 = 13;

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sound.
    Audio(Codec),
    /// A telephone event (RFC 4733).
    Event,
    /// Comfort noise (RFC 3389).
    Comfort,
}

/// A packet from the locked source, for those who send what this session receives.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// What it carries.
    pub kind: Kind,
    /// Its place in its stream.
    pub place: Incoming,
    /// The key whose press it is the first to tell.
    pub press: Option<Key>,
    /// What the codec reads.
    pub payload: &'a [u8],
}

impl Session {
    /// Takes a datagram from the RTP socket (RTCP on the same port included); gives what is to be passed on.
    pub fn receive<'a>(&mut self, datagram: &'a [u8], from: SocketAddr, now: Moment) -> Option<Heard<'a>> {
        if is_rtcp(datagram) {
            self.receive_rtcp(datagram, from, now);
            return None;
        }
        let known = self.remote.as_ref().zip(Packet::parse(datagram));
        let known =
            known.and_then(|(remote, packet)| Some((remote.kind(packet.header.payload_type)?, packet)));
        let Some((kind, packet)) = known else {
            self.count_unusable(from);
            return None;
        };
        match self.lock.judge(from, packet.header.ssrc, now) {
            Verdict::Accepted => {}
            Verdict::Learnt => self.tell(Event::Learnt { session: self.id, address: from }),
            Verdict::Pending => return None,
            Verdict::Stranger => {
                self.counters.foreign += 1;
                return None;
            }
        }
        self.counters.received.count(packet.payload.len());
        if self.vigil.note(now) {
            self.tell(Event::MediaResumed { session: self.id });
        }
        let arrival = self.reception.register(&packet.header, matches!(kind, Kind::Audio(_)), now);
        if !self.receive {
            self.reception.interrupt();
            return None;
        }
        let Arrival::Fresh(sequence) = arrival else { return None };
        let header = packet.header;
        let mut place = Incoming {
            stream: self.reception.stream(),
            sequence,
            timestamp: header.timestamp,
            marker: header.marker,
            samples: matches!(kind, Kind::Audio(_)).then_some(packet.payload.len() as u32),
        };
        let report = Report::read(packet.payload).filter(|_| kind == Kind::Event);
        let press = report.and_then(|report| self.presses.take(report, header.timestamp, header.marker));
        if report.is_some_and(|report| Key::from_event(report.event).is_some()) {
            // Senders set it on each packet, or it was lost with the first one: what counts is what is new to us.
            place.marker = press.is_some();
        }
        if let Some(key) = press {
            self.tell(Event::Digit { session: self.id, digit: key.digit() });
        }
        Some(Heard { kind, place, press, payload: packet.payload })
    }

    /// Takes a datagram from the RTCP socket. Only the host of the other end is listened to.
    pub fn receive_rtcp(&mut self, datagram: &[u8], from: SocketAddr, now: Moment) {
        let is_signalled = self.remote.as_ref().is_some_and(|remote| remote.rtcp == from);
        let is_locked = self.lock.address().is_some_and(|locked| locked.ip() == from.ip());
        if is_signalled || is_locked {
            self.reporter.take(datagram, from, self.clock.ssrc(), now);
        } else {
            self.counters.foreign += 1;
        }
    }

    fn count_unusable(&mut self, from: SocketAddr) {
        if self.lock.address() == Some(from) || self.remote.is_none() {
            self.counters.unusable += 1;
        } else {
            self.counters.foreign += 1;
        }
    }
}

impl Remote {
    /// What a received payload type carries; `None` if it was not agreed.
    fn kind(&self, payload_type: u8) -> Option<Kind> {
        if payload_type == self.receive_payload_type {
            Some(Kind::Audio(self.codec))
        } else if self.events.is_some_and(|events| events.receive == payload_type) {
            Some(Kind::Event)
        } else {
            (payload_type == COMFORT_NOISE).then_some(Kind::Comfort)
        }
    }
}
