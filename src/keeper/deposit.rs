//! The way from the switch to whoever keeps its sockets, and what waits on it.
//! It must never hold a call up: what cannot be said at once is said later by a thread, or not at all.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::parcel::{self, Name};
use super::service_manager;

/// The pause before what waits is offered again.
const PAUSE: Duration = Duration::from_millis(5);

/// Sockets that may wait to be kept: each takes a descriptor.
const SOCKETS: usize = 4_096;

/// Names that may wait.
const NAMES: usize = 65_536;

/// Who keeps the sockets.
#[derive(Debug)]
pub(super) enum Way {
    /// `trunkline supervise`, at the other end of a channel.
    Parent(OwnedFd),
    /// The service manager, which listens here.
    ServiceManager(OwnedFd),
}

/// The last word about a socket.
#[derive(Debug)]
enum Word {
    Keep(OwnedFd),
    Forget,
}

/// What could not be said at once. There is one word for each name: the last one counts.
#[derive(Debug, Default)]
struct Backlog {
    words: HashMap<Name, Word>,
    order: VecDeque<Name>,
    sockets: usize,
    /// Words that were dropped since it was empty.
    dropped: usize,
    is_gone: bool,
}

/// The way and its backlog.
#[derive(Debug)]
pub(super) struct Deposit {
    way: Way,
    backlog: Mutex<Backlog>,
    wake: OwnedFd,
}

impl Way {
    fn say(&self, name: &str, socket: Option<BorrowedFd>) -> io::Result<()> {
        match (self, socket) {
            (Self::Parent(channel), Some(socket)) => parcel::send_keep(channel, name, socket),
            (Self::Parent(channel), None) => parcel::send_forget(channel, name),
            (Self::ServiceManager(socket), Some(kept)) => service_manager::store(socket, name, kept),
            (Self::ServiceManager(socket), None) => service_manager::remove(socket, name),
        }
    }
}

