//! Whatever a stranger sends: no panic, no growth without bound, no invalid answer.
//! Must never trust the peer.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::Description;
use super::*;

#[test]
fn what_is_too_long_is_refused_before_it_costs_anything() {
    let long = vec![b'a'; 64 * 1024 + 1];
    assert_eq!(Description::parse(&long).unwrap_err(), SdpError::TooLong(64 * 1024 + 1));

    let stream = "m=audio 5004 RTP/AVP 0\n";
    assert!(Description::parse(&phone(&stream.repeat(32))).is_ok());
    assert_eq!(Description::parse(&phone(&stream.repeat(33))).unwrap_err(), SdpError::TooManyStreams(33));

    let formats = |count: usize| phone(&format!("m=audio 5004 RTP/AVP{}\n", " 0".repeat(count)));
    assert!(Description::parse(&formats(64)).is_ok());
    assert_eq!(Description::parse(&formats(65)).unwrap_err(), SdpError::TooManyFormats(65));
}

#[test]
fn numbers_that_are_no_payload_types_are_overlooked() {
    let (_, answer, _) = was_called("m=audio 5004 RTP/AVP 128 255 256 -1 x 0\na=rtpmap:128 PCMA/8000\n");
    assert_eq!(lines(&answer, "m="), ["m=audio 4000 RTP/AVP 0"]);
}

#[test]
fn the_last_port_has_no_next_one() {
    let (_, _, agreed) = was_called("m=audio 65535 RTP/AVP 0\n");
    assert_eq!(agreed.remote_rtcp.port(), 65535);
}

/// Pieces from which descriptions grow that nearly make sense.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "m=audio 5004 RTP/AVP 0 8 101\n",
        "m=audio 5006 RTP/AVPF 96 97\n",
        "m=audio 0 RTP/AVP 0\n",
        "m=video 6000 RTP/AVP 96\n",
        "m=image 6002 udptl t38\n",
        "a=rtpmap:96 PCMA/8000\n",
        "a=rtpmap:97 telephone-event/8000\n",
        "a=rtpmap:101 telephone-event/8000\n",
        "a=rtpmap:0 L16/44100/2\n",
        "a=sendonly\n",
        "a=recvonly\n",
        "a=inactive\n",
        "a=ptime:30\n",
        "a=rtcp:7000 IN IP4 203.0.113.4\n",
        "c=IN IP4 0.0.0.0\n",
        "c=IN IP4 203.0.113.3\n",
        "c=IN IP6 2001:db8::1\n",
    ];
    prop_oneof![20 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned), 1 => "[amco]=[ -~]{0,20}\n"]
}

/// A move of the game: the peer offers, answers, or we offer, hold, withdraw.
#[derive(Clone, Debug)]
enum Move {
    Offer(Vec<u8>),
    Answer(Vec<u8>),
    OurOffer,
    OurHold(Direction),
    Withdraw,
}

fn moves() -> impl Strategy<Value = Move> {
    let body = || vec(piece(), 0..8).prop_map(|pieces| phone(&pieces.concat()));
    let direction = prop::sample::select(vec![
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ]);
    prop_oneof![
        4 => body().prop_map(Move::Offer),
        4 => body().prop_map(Move::Answer),
        1 => Just(Move::OurOffer),
        1 => direction.prop_map(Move::OurHold),
        1 => Just(Move::Withdraw),
    ]
}

/// What we said, if the move made us say something.
fn make(switch: &mut Negotiation, step: &Move) -> Result<Option<Bytes>, NegotiationError> {
    match step {
        Move::Offer(sdp) => switch.on_offer(sdp).map(|(answer, _)| Some(answer)),
        Move::Answer(sdp) => switch.on_answer(sdp).map(|_| None),
        Move::OurOffer => switch.offer().map(Some),
        Move::OurHold(direction) => switch.offer_held(*direction).map(Some),
        Move::Withdraw => {
            switch.withdraw();
            Ok(None)
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(text in vec(any::<u8>(), 0..400)) {
        let _ = Description::parse(&text).map(|description| description.to_bytes());
        let mut switch = switch();
        let _ = switch.on_offer(&text);
    }

    #[test]
    fn what_was_read_once_is_read_again_the_same(pieces in vec(piece(), 0..12)) {
        if let Ok(description) = Description::parse(&phone(&pieces.concat())) {
            prop_assert_eq!(Description::parse(&description.to_bytes()), Ok(description));
        }
    }

    #[test]
    fn a_changed_byte_never_makes_it_panic(
        pieces in vec(piece(), 1..8),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut text = phone(&pieces.concat());
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        let mut switch = switch();
        let _ = switch.on_offer(&text);
        switch.withdraw();
        let _ = switch.offer().and_then(|_| switch.on_answer(&text));
    }

    #[test]
    fn in_any_game_the_rules_hold(steps in vec(moves(), 1..20)) {
        let mut switch = switch();
        let mut said: Vec<Bytes> = Vec::new();
        for step in &steps {
            let before = switch.clone();
            match make(&mut switch, step) {
                Err(_) => prop_assert_eq!(&switch, &before, "an error changes nothing"),
                Ok(None) => {}
                Ok(Some(text)) => {
                    let ours = Description::parse(&text).unwrap();
                    prop_assert_eq!(&ours.to_bytes(), &text);
                    if let Move::Offer(sdp) = step {
                        let offer = Description::parse(sdp).unwrap();
                        prop_assert_eq!(ours.streams().len(), offer.streams().len());
                        for (ours, theirs) in ours.streams().zip(offer.streams()) {
                            prop_assert_eq!((ours.kind(), ours.profile()), (theirs.kind(), theirs.profile()));
                            prop_assert!(ours.is_declined() || !theirs.is_declined());
                        }
                        let agreed = switch.agreed().unwrap();
                        prop_assert!(!agreed.send || !agreed.remote_rtp.ip().is_unspecified());
                    }
                    prop_assert!(ours.streams().filter(|stream| !stream.is_declined()).count() <= 1);
                    for other in &said {
                        prop_assert!(*other == text || version(other) != version(&text), "one version, one text");
                    }
                    said.push(text);
                }
            }
        }
    }
}
