//! Holding and being held, by direction and by address (RFC 3264 §6.1, §8.4).
//! Must never let sound flow to one who does not want it.

use super::*;

const ALL: [Direction; 4] =
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

#[test]
fn every_direction_offered_meets_the_one_that_rfc_3264_allows() {
    let table: Vec<String> = ALL
        .into_iter()
        .map(|offered| {
            let (_, answer, agreed) =
                was_called(&format!("m=audio 5004 RTP/AVP 0\na={}\n", offered.as_str()));
            let said =
                ALL.into_iter().find(|said| !lines(&answer, &format!("a={}", said.as_str())).is_empty());
            let said = said.map_or("none", Direction::as_str);
            let Agreed { send, receive, held, .. } = agreed;
            format!("{} -> {said} send {send} receive {receive} held {held}", offered.as_str())
        })
        .collect();
    let expected = [
        "sendrecv -> sendrecv send true receive true held false",
        "sendonly -> recvonly send false receive true held true",
        "recvonly -> sendonly send true receive false held false",
        "inactive -> inactive send false receive false held true",
    ];
    assert_eq!(table, expected);
}

#[test]
fn a_direction_of_the_session_counts_until_the_stream_has_its_own() {
    let (_, _, agreed) = was_called("a=sendonly\nm=audio 5004 RTP/AVP 0\n");
    assert!(agreed.held && !agreed.send);
    let (_, _, agreed) = was_called("a=sendonly\nm=audio 5004 RTP/AVP 0\na=sendrecv\n");
    assert!(!agreed.held && agreed.send);
}

#[test]
fn a_phone_holds_by_address_and_comes_back() {
    let (mut switch, _, before) = was_called("m=audio 5004 RTP/AVP 0\n");
    let (answer, agreed) = switch.on_offer(&phone("m=audio 5004 RTP/AVP 0\nc=IN IP4 0.0.0.0\n")).unwrap();
    assert!(agreed.held && !agreed.send && agreed.receive);
    assert_eq!(agreed.remote_rtp, before.remote_rtp, "where it was remains known");
    assert_eq!(lines(&answer, "a=recvonly").len(), 1);

    let (answer, agreed) = switch.on_offer(&phone("m=audio 5004 RTP/AVP 0\n")).unwrap();
    assert_eq!(agreed, before);
    assert_eq!(lines(&answer, "a=sendrecv").len(), 1);
}

#[test]
fn a_call_may_start_without_an_address_and_nothing_is_sent() {
    for nowhere in ["c=IN IP4 0.0.0.0\n", "c=IN IP6 ::\n"] {
        let (_, _, agreed) = was_called(&format!("m=audio 5004 RTP/AVP 0\n{nowhere}a=inactive\n"));
        assert!(agreed.held && !agreed.send && !agreed.receive);
        assert!(agreed.remote_rtp.ip().is_unspecified());
    }
}

#[test]
fn we_hold_a_phone_and_take_it_back() {
    let (mut switch, _) = called("m=audio 5004 RTP/AVP 0\n");
    let offer = switch.offer_held(Direction::SendOnly).unwrap();
    assert_eq!(lines(&offer, "a=sendonly").len(), 1);
    let agreed = switch.on_answer(&phone("m=audio 5004 RTP/AVP 0\na=recvonly\n")).unwrap();
    assert!(agreed.send && !agreed.receive && !agreed.held);

    let refresh = switch.offer().unwrap();
    assert_eq!(refresh, offer, "a refresh does not end the hold");
    switch.withdraw();

    switch.offer_held(Direction::SendRecv).unwrap();
    let agreed = switch.on_answer(&phone("m=audio 5004 RTP/AVP 0\n")).unwrap();
    assert!(agreed.send && agreed.receive);
}

#[test]
fn our_hold_outlives_an_offer_of_the_peer() {
    let (mut switch, _) = called("m=audio 5004 RTP/AVP 0\n");
    switch.offer_held(Direction::SendOnly).unwrap();
    switch.on_answer(&phone("m=audio 5004 RTP/AVP 0\na=recvonly\n")).unwrap();
    let (answer, agreed) = switch.on_offer(&phone("m=audio 5004 RTP/AVP 0\na=sendrecv\n")).unwrap();
    assert_eq!(lines(&answer, "a=sendonly").len(), 1);
    assert!(agreed.send && !agreed.receive && !agreed.held);
}

#[test]
fn both_sides_hold_and_each_takes_back_only_its_own() {
    let (mut switch, _, _) = was_called("m=audio 5004 RTP/AVP 0\na=sendonly\n");
    switch.offer_held(Direction::SendOnly).unwrap();
    let agreed = switch.on_answer(&phone("m=audio 5004 RTP/AVP 0\na=inactive\n")).unwrap();
    assert!(!agreed.send && !agreed.receive && agreed.held);

    let (answer, agreed) = switch.on_offer(&phone("m=audio 5004 RTP/AVP 0\na=sendrecv\n")).unwrap();
    assert_eq!(lines(&answer, "a=sendonly").len(), 1, "the peer is back, we still hold it");
    assert!(agreed.send && !agreed.receive && !agreed.held);
}

#[test]
fn an_answer_that_had_no_choice_does_not_tell_whether_the_peer_holds() {
    let (mut switch, _, _) = was_called("m=audio 5004 RTP/AVP 0\n");
    switch.offer_held(Direction::Inactive).unwrap();
    let inactive = phone("m=audio 5004 RTP/AVP 0\na=inactive\n");
    assert!(!switch.on_answer(&inactive).unwrap().held);

    let (mut switch, _, _) = was_called("m=audio 5004 RTP/AVP 0\na=sendonly\n");
    switch.offer_held(Direction::Inactive).unwrap();
    assert!(switch.on_answer(&inactive).unwrap().held);
}

#[test]
fn a_hold_that_was_refused_never_happened() {
    let (mut switch, before) = called("m=audio 5004 RTP/AVP 0\n");
    switch.offer_held(Direction::Inactive).unwrap();
    switch.withdraw();
    assert_eq!(switch.agreed(), Some(&before));
    let (answer, agreed) = switch.on_offer(&phone("m=audio 5004 RTP/AVP 0\n")).unwrap();
    assert!(agreed.send && agreed.receive);
    assert_eq!(lines(&answer, "a=sendrecv").len(), 1);
}

#[test]
fn an_answer_can_hold_too() {
    let (_, agreed) = called("m=audio 5004 RTP/AVP 0\na=sendonly\n");
    assert!(!agreed.send && agreed.receive && agreed.held);
    let (_, agreed) = called("m=audio 5004 RTP/AVP 0\nc=IN IP4 0.0.0.0\n");
    assert!(!agreed.send && agreed.held);
}
