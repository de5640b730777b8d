//! A leg that another process takes up: it finds out whether its far end is still there.

use std::time::Duration;

use super::*;

/// A leg that talks and would be told of silence, taken up by another process at 100 s, which asks at 101 s.
fn taken_up(room: Option<u16>) -> Bench {
    let mut bench = listening();
    bench.now = at(100_000);
    assert_eq!(bench.readopted(Readopted { ask_at: at(101_000), room }), [""; 0], "nothing is said at once");
    bench
}

fn listening() -> Bench {
    let (invite, basis) =
        (invite(&both()), Basis { media_timeout: Some(Duration::from_secs(60)), ..basis() });
    let key = ServerKey::of(&invite).expect("a key");
    let mut bench =
        Bench::of(Leg::inbound(InboundSpec { basis, invite, key, path: path(5062) }).expect("a dialog"));
    bench.start();
    bench.order(Order::Answer);
    bench.ack(1, &nothing());
    bench
}

fn asked(bench: &mut Bench) -> Request {
    assert_eq!(bench.pass(101_000), [(101_000, "send OPTIONS".to_owned())]);
    bench.last_request()
}

const ENDED: [&str; 3] = ["send BYE", "report ended Unreachable by Peer", "close"];

/// Without the close, whose place among effects is told elsewhere.
fn is_ended(words: &[String]) -> bool {
    ENDED.iter().all(|word| words.iter().any(|told| told == word))
}

#[test]
fn a_far_end_is_asked_in_the_dialog_and_stays_whatever_it_answers() {
    for status in [200, 401, 404, 405, 486, 500, 501, 603] {
        let mut bench = taken_up(None);
        let options = asked(&mut bench);
        assert_eq!(options.headers().to().unwrap().tag(), Some("bob"));
        assert_eq!(bench.request_says(&HeaderName::Accept).as_deref(), Some("application/sdp"));
        assert_eq!(bench.response(&options, 100, "bob", &nothing()), [""; 0]);
        assert_eq!(bench.response(&options, status, "bob", &nothing()), [""; 0], "{status}");
        assert_eq!(bench.pass(200_000), [], "{status}: it is asked once");
    }
}

#[test]
fn a_far_end_that_knows_nothing_of_the_call_or_says_nothing_is_gone() {
    for status in [408, 481] {
        let mut bench = taken_up(None);
        let options = asked(&mut bench);
        let words = bench.response(&options, status, "bob", &nothing());
        assert!(is_ended(&words), "{status}: {words:?}");
    }
    let mut bench = taken_up(None);
    let options = asked(&mut bench);
    let words = bench.failed(&options, FailureCause::Timeout);
    assert!(is_ended(&words), "{words:?}");
}

#[test]
fn a_port_that_is_closed_may_open_again_but_not_for_ever() {
    let mut bench = taken_up(None);
    let options = asked(&mut bench);
    assert_eq!(bench.failed(&options, FailureCause::Transport), [""; 0]);
    assert_eq!(bench.pass(103_000), [(103_000, "send OPTIONS".to_owned())]);
    let options = bench.last_request();
    assert_eq!(bench.failed(&options, FailureCause::Transport), [""; 0]);
    assert_eq!(bench.pass(107_000), [(107_000, "send OPTIONS".to_owned())]);
    let options = bench.last_request();
    let words = bench.failed(&options, FailureCause::Transport);
    assert!(is_ended(&words), "{words:?}");
}

#[test]
fn a_connection_that_is_lost_ends_no_call() {
    let mut bench = Bench::of({
        let tcp = Flow { transport: Transport::Tcp, connection: Some(1), ..flow(5062) };
        let (invite, key) = (invite(&both()), ServerKey::of(&invite(&both())).expect("a key"));
        let path = Path::new(tcp, ([192, 0, 2, 1], 5060).into());
        Leg::inbound(InboundSpec { basis: basis(), invite, key, path }).expect("a dialog")
    });
    bench.start();
    bench.order(Order::Answer);
    bench.ack(1, &nothing());
    bench.now = at(100_000);
    bench.readopted(Readopted { ask_at: at(101_000), room: None });
    let mut asked = Vec::new();
    while let Some(due) =
        bench.leg.next_deadline().map(|due| due.as_micros() / 1000).filter(|due| *due < 600_000)
    {
        assert_eq!(bench.pass(due), [(due, "send OPTIONS".to_owned())]);
        asked.push(due / 1000);
        let options = bench.last_request();
        assert_eq!(bench.failed(&options, FailureCause::Transport), [""; 0]);
    }
    assert_eq!(asked, [101, 103, 107, 115, 131, 163, 227]);
}

