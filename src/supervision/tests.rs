//! Tests that kill things: one kind of death per file, and the actors that die in them.
//! Must never wait in real time where virtual time does.

mod build;
mod crowd;
mod group;
mod handle;
mod interruptions;
mod limits;
mod poison;
mod threads;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, Running, WrapFuture};
use trunkline_media::moment::Moment;

use super::*;
use crate::ids::Generation;

/// What the actors of a test did, in order.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, line: String) {
        self.0.lock().expect("writing does not panic").push(line);
    }

    /// Everything since the last reading.
    fn read(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("writing does not panic"))
    }
}

/// How an actor behaves when it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Habit {
    #[default]
    Meek,
    /// `stopping` says no.
    Stubborn,
    /// `stopped` panics.
    PanicsWhenStopped,
    /// The destructor panics.
    PanicsWhenDropped,
}

/// An actor that can be killed in every way.
struct Victim {
    name: ChildId,
    generation: Generation,
    habit: Habit,
    diary: Diary,
}

impl Victim {
    fn note(&self, what: &str) {
        self.diary.write(format!("{}{} {what}", self.name, self.generation.0));
    }
}

impl Actor for Victim {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.note("starts");
    }

    fn stopping(&mut self, _: &mut Self::Context) -> Running {
        if self.habit == Habit::Stubborn { Running::Continue } else { Running::Stop }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.note("stops");
        assert_ne!(self.habit, Habit::PanicsWhenStopped, "poison in stopped");
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.note("drops");
        assert_ne!(self.habit, Habit::PanicsWhenDropped, "poison in drop");
    }
}

/// Makes a victim panic.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
enum Poison {
    Handler,
    Future,
    Timer,
}

impl Handler<Poison> for Victim {
    type Result = ();

    fn handle(&mut self, poison: Poison, ctx: &mut Context<Self>) {
        match poison {
            Poison::Handler => panic!("poison in a handler"),
            Poison::Future => {
                let work = tokio::time::sleep(Duration::from_millis(1));
                ctx.spawn(work.into_actor(self).map(|(), _, _| panic!("poison in a future")));
            }
            Poison::Timer => {
                ctx.run_later(Duration::from_millis(1), |_, _| panic!("poison in a timer"));
            }
        }
    }
}

/// Has a victim end by its own will.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
struct Leave;

impl Handler<Leave> for Victim {
    type Result = ();

    fn handle(&mut self, _: Leave, ctx: &mut Context<Self>) {
        actix::ActorContext::stop(ctx);
    }
}

/// Asks a victim for its generation.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "u64")]
struct Who;

impl Handler<Who> for Victim {
    type Result = u64;

    fn handle(&mut self, _: Who, _: &mut Context<Self>) -> u64 {
        self.generation.0
    }
}

/// Writes down each exit and each death that it hears of.
struct Witness(Diary);

impl Actor for Witness {
    type Context = Context<Self>;
}

impl Handler<Exit> for Witness {
    type Result = ();

    fn handle(&mut self, exit: Exit, _: &mut Context<Self>) {
        self.0.write(format!("{}{} {}", exit.child, exit.generation.0, exit.reason));
    }
}

impl Handler<Down> for Witness {
    type Result = ();

    fn handle(&mut self, down: Down, _: &mut Context<Self>) {
        self.0.write(format!("{}{} {}, {:?}", down.child, down.generation.0, down.reason, down.fate));
    }
}

const LEG: ChildPolicy = ChildPolicy {
    restart: Restart::Transient,
    intensity: Intensity::new(3, Duration::from_secs(10)),
    backoff: Backoff::NONE,
    mailbox: 8,
    shutdown: Duration::from_secs(5),
};

const MANY: Intensity = Intensity::new(100, Duration::from_secs(10));

/// A child whose generations write into `diary`.
fn victim(name: &str, policy: ChildPolicy, habit: Habit, diary: &Diary) -> (ChildSpec, Handle<Victim>) {
    let (id, diary) = (ChildId::from(name), diary.clone());
    let name = id.clone();
    ChildSpec::new(id, policy, move |generation| Victim {
        name: name.clone(),
        generation,
        habit,
        diary: diary.clone(),
    })
}

/// Virtual time from here on, and a clock that shows it.
fn virtual_time() -> Arc<dyn Clock> {
    tokio::time::pause();
    Arc::new(TokioClock::starting_at(Moment::from_micros(1), 0))
}

/// Lets a span of virtual time pass; whoever has something to do in it does.
async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

async fn tally(supervisor: &Addr<Supervisor>) -> Tally {
    supervisor.send(Census).await.expect("the supervisor lives")
}

/// A running group of meek victims with these names, their handles, and what they wrote.
fn group<const N: usize>(
    supervisor: Supervisor,
    names: [&str; N],
    policy: ChildPolicy,
    diary: &Diary,
) -> (Addr<Supervisor>, [Handle<Victim>; N], tokio::sync::oneshot::Receiver<Exit>) {
    let children = names.map(|name| victim(name, policy, Habit::Meek, diary));
    let handles = children.each_ref().map(|(_, handle)| handle.clone());
    let supervisor = children.into_iter().fold(supervisor, |group, (child, _)| group.with(child));
    let (address, exit) = supervisor.start_root("root");
    (address, handles, exit)
}
