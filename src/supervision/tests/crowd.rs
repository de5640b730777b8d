//! Ten thousand actors, half of which die in the same instant.
//! Must never let the other half notice.

use super::*;

#[actix::test]
async fn five_thousand_of_ten_thousand_die_at_once_and_the_others_never_notice() {
    const CROWD: usize = 10_000;
    let clock = virtual_time();
    let (dying, living) = (Diary::default(), Diary::default());
    let wide = Intensity::new(20_000, Duration::from_secs(10));
    let mut root = Supervisor::new(Strategy::OneForOne, wide, Arc::clone(&clock)).ends_together();
    let mut handles = Vec::with_capacity(CROWD);
    for number in 0..CROWD {
        let diary = if number % 2 == 0 { &dying } else { &living };
        let (child, handle) = victim(&format!("leg-{number}-"), LEG, Habit::PanicsWhenStopped, diary);
        root = root.with(child);
        handles.push(handle);
    }
    let (root, _exit) = root.start_root("calls");
    pass(1).await;
    assert_eq!((dying.read().len(), living.read().len()), (CROWD / 2, CROWD / 2));
    for handle in handles.iter().step_by(2) {
        handle.try_send(Poison::Handler).expect("it lives");
    }
    pass(1_000).await;
    let back = handles.iter().filter(|handle| handle.generation() == Some(Generation(1))).count();
    assert_eq!(back, CROWD / 2);
    assert_eq!(living.read(), Vec::<String>::new());
    let restarts = (CROWD / 2) as u64;
    assert_eq!(tally(&root).await, Tally { running: CROWD, restarts, ..Tally::default() });
}
