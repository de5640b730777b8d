//! The restart rules, as a table and as stories on a clock made of numbers.
//! Must never start an actor.

use super::*;

const LIMIT: Intensity = Intensity::new(3, Duration::from_secs(10));
const MANY: Intensity = Intensity::new(100, Duration::from_secs(60));

fn at(millis: u64) -> Moment {
    Moment::from_micros(millis * 1000)
}

fn boom() -> ExitReason {
    ExitReason::Panic("boom".to_owned())
}

/// One letter per decision, for `restart` under `strategy` with nothing spent yet.
fn first_decision(strategy: Strategy, restart: Restart, reason: &ExitReason) -> &'static str {
    let mut course = Course::new(restart, LIMIT, Backoff::NONE);
    match Policy::new(strategy, MANY).on_exit(&mut course, reason, at(0), 0) {
        Decision::Forget => "forget",
        Decision::Restart { scope: Scope::Child, .. } => "restart it",
        Decision::Restart { scope: Scope::Following, .. } => "restart it and the following",
        Decision::Restart { scope: Scope::Group, .. } => "restart all",
        Decision::GiveUp => "give up",
        Decision::Escalate => "escalate",
    }
}

#[test]
fn the_table_of_who_comes_back() {
    let mut table = String::new();
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        for reason in [ExitReason::Normal, boom(), ExitReason::Killed, ExitReason::Escalated("x".to_owned())]
        {
            let decision = first_decision(Strategy::OneForOne, restart, &reason);
            table.push_str(&format!("{restart:?}, {reason}: {decision}\n"));
        }
    }
    assert_eq!(
        table,
        "Permanent, ended: restart it\n\
         Permanent, panicked: boom: restart it\n\
         Permanent, killed: restart it\n\
         Permanent, escalated: x: restart it\n\
         Transient, ended: forget\n\
         Transient, panicked: boom: restart it\n\
         Transient, killed: restart it\n\
         Transient, escalated: x: restart it\n\
         Temporary, ended: forget\n\
         Temporary, panicked: boom: forget\n\
         Temporary, killed: forget\n\
         Temporary, escalated: x: forget\n"
    );
}

#[test]
fn the_strategy_decides_who_goes_along() {
    let decide = |strategy| first_decision(strategy, Restart::Transient, &boom());
    assert_eq!(decide(Strategy::OneForOne), "restart it");
    assert_eq!(decide(Strategy::RestForOne), "restart it and the following");
    assert_eq!(decide(Strategy::All), "restart all");
}

/// Decisions of one child that panics at these moments.
fn storm(policy: &mut Policy, restart: Restart, millis: &[u64]) -> Vec<Decision> {
    let mut course = Course::new(restart, LIMIT, Backoff::NONE);
    millis.iter().map(|millis| policy.on_exit(&mut course, &boom(), at(*millis), u64::MAX)).collect()
}

fn restarts(decisions: &[Decision]) -> usize {
    decisions.iter().filter(|decision| matches!(decision, Decision::Restart { .. })).count()
}

#[test]
fn a_leg_is_brought_back_three_times_in_ten_seconds_and_then_given_up() {
    let mut policy = Policy::new(Strategy::OneForOne, MANY);
    let decisions = storm(&mut policy, Restart::Transient, &[0, 1, 2, 3]);
    assert_eq!(restarts(&decisions), 3);
    assert_eq!(decisions.last(), Some(&Decision::GiveUp));
}

#[test]
fn the_window_slides() {
    let mut policy = Policy::new(Strategy::OneForOne, MANY);
    assert_eq!(restarts(&storm(&mut policy, Restart::Transient, &[0, 5_000, 9_000, 10_000, 15_000])), 5);
    let decisions = storm(&mut policy, Restart::Transient, &[0, 5_000, 9_000, 9_999]);
    assert_eq!(decisions.last(), Some(&Decision::GiveUp));
}

#[test]
fn a_group_that_cannot_be_without_the_child_escalates() {
    for (strategy, restart) in [
        (Strategy::OneForOne, Restart::Permanent),
        (Strategy::RestForOne, Restart::Transient),
        (Strategy::All, Restart::Transient),
    ] {
        let decisions = storm(&mut Policy::new(strategy, MANY), restart, &[0, 1, 2, 3]);
        assert_eq!(decisions.last(), Some(&Decision::Escalate), "{strategy:?} {restart:?}");
    }
}

#[test]
fn restarts_of_different_children_count_together_against_the_group() {
    let mut policy = Policy::new(Strategy::OneForOne, Intensity::new(4, Duration::from_secs(10)));
    assert_eq!(restarts(&storm(&mut policy, Restart::Transient, &[0, 1])), 2);
    assert_eq!(restarts(&storm(&mut policy, Restart::Transient, &[2, 3])), 2);
    assert_eq!(storm(&mut policy, Restart::Transient, &[4]), [Decision::Escalate]);
}

#[test]
fn pauses_double_up_to_the_ceiling_and_jitter_spans_all_of_them() {
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    let longest: Vec<u64> =
        (0..8).map(|streak| backoff.pause(streak, u64::MAX).as_secs_f64().round() as u64).collect();
    assert_eq!(longest, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(backoff.pause(3, u64::MAX / 2).as_secs_f64().round() as u64, 4);
    assert_eq!(backoff.pause(0, 0), Duration::ZERO);
    assert_eq!(backoff.pause(u32::MAX, u64::MAX).as_secs_f64().round() as u64, 60);
}

#[test]
fn even_without_backoff_only_the_first_restart_in_a_row_is_immediate() {
    assert_eq!(Backoff::NONE.pause(0, u64::MAX), Duration::ZERO);
    assert_eq!(Backoff::NONE.pause(1, 0), Backoff::FLOOR);
}

#[test]
fn a_long_life_starts_a_new_row_of_pauses() {
    let mut policy = Policy::new(Strategy::OneForOne, Intensity::UNLIMITED);
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
    let mut course = Course::new(Restart::Permanent, Intensity::UNLIMITED, backoff);
    let mut longest_pause = |born: u64, died: u64| {
        course.began(at(born));
        match policy.on_exit(&mut course, &boom(), at(died), u64::MAX) {
            Decision::Restart { pause, .. } => pause.as_secs_f64().round() as u64,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(longest_pause(0, 0), 1);
    assert_eq!(longest_pause(1_000, 1_000), 2);
    assert_eq!(longest_pause(3_000, 62_999), 4);
    assert_eq!(longest_pause(67_000, 127_000), 1);
}

#[test]
fn an_unlimited_child_remembers_nothing_that_could_grow() {
    let mut policy = Policy::new(Strategy::OneForOne, Intensity::UNLIMITED);
    let mut course = Course::new(Restart::Permanent, Intensity::UNLIMITED, Backoff::NONE);
    for millis in 0..1_000 {
        policy.on_exit(&mut course, &boom(), at(millis), 0);
    }
    assert!(course.window.0.len() <= 1 && policy.window.0.len() <= 1);
}

#[test]
fn rules_and_courses_survive_being_written_down() {
    let mut policy = Policy::new(Strategy::All, LIMIT);
    let mut course = Course::new(Restart::Transient, LIMIT, Backoff::NONE);
    policy.on_exit(&mut course, &boom(), at(5), 0);
    let text = serde_json::to_string(&(&policy, &course)).expect("it is plain data");
    assert_eq!(
        serde_json::from_str::<(Policy, Course)>(&text).expect("it was just written"),
        (policy, course)
    );
}
