//! What a session sends: forwarded packets, frames of its own, reports.
//! Must never show a receiver that the source has changed but by the marker: every packet is stamped by one clock.

use std::net::SocketAddr;
use std::time::Duration;

use super::receive::{Heard, Kind};
use super::voice::FRAME;
use super::{Event, Session};
use crate::asset::Asset;
use crate::moment::Moment;
use crate::rtcp::{LIMIT, Outgoing};
use crate::rtp::{Header, Stamp};

/// A bridge that is quiet for this long gets one frame of silence, so that address translators keep the way open
/// (RFC 6263 §4).
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// By which socket a datagram leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The RTP socket.
    Rtp,
    /// The RTCP socket.
    Rtcp,
}

/// A datagram in the caller's buffer that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// By which socket.
    pub channel: Channel,
    /// To whom.
    pub to: SocketAddr,
    /// How many octets of the buffer.
    pub length: usize,
}

impl Session {
    /// Writes what another session (or this one, for an echo) heard, as a packet of this session's stream.
    /// `None` if nothing is to be sent or the packet has no meaning for the other end.
    pub fn forward(&mut self, heard: &Heard<'_>, now: Moment, out: &mut [u8]) -> Option<Transmit> {
        let to = self.destination_or_cut()?;
        if self.gives_way(heard, now) {
            return None;
        }
        let remote = self.remote.as_ref()?;
        let codec = remote.codec;
        let payload_type = match heard.kind {
            Kind::Audio(_) => Some(remote.send_payload_type),
            Kind::Event => remote.events.map(|events| events.send),
            Kind::Comfort => None,
        };
        let Some(payload_type) = payload_type else {
            self.clock.omit(&heard.place);
            return None;
        };
        let space = out.len().checked_sub(Header::LENGTH)?;
        if heard.payload.len() > space {
            return None;
        }
        let stamp = self.clock.forward(&heard.place, now)?;
        let room = self.header(payload_type, stamp).write(out)?;
        let written = match heard.kind {
            Kind::Audio(from) if from != codec => from.transcode(codec, heard.payload, room),
            _ => {
                room.get_mut(..heard.payload.len())?.copy_from_slice(heard.payload);
                heard.payload.len()
            }
        };
        self.counters.sent.count(written);
        Some(Transmit { channel: Channel::Rtp, to, length: Header::LENGTH + written })
    }

    /// Does what is due; `asset` is the prompt that [`Session::asset_key`] asks for. Call it until it gives `None`.
    pub fn poll(&mut self, now: Moment, asset: Option<&Asset>, out: &mut [u8]) -> Option<Transmit> {
        while self.take_tick(now) {
            let transmit = if self.dialling.is_busy() {
                self.dial(now, out)
            } else {
                let mut frame = [0; FRAME];
                self.fill_frame(asset, &mut frame);
                self.send_frame(&frame, now, out)
            };
            if transmit.is_some() {
                return transmit;
            }
        }
        if self.keep_alive_at().is_some_and(|due| due <= now) {
            self.quiet_since = now;
            self.clock.cut();
            let transmit = self.send_frame(&[0; FRAME], now, out);
            self.clock.cut();
            return transmit;
        }
        self.expire_tap(now);
        if self.vigil.expire(now) {
            self.tell(Event::MediaTimeout { session: self.id });
        }
        if self.reporter.deadline().is_some_and(|due| due <= now) {
            return self.report(false, now, out);
        }
        None
    }

    /// Writes the last report, with a goodbye (RFC 3550 §6.6).
    pub fn farewell(&mut self, now: Moment, out: &mut [u8]) -> Option<Transmit> {
        self.reporter.deadline()?;
        self.report(true, now, out)
    }

    /// Counts a datagram that the socket did not take.
    pub const fn note_unsent(&mut self) {
        self.counters.unsent += 1;
    }

    /// When a quiet bridge needs a frame.
    pub(super) fn keep_alive_at(&self) -> Option<Moment> {
        self.source().and(self.destination())?;
        let last = self.clock.last_sent().unwrap_or(self.quiet_since);
        Some(last.max(self.quiet_since) + KEEP_ALIVE)
    }

    pub(super) fn send_frame(
        &mut self,
        frame: &[i16; FRAME],
        now: Moment,
        out: &mut [u8],
    ) -> Option<Transmit> {
        let to = self.destination_or_cut()?;
        let remote = self.remote.as_ref()?;
        let (codec, payload_type) = (remote.codec, remote.send_payload_type);
        if out.len() < Header::LENGTH + FRAME {
            return None;
        }
        let stamp = self.clock.make(FRAME as u32, now);
        let room = self.header(payload_type, stamp).write(out)?;
        let written = codec.encode(frame, room);
        self.counters.sent.count(written);
        Some(Transmit { channel: Channel::Rtp, to, length: Header::LENGTH + written })
    }

    /// Writes a packet with this payload.
    pub(super) fn write(
        &mut self,
        payload_type: u8,
        stamp: Stamp,
        payload: &[u8],
        out: &mut [u8],
    ) -> Option<Transmit> {
        let to = self.destination()?;
        let room = self.header(payload_type, stamp).write(out)?;
        room.get_mut(..payload.len())?.copy_from_slice(payload);
        self.counters.sent.count(payload.len());
        Some(Transmit { channel: Channel::Rtp, to, length: Header::LENGTH + payload.len() })
    }

    /// Where RTP goes; while there is no such place, time passes and the stream is interrupted.
    pub(super) fn destination_or_cut(&mut self) -> Option<SocketAddr> {
        let destination = self.destination();
        if destination.is_none() {
            self.clock.cut();
        }
        destination
    }

    fn report(&mut self, goodbye: bool, now: Moment, out: &mut [u8]) -> Option<Transmit> {
        let out = out.first_chunk_mut::<LIMIT>()?;
        let sent = Outgoing { packets: self.counters.sent.packets, octets: self.counters.sent.octets };
        let length = self.reporter.report(&self.clock, sent, &mut self.reception, goodbye, now, out);
        let remote = self.remote.as_ref()?;
        let (channel, to) = if remote.rtcp == remote.rtp {
            (Channel::Rtp, self.lock.destination()?)
        } else {
            (Channel::Rtcp, self.reporter.address().unwrap_or(remote.rtcp))
        };
        let is_absent = to.ip().is_unspecified() || to.port() == 0;
        (!is_absent).then_some(Transmit { channel, to, length })
    }

    fn header(&self, payload_type: u8, stamp: Stamp) -> Header {
        let Stamp { sequence, timestamp, marker } = stamp;
        Header { marker, payload_type, sequence, timestamp, ssrc: self.clock.ssrc() }
    }
}
