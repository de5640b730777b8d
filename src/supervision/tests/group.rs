//! Groups: who is restarted with whom, who stops when, and who is told.
//! Must never assume an order that the supervisor does not promise.

use super::*;

#[actix::test]
async fn rest_for_one_restarts_the_child_and_those_after_it_in_order() {
    let clock = virtual_time();
    let diary = Diary::default();
    let (_root, [_, b, _], _exit) =
        group(Supervisor::new(Strategy::RestForOne, MANY, clock), ["a", "b", "c"], LEG, &diary);
    pass(1).await;
    assert_eq!(diary.read(), ["a0 starts", "b0 starts", "c0 starts"]);
    b.try_send(Poison::Handler).expect("it lives");
    pass(10).await;
    assert_eq!(diary.read(), ["b0 drops", "c0 stops", "c0 drops", "b1 starts", "c1 starts"]);
}

#[actix::test]
async fn all_restarts_everyone_last_first_down_and_first_first_up() {
    let clock = virtual_time();
    let diary = Diary::default();
    let (_root, [_, b, _], _exit) =
        group(Supervisor::new(Strategy::All, MANY, clock), ["a", "b", "c"], LEG, &diary);
    pass(1).await;
    diary.read();
    b.try_send(Poison::Handler).expect("it lives");
    pass(10).await;
    let expected =
        ["b0 drops", "c0 stops", "c0 drops", "a0 stops", "a0 drops", "a1 starts", "b1 starts", "c1 starts"];
    assert_eq!(diary.read(), expected);
}

#[actix::test]
async fn two_failures_at_once_lead_to_one_regrouping_and_nobody_is_lost() {
    let clock = virtual_time();
    let policy = ChildPolicy { backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(1)), ..LEG };
    let (root, [a, b, c], _exit) =
        group(Supervisor::new(Strategy::RestForOne, MANY, clock), ["a", "b", "c"], policy, &Diary::default());
    pass(1).await;
    b.try_send(Poison::Handler).expect("it lives");
    a.try_send(Poison::Handler).expect("it lives");
    pass(3_000).await;
    assert_eq!([&a, &b, &c].map(Handle::generation), [Some(Generation(1)); 3]);
    assert_eq!(tally(&root).await.running, 3);
}

#[actix::test]
async fn a_shutdown_ends_the_children_in_reverse_order_then_the_supervisor() {
    let clock = virtual_time();
    let diary = Diary::default();
    let (root, handles, exit) =
        group(Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&clock)), ["a", "b", "c"], LEG, &diary);
    pass(1).await;
    diary.read();
    root.send(Shutdown { deadline: clock.now() + Duration::from_secs(60) }).await.expect("it lives");
    assert_eq!(exit.await.map(|exit| exit.reason), Ok(ExitReason::Shutdown));
    let expected = ["c0 stops", "c0 drops", "b0 stops", "b0 drops", "a0 stops", "a0 drops"];
    assert_eq!(diary.read(), expected);
    assert!(handles.iter().all(|handle| handle.generation().is_none()));
}

#[actix::test]
async fn a_stubborn_child_is_killed_when_its_shutdown_time_is_over_and_only_then_the_next_is_told() {
    let clock = virtual_time();
    let diary = Diary::default();
    let (first, _) = victim("first", LEG, Habit::Meek, &diary);
    let (stubborn, _) = victim("stubborn", LEG, Habit::Stubborn, &diary);
    let root = Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&clock)).with(first).with(stubborn);
    let (root, exit) = root.start_root("node");
    pass(1).await;
    diary.read();
    let began = clock.now();
    root.send(Shutdown { deadline: began + Duration::from_secs(60) }).await.expect("it lives");
    pass(4_900).await;
    assert_eq!(diary.read(), Vec::<String>::new(), "it has five seconds, and its elder waits");
    assert_eq!(exit.await.map(|exit| exit.reason), Ok(ExitReason::Shutdown));
    assert_eq!(diary.read(), ["stubborn0 drops", "first0 stops", "first0 drops"]);
    assert!(clock.now().since(began) < Duration::from_millis(5_100));
}

#[actix::test]
async fn no_child_outlasts_the_deadline_of_a_shutdown() {
    let clock = virtual_time();
    let (a, _) = victim("a", LEG, Habit::Stubborn, &Diary::default());
    let (b, _) = victim("b", LEG, Habit::Stubborn, &Diary::default());
    let root = Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&clock)).with(a).with(b);
    let (root, exit) = root.start_root("node");
    pass(1).await;
    let began = clock.now();
    root.send(Shutdown { deadline: began + Duration::from_secs(60) }).await.expect("it lives");
    root.send(Shutdown { deadline: began + Duration::from_secs(2) }).await.expect("it lives");
    exit.await.expect("it ends");
    assert!(clock.now().since(began) < Duration::from_millis(2_100), "{:?}", clock.now().since(began));
}

#[actix::test]
async fn independent_children_are_stopped_together() {
    let clock = virtual_time();
    let children = ["a", "b", "c"].map(|name| victim(name, LEG, Habit::Stubborn, &Diary::default()).0);
    let root = Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&clock)).ends_together();
    let (root, exit) = children.into_iter().fold(root, Supervisor::with).start_root("calls");
    pass(1).await;
    let began = clock.now();
    root.send(Shutdown { deadline: began + Duration::from_secs(60) }).await.expect("it lives");
    exit.await.expect("it ends");
    assert!(clock.now().since(began) < Duration::from_millis(5_100), "five seconds for all three");
}

