//! The loop of one media thread: packets, commands, deadlines, in rounds.
//! Must never allocate, lock or log for a packet, and never decide anything about one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::deadlines::Deadlines;
use super::desk::Desk;
use super::switchboard::{Line, Switchboard};
use super::{Command, Destination, EventSink, Moving, PortPair, clock};
use crate::moment::{Moment, earliest};
use crate::session::{Channel, Event, Plan, Session, SessionId, Source};

/// Octets of a datagram; audio packets are far shorter, and longer ones are none.
const DATAGRAM: usize = 2048;
/// Sockets that are looked at in one round.
const ROUND: usize = 2048;
/// Datagrams that are read from one socket in one round, when they have piled up.
const PILE: u32 = 32;
/// Commands that are carried out in one round.
const ERRANDS: usize = 512;
/// A tenth of the lines is published at a time, so that none is older than a second.
const PUBLISH: Duration = Duration::from_millis(100);
const SHARES: usize = 10;
/// What epoll says when the bell rings.
const BELL: u64 = u64::MAX;

/// One run of the loop over a switchboard that outlives it.
pub(super) struct Worker<'a> {
    desk: &'a Desk,
    switchboard: &'a mut Switchboard,
    rest: Duration,
    epoll: Epoll,
    deadlines: Deadlines,
    incoming: Box<[u8; DATAGRAM]>,
    outgoing: Box<[u8; DATAGRAM]>,
    round: u64,
    share: usize,
    publish_at: Moment,
}

impl<'a> Worker<'a> {
    /// Takes over a switchboard: listens to its sockets, sets its deadlines.
    pub(super) fn adopt(
        desk: &'a Desk,
        switchboard: &'a mut Switchboard,
        rest: Duration,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&desk.bell, EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        let now = clock::now();
        let mut deadlines = Deadlines::default();
        let places: Vec<usize> = switchboard.lines().map(|(place, _)| place).collect();
        for place in places {
            let Some(line) = switchboard.line(place) else { continue };
            watch(&epoll, place, &line.sockets)?;
            line.armed = Some(now);
            deadlines.set(now, place);
        }
        let (incoming, outgoing) = (Box::new([0; DATAGRAM]), Box::new([0; DATAGRAM]));
        let (round, share, publish_at) = (1, 0, now);
        Ok(Worker { desk, switchboard, rest, epoll, deadlines, incoming, outgoing, round, share, publish_at })
    }

    /// Works until the desk closes.
    pub(super) fn run(&mut self) -> io::Result<()> {
        let mut ready = vec![EpollEvent::empty(); ROUND];
        while !self.desk.is_closing() {
            let found = match self.epoll.wait(&mut ready, self.timeout()) {
                Err(nix::errno::Errno::EINTR) => continue,
                found => found?,
            };
            self.round += 1;
            if self.desk.is_held() && self.desk.commands.is_empty() {
                self.switchboard.lines().for_each(|(_, line)| line.publish_now());
                self.desk.stand();
                continue;
            }
            let now = clock::now();
            self.desk.hear();
            // Commands first: a packet finds what was asked for before it came.
            let mut errands = 0;
            while errands < ERRANDS {
                let Some(command) = self.desk.commands.pop() else { break };
                // Sessions that go on do so together: a packet of one finds who listens to it.
                errands += usize::from(!matches!(command, Command::Continue { .. }));
                self.carry_out(command, now);
            }
            // More than one packet of a socket, or more sockets than fit into a round: we are behind, and do not rest.
            let (mut has_read, mut is_behind) = (false, found == ROUND);
            for token in ready.iter().take(found).map(EpollEvent::data) {
                if token == BELL {
                    let _ = self.desk.bell.read();
                } else {
                    is_behind |= self.read((token >> 1) as usize, channel(token), now) > 1;
                    has_read = true;
                }
            }
            self.meet_deadlines(now);
            self.publish(now);
            self.switchboard.current = None;
            if has_read && !is_behind {
                clock::rest(self.rest);
            }
        }
        self.switchboard.lines().for_each(|(_, line)| line.publish());
        Ok(())
    }

    fn timeout(&self) -> EpollTimeout {
        if !self.desk.commands.is_empty() || self.desk.is_held() {
            return EpollTimeout::ZERO;
        }
        let publish = (!self.switchboard.is_empty()).then_some(self.publish_at);
        let Some(next) = earliest(self.deadlines.next(), publish) else { return EpollTimeout::NONE };
        let millis = next.since(clock::now()).as_micros().div_ceil(1000);
        EpollTimeout::try_from(millis.min(60_000) as i32).unwrap_or(EpollTimeout::ZERO)
    }

