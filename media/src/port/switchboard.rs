//! The lines of one worker: sessions with their sockets, and who listens to whom.
//! Must never be lost with a worker loop: the next loop takes it over as it is.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::sync::{Arc, PoisonError};

use super::deadlines::Deadlines;
use super::desk;
use super::{EventSink, PortPair};
use crate::asset::Asset;
use crate::moment::Moment;
use crate::session::{Channel, Session, SessionId, Transmit};
use crate::tap::Ring;

/// A session that is being driven.
pub(super) struct Line {
    pub(super) session: Session,
    pub(super) sockets: Arc<PortPair>,
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) copy: desk::Copy,
    /// The prompt of the session's player.
    pub(super) asset: Option<Arc<Asset>>,
    /// Where the session's tap leads.
    pub(super) ring: Option<Arc<Ring>>,
    /// Places of the lines that send what this one receives.
    pub(super) listeners: Vec<usize>,
    /// The deadline that is set.
    pub(super) armed: Option<Moment>,
    /// The rounds in which the sockets were last read.
    pub(super) read_in: [u64; 2],
    /// When the worker last panicked over this line.
    pub(super) faults: Vec<Moment>,
}

impl Line {
    pub(super) fn new(
        session: Session,
        sockets: Arc<PortPair>,
        sink: Arc<dyn EventSink>,
        copy: desk::Copy,
    ) -> Self {
        let (asset, ring, listeners, armed) = (None, None, Vec::new(), None);
        Line {
            session,
            sockets,
            sink,
            copy,
            asset,
            ring,
            listeners,
            armed,
            read_in: [0; 2],
            faults: Vec::new(),
        }
    }

    pub(super) fn socket(&self, channel: Channel) -> &UdpSocket {
        match channel {
            Channel::Rtp => &self.sockets.rtp,
            Channel::Rtcp => &self.sockets.rtcp,
        }
    }

    /// Sends a datagram; what the socket does not take is lost, as on any network.
    pub(super) fn send(&mut self, transmit: Transmit, buffer: &[u8]) {
        let datagram = buffer.get(..transmit.length).unwrap_or_default();
        if self.socket(transmit.channel).send_to(datagram, transmit.to).is_err() {
            self.session.note_unsent();
        }
    }

    /// Sets the deadline if it is earlier than the one that is set; a later one is found when that one fires.
    pub(super) fn arm(&mut self, place: usize, deadlines: &mut Deadlines) {
        let Some(deadline) = self.session.deadline() else { return };
        if self.armed.is_none_or(|armed| deadline < armed) {
            self.armed = Some(deadline);
            deadlines.set(deadline, place);
        }
    }

    /// Passes the session's events on.
    pub(super) fn tell(&mut self) {
        while let Some(event) = self.session.poll_event() {
            self.sink.event(event);
        }
    }

    /// Refreshes the copy that others read, whoever reads it just now.
    pub(super) fn publish_now(&self) {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.session);
    }

    /// Refreshes the copy that others read, unless somebody reads it just now.
    pub(super) fn publish(&self) {
        if let Ok(mut copy) = self.copy.try_lock() {
            copy.clone_from(&self.session);
        }
    }
}

/// All lines of a worker. A line keeps its place until it is taken off.
#[derive(Default)]
pub(super) struct Switchboard {
    lines: Vec<Option<Line>>,
    free: Vec<usize>,
    places: HashMap<SessionId, usize>,
    /// The line that is being looked at: the one to blame for a panic.
    pub(super) current: Option<usize>,
}

impl Switchboard {
    pub(super) fn place(&self, session: SessionId) -> Option<usize> {
        self.places.get(&session).copied()
    }

    pub(super) fn line(&mut self, place: usize) -> Option<&mut Line> {
        self.lines.get_mut(place)?.as_mut()
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().filter_map(|(place, line)| Some((place, line.as_ref()?)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place of one of those who listen to a line.
    pub(super) fn listener(&self, place: usize, index: usize) -> Option<usize> {
        self.lines.get(place)?.as_ref()?.listeners.get(index).copied()
    }

    /// A session is opened anew: for those who wait for its packets another stream begins.
    pub(super) fn renew_listeners(&mut self, id: SessionId) {
        let waiting = self.lines.iter_mut().flatten().filter(|line| line.session.source() == Some(id));
        waiting.for_each(|line| line.session.renew_source());
    }

    /// Puts a line up; those who wait for its packets are linked to it.
    pub(super) fn put(&mut self, mut line: Line) -> usize {
        let id = line.session.id();
        for (place, waiting) in self.lines.iter().enumerate() {
            if waiting.as_ref().is_some_and(|waiting| waiting.session.source() == Some(id)) {
                line.listeners.push(place);
            }
        }
        let source = line.session.source();
        let place = self.free.pop().unwrap_or(self.lines.len());
        match self.lines.get_mut(place) {
            Some(vacant) => *vacant = Some(line),
            None => self.lines.push(Some(line)),
        }
        self.places.insert(id, place);
        self.link(place, source);
        place
    }

    /// Takes a line off.
    pub(super) fn take(&mut self, place: usize) -> Option<Line> {
        let line = self.lines.get_mut(place)?.take()?;
        self.places.remove(&line.session.id());
        self.unlink(place, line.session.source());
        self.free.push(place);
        Some(line)
    }

    /// Lets a line hear another source.
    pub(super) fn relink(&mut self, place: usize, before: Option<SessionId>, after: Option<SessionId>) {
        if before != after {
            self.unlink(place, before);
            self.link(place, after);
        }
    }

    fn link(&mut self, place: usize, source: Option<SessionId>) {
        let source = source.and_then(|source| self.place(source));
        if let Some(source) = source.and_then(|source| self.line(source)) {
            source.listeners.push(place);
        }
    }

    fn unlink(&mut self, place: usize, source: Option<SessionId>) {
        let source = source.and_then(|source| self.place(source));
        if let Some(source) = source.and_then(|source| self.line(source)) {
            source.listeners.retain(|listener| *listener != place);
        }
    }
}
