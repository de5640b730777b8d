//! Start and stop of a node: arbiters with their shards, sockets, media engine, and the tasks that keep house.
//! It must never be running half: what cannot be started ends the start with a reason.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::Actor;
use actix_rt::Arbiter;
use anyhow::Context as _;
use tokio::sync::{mpsc, oneshot};
use trunkline_media::port::{Engine, EngineConfig, PortRange, PortTable};
use trunkline_media::session::Event as MediaEvent;

use super::cell::Cell;
use super::control::Undertaker;
use super::gateway::{self, Gateway};
use super::house::{House, Load, Plan, Sounds};
use super::listener::Listener;
use super::reconcile::Difference;
use super::shard_actor::ShardActor;
use super::sound::Sink;
use crate::config::{Config, Credentials};
use crate::ids::Minter;
use crate::leg::Seat;
use crate::ops::log::SipTrace;
use crate::recording::{Limits, Recordings};
use crate::registrar::{Bounds, Registrar};
use crate::sip::shard::Gate;
use crate::sip::transport::{LocalAddresses, Udp};
use crate::speech::Speech;
use crate::supervision::watchdog::{Alarm, Watchdog};
use crate::supervision::{
    Backoff, ChildPolicy, ChildSpec, Clock, Exit, Handle, Intensity, Restart, StartChild, Strategy,
    Supervisor, SystemClock,
};
use crate::webhook::{Account, Webhooks};

/// Permanent parts: five restarts in a minute, then the process ends and its host starts it again (style §4).
const PERMANENT: ChildPolicy = ChildPolicy {
    restart: Restart::Permanent,
    intensity: Intensity::new(5, Duration::from_secs(60)),
    backoff: Backoff::NONE,
    mailbox: 16_384,
    shutdown: Duration::from_secs(2),
};

/// Media events that may wait for an arbiter.
const MEDIA_EVENTS: usize = 16_384;

/// Something to be done on an arbiter, with its cell.
type Inquiry = Box<dyn FnOnce(&std::rc::Rc<Cell>) + Send>;

/// A running node.
pub struct Node {
    house: Arc<House>,
    cells: Vec<Post>,
    _watchdog: Arc<Watchdog>,
    failed: mpsc::Receiver<Exit>,
}

/// The way to one arbiter.
#[derive(Clone)]
pub(super) struct Post {
    inquiries: mpsc::Sender<Inquiry>,
}

/// What an arbiter tells once its cell stands.
struct Ready {
    post: Post,
    shard: Handle<ShardActor>,
}

