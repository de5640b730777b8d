//! What a session sends of its own: prompts, tones, silence.
//! Frames are counted and stamped as a receiver would see them.

use super::*;

fn prompt(millis: usize) -> Arc<Asset> {
    Arc::new(Asset::from_samples(&vec![8000; millis * 8]))
}

fn player(activity: u64, asset: &Arc<Asset>, loops: u32) -> Source {
    Source::Player { activity, asset: Arc::clone(asset), loops }
}

/// Polls each millisecond of a span.
fn run(session: &mut Session, span: std::ops::Range<u64>, asset: &Asset) -> Vec<Sent> {
    span.flat_map(|millis| poll(session, at(millis), Some(asset))).collect()
}

fn assert_seamless(sent: &[Sent]) {
    for pair in sent.windows(2) {
        let [(before, _), (after, _)] = pair else { continue };
        assert_eq!(after.sequence, before.sequence.wrapping_add(1));
        assert_eq!(after.timestamp, before.timestamp.wrapping_add(160));
    }
}

fn is_silent((_, payload): &Sent) -> bool {
    payload.iter().all(|octet| *octet == Codec::Pcmu.silence())
}

#[test]
fn a_prompt_is_fifty_frames_a_second_then_silence_and_its_end_is_told() {
    let asset = prompt(1000);
    let mut session = session(1, &plan(player(9, &asset, 1)));
    let sent = run(&mut session, 0..2000, &asset);
    assert_eq!(sent.len(), 100);
    assert_seamless(&sent);
    assert_eq!(sent.iter().filter(|sent| sent.0.marker).count(), 1, "one talk spurt");
    assert_eq!(sent.iter().position(is_silent), Some(50));
    assert_eq!(
        events(&mut session),
        [Event::PlayerEnded { session: SessionId(1), activity: 9, played_ms: 1000 }]
    );
}

#[test]
fn a_prompt_that_comes_right_after_the_answer_does_not_wait_for_a_frame_of_silence() {
    let asset = prompt(100);
    let mut session = session(1, &plan(Source::Silence));
    let mut sent = run(&mut session, 0..7, &asset);
    session.apply(&plan(player(9, &asset, 1)), 1, at(7));
    sent.extend(run(&mut session, 7..11, &asset));
    assert_eq!(sent.iter().map(is_silent).collect::<Vec<_>>(), [false], "at the next place of the grid");
}

#[test]
fn where_no_prompt_comes_silence_is_heard_within_two_frames() {
    let asset = prompt(0);
    let mut session = session(1, &plan(Source::Silence));
    session.apply(&plan(Source::Silence), 1, at(15));
    assert_eq!(run(&mut session, 0..40, &asset).len(), 1);
}

#[test]
fn applying_again_changes_nothing_while_it_plays_and_tells_the_end_after() {
    let asset = prompt(1000);
    let source = player(9, &asset, 1);
    let mut session = session(1, &plan(source.clone()));
    let mut sent = run(&mut session, 0..500, &asset);
    assert!(session.apply(&plan(source.clone()), 2, at(505)));
    sent.extend(run(&mut session, 500..1100, &asset));
    assert_seamless(&sent);
    assert_eq!(sent.iter().position(is_silent), Some(50));
    let ended = Event::PlayerEnded { session: SessionId(1), activity: 9, played_ms: 1000 };
    assert_eq!(events(&mut session).as_slice(), std::slice::from_ref(&ended));
    session.apply(&plan(source), 3, at(1100));
    assert_eq!(events(&mut session), [ended]);
    assert!(run(&mut session, 1100..1200, &asset).iter().all(is_silent), "what ended stays ended");
}

#[test]
fn an_interrupted_prompt_goes_on_where_it_was() {
    let asset = prompt(1000);
    let mut session = session(1, &plan(player(9, &asset, 1)));
    run(&mut session, 0..500, &asset);
    session.apply(&plan(Source::Silence), 1, at(500));
    run(&mut session, 500..3000, &asset);
    session.apply(&plan(player(9, &asset, 1)), 1, at(3000));
    let sent = run(&mut session, 3000..4000, &asset);
    assert_eq!(sent.iter().position(is_silent), Some(25));
}

#[test]
fn another_activity_begins_anew_in_step_with_the_one_before() {
    let asset = prompt(1000);
    let mut session = session(1, &plan(player(9, &asset, 1)));
    let mut sent = run(&mut session, 0..510, &asset);
    session.apply(&plan(player(10, &asset, 1)), 1, at(510));
    sent.extend(run(&mut session, 510..1600, &asset));
    assert_seamless(&sent);
    let markers: Vec<usize> =
        sent.iter().enumerate().filter(|(_, sent)| sent.0.marker).map(|(n, _)| n).collect();
    assert_eq!(markers, [0, 26]);
    assert_eq!(sent.iter().position(is_silent), Some(26 + 50));
    assert_eq!(
        events(&mut session),
        [Event::PlayerEnded { session: SessionId(1), activity: 10, played_ms: 1000 }]
    );
}

