//! We offer, the peer answers.
//! Must never cover holding, which has its own stories.

use super::*;

#[test]
fn the_first_offer_says_all_that_we_can_do_in_our_order() {
    let mut switch = switch();
    let offer = switch.offer().unwrap();
    let expected = "v=0\r\no=- 77 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";
    assert_eq!(std::str::from_utf8(&offer).unwrap(), expected);
    assert!(switch.is_offer_pending());
    assert_eq!((switch.agreed(), switch.answer_sent()), (None, None));
}

#[test]
fn an_offer_that_waits_is_repeated_byte_for_byte() {
    let mut switch = switch();
    let offer = switch.offer().unwrap();
    assert_eq!(switch.offer().unwrap(), offer);
    assert_eq!(switch.offer_held(Direction::SendRecv).unwrap(), offer);
    assert_eq!(switch.offer_held(Direction::SendOnly), Err(NegotiationError::OfferPending));
    assert_eq!(switch.offer_anew(), Err(NegotiationError::OfferPending));
}

#[test]
fn the_answer_chooses_codec_address_and_packet_size() {
    let (switch, agreed) =
        called("m=audio 5004 RTP/AVP 8 0 101\na=rtpmap:101 telephone-event/8000\na=ptime:30\na=rtcp:5009\n");
    assert_eq!((agreed.codec, agreed.ptime_ms), (Codec::Pcma, 30));
    assert_eq!(agreed.remote_rtcp, "198.51.100.7:5009".parse().unwrap());
    assert!(agreed.send && agreed.receive && !agreed.held);
    assert!(!switch.is_offer_pending());
    assert_eq!(switch.agreed(), Some(&agreed));
}

#[test]
fn an_answer_in_other_numbers_is_sent_in_those_and_received_in_ours() {
    let (_, agreed) =
        called("m=audio 5004 RTP/AVP 120 96\na=rtpmap:120 PCMU/8000\na=rtpmap:96 telephone-event/8000\n");
    assert_eq!((agreed.send_payload_type, agreed.receive_payload_type), (120, 0));
    assert_eq!(agreed.events, Some((96, 101)));
}

#[test]
fn an_answer_that_cannot_be_used_leaves_the_offer_out() {
    let mut switch = switch();
    switch.offer().unwrap();
    let waiting = switch.clone();
    let answers = [
        ("m=audio 0 RTP/AVP 0\n", NegotiationError::NotAcceptable(Obstacle::Declined)),
        ("m=audio 5004 RTP/SAVP 0\n", NegotiationError::NotAcceptable(Obstacle::Transport)),
        ("m=audio 5004 RTP/AVP 9\n", NegotiationError::NotAcceptable(Obstacle::Codec)),
        ("m=video 5004 RTP/AVP 0\n", NegotiationError::NotAcceptable(Obstacle::NoAudio)),
        ("", NegotiationError::Malformed(SdpError::StreamCount { offered: 1, answered: 0 })),
        (
            "m=audio 5004 RTP/AVP 0\nm=video 0 RTP/AVP 96\n",
            NegotiationError::Malformed(SdpError::StreamCount { offered: 1, answered: 2 }),
        ),
    ];
    for (answer, error) in answers {
        assert_eq!(switch.on_answer(&phone(answer)), Err(error), "{answer}");
        assert_eq!(switch, waiting);
    }
    assert!(switch.on_answer(&phone("m=audio 5004 RTP/AVP 0\n")).is_ok(), "a good one may still come");
}

#[test]
fn a_codec_that_was_not_offered_is_none() {
    let capabilities = Capabilities { codecs: vec![Codec::Pcma], ..both_codecs() };
    let mut switch = Negotiation::new(1, at("192.0.2.10:4000", "192.0.2.10:4001"), capabilities);
    switch.offer().unwrap();
    let error = switch.on_answer(&phone("m=audio 5004 RTP/AVP 0\n"));
    assert_eq!(error, Err(NegotiationError::NotAcceptable(Obstacle::Codec)));
    assert_eq!(switch.on_answer(&phone("m=audio 5004 RTP/AVP 0 8\n")).unwrap().codec, Codec::Pcma);
}

#[test]
fn without_a_codec_there_is_nothing_to_offer() {
    let capabilities = Capabilities { codecs: Vec::new(), ..both_codecs() };
    let mut mute = Negotiation::new(1, at("192.0.2.10:4000", "192.0.2.10:4001"), capabilities);
    assert_eq!(mute.offer(), Err(NegotiationError::NothingToOffer));
    assert!(!mute.is_offer_pending());
}

