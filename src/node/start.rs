//! Start and stop of a node: arbiters with their shards, sockets, media engine, and the tasks that keep house.
//! It must never be running half: what cannot be started ends the start with a reason.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use trunkline_media::port::{Engine, EngineConfig, PortRange, PortTable};

use super::acceptor::{Acceptor, Entrance};
use super::arbiter::{self, PERMANENT, Post, Sound};
use super::assets::Sounds;
use super::connection::Arbiters;
use super::front::Front;
use super::gateway::{self, Gateway};
use super::heritage::{Heritage, MediaBook, Share};
use super::house::{House, Load, Plan, bounds};
use super::listener::Listener;
use super::metrics::Metrics;
use super::predecessor::Predecessor;
use super::readoption::Revenants;
use super::reconcile::Difference;
use super::settings::Settings;
use super::sockets::{MediaCustody, Sockets};
use super::succession::Succession;
use crate::config::{Config, Credentials};
use crate::http::WebServer;
use crate::ids::Minter;
use crate::journal::{BootId, Folder, Stamp};
use crate::keeper::{Inherited, Keeper};
use crate::ledger::{self, Ledger};
use crate::leg::Seat;
use crate::ops::events::Cause;
use crate::ops::log::SipTrace;
use crate::recording::{Limits, Recordings};
use crate::registrar::Registrar;
use crate::sip::message::Transport;
use crate::sip::shard::Gate;
use crate::sip::transport::tls::Files;
use crate::sip::transport::{Connections, LocalAddresses, Tls, Udp, tcp};
use crate::speech::Speech;
use crate::supervision::watchdog::{Alarm, Watchdog};
use crate::supervision::{ChildSpec, Clock, Exit, StartChild, SystemClock};
use crate::webhook::{Account, Webhooks};

/// How old what is known of a media session may be when the process dies.
const MEDIA_BOOK: Duration = Duration::from_secs(1);

/// How long a stop waits for the records of its calls to be on the disk.
const WRITTEN: Duration = Duration::from_secs(2);

/// A running node.
pub struct Node {
    house: Arc<House>,
    cells: Vec<Post>,
    web: WebServer,
    book: Option<Arc<MediaBook>>,
    succession: Succession,
    failed: mpsc::Receiver<Exit>,
}

impl Node {
    /// Starts everything. To be called on an actix system.
    ///
    /// # Errors
    /// A socket, a thread or a file is not to be had; the error names it.
    pub async fn start(config: Config, credentials: Credentials, plan: Plan) -> anyhow::Result<Self> {
        Self::start_after(config, credentials, plan, Default::default()).await
    }

    /// As [`Self::start`], with the sockets that an earlier process has left, and with who keeps them.
    ///
    /// # Errors
    /// As there. What was left stays with the keeper then.
    pub async fn start_after(
        config: Config,
        credentials: Credentials,
        plan: Plan,
        kept: (Keeper, Inherited),
    ) -> anyhow::Result<Self> {
        Self::succeed(config, credentials, plan, kept, None).await
    }

