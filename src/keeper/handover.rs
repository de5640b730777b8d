//! The conversation between a switch and the process that takes its place: words, and the descriptors of all sockets.
//! It must never wait longer than it was told to, nor go on after a word that cannot be read.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde::Serialize;
use serde::de::DeserializeOwned;
use trunkline_media::moment::Moment;

use super::Inherited;
use super::parcel::{self, Broken, Name, Spoken};
use crate::supervision::{Clock as _, SystemClock};

/// Bytes that may wait in the channel. The kernel may grant less.
const BUFFER: usize = 1 << 20;

/// Bytes of a long word that go in one message.
const PART: usize = 48 << 10;

/// The longest word: the media sessions of many thousand legs.
const LONGEST: usize = 256 << 20;

/// The pause before what found no room is offered again.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000 };

/// One end of the conversation.
#[derive(Debug)]
pub struct Handover {
    socket: OwnedFd,
    sockets: HashMap<Name, OwnedFd>,
}

/// Why the conversation is over.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// The other side is gone.
    #[error("the other process has ended")]
    Gone,
    /// It says nothing.
    #[error("the other process says nothing in time")]
    Silent,
    /// It says something that cannot be read.
    #[error("the other process says something that cannot be read: {0}")]
    Broken(String),
    /// It says something else than it should.
    #[error("the other process says `{}` where `{}` is due", char::from(*.said), char::from(*.due))]
    Strange {
        /// What it says.
        said: u8,
        /// What is due.
        due: u8,
    },
    /// Some of the sockets did not arrive.
    #[error("{0} sockets did not arrive: the process may hold no more descriptors")]
    Lost(usize),
    /// The channel fails.
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl From<Broken> for HandoverError {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken.to_string())
    }
}

impl Handover {
    /// A channel, and the other process's end of it: to be its standard input.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub fn open() -> io::Result<(Self, OwnedFd)> {
        let (socket, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        for end in [&socket, &other] {
            set_socket_send_buffer_size(end, BUFFER)?;
            set_socket_recv_buffer_size(end, BUFFER)?;
        }
        Ok((Self { socket, sockets: HashMap::new() }, other))
    }

    /// The end that this process was started with; `None`: its standard input is something else.
    pub fn of_stdin() -> Option<Self> {
        super::channel().map(|socket| Self { socket, sockets: HashMap::new() })
    }

    /// Says a word.
    ///
    /// # Errors
    /// It is not heard in time.
    pub fn say<T: Serialize>(&self, kind: u8, word: &T, deadline: Moment) -> Result<(), HandoverError> {
        let mut bytes = Vec::new();
        ciborium::into_writer(word, &mut bytes).map_err(io::Error::other)?;
        let mut rest = &bytes[..];
        while let Some((part, more)) = rest.split_at_checked(PART) {
            self.offer(deadline, |socket| parcel::send_part(socket, part))?;
            rest = more;
        }
        self.offer(deadline, |socket| parcel::send_word(socket, kind, rest))
    }