#[test]
fn an_answer_without_an_offer_is_refused() {
    let answer = phone("m=audio 5004 RTP/AVP 0\n");
    assert_eq!(switch().on_answer(&answer), Err(NegotiationError::NoOffer));
    let (mut switch, _, _) = was_called("m=audio 5004 RTP/AVP 0\n");
    assert_eq!(switch.on_answer(&answer), Err(NegotiationError::NoOffer));
}

#[test]
fn the_200_may_announce_another_address_than_the_183() {
    let (mut switch, early) = called("m=audio 5004 RTP/AVP 0\n");
    let agreed = switch.on_answer(&phone("m=audio 6004 RTP/AVP 8\n")).unwrap();
    assert_eq!((early.remote_rtp.port(), agreed.remote_rtp.port()), (5004, 6004));
    assert_eq!(switch.agreed(), Some(&agreed));
}

#[test]
fn each_branch_of_a_fork_answers_the_one_offer_for_itself() {
    let mut first = switch();
    let offer = first.offer().unwrap();
    let mut second = first.clone();
    let one = first.on_answer(&phone("m=audio 5004 RTP/AVP 0\n")).unwrap();
    assert!(second.is_offer_pending());
    assert_eq!(second.offer().unwrap(), offer);
    let other = second.on_answer(&phone("m=audio 7004 RTP/AVP 8\n")).unwrap();
    assert_eq!((one.codec, other.codec), (Codec::Pcmu, Codec::Pcma));
    assert_eq!(first.agreed(), Some(&one));
}

#[test]
fn while_our_offer_is_out_that_of_the_peer_must_wait() {
    let (mut switch, agreed) = called("m=audio 5004 RTP/AVP 0\n");
    switch.offer_held(Direction::SendOnly).unwrap();
    let crossing = phone("m=audio 5004 RTP/AVP 8\n");
    assert_eq!(refusal(&mut switch, &crossing), NegotiationError::OfferPending);
    switch.withdraw();
    assert_eq!(switch.agreed(), Some(&agreed));
    assert_eq!(switch.on_offer(&crossing).unwrap().1.codec, Codec::Pcma);
}

#[test]
fn our_later_offers_keep_the_numbers_of_the_peer_and_the_place_of_its_stream() {
    let (mut switch, _, _) = was_called(
        "m=video 6000 RTP/AVP 96\nm=audio 5004 RTP/AVPF 101 96 97\na=rtpmap:101 opus/48000/2\n\
         a=rtpmap:96 PCMA/8000\na=rtpmap:97 telephone-event/8000\n",
    );
    let offer = switch.offer_anew().unwrap();
    assert_eq!(lines(&offer, "m="), ["m=video 0 RTP/AVP 96", "m=audio 4000 RTP/AVPF 96 0 97"]);
    let answer =
        phone("m=video 0 RTP/AVP 96\nm=audio 5004 RTP/AVPF 0 97\na=rtpmap:97 telephone-event/8000\n");
    let agreed = switch.on_answer(&answer).unwrap();
    assert_eq!((agreed.codec, agreed.events), (Codec::Pcmu, Some((97, 97))));
}

#[test]
fn events_never_take_a_number_that_the_peer_uses_for_something_else() {
    let (mut switch, _, _) = was_called("m=audio 5004 RTP/AVP 0 101\na=rtpmap:101 opus/48000/2\n");
    let offer = switch.offer_anew().unwrap();
    assert_eq!(lines(&offer, "a=rtpmap:").last().unwrap(), "a=rtpmap:96 telephone-event/8000");
}

#[test]
fn the_codec_of_a_session_is_changed_by_leaving_only_the_wanted_one() {
    let (mut switch, _) = called("m=audio 5004 RTP/AVP 0\n");
    switch.adopt(Capabilities { codecs: vec![Codec::Pcma], ..both_codecs() });
    let offer = switch.offer().unwrap();
    assert_eq!(lines(&offer, "m="), ["m=audio 4000 RTP/AVP 8 101"]);
    assert_eq!(switch.on_answer(&phone("m=audio 5004 RTP/AVP 8\n")).unwrap().codec, Codec::Pcma);
}

#[test]
fn a_session_that_moved_to_another_host_announces_the_new_address() {
    let (mut switch, _) = called("m=audio 5004 RTP/AVP 0\n");
    switch.relocate(at("192.0.2.20:9000", "192.0.2.20:9005"));
    let offer = switch.offer().unwrap();
    assert_eq!(lines(&offer, "c="), ["c=IN IP4 192.0.2.20"]);
    assert_eq!(lines(&offer, "a=rtcp"), ["a=rtcp:9005"]);
    assert_eq!(version(&offer), 2);
}
