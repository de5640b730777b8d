//! A caller until its final answer.

use super::*;

#[test]
fn a_caller_hears_of_each_stage_once_and_always_under_the_same_tag() {
    let mut bench = called(&both());
    assert_eq!(bench.order(Order::Ring), ["answer 180 INVITE"]);
    assert_eq!(bench.order(Order::Ring), [""; 0]);
    assert_eq!(bench.order(Order::Progress), ["answer 183 INVITE"]);
    assert_eq!(bench.order(Order::Progress), [""; 0]);
    assert_eq!(bench.order(Order::Ring), [""; 0], "sound was promised already");
    assert_eq!(bench.order(Order::Answer), ["answer 200 INVITE", "report answered"]);
    assert_eq!(bench.order(Order::Answer), [""; 0]);

    let tags: Vec<String> =
        bench.answers.iter().map(|answer| answer.headers().to().unwrap().tag().unwrap().to_owned()).collect();
    assert_eq!(tags.iter().collect::<std::collections::BTreeSet<_>>().len(), 1, "{tags:?}");
    for answer in &bench.answers {
        assert_eq!(answer.headers().get(&HeaderName::RecordRoute).as_deref(), Some("<sip:198.51.100.9;lr>"));
        assert_eq!(answer.headers().get(&HeaderName::Contact).as_deref(), Some("<sip:192.0.2.1:5060>"));
        assert_eq!(answer.headers().get(&HeaderName::Allow).as_deref(), Some(ALLOW));
    }
    let [ringing, progress, ok] = bench.answers.as_slice() else { panic!("{:?}", bench.answers) };
    assert!(ringing.body().is_empty());
    assert_eq!(progress.body(), ok.body(), "one answer to one offer (RFC 3261 §13.2.1)");
    assert_eq!(lines(ok.body(), "m="), ["m=audio 4000 RTP/AVP 0"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcmu, 6000)));
}

#[test]
fn an_offer_that_cannot_be_met_is_refused_before_anybody_is_disturbed() {
    for (body, status) in [(sdp("18", "sendrecv"), 488), (Bytes::from_static(b"nonsense"), 400)] {
        let mut bench = Bench::of(caller(&invite(&body)));
        let refusal = format!("answer {status} INVITE");
        assert_eq!(bench.start(), ["bind", &refusal, "report ended NotAcceptable by Switch", "close"]);
    }
}

#[test]
fn a_cancel_ends_an_invite_that_has_no_final_answer() {
    let mut bench = called(&both());
    bench.order(Order::Ring);
    let words = bench.cancelled(&invite(&both()));
    assert_eq!(words, ["answer 487 INVITE", "report ended Cancelled by Peer", "close"]);
    assert_eq!(bench.media_closed(), ["abandon", "release"]);
}

#[test]
fn a_cancel_that_crosses_the_answer_changes_nothing() {
    let mut bench = answered(&both());
    assert_eq!(bench.cancelled(&invite(&both())), [""; 0]);
    assert_eq!(bench.ack(1, &nothing()), [""; 0]);
    assert_eq!(bench.leg.summary().state, "up");
}

#[test]
fn a_cancel_of_another_invite_is_not_for_the_call() {
    let mut bench = called(&both());
    bench.order(Order::Ring);
    let reinvite = bench.in_dialog("INVITE", 2, &both());
    assert_eq!(bench.cancelled(&reinvite), [""; 0]);
    assert_eq!(bench.leg.summary().state, "incoming");
}

#[test]
fn a_bye_in_the_early_dialog_ends_the_invite_too() {
    let mut bench = called(&both());
    bench.order(Order::Ring);
    let words = bench.asked("BYE", 2, &nothing());
    let expected = ["answer 200 BYE", "answer 487 INVITE", "report ended Cancelled by Peer", "close"];
    assert_eq!(words, expected);
}