    /// As [`Self::start_after`], in the place of a process that still runs: it is gone when this comes back.
    ///
    /// # Errors
    /// As there, or the other one goes on by itself: nothing was sent and nothing begun then.
    pub async fn succeed(
        config: Config,
        credentials: Credentials,
        plan: Plan,
        mut kept: (Keeper, Inherited),
        mut predecessor: Option<Predecessor>,
    ) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let stamp = Stamp { boot: boot()?, at: clock.now(), wall: clock.wall() };
        let lock = predecessor.as_mut().and_then(Predecessor::lock);
        let mut heritage = Heritage::open(&config, arbiters(&config), &stamp, lock)?;
        let going_on = heritage.recordings();
        let (keeper, inherited) = (&kept.0, &mut kept.1);
        let (web, address) = web_socket(config.http.listen, &mut Sockets { keeper, inherited })?;
        let house = Arc::new(furnish(config, credentials, plan, clock, address, kept)?);
        let sounds: Vec<_> = (0..heritage.shares.len()).map(|shard| Sound::to(shard, &house)).collect();
        let mut told = Vec::new();
        if let Some(mut predecessor) = predecessor {
            predecessor.remember(&house);
            told = predecessor.take_over(&house, &mut heritage, &sounds)?.events;
        }
        house.recordings.repair(&going_on).context("recordings cannot be looked through")?;
        house.registrar.adopt(heritage.telephones.into_iter().map(|(user, known)| (user, known.bindings)));
        let parts = (heritage.media.map(Arc::new), heritage.folder);
        let (node, arbiters, revenants, front) =
            Self::people(house, heritage.shares, sounds, web, parts).await?;
        node.introduce(&arbiters).await?;
        node.bring_back(revenants).await?;
        for (shard, event) in told {
            node.cells.get(shard).map(|post| post.try_tell(move |cell| cell.on_media(event)));
        }
        gateway::find_first(&node.house).await;
        node.listen(&arbiters).await?;
        node.keep_house();
        node.book.iter().for_each(|book| node.keep_media(book.clone()));
        let closed = node.house.inherited().close_rest();
        if closed > 0 {
            tracing::info!(closed, "sockets of an earlier process that nobody needs any more are closed");
        }
        front.open(node.posts());
        Ok(node)
    }

    /// Starts the web server and the arbiters, each with its share.
    async fn people(
        house: Arc<House>,
        shares: Vec<Share>,
        sounds: Vec<Sound>,
        web: TcpListener,
        (book, folder): (Option<Arc<MediaBook>>, Option<Folder>),
    ) -> anyhow::Result<(Self, Arbiters, Vec<Revenants>, Arc<Front>)> {
        let front = Arc::new(Front::of(house.clone()));
        let web_socket = OwnedFd::from(web.try_clone().context("there is no descriptor left")?);
        let web = WebServer::start(web, &house.config.http, front.clone());
        let web = web.context("the web server cannot be started")?;
        let (fail, failed) = mpsc::channel(8);
        let watchdog = Watchdog::start(house.clock.clone(), |alarm| on_alarm(&alarm));
        let watchdog = Arc::new(watchdog.context("the watchdog needs a thread")?);
        let arbiters = shares.len();
        let (mut cells, mut shards, mut connections, mut revenants) = (vec![], vec![], vec![], vec![]);
        for (shard, (share, sound)) in shares.into_iter().zip(sounds).enumerate() {
            let seat = Seat { shard, of: arbiters };
            let started = arbiter::start(seat, share, sound, house.clone(), fail.clone(), watchdog.clone());
            let ready = started.await?;
            cells.push(ready.post);
            revenants.push(ready.revenants);
            shards.push(ready.shard);
            connections.push(ready.connections);
        }
        // Set once: the house is new.
        drop(house.posts.set(cells.clone()));
        let arbiters = Arbiters::new(shards.into(), connections.into());
        let succession = Succession::new(
            (house.clone(), cells.clone()),
            (web.handle(), web_socket),
            (book.clone(), folder),
            watchdog,
        );
        Ok((Self { house, cells, web, book, succession, failed }, arbiters, revenants, front))
    }

    /// What it takes to hand this node over.
    pub fn succession(&self) -> Succession {
        self.succession.clone()
    }

    /// Brings back the calls of a former process, of all arbiters at the same time.
    async fn bring_back(&self, revenants: Vec<Revenants>) -> anyhow::Result<()> {
        let begun = self.house.clock.now();
        let count: usize = revenants.iter().map(|revenants| revenants.calls.len()).sum();
        let (back, mut done) = mpsc::channel::<()>(1);
        for (post, revenants) in self.cells.iter().zip(revenants) {
            let back = back.clone();
            let told = post.ask(move |cell| {
                let cell = std::rc::Rc::clone(cell);
                super::cell::spawn(async move {
                    cell.bring_back(revenants).await;
                    drop(back);
                });
            });
            told.await.context("an arbiter does not answer")?;
        }
        drop(back);
        // Nobody says anything on this channel: it closes when the last one is done.
        let _ = done.recv().await;
        if count > 0 {
            let took = self.house.clock.now().since(begun);
            tracing::warn!(calls = count, ?took, "calls of the former process go on");
        }
        Ok(())
    }

    /// Writes media sessions down each second.
    fn keep_media(&self, book: Arc<MediaBook>) {
        let house = self.house.clone();
        actix_rt::spawn(async move {
            loop {
                tokio::time::sleep(MEDIA_BOOK).await;
                let (house, book) = (house.clone(), book.clone());
                if tokio::task::spawn_blocking(move || book.write(&house)).await.is_err() {
                    tracing::error!("media sessions could not be written down");
                }
            }
        });
    }

    /// Tells each arbiter of the others.
    async fn introduce(&self, arbiters: &Arbiters) -> anyhow::Result<()> {
        for post in &self.cells {
            let arbiters = arbiters.clone();
            let known = post.ask(move |cell| cell.actors.borrow_mut().arbiters = Some(arbiters)).await;
            known.context("an arbiter does not answer")?;
        }
        Ok(())
    }

    /// Starts the listeners, spread over the arbiters: half the way of a datagram is then a way within a thread.
    async fn listen(&self, arbiters: &Arbiters) -> anyhow::Result<()> {
        let mut specs = Vec::new();
        for socket in &self.house.sockets {
            let (socket, house, shards) = (socket.clone(), self.house.clone(), arbiters.shards.clone());
            let name = format!("listener {}", socket.local());
            let listener = move |_| Listener::new(socket.clone(), house.clone(), shards.clone());
            specs.push(ChildSpec::new(name, PERMANENT, listener).0);
        }
        for entrance in &self.house.entrances {
            let (entrance, house, arbiters) = (entrance.clone(), self.house.clone(), arbiters.clone());
            let name = format!("acceptor {} {}", entrance.transport, entrance.local);
            let acceptor = move |_| Acceptor::new(entrance.clone(), house.clone(), arbiters.clone());
            specs.push(ChildSpec::new(name, PERMANENT, acceptor).0);
        }
        for (spec, post) in specs.into_iter().zip(self.cells.iter().cycle()) {
            let root = post.ask(|cell| cell.actors.borrow().root.clone()).await.flatten();
            let root = root.context("an arbiter does not answer")?;
            root.send(StartChild(spec)).await?.context("a listener cannot be started")?;
        }
        Ok(())
    }

    /// The shared parts.
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// Waits until a part failed that the node cannot be without.
    pub async fn failure(&mut self) -> Option<Exit> {
        self.failed.recv().await
    }

    /// Who tells whether the node still answers.
    pub fn pulse(&self) -> Pulse {
        Pulse(self.cells.clone())
    }

    pub(super) fn posts(&self) -> Vec<Post> {
        self.cells.clone()
    }

    /// Refuses new calls, ends those that are up, and waits until all is quiet or `patience` is over. The web server
    /// answers until then.
    pub async fn stop(&self, patience: Duration) {
        self.house.load.closing.store(true, Ordering::Relaxed);
        let deadline = tokio::time::Instant::now() + patience;
        for post in &self.cells {
            if post.ask(|cell| cell.end_calls(&Cause::Maintenance)).await.is_none() {
                tracing::error!("an arbiter does not answer: its calls are cut off");
            }
        }
        while !self.house.load.is_quiet() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.house.recordings.finish_all().await;
        for post in &self.cells {
            // One that does not answer was told of above.
            post.ask(|cell| cell.post_rest()).await;
        }
        let house = self.house.clone();
        let settled = tokio::task::spawn_blocking(move || house.ledger.is_settled_within(WRITTEN)).await;
        if !settled.unwrap_or(false) {
            tracing::error!(waiting = self.house.ledger.health().waiting, "call records are lost");
        }
        self.web.stop().await;
        self.succession.close_web();
    }

    /// Expires registrations, compares books, tidies metrics.
    fn keep_house(&self) {
        gateway::follow(self.house.clone());
        let (house, posts) = (self.house.clone(), self.cells.clone());
        actix_rt::spawn(async move {
            let mut earlier = Difference::default();
            loop {
                tokio::time::sleep(Duration::from_secs(60)).await;
                house.registrar.expire(house.clock.now());
                house.metrics.tidy();
                let mut held = Vec::new();
                for post in &posts {
                    held.extend(post.ask(|cell| cell.leases()).await.unwrap_or_default());
                }
                let difference = Difference::between(&house.ports.leases(), &held);
                let lasting = difference.lasting(&earlier);
                if !lasting.is_none() {
                    tracing::error!(?lasting, "ports and legs do not agree");
                }
                earlier = difference;
            }
        });
    }
}