    /// Hands sockets over, each with its name.
    ///
    /// # Errors
    /// They are not taken in time.
    pub fn hand(&self, sockets: &[(String, BorrowedFd<'_>)], deadline: Moment) -> Result<(), HandoverError> {
        for batch in sockets.chunks(parcel::MOST) {
            let batch = || batch.iter().map(|(name, socket)| (name.as_str(), *socket));
            self.offer(deadline, |socket| parcel::send_held(socket, batch()))?;
        }
        Ok(())
    }

    /// Waits for a word of this kind; sockets that come before it are kept for [`Self::sockets`].
    ///
    /// # Errors
    /// It does not come in time, or something else comes.
    pub fn hear<T: DeserializeOwned>(&mut self, due: u8, deadline: Moment) -> Result<T, HandoverError> {
        let mut bytes = Vec::new();
        loop {
            match self.next(deadline)?.spoken()? {
                Spoken::Held { lost: 0, sockets } => self.sockets.extend(sockets),
                Spoken::Held { lost, .. } => return Err(HandoverError::Lost(lost)),
                Spoken::Part(part) if bytes.len() + part.len() <= LONGEST => bytes.extend(part),
                Spoken::Part(_) => return Err(HandoverError::Broken("a word without an end".to_owned())),
                Spoken::Word(said, rest) if said == due => {
                    bytes.extend(rest);
                    let word = ciborium::from_reader(&*bytes);
                    return word.map_err(|error| HandoverError::Broken(error.to_string()));
                }
                Spoken::Word(said, _) => return Err(HandoverError::Strange { said, due }),
            }
        }
    }

    /// The sockets that came.
    pub fn sockets(&mut self) -> Inherited {
        Inherited { sockets: std::mem::take(&mut self.sockets), ..Inherited::default() }
    }

    fn next(&self, deadline: Moment) -> Result<parcel::Parcel, HandoverError> {
        loop {
            match parcel::receive(&self.socket) {
                Ok(Some(parcel)) => return Ok(parcel),
                Ok(None) => return Err(HandoverError::Gone),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Err(HandoverError::Gone);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(deadline)?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn wait(&self, deadline: Moment) -> Result<(), HandoverError> {
        let left = deadline.since(SystemClock.now());
        if left.is_zero() {
            return Err(HandoverError::Silent);
        }
        let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
        let mut watched = [PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN)];
        match poll(&mut watched, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }

    fn offer(
        &self,
        deadline: Moment,
        send: impl Fn(BorrowedFd<'_>) -> io::Result<()>,
    ) -> Result<(), HandoverError> {
        loop {
            match send(self.socket.as_fd()) {
                Ok(()) => return Ok(()),
                Err(error) if super::is_passing(&error) => {
                    if SystemClock.now() >= deadline {
                        return Err(HandoverError::Silent);
                    }
                    // A pause, and nothing else: no descriptor is looked at.
                    let _ = poll(&mut [], Some(&PAUSE));
                }
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(HandoverError::Gone),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::*;

    fn soon() -> Moment {
        SystemClock.now() + Duration::from_secs(5)
    }

    fn pair() -> (Handover, Handover) {
        let (ours, theirs) = Handover::open().expect("descriptors");
        (ours, Handover { socket: theirs, sockets: HashMap::new() })
    }

    #[test]
    fn a_word_longer_than_a_message_arrives_whole_and_after_the_sockets_that_went_before_it() {
        let (old, mut new) = pair();
        let sockets: Vec<_> =
            (0..300).map(|_| UdpSocket::bind("127.0.0.1:0").expect("a free port")).collect();
        let names = sockets.iter().enumerate();
        let named: Vec<_> = names.map(|(n, socket)| (format!("udp/{n}"), socket.as_fd())).collect();
        let long: Vec<u32> = (0..500_000).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                old.hand(&named, soon()).expect("they are taken");
                old.say(b'M', &long, soon()).expect("it is heard");
            });
            assert_eq!(new.hear::<Vec<u32>>(b'M', soon()).expect("it comes"), long);
        });
        let mut came = new.sockets();
        assert_eq!(came.names().count(), 300);
        let third = UdpSocket::from(came.take("udp/3").expect("it came"));
        assert_eq!(third.local_addr().expect("bound"), sockets[3].local_addr().expect("bound"));
    }

    #[test]
    fn whoever_ends_is_silent_or_says_something_else_is_noticed() {
        let (old, mut new) = pair();
        let silent = new.hear::<()>(b'G', SystemClock.now());
        assert!(matches!(silent, Err(HandoverError::Silent)), "{silent:?}");
        old.say(b'X', &(), soon()).expect("room");
        let strange = new.hear::<()>(b'G', soon());
        assert!(matches!(strange, Err(HandoverError::Strange { said: b'X', due: b'G' })), "{strange:?}");
        drop(old);
        let gone = new.hear::<()>(b'G', soon());
        assert!(matches!(gone, Err(HandoverError::Gone)), "{gone:?}");
        assert!(matches!(new.say(b'L', &(), soon()), Err(HandoverError::Gone)));
    }
}
