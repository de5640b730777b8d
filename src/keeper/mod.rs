//! Sockets that outlive the switch: a parent or the service manager keeps them, and the next process takes them up, with
//! every packet that came meanwhile. It must never hold up or fail a call: without a keeper, sockets die with the process.

mod deposit;
mod handover;
mod parcel;
mod service_manager;
mod store;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};

use self::deposit::{Deposit, Way};
pub use self::handover::{Handover, HandoverError};
pub use self::parcel::Heir;
use self::parcel::{Legacy, Name};
pub use self::store::{Channel, ChannelError, Heard, Store};

/// The variable by which `trunkline supervise` says that the switch's standard input is the channel to it, and which
/// language is spoken there.
pub const ANNOUNCEMENT: &str = "TRUNKLINE_KEEPER";

/// The language: it changes when an older parent could not be spoken to any more.
pub const LANGUAGE: &str = "1";

/// How long a parent may be silent before it has told everything that it keeps.
const PATIENCE: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// Where the switch deposits its sockets. Clones are the same deposit.
#[derive(Clone, Debug, Default)]
pub struct Keeper(Option<Arc<Deposit>>);

/// The sockets of an earlier process that nobody has taken yet. Dropped, they are closed here and stay with the keeper:
/// a start that fails must not cost the calls that the next one takes up.
#[derive(Debug, Default)]
pub struct Inherited {
    keeper: Keeper,
    sockets: HashMap<Name, OwnedFd>,
    /// Why there are not more of them.
    complaint: Option<String>,
}

impl Keeper {
    /// The parent (`trunkline supervise`) or the service manager, if one of them is there, and what it has kept. To be
    /// called once, and before anything else is opened.
    pub fn of_environment() -> (Self, Inherited) {
        let parent = std::env::var(ANNOUNCEMENT).ok();
        if let Some(language) = parent
            && let Some(channel) = channel()
        {
            if language == LANGUAGE {
                return Self::of_parent(channel);
            }
            let complaint = Some("the parent is of another release: it keeps no sockets".to_owned());
            return (Self::default(), Inherited { complaint, ..Inherited::default() });
        }
        // Read even if they cannot be kept any longer: they are ours to close.
        let sockets = service_manager::kept().into_iter().collect();
        let is_there = std::env::var_os("FDSTORE").is_none_or(|most| most != "0");
        let manager = std::env::var_os("NOTIFY_SOCKET").filter(|socket| is_there && !socket.is_empty());
        let Some(manager) = manager else {
            return (Self::default(), Inherited { sockets, ..Inherited::default() });
        };
        let way = service_manager::open(&manager).map(Way::ServiceManager);
        Self::by(way, sockets, None)
    }

    /// The parent of the process whose place this one takes, by the channel that it handed over; without one, the
    /// service manager.
    pub fn of_predecessor(channel: Option<OwnedFd>, sockets: Inherited) -> (Self, Inherited) {
        let way = channel.map(|channel| Ok(Way::Parent(channel))).or_else(|| {
            let is_there = std::env::var_os("FDSTORE").is_none_or(|most| most != "0");
            let manager =
                std::env::var_os("NOTIFY_SOCKET").filter(|socket| is_there && !socket.is_empty())?;
            Some(service_manager::open(&manager).map(Way::ServiceManager))
        });
        match way {
            Some(way) => Self::by(way, sockets.sockets, None),
            None => (Self::default(), sockets),
        }
    }

    /// The channel to the parent, for the process that takes this one's place.
    pub fn channel(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_deref().and_then(Deposit::channel)
    }

    /// Tells the parent who takes this process's place.
    ///
    /// # Errors
    /// It is not told: it will start the switch again when this one has ended.
    pub fn succeed(&self, heir: &Heir) -> io::Result<()> {
        self.channel().map_or(Ok(()), |channel| parcel::send_heir(channel, heir))
    }

    /// The parent at the other end of a channel; everything it has kept is received here.
    fn of_parent(channel: OwnedFd) -> (Self, Inherited) {
        let mut sockets = HashMap::new();
        let complaint = match receive_all(&channel, &mut sockets) {
            Ok(0) => None,
            Ok(lost) => Some(format!("{lost} sockets are lost: the switch may hold no more descriptors")),
            Err(error) => {
                let complaint = format!("the parent that keeps the sockets cannot be understood: {error}");
                return (
                    Self::default(),
                    Inherited { sockets, complaint: Some(complaint), ..Inherited::default() },
                );
            }
        };
        Self::by(Ok(Way::Parent(channel)), sockets, complaint)
    }