/// Tells whether a node still answers; apart from it, so that it can be asked beside everything else.
pub struct Pulse(Vec<Post>);

impl Pulse {
    /// Whether every arbiter answers within two seconds.
    pub async fn is_there(&self) -> bool {
        for post in &self.0 {
            if post.ask(|_| ()).await.is_none() {
                return false;
            }
        }
        true
    }
}

/// Everything that the arbiters share.
pub(super) fn furnish(
    config: Config,
    credentials: Credentials,
    plan: Plan,
    clock: Arc<dyn Clock>,
    web: SocketAddr,
    (keeper, mut inherited): (Keeper, Inherited),
) -> anyhow::Result<House> {
    // One provider for all that speaks TLS; whoever was first has set the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut opened = Sockets { keeper: &keeper, inherited: &mut inherited };
    let sockets = config.sip.listen.iter().map(|&address| {
        let socket = opened.open("udp", address, |socket| Udp::adopt(socket, address), || Udp::bind(address));
        socket.map(Arc::new).with_context(|| format!("cannot listen on {address} (UDP)"))
    });
    let sockets = sockets.collect::<anyhow::Result<Vec<_>>>()?;
    let entrances = entrances(&config, &mut opened)?;
    let addresses = LocalAddresses::new(&config, clock.clone());
    let tls = tls(&config, &addresses)?;
    let workers = workers(&config);
    let engine = Engine::start(EngineConfig { workers, ..EngineConfig::default() });
    let range = PortRange { first: config.media.ports.first, last: config.media.ports.last };
    let seed = Minter::new(entropy()?).number();
    let recordings = recordings(&config, clock.clone())?;
    let addresses = LocalAddresses::new(&config, clock.clone());
    let web_url = web_url(web, &addresses);
    let public_url = config.http.public_url.clone().unwrap_or_else(|| web_url.clone());
    let account = Account { sid: credentials.account_sid.clone(), token: credentials.auth_token.clone() };
    let webhooks = Webhooks::new(&config.webhooks, account, plan.hosts());
    Ok(House {
        public_url: public_url.trim_end_matches('/').to_owned(),
        web_url,
        posts: std::sync::OnceLock::new(),
        moved: std::sync::Mutex::default(),
        detour: Default::default(),
        metrics: Arc::new(Metrics::new().context("metrics cannot be counted")?),
        recordings,
        ledger: ledger(&config)?,
        draining: tokio::sync::watch::Sender::default(),
        webhooks: webhooks.context("webhooks need TLS")?,
        registrar: Registrar::new(bounds(&config)),
        ports: PortTable::new(range, config.media.port_rest)
            .seeded(seed)
            .with_custody(Arc::new(MediaCustody(keeper.clone()))),
        keeper,
        inherited: inherited.into(),
        engine: engine.context("media workers cannot be started")?,
        speech: Speech::new(&config.data.folder.join("speech"), config.limits.speech_cache),
        sounds: Sounds::default(),
        addresses,
        sockets,
        entrances,
        connections: Arc::new(Connections::new(
            config.sip.connections.clone(),
            Minter::new(entropy()?).number(),
        )),
        tls,
        gate: gate(&config)?.into(),
        trace: SipTrace::default(),
        load: Load::default(),
        settings: ArcSwap::from_pointee(Settings {
            config: config.clone(),
            credentials: credentials.clone(),
            gateway: Gateway::of(&config.gateway),
            plan,
        }),
        started: clock.now(),
        boot: boot()?,
        config,
        clock,
        credentials,
    })
}

