//! Isolation: polls one actor behind the panic fence and reports its end, exactly once.
//! Must never run an actor's code again after it panicked, its destructor excepted.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Task, Poll, Waker};

use actix::dev::ContextFut;
use actix::{Actor, ActorContext, Addr, Context, Recipient};
use tokio::sync::oneshot;

use super::exit::{ChildId, Exit, ExitReason};
use super::fence;
use super::supervisor::Supervisor;
use super::watchdog::{self, Label};
use crate::ids::Generation;

/// Largest mailbox: far beyond any bound that makes sense, far below what actix refuses with a panic.
const MAILBOX_LIMIT: usize = 1 << 20;

thread_local! {
    /// What the actor that is ending right now says about its end.
    static VERDICT: Cell<Option<ExitReason>> = const { Cell::new(None) };
}

/// Starts `actor` on the present arbiter behind a panic fence, with a mailbox of `mailbox` messages (at
/// least one), and tells its end to `parent`. The address is to be shared, not cloned per message.
pub fn isolate<A>(
    actor: A,
    mailbox: usize,
    id: ChildId,
    generation: Generation,
    parent: Recipient<Exit>,
) -> Addr<A>
where
    A: Actor<Context = Context<A>>,
{
    spawn(actor, mailbox, id, generation, Report::Recipient(parent)).0
}

/// To whom an end is told.
pub(super) enum Report {
    /// The supervisor, through one address that all its children share.
    Supervisor(Rc<Addr<Supervisor>>),
    /// Any actor that handles [`Exit`].
    Recipient(Recipient<Exit>),
    /// Whoever started a root.
    Root(oneshot::Sender<Exit>),
}

impl Report {
    /// An exit must arrive whatever the mailbox holds; there is one per generation, which bounds them.
    #[expect(clippy::disallowed_methods, reason = "an exit must not be lost to a full mailbox")]
    fn deliver(self, exit: Exit) {
        match self {
            Self::Supervisor(address) => address.do_send(exit),
            Self::Recipient(recipient) => recipient.do_send(exit),
            Self::Root(sender) => {
                // Nobody waits for this root any more, so nobody wants to know.
                let _ = sender.send(exit);
            }
        }
    }
}

/// Says why the actor that is running `stopped` ends, if not by its own will.
pub(super) fn verdict(reason: ExitReason) {
    // An actor that nobody isolated has nobody to tell.
    if fence::is_up() {
        VERDICT.set(Some(reason));
    }
}

/// As [`isolate`], with any report and with reins for whoever owns the actor.
pub(super) fn spawn<A>(
    actor: A,
    mailbox: usize,
    child: ChildId,
    generation: Generation,
    report: Report,
) -> (Addr<A>, Rc<Reins>)
where
    A: Actor<Context = Context<A>>,
{
    fence::quiet_hook();
    let mut context = Context::new();
    // Zero would mean "no bound" to actix.
    context.set_mailbox_capacity(mailbox.clamp(1, MAILBOX_LIMIT));
    let future = context.into_future(actor);
    let address = future.address();
    let reins = Rc::new(Reins::default());
    let isolated = Isolated {
        future: Some(future),
        reins: Rc::clone(&reins),
        origin: Some(Origin { child, generation, report }),
        label: Label::of(std::any::type_name::<A>()),
    };
    actix_rt::spawn(isolated);
    (address, reins)
}

/// What the owner of an isolated actor wants of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    #[default]
    Run,
    Stop,
    /// `Stop` was passed on to the actor.
    Stopping,
    Kill,
}

/// Stops or kills an isolated actor on the same thread.
#[derive(Default)]
pub(super) struct Reins {
    order: Cell<Order>,
    waker: Cell<Option<Waker>>,
}

impl Reins {
    /// Asks the actor to stop; it may finish its work first.
    pub fn stop(&self) {
        self.demand(Order::Stop);
    }

    /// Drops the actor as soon as it yields.
    pub fn kill(&self) {
        self.demand(Order::Kill);
    }

    fn demand(&self, order: Order) {
        if self.order.get() < order {
            self.order.set(order);
            if let Some(waker) = self.waker.take() {
                waker.wake_by_ref();
                self.waker.set(Some(waker));
            }
        }
    }
}

struct Origin {
    child: ChildId,
    generation: Generation,
    report: Report,
}

/// One actor behind the fence.
struct Isolated<A: Actor<Context = Context<A>>> {
    future: Option<ContextFut<A, Context<A>>>,
    reins: Rc<Reins>,
    /// `None` once the end has been told.
    origin: Option<Origin>,
    label: Label,
}

impl<A: Actor<Context = Context<A>>> Isolated<A> {
    fn end(&mut self, mut reason: ExitReason) {
        if let Some(mut future) = self.future.take() {
            if reason.is_abnormal() {
                // Without this, dropping would run `stopping`, the mailbox and `stopped` on a broken actor.
                future.ctx().terminate();
            }
            // An actor that falls over while it is put away did not end well, whatever it said.
            if let Err(caught) = fence::guard(|| drop(future)) {
                self.tell(&caught);
                reason = ExitReason::Panic(caught.text);
            }
        }
        if let Some(Origin { child, generation, report }) = self.origin.take() {
            report.deliver(Exit { child, generation, reason });
        }
    }

    fn tell(&self, caught: &fence::Caught) {
        if let Some(Origin { child, generation, .. }) = &self.origin {
            let place = caught.place.as_deref().unwrap_or("unknown place");
            tracing::error!(%child, generation = generation.0, place, "actor panicked: {}", caught.text);
        }
    }
}

impl<A: Actor<Context = Context<A>>> Future for Isolated<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(future) = &mut this.future else { return Poll::Ready(()) };
        let order = this.reins.order.get();
        match order {
            Order::Kill => {
                this.end(ExitReason::Killed);
                return Poll::Ready(());
            }
            Order::Stop => {
                this.reins.order.set(Order::Stopping);
                future.ctx().stop();
            }
            Order::Run | Order::Stopping => {}
        }
        watchdog::running(Some(this.label));
        let polled = fence::guard(|| Pin::new(future).poll(task));
        watchdog::running(None);
        let reason = match polled {
            Ok(Poll::Pending) => {
                let waker = this.reins.waker.take().filter(|waker| waker.will_wake(task.waker()));
                this.reins.waker.set(Some(waker.unwrap_or_else(|| task.waker().clone())));
                return Poll::Pending;
            }
            Ok(Poll::Ready(())) => VERDICT.take().unwrap_or(match order {
                Order::Run => ExitReason::Normal,
                Order::Stop | Order::Stopping | Order::Kill => ExitReason::Shutdown,
            }),
            Err(caught) => {
                VERDICT.take();
                this.tell(&caught);
                ExitReason::Panic(caught.text)
            }
        };
        this.end(reason);
        Poll::Ready(())
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Isolated<A> {
    /// An arbiter that stops drops its tasks: their supervisors have to know.
    fn drop(&mut self) {
        self.end(ExitReason::Killed);
    }
}
