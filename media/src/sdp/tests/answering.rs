//! The peer offers, we answer.
//! Must never cover holding, which has its own stories.

use super::*;

#[test]
fn the_answer_to_a_plain_offer_takes_its_first_codec_that_we_speak() {
    let (switch, answer, agreed) =
        was_called("m=audio 5004 RTP/AVP 18 8 0 101\na=rtpmap:101 telephone-event/8000\n");
    let expected = "v=0\r\no=- 77 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
        a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";
    assert_eq!(std::str::from_utf8(&answer).unwrap(), expected);
    let wanted = Agreed {
        remote_rtp: "198.51.100.7:5004".parse().unwrap(),
        remote_rtcp: "198.51.100.7:5005".parse().unwrap(),
        codec: Codec::Pcma,
        send_payload_type: 8,
        receive_payload_type: 8,
        events: Some((101, 101)),
        ptime_ms: 20,
        send: true,
        receive: true,
        held: false,
    };
    assert_eq!(agreed, wanted);
    assert_eq!(switch.agreed(), Some(&wanted));
    assert_eq!(switch.answer_sent(), Some(&answer));
    assert!(!switch.is_offer_pending());
}

#[test]
fn dynamic_numbers_of_the_offer_come_back_in_the_answer() {
    let (_, answer, agreed) = was_called(
        "m=audio 5004 RTP/AVP 111 96 97 100\na=rtpmap:111 opus/48000/2\na=rtpmap:96 telephone-event/48000\n\
         a=rtpmap:97 pcma/8000/1\na=rtpmap:100 telephone-event/8000\n",
    );
    assert_eq!(lines(&answer, "m="), ["m=audio 4000 RTP/AVP 97 100"]);
    assert_eq!((agreed.send_payload_type, agreed.receive_payload_type), (97, 97));
    assert_eq!(agreed.events, Some((100, 100)), "the events of the codec's clock, not those at 48 kHz");
}

#[test]
fn of_two_maps_for_one_number_the_first_counts() {
    let maps = "a=rtpmap:96 PCMA/8000\na=rtpmap:96 PCMU/8000\n";
    let (_, _, agreed) = was_called(&format!("m=audio 5004 RTP/AVP 96\n{maps}"));
    assert_eq!(agreed.codec, Codec::Pcma);
}

#[test]
fn events_are_left_out_when_either_side_has_none() {
    let (_, answer, agreed) = was_called("m=audio 5004 RTP/AVP 0\n");
    assert_eq!((agreed.events, lines(&answer, "a=fmtp").len()), (None, 0));

    let capabilities = Capabilities { telephone_event: false, ..both_codecs() };
    let mut deaf = Negotiation::new(1, at("192.0.2.10:4000", "192.0.2.10:4001"), capabilities);
    let offer = phone("m=audio 5004 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n");
    let (answer, agreed) = deaf.on_offer(&offer).unwrap();
    assert_eq!(agreed.events, None);
    assert_eq!(lines(&answer, "m="), ["m=audio 4000 RTP/AVP 0"]);
}

#[test]
fn every_other_stream_is_declined_in_its_place() {
    let (_, answer, agreed) = was_called(
        "m=video 6000 RTP/AVP 96 97\na=rtpmap:96 H264/90000\nm=audio 5002 RTP/SAVP 0\n\
         m=audio 5004 RTP/AVP 0\nm=audio 5006 RTP/AVP 0\nm=application 7 UDP/BFCP *\n",
    );
    let expected = [
        "m=video 0 RTP/AVP 96 97",
        "m=audio 0 RTP/SAVP 0",
        "m=audio 4000 RTP/AVP 0",
        "m=audio 0 RTP/AVP 0",
        "m=application 0 UDP/BFCP *",
    ];
    assert_eq!(lines(&answer, "m="), expected);
    assert_eq!(agreed.remote_rtp.port(), 5004, "the first audio stream that will do");
}

#[test]
fn a_feedback_profile_is_answered_in_kind() {
    let (_, answer, _) = was_called("m=audio 5004 RTP/AVPF 0\n");
    assert_eq!(lines(&answer, "m="), ["m=audio 4000 RTP/AVPF 0"]);
}

#[test]
fn an_address_of_the_stream_wins_over_that_of_the_session() {
    let (_, _, agreed) = was_called("m=audio 5004 RTP/AVP 0\nc=IN IP4 203.0.113.9\n");
    assert_eq!(agreed.remote_rtp, "203.0.113.9:5004".parse().unwrap());
    assert_eq!(agreed.remote_rtcp, "203.0.113.9:5005".parse().unwrap());
}