/// The boot of the host.
fn boot() -> anyhow::Result<BootId> {
    let id = crate::supervision::boot_id().context("the boot of the host has no name")?;
    id.parse().context("the boot of the host has a strange name")
}

/// Digest checks for our domain, with a secret of this process.
fn gate(config: &Config) -> anyhow::Result<Gate> {
    let realm = config.sip.domain.clone().unwrap_or_else(|| "trunkline".to_owned());
    Ok(Gate::new(realm, entropy()?, Duration::from_secs(3_600)))
}

/// The socket of the web server, and its address.
fn web_socket(listen: SocketAddr, sockets: &mut Sockets) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let adopt = |socket| tcp::adopt(socket, listen);
    let socket = sockets.open("http", listen, adopt, || TcpListener::bind(listen)).with_context(|| {
        format!("cannot listen on {listen} (HTTP): choose another address with http.listen")
    })?;
    let address = socket.local_addr().context("the socket of the web server has no address")?;
    Ok((socket, address))
}

/// How the web server is reached where nothing else is said.
fn web_url(web: SocketAddr, addresses: &LocalAddresses) -> String {
    // A documentation address (RFC 5737): nothing is sent there, the route to it is what counts.
    let route = || addresses.towards([192, 0, 2, 1].into()).unwrap_or(Ipv4Addr::LOCALHOST.into());
    let ip = if web.ip().is_unspecified() { route() } else { web.ip() };
    format!("http://{}", SocketAddr::new(ip, web.port()))
}

