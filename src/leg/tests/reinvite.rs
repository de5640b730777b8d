//! Offers of the peer inside the dialog: hold, refresh, the wish for an offer of ours.

use super::*;

#[test]
fn a_hold_ends_in_the_leg_and_so_does_its_end() {
    let mut bench = talking();
    assert_eq!(bench.asked("INVITE", 2, &sdp("0", "sendonly")), ["answer 200 INVITE"]);
    assert_eq!(lines(bench.last_answer().body(), "a=recvonly").len(), 1);
    assert_eq!((bench.has_told(&Event::Held), bench.has_told(&Event::Resumed)), (1, 0));
    bench.ack(2, &nothing());
    assert_eq!(bench.asked("INVITE", 3, &sdp("0", "inactive")), ["answer 200 INVITE"]);
    assert_eq!(bench.has_told(&Event::Held), 1, "still the same hold");
    bench.ack(3, &nothing());
    assert_eq!(bench.asked("INVITE", 4, &sdp("0", "sendrecv")), ["answer 200 INVITE"]);
    assert_eq!(bench.has_told(&Event::Resumed), 1);
}

#[test]
fn a_hold_of_old_phones_is_an_address_of_zeros() {
    let mut bench = talking();
    let offer =
        String::from_utf8(both().to_vec()).unwrap().replace("c=IN IP4 198.51.100.7", "c=IN IP4 0.0.0.0");
    bench.asked("INVITE", 2, &Bytes::from(offer));
    assert_eq!(bench.has_told(&Event::Held), 1);
}

#[test]
fn the_answer_to_a_reinvite_is_repeated_until_its_ack_like_the_first() {
    let mut bench = talking();
    bench.asked("INVITE", 2, &both());
    assert_eq!(bench.ack(1, &nothing()), [""; 0], "a late ACK of the first INVITE");
    assert_eq!(bench.pass(600), [(500, "answer 200 INVITE".to_owned())]);
    bench.ack(2, &nothing());
    assert_eq!(bench.pass(60_000), []);
}

#[test]
fn a_reinvite_moves_the_dialog_to_the_new_contact_only_if_it_is_accepted() {
    let mut bench = talking();
    let mut moved = bench.in_dialog("INVITE", 2, &sdp("18", "sendrecv"));
    moved.headers_mut().set(HeaderName::Contact, "<sip:bob@203.0.113.5:5090>");
    assert_eq!(bench.request(&moved), ["answer 488 INVITE"]);
    let mut moved = bench.in_dialog("INVITE", 3, &sdp("8", "sendrecv"));
    moved.headers_mut().set(HeaderName::Contact, "<sip:bob@203.0.113.9:5090>");
    assert_eq!(bench.request(&moved), ["answer 200 INVITE"]);
    bench.ack(3, &nothing());
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 6000)));
    bench.hang_up();
    assert_eq!(bench.last_request().uri().to_string(), "sip:bob@203.0.113.9:5090");
}

#[test]
fn an_offer_that_cannot_be_met_leaves_the_session_as_it_was() {
    let mut bench = talking();
    let before = bench.leg.wish();
    assert_eq!(bench.asked("INVITE", 2, &sdp("18", "sendrecv")), ["answer 488 INVITE"]);
    assert_eq!(bench.asked("INVITE", 3, &Bytes::from_static(b"nonsense")), ["answer 400 INVITE"]);
    let mut other = bench.in_dialog("INVITE", 4, &nothing());
    other.set_body("text/plain", Bytes::from_static(b"hello"));
    assert_eq!(bench.request(&other), ["answer 415 INVITE"]);
    assert_eq!(bench.last_answer().headers().get(&HeaderName::Accept).as_deref(), Some("application/sdp"));
    assert_eq!(bench.leg.wish(), before);
    assert_eq!(bench.pass(60_000), [], "a refusal is repeated by its transaction, not by the leg");
}

#[test]
fn a_reinvite_without_an_offer_gets_all_that_we_can_do() {
    let mut bench = talking();
    assert_eq!(bench.asked("INVITE", 2, &nothing()), ["answer 200 INVITE"]);
    let media = lines(bench.last_answer().body(), "m=");
    assert_eq!(media, ["m=audio 4000 RTP/AVP 0 8 101"], "another party may stand behind it (RFC 3261 §14.2)");
    assert_eq!(bench.ack(2, &sdp("8", "sendrecv")), [""; 0]);
    assert_eq!(bench.agreed(), Some((Codec::Pcma, 6000)));
}

#[test]
fn a_reinvite_that_overtakes_the_ack_is_proof_enough_that_the_answer_arrived() {
    let mut bench = answered(&both());
    assert_eq!(bench.asked("INVITE", 2, &sdp("0", "sendonly")), ["answer 200 INVITE"]);
    assert_eq!(bench.ack(1, &nothing()), [""; 0], "the late ACK");
    bench.ack(2, &nothing());
    assert_eq!(bench.pass(60_000), []);
    assert_eq!(bench.leg.summary().state, "up");
}

#[test]
fn a_reinvite_has_to_wait_while_an_offer_of_ours_is_out() {
    for body in [both(), nothing()] {
        let mut bench = answered(&nothing());
        assert_eq!(bench.asked("INVITE", 2, &body), ["answer 491 INVITE"]);
        bench.ack(1, &both());
        assert_eq!(bench.agreed(), Some((Codec::Pcmu, 6000)));
    }
}

#[test]
fn a_reinvite_has_to_wait_while_the_leg_is_about_to_end() {
    let mut bench = answered(&both());
    bench.hang_up();
    assert_eq!(bench.asked("INVITE", 2, &both()), ["answer 500 INVITE"]);
    assert!(bench.last_answer().headers().retry_after().expect("a pause") <= 10);
    assert_eq!(bench.pass(32_000).last(), Some(&(32_000, "close".to_owned())), "the wait is not prolonged");
}