#[test]
fn who_is_heard_of_before_is_not_asked() {
    let mut bench = taken_up(None);
    assert_eq!(bench.asked("INFO", 2, &nothing()), ["answer 200 INFO"]);
    assert_eq!(bench.pass(200_000), []);

    let mut bench = taken_up(None);
    let options = asked(&mut bench);
    assert_eq!(bench.asked("UPDATE", 2, &nothing()), ["answer 200 UPDATE"]);
    assert_eq!(bench.response(&options, 481, "bob", &nothing()), [""; 0], "it has just proved the contrary");
    assert_eq!(bench.hang_up().first().map(String::as_str), Some("send BYE"));
}

#[test]
fn a_request_of_another_dialog_is_no_sign_of_life() {
    let mut bench = taken_up(None);
    let mut stray = bench.in_dialog("INFO", 2, &nothing());
    stray.headers_mut().set(HeaderName::From, "<sip:bob@198.51.100.7>;tag=another");
    assert_eq!(bench.request(&stray), ["answer 481 INFO"]);
    asked(&mut bench);
}

#[test]
fn a_question_that_is_out_anyway_is_not_asked_twice() {
    let mut bench = taken_up(None);
    assert_eq!(bench.order(Order::Align(Codec::Pcma)), ["send INVITE"]);
    let reinvite = bench.last_request();
    assert_eq!(bench.pass(102_000), [], "its answer tells");
    let words = bench.response(&reinvite, 200, "bob", &sdp("8", "sendrecv"));
    assert_eq!(words.first().map(String::as_str), Some("ack 1"));
    assert_eq!(bench.pass(200_000), []);
}

#[test]
fn options_may_cross_a_reinvite_of_either_side() {
    let mut bench = taken_up(None);
    let options = asked(&mut bench);
    assert_eq!(bench.order(Order::Align(Codec::Pcma)), ["send INVITE"]);
    let reinvite = bench.last_request();
    assert_eq!(bench.response(&options, 200, "bob", &nothing()), [""; 0]);
    let words = bench.response(&reinvite, 200, "bob", &sdp("8", "sendrecv"));
    assert_eq!(words, ["ack 2", "report speaks Pcma of [Pcmu, Pcma]"]);
}

#[test]
fn another_death_in_the_middle_asks_anew() {
    let mut bench = taken_up(None);
    let first = asked(&mut bench);
    bench.readopted(Readopted { ask_at: at(105_000), room: None });
    assert_eq!(bench.pass(105_000), [(105_000, "send OPTIONS".to_owned())]);
    let second = bench.last_request();
    assert!(second.headers().cseq().unwrap().number > first.headers().cseq().unwrap().number);
    assert_eq!(bench.response(&first, 481, "bob", &nothing()), [""; 0], "a late answer to the former");
    assert_eq!(bench.response(&second, 200, "bob", &nothing()), [""; 0]);
    assert_eq!(bench.pass(200_000), []);
}

/// Of somebody who holds the call nothing is to be heard. One that has started anew answers 200 to any OPTIONS.
#[test]
fn where_silence_tells_nothing_a_refresh_asks_what_options_did_not() {
    let mut bench = listening();
    bench.asked("INVITE", 2, &sdp("0", "inactive"));
    bench.ack(2, &nothing());
    bench.readopted(Readopted { ask_at: at(101_000), room: None });
    let options = asked(&mut bench);
    assert_eq!(bench.response(&options, 200, "bob", &nothing()), ["send INVITE"]);
    let refresh = bench.last_request();
    let words = bench.response(&refresh, 481, "bob", &nothing());
    assert!(is_ended(&words), "{words:?}");
}

#[test]
fn a_refresh_that_no_timer_wants_is_refused_once() {
    let mut bench = listening();
    bench.asked("INVITE", 2, &sdp("0", "inactive"));
    bench.ack(2, &nothing());
    bench.readopted(Readopted { ask_at: at(101_000), room: None });
    let options = asked(&mut bench);
    bench.told(&options, 200, "bob", &[(HeaderName::Allow, "INVITE, ACK, BYE, UPDATE")], &nothing());
    let update = bench.last_request();
    assert_eq!(update.method().as_str(), "UPDATE", "the least harmful that it says to know");
    assert_eq!(bench.response(&update, 501, "bob", &nothing()), ["send INVITE"]);
    let refresh = bench.last_request();
    assert_eq!(bench.response(&refresh, 488, "bob", &nothing()), [""; 0]);
    assert_eq!(bench.pass(900_000), [], "whoever refuses is there");
}

