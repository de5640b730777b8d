//! The sockets that a parent keeps for a switch, and its conversation with the one that runs.
//! It must never know what a socket is for, wait for the switch, or hold more than its limit.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::Pid;

use super::parcel::{self, Broken, Heir, Name, Wish};

/// Bytes of words that may wait in the channel: some thousands of them. The kernel may grant less.
const BUFFER: usize = 1 << 20;

/// Words that are heard in one go: signals and deaths are looked for in between.
const AT_ONCE: usize = 1_024;

/// What a parent keeps.
#[derive(Debug)]
pub struct Store {
    held: BTreeMap<Name, Arc<OwnedFd>>,
    limit: usize,
    refused: usize,
    heir: Option<Heir>,
}

/// The parent's end of the channel to one switch.
#[derive(Debug)]
pub struct Channel {
    socket: OwnedFd,
    due: VecDeque<Vec<(Name, Arc<OwnedFd>)>>,
    has_ended: bool,
}

/// How a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// There may be more.
    Some,
    /// Nothing is left for now.
    All,
    /// The switch has closed its end.
    Closed,
}

/// Why a conversation is ended. What was kept until then is kept.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// It sent something that is no word.
    #[error("the switch sent {0}")]
    Broken(String),
    /// The channel failed.
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl From<Broken> for ChannelError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken.to_string())
    }
}

impl Store {
    /// An empty one for at most `limit` sockets.
    pub fn new(limit: usize) -> Self {
        Self { held: BTreeMap::new(), limit, refused: 0, heir: None }
    }

    /// How many sockets are kept.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Sockets beyond the limit that were not kept since this was asked last.
    pub fn refused(&mut self) -> usize {
        std::mem::take(&mut self.refused)
    }

    /// The process that has taken the place of the switch that runs, if one has.
    pub fn successor(&self) -> Option<Pid> {
        self.heir.as_ref().and_then(|heir| Pid::from_raw(heir.process))
    }

    /// Who has taken the place of the switch that runs, since this was asked last.
    pub fn heir(&mut self) -> Option<Heir> {
        self.heir.take()
    }

    /// A channel to a switch that is to be started, and the switch's end: everything that is kept is due there.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub fn open(&self) -> io::Result<(Channel, OwnedFd)> {
        let (socket, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        for end in [&socket, &other] {
            set_socket_send_buffer_size(end, BUFFER)?;
            set_socket_recv_buffer_size(end, BUFFER)?;
        }
        let all: Vec<_> = self.held.iter().map(|(name, socket)| (name.clone(), socket.clone())).collect();
        let due = all.chunks(parcel::MOST).map(<[_]>::to_vec).collect();
        Ok((Channel { socket, due, has_ended: false }, other))
    }

    /// The names of what is kept, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.held.keys().map(AsRef::as_ref)
    }

    pub(super) fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Keep(name, socket) => {
                if self.held.len() < self.limit || self.held.contains_key(&name) {
                    self.held.insert(name, Arc::new(socket));
                } else {
                    self.refused += 1;
                }
            }
            Wish::Forget(name) => drop(self.held.remove(&name)),
            Wish::Heir(heir) => self.heir = Some(heir),
        }
    }
}

impl Channel {
    /// Whether the switch has not been told everything yet.
    pub fn is_due(&self) -> bool {
        !self.has_ended
    }

    /// Hands on as many sockets as the channel takes now.
    ///
    /// # Errors
    /// The switch is gone: nothing is due any more.
    pub fn hand_on(&mut self) -> Result<(), ChannelError> {
        let handed_on = self.offer();
        if handed_on.is_err() {
            self.due.clear();
            self.has_ended = true;
        }
        Ok(handed_on?)
    }

    fn offer(&mut self) -> io::Result<()> {
        while let Some(batch) = self.due.front() {
            let sockets = batch.iter().map(|(name, socket)| (name.as_ref(), socket.as_fd()));
            if !is_sent(parcel::send_held(&self.socket, sockets))? {
                return Ok(());
            }
            self.due.pop_front();
        }
        if !self.has_ended {
            self.has_ended = is_sent(parcel::send_end(&self.socket))?;
        }
        Ok(())
    }

    /// Does what the switch asked for so far.
    ///
    /// # Errors
    /// It said something that is no word, or the channel failed: nothing more is to be heard.
    pub fn hear(&mut self, store: &mut Store) -> Result<Heard, ChannelError> {
        for _ in 0..AT_ONCE {
            match parcel::receive(&self.socket) {
                Ok(Some(parcel)) => store.grant(parcel.wish()?),
                Ok(None) => return Ok(Heard::Closed),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Heard::All),
                // A switch that died with something unread: the error is told once, its own words come after it.
                Err(error) if is_told_once(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Heard::Some)
    }

    /// Hears everything that a switch said before it died.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn hear_out(&mut self, store: &mut Store) -> Result<(), ChannelError> {
        while self.hear(store)? == Heard::Some {}
        Ok(())
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// `false`: later. Descriptors in flight are limited, too (ETOOMANYREFS): the switch takes them in a moment.
fn is_sent(sent: io::Result<()>) -> io::Result<bool> {
    match sent {
        Ok(()) => Ok(true),
        Err(error) if super::is_passing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_told_once(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionReset)
}
