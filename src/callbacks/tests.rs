use std::time::Duration;

use trunkline_media::moment::Moment;

use super::*;
use crate::ops::events::Event;

const PATIENCE: Duration = Duration::from_secs(900);

fn leg(number: u8) -> LegId {
    LegId::from_bytes([number; 16])
}

/// An outbox, its receiver and the time. After every step only the bytes of the outbox are left, and it resumes.
struct Bench {
    outbox: Outbox,
    now: Moment,
    /// Posts under way: number, token.
    posts: Vec<(u64, String)>,
    told: Vec<(LegId, Event)>,
    dies_at_each_step: bool,
}

impl Bench {
    fn new() -> Self {
        Self {
            outbox: Outbox::new(CallId(leg(1)), PATIENCE, [3; 16]),
            now: Moment::from_micros(1_000_000),
            posts: Vec::new(),
            told: Vec::new(),
            dies_at_each_step: false,
        }
    }

    fn mortal() -> Self {
        Self { dies_at_each_step: true, ..Self::new() }
    }

    fn step(&mut self, act: impl FnOnce(&mut Outbox, &mut Turn<Outbox>)) {
        let mut turn = Turn::at(self.now);
        act(&mut self.outbox, &mut turn);
        self.carry_out(turn);
        if self.dies_at_each_step {
            let mut bytes = Vec::new();
            ciborium::into_writer(&self.outbox, &mut bytes).expect("written");
            self.outbox = ciborium::from_reader(bytes.as_slice()).expect("read");
            let mut turn = Turn::at(self.now);
            self.outbox.resume(&mut turn);
            self.carry_out(turn);
        }
    }

    fn carry_out(&mut self, turn: Turn<Outbox>) {
        self.told.extend(turn.events.into_iter().map(|entry| (entry.leg, entry.event)));
        for effect in turn.effects {
            if let OutboxEffect::Post { number, request } = effect
                && !self.posts.iter().any(|(known, _)| *known == number)
            {
                self.posts.push((number, request.token.clone()));
            }
        }
    }

    fn callback(&mut self, lane: LegId, token: &str) {
        let callback = Callback {
            lane,
            url: "http://u:secret@h/status#rc=2".to_owned(),
            method: Method::Post,
            parameters: vec![("CallSid".to_owned(), lane.to_string())],
            token: token.to_owned(),
        };
        self.step(|outbox, turn| outbox.handle(OutboxInput::Callback(Box::new(callback)), turn));
    }

    /// Answers the post of this callback.
    fn answer(&mut self, token: &str, result: Result<u16, WebhookError>) {
        let at = self.posts.iter().position(|(_, posted)| posted == token).expect("it is under way");
        let (number, _) = self.posts.remove(at);
        self.step(|outbox, turn| outbox.handle(OutboxInput::Delivered { number, result }, turn));
    }

    fn under_way(&self) -> Vec<&str> {
        self.posts.iter().map(|(_, token)| token.as_str()).collect()
    }

    /// Lets the time pass to the next deadline; tells how long that was.
    fn wait(&mut self) -> Duration {
        let due = self.outbox.next_deadline().expect("it waits for something");
        let pause = due.since(self.now);
        self.now = due;
        self.step(Machine::on_deadline);
        pause
    }

    fn codes(&self) -> Vec<Option<u32>> {
        let code = |(_, event): &(LegId, Event)| match event {
            Event::Callback { code, .. } => *code,
            other => panic!("{other:?}"),
        };
        self.told.iter().map(code).collect()
    }
}

fn refused() -> WebhookError {
    WebhookError::new(crate::webhook::code::REFUSED, "http://h/", "nobody listens")
}

#[test]
fn callbacks_of_a_leg_go_out_one_by_one_in_order_and_other_legs_do_not_wait_for_them() {
    for mut bench in [Bench::new(), Bench::mortal()] {
        bench.callback(leg(1), "ringing");
        bench.callback(leg(1), "completed");
        bench.callback(leg(2), "other");
        assert_eq!(bench.under_way(), ["ringing", "other"]);
        bench.answer("other", Ok(200));
        bench.answer("ringing", Ok(204));
        assert_eq!(bench.under_way(), ["completed"]);
        bench.answer("completed", Ok(204));
        assert_eq!(bench.codes(), [None; 3]);
        assert!(!bench.outbox.is_finished(), "more may come while the call is up");
        bench.step(|outbox, turn| outbox.handle(OutboxInput::CallGone, turn));
        assert!(bench.outbox.is_finished());
    }
}

#[test]
fn the_outbox_outlives_its_call_until_everything_is_delivered() {
    let mut bench = Bench::mortal();
    bench.callback(leg(1), "completed");
    bench.step(|outbox, turn| outbox.handle(OutboxInput::CallGone, turn));
    assert!(!bench.outbox.is_finished());
    bench.answer("completed", Ok(200));
    assert!(bench.outbox.is_finished());
}

