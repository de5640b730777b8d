//! One arbiter: its thread with its cell, its shard and its connections, and the way to it.
//! It must never outlive a part that it cannot be without, nor let a panic in one act end the thread.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::Actor;
use actix_rt::Arbiter;
use anyhow::Context as _;
use tokio::sync::{mpsc, oneshot};
use trunkline_media::session::Event as MediaEvent;

use super::cell::Cell;
use super::control::Undertaker;
use super::heritage::Share;
use super::house::House;
use super::readoption::Revenants;
use super::shard_actor::ShardActor;
use super::sound::Sink;
use super::start::entropy;
use crate::ids::Minter;
use crate::leg::Seat;
use crate::supervision::watchdog::Watchdog;
use crate::supervision::{
    Backoff, ChildPolicy, ChildSpec, Exit, Handle, Intensity, Restart, Strategy, Supervisor,
};

/// Permanent parts: five restarts in a minute, then the process ends and its host starts it again (style §4).
pub(super) const PERMANENT: ChildPolicy = ChildPolicy {
    restart: Restart::Permanent,
    intensity: Intensity::new(5, Duration::from_secs(60)),
    backoff: Backoff::NONE,
    mailbox: 16_384,
    shutdown: Duration::from_secs(2),
};

/// Media events that may wait for an arbiter.
const MEDIA_EVENTS: usize = 16_384;

/// Something to be done on an arbiter, with its cell.
type Inquiry = Box<dyn FnOnce(&Rc<Cell>) + Send>;

/// The way to one arbiter.
#[derive(Clone)]
pub(super) struct Post {
    inquiries: mpsc::Sender<Inquiry>,
}

/// The way of the media workers' events to an arbiter.
pub(super) struct Sound {
    /// Where they are told.
    pub sink: Arc<Sink>,
    events: mpsc::Receiver<MediaEvent>,
}

impl Sound {
    /// The way to the arbiter with this number.
    pub fn to(shard: usize, house: &House) -> Self {
        let (media, events) = mpsc::channel(MEDIA_EVENTS);
        Self { sink: Arc::new(Sink::new(media, shard, &house.detour)), events }
    }
}

/// What an arbiter tells once its cell stands.
pub(super) struct Ready {
    pub post: Post,
    /// Calls that a former process has left to it.
    pub revenants: Revenants,
    pub shard: Handle<ShardActor>,
    pub connections: Handle<Supervisor>,
}

impl Post {
    pub(super) const fn new(inquiries: mpsc::Sender<Inquiry>) -> Self {
        Self { inquiries }
    }

    /// Has `act` done on the arbiter, in its turn. Waits for room: not for threads that must not.
    pub(super) fn tell(&self, act: impl FnOnce(&Rc<Cell>) + Send + 'static) {
        // An arbiter that has ended has nothing to do any more.
        drop(self.inquiries.blocking_send(Box::new(act)));
    }

    /// As [`Self::tell`] where there is room; whether there was.
    pub(super) fn try_tell(&self, act: impl FnOnce(&Rc<Cell>) + Send + 'static) -> bool {
        self.inquiries.try_send(Box::new(act)).is_ok()
    }

    /// How long an arbiter has for an answer.
    pub(super) const PATIENCE: Duration = Duration::from_secs(2);

    /// Runs `inquiry` on the arbiter; `None` if it does not answer in time.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        inquiry: impl FnOnce(&Rc<Cell>) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let inquiry: Inquiry = Box::new(move |cell| drop(reply.send(inquiry(cell))));
        let asked = async {
            self.inquiries.send(inquiry).await.ok()?;
            answer.await.ok()
        };
        tokio::time::timeout(Self::PATIENCE, asked).await.ok()?
    }
}

/// Starts an arbiter with its cell and its shard under a supervisor of their own.
pub(super) async fn start(
    seat: Seat,
    share: Share,
    sound: Sound,
    house: Arc<House>,
    fail: mpsc::Sender<Exit>,
    watchdog: Arc<Watchdog>,
) -> anyhow::Result<Ready> {
    let seed = entropy::<16>()?;
    let (inquiries, asked) = mpsc::channel::<Inquiry>(1_024);
    let Sound { sink, events } = sound;
    let (tell, ready) = oneshot::channel();
    let started = Arbiter::new().spawn_fn(move || {
        let Share { estate, journal } = share;
        let cell = Cell::new(seat, house, Minter::new(seed), sink, journal);
        let revenants = cell.inherit(estate);
        let (spec, shard) = ChildSpec::new(format!("shard {}", seat.shard), PERMANENT, |generation| {
            let cell = Cell::present().expect("the cell of this arbiter was made just before its shard");
            ShardActor::restored(cell, generation)
        });
        cell.actors.borrow_mut().shard = Some(shard.clone());
        let clock = cell.house.clock.clone();
        let (group, connections) =
            ChildSpec::new(format!("connections {}", seat.shard), PERMANENT, move |_| {
                Supervisor::new(Strategy::OneForOne, Intensity::UNLIMITED, clock.clone()).ends_together()
            });
        let root = Supervisor::new(
            Strategy::OneForOne,
            Intensity::new(5, Duration::from_secs(60)),
            cell.house.clock.clone(),
        );
        let undertaker = Undertaker.start().recipient();
        let root = root.with(spec).with(group).watched_by(undertaker.clone());
        let (root, exit) = root.start_root(format!("calls {}", seat.shard));
        cell.actors.borrow_mut().root = Some(root);
        cell.actors.borrow_mut().undertaker = Some(undertaker);
        watch_exit(exit, fail);
        let guard = watchdog.watch(format!("arbiter {}", seat.shard));
        drop(tell.send((revenants, shard, connections)));
        actix_rt::spawn(serve_media(events));
        actix_rt::spawn(async move {
            serve_inquiries(asked).await;
            drop(guard);
        });
    });
    anyhow::ensure!(started, "an arbiter cannot be started");
    let (revenants, shard, connections) = ready.await.context("an arbiter ended while it started")?;
    Ok(Ready { post: Post::new(inquiries), revenants, shard, connections })
}

async fn serve_inquiries(mut asked: mpsc::Receiver<Inquiry>) {
    while let Some(inquiry) = asked.recv().await {
        if let Some(cell) = Cell::present() {
            guarded(|| inquiry(&cell));
        }
    }
}

async fn serve_media(mut events: mpsc::Receiver<MediaEvent>) {
    while let Some(event) = events.recv().await {
        if let Some(cell) = Cell::present() {
            guarded(|| cell.on_media(event));
        }
    }
}

/// What serves a whole arbiter must outlive a panic in one of its acts.
fn guarded(act: impl FnOnce()) {
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
