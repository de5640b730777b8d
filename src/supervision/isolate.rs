//! Isolation: polls one actor behind the panic fence and reports its end, exactly once.
//! Must never run an actor's code again after it panicked, its destructor excepted.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use actix::dev::ContextFut;
use actix::{Actor, ActorContext, Addr, Context, Recipient};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

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
        deadline: None,
        label: Label::of(std::any::type_name::<A>()),
    };
    actix_rt::spawn(isolated);
    (address, reins)
}

/// What the owner of an isolated actor wants of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Run,
    /// To stop within this time.
    Stop(Duration),
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
    /// Asks the actor to stop; it may finish its work first, but is killed after `patience`. Asking again
    /// can only make the time shorter.
    pub fn stop(&self, patience: Duration) {
        self.demand(Order::Stop(patience));
    }

    /// Drops the actor as soon as it yields.
    pub fn kill(&self) {
        self.demand(Order::Kill);
    }

    fn demand(&self, order: Order) {
        if self.order.get() != Order::Kill {
            self.order.set(order);
        }
        if let Some(waker) = self.waker.take() {
            waker.wake_by_ref();
            self.waker.set(Some(waker));
        }
    }

    /// Remembers whom to wake when an order arrives.
    fn await_orders(&self, waker: &Waker) {
        let known = self.waker.take().filter(|known| known.will_wake(waker));
        self.waker.set(Some(known.unwrap_or_else(|| waker.clone())));
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
    /// When patience with an actor that was asked to stop ends; it is set only if it did not stop at once.
    deadline: Option<Pin<Box<Sleep>>>,
    label: Label,
}

impl<A: Actor<Context = Context<A>>> Isolated<A> {
    /// Whether the time to stop is over for an actor that has not done so.
    fn is_overdue(&mut self, order: Order, task: &mut Task<'_>) -> bool {
        if let Order::Stop(patience) = order {
            let by = Instant::now() + patience;
            let by = self.deadline.as_ref().map_or(by, |deadline| deadline.deadline().min(by));
            self.deadline = Some(Box::pin(sleep_until(by)));
        }
        self.deadline.as_mut().is_some_and(|deadline| deadline.as_mut().poll(task).is_ready())
    }

    fn end(&mut self, mut reason: ExitReason) -> Poll<()> {
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
        Poll::Ready(())
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
        if order == Order::Kill {
            return this.end(ExitReason::Killed);
        }
        if let Order::Stop(_) = order {
            this.reins.order.set(Order::Stopping);
            future.ctx().stop();
        }
        watchdog::running(Some(this.label));
        let polled = fence::guard(|| Pin::new(future).poll(task));
        watchdog::running(None);
        match polled {
            Ok(Poll::Pending) => {
                this.reins.await_orders(task.waker());
                if this.is_overdue(order, task) { this.end(ExitReason::Killed) } else { Poll::Pending }
            }
            Ok(Poll::Ready(())) => {
                let asked = if order == Order::Run { ExitReason::Normal } else { ExitReason::Shutdown };
                this.end(VERDICT.take().unwrap_or(asked))
            }
            Err(caught) => {
                VERDICT.take();
                this.tell(&caught);
                this.end(ExitReason::Panic(caught.text))
            }
        }
    }
}

impl<A: Actor<Context = Context<A>>> Drop for Isolated<A> {
    /// An arbiter that stops drops its tasks: their supervisors have to know.
    fn drop(&mut self) {
        let _ = self.end(ExitReason::Killed);
    }
}