fn recordings(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Recordings> {
    let crate::config::Recordings { open, bytes, keep_free, .. } = config.recordings;
    let folder = config.recordings_folder();
    Recordings::start_beside(&folder, Limits { open, bytes, keep_free }, clock)
        .with_context(|| format!("recordings cannot be kept in {} (recordings.folder)", folder.display()))
}

fn ledger(config: &Config) -> anyhow::Result<Ledger> {
    let crate::config::Records { bytes, files } = config.records;
    let limits = ledger::Limits { bytes, files };
    Ledger::start(&config.data.folder, limits).context("the ledger of calls needs a thread")
}

/// The sockets for TCP and TLS.
fn entrances(config: &Config, sockets: &mut Sockets) -> anyhow::Result<Vec<Arc<Entrance>>> {
    let tcp = config.sip.listen_tcp.iter().map(|address| (Transport::Tcp, *address));
    let tls = config.sip.listen_tls.iter().map(|address| (Transport::Tls, *address));
    let open = |(transport, address): (Transport, SocketAddr)| {
        let kind = transport.to_string().to_ascii_lowercase();
        let adopt = |socket| Entrance::adopt(transport.clone(), address, socket);
        let entrance = sockets.open(&kind, address, adopt, || Entrance::open(transport.clone(), address));
        let entrance = entrance.with_context(|| format!("cannot listen on {address} ({transport})"))?;
        tracing::info!(%transport, local = %entrance.local, "listening");
        Ok(Arc::new(entrance))
    };
    tcp.chain(tls).map(open).collect()
}

/// TLS: with a certificate of ours where we accept connections.
fn tls(config: &Config, addresses: &LocalAddresses) -> anyhow::Result<Tls> {
    let listen = &config.sip.listen_tls;
    let files = (!listen.is_empty()).then(|| {
        let seen = listen.iter().map(|address| addresses.seen_by_networks(address.ip()));
        let advertised = config.sip.advertised.map(|advertised| advertised.ip);
        Files::of(config, &seen.chain(advertised).collect::<Vec<_>>())
    });
    Tls::new(&config.sip.tls, files).context("TLS cannot be used")
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Media workers: every second core, at least one.
fn workers(config: &Config) -> usize {
    match config.media.workers {
        0 => (cores() / 2).max(1),
        workers => workers,
    }
}

/// Arbiters: the cores that media leaves, at least one. More would wake each other for nothing: each way of a
/// message between two threads costs more than parsing it.
fn arbiters(config: &Config) -> usize {
    match config.sip.shards {
        0 => cores().saturating_sub(workers(config)).max(1),
        shards => shards,
    }
}

fn on_alarm(alarm: &Alarm) {
    tracing::error!(?alarm, "an arbiter does not keep time");
    if matches!(alarm, Alarm::Stuck { .. }) {
        // It cannot be interrupted (design §4): the process ends, its host starts it again.
        std::process::exit(70);
    }
}

pub(super) fn entropy<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_and_signalling_share_the_cores_unless_the_configuration_says_how_many_each_gets() {
        let automatic = Config::default();
        assert!(workers(&automatic) >= 1 && arbiters(&automatic) >= 1);
        assert!(workers(&automatic) + arbiters(&automatic) <= cores().max(2));
        let mut fixed = Config::default();
        (fixed.media.workers, fixed.sip.shards) = (3, 5);
        assert_eq!((workers(&fixed), arbiters(&fixed)), (3, 5));
    }
}
