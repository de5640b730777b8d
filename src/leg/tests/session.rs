//! Session timers (RFC 4028): who refreshes, how, and what happens if nobody does.

use super::*;

const TIMER: (HeaderName, &str) = (HeaderName::Supported, "timer");
const UPDATES: (HeaderName, &str) = (HeaderName::Allow, "INVITE, ACK, BYE, UPDATE");

fn expires(text: &str) -> (HeaderName, &str) {
    (HeaderName::SessionExpires, text)
}

/// An acknowledged leg of a caller who said this.
fn up(lines: &[(HeaderName, &str)]) -> Bench {
    let mut bench = called_with(lines, &both());
    bench.order(Order::Answer);
    assert_eq!(bench.ack(1, &nothing()), [""; 0]);
    bench
}

fn ends_at(bench: &mut Bench, until: u64) -> Option<u64> {
    let told = bench.pass(until);
    told.into_iter().find(|(_, word)| word == "report ended Unreachable by Peer").map(|(at, _)| at)
}

#[test]
fn a_caller_without_session_timers_has_none() {
    let bench = up(&[]);
    assert_eq!(bench.answer_says(&HeaderName::SessionExpires), None);
    assert_eq!(bench.leg.next_deadline(), None);
}

#[test]
fn our_refreshes_are_updates_where_the_peer_takes_them() {
    let mut bench = up(&[TIMER, UPDATES, expires("600")]);
    assert_eq!(bench.answer_says(&HeaderName::SessionExpires).as_deref(), Some("600;refresher=uas"));
    assert_eq!(bench.answer_says(&HeaderName::Require).as_deref(), Some("timer"));
    assert_eq!(bench.pass(300_000), [(300_000, "send UPDATE".to_owned())]);
    let update = bench.last_request();
    update.validate().expect("what we send is valid");
    assert!(update.body().is_empty());
    assert_eq!(bench.request_says(&HeaderName::SessionExpires).as_deref(), Some("600;refresher=uac"));
    assert_eq!(bench.request_says(&HeaderName::MinSe).as_deref(), Some("90"));
    assert_eq!(bench.request_says(&HeaderName::Contact).as_deref(), Some("<sip:192.0.2.1:5060>"));
    assert_eq!(bench.told(&update, 200, "bob", &[expires("600;refresher=uac")], &nothing()), [""; 0]);
    assert_eq!(bench.pass(600_000), [(600_000, "send UPDATE".to_owned())], "and so on");
}

#[test]
fn without_update_the_same_session_is_offered_again() {
    let mut bench = up(&[TIMER, expires("600")]);
    assert_eq!(bench.pass(300_000), [(300_000, "send INVITE".to_owned())]);
    let refresh = bench.last_request();
    let [answered, offered] = [bench.last_answer().body().clone(), refresh.body().clone()];
    assert_eq!(offered, answered, "nothing has changed, not even the version");
    let words = bench.told(&refresh, 200, "bob", &[expires("600;refresher=uac")], &sdp("0", "sendrecv"));
    assert_eq!(words, ["ack 1"]);
    assert_eq!(bench.leg.next_deadline(), Some(at(600_000)));
}

#[test]
fn an_update_that_is_not_allowed_after_all_becomes_an_invite() {
    for status in [405, 501] {
        let mut bench = up(&[TIMER, UPDATES, expires("600")]);
        bench.pass(300_000);
        let update = bench.last_request();
        assert_eq!(bench.response(&update, status, "bob", &nothing()), ["send INVITE"], "{status}");
    }
}

#[test]
fn a_session_that_the_peer_does_not_refresh_is_ended_in_time() {
    let mut bench = up(&[TIMER, expires("600;refresher=uac")]);
    assert_eq!(bench.answer_says(&HeaderName::SessionExpires).as_deref(), Some("600;refresher=uac"));
    assert_eq!(ends_at(&mut bench, 700_000), Some(568_000), "32 s before the end");
    let reason = bench.request_says(&HeaderName::Reason);
    assert_eq!(reason.as_deref(), Some("SIP;cause=408;text=\"Request Timeout\""));

    let mut bench = up(&[TIMER, expires("90;refresher=uac")]);
    assert_eq!(ends_at(&mut bench, 100_000), Some(60_000), "a third before the end");
}