#[actix::test]
async fn whoever_waits_for_a_restart_is_told_its_end_when_the_group_closes() {
    let clock = virtual_time();
    let heard = Diary::default();
    let witness = Witness(heard.clone()).start();
    let policy =
        ChildPolicy { backoff: Backoff::new(Duration::from_secs(900), Duration::from_secs(900)), ..LEG };
    let root = Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&clock)).watched_by(witness.recipient());
    let (root, [handle], exit) = group(root, ["leg"], policy, &Diary::default());
    pass(1).await;
    handle.try_send(Poison::Handler).expect("it lives");
    pass(1).await;
    root.send(Shutdown { deadline: clock.now() + Duration::from_secs(1) }).await.expect("it lives");
    exit.await.expect("it ends");
    pass(1).await;
    let expected = ["leg0 panicked: poison in a handler, Restarts", "leg1 shut down, Ended"];
    assert_eq!(heard.read(), expected, "a lease on it can be released now");
}

#[actix::test]
async fn a_child_that_is_stopped_by_name_does_not_come_back() {
    let clock = virtual_time();
    let diary = Diary::default();
    let heard = Diary::default();
    let (root, [a, b], _exit) =
        group(Supervisor::new(Strategy::OneForOne, MANY, clock), ["a", "b"], LEG, &diary);
    let recipient = Witness(heard.clone()).start().recipient();
    root.send(Watch { recipient }).await.expect("it lives");
    assert_eq!(root.send(StopChild { id: a.id().clone() }).await, Ok(Ok(())));
    pass(1).await;
    assert_eq!(heard.read(), ["a0 shut down, Ended"]);
    assert_eq!((a.generation(), b.generation()), (None, Some(Generation(0))));
    assert_eq!(root.send(StopChild { id: a.id().clone() }).await, Ok(Err(Refused::NoSuchChild)));
}

#[actix::test]
async fn children_can_be_added_while_the_group_lives_but_no_name_twice() {
    let clock = virtual_time();
    let diary = Diary::default();
    let (root, [_leg], exit) =
        group(Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&clock)), ["leg"], LEG, &diary);
    let child = |name| StartChild(victim(name, LEG, Habit::Stubborn, &diary).0);
    assert_eq!(root.send(child("leg")).await, Ok(Err(Refused::NameTaken)));
    assert_eq!(root.send(child("script")).await, Ok(Ok(())));
    pass(1).await;
    assert_eq!(diary.read(), ["leg0 starts", "script0 starts"]);
    root.send(Shutdown { deadline: clock.now() + Duration::from_secs(60) }).await.expect("it lives");
    assert_eq!(root.send(child("late")).await, Ok(Err(Refused::Ending)));
    exit.await.expect("it ends");
}

#[actix::test]
async fn a_calls_supervisor_ends_when_its_last_child_has_left() {
    let clock = virtual_time();
    let (_root, [a, b], exit) = group(
        Supervisor::new(Strategy::OneForOne, MANY, clock).ends_when_empty(),
        ["a", "b"],
        LEG,
        &Diary::default(),
    );
    pass(1).await;
    a.try_send(Leave).expect("it lives");
    pass(1).await;
    assert_eq!(b.generation(), Some(Generation(0)));
    b.try_send(Leave).expect("it lives");
    assert_eq!(exit.await.map(|exit| exit.reason), Ok(ExitReason::Normal));
}

#[actix::test]
async fn children_do_not_outlive_a_supervisor_that_is_killed() {
    let clock = virtual_time();
    let diary = Diary::default();
    let heard = Diary::default();
    let witness = Witness(heard.clone()).start().recipient();
    let (time, victims) = (Arc::clone(&clock), diary.clone());
    let hasty = ChildPolicy { shutdown: Duration::from_secs(1), ..LEG };
    let (call, inner) = ChildSpec::new("call", hasty, move |_| {
        let (leg, _) = victim("leg", LEG, Habit::Stubborn, &victims);
        let call = Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&time)).with(leg);
        call.watched_by(witness.clone())
    });
    let root = Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&clock)).with(call);
    let (root, exit) = root.start_root("node");
    pass(1).await;
    assert_eq!(inner.generation(), Some(Generation(0)));
    root.send(Shutdown { deadline: clock.now() + Duration::from_secs(60) }).await.expect("it lives");
    exit.await.expect("it ends");
    pass(1).await;
    assert_eq!(diary.read(), ["leg0 starts", "leg0 drops"]);
    assert_eq!(heard.read(), ["leg0 killed, Ended"], "its lease can be released");
}

#[actix::test]
async fn a_supervisor_that_is_stopped_by_its_parent_ends_its_children_in_reverse_first() {
    let clock = virtual_time();
    let diary = Diary::default();
    let (time, victims) = (Arc::clone(&clock), diary.clone());
    let (call, _) = ChildSpec::new("call", LEG, move |_| {
        let children = ["leg", "script"].map(|name| victim(name, LEG, Habit::Meek, &victims).0);
        let call = Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&time));
        children.into_iter().fold(call, Supervisor::with)
    });
    let heard = Diary::default();
    let witness = Witness(heard.clone()).start();
    let root = Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&clock)).with(call);
    let (root, exit) = root.watched_by(witness.recipient()).start_root("node");
    pass(1).await;
    let drawn = tree::below(root.clone(), Duration::from_secs(1)).await;
    assert_eq!(drawn.to_string(), "call\n  leg\n  script\n");
    assert_eq!(drawn.actors(), 3);
    diary.read();
    root.send(Shutdown { deadline: clock.now() + Duration::from_secs(60) }).await.expect("it lives");
    exit.await.expect("it ends");
    pass(1).await;
    assert_eq!(diary.read(), ["script0 stops", "script0 drops", "leg0 stops", "leg0 drops"]);
    assert_eq!(heard.read(), ["call0 shut down, Ended"]);
    assert_eq!(tree::below(root, Duration::from_secs(1)).await, tree::Below::Silent);
}