#[test]
fn a_second_invite_before_the_answer_to_the_first_is_told_to_come_again() {
    let mut bench = called(&both());
    bench.order(Order::Ring);
    assert_eq!(bench.asked("INVITE", 2, &both()), ["answer 500 INVITE"]);
    assert!(bench.last_answer().headers().retry_after().expect("RFC 3261 §14.2") <= 10);
    assert_eq!(bench.asked("REFER", 3, &nothing()), ["answer 405 REFER"]);
    assert_eq!(bench.last_answer().headers().get(&HeaderName::Allow).as_deref(), Some(ALLOW));
}

#[test]
fn the_caller_is_told_why_the_call_failed() {
    let stories = [
        (Cause::Busy, 486),
        (Cause::NoAnswer, 480),
        (Cause::Declined, 603),
        (Cause::NotFound, 404),
        (Cause::Unreachable, 480),
        (Cause::Overloaded, 503),
        (Cause::Maintenance, 503),
        (Cause::NotAcceptable, 488),
        (Cause::Refused(484), 484),
        (Cause::Cancelled, 487),
        (Cause::HungUp, 603),
        (Cause::Internal, 500),
    ];
    for (cause, status) in stories {
        let mut bench = called(&both());
        let words = bench.order(Order::Hangup { cause: cause.clone() });
        assert_eq!(words[0], format!("answer {status} INVITE"), "{cause:?}");
        assert_eq!(words[1], format!("report ended {cause:?} by Switch"));
        let retry = bench.last_answer().headers().retry_after();
        assert_eq!(retry.is_some(), status == 503, "{cause:?}");
    }
    let mut bench = called(&both());
    let words = bench.order(Order::Refuse { status: 403, cause: Cause::Declined });
    assert_eq!(words, ["answer 403 INVITE", "report ended Declined by Switch", "close"]);
}

#[test]
fn a_late_offer_is_answered_with_an_offer_of_ours_and_settled_by_the_ack() {
    let mut bench = called(&nothing());
    assert_eq!(bench.order(Order::Progress), ["answer 180 INVITE"], "no offer fits into a 183");
    assert_eq!(bench.order(Order::Answer), ["answer 200 INVITE", "report answered"]);
    assert_eq!(lines(bench.last_answer().body(), "m="), ["m=audio 4000 RTP/AVP 0 8 101"]);
    assert_eq!(bench.agreed(), None);
    assert_eq!(bench.ack(1, &sdp("8", "sendrecv")), ["report speaks Pcma of [Pcma]"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 6000)));
}

#[test]
fn a_caller_that_waits_long_is_told_so_every_minute() {
    let mut bench = called(&both());
    bench.order(Order::Ring);
    let told: Vec<_> = bench.pass(130_000);
    assert_eq!(told, [(60_000, "answer 180 INVITE".to_owned()), (120_000, "answer 180 INVITE".to_owned())]);
    bench.order(Order::Progress);
    let told = bench.pass(200_000);
    assert_eq!(told, [(190_000, "answer 183 INVITE".to_owned())]);
    assert!(!bench.last_answer().body().is_empty());
}

#[test]
fn an_invite_that_expires_is_over_by_then() {
    let mut invite = invite(&both());
    invite.headers_mut().push(HeaderName::Expires, 20);
    let mut bench = Bench::of(caller(&invite));
    bench.start();
    bench.order(Order::Ring);
    let told: Vec<String> = bench.pass(20_000).into_iter().map(|(at, word)| format!("{at} {word}")).collect();
    let expected = ["20000 answer 487 INVITE", "20000 report ended Cancelled by Peer", "20000 close"];
    assert_eq!(told, expected);
}

#[test]
fn the_call_hears_what_the_caller_was_answered_with() {
    for (order, status) in [
        (Order::Refuse { status: 404, cause: Cause::NoAnswer }, 404),
        (Order::Hangup { cause: Cause::Busy }, 486),
        (Order::Answer, 200),
    ] {
        let mut bench = called(&both());
        bench.order(order);
        if status == 200 {
            bench.hang_up();
        }
        assert_eq!(bench.facts().status, Some(status));
        assert_eq!(bench.facts().call_id, "one@198.51.100.7");
    }
    let mut bench = called(&both());
    bench.cancelled(&invite(&both()));
    assert_eq!(bench.facts().status, Some(487), "a caller who gives up");
}
