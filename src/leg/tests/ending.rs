//! The end of a leg: its BYE, what crosses it, and the last word of one whose actor died.

use trunkline_media::tap::TapEnd;

use super::*;

#[test]
fn a_bye_goes_the_way_of_the_dialog() {
    let mut bench = talking();
    assert_eq!(bench.hang_up(), ["send BYE", "report ended HungUp by Switch", "close"]);
    let bye = bench.last_request();
    assert_eq!(bye.uri().to_string(), "sip:bob@198.51.100.7:5062");
    assert_eq!(bye.headers().get(&HeaderName::Route).as_deref(), Some("<sip:198.51.100.9;lr>"));
    assert_eq!(bye.headers().cseq().unwrap().number, 1);
    assert_eq!(bye.headers().to().unwrap().tag(), Some("bob"));
    assert_eq!(bye.headers().get(&HeaderName::Reason), None, "an ordinary end needs none");
    assert_eq!(bench.hang_up(), [""; 0], "it is told once");
}

#[test]
fn a_leg_waits_for_the_answer_to_its_bye_and_for_its_media() {
    type Way = fn(&mut Bench, &Request) -> Vec<String>;
    let ways: [(&str, Way); 3] = [
        ("answered", |bench, bye| bench.response(bye, 200, "bob", &nothing())),
        ("refused", |bench, bye| bench.response(bye, 481, "bob", &nothing())),
        ("timeout", |bench, bye| bench.failed(bye, FailureCause::Timeout)),
    ];
    for (name, way) in ways {
        let mut bench = talking();
        bench.hang_up();
        let bye = bench.last_request();
        assert_eq!(bench.response(&bye, 100, "", &nothing()), [""; 0], "{name}");
        assert_eq!(way(&mut bench, &bye), [""; 0], "{name}");
        assert_eq!(bench.media_closed(), ["abandon", "release"], "{name}");

        let mut bench = talking();
        bench.hang_up();
        let bye = bench.last_request();
        assert_eq!(bench.media_closed(), [""; 0], "{name}");
        assert_eq!(way(&mut bench, &bye), ["abandon", "release"], "{name}");
    }
}

#[test]
fn a_leg_names_the_recording_that_it_goes_into_until_it_is_told_otherwise_or_gone() {
    let recording = RecordingSid::from_bytes([7; 16]);
    let taping = Taping {
        recording,
        activity: 1,
        layout: Layout::Mono,
        channel: 0,
        origin: at(0),
        silence: None,
        limit: None,
    };
    let mut bench = talking();
    assert_eq!(bench.leg.recording(), None);
    bench.order(Order::Tape(Some(taping.clone())));
    assert_eq!(bench.leg.recording(), Some(recording));
    bench.order(Order::Tape(None));
    assert_eq!(bench.leg.recording(), None);
    bench.order(Order::Tape(Some(taping.clone())));
    bench.step(|leg, turn| leg.disown(turn));
    assert_eq!(bench.leg.recording(), None);

    let ended = |activity| {
        let (end, length) = (TapEnd::Silence, std::time::Duration::from_secs(3));
        Notice::Taped { activity, end, length, voiced: true }
    };
    let mut bench = talking();
    bench.order(Order::Tape(Some(Taping { activity: 2, ..taping })));
    bench.media(ended(1));
    assert_eq!(bench.leg.recording(), Some(recording), "that was an earlier one");
    bench.media(ended(2));
    assert_eq!(bench.leg.recording(), None, "it ended by itself, and nobody begins it again");
    assert!(matches!(bench.leg.wish(), Wish::Open { taping: None, .. }));
}

#[test]
fn a_leg_whose_media_side_never_answers_goes_in_the_end() {
    let mut bench = talking();
    bench.hang_up();
    assert_eq!(bench.pass(39_999), []);
    assert_eq!(bench.pass(40_000), [(40_000, "abandon".to_owned()), (40_000, "release".to_owned())]);
    assert_eq!(bench.leg.next_deadline(), None);
}

#[test]
fn a_bye_that_crosses_ours_is_fine_and_anything_else_finds_no_dialog() {
    let mut bench = talking();
    bench.hang_up();
    assert_eq!(bench.asked("BYE", 2, &nothing()), ["answer 200 BYE"]);
    assert_eq!(bench.asked("INVITE", 3, &both()), ["answer 481 INVITE"]);
}

#[test]
fn a_leg_is_finished_when_all_that_it_wrote_was_read() {
    let mut bench = talking();
    bench.hang_up();
    let bye = bench.last_request();
    bench.response(&bye, 200, "bob", &nothing());
    bench.media_closed();
    assert!(!bench.leg.is_finished());
    for reader in [Party::Shard, Party::Call(CallId(LEG))] {
        bench.leg.mail().acknowledge(reader, u64::MAX);
    }
    assert!(bench.leg.is_finished());
}

#[test]
fn what_cannot_be_delivered_to_the_call_ends_the_leg() {
    let mut bench = talking();
    let post = LegPost::Call(Report::Ringing);
    let words = bench.step(|leg, turn| leg.undeliverable(post.clone(), turn));
    assert_eq!(words, ["send BYE", "report ended Internal by Switch", "close"]);
}

#[test]
fn a_leg_whose_actor_is_given_up_ends_its_dialog_whatever_it_was_doing() {
    type Scene = fn() -> Bench;
    let scenes: [(&str, Scene, &[&str]); 5] = [
        ("ringing", || called(&both()), &["answer 500 INVITE"]),
        ("calling", || calling(&[5062, 5064]), &["cancel", "cancel"]),
        ("up", talking, &["send BYE"]),
        ("not acknowledged", || answered(&both()), &["send BYE"]),
        ("not acknowledged, hang-up wanted", unacknowledged_hang_up, &["send BYE"]),
    ];
    for (name, scene, farewell) in scenes {
        let mut bench = scene();
        let words = bench.step(|leg, turn| leg.give_up(turn));
        assert_eq!(words.get(..farewell.len()), Some(farewell.map_owned().as_slice()), "{name}");
        let rest = ["report ended Internal by Switch", "abandon", "close", "release"];
        assert!(rest.iter().all(|word| words.iter().any(|told| told == word)), "{name}: {words:?}");
        assert_eq!((bench.leg.lease(), bench.leg.next_deadline()), (None, None), "{name}");
    }
}

fn unacknowledged_hang_up() -> Bench {
    let mut bench = answered(&both());
    bench.hang_up();
    bench
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|word| (*word).to_owned()).collect()
    }
}

#[test]
fn a_leg_that_panics_even_then_leaves_the_rest_to_the_shard() {
    let mut bench = talking();
    let words = bench.step(|leg, turn| leg.disown(turn));
    assert_eq!(words, ["report ended Internal by Switch", "abandon", "close", "release"]);
}
