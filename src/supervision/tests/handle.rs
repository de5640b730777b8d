//! Handles: they reach the present generation, within the mailbox's bound, or say why not.
//! Must never depend on which generation that is.

use super::*;

#[actix::test]
async fn a_handle_reaches_each_generation_in_turn_and_nobody_in_between() {
    let clock = virtual_time();
    let (_root, [handle], _exit) =
        group(Supervisor::new(Strategy::OneForOne, MANY, clock), ["leg"], LEG, &Diary::default());
    assert_eq!(handle.try_send(Leave), Err(Undelivered::Gone), "it has not started yet");
    pass(1).await;
    let clone = handle.clone();
    handle.try_send(Poison::Handler).expect("it lives");
    // The first restart is immediate; from the second on there is a pause of a millisecond.
    pass(1).await;
    for generation in 1..3 {
        assert_eq!(clone.generation(), Some(Generation(generation)));
        handle.try_send(Poison::Handler).expect("it lives");
        while handle.generation().is_some() {
            tokio::task::yield_now().await;
        }
        assert!(matches!(handle.offer(Who), Err((Undelivered::Gone, Who))), "the message comes back");
        pass(5).await;
    }
    assert_eq!(clone.address().expect("it is back").send(Who).await, Ok(3));
}

#[actix::test]
async fn a_mailbox_takes_as_many_messages_as_it_has_room_for_whoever_sends_them() {
    let clock = virtual_time();
    let policy = ChildPolicy { mailbox: 8, ..LEG };
    let (_root, [handle], _exit) =
        group(Supervisor::new(Strategy::OneForOne, MANY, clock), ["leg"], policy, &Diary::default());
    pass(1).await;
    let sent = (0..100).take_while(|_| handle.clone().try_send(Who).is_ok()).count();
    assert_eq!(sent, 8);
    assert_eq!(handle.try_send(Who), Err(Undelivered::Full));
    pass(1).await;
    assert_eq!(handle.try_send(Who), Ok(()), "there is room again");
}

#[actix::test]
async fn a_mailbox_of_no_messages_holds_one_rather_than_endlessly_many() {
    let clock = virtual_time();
    let policy = ChildPolicy { mailbox: 0, ..LEG };
    let (_root, [handle], _exit) =
        group(Supervisor::new(Strategy::OneForOne, MANY, clock), ["leg"], policy, &Diary::default());
    pass(1).await;
    assert_eq!(handle.try_send(Who), Ok(()));
    assert_eq!(handle.try_send(Who), Err(Undelivered::Full));
}

#[actix::test]
async fn the_restart_hook_runs_when_the_new_generation_can_be_reached() {
    let clock = virtual_time();
    let diary = Diary::default();
    let (leg, handle) = victim("leg", LEG, Habit::Meek, &Diary::default());
    let (reached, notes) = (handle.clone(), diary.clone());
    let leg = leg.on_restart(move |generation| {
        reached.try_send(Who).expect("the shard offers its requests now");
        notes.write(format!("{generation:?} of {:?}", reached.generation()));
        panic!("a panic here is caught");
    });
    let (root, _exit) = Supervisor::new(Strategy::OneForOne, MANY, clock).with(leg).start_root("call");
    pass(1).await;
    handle.try_send(Poison::Handler).expect("it lives");
    pass(1).await;
    assert_eq!(diary.read(), ["Generation(1) of Some(Generation(1))"]);
    assert_eq!(tally(&root).await.running, 1);
}
