//! The supervisor: owns a group of children, starts them in order, brings them back, ends them in reverse.
//! Must never hold business state nor run business code outside the fence.

mod agenda;
mod messages;

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, Recipient, Running};
use tokio::sync::oneshot;
use trunkline_media::moment::Moment;

pub(super) use messages::Outline;
pub use messages::{Census, Phase, Refused, Shutdown, StartChild, StopChild, Tally, Watch};

use self::agenda::Agenda;
use super::child::ChildSpec;
use super::clock::Clock;
use super::exit::{ChildId, Down, Exit, ExitReason, Fate};
use super::isolate::{self, Reins, Report};
use super::policy::{Decision, Intensity, Policy, Scope, Strategy};
use crate::ids::Generation;

/// Mailbox of a root supervisor: as many calls may begin in one turn of its arbiter. That of any other is in its [`ChildPolicy`](super::ChildPolicy).
const ROOT_MAILBOX: usize = 4_096;

/// Owns a group of actors. It is an actor itself, a child of another supervisor or a root.
pub struct Supervisor {
    policy: Policy,
    clock: Arc<dyn Clock>,
    /// Children from the start, until they are started.
    founders: Vec<ChildSpec>,
    children: HashMap<ChildId, Box<Child>>,
    /// Place of the next child in the order of starting.
    next_place: u64,
    agenda: Agenda,
    /// Its own address, the one that all children report to; set with the first.
    own: Option<Rc<Addr<Supervisor>>>,
    watchers: Vec<Recipient<Down>>,
    ends_when_empty: bool,
    ends_together: bool,
    restarts: u64,
    given_up: u64,
}

struct Child {
    /// Place in the order of starting.
    place: u64,
    spec: ChildSpec,
    generation: Generation,
    state: State,
}

enum State {
    Running(Rc<Reins>),
    /// Told to stop; killed if it takes too long.
    Ending {
        reins: Rc<Reins>,
        fate: Fate,
    },
    /// Between two generations, or never started.
    Absent,
}

impl Supervisor {
    /// A supervisor without children. `intensity` bounds the restarts of all of them together.
    pub fn new(strategy: Strategy, intensity: Intensity, clock: Arc<dyn Clock>) -> Self {
        Self {
            policy: Policy::new(strategy, intensity),
            clock,
            founders: Vec::new(),
            children: HashMap::new(),
            next_place: 0,
            agenda: Agenda::Idle,
            own: None,
            watchers: Vec::new(),
            ends_when_empty: false,
            ends_together: false,
            restarts: 0,
            given_up: 0,
        }
    }

    /// Starts `child` with the supervisor, after those named before. One whose name is taken is left out.
    #[must_use]
    pub fn with(mut self, child: ChildSpec) -> Self {
        self.founders.push(child);
        self
    }

    /// Tells `watcher` of every exit from the start on.
    #[must_use]
    pub fn watched_by(mut self, watcher: Recipient<Down>) -> Self {
        self.watchers.push(watcher);
        self
    }

    /// Ends by itself when its last child has left it.
    #[must_use]
    pub fn ends_when_empty(mut self) -> Self {
        self.ends_when_empty = true;
        self
    }

    /// Children do not depend on each other: at the end they are stopped all at once, not in reverse order.
    #[must_use]
    pub fn ends_together(mut self) -> Self {
        self.ends_together = true;
        self
    }

    /// Starts it on the present arbiter as the root of a tree; its exit arrives at the receiver.
    pub fn start_root(self, id: impl Into<ChildId>) -> (Addr<Self>, oneshot::Receiver<Exit>) {
        let (report, exit) = oneshot::channel();
        let (address, _) =
            isolate::spawn(self, ROOT_MAILBOX, id.into(), Generation::default(), Report::Root(report));
        (address, exit)
    }

    /// Adds a child to the group; it runs at once unless the group is being put in order.
    fn admit(&mut self, spec: ChildSpec, ctx: &mut Context<Self>) -> Result<(), Refused> {
        if matches!(self.agenda, Agenda::Close { .. }) {
            return Err(Refused::Ending);
        }
        if self.children.contains_key(&spec.id) {
            return Err(Refused::NameTaken);
        }
        let id = spec.id.clone();
        let place = self.next_place;
        self.next_place += 1;
        let generation = Generation::default();
        self.children.insert(id.clone(), Child { place, spec, generation, state: State::Absent }.into());
        if matches!(self.agenda, Agenda::Idle) {
            self.start_generation(&id, ctx);
        }
        Ok(())
    }

    /// Starts the present generation of `id`. A factory that panics is told as an exit, through the
    /// mailbox like any other, so that a storm of them cannot recurse.
    fn start_generation(&mut self, id: &ChildId, ctx: &mut Context<Self>) -> bool {
        let Some(child) = self.children.get_mut(id) else { return true };
        let own = self.own.get_or_insert_with(|| Rc::new(ctx.address()));
        child.spec.course.began(self.clock.now());
        match child.spec.start(child.generation, Rc::clone(own)) {
            Ok(reins) => {
                child.state = State::Running(reins);
                true
            }
            Err(text) => {
                let reason = ExitReason::Panic(text);
                child.state = State::Running(Rc::default());
                ctx.notify(Exit { child: id.clone(), generation: child.generation, reason });
                false
            }
        }
    }

