//! When one session reports, and what it learnt from the other end's reports.
//! Must never be in step with other sessions: the interval is drawn from the source number.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::write::{Block, LIMIT, Report, write};
use super::{middle, ntp, read};
use crate::moment::Moment;
use crate::rtp::{OutputClock, Reception};

/// The mean time between two reports (RFC 3550 §6.2).
const INTERVAL: Duration = Duration::from_secs(5);
/// A round trip above this is a fault of arithmetic or of the other end.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(60);

/// What we have sent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// RTP packets.
    pub packets: u64,
    /// Octets of payload.
    pub octets: u64,
}

/// The RTCP side of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reporter {
    due: Option<Moment>,
    drawn: u32,
    packets_reported: u64,
    /// Middle 32 bits of the last sender report received, and when.
    sender_report: Option<(u32, Moment)>,
    address: Option<SocketAddr>,
    round_trip_us: Option<u32>,
    fraction_lost: Option<u8>,
    jitter: Option<u32>,
}

impl Reporter {
    /// Reports from now on; the first report comes after half an interval (RFC 3550 §6.2).
    pub fn begin(&mut self, ssrc: u32, now: Moment) {
        if self.due.is_none() {
            self.due = Some(now + self.draw(ssrc) / 2);
        }
    }

    /// When the next report is due.
    pub const fn deadline(&self) -> Option<Moment> {
        self.due
    }

    /// From where the other end's reports come, once one came.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// The last measured round trip in microseconds.
    pub const fn round_trip_us(&self) -> Option<u32> {
        self.round_trip_us
    }

    /// Loss (1/256) and jitter (ticks) of our stream, as the other end reports them.
    pub const fn heard(&self) -> (Option<u8>, Option<u32>) {
        (self.fraction_lost, self.jitter)
    }

    /// Takes a compound packet from the other end.
    pub fn take(&mut self, datagram: &[u8], from: SocketAddr, ssrc: u32, now: Moment) {
        let Some(digest) = read(datagram, ssrc) else { return };
        self.address = Some(from);
        if let Some(sender) = digest.sender {
            self.sender_report = Some((sender.sent_at, now));
        }
        let Some(heard) = digest.heard else { return };
        self.fraction_lost = Some(heard.fraction_lost);
        self.jitter = Some(heard.jitter);
        if heard.last_report == 0 {
            return;
        }
        // Time of arrival, less the report's time, less how long it was held (RFC 3550 §6.4.1).
        let spent = middle(ntp(now)).wrapping_sub(heard.last_report).wrapping_sub(heard.delay);
        let micros = u64::from(spent) * 1_000_000 / 65_536;
        if Duration::from_micros(micros) <= MAX_ROUND_TRIP {
            self.round_trip_us = Some(micros as u32);
        }
    }

    /// Writes the report that is due, or the last one, and draws the time of the next; returns its length.
    pub fn report(
        &mut self,
        clock: &OutputClock,
        sent: Outgoing,
        reception: &mut Reception,
        goodbye: bool,
        now: Moment,
        out: &mut [u8; LIMIT],
    ) -> usize {
        self.due = Some(now + self.draw(clock.ssrc()));
        let (last_report, delay) = self.sender_report.map_or((0, 0), |(sent_at, came)| {
            (sent_at, u32::try_from((now.since(came).as_micros() << 16) / 1_000_000).unwrap_or(u32::MAX))
        });
        let block = reception.ssrc().zip(reception.report()).map(|(ssrc, loss)| Block {
            ssrc,
            fraction_lost: loss.fraction,
            lost: loss.total,
            highest: loss.highest,
            jitter: reception.jitter(),
            last_report,
            delay,
        });
        // Whoever sent nothing since the last report is a receiver (RFC 3550 §6.4).
        let is_sender = sent.packets > self.packets_reported;
        self.packets_reported = sent.packets;
        let report = Report {
            ssrc: clock.ssrc(),
            sent: is_sender.then(|| (clock.timestamp(now), sent.packets as u32, sent.octets as u32)),
            block,
            goodbye,
        };
        write(&report, now, out)
    }

    /// An interval of half to one and a half times the mean (RFC 3550 §6.3.1).
    fn draw(&mut self, ssrc: u32) -> Duration {
        self.drawn = self.drawn.wrapping_add(1);
        let mixed = (ssrc ^ self.drawn.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35);
        let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x9E37_79B1);
        INTERVAL / 2 + INTERVAL.mul_f64(f64::from(mixed) / f64::from(u32::MAX))
    }
}
