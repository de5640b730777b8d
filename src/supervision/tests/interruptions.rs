//! What happens to a group while it is being put in order or ended: a second failure, a second order.
//! Must never leave a child that is neither there nor told.

use super::*;

/// A group under rest-for-one, in which the named child refuses to stop: it takes five seconds.
fn hindered<const N: usize>(
    clock: &Arc<dyn Clock>,
    names: [&str; N],
    stubborn: &str,
    heard: &Diary,
) -> (Addr<Supervisor>, [Handle<Victim>; N], tokio::sync::oneshot::Receiver<Exit>) {
    let witness = Witness(heard.clone()).start().recipient();
    let group = Supervisor::new(Strategy::RestForOne, MANY, Arc::clone(clock)).watched_by(witness);
    let children = names.map(|name| {
        let habit = if name == stubborn { Habit::Stubborn } else { Habit::Meek };
        victim(name, LEG, habit, &Diary::default())
    });
    let handles = children.each_ref().map(|(_, handle)| handle.clone());
    let group = children.into_iter().fold(group, |group, (child, _)| group.with(child));
    let (root, exit) = group.start_root("root");
    (root, handles, exit)
}

/// Brings a child to where its next restart has a pause of a millisecond, and lets it fail again.
async fn fail_into_a_pause(child: &Handle<Victim>) {
    child.try_send(Poison::Handler).expect("it lives");
    pass(1).await;
    child.try_send(Poison::Handler).expect("it is back");
    while child.generation().is_some() {
        tokio::task::yield_now().await;
    }
}

fn generations<const N: usize>(handles: &[Handle<Victim>; N]) -> [Option<u64>; N] {
    handles.each_ref().map(|handle| handle.generation().map(|generation| generation.0))
}

#[actix::test]
async fn a_later_failure_does_not_narrow_a_restart_that_is_under_way() {
    let clock = virtual_time();
    let (_root, handles, _exit) = hindered(&clock, ["a", "b", "c"], "c", &Diary::default());
    pass(1).await;
    handles[0].try_send(Poison::Handler).expect("it lives");
    pass(1_000).await;
    assert_eq!(generations(&handles), [None, Some(0), Some(0)], "c is being waited for");
    handles[1].try_send(Poison::Handler).expect("it lives");
    pass(6_000).await;
    assert_eq!(generations(&handles), [Some(1); 3]);
}

#[actix::test]
async fn an_earlier_failure_during_a_pause_takes_the_absent_along() {
    let clock = virtual_time();
    let (root, handles, _exit) = hindered(&clock, ["a", "b", "c"], "b", &Diary::default());
    pass(1).await;
    fail_into_a_pause(&handles[2]).await;
    handles[0].try_send(Poison::Handler).expect("it lives");
    pass(4_000).await;
    assert_eq!(generations(&handles), [None, Some(0), None], "b is being waited for");
    pass(2_000).await;
    assert_eq!(generations(&handles), [Some(1), Some(1), Some(2)]);
    assert_eq!(tally(&root).await.running, 3);
}

#[actix::test]
async fn a_shutdown_during_a_pause_or_a_restart_brings_nobody_back() {
    let clock = virtual_time();
    let deadline = || clock.now() + Duration::from_secs(60);
    let heard = Diary::default();

    let (root, handles, exit) = hindered(&clock, ["a", "b"], "a", &heard);
    pass(1).await;
    fail_into_a_pause(&handles[1]).await;
    root.send(Shutdown { deadline: deadline() }).await.expect("it lives");
    exit.await.expect("it ends");
    pass(1).await;
    assert_eq!(heard.read()[2..], ["b2 shut down, Ended", "a0 killed, Ended"]);

    let (root, handles, exit) = hindered(&clock, ["a", "b"], "b", &heard);
    pass(1).await;
    handles[0].try_send(Poison::Handler).expect("it lives");
    pass(1_000).await;
    root.send(Shutdown { deadline: deadline() }).await.expect("it lives");
    exit.await.expect("it ends");
    pass(1).await;
    assert_eq!(heard.read()[1..], ["a1 shut down, Ended", "b0 killed, Ended"]);
}

#[actix::test]
async fn one_that_leaves_during_a_shutdown_does_not_hurry_the_others() {
    let clock = virtual_time();
    let (root, handles, exit) = hindered(&clock, ["a", "b", "c"], "c", &Diary::default());
    pass(1).await;
    root.send(Shutdown { deadline: clock.now() + Duration::from_secs(60) }).await.expect("it lives");
    handles[0].try_send(Leave).expect("it lives");
    pass(4_000).await;
    assert_eq!(generations(&handles), [None, Some(0), Some(0)], "b is told when c has ended");
    exit.await.expect("it ends");
}

#[actix::test]
async fn a_later_order_to_stop_never_grants_more_time() {
    let clock = virtual_time();
    let (root, handles, exit) = hindered(&clock, ["a"], "a", &Diary::default());
    pass(1).await;
    let began = clock.now();
    root.send(StopChild { id: handles[0].id().clone() }).await.expect("it lives").expect("it is there");
    pass(4_000).await;
    root.send(Shutdown { deadline: clock.now() + Duration::from_secs(60) }).await.expect("it lives");
    exit.await.expect("it ends");
    assert!(clock.now().since(began) < Duration::from_millis(5_100), "{:?}", clock.now().since(began));
}

#[actix::test]
async fn an_exit_of_an_older_generation_changes_nothing() {
    let clock = virtual_time();
    let (root, handles, _exit) = hindered(&clock, ["a"], "", &Diary::default());
    pass(1).await;
    handles[0].try_send(Poison::Handler).expect("it lives");
    pass(1).await;
    let (child, reason) = (handles[0].id().clone(), ExitReason::Killed);
    root.send(Exit { child, generation: Generation(0), reason }).await.expect("it lives");
    pass(10).await;
    assert_eq!(generations(&handles), [Some(1)]);
    assert_eq!(tally(&root).await, Tally { running: 1, restarts: 1, ..Tally::default() });
}