    /// Reads a socket and forwards what is heard; returns how many datagrams there were.
    fn read(&mut self, place: usize, channel: Channel, now: Moment) -> u32 {
        self.switchboard.current = Some(place);
        let Some(line) = self.switchboard.line(place) else { return 0 };
        let read_in = match channel {
            Channel::Rtp => &mut line.read_in[0],
            Channel::Rtcp => &mut line.read_in[1],
        };
        // At one packet in 20 ms a second look would be for nothing; a socket that was ready just before has a pile.
        let most = if *read_in + 1 == self.round { PILE } else { 1 };
        *read_in = self.round;
        let mut count = 0;
        while count < most {
            let Some(line) = self.switchboard.line(place) else { break };
            let Ok((length, from)) = line.socket(channel).recv_from(&mut self.incoming[..]) else { break };
            count += 1;
            let Some(datagram) = self.incoming.get(..length).filter(|_| length < DATAGRAM) else { continue };
            let heard = match channel {
                Channel::Rtp => line.session.receive(datagram, from, now),
                Channel::Rtcp => {
                    line.session.receive_rtcp(datagram, from, now);
                    None
                }
            };
            if let Some((heard, ring)) = heard.as_ref().zip(line.ring.as_deref()) {
                line.session.record(heard, now, ring);
            }
            line.tell();
            let Some(heard) = heard else { continue };
            for index in 0.. {
                let Some(listener) = self.switchboard.listener(place, index) else { break };
                let Some(line) = self.switchboard.line(listener) else { continue };
                if let Some(transmit) = line.session.forward(&heard, now, &mut self.outgoing[..]) {
                    line.send(transmit, &self.outgoing[..]);
                }
                if heard.press.is_some() {
                    // It may have to be dialled there.
                    line.arm(listener, &mut self.deadlines);
                }
            }
        }
        self.arm(place);
        count
    }

    fn carry_out(&mut self, command: Command, now: Moment) {
        match command {
            Command::Open { session, sockets, clock, sink, timeout } => {
                if self.switchboard.place(session).is_none() {
                    self.open(Session::new(session, clock, timeout, now), sockets, sink, now);
                }
            }
            Command::Resume { snapshot, sockets, sink } => {
                if self.switchboard.place(snapshot.id()).is_none() {
                    let mut session = *snapshot;
                    session.resume(now);
                    self.open(session, sockets, sink, now);
                }
            }
            Command::Continue { snapshot, sockets, sink } => {
                if self.switchboard.place(snapshot.id()).is_none() {
                    self.proceed(*snapshot, sockets, sink, now);
                }
            }
            Command::Apply { session, generation, plan } => self.apply(session, generation, &plan, now),
            Command::Move { session, to } => self.hand_over(session, to, now),
            Command::Adopt(moving) => self.take_over(moving, now),
            Command::Close { session } => match self.switchboard.place(session) {
                Some(place) => self.close(place, now),
                None => self.misdirect(session),
            },
        }
    }

    fn open(&mut self, session: Session, sockets: Arc<PortPair>, sink: Arc<dyn EventSink>, now: Moment) {
        self.switchboard.renew_listeners(session.id());
        self.proceed(session, sockets, sink, now);
    }

    /// Goes on with a session in whose stream nothing is missing.
    fn proceed(&mut self, session: Session, sockets: Arc<PortPair>, sink: Arc<dyn EventSink>, now: Moment) {
        let copy = self.desk.list(&session);
        let place = self.switchboard.put(Line::new(session, Arc::clone(&sockets), sink, copy));
        self.switchboard.current = Some(place);
        if let Err(error) = watch(&self.epoll, place, &sockets) {
            tracing::error!(%error, "a session's sockets cannot be watched");
            self.close(place, now);
        } else {
            self.arm(place);
        }
    }

