//! One message between the switch and the parent that keeps its sockets: a few bytes, and descriptors beside them.
//! It must never wait, and never leave a descriptor open that came with a message which cannot be read.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Descriptors in one message: the kernel takes no more (unix(7), SCM_RIGHTS).
pub(super) const MOST: usize = 253;

/// Bytes in a name: its length is one byte on the wire, and service managers take no longer one.
pub(super) const LONGEST: usize = 255;

/// The longest message: every descriptor with the longest name.
const BYTES: usize = 1 + MOST * (1 + LONGEST);

const KEEP: u8 = b'K';
const FORGET: u8 = b'F';
const HELD: u8 = b'H';
const END: u8 = b'E';
const HEIR: u8 = b'S';
const PART: u8 = b'P';
const WORD: u8 = b'W';

/// A socket's name.
pub(super) type Name = Box<str>;

/// What the switch tells its parent.
#[derive(Debug)]
pub(super) enum Wish {
    /// This socket is to outlive the switch; one of the same name is forgotten.
    Keep(Name, OwnedFd),
    /// This one is not, any more.
    Forget(Name),
    /// The switch leaves, and this process has taken its place.
    Heir(Heir),
}

/// A process that has taken the place of the one that is leaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heir {
    /// Its number.
    pub process: i32,
    /// The binary that it runs: the one to start again, should it die.
    pub binary: PathBuf,
}

/// What a switch and the one that takes its place tell each other.
#[derive(Debug)]
pub(super) enum Spoken {
    /// Sockets; `lost` of them did not arrive.
    Held { sockets: Vec<(Name, OwnedFd)>, lost: usize },
    /// The beginning of a long word.
    Part(Vec<u8>),
    /// A word, or the end of a long one.
    Word(u8, Vec<u8>),
}

/// What the parent tells a switch that starts.
#[derive(Debug)]
pub(super) enum Legacy {
    /// Sockets of earlier processes. `lost` of them did not arrive: the switch may hold no more descriptors.
    Held { sockets: Vec<(Name, OwnedFd)>, lost: usize },
    /// That is all.
    End,
}

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("a message without a kind that is known")]
    Kind,
    #[error("a name that is none")]
    Name,
    #[error("{descriptors} descriptors for {names} names")]
    Descriptors { descriptors: usize, names: usize },
}

/// A message as it came.
#[derive(Debug)]
pub(super) struct Parcel {
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
    is_cut: bool,
}

/// Whether a socket can be kept by this name.
pub(super) fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
}

/// Asks to keep a socket.
pub(super) fn send_keep(channel: impl AsFd, name: &str, socket: BorrowedFd) -> io::Result<()> {
    send(channel, &[&[KEEP], name.as_bytes()].concat(), &[socket])
}

/// Asks to forget one.
pub(super) fn send_forget(channel: impl AsFd, name: &str) -> io::Result<()> {
    send(channel, &[&[FORGET], name.as_bytes()].concat(), &[])
}

/// Hands sockets on, at most [`MOST`].
pub(super) fn send_held<'s>(
    channel: impl AsFd,
    sockets: impl Iterator<Item = (&'s str, BorrowedFd<'s>)>,
) -> io::Result<()> {
    let (mut bytes, mut descriptors) = (vec![HELD], Vec::new());
    for (name, socket) in sockets.take(MOST) {
        bytes.push(u8::try_from(name.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?);
        bytes.extend_from_slice(name.as_bytes());
        descriptors.push(socket);
    }
    send(channel, &bytes, &descriptors)
}

/// Ends the handing on.
pub(super) fn send_end(channel: impl AsFd) -> io::Result<()> {
    send(channel, &[END], &[])
}

/// Says who has taken the switch's place.
pub(super) fn send_heir(channel: impl AsFd, heir: &Heir) -> io::Result<()> {
    let binary = heir.binary.as_os_str().as_bytes();
    send(channel, &[&[HEIR], &heir.process.to_be_bytes()[..], binary].concat(), &[])
}

/// Sends the beginning of a long word.
pub(super) fn send_part(channel: impl AsFd, part: &[u8]) -> io::Result<()> {
    send(channel, &[&[PART], part].concat(), &[])
}

/// Sends a word of this kind, or the end of a long one.
pub(super) fn send_word(channel: impl AsFd, kind: u8, rest: &[u8]) -> io::Result<()> {
    send(channel, &[&[WORD, kind], rest].concat(), &[])
}

/// Sends a message now or not at all.
pub(super) fn send(channel: impl AsFd, bytes: &[u8], descriptors: &[BorrowedFd]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(channel, &[IoSlice::new(bytes)], &mut control, flags)?;
    Ok(())
}

/// The next message; `None`: the other side is gone. With nothing there it is an error, [`io::ErrorKind::WouldBlock`].
pub(super) fn receive(channel: impl AsFd) -> io::Result<Option<Parcel>> {
    let mut bytes = vec![0; BYTES];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(channel, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags)?;
    let descriptors: Vec<OwnedFd> = control
        .drain()
        .filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        })
        .flatten()
        .collect();
    // Nobody sends an empty message.
    if received.bytes == 0 {
        return Ok(None);
    }
    bytes.truncate(received.bytes);
    let is_cut = received.flags.intersects(ReturnFlags::CTRUNC);
    Ok(Some(Parcel { bytes, descriptors, is_cut }))
}

