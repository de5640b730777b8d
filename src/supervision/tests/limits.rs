//! Restart limits: a child is given up, a group escalates, each exactly once.
//! Must never leave a child behind.

use super::*;

/// Poisons the child until nobody is there, at most `most` times; tells how often.
async fn storm(handle: &Handle<Victim>, most: usize) -> usize {
    let mut sent = 0;
    while sent < most && handle.try_send(Poison::Handler).is_ok() {
        sent += 1;
        pass(10).await;
    }
    sent
}

#[actix::test]
async fn a_leg_past_its_limit_is_given_up_once_and_its_siblings_go_on() {
    let clock = virtual_time();
    let diary = Diary::default();
    let witness = Witness(diary.clone()).start();
    let (leg, handle) = victim("leg", LEG, Habit::Meek, &Diary::default());
    let (sibling, neighbour) = victim("neighbour", LEG, Habit::Meek, &Diary::default());
    let hook = diary.clone();
    let leg = leg.on_give_up(move |reason| {
        hook.write(format!("BYE, because it {reason}"));
        panic!("a panic here is caught");
    });
    let root = Supervisor::new(Strategy::OneForOne, MANY, clock).with(leg).with(sibling);
    let (root, _exit) = root.watched_by(witness.recipient()).start_root("call");
    pass(1).await;
    assert_eq!(storm(&handle, 100).await, 4);
    let told = diary.read();
    let restart = "panicked: poison in a handler, Restarts";
    assert_eq!(told[..3], [0, 1, 2].map(|generation| format!("leg{generation} {restart}")));
    assert_eq!(
        told[3..],
        ["BYE, because it panicked: poison in a handler", "leg3 panicked: poison in a handler, GivenUp"]
    );
    assert_eq!(neighbour.generation(), Some(Generation(0)));
    assert_eq!(tally(&root).await, Tally { running: 1, restarts: 3, given_up: 1, ..Tally::default() });
}

#[actix::test]
async fn a_restart_storm_ends_the_group_in_reverse_order_and_escalates_exactly_once() {
    let clock = virtual_time();
    let diary = Diary::default();
    let heard = Diary::default();
    let parent = Witness(heard.clone()).start();
    let hits = diary.clone();
    let limited = Supervisor::new(Strategy::OneForOne, Intensity::new(3, Duration::from_secs(5)), clock);
    let policy = ChildPolicy { intensity: MANY, ..LEG };
    let children = ["a", "b", "c"].map(|name| victim(name, policy, Habit::Meek, &diary));
    let handle = children[1].1.clone();
    let limited = children.into_iter().fold(limited, |group, (child, handle)| {
        let hits = hits.clone();
        group.with(child.on_give_up(move |_| hits.write(format!("{} given up", handle.id()))))
    });
    let group = isolate(limited, 64, ChildId::from("call"), Generation(0), parent.recipient());
    pass(1).await;
    assert_eq!(storm(&handle, 3).await, 3);
    diary.read();
    assert_eq!(storm(&handle, 100).await, 1);
    let ending = ["b3 drops", "b given up", "c0 stops", "c0 drops", "a0 stops", "a0 drops"];
    assert_eq!(diary.read(), ending);
    assert_eq!(heard.read(), ["call0 escalated: b panicked: poison in a handler"]);
    assert!(!group.connected());
}

#[actix::test]
async fn a_group_that_escalated_is_brought_back_whole_by_its_parent() {
    let clock = virtual_time();
    let diary = Diary::default();
    let (time, victims) = (Arc::clone(&clock), diary.clone());
    let handles = Arc::new(Mutex::new(Vec::new()));
    let shelf = Arc::clone(&handles);
    let (calls, inner) = ChildSpec::new("call", LEG, move |_| {
        let limited = Intensity::new(0, Duration::from_secs(5));
        let (leg, handle) = victim("leg", LEG, Habit::Meek, &victims);
        shelf.lock().expect("no panic while held").push(handle);
        Supervisor::new(Strategy::OneForOne, limited, Arc::clone(&time)).with(leg)
    });
    let (root, _exit) = Supervisor::new(Strategy::OneForOne, MANY, clock).with(calls).start_root("node");
    pass(1).await;
    let first = handles.lock().expect("no panic while held").pop().expect("built once");
    first.try_send(Poison::Handler).expect("it lives");
    pass(10).await;
    let second = handles.lock().expect("no panic while held").pop().expect("built again");
    assert_eq!((inner.generation(), first.generation()), (Some(Generation(1)), None));
    assert_eq!(second.generation(), Some(Generation(0)), "a new group starts from the beginning");
    assert_eq!(tally(&root).await, Tally { running: 1, restarts: 1, ..Tally::default() });
    assert_eq!(diary.read(), ["leg0 starts", "leg0 drops", "leg0 starts"]);
}

#[actix::test]
async fn a_permanent_child_past_its_limit_takes_its_group_along() {
    let clock = virtual_time();
    let policy = ChildPolicy { restart: Restart::Permanent, ..LEG };
    let (_root, [a, b], exit) =
        group(Supervisor::new(Strategy::OneForOne, MANY, clock), ["a", "b"], policy, &Diary::default());
    pass(1).await;
    assert_eq!(storm(&a, 100).await, 4);
    let exit = exit.await.expect("the root tells its end");
    assert_eq!(exit.reason, ExitReason::Escalated("a panicked: poison in a handler".to_owned()));
    assert_eq!(b.generation(), None);
}

#[actix::test]
async fn a_factory_that_always_panics_neither_recurses_nor_holds_the_thread() {
    let clock = virtual_time();
    let policy = ChildPolicy { intensity: Intensity::UNLIMITED, ..LEG };
    let (leg, handle) = ChildSpec::new("leg", policy, |_| -> Victim { panic!("no snapshot") });
    let unlimited = Supervisor::new(Strategy::OneForOne, Intensity::UNLIMITED, clock);
    let (root, _exit) = unlimited.with(leg).start_root("trunks");
    pass(1_000).await;
    let Tally { absent, restarts, .. } = tally(&root).await;
    assert_eq!((handle.generation(), absent), (None, 1));
    assert!((100..=1_001).contains(&restarts), "{restarts} restarts in a second");
}

#[actix::test]
async fn pauses_grow_between_restarts_of_a_trunk() {
    let clock = virtual_time();
    let (diary, time) = (Diary::default(), Arc::clone(&clock));
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    let policy = ChildPolicy { restart: Restart::Permanent, intensity: Intensity::UNLIMITED, backoff, ..LEG };
    let births = diary.clone();
    let (trunk, _handle) = ChildSpec::new("trunk", policy, move |_| -> Victim {
        births.write(time.now().as_micros().to_string());
        panic!("the carrier does not answer");
    });
    let unlimited = Supervisor::new(Strategy::OneForOne, Intensity::UNLIMITED, clock);
    let (_root, _exit) = unlimited.with(trunk).start_root("trunks");
    pass(3_600_000).await;
    let births: Vec<u64> = diary.read().iter().map(|micros| micros.parse().expect("a number")).collect();
    let pauses: Vec<u64> = births.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (streak, pause) in pauses.iter().enumerate() {
        let longest = 60_000_000.min(1_000_000 << streak.min(6));
        assert!(*pause <= longest + 2_000, "pause {streak} took {pause} µs");
    }
    // An hour of pauses of half a minute on average.
    assert!((70..200).contains(&pauses.len()), "{} restarts in an hour", pauses.len());
}