#[test]
fn rtcp_goes_where_the_peer_says_unless_nothing_can_be_sent_there() {
    let rtcp_of = |attribute: &str| {
        let (_, _, agreed) = was_called(&format!("m=audio 5004 RTP/AVP 0\na=rtcp:{attribute}\n"));
        agreed.remote_rtcp.to_string()
    };
    assert_eq!(rtcp_of("5999"), "198.51.100.7:5999");
    assert_eq!(rtcp_of("5999 IN IP4 203.0.113.9"), "203.0.113.9:5999");
    for useless in ["0", "x", "", "70000", "5999 IN IP6 2001:db8::1", "5999 IN IP4 224.0.0.1"] {
        assert_eq!(rtcp_of(useless), "198.51.100.7:5005", "{useless:?}");
    }
}

#[test]
fn multiplexed_rtcp_and_ice_are_not_taken_up() {
    let (_, answer, agreed) = was_called(
        "a=ice-ufrag:F7gI\na=group:BUNDLE 0\nm=audio 5004 RTP/AVP 0\na=mid:0\na=rtcp-mux\n\
         a=candidate:1 1 UDP 2130706431 198.51.100.7 5004 typ host\n",
    );
    assert_eq!(agreed.remote_rtcp.port(), 5005);
    for attribute in ["a=rtcp-mux", "a=ice", "a=candidate", "a=group", "a=mid"] {
        assert!(lines(&answer, attribute).is_empty(), "{attribute}");
    }
}

#[test]
fn the_peer_chooses_how_much_sound_a_packet_holds() {
    let ptime_of = |attributes: &str| was_called(&format!("m=audio 5004 RTP/AVP 0\n{attributes}")).2.ptime_ms;
    assert_eq!(ptime_of("a=ptime:30\n"), 30);
    assert_eq!(ptime_of("a=ptime: 40 \n"), 40);
    assert_eq!(ptime_of("a=ptime:40\na=maxptime:30\n"), 30);
    assert_eq!(ptime_of("a=maxptime:10\n"), 10);
    for nonsense in
        ["", "a=ptime:0\n", "a=ptime:-20\n", "a=ptime:99999999999\n", "a=ptime\n", "a=maxptime:0\n"]
    {
        assert_eq!(ptime_of(nonsense), 20, "{nonsense:?}");
    }
}

#[test]
fn an_ipv6_phone_is_answered_in_ipv6() {
    let local = at("[2001:db8::10]:4000", "[2001:db8::11]:4009");
    let mut switch = Negotiation::new(1, local, both_codecs());
    let offer = b"v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP6 2001:db8::7\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n";
    let (answer, agreed) = switch.on_offer(offer).unwrap();
    assert_eq!(agreed.remote_rtp, "[2001:db8::7]:5004".parse().unwrap());
    assert_eq!(lines(&answer, "c="), ["c=IN IP6 2001:db8::10"]);
    assert_eq!(lines(&answer, "a=rtcp"), ["a=rtcp:4009 IN IP6 2001:db8::11"]);
}

