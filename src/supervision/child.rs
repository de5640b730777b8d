//! Child specifications: how an actor is built, brought back, and let go.
//! Must never keep an actor: each generation is a new value from the factory.

use std::any::Any;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use actix::{Actor, Addr, Context};

use super::exit::{ChildId, ExitReason};
use super::fence;
use super::handle::Handle;
use super::isolate::{Reins, Report, spawn};
use super::policy::{Backoff, Course, Intensity, Restart};
use super::supervisor::Supervisor;
use crate::ids::Generation;

/// The rules for one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildPolicy {
    /// Whether it comes back.
    pub restart: Restart,
    /// How often, before it is given up.
    pub intensity: Intensity,
    /// The pause before it does.
    pub backoff: Backoff,
    /// Messages that its mailbox holds, at least one.
    pub mailbox: usize,
    /// How long it may take to stop before it is killed.
    pub shutdown: Duration,
}

type GiveUpHook = Box<dyn Fn(&ExitReason) + Send>;
type RestartHook = Box<dyn Fn(Generation) + Send>;

/// How a child is built and brought back, with what its owner wants to hear about it.
pub struct ChildSpec {
    pub(super) id: ChildId,
    pub(super) course: Course,
    pub(super) shutdown: Duration,
    template: Box<dyn Template>,
    give_up: Option<GiveUpHook>,
    restarted: Option<RestartHook>,
}

impl ChildSpec {
    /// A child whose generations `factory` builds, from whatever it finds committed, and the handle that
    /// reaches them. A factory that panics counts as an exit of the generation it was to build.
    pub fn new<A>(
        id: impl Into<ChildId>,
        policy: ChildPolicy,
        factory: impl Fn(Generation) -> A + Send + 'static,
    ) -> (Self, Handle<A>)
    where
        A: Actor<Context = Context<A>>,
    {
        let id = id.into();
        let handle = Handle::vacant(id.clone());
        let template = Box::new(Blueprint { factory, handle: handle.clone(), mailbox: policy.mailbox });
        let course = Course::new(policy.restart, policy.intensity, policy.backoff);
        (Self { id, course, shutdown: policy.shutdown, template, give_up: None, restarted: None }, handle)
    }

    /// `hook` runs when a restart limit was reached with this child's exit: it will not come back.
    /// A panic in it is caught.
    #[must_use]
    pub fn on_give_up(mut self, hook: impl Fn(&ExitReason) + Send + 'static) -> Self {
        self.give_up = Some(Box::new(hook));
        self
    }

    /// `hook` runs when a later generation can be reached, with its number. A panic in it is caught.
    #[must_use]
    pub fn on_restart(mut self, hook: impl Fn(Generation) + Send + 'static) -> Self {
        self.restarted = Some(Box::new(hook));
        self
    }

    /// Builds and starts a generation; fails with the text of the factory's panic.
    pub(super) fn start(
        &self,
        generation: Generation,
        parent: Rc<Addr<Supervisor>>,
    ) -> Result<Rc<Reins>, String> {
        let reins = fence::guard(|| self.template.start(generation, Report::Supervisor(parent)));
        let reins = reins.map_err(|caught| {
            tell(&self.id, "factory", &caught);
            caught.text
        })?;
        if generation > Generation::default()
            && let Some(hook) = &self.restarted
            && let Err(caught) = fence::guard(|| hook(generation))
        {
            tell(&self.id, "restart hook", &caught);
        }
        Ok(reins)
    }

    /// The handle finds nobody until the next start.
    pub(super) fn vacate(&self) {
        self.template.vacate();
    }

    /// Tells the owner that the child does not come back.
    pub(super) fn give_up(&self, reason: &ExitReason) {
        if let Some(hook) = &self.give_up
            && let Err(caught) = fence::guard(|| hook(reason))
        {
            tell(&self.id, "give-up hook", &caught);
        }
    }

    /// Lets go of the factory and the hooks; what they hold may panic when dropped.
    pub(super) fn discard(self) {
        let Self { id, template, give_up, restarted, .. } = self;
        for part in [
            fence::guard(|| drop(template)),
            fence::guard(|| drop(give_up)),
            fence::guard(|| drop(restarted)),
        ] {
            if let Err(caught) = part {
                tell(&id, "specification", &caught);
            }
        }
    }

    /// The child's address, where it is a supervisor itself.
    pub(super) fn as_supervisor(&self) -> Option<Addr<Supervisor>> {
        self.template.as_supervisor()
    }
}

fn tell(child: &ChildId, what: &'static str, caught: &fence::Caught) {
    let place = caught.place.as_deref().unwrap_or("unknown place");
    tracing::error!(%child, place, "{what} panicked: {}", caught.text);
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("id", &self.id)
            .field("course", &self.course)
            .finish_non_exhaustive()
    }
}

/// A blueprint whose actor's type is forgotten.
trait Template: Send {
    fn start(&self, generation: Generation, report: Report) -> Rc<Reins>;
    fn vacate(&self);
    fn as_supervisor(&self) -> Option<Addr<Supervisor>>;
}

struct Blueprint<A: Actor, F> {
    factory: F,
    handle: Handle<A>,
    mailbox: usize,
}

impl<A, F> Template for Blueprint<A, F>
where
    A: Actor<Context = Context<A>>,
    F: Fn(Generation) -> A + Send,
{
    fn start(&self, generation: Generation, report: Report) -> Rc<Reins> {
        let actor = (self.factory)(generation);
        let (address, reins) = spawn(actor, self.mailbox, self.handle.id().clone(), generation, report);
        self.handle.seat(generation, address);
        reins
    }

    fn vacate(&self) {
        self.handle.vacate();
    }

    fn as_supervisor(&self) -> Option<Addr<Supervisor>> {
        (&self.handle as &dyn Any).downcast_ref::<Handle<Supervisor>>()?.address()
    }
}