#[test]
fn a_prompt_runs_on_behind_a_hold_and_the_stream_shows_the_time_that_passed() {
    let asset = prompt(1000);
    let wanted = plan(player(9, &asset, 1));
    let mut session = session(1, &wanted);
    let before = run(&mut session, 0..300, &asset);
    session.apply(&Plan { send: false, ..wanted.clone() }, 1, at(300));
    assert_eq!(run(&mut session, 300..700, &asset), []);
    session.apply(&wanted, 1, at(700));
    let after = run(&mut session, 700..1500, &asset);
    let (last, first) = (before.last().expect("frames").0, after.first().expect("frames").0);
    assert_eq!(first.sequence, last.sequence.wrapping_add(1));
    assert_eq!(first.timestamp, last.timestamp.wrapping_add(420 * 8));
    assert!(first.marker);
    assert_eq!(after.iter().position(is_silent), Some(15), "300 ms were left");
}

#[test]
fn a_driver_that_comes_late_catches_up_but_not_endlessly() {
    let asset = prompt(10_000);
    let mut session = session(1, &plan(player(9, &asset, 1)));
    run(&mut session, 0..20, &asset);
    let late = poll(&mut session, at(99), Some(&asset));
    assert_eq!(late.len(), 4, "frames of 20, 40, 60 and 80 ms");
    assert_seamless(&late);
    let stalled = poll(&mut session, at(1100), Some(&asset));
    assert_eq!(stalled.len(), 1, "a stall is a gap, not a burst");
    let gap = stalled[0].0.timestamp.wrapping_sub(late[3].0.timestamp);
    assert_eq!(gap, (1100 - 99) * 8);
}

#[test]
fn a_tone_keeps_its_cadence_through_repeated_plans() {
    let busy = plan(Source::Tone(Tone::Busy));
    let mut session = session(1, &busy);
    let mut sent = Vec::new();
    for n in 0..100 {
        session.apply(&busy, 1, at(n * 20));
        sent.extend(poll(&mut session, at(n * 20), None));
    }
    let silent: Vec<bool> = sent.iter().map(is_silent).collect();
    let expected: Vec<bool> = (0..100).map(|n| n / 25 % 2 == 1).collect();
    assert_eq!(silent, expected);
}

#[test]
fn a_prompt_whose_samples_are_not_at_hand_waits() {
    let asset = prompt(1000);
    let mut session = session(1, &plan(player(9, &asset, 1)));
    for n in 0..10 {
        assert!(poll(&mut session, at(n * 20), None).iter().all(is_silent));
    }
    let sent = run(&mut session, 200..1400, &asset);
    assert_eq!(sent.iter().position(is_silent), Some(50));
}

#[test]
fn a_quiet_bridge_is_kept_alive() {
    let (_, mut b) = bridge();
    let sent: Vec<Sent> = (0..40).flat_map(|second| poll(&mut b, at(second * 1000), None)).collect();
    assert_eq!(sent.len(), 2, "at 15 and 30 s");
    assert!(sent.iter().all(is_silent));
    let deadline = b.deadline().expect("a deadline");
    assert!(deadline <= at(45_000));
}

#[test]
fn a_restored_session_goes_on_beyond_what_its_former_process_may_have_sent() {
    let asset = prompt(10_000);
    let mut before = session(1, &plan(player(9, &asset, 1)));
    run(&mut before, 0..1000, &asset);
    let mut after = before.clone();
    let lost = run(&mut before, 1000..2000, &asset);
    after.resume(at(2100));
    let sent = run(&mut after, 2100..2200, &asset);
    let (first, last) = (sent[0].0, lost[lost.len() - 1].0);
    assert!(first.sequence.wrapping_sub(last.sequence) < 1000);
    assert_eq!(first.timestamp.wrapping_sub(last.timestamp), (2100 - 1980) * 8);
    assert!(first.marker);
}

#[test]
fn a_session_that_was_saved_before_its_first_packet_goes_on_beyond_what_it_sent_after() {
    let asset = prompt(10_000);
    let mut before = session(1, &plan(player(9, &asset, 1)));
    let mut after = before.clone();
    let lost = run(&mut before, 0..1000, &asset);
    after.resume(at(1100));
    let sent = run(&mut after, 1100..1200, &asset);
    let (first, last) = (sent[0].0, lost[lost.len() - 1].0);
    assert!((1..1000).contains(&first.sequence.wrapping_sub(last.sequence)));
    assert_eq!(first.timestamp.wrapping_sub(last.timestamp), (1100 - 980) * 8);
}
