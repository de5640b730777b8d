//! What needs real threads: an arbiter that is stopped, an arbiter that is blocked.
//! Must never depend on how fast the machine is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use actix::Arbiter;

use super::watchdog::{Alarm, Watchdog};
use super::*;

/// Passes exits on to the test.
struct Listener(tokio::sync::mpsc::UnboundedSender<Exit>);

impl Actor for Listener {
    type Context = Context<Self>;
}

impl Handler<Exit> for Listener {
    type Result = ();

    fn handle(&mut self, exit: Exit, _: &mut Context<Self>) {
        self.0.send(exit).expect("the test waits");
    }
}

#[actix::test]
async fn actors_of_an_arbiter_that_stops_are_told_as_killed() {
    let (sender, mut exits) = tokio::sync::mpsc::unbounded_channel();
    let parent = Listener(sender).start().recipient();
    let arbiter = Arbiter::new();
    let diary = Diary::default();
    let notes = diary.clone();
    let (ready, started) = tokio::sync::oneshot::channel();
    arbiter.spawn_fn(move || {
        let name = ChildId::from("leg");
        let actor =
            Victim { name: name.clone(), generation: Generation(2), habit: Habit::Stubborn, diary: notes };
        let address = isolate(actor, 8, name, Generation(2), parent);
        ready.send(address).expect("the test waits");
    });
    let address = started.await.expect("the arbiter runs");
    assert_eq!(address.send(Who).await, Ok(2));
    arbiter.stop();
    let exit = exits.recv().await.expect("the end is told");
    assert_eq!(exit, Exit { child: "leg".into(), generation: Generation(2), reason: ExitReason::Killed });
    arbiter.join().expect("the thread ends in peace");
    assert_eq!(diary.read(), ["leg2 starts", "leg2 drops"]);
    assert!(exits.try_recv().is_err(), "once is enough");
}

/// A clock on which half a second passes with each look.
#[derive(Default)]
struct Leaping(AtomicU64);

impl Clock for Leaping {
    fn now(&self) -> Moment {
        Moment::from_micros(self.0.fetch_add(500_000, Ordering::Relaxed))
    }

    fn wall(&self) -> u64 {
        0
    }
}

/// An actor that holds its thread until it is let go.
struct Blocker(mpsc::Receiver<Alarm>, mpsc::Sender<Alarm>);

impl Actor for Blocker {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let alarm = self.0.recv().expect("the watchdog barks");
        self.1.send(alarm).expect("the test waits");
        actix::ActorContext::stop(ctx);
    }
}

#[actix::test]
async fn the_watchdog_tells_which_actor_holds_an_arbiter_and_that_it_let_go() {
    let (bark, heard) = mpsc::channel();
    let (told, passed_on) = mpsc::channel();
    let (recovered, mut well) = tokio::sync::mpsc::unbounded_channel();
    let watchdog = Watchdog::start(Arc::new(Leaping::default()), move |alarm| {
        if let Alarm::Recovered { .. } = &alarm {
            // The test may have ended already.
            let _ = recovered.send(alarm);
        } else {
            let _ = bark.send(alarm);
        }
    });
    let watchdog = watchdog.expect("a thread can be had");
    let _watched = watchdog.watch("signalling-0");
    let parent = Witness(Diary::default()).start().recipient();
    isolate(Blocker(heard, told), 1, "blocker".into(), Generation(0), parent);
    let alarm = well.recv().await.expect("the arbiter ticks again");
    assert_eq!(alarm, Alarm::Recovered { arbiter: "signalling-0".to_owned() });
    let alarm = passed_on.recv().expect("it was told before");
    assert!(
        matches!(&alarm, Alarm::Late { arbiter, running } if arbiter == "signalling-0" && running.ends_with("Blocker")),
        "{alarm:?}"
    );
}
