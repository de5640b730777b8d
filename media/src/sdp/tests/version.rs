//! The version in `o=`: a new one for each change, and only then (RFC 3264 §8).
//! Must never let two different descriptions share a version.

use super::*;

#[test]
fn a_refresh_says_the_same_in_the_same_version_whoever_offered() {
    let (mut switch, _) = called("m=audio 5004 RTP/AVP 0\n");
    let offer = switch.answer_sent().unwrap().clone();
    assert_eq!(switch.offer().unwrap(), offer);

    let (mut switch, answer, _) = was_called("m=audio 5004 RTP/AVP 8\n");
    assert_eq!(switch.offer().unwrap(), answer);
    switch.on_answer(&phone("m=audio 5004 RTP/AVP 8\n")).unwrap();
    let (repeated, _) = switch.on_offer(&phone("m=audio 5004 RTP/AVP 8\n")).unwrap();
    assert_eq!(repeated, answer);
}

#[test]
fn each_change_counts_one_version_up() {
    let (mut switch, answer, _) = was_called("m=audio 5004 RTP/AVP 0\n");
    assert_eq!(version(&answer), 1);
    let (answer, _) = switch.on_offer(&phone("m=audio 5004 RTP/AVP 8\n")).unwrap();
    assert_eq!(version(&answer), 2);
    assert_eq!(version(&switch.offer_held(Direction::SendOnly).unwrap()), 3);
    switch.on_answer(&phone("m=audio 5004 RTP/AVP 8\na=recvonly\n")).unwrap();
    assert_eq!(version(&switch.offer_held(Direction::SendRecv).unwrap()), 4);
}

#[test]
fn a_peer_that_only_moves_does_not_change_our_description() {
    let (mut switch, answer, _) = was_called("m=audio 5004 RTP/AVP 0\n");
    let (again, agreed) = switch.on_offer(&phone("m=audio 9004 RTP/AVP 0\n")).unwrap();
    assert_eq!(again, answer);
    assert_eq!(agreed.remote_rtp.port(), 9004);
}

#[test]
fn the_version_of_a_refused_offer_is_never_used_for_anything_else() {
    let (mut switch, _) = called("m=audio 5004 RTP/AVP 0\n");
    let standing = switch.answer_sent().unwrap().clone();
    assert_eq!(version(&switch.offer_held(Direction::SendOnly).unwrap()), 2);
    switch.withdraw();
    assert_eq!(switch.offer().unwrap(), standing, "a refresh still says what stands");
    switch.withdraw();
    assert_eq!(version(&switch.offer_held(Direction::Inactive).unwrap()), 3);
}

#[test]
fn a_first_offer_that_was_refused_can_be_made_again() {
    let mut switch = switch();
    let first = switch.offer().unwrap();
    switch.withdraw();
    assert!(!switch.is_offer_pending() && switch.agreed().is_none());
    let second = switch.offer().unwrap();
    assert_eq!(streams(&first), streams(&second));
    assert!(version(&second) > version(&first));
}

#[test]
fn a_snapshot_goes_on_where_the_original_stood() {
    let (mut switch, _, _) = was_called("m=video 1 RTP/AVP 96\nm=audio 5004 RTP/AVP 8\n");
    switch.offer_held(Direction::SendOnly).unwrap();
    let snapshot = serde_json::to_string(&switch).unwrap();
    let mut restored: Negotiation = serde_json::from_str(&snapshot).unwrap();
    assert_eq!(restored, switch);
    let answer = phone("m=video 0 RTP/AVP 96\nm=audio 5004 RTP/AVP 8\na=recvonly\n");
    assert_eq!(restored.on_answer(&answer), switch.on_answer(&answer));
    assert_eq!(restored.offer_held(Direction::SendRecv), switch.offer_held(Direction::SendRecv));
}