#[test]
fn of_two_streams_the_one_of_our_ip_version_is_taken() {
    let (_, answer, agreed) = was_called(
        "m=audio 5002 RTP/AVP 0\nc=IN IP6 2001:db8::7\nm=audio 5004 RTP/AVP 0\nc=IN IP4 198.51.100.8\n",
    );
    assert_eq!(agreed.remote_rtp, "198.51.100.8:5004".parse().unwrap());
    assert_eq!(lines(&answer, "m="), ["m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/AVP 0"]);
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_an_ipv4_address() {
    let (_, _, agreed) = was_called("m=audio 5004 RTP/AVP 0\nc=IN IP6 ::ffff:198.51.100.9\n");
    assert_eq!(agreed.remote_rtp, "198.51.100.9:5004".parse().unwrap());
}

#[test]
fn an_offer_without_a_usable_stream_is_not_acceptable_and_says_why() {
    let reasons = [
        ("", Obstacle::NoAudio),
        ("m=video 5004 RTP/AVP 0\n", Obstacle::NoAudio),
        ("m=audio 0 RTP/AVP 0\n", Obstacle::Declined),
        ("m=audio 0 RTP/AVP 0\nm=audio 5004 RTP/SAVP 0\n", Obstacle::Transport),
        ("m=audio 5004 RTP/SAVP 0\nm=audio 5006 RTP/AVP 9\nm=audio 0 RTP/AVP 0\n", Obstacle::Transport),
        ("m=audio 5004 UDP/TLS/RTP/SAVPF 0\n", Obstacle::Transport),
        ("m=audio 5004 RTP/AVP 18 9\n", Obstacle::Codec),
        ("m=audio 5004 RTP/AVP 0\na=rtpmap:0 L16/8000\n", Obstacle::Codec),
        ("m=audio 5004 RTP/AVP 101\na=rtpmap:101 telephone-event/8000\n", Obstacle::Codec),
        ("m=audio 5004 RTP/AVP 0\nc=IN IP6 2001:db8::7\n", Obstacle::AddressFamily),
        ("m=audio 5004 RTP/AVP 0\nc=IN IP4 phone.example.com\n", Obstacle::Address),
        ("m=audio 5004 RTP/AVP 0\nc=IN IP4 224.2.1.1/127\n", Obstacle::Address),
        ("m=audio 5004 RTP/AVP 0\nc=IN IP4 255.255.255.255\n", Obstacle::Address),
    ];
    for (streams, obstacle) in reasons {
        let error = refusal(&mut switch(), &phone(streams));
        assert_eq!(error, NegotiationError::NotAcceptable(obstacle), "{streams}");
    }
}

#[test]
fn an_offer_without_any_address_is_not_acceptable() {
    let offer = b"v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0\r\n";
    assert_eq!(refusal(&mut switch(), offer), NegotiationError::NotAcceptable(Obstacle::Address));
}

#[test]
fn what_is_no_description_is_malformed() {
    let nonsense: [&[u8]; 4] = [b"", b"hello", b"v=1\r\n", b"v=0\r\nm=audio x RTP/AVP 0\r\n"];
    for text in nonsense {
        let error = refusal(&mut switch(), text);
        assert!(matches!(error, NegotiationError::Malformed(SdpError::Syntax(_))), "{error}");
    }
}

#[test]
fn a_new_offer_may_change_codec_and_address_but_not_drop_streams() {
    let (mut switch, _, _) = was_called("m=audio 5004 RTP/AVP 0\nm=video 6000 RTP/AVP 96\n");
    let (answer, agreed) = switch
        .on_offer(&phone("m=audio 5010 RTP/AVP 8\nm=video 0 RTP/AVP 96\nm=text 7000 RTP/AVP 98\n"))
        .unwrap();
    assert_eq!((agreed.codec, agreed.remote_rtp.port()), (Codec::Pcma, 5010));
    let expected = ["m=audio 4000 RTP/AVP 8", "m=video 0 RTP/AVP 96", "m=text 0 RTP/AVP 98"];
    assert_eq!(lines(&answer, "m="), expected);

    let error = refusal(&mut switch, &phone("m=audio 5010 RTP/AVP 8\n"));
    assert_eq!(error, NegotiationError::NotAcceptable(Obstacle::StreamsDropped));
}

#[test]
fn another_medium_in_place_of_the_voice_is_refused_and_the_voice_goes_on() {
    let (mut switch, answer, agreed) = was_called("m=audio 5004 RTP/AVP 0\n");
    let others = [
        "m=image 5004 udptl t38\n",
        "m=audio 0 RTP/AVP 0\nm=image 5004 udptl t38\n",
        "m=image 0 udptl t38\n",
        "m=video 0 RTP/AVP 96\n",
        "m=audio 0 RTP/SAVP 0\n",
    ];
    for other in others {
        assert!(matches!(refusal(&mut switch, &phone(other)), NegotiationError::NotAcceptable(_)));
    }
    assert_eq!((switch.answer_sent(), switch.agreed()), (Some(&answer), Some(&agreed)));
}

#[test]
fn a_stream_can_be_removed_from_a_session_and_come_back() {
    let (mut switch, _, _) = was_called("m=video 6000 RTP/AVP 96\nm=audio 5004 RTP/AVP 0\n");
    let removal = phone("m=video 0 RTP/AVP 96\nm=audio 0 RTP/AVP 0\n");
    let (answer, agreed) = switch.on_offer(&removal).unwrap();
    assert_eq!(lines(&answer, "m="), ["m=video 0 RTP/AVP 96", "m=audio 0 RTP/AVP 0"]);
    assert!(agreed.held && !agreed.send && !agreed.receive);

    let offer = switch.offer().unwrap();
    assert_eq!(lines(&offer, "m="), ["m=video 0 RTP/AVP 96", "m=audio 4000 RTP/AVP 0 8 101"]);
    let agreed = switch.on_answer(&phone("m=video 0 RTP/AVP 96\nm=audio 5004 RTP/AVP 0\n")).unwrap();
    assert!(agreed.send && agreed.receive && !agreed.held);
}
