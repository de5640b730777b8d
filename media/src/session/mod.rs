//! The pure RTP session: the media side of one leg as a value.
//! Must never touch a socket, a clock or another session: whoever drives it passes packets and time in.
//!
//! What comes in: [`Session::apply`], [`Session::receive`], [`Session::forward`] (what another session received),
//! [`Session::poll`] when [`Session::deadline`] has come. What goes out: datagrams, written into the caller's buffer
//! and described by a [`Transmit`], and events by [`Session::poll_event`].

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::moment::Moment;
use crate::player::Playback;
use crate::rtcp::Reporter;
use crate::rtp::{OutputClock, Reception, SourceLock};

mod dialling;
mod event;
mod forwarding;
mod keys;
mod plan;
mod receive;
mod stats;
mod tapping;
mod transmit;
mod vigil;
mod voice;

pub use event::Event;
pub use forwarding::Forwarding;
pub use plan::{ClockSeed, EventTypes, Keys, Plan, Remote, SessionId, Source};
pub use receive::{Heard, Kind};
pub use stats::Stats;
pub use transmit::{Channel, Transmit};

use dialling::Dialling;
use keys::Listening;
use stats::Counters;
use tapping::Tapping;
use vigil::Vigil;
use voice::Voice;

/// Events that wait at most; more can only come from a driver that never asks for them.
const PENDING: usize = 64;

/// The media side of one leg. All of its state is here, and survives as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    id: SessionId,
    generation: u64,
    remote: Option<Remote>,
    send: bool,
    receive: bool,
    voice: Voice,
    /// The last player: it outlives a change of the voice, so that its activity can go on or be known as ended.
    playback: Option<Playback>,
    #[serde(default)]
    dialling: Dialling,
    /// When the next frame made here is due.
    tick: Option<Moment>,
    clock: OutputClock,
    lock: SourceLock,
    reception: Reception,
    #[serde(default)]
    listening: Listening,
    #[serde(default)]
    tapping: Option<Tapping>,
    reporter: Reporter,
    vigil: Vigil,
    counters: Counters,
    /// From when on silence counts towards a keep-alive.
    quiet_since: Moment,
    events: VecDeque<Event>,
}

impl Session {
    /// A session that neither sends nor receives until a plan is applied.
    pub fn new(id: SessionId, seed: ClockSeed, timeout: Option<Duration>, now: Moment) -> Self {
        Session {
            id,
            generation: 0,
            remote: None,
            send: false,
            receive: false,
            voice: Voice::Silence,
            playback: None,
            dialling: Dialling::default(),
            tick: None,
            clock: OutputClock::new(seed.ssrc, seed.sequence, seed.timestamp),
            lock: SourceLock::default(),
            reception: Reception::default(),
            listening: Listening::default(),
            tapping: None,
            reporter: Reporter::default(),
            vigil: Vigil::new(timeout),
            counters: Counters::default(),
            quiet_since: now,
            events: VecDeque::new(),
        }
    }

    /// Its name.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Brings the session into the condition wanted. A plan of an older generation is refused with an event,
    /// and `false`.
    pub fn apply(&mut self, plan: &Plan, generation: u64, now: Moment) -> bool {
        if generation < self.generation {
            self.tell(Event::Refused { session: self.id, generation, seen: self.generation });
            return false;
        }
        self.generation = generation;
        self.meet(plan, now);
        if self.receive != plan.receive {
            self.receive = plan.receive;
            self.reception.interrupt();
        }
        if self.send != plan.send {
            self.send = plan.send;
            self.clock.cut();
        }
        self.speak(&plan.source);
        self.press(plan.keys.as_ref());
        self.tap(plan.tap.as_ref(), now);
        self.vigil.watch(self.receive && self.remote.is_some(), now);
        self.quiet_since = now;
        self.set_ticking(now);
        true
    }

    /// Goes on from a saved state in another process: skips the numbers that may have been used since.
    pub fn resume(&mut self, now: Moment) {
        // One that is not known to have sent anything may have begun right after it was saved.
        let last = self.clock.last_sent().unwrap_or(self.quiet_since);
        self.clock.leap(now.since(last));
        self.reception.interrupt();
        self.vigil.restart(now);
        self.quiet_since = now;
        self.tick = None;
        self.set_ticking(now);
    }

    /// The session whose packets this one sends.
    pub const fn source(&self) -> Option<SessionId> {
        match self.voice {
            Voice::Session(source) => Some(source),
            Voice::Echo => Some(self.id),
            Voice::Silence | Voice::Player | Voice::Tone { .. } => None,
        }
    }

    /// The session that this one sends from has been opened anew: its packets begin another stream.
    pub fn renew_source(&mut self) {
        self.clock.cut();
    }

    /// The key of the prompt that is being played.
    pub fn asset_key(&self) -> Option<&str> {
        self.playback.as_ref().filter(|_| self.voice == Voice::Player).map(Playback::key)
    }

    /// When [`Session::poll`] has something to do; it may move later without notice.
    pub fn deadline(&self) -> Option<Moment> {
        let due = [
            self.tick,
            self.reporter.deadline(),
            self.vigil.deadline(),
            self.keep_alive_at(),
            self.tap_deadline(),
        ];
        due.into_iter().flatten().min()
    }

    /// The next event, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// All counters of this moment.
    pub fn stats(&self) -> Stats {
        let (fraction_lost, jitter) = self.reporter.heard();
        Stats {
            ssrc: self.clock.ssrc(),
            remote_ssrc: self.reception.ssrc(),
            locked: self.lock.address(),
            packets_sent: self.counters.sent.packets,
            octets_sent: self.counters.sent.octets,
            packets_received: self.counters.received.packets,
            octets_received: self.counters.received.octets,
            lost: self.reception.lost(),
            duplicates: self.reception.duplicates(),
            foreign: self.counters.foreign,
            unusable: self.counters.unusable,
            unsent: self.counters.unsent,
            jitter_us: self.reception.jitter_us(),
            max_gap_ms: self.reception.max_gap_ms(),
            round_trip_us: self.reporter.round_trip_us(),
            remote_fraction_lost: fraction_lost,
            remote_jitter_us: jitter.map(|ticks| ticks.saturating_mul(125)),
        }
    }

    /// Takes over what a plan says of the other end.
    fn meet(&mut self, plan: &Plan, now: Moment) {
        let codec = |remote: &Option<Remote>| remote.as_ref().map(|remote| remote.codec);
        if codec(&self.remote) != codec(&plan.remote) {
            self.clock.cut();
        }
        if self.remote != plan.remote {
            self.remote.clone_from(&plan.remote);
        }
        if let Some(remote) = &self.remote {
            self.lock.open(plan.round, remote.rtp, now);
            self.reporter.begin(self.clock.ssrc(), now);
        }
    }

    /// Where RTP goes at present, if anything is to be sent.
    fn destination(&self) -> Option<SocketAddr> {
        let remote = self.remote.as_ref().filter(|_| self.send)?;
        let is_absent = remote.rtp.ip().is_unspecified() || remote.rtp.port() == 0;
        self.lock.destination().filter(|_| !is_absent)
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() >= PENDING {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

#[cfg(test)]
mod tests;
