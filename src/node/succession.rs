//! An upgrade: the running node stands still, hands everything over to another process, and leaves; or goes on as if
//! nothing had been. It must never do anything once the other one was told to go, nor go on beside it before.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use tokio::runtime::Handle;
use trunkline_media::moment::Moment;
use trunkline_media::port::{PortPair, Restless};

use super::arbiter::Post;
use super::cell::Cell;
use super::changes::VERSION;
use super::heritage::{self, MediaBook};
use super::house::House;
use super::predecessor::{
    CONTROL, ESTATE, GO, HELLO, Hello, JOURNAL_LOCK, KEEPER, LIVE, MEDIA, READY, Remains, StandStill, release,
};
use super::sockets::media_names;
use crate::journal::{Folder, Journal};
use crate::keeper::{Handover, HandoverError};
use crate::sip::message::Transport;
use crate::supervision::watchdog::Watchdog;

/// From the moment on in which nothing moves the other process has so long to be live.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a new process has to read its configuration, while everything still moves.
const BIRTH: Duration = Duration::from_secs(20);

/// Rounds in which arbiters come to the end of what they have in hand, and the pause after each.
const ROUNDS: u32 = 4;
const ROUND: Duration = Duration::from_millis(5);

/// How long the last records of calls may need to be on the disk.
const LAST_RECORDS: Duration = Duration::from_millis(500);

/// How long a media worker may need for its last round.
const LAST_ROUND: Duration = Duration::from_millis(500);