#[test]
fn every_change_of_the_session_is_a_refresh() {
    for (method, body) in [("UPDATE", nothing()), ("UPDATE", both()), ("INVITE", both())] {
        let mut bench = up(&[TIMER, expires("600;refresher=uac")]);
        assert_eq!(bench.pass(500_000), []);
        let lines = [TIMER, expires("600;refresher=uac")];
        assert_eq!(bench.asked_with(method, 2, &lines, &body), [format!("answer 200 {method}")]);
        assert_eq!(bench.answer_says(&HeaderName::SessionExpires).as_deref(), Some("600;refresher=uac"));
        bench.ack(2, &nothing());
        assert_eq!(ends_at(&mut bench, 2_000_000), Some(1_068_000), "{method}");
    }
}

#[test]
fn a_session_shorter_than_we_put_up_with_is_refused() {
    let mut bench = up(&[TIMER]);
    for (number, method, body) in [(2, "UPDATE", nothing()), (3, "INVITE", both())] {
        let words = bench.asked_with(method, number, &[TIMER, expires("60")], &body);
        assert_eq!(words, [format!("answer 422 {method}")]);
        assert_eq!(bench.answer_says(&HeaderName::MinSe).as_deref(), Some("90"));
    }
}

#[test]
fn a_refresh_that_fails_is_tried_again_and_ends_the_call_in_the_end() {
    let mut bench = up(&[TIMER, UPDATES, expires("600")]);
    bench.pass(300_000);
    let mut tries = 0;
    while bench.leg.summary().state == "up" {
        let update = bench.last_request();
        tries += 1;
        bench.response(&update, 503, "bob", &nothing());
        let due = bench.leg.next_deadline().expect("it goes on").as_micros() / 1000;
        bench.pass(due);
    }
    assert_eq!((bench.now, tries), (at(568_000), 8));
}

#[test]
fn a_refresh_that_nobody_answers_ends_the_call() {
    type Way = fn(&mut Bench, &Request) -> Vec<String>;
    let ways: [Way; 3] = [
        |bench, refresh| bench.failed(refresh, FailureCause::Timeout),
        |bench, refresh| bench.response(refresh, 481, "bob", &nothing()),
        |bench, refresh| bench.response(refresh, 408, "bob", &nothing()),
    ];
    for way in ways {
        let mut bench = up(&[TIMER, UPDATES, expires("600")]);
        bench.pass(300_000);
        let update = bench.last_request();
        assert_eq!(way(&mut bench, &update), ["send BYE", "report ended Unreachable by Peer", "close"]);
    }
    let mut bench = up(&[TIMER, UPDATES, expires("600")]);
    bench.pass(300_000);
    let update = bench.last_request();
    assert_eq!(bench.failed(&update, FailureCause::Transport), [""; 0]);
    assert_eq!(bench.pass(340_000), [(337_500, "send UPDATE".to_owned())], "its host may be back");
}

#[test]
fn a_refresh_that_is_too_short_for_somebody_on_the_way_asks_for_more() {
    let mut bench = up(&[TIMER, UPDATES, expires("600")]);
    bench.pass(300_000);
    let update = bench.last_request();
    assert_eq!(bench.told(&update, 422, "bob", &[(HeaderName::MinSe, "1200")], &nothing()), ["send UPDATE"]);
    assert_eq!(bench.request_says(&HeaderName::SessionExpires).as_deref(), Some("1200;refresher=uac"));
    assert_eq!(bench.request_says(&HeaderName::MinSe).as_deref(), Some("1200"));
}