    /// Asks a running child to stop, and sees to it that it does by its deadline.
    fn end_child(&mut self, id: &ChildId, fate: Fate, deadline: Option<Moment>) {
        let Some(child) = self.children.get_mut(id) else { return };
        let State::Running(reins) = &child.state else { return };
        let reins = Rc::clone(reins);
        let granted = child.spec.shutdown;
        reins.stop(deadline.map_or(granted, |deadline| deadline.since(self.clock.now()).min(granted)));
        child.state = State::Ending { reins, fate };
    }

    /// A child's exit: by order, or a matter for the policy.
    fn on_exit(&mut self, exit: &Exit, ctx: &mut Context<Self>) {
        let Some(child) = self.children.get_mut(&exit.child) else { return };
        if child.generation != exit.generation {
            return;
        }
        child.spec.vacate();
        match std::mem::replace(&mut child.state, State::Absent) {
            State::Absent => return,
            State::Ending { fate, .. } => self.settle(exit, fate),
            State::Running(_) if matches!(self.agenda, Agenda::Close { .. }) => {
                self.settle(exit, Fate::Ended)
            }
            State::Running(_) => self.on_failure(exit, ctx),
        }
        self.advance(ctx);
    }

    fn on_failure(&mut self, exit: &Exit, ctx: &mut Context<Self>) {
        let Some(child) = self.children.get_mut(&exit.child) else { return };
        let decision = self.policy.on_exit(&mut child.spec.course, &exit.reason, self.clock.now(), dice());
        match decision {
            Decision::Forget => self.settle(exit, Fate::Ended),
            Decision::GiveUp => self.give_up(exit),
            Decision::Escalate => {
                self.give_up(exit);
                let text = format!("{} {}", exit.child, exit.reason);
                self.close(Some(ExitReason::Escalated(text)), None, ctx);
            }
            Decision::Restart { scope, pause } => {
                let place = child.place;
                self.settle(exit, Fate::Restarts);
                match scope {
                    Scope::Child => self.start_after(pause, exit.child.clone(), ctx),
                    Scope::Following => self.regroup(place, pause, ctx),
                    Scope::Group => self.regroup(0, pause, ctx),
                }
            }
        }
    }

    fn give_up(&mut self, exit: &Exit) {
        self.given_up += 1;
        if let Some(child) = self.children.get(&exit.child) {
            tracing::error!(child = %exit.child, reason = %exit.reason, "restart limit reached, given up");
            child.spec.give_up(&exit.reason);
        }
        self.settle(exit, Fate::GivenUp);
    }

    /// Keeps the child's place for its next generation, or lets it go; then tells the watchers.
    fn settle(&mut self, exit: &Exit, fate: Fate) {
        match fate {
            Fate::Restarts => {
                if let Some(child) = self.children.get_mut(&exit.child) {
                    child.generation = child.generation.next();
                }
                self.restarts += 1;
            }
            Fate::Ended | Fate::GivenUp => {
                if let Some(child) = self.children.remove(&exit.child) {
                    child.spec.discard();
                }
            }
        }
        self.tell(exit, fate);
    }

    /// Tells the watchers. They release what the child held: they must hear of its end, however full they are.
    fn tell(&mut self, exit: &Exit, fate: Fate) {
        self.watchers.retain(|watcher| {
            let Exit { child, generation, reason } = exit.clone();
            watcher.do_send(Down { child, generation, reason, fate });
            watcher.connected()
        });
    }

    /// Starts one child alone after a pause.
    fn start_after(&mut self, pause: Duration, id: ChildId, ctx: &mut Context<Self>) {
        if pause.is_zero() {
            self.start_absent(&id, ctx);
        } else {
            ctx.run_later(pause, move |supervisor, ctx| {
                supervisor.start_absent(&id, ctx);
            });
        }
    }

    /// Starts a child that is still waited for. False if its factory panicked.
    fn start_absent(&mut self, id: &ChildId, ctx: &mut Context<Self>) -> bool {
        let waits = self.children.get(id).is_some_and(|child| matches!(child.state, State::Absent));
        !waits || matches!(self.agenda, Agenda::Close { .. }) || self.start_generation(id, ctx)
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        for child in std::mem::take(&mut self.founders) {
            let id = child.id.clone();
            if let Err(refused) = self.admit(child, ctx) {
                tracing::error!(child = %id, "left out: {refused}");
            }
        }
    }

    fn stopping(&mut self, ctx: &mut Self::Context) -> Running {
        if !matches!(self.agenda, Agenda::Close { .. }) {
            self.close(None, None, ctx);
            self.advance(ctx);
        }
        if self.children.is_empty() { Running::Stop } else { Running::Continue }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Agenda::Close { verdict: Some(reason), .. } = std::mem::replace(&mut self.agenda, Agenda::Idle)
        {
            isolate::verdict(reason);
        }
    }
}

impl Drop for Supervisor {
    /// Children do not outlive their supervisor, and whoever waits for their end hears of it even now.
    fn drop(&mut self) {
        for (id, child) in std::mem::take(&mut self.children) {
            child.spec.vacate();
            if let State::Running(reins) | State::Ending { reins, .. } = &child.state {
                reins.kill();
            }
            self.tell(
                &Exit { child: id, generation: child.generation, reason: ExitReason::Killed },
                Fate::Ended,
            );
            child.spec.discard();
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("policy", &self.policy)
            .field("children", &self.children.len())
            .finish()
    }
}

/// A random number for the jitter of pauses; without entropy the pause is the longest.
fn dice() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}