#[test]
fn collisions_do_not_go_on_for_ever() {
    let mut bench = listening();
    bench.asked("INVITE", 2, &sdp("0", "inactive"));
    bench.ack(2, &nothing());
    bench.readopted(Readopted { ask_at: at(101_000), room: None });
    let options = asked(&mut bench);
    bench.response(&options, 200, "bob", &nothing());
    for _ in 0..10 {
        let refresh = bench.last_request();
        assert_eq!(refresh.method().as_str(), "INVITE");
        bench.response(&refresh, 491, "bob", &nothing());
        bench.pass(bench.now.as_micros() / 1000 + 5_000);
    }
    assert_eq!(bench.pass(900_000), []);
}

#[test]
fn what_the_former_self_may_have_said_unrecorded_is_skipped() {
    let mut bench = listening();
    assert_eq!(bench.order(Order::Align(Codec::Pcma)), ["send INVITE"]);
    let reinvite = bench.last_request();
    bench.response(&reinvite, 200, "bob", &sdp("8", "sendrecv"));
    let mut former = Bench::of(bench.leg.clone());
    let forgotten: Vec<Request> = (0..20)
        .map(|turn| {
            former.order(Order::Align(if turn % 2 == 0 { Codec::Pcmu } else { Codec::Pcma }));
            let asked = former.last_request();
            let codec = if turn % 2 == 0 { "0" } else { "8" };
            former.response(&asked, 200, "bob", &sdp(codec, "sendrecv"));
            asked
        })
        .collect();
    bench.readopted(Readopted { ask_at: at(101_000), room: Some(Readopted::ROOM) });
    bench.order(Order::Align(Codec::Pcmu));
    let heirs = bench.last_request();
    let version = |request: &Request| {
        let line = lines(request.body(), "o=").remove(0);
        line.split(' ').nth(2).and_then(|version| version.parse::<u64>().ok()).expect("a version")
    };
    for request in &forgotten {
        assert!(heirs.headers().cseq().unwrap().number > request.headers().cseq().unwrap().number);
        assert!(version(&heirs) > version(request));
        assert_ne!(ClientKey::of(&heirs), ClientKey::of(request), "another branch");
    }
    assert!(u32::from(Readopted::ROOM) > heirs.headers().cseq().unwrap().number / 2, "room, not waste");
}

/// The far end as it is written in this house: it takes any gap upwards (RFC 3261 §12.2.2).
#[test]
fn a_phone_takes_the_heirs_numbers() {
    let mut bench = listening();
    let mut phone =
        crate::sip::dialog::Dialog::uac(&invite(&both()), &bench.last_answer(), &flow(5062)).unwrap();
    bench.order(Order::Align(Codec::Pcma));
    assert_eq!(phone.receive(&bench.last_request()), Ok(()));
    let reinvite = bench.last_request();
    bench.response(&reinvite, 200, "bob", &sdp("8", "sendrecv"));
    bench.readopted(Readopted { ask_at: at(101_000), room: Some(Readopted::ROOM) });
    let options = asked(&mut bench);
    assert_eq!(phone.receive(&options), Ok(()));
    bench.response(&options, 200, "bob", &nothing());
    bench.hang_up();
    assert_eq!(phone.receive(&bench.last_request()), Ok(()));
}

#[test]
fn keys_that_were_sent_are_not_wished_for_any_more() {
    let mut bench = listening();
    let keys = |activity| trunkline_media::session::Keys { activity, keys: "12".to_owned() };
    bench.order(Order::Press(keys(3)));
    bench.order(Order::Press(keys(4)));
    let wished = |bench: &Bench| match bench.leg.wish() {
        Wish::Open { keys, .. } => keys.map(|keys| keys.activity),
        Wish::Closed { .. } => None,
    };
    bench.media(Notice::KeysSent { activity: 3 });
    assert_eq!(wished(&bench), Some(4), "of others");
    bench.media(Notice::KeysSent { activity: 4 });
    assert_eq!(wished(&bench), None);
}
