//! Offers of ours inside the dialog: the codec that the call wants.

use super::*;

const WANTED: Order = Order::Align(Codec::Pcma);

/// A caller's leg whose re-INVITE is out.
fn asking() -> (Bench, Request) {
    let mut bench = talking();
    assert_eq!(bench.order(WANTED), ["send INVITE"]);
    let invite = bench.last_request();
    (bench, invite)
}

fn alaw() -> Bytes {
    sdp("8", "sendrecv")
}

#[test]
fn a_codec_that_the_call_wants_is_asked_for_in_one_reinvite() {
    let (mut bench, invite) = asking();
    invite.validate().expect("what we send is valid");
    assert_eq!(invite.uri().to_string(), "sip:bob@198.51.100.7:5062");
    assert_eq!(invite.headers().get(&HeaderName::Contact).as_deref(), Some("<sip:192.0.2.1:5060>"));
    assert_eq!(lines(invite.body(), "m="), ["m=audio 4000 RTP/AVP 8 101"]);
    assert_eq!(bench.order(WANTED), [""; 0], "one pending per leg");
    assert_eq!(bench.response(&invite, 100, "", &nothing()), [""; 0]);
    let words = bench.response(&invite, 200, "bob", &alaw());
    assert_eq!(words, ["ack 1", "report speaks Pcma of [Pcmu, Pcma]"]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 6000)));
    assert_eq!(bench.response(&invite, 200, "bob", &alaw()), ["ack 1"], "it lost our ACK");
    assert_eq!(bench.acks[0], bench.acks[1]);
    assert_eq!(bench.order(WANTED), [""; 0], "it is so already");
    bench.hang_up();
    assert_eq!(bench.last_request().headers().cseq().unwrap().number, 2);
    assert_eq!(bench.last_request().uri().to_string(), "sip:bob@198.51.100.7:5070", "its new Contact");
}

#[test]
fn a_wish_waits_until_no_invite_is_under_way() {
    let mut bench = answered(&both());
    assert_eq!(bench.order(WANTED), [""; 0], "RFC 3261 §14.1");
    assert_eq!(bench.ack(1, &nothing()), ["send INVITE"]);

    let mut bench = talking();
    bench.asked("INVITE", 2, &sdp("0", "sendonly"));
    assert_eq!(bench.order(WANTED), [""; 0]);
    assert_eq!(bench.ack(2, &nothing()), ["send INVITE"]);
    assert_eq!(lines(bench.last_request().body(), "a=sendrecv").len(), 1, "the hold is the peer's, not ours");
}

#[test]
fn a_wish_that_the_peer_fulfils_by_itself_is_not_asked_for() {
    let mut bench = answered(&both());
    bench.order(WANTED);
    let words = bench.asked("INVITE", 2, &alaw());
    assert_eq!(words, ["answer 200 INVITE", "report speaks Pcma of [Pcma]"]);
    assert_eq!(bench.ack(2, &nothing()), [""; 0]);
}

#[test]
fn offers_that_cross_are_refused_on_both_sides_and_ours_is_tried_again() {
    for (owner, earliest, latest) in [(true, 2_100, 4_000), (false, 0, 2_000)] {
        let (mut bench, invite) = if owner {
            let (mut bench, _) = connected();
            assert_eq!(bench.order(WANTED), ["send INVITE"]);
            let invite = bench.last_request();
            (bench, invite)
        } else {
            let (mut bench, invite) = asking();
            assert_eq!(bench.asked("INVITE", 2, &sdp("0", "sendonly")), ["answer 491 INVITE"]);
            assert_eq!(bench.asked("INVITE", 3, &nothing()), ["answer 491 INVITE"]);
            (bench, invite)
        };
        let to = if owner { "alice" } else { "bob" };
        assert_eq!(bench.response(&invite, 491, to, &nothing()), [""; 0]);
        let due = bench.leg.next_deadline().expect("another try").as_micros() / 1000;
        assert!((earliest..=latest).contains(&due) && due % 10 == 0, "{owner}: {due}");
        assert_eq!(bench.pass(latest), [(due, "send INVITE".to_owned())]);
        let again = bench.last_request();
        assert!(again.headers().cseq().unwrap().number > invite.headers().cseq().unwrap().number);
        let words = bench.response(&again, 200, to, &alaw());
        assert_eq!(words.last().map(String::as_str), Some("report speaks Pcma of [Pcmu, Pcma]"));
    }
}

