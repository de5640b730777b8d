//! Panics in each place where an actor's code runs: each costs its actor and nobody else.
//! Must never need a second process: surviving is the point.

use super::*;

/// Poisons one of two legs; the other must not notice.
async fn poisoned(poison: Poison, habit: Habit) -> Vec<String> {
    let clock = virtual_time();
    let (diary, other) = (Diary::default(), Diary::default());
    let (leg, handle) = victim("leg", LEG, habit, &diary);
    let (sibling, neighbour) = victim("neighbour", LEG, Habit::Meek, &other);
    let (root, _exit) =
        Supervisor::new(Strategy::OneForOne, MANY, clock).with(leg).with(sibling).start_root("call");
    pass(1).await;
    handle.try_send(poison).expect("it lives");
    pass(10).await;
    assert_eq!(handle.address().expect("it is back").send(Who).await, Ok(1));
    assert_eq!(neighbour.generation(), Some(Generation(0)));
    assert_eq!(other.read(), ["neighbour0 starts"]);
    assert_eq!(tally(&root).await, Tally { running: 2, restarts: 1, ..Tally::default() });
    diary.read()
}

/// After a panic none of the actor's code runs but its destructor.
const REPLACED: [&str; 3] = ["leg0 starts", "leg0 drops", "leg1 starts"];

#[actix::test]
async fn poison_in_a_handler_costs_one_generation() {
    assert_eq!(poisoned(Poison::Handler, Habit::Meek).await, REPLACED);
}

#[actix::test]
async fn poison_in_a_spawned_future_costs_one_generation() {
    assert_eq!(poisoned(Poison::Future, Habit::Meek).await, REPLACED);
}

#[actix::test]
async fn poison_in_a_timer_costs_one_generation() {
    assert_eq!(poisoned(Poison::Timer, Habit::Meek).await, REPLACED);
}

#[actix::test]
async fn an_actor_whose_stopped_panics_too_does_not_take_the_process_along() {
    assert_eq!(poisoned(Poison::Handler, Habit::PanicsWhenStopped).await, REPLACED);
}

#[actix::test]
async fn an_actor_whose_destructor_panics_too_does_not_take_the_process_along() {
    assert_eq!(poisoned(Poison::Handler, Habit::PanicsWhenDropped).await, REPLACED);
}

#[actix::test]
async fn a_stubborn_actor_with_two_poison_messages_waiting_does_not_take_the_process_along() {
    let clock = virtual_time();
    let diary = Diary::default();
    let (leg, handle) = victim("leg", LEG, Habit::Stubborn, &diary);
    let (_root, _exit) = Supervisor::new(Strategy::OneForOne, MANY, clock).with(leg).start_root("call");
    pass(1).await;
    for _ in 0..3 {
        handle.try_send(Poison::Handler).expect("there is room");
    }
    pass(10).await;
    assert_eq!(handle.generation(), Some(Generation(1)), "the other two went with their mailbox");
    assert_eq!(diary.read(), REPLACED);
}

#[actix::test]
async fn a_panic_while_stopping_in_order_is_told_as_a_panic() {
    let clock = virtual_time();
    let diary = Diary::default();
    for habit in [Habit::PanicsWhenStopped, Habit::PanicsWhenDropped] {
        let witness = Witness(diary.clone()).start();
        let (leg, handle) = victim("leg", LEG, habit, &Diary::default());
        let root = Supervisor::new(Strategy::OneForOne, MANY, Arc::clone(&clock)).with(leg);
        let (_root, _exit) = root.watched_by(witness.recipient()).start_root("call");
        pass(1).await;
        handle.try_send(Leave).expect("it lives");
        pass(10).await;
        let [line] = <[String; 1]>::try_from(diary.read()).expect("one death");
        assert!(line.starts_with("leg0 panicked: ") && line.ends_with(", Restarts"), "{line}");
    }
}

#[actix::test]
async fn a_factory_that_panics_is_tried_again_like_any_other_exit() {
    let clock = virtual_time();
    let heard = Diary::default();
    let witness = Witness(heard.clone()).start();
    let diary = Diary::default();
    let (victims, name) = (diary.clone(), ChildId::from("leg"));
    let (leg, handle) = ChildSpec::new("leg", LEG, move |generation| {
        assert!(generation >= Generation(2), "no snapshot yet");
        Victim { name: name.clone(), generation, habit: Habit::Meek, diary: victims.clone() }
    });
    let root = Supervisor::new(Strategy::OneForOne, MANY, clock).with(leg);
    let (_root, _exit) = root.watched_by(witness.recipient()).start_root("call");
    pass(10).await;
    assert_eq!(handle.generation(), Some(Generation(2)));
    assert_eq!(diary.read(), ["leg2 starts"]);
    let deaths = ["leg0 panicked: no snapshot yet, Restarts", "leg1 panicked: no snapshot yet, Restarts"];
    assert_eq!(heard.read(), deaths);
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("poison in what a factory holds");
    }
}

#[actix::test]
async fn a_factory_that_panics_when_it_is_let_go_does_not_take_its_supervisor_along() {
    let clock = virtual_time();
    let (bomb, diary, name) = (Bomb, Diary::default(), ChildId::from("leg"));
    let (leg, handle) = ChildSpec::new("leg", LEG, move |generation| {
        let _held = &bomb;
        Victim { name: name.clone(), generation, habit: Habit::Meek, diary: diary.clone() }
    });
    let (sibling, neighbour) = victim("neighbour", LEG, Habit::Meek, &Diary::default());
    let (root, _exit) =
        Supervisor::new(Strategy::OneForOne, MANY, clock).with(leg).with(sibling).start_root("call");
    pass(1).await;
    handle.try_send(Leave).expect("it lives");
    pass(1).await;
    assert_eq!(tally(&root).await, Tally { running: 1, ..Tally::default() });
    assert_eq!(neighbour.generation(), Some(Generation(0)));
}

#[actix::test]
async fn an_isolated_actor_tells_its_parent_exactly_once() {
    virtual_time();
    let heard = Diary::default();
    let parent = Witness(heard.clone()).start();
    let victims = [("a", Some(Poison::Handler)), ("b", None)].map(|(name, poison)| {
        let (name, diary) = (ChildId::from(name), Diary::default());
        let actor = Victim { name: name.clone(), generation: Generation(4), habit: Habit::Meek, diary };
        let address = isolate(actor, 8, name, Generation(4), parent.clone().recipient());
        match poison {
            Some(poison) => address.try_send(poison).expect("there is room"),
            None => address.try_send(Leave).expect("there is room"),
        }
        address
    });
    pass(1).await;
    assert_eq!(heard.read(), ["a4 panicked: poison in a handler", "b4 ended"]);
    assert!(victims.iter().all(|address| !address.connected()));
}