/// Why a node goes on as if nothing had been.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The other process ended, or was silent, or said something strange.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// It is of a release that cannot read what this one has written.
    #[error(
        "release {release} reads records up to version {reads}, and calls are written in version {written}"
    )]
    TooOld {
        /// The other release.
        release: String,
        /// What it can read.
        reads: u16,
        /// What there is.
        written: u16,
    },
    /// An arbiter does not come to rest.
    #[error("signalling does not come to rest")]
    Restless,
    /// A media worker does not come to rest.
    #[error(transparent)]
    Media(#[from] Restless),
    /// No descriptor is left.
    #[error("there is no descriptor left: {0}")]
    Descriptors(#[from] std::io::Error),
}

/// What it takes to hand a node over.
#[derive(Clone)]
pub struct Succession {
    house: Arc<House>,
    cells: Vec<Post>,
    web: ServerHandle,
    web_socket: Arc<OwnedFd>,
    book: Option<Arc<MediaBook>>,
    folder: Option<Folder>,
    watchdog: Arc<Watchdog>,
}

/// A node that stands still. Dropped, it goes on: whoever drops it has ended the other process before.
pub struct Frozen {
    node: Succession,
    gate: Arc<Barrier>,
    runtime: Handle,
    since: Moment,
    has_left: bool,
}

/// Where arbiters stand still.
#[derive(Debug, Default)]
struct Barrier {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Succession {
    pub(super) fn new(
        (house, cells): (Arc<House>, Vec<Post>),
        (web, web_socket): (ServerHandle, OwnedFd),
        (book, folder): (Option<Arc<MediaBook>>, Option<Folder>),
        watchdog: Arc<Watchdog>,
    ) -> Self {
        Self { house, cells, web, web_socket: Arc::new(web_socket), book, folder, watchdog }
    }

    /// The web server has stopped: nobody is to wait at the copy of its socket that is kept for an heir.
    pub(super) fn close_web(&self) {
        let closed = socket2::SockRef::from(&*self.web_socket).shutdown(std::net::Shutdown::Both);
        drop(closed.inspect_err(|error| tracing::debug!(%error, "the socket of the web server stays open")));
    }

    /// The shared parts of the node.
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// Waits until the other process has read its configuration and says who it is: its release. Blocks.
    ///
    /// # Errors
    /// It says nothing, or cannot read what stands in our journals.
    pub fn greet(&self, channel: &mut Handover) -> Result<String, Failed> {
        let hello: Hello = channel.hear(HELLO, self.house.clock.now() + BIRTH)?;
        if hello.reads < VERSION {
            return Err(Failed::TooOld { release: hello.release, reads: hello.reads, written: VERSION });
        }
        Ok(hello.release)
    }

    /// Has all signalling stand still. Blocks; not to be called on a thread of the runtime, which is `runtime`.
    ///
    /// # Errors
    /// An arbiter does not come to rest; everything goes on.
    pub fn freeze(&self, runtime: Handle) -> Result<Frozen, Failed> {
        let gate = Arc::<Barrier>::default();
        let since = self.house.clock.now();
        let node = self.clone();
        let frozen = Frozen { node, gate: gate.clone(), runtime, since, has_left: false };
        self.watchdog.rest(true);
        self.rest(true);
        frozen.runtime.block_on(self.web.pause());
        for _ in 0..ROUNDS {
            for post in &self.cells {
                frozen.runtime.block_on(post.ask(|_| ())).ok_or(Failed::Restless)?;
            }
            frozen.runtime.block_on(async { tokio::time::sleep(ROUND).await });
        }
        let (stand, standing) = mpsc::channel();
        for post in &self.cells {
            let (stand, gate, folder) = (stand.clone(), gate.clone(), self.folder.clone());
            if !post.try_tell(move |cell| cell.stand_still(&stand, &gate, folder.as_ref())) {
                return Err(Failed::Restless);
            }
        }
        for _ in &self.cells {
            standing.recv_timeout(Post::PATIENCE).map_err(|_| Failed::Restless)?;
        }
        // Whatever is not there by then is posted again by the other process.
        if !self.house.ledger.is_settled_within(LAST_RECORDS) {
            tracing::warn!("the disk is slow: records of calls are written by the other process");
        }
        if let Some(book) = &self.book {
            book.close(self.house.stamp());
        }
        Ok(frozen)
    }

    /// Whether nothing is taken from the network, and what the media side tells waits.
    fn rest(&self, rests: bool) {
        self.house.load.resting.store(rests, Ordering::Relaxed);
        self.house.sockets.iter().for_each(|socket| socket.rest(rests));
        if rests {
            self.house.detour().get_or_insert_default();
        }
    }

    /// Lets requests to the web server come to their end, those that have begun.
    pub async fn leave(&self) {
        self.web.stop(true).await;
    }

    fn sockets(&self) -> Vec<(String, BorrowedFd<'_>)> {
        let House { config, sockets, entrances, .. } = &*self.house;
        let named = |kind: &str, address: &SocketAddr| format!("{kind}/{address}");
        let udp = config.sip.listen.iter().zip(sockets);
        let mut all: Vec<_> = udp.map(|(address, socket)| (named("udp", address), socket.as_fd())).collect();
        let streams = [(Transport::Tcp, &config.sip.listen_tcp), (Transport::Tls, &config.sip.listen_tls)];
        for (transport, listen) in streams {
            let kind = transport.to_string().to_ascii_lowercase();
            let entrances = entrances.iter().filter(|entrance| entrance.transport == transport);
            let both = listen.iter().zip(entrances);
            all.extend(both.map(|(address, entrance)| (named(&kind, address), entrance.as_fd())));
        }
        all.push((named("http", &config.http.listen), self.web_socket.as_fd()));
        all
    }
}

impl Frozen {
    /// Hands everything over, the sound last; how long that stood still. When this has come back, this process has
    /// nothing more to say. Blocks.
    ///
    /// # Errors
    /// The other process is not live in time. It is to be ended, and then this is to be dropped.
    pub fn hand_over(
        &mut self,
        channel: &mut Handover,
        control: [BorrowedFd<'_>; 2],
    ) -> Result<Duration, Failed> {
        let deadline = self.since + PATIENCE;
        let house = Arc::clone(&self.node.house);
        let leases: Vec<_> = house.ports.leases();
        let pairs: Vec<(_, Arc<PortPair>)> =
            leases.iter().filter_map(|lease| Some((lease, house.ports.sockets(lease)?))).collect();
        let lock = self.node.folder.as_ref().map(Folder::descriptor).transpose()?;
        let mut all = self.node.sockets();
        all.extend(lock.iter().map(|lock| (JOURNAL_LOCK.to_owned(), lock.as_fd())));
        all.extend(house.keeper.channel().map(|parent| (KEEPER.to_owned(), parent)));
        all.extend(CONTROL.map(str::to_owned).into_iter().zip(control));
        for (lease, pair) in &pairs {
            let [rtp, rtcp] = media_names(lease);
            all.extend([(rtp, pair.rtp.as_fd()), (rtcp, pair.rtcp.as_fd())]);
        }
        channel.hand(&all, deadline)?;
        let remains = Remains { release: release(), gate: house.gate().memory() };
        channel.say(ESTATE, &remains, deadline)?;
        channel.hear::<()>(READY, deadline)?;
        let begun = house.clock.now();
        let sessions = house.engine.freeze(LAST_ROUND)?;
        let events = house.detour().clone().unwrap_or_default();
        channel.say(MEDIA, &StandStill { sessions, events }, deadline)?;
        // While the other one reads: it looks for the files once it was told to go.
        if !house.recordings.flush(LAST_ROUND) {
            tracing::warn!("the disk is slow: recordings lack their last blocks");
        }
        channel.hear::<()>(LIVE, deadline)?;
        channel.say(GO, &(), deadline)?;
        self.has_left = true;
        Ok(house.clock.now().since(begun))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if self.has_left {
            return;
        }
        let Succession { house, cells, web, book, folder, watchdog, .. } = &self.node;
        house.engine.thaw();
        if let Some((book, folder)) = book.as_ref().zip(folder.as_ref()) {
            let opened = book.reopen(folder, heritage::limits(&house.config), house.stamp());
            if let Err(error) = opened {
                tracing::error!(%error, "media sessions do not outlive the process any more");
            }
        }
        self.gate.open();
        let events = house.detour().take().unwrap_or_default();
        for (shard, event) in events {
            let told = cells.get(shard).is_some_and(|post| post.try_tell(move |cell| cell.on_media(event)));
            if !told {
                tracing::warn!("an event of the media side is lost: the arbiter does not keep up");
            }
        }
        self.node.rest(false);
        self.runtime.block_on(web.resume());
        watchdog.rest(false);
    }
}

impl Barrier {
    fn open(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    fn wait(&self) {
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(is_open, |is_open| !*is_open));
    }
}

impl Cell {
    /// Writes what is committed, gives the journal up, and stops the whole thread until the barrier opens; then goes on.
    fn stand_still(self: &Rc<Self>, tell: &mpsc::Sender<()>, barrier: &Barrier, folder: Option<&Folder>) {
        self.commit_now();
        self.commits.borrow_mut().close(self.house.stamp());
        // Whoever asked may have lost patience: then the barrier is open.
        let _ = tell.send(());
        barrier.wait();
        let Some(folder) = folder else { return };
        let limits = heritage::limits(&self.house.config);
        match Journal::open(folder, &heritage::stream(self.seat.shard), limits, self.house.stamp()) {
            // What it holds is what we know.
            Ok((journal, _)) => self.commits.borrow_mut().reopen(journal),
            Err(error) => tracing::error!(%error, "calls do not outlive the process any more"),
        }
    }
}