    fn apply(&mut self, session: SessionId, generation: u64, plan: &Plan, now: Moment) {
        let Some(place) = self.switchboard.place(session) else { return self.misdirect(session) };
        self.switchboard.current = Some(place);
        let Some(line) = self.switchboard.line(place) else { return };
        let before = line.session.source();
        if line.session.apply(plan, generation, now) {
            line.asset = match &plan.source {
                Source::Player { asset, .. } => Some(Arc::clone(asset)),
                _ => None,
            };
            line.ring = plan.tap.as_ref().map(|tap| Arc::clone(&tap.ring));
        }
        let after = line.session.source();
        line.tell();
        self.switchboard.relink(place, before, after);
        self.arm(place);
    }

    fn close(&mut self, place: usize, now: Moment) {
        self.switchboard.current = Some(place);
        let Some(mut line) = self.switchboard.take(place) else { return };
        // The port table keeps the sockets open: closing does not take them out of the set.
        for socket in [&line.sockets.rtp, &line.sockets.rtcp] {
            let _ = self.epoll.delete(socket);
        }
        line.session.close(now);
        if let Some(transmit) = line.session.farewell(now, &mut self.outgoing[..]) {
            line.send(transmit, &self.outgoing[..]);
        }
        self.desk.strike(line.session.id());
        line.tell();
        line.sink.event(Event::Closed { session: line.session.id(), stats: line.session.stats() });
    }

    /// Hands a session to another worker. One whose queue is full is asked again later: until then all stays as it is.
    fn hand_over(&mut self, session: SessionId, to: Destination, now: Moment) {
        let Some(place) = self.switchboard.place(session) else { return self.misdirect(session) };
        self.switchboard.current = Some(place);
        let Some(line) = self.switchboard.take(place) else { return };
        for socket in [&line.sockets.rtp, &line.sockets.rtcp] {
            let _ = self.epoll.delete(socket);
        }
        self.desk.strike(session);
        let Line { session: state, sockets, sink, asset, .. } = line;
        let moving = Moving { session: Box::new(state), sockets, sink, asset };
        match to.0.commands.push(Command::Adopt(moving)) {
            Ok(()) => to.0.ring(),
            Err(Command::Adopt(moving)) => {
                self.settle(moving, now);
                if self.desk.commands.push(Command::Move { session, to }).is_err() {
                    tracing::error!(
                        session = session.0,
                        "two media workers have too much to do: a session stays"
                    );
                }
            }
            Err(_) => {}
        }
    }

    fn take_over(&mut self, moving: Moving, now: Moment) {
        let (session, sink) = (moving.session.id(), Arc::clone(&moving.sink));
        self.settle(moving, now);
        sink.event(Event::Moved { session });
    }

    fn settle(&mut self, moving: Moving, now: Moment) {
        let Moving { session, sockets, sink, asset } = moving;
        let id = session.id();
        self.open(*session, sockets, sink, now);
        if let Some(line) = self.switchboard.place(id).and_then(|place| self.switchboard.line(place)) {
            line.asset = asset;
        }
    }

    fn misdirect(&self, session: SessionId) {
        self.desk.misdirected.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(session = session.0, "a command for a session that is not open");
    }

    fn meet_deadlines(&mut self, now: Moment) {
        while let Some((at, place)) = self.deadlines.take(now) {
            self.switchboard.current = Some(place);
            let Some(line) = self.switchboard.line(place).filter(|line| line.armed == Some(at)) else {
                continue;
            };
            line.armed = None;
            let asset = line.asset.clone();
            while let Some(transmit) = line.session.poll(now, asset.as_deref(), &mut self.outgoing[..]) {
                line.send(transmit, &self.outgoing[..]);
            }
            line.tell();
            self.arm(place);
        }
    }

    fn arm(&mut self, place: usize) {
        if let Some(line) = self.switchboard.line(place) {
            line.arm(place, &mut self.deadlines);
        }
    }

    fn publish(&mut self, now: Moment) {
        if now < self.publish_at {
            return;
        }
        self.publish_at = now + PUBLISH;
        self.share = (self.share + 1) % SHARES;
        let due = self.switchboard.lines().filter(|(place, _)| place % SHARES == self.share);
        due.for_each(|(_, line)| line.publish());
    }
}

fn watch(epoll: &Epoll, place: usize, sockets: &PortPair) -> io::Result<()> {
    for (socket, token) in [(&sockets.rtp, place as u64 * 2), (&sockets.rtcp, place as u64 * 2 + 1)] {
        epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, token))?;
    }
    Ok(())
}

fn channel(token: u64) -> Channel {
    if token & 1 == 0 { Channel::Rtp } else { Channel::Rtcp }
}