    fn by(
        way: io::Result<Way>,
        sockets: HashMap<Name, OwnedFd>,
        complaint: Option<String>,
    ) -> (Self, Inherited) {
        match way.and_then(Deposit::open) {
            Ok(deposit) => {
                let keeper = Self(Some(deposit));
                (keeper.clone(), Inherited { keeper, sockets, complaint })
            }
            Err(error) => {
                let complaint = Some(format!("sockets cannot be kept: {error}"));
                (Self::default(), Inherited { sockets, complaint, ..Inherited::default() })
            }
        }
    }

    /// Whether somebody keeps sockets at all.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Lets a socket outlive the process under `name`, of at most 255 bytes; an earlier one of this name is forgotten.
    /// Never waits; where it cannot be done the log says so, and the socket dies with the process.
    pub fn keep(&self, name: &str, socket: impl AsFd) {
        if let Some(deposit) = self.of(name) {
            deposit.say(name, Some(socket.as_fd()));
        }
    }

    /// Lets it die with the process after all. Never waits.
    pub fn forget(&self, name: &str) {
        if let Some(deposit) = self.of(name) {
            deposit.say(name, None);
        }
    }

    fn of(&self, name: &str) -> Option<&Deposit> {
        self.0.as_deref().filter(|_| parcel::is_name(name))
    }
}

impl Inherited {
    /// The socket of this name. It stays with the keeper, too: it need not be kept again.
    pub fn take(&mut self, name: &str) -> Option<OwnedFd> {
        self.sockets.remove(name)
    }

    /// Takes in what another one holds.
    pub fn join(&mut self, other: Self) {
        self.sockets.extend(other.sockets);
    }

    /// What nobody has taken yet.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sockets.keys().map(AsRef::as_ref)
    }

    /// Closes what nobody has taken, here and at the keeper; how many these were. To be called when a start is over
    /// and has succeeded.
    pub fn close_rest(&mut self) -> usize {
        let rest = std::mem::take(&mut self.sockets);
        rest.keys().for_each(|name| self.keeper.forget(name));
        rest.len()
    }

    /// Logs what came, once the log is open.
    pub fn tell(&self) {
        if let Some(complaint) = &self.complaint {
            tracing::warn!("{complaint}");
        }
        if !self.sockets.is_empty() {
            tracing::info!(sockets = self.sockets.len(), "an earlier process has left its sockets");
        }
    }
}

/// Standard input, if it is a channel; nobody else is to read from it then.
fn channel() -> Option<OwnedFd> {
    let stdin = io::stdin();
    let is_channel = socket_domain(&stdin).is_ok_and(|domain| domain == AddressFamily::UNIX)
        && socket_type(&stdin).is_ok_and(|kind| kind == SocketType::SEQPACKET);
    let channel = stdin.as_fd().try_clone_to_owned().ok().filter(|_| is_channel)?;
    // Children inherit standard input: the parent would not see the end of this process while one of them lives.
    let nothing = File::open("/dev/null").ok()?;
    rustix::stdio::dup2_stdin(nothing).ok()?;
    Some(channel)
}

/// Receives until the parent has told everything; how many sockets did not arrive.
fn receive_all(channel: &OwnedFd, sockets: &mut HashMap<Name, OwnedFd>) -> io::Result<usize> {
    let mut missing = 0;
    loop {
        match parcel::receive(channel) {
            Ok(Some(parcel)) => match parcel.legacy().map_err(io::Error::other)? {
                Legacy::Held { sockets: held, lost } => {
                    sockets.extend(held);
                    missing += lost;
                }
                Legacy::End => return Ok(missing),
            },
            Ok(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut watched = [PollFd::new(channel, PollFlags::IN)];
                match poll(&mut watched, Some(&PATIENCE)) {
                    Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                    Ok(_) | Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Whether a message could not be sent now and may be later: no room in the channel, no memory, or too many
/// descriptors on their way (ETOOMANYREFS).
fn is_passing(error: &io::Error) -> bool {
    let passing = [Errno::AGAIN, Errno::INTR, Errno::NOBUFS, Errno::NOMEM, Errno::TOOMANYREFS];
    passing.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