impl Deposit {
    /// Opens it, with the thread that says what could not be said at once and notices when nobody keeps anything.
    pub(super) fn open(way: Way) -> io::Result<Arc<Self>> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let deposit = Arc::new(Self { way, backlog: Mutex::default(), wake });
        let carrier = Arc::clone(&deposit);
        std::thread::Builder::new().name("keeper".to_owned()).spawn(move || carrier.carry())?;
        Ok(deposit)
    }

    /// The channel to the parent, if that is who keeps the sockets.
    pub(super) fn channel(&self) -> Option<BorrowedFd<'_>> {
        match &self.way {
            Way::Parent(channel) => Some(channel.as_fd()),
            Way::ServiceManager(_) => None,
        }
    }

    /// Keeps a socket, or forgets the one of this name.
    pub(super) fn say(&self, name: &str, socket: Option<BorrowedFd>) {
        let mut backlog = self.backlog();
        if backlog.is_gone {
            return;
        }
        if backlog.order.is_empty() {
            match self.way.say(name, socket) {
                Ok(()) => return backlog.dropped = 0,
                Err(error) if super::is_passing(&error) => {}
                Err(error) => return self.fail(&mut backlog, &error),
            }
        }
        let word = socket.map_or(Ok(Word::Forget), |socket| socket.try_clone_to_owned().map(Word::Keep));
        if !word.is_ok_and(|word| backlog.put(name, word)) {
            if backlog.dropped == 0 {
                tracing::warn!(
                    "sockets come and go faster than they can be kept: some will not outlive the switch"
                );
            }
            backlog.dropped += 1;
        }
        // It fails only when it was woken more often than 64 bits can count.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// The thread.
    fn carry(&self) {
        while let Some(is_waiting) = self.offer() {
            let pause = is_waiting.then(|| Timespec { tv_sec: 0, tv_nsec: i64::from(PAUSE.subsec_nanos()) });
            let mut watched = vec![PollFd::new(&self.wake, PollFlags::IN)];
            if let Way::Parent(channel) = &self.way {
                watched.push(PollFd::new(channel, PollFlags::RDHUP));
            }
            // What waits is offered again after the pause, and only then: nobody is to turn in a circle here.
            if is_waiting {
                watched.remove(0);
            }
            let polled = poll(&mut watched, pause.as_ref());
            let hung_up = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
            if polled.is_ok() && watched.iter().any(|fd| fd.revents().intersects(hung_up)) {
                return self.fail(&mut self.backlog(), &io::ErrorKind::BrokenPipe.into());
            }
            let mut count = [0; 8];
            // Nobody may have called.
            let _ = rustix::io::read(&self.wake, &mut count);
        }
    }

    /// Says what waits, as far as it is heard; whether something is left. `None`: nobody is there any more.
    fn offer(&self) -> Option<bool> {
        loop {
            // The lock is taken anew for each word: a call may have one in between.
            let mut backlog = self.backlog();
            if backlog.is_gone {
                return None;
            }
            let Some((name, word)) = backlog.take() else { return Some(false) };
            let socket = match &word {
                Word::Keep(socket) => Some(socket.as_fd()),
                Word::Forget => None,
            };
            match self.way.say(&name, socket) {
                Ok(()) => {}
                Err(error) if super::is_passing(&error) => {
                    backlog.put_back(name, word);
                    return Some(true);
                }
                Err(error) => self.fail(&mut backlog, &error),
            }
        }
    }

    /// A service manager may refuse a word and hear the next; a parent that cannot be told is gone.
    fn fail(&self, backlog: &mut Backlog, error: &io::Error) {
        match &self.way {
            Way::Parent(_) if !backlog.is_gone => {
                tracing::warn!(
                    %error,
                    "the parent that keeps the sockets is gone: the switch goes on, but its sockets would die with it"
                );
                *backlog = Backlog { is_gone: true, ..Backlog::default() };
            }
            Way::Parent(_) => {}
            Way::ServiceManager(_) => {
                if backlog.dropped == 0 {
                    tracing::warn!(%error, "the service manager does not keep a socket");
                }
                backlog.dropped += 1;
            }
        }
    }

    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        // Nothing in here panics; if it did, a word would be lost and no more.
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backlog {
    /// Adds a word, unless there are too many.
    fn put(&mut self, name: &str, word: Word) -> bool {
        let is_socket = matches!(word, Word::Keep(_));
        let waits = self.words.get(name).map(|word| matches!(word, Word::Keep(_)));
        if is_socket && self.sockets >= SOCKETS || waits.is_none() && self.order.len() >= NAMES {
            return false;
        }
        self.sockets += usize::from(is_socket);
        self.sockets -= usize::from(waits == Some(true));
        if waits.is_none() {
            self.order.push_back(name.into());
        }
        self.words.insert(name.into(), word);
        true
    }

    fn take(&mut self) -> Option<(Name, Word)> {
        let name = self.order.pop_front()?;
        let word = self.words.remove(&name)?;
        self.sockets -= usize::from(matches!(word, Word::Keep(_)));
        if self.order.is_empty() {
            self.dropped = 0;
        }
        Some((name, word))
    }

    fn put_back(&mut self, name: Name, word: Word) {
        self.sockets += usize::from(matches!(word, Word::Keep(_)));
        self.words.insert(name.clone(), word);
        self.order.push_front(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_about_a_name_is_the_one_that_waits() {
        let socket = || Word::Keep(eventfd(0, EventfdFlags::CLOEXEC).expect("a descriptor"));
        let mut backlog = Backlog::default();
        for (name, word) in [("a", socket()), ("b", socket()), ("a", Word::Forget), ("b", socket())] {
            assert!(backlog.put(name, word));
        }
        assert_eq!((backlog.order.len(), backlog.sockets), (2, 1));
        assert!(matches!(backlog.take(), Some((name, Word::Forget)) if &*name == "a"));
        assert!(matches!(backlog.take(), Some((name, Word::Keep(_))) if &*name == "b"));
        assert!(backlog.take().is_none());
        assert_eq!((backlog.words.len(), backlog.sockets), (0, 0));
    }

    #[test]
    fn a_backlog_has_a_bound_and_forgetting_has_a_larger_one() {
        let mut backlog = Backlog::default();
        let socket = eventfd(0, EventfdFlags::CLOEXEC).expect("a descriptor");
        for n in 0..256 {
            let word = Word::Keep(socket.try_clone().expect("a descriptor"));
            assert!(backlog.put(&n.to_string(), word));
        }
        backlog.sockets = SOCKETS;
        assert!(!backlog.put("one more", Word::Keep(socket)));
        for n in 256..NAMES {
            assert!(backlog.put(&n.to_string(), Word::Forget));
        }
        assert!(!backlog.put("one more", Word::Forget));
        assert!(backlog.put("0", Word::Forget), "of a name that waits");
    }
}