#[test]
fn a_refresh_that_crosses_an_offer_of_the_peer_waits_for_its_turn() {
    let mut bench = up(&[TIMER, expires("600")]);
    bench.pass(299_000);
    assert_eq!(
        bench.asked_with("INVITE", 2, &[TIMER, expires("600;refresher=uas")], &both()),
        ["answer 200 INVITE"]
    );
    let told = bench.pass(300_000);
    assert!(told.iter().all(|(_, word)| word == "answer 200 INVITE"), "{told:?}");
    bench.ack(2, &nothing());
    assert_eq!(bench.leg.next_deadline(), Some(at(599_000)), "that was a refresh");

    let mut bench = up(&[TIMER, expires("600")]);
    bench.pass(300_000);
    let refresh = bench.last_request();
    assert_eq!(bench.response(&refresh, 491, "bob", &nothing()), [""; 0]);
    let again = bench.pass(302_000);
    assert_eq!(again.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>(), ["send INVITE"]);
}

#[test]
fn a_codec_that_is_asked_for_refreshes_as_well() {
    let mut bench = up(&[TIMER, UPDATES, expires("600")]);
    bench.pass(200_000);
    assert_eq!(bench.order(Order::Align(Codec::Pcma)), ["send INVITE"]);
    let invite = bench.last_request();
    bench.told(&invite, 200, "bob", &[expires("600;refresher=uac")], &sdp("8", "sendrecv"));
    assert_eq!(bench.pass(499_000), []);
    assert_eq!(bench.pass(500_000), [(500_000, "send UPDATE".to_owned())]);
}

#[test]
fn a_callee_decides_by_its_answer() {
    for (answer, due) in [
        (&[TIMER, UPDATES, expires("600;refresher=uac")][..], Some((300_000, "send UPDATE"))),
        (&[expires("600;refresher=uas")], Some((568_000, "send BYE"))),
        (&[], None),
    ] {
        let mut bench = calling(&[5062]);
        let invite = bench.last_request();
        assert_eq!(bench.request_says(&HeaderName::SessionExpires).as_deref(), Some("1800"));
        assert_eq!(bench.request_says(&HeaderName::MinSe).as_deref(), Some("90"));
        assert!(bench.request_says(&HeaderName::Supported).is_some_and(|tags| tags.contains("timer")));
        bench.told(&invite, 200, "alice", answer, &both());
        let told = bench.pass(600_000);
        let first = told.first().map(|(at, word)| (*at, word.as_str()));
        assert_eq!(first, due);
    }
}

#[test]
fn an_invite_that_is_too_short_for_somebody_on_the_way_is_sent_again_with_more() {
    let mut bench = calling(&[5062]);
    let first = bench.last_request();
    let longer = [(HeaderName::MinSe, "3600")];
    assert_eq!(bench.told(&first, 422, "alice", &longer, &nothing()), ["send INVITE"]);
    let second = bench.last_request();
    second.validate().expect("what we send is valid");
    assert_eq!(second.headers().call_id(), first.headers().call_id());
    assert_eq!(second.headers().from(), first.headers().from());
    assert_eq!(second.headers().cseq().unwrap().number, 2);
    assert_ne!(ClientKey::of(&second), ClientKey::of(&first));
    assert_eq!(bench.request_says(&HeaderName::SessionExpires).as_deref(), Some("3600"));
    assert_eq!(bench.request_says(&HeaderName::MinSe).as_deref(), Some("3600"));
    assert_eq!(bench.response(&first, 200, "alice", &both()), [""; 0], "that one is over");
    assert_eq!(bench.response(&second, 200, "alice", &both()), ["ack 2", "report answered"]);

    let mut bench = calling(&[5062]);
    let first = bench.last_request();
    bench.told(&first, 422, "alice", &longer, &nothing());
    let second = bench.last_request();
    let words = bench.told(&second, 422, "alice", &longer, &nothing());
    assert_eq!(words, ["report ended Refused(422) by Peer", "close"], "it does not know what it wants");
}