#[test]
fn an_offer_of_the_peer_in_the_pause_comes_first() {
    let (mut bench, invite) = asking();
    bench.response(&invite, 491, "bob", &nothing());
    assert_eq!(bench.asked("INVITE", 2, &sdp("0 8", "sendonly")), ["answer 200 INVITE"]);
    let told = bench.pass(400);
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(bench.pass(2_400).iter().filter(|(_, word)| word == "send INVITE").count(), 0);
    assert_eq!(bench.ack(2, &nothing()), ["send INVITE"]);
}

#[test]
fn a_peer_that_refuses_with_491_for_ever_is_left_alone() {
    let (mut bench, mut invite) = asking();
    for tries in 1.. {
        bench.response(&invite, 491, "bob", &nothing());
        let later = bench.now.as_micros() / 1000 + 2_000;
        if bench.pass(later).is_empty() {
            assert_eq!(tries, 10);
            break;
        }
        invite = bench.last_request();
    }
    assert_eq!(bench.leg.next_deadline(), None);
    assert_eq!(bench.agreed(), Some((Codec::Pcmu, 6000)));
}

#[test]
fn a_refusal_leaves_everything_as_it_was() {
    for code in [403, 486, 488, 500, 603] {
        let (mut bench, invite) = asking();
        let before = bench.leg.wish();
        assert_eq!(bench.response(&invite, code, "bob", &nothing()), [""; 0], "{code}");
        assert_eq!(bench.leg.wish(), before);
        assert_eq!(bench.leg.next_deadline(), None);
        assert_eq!(bench.asked("INVITE", 2, &sdp("0", "sendonly")), ["answer 200 INVITE"], "{code}");
    }
    let (mut bench, invite) = asking();
    assert_eq!(bench.failed(&invite, FailureCause::Transport), [""; 0]);
}

#[test]
fn a_peer_that_does_not_know_the_dialog_any_more_ends_it() {
    let ended = ["send BYE", "report ended Unreachable by Peer", "close"];
    for code in [408, 481] {
        let (mut bench, invite) = asking();
        assert_eq!(bench.response(&invite, code, "bob", &nothing()), ended, "{code}");
    }
    let (mut bench, invite) = asking();
    assert_eq!(bench.failed(&invite, FailureCause::Timeout), ended);
}

#[test]
fn an_answer_to_our_offer_that_cannot_be_used_ends_with_bye() {
    for body in [nothing(), sdp("0", "sendrecv")] {
        let (mut bench, invite) = asking();
        let words = bench.response(&invite, 200, "bob", &body);
        assert_eq!(words, ["ack 1", "send BYE", "report ended NotAcceptable by Switch", "close"]);
    }
}

#[test]
fn a_wish_that_changes_meanwhile_is_pursued_next() {
    let (mut bench, invite) = asking();
    assert_eq!(bench.order(Order::Align(Codec::Pcmu)), [""; 0]);
    let words = bench.response(&invite, 200, "bob", &alaw());
    assert_eq!(words, ["ack 1", "report speaks Pcma of [Pcmu, Pcma]", "send INVITE"]);
    assert_eq!(lines(bench.last_request().body(), "m="), ["m=audio 4000 RTP/AVP 0 101"]);

    let (mut bench, invite) = asking();
    bench.order(Order::Align(Codec::Pcmu));
    assert_eq!(bench.response(&invite, 488, "bob", &nothing()), [""; 0], "that is what there is");
}

#[test]
fn a_leg_may_end_while_its_reinvite_is_out() {
    let (mut bench, invite) = asking();
    assert_eq!(bench.hang_up(), ["send BYE", "report ended HungUp by Switch", "close"]);
    assert_eq!(bench.response(&invite, 200, "bob", &alaw()), ["ack 1"], "it crossed our BYE");

    let (mut bench, invite) = asking();
    assert_eq!(bench.asked("BYE", 2, &nothing()), ["answer 200 BYE", "report ended HungUp by Peer", "close"]);
    assert_eq!(bench.response(&invite, 487, "bob", &nothing()), [""; 0]);
}

#[test]
fn only_an_answered_leg_has_something_to_change() {
    assert_eq!(called(&both()).order(WANTED), [""; 0]);
    assert_eq!(calling(&[5062]).order(WANTED), [""; 0]);
    let mut bench = talking();
    bench.hang_up();
    assert_eq!(bench.order(WANTED), [""; 0]);
}

#[test]
fn the_call_hears_what_the_far_end_speaks_when_that_is_known() {
    let mut bench = answered(&nothing());
    let words = bench.ack(1, &sdp("8 0", "sendrecv"));
    assert_eq!(words, ["report speaks Pcma of [Pcma, Pcmu]"]);
    assert_eq!(
        bench.asked("INVITE", 2, &sdp("8 0", "sendonly")),
        ["answer 200 INVITE"],
        "a hold is none of it"
    );
}