impl Parcel {
    /// As a word of the switch.
    pub(super) fn wish(self) -> Result<Wish, Broken> {
        let (kind, rest) = self.bytes.split_first().ok_or(Broken::Kind)?;
        if *kind == HEIR {
            let (process, binary) = rest.split_first_chunk().ok_or(Broken::Kind)?;
            let binary = PathBuf::from(OsStr::from_bytes(binary));
            return Ok(Wish::Heir(Heir { process: i32::from_be_bytes(*process), binary }));
        }
        let name = name(rest)?;
        let count = self.descriptors.len();
        match (*kind, <[OwnedFd; 1]>::try_from(self.descriptors)) {
            (KEEP, Ok([socket])) => Ok(Wish::Keep(name, socket)),
            (FORGET, Err(none)) if none.is_empty() => Ok(Wish::Forget(name)),
            (KEEP | FORGET, _) => Err(Broken::Descriptors { descriptors: count, names: 1 }),
            _ => Err(Broken::Kind),
        }
    }

    /// As a word of the parent.
    pub(super) fn legacy(self) -> Result<Legacy, Broken> {
        match self.bytes.split_first() {
            Some((&HELD, _)) => {
                let (sockets, lost) = self.held()?;
                Ok(Legacy::Held { sockets, lost })
            }
            Some((&END, [])) => Ok(Legacy::End),
            _ => Err(Broken::Kind),
        }
    }

    /// As a word of a switch to the one that takes its place, or of that one.
    pub(super) fn spoken(self) -> Result<Spoken, Broken> {
        match self.bytes.split_first() {
            Some((&HELD, _)) => {
                let (sockets, lost) = self.held()?;
                Ok(Spoken::Held { sockets, lost })
            }
            Some((&PART, part)) => Ok(Spoken::Part(part.to_vec())),
            Some((&WORD, word)) => {
                let (kind, rest) = word.split_first().ok_or(Broken::Kind)?;
                Ok(Spoken::Word(*kind, rest.to_vec()))
            }
            _ => Err(Broken::Kind),
        }
    }

    /// The sockets with their names, and how many of them did not arrive.
    fn held(self) -> Result<(Vec<(Name, OwnedFd)>, usize), Broken> {
        let names = names_of(self.bytes.get(1..).unwrap_or_default())?;
        let (descriptors, names_count) = (self.descriptors.len(), names.len());
        let lost = match names_count.checked_sub(descriptors) {
            Some(lost) if lost == 0 || self.is_cut => lost,
            _ => return Err(Broken::Descriptors { descriptors, names: names_count }),
        };
        Ok((names.into_iter().zip(self.descriptors).collect(), lost))
    }
}

fn name(bytes: &[u8]) -> Result<Name, Broken> {
    let name = std::str::from_utf8(bytes).map_err(|_| Broken::Name)?;
    if is_name(name) { Ok(name.into()) } else { Err(Broken::Name) }
}

fn names_of(mut bytes: &[u8]) -> Result<Vec<Name>, Broken> {
    let mut names = Vec::new();
    while let Some((&length, rest)) = bytes.split_first() {
        let (this, others) = rest.split_at_checked(usize::from(length)).ok_or(Broken::Name)?;
        names.push(name(this)?);
        bytes = others;
    }
    Ok(names)
}