#[test]
fn a_receiver_that_is_down_is_asked_again_after_growing_random_pauses_until_patience_is_over() {
    for mut bench in [Bench::new(), Bench::mortal()] {
        bench.callback(leg(1), "completed");
        let began = bench.now;
        let mut pauses = Vec::new();
        while bench.outbox.pending() > 0 {
            assert_eq!(bench.under_way(), ["completed"], "the token is the same in every try");
            let result = if pauses.len() % 2 == 0 { Err(refused()) } else { Ok(503) };
            bench.answer("completed", result);
            if bench.outbox.pending() > 0 {
                pauses.push(bench.wait());
            }
        }
        for (tried, pause) in pauses.iter().enumerate() {
            let longest = Duration::from_secs((1 << tried.min(6)).min(60));
            assert!((longest / 2..=longest).contains(pause), "{tried}: {pause:?}");
        }
        assert_ne!(pauses[7], pauses[8], "they are not all the same");
        let total = bench.now.since(began);
        assert!(total <= PATIENCE && total >= PATIENCE - Duration::from_secs(60), "{total:?}");
        let codes = bench.codes();
        assert!(codes.contains(&Some(11_202)) && codes.contains(&Some(REFUSED)));
        let (_, last) = bench.told.last().expect("told");
        assert!(
            matches!(last, Event::Callback { message, .. } if message.ends_with("it is given up")),
            "{last:?}"
        );
    }
}

#[test]
fn an_answer_of_4xx_and_a_request_that_cannot_succeed_are_final() {
    let mut bench = Bench::mortal();
    bench.callback(leg(1), "missing");
    bench.callback(leg(1), "nonsense");
    bench.callback(leg(1), "next");
    bench.answer("missing", Ok(404));
    bench.answer("nonsense", Err(WebhookError::new(crate::webhook::code::BAD_URL, "x", "no URL")));
    bench.answer("next", Ok(200));
    assert_eq!(bench.codes(), [Some(REFUSED), Some(11_100), None]);
    assert_eq!(bench.outbox.pending(), 0);
}

#[test]
fn each_try_is_told_with_the_time_that_it_took() {
    let mut bench = Bench::mortal();
    bench.callback(leg(1), "slow");
    bench.now = bench.now + Duration::from_millis(300);
    bench.answer("slow", Err(refused()));
    bench.wait();
    bench.now = bench.now + Duration::from_millis(20);
    bench.answer("slow", Ok(200));
    let took = bench.told.iter().map(|(_, event)| match event {
        Event::Callback { took_us, .. } => *took_us,
        other => panic!("{other:?}"),
    });
    assert_eq!(took.collect::<Vec<_>>(), [300_000, 20_000]);
}

#[test]
fn what_waited_too_long_behind_others_expires_and_is_told() {
    let mut bench = Bench::mortal();
    bench.callback(leg(1), "first");
    bench.callback(leg(1), "second");
    bench.now = bench.now + PATIENCE;
    bench.answer("first", Ok(200));
    assert_eq!(bench.under_way(), [""; 0]);
    assert_eq!((bench.outbox.pending(), bench.codes()), (0, vec![None, Some(EXPIRED)]));
}

#[test]
fn a_post_of_which_nothing_is_heard_counts_as_failed_and_its_late_answer_as_nothing() {
    let mut bench = Bench::new();
    bench.callback(leg(1), "completed");
    let (lost, _) = bench.posts.remove(0);
    bench.wait();
    assert_eq!(bench.codes(), [Some(11_203)]);
    bench.wait();
    assert_eq!(bench.under_way(), ["completed"]);
    bench.step(|outbox, turn| outbox.handle(OutboxInput::Delivered { number: lost, result: Ok(200) }, turn));
    assert_eq!(bench.outbox.pending(), 1);
    bench.answer("completed", Ok(200));
    assert_eq!(bench.outbox.pending(), 0);
}

#[test]
fn a_lane_is_bounded_and_what_makes_room_is_told() {
    let mut bench = Bench::new();
    for number in 0..300 {
        bench.callback(leg(1), &number.to_string());
    }
    assert_eq!(bench.outbox.pending(), 256);
    assert_eq!(bench.under_way(), ["0"], "what is under way stays");
    assert_eq!(bench.codes(), [Some(EXPIRED); 44]);
}

#[test]
fn one_that_cannot_be_kept_alive_posts_everything_once_more() {
    let mut bench = Bench::new();
    bench.callback(leg(1), "first");
    bench.callback(leg(1), "second");
    bench.posts.clear();
    bench.step(Outbox::give_up);
    assert_eq!(bench.under_way(), ["first", "second"]);
    assert!(bench.outbox.is_finished());
}

#[test]
fn neither_password_nor_overrides_reach_the_log() {
    let mut bench = Bench::new();
    bench.callback(leg(1), "completed");
    bench.answer("completed", Ok(200));
    let (_, event) = &bench.told[0];
    assert!(matches!(event, Event::Callback { url, .. } if url == "http://h/status"), "{event:?}");
}

#[test]
fn an_outbox_that_follows_another_takes_no_answer_to_the_other_for_its_own() {
    let mut first = Bench::new();
    first.callback(leg(1), "ringing");
    let mut second = Bench { outbox: Outbox::new(CallId(leg(1)), PATIENCE, [4; 16]), ..Bench::new() };
    second.callback(leg(1), "completed");
    assert_ne!(first.posts[0].0, second.posts[0].0, "whoever posts tells them apart by their numbers");
    let number = first.posts[0].0;
    second.step(|outbox, turn| outbox.handle(OutboxInput::Delivered { number, result: Ok(204) }, turn));
    assert_eq!((second.outbox.pending(), second.codes()), (1, vec![]));
}