impl Node {
    /// Starts everything. To be called on an actix system.
    ///
    /// # Errors
    /// A socket, a thread or a file is not to be had; the error names it.
    pub async fn start(config: Config, credentials: Credentials, plan: Plan) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let house = Arc::new(furnish(config, credentials, plan, clock.clone())?);
        let (fail, failed) = mpsc::channel(8);
        let watchdog =
            Watchdog::start(clock, |alarm| on_alarm(&alarm)).context("the watchdog needs a thread")?;
        let watchdog = Arc::new(watchdog);
        let arbiters = arbiters(&house.config);
        let mut cells = Vec::new();
        let mut shards = Vec::new();
        for shard in 0..arbiters {
            let seat = Seat { shard, of: arbiters };
            let ready = start_arbiter(seat, house.clone(), fail.clone(), watchdog.clone()).await?;
            cells.push(ready.post);
            shards.push(ready.shard);
        }
        let shards: Arc<[Handle<ShardActor>]> = shards.into();
        let node = Self { house, cells, _watchdog: watchdog, failed };
        node.listen(&shards).await?;
        node.keep_house();
        Ok(node)
    }

    /// Starts the listeners, spread over the arbiters: half the way of a datagram is then a way within a thread.
    async fn listen(&self, shards: &Arc<[Handle<ShardActor>]>) -> anyhow::Result<()> {
        for (socket, post) in self.house.sockets.iter().zip(self.cells.iter().cycle()) {
            let (socket, house, shards) = (socket.clone(), self.house.clone(), shards.clone());
            let name = format!("listener {}", socket.local());
            let (spec, _) = ChildSpec::new(name, PERMANENT, move |_| {
                Listener::new(socket.clone(), house.clone(), shards.clone())
            });
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

    pub(super) fn posts(&self) -> Vec<Post> {
        self.cells.clone()
    }

    /// Refuses new calls, ends those that are up, and waits until all is quiet or `patience` is over.
    pub async fn stop(&self, patience: Duration) {
        self.house.load.closing.store(true, Ordering::Relaxed);
        let deadline = tokio::time::Instant::now() + patience;
        for post in &self.cells {
            if post.ask(|cell| cell.end_calls()).await.is_none() {
                tracing::error!("an arbiter does not answer: its calls are cut off");
            }
        }
        let load = &self.house.load;
        let is_quiet =
            || load.legs.load(Ordering::Relaxed) == 0 && load.outboxes.load(Ordering::Relaxed) == 0;
        while !is_quiet() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Expires registrations, compares books.
    fn keep_house(&self) {
        gateway::follow(self.house.clone());
        let (house, posts) = (self.house.clone(), self.cells.clone());
        actix_rt::spawn(async move {
            let mut earlier = Difference::default();
            loop {
                tokio::time::sleep(Duration::from_secs(60)).await;
                house.registrar.expire(house.clock.now());
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

impl Post {
    /// Runs `inquiry` on the arbiter; `None` if it does not answer within two seconds.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        inquiry: impl FnOnce(&std::rc::Rc<Cell>) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let inquiry: Inquiry = Box::new(move |cell| drop(reply.send(inquiry(cell))));
        let asked = async {
            self.inquiries.send(inquiry).await.ok()?;
            answer.await.ok()
        };
        tokio::time::timeout(Duration::from_secs(2), asked).await.ok()?
    }
}

/// Everything that the arbiters share.
fn furnish(
    config: Config,
    credentials: Credentials,
    plan: Plan,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<House> {
    // One provider for all that speaks TLS; whoever was first has set the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sockets = config.sip.listen.iter().map(|address| {
        Udp::bind(*address).map(Arc::new).with_context(|| format!("cannot listen on {address} (UDP)"))
    });
    let sockets = sockets.collect::<anyhow::Result<Vec<_>>>()?;
    let workers = workers(&config);
    let engine = Engine::start(EngineConfig { workers, ..EngineConfig::default() });
    let range = PortRange { first: config.media.ports.first, last: config.media.ports.last };
    let seed = Minter::new(entropy()?).number();
    let bounds = Bounds {
        min: seconds(config.registrar.min_expires),
        max: seconds(config.registrar.max_expires),
        default: seconds(config.registrar.default_expires),
        limit: config.limits.bindings_per_user,
    };
    let recordings = recordings(&config, clock.clone())?;
    let public_url =
        config.http.public_url.clone().unwrap_or_else(|| format!("http://{}", config.http.listen));
    let account = Account { sid: credentials.account_sid.clone(), token: credentials.auth_token.clone() };
    let webhooks = Webhooks::new(&config.webhooks, account, Vec::new());
    Ok(House {
        public_url: public_url.trim_end_matches('/').to_owned(),
        recordings,
        webhooks: webhooks.context("webhooks need TLS")?,
        registrar: Registrar::new(bounds),
        ports: PortTable::new(range, config.media.port_rest).seeded(seed),
        engine: engine.context("media workers cannot be started")?,
        speech: Speech::new(&config.data.folder.join("speech"), config.limits.speech_cache),
        sounds: Sounds::default(),
        gateway: Gateway::of(&config.gateway),
        addresses: LocalAddresses::new(&config, clock.clone()),
        sockets,
        trace: SipTrace::default(),
        load: Load::default(),
        config,
        clock,
        credentials,
        plan,
    })
}

fn recordings(config: &Config, clock: Arc<dyn Clock>) -> anyhow::Result<Recordings> {
    let crate::config::Recordings { open, bytes, keep_free, .. } = config.recordings;
    let folder = config.recordings_folder();
    Recordings::start(&folder, Limits { open, bytes, keep_free }, clock)
        .with_context(|| format!("recordings cannot be kept in {} (recordings.folder)", folder.display()))
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

/// Starts an arbiter with its cell and its shard under a supervisor of their own.
async fn start_arbiter(
    seat: Seat,
    house: Arc<House>,
    fail: mpsc::Sender<Exit>,
    watchdog: Arc<Watchdog>,
) -> anyhow::Result<Ready> {
    let (seed, secret) = (entropy::<16>()?, entropy::<32>()?);
    let (inquiries, asked) = mpsc::channel::<Inquiry>(1_024);
    let (media, events) = mpsc::channel::<MediaEvent>(MEDIA_EVENTS);
    let (tell, ready) = oneshot::channel();
    let started = Arbiter::new().spawn_fn(move || {
        let realm = house.config.sip.domain.clone().unwrap_or_else(|| "trunkline".to_owned());
        let gate = Gate::new(realm, secret, Duration::from_secs(3_600));
        let cell = Cell::new(seat, house, gate, Minter::new(seed), Arc::new(Sink(media)));
        let (spec, shard) = ChildSpec::new(format!("shard {}", seat.shard), PERMANENT, |generation| {
            let cell = Cell::present().expect("the cell of this arbiter was made just before its shard");
            ShardActor::restored(cell, generation)
        });
        cell.actors.borrow_mut().shard = Some(shard.clone());
        let root = Supervisor::new(
            Strategy::OneForOne,
            Intensity::new(5, Duration::from_secs(60)),
            cell.house.clock.clone(),
        );
        let undertaker = Undertaker.start().recipient();
        let root = root.with(spec).watched_by(undertaker.clone());
        let (root, exit) = root.start_root(format!("calls {}", seat.shard));
        cell.actors.borrow_mut().root = Some(root);
        cell.actors.borrow_mut().undertaker = Some(undertaker);
        watch_exit(exit, fail);
        let guard = watchdog.watch(format!("arbiter {}", seat.shard));
        drop(tell.send(shard));
        actix_rt::spawn(serve_media(events));
        actix_rt::spawn(async move {
            serve_inquiries(asked).await;
            drop(guard);
        });
    });
    anyhow::ensure!(started, "an arbiter cannot be started");
    let shard = ready.await.context("an arbiter ended while it started")?;
    Ok(Ready { post: Post { inquiries }, shard })
}

async fn serve_inquiries(mut asked: mpsc::Receiver<Inquiry>) {
    while let Some(inquiry) = asked.recv().await {
        if let Some(cell) = Cell::present() {
            fenced(|| inquiry(&cell));
        }
    }
}

async fn serve_media(mut events: mpsc::Receiver<MediaEvent>) {
    while let Some(event) = events.recv().await {
        if let Some(cell) = Cell::present() {
            fenced(|| cell.on_media(event));
        }
    }
}

/// What serves a whole arbiter must outlive a panic in one of its acts.
fn fenced(act: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(act)).is_err() {
        tracing::error!("an act of the cell panicked");
    }
}

fn watch_exit(exit: oneshot::Receiver<Exit>, fail: mpsc::Sender<Exit>) {
    actix_rt::spawn(async move {
        if let Ok(exit) = exit.await {
            tracing::error!(child = %exit.child, reason = %exit.reason, "a part that the node cannot be without has ended");
            drop(fail.send(exit).await);
        }
    });
}

fn on_alarm(alarm: &Alarm) {
    tracing::error!(?alarm, "an arbiter does not keep time");
    if matches!(alarm, Alarm::Stuck { .. }) {
        // It cannot be interrupted (design §4): the process ends, its host starts it again.
        std::process::exit(70);
    }
}

fn entropy<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness from the system: {error}"))?;
    Ok(bytes)
}

fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
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
