//! What real devices say, written down by hand after their habits.
//! Must never be tidied up: the oddities are the point.

use super::super::Description;
use super::*;

const BARESIP: &str = "v=0\r
o=- 3906246453 1871396183 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
a=tool:baresip 1.0.0\r
m=audio 16384 RTP/AVP 0 8 101\r
b=AS:125\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:8 PCMA/8000\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-15\r
a=rtcp:16385\r
a=sendrecv\r
a=label:1\r
a=rtcp-rsize\r
a=ssrc:1484263218 cname:sip:alice@127.0.0.1\r
a=ptime:20\r
";

const LINPHONE: &str = "v=0\r
o=alice 1094 2706 IN IP4 192.168.1.20\r
s=Talk\r
c=IN IP4 192.168.1.20\r
t=0 0\r
a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\r
a=record:off\r
m=audio 7078 RTP/AVPF 96 97 98 0 8 18 101 99 100\r
a=rtpmap:96 opus/48000/2\r
a=fmtp:96 useinbandfec=1\r
a=rtpmap:97 speex/16000\r
a=fmtp:97 vbr=on\r
a=rtpmap:98 speex/8000\r
a=fmtp:98 vbr=on\r
a=fmtp:18 annexb=yes\r
a=rtpmap:101 telephone-event/48000\r
a=rtpmap:99 telephone-event/16000\r
a=rtpmap:100 telephone-event/8000\r
a=rtcp-fb:* trr-int 1000\r
a=rtcp-fb:* ccm tmmbr\r
m=video 9078 RTP/AVPF 96\r
a=rtpmap:96 VP8/90000\r
a=rtcp-fb:* trr-int 1000\r
";

const SIPP: &str = "v=0\r
o=user1 53655765 2353687637 IN IP4 127.0.1.1\r
s=-\r
c=IN IP4 127.0.1.1\r
t=0 0\r
m=audio 6000 RTP/AVP 8\r
a=rtpmap:8 PCMA/8000\r
";

const CHROME: &str = "v=0\r
o=- 4611731400430051336 2 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0\r
a=extmap-allow-mixed\r
a=msid-semantic: WMS stream\r
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r
c=IN IP4 0.0.0.0\r
a=rtcp:9 IN IP4 0.0.0.0\r
a=ice-ufrag:qfTf\r
a=ice-pwd:sWg0k1v1nSjnzTQDd+lr0Wh0\r
a=ice-options:trickle\r
a=setup:actpass\r
a=mid:0\r
a=sendrecv\r
a=rtcp-mux\r
a=rtpmap:111 opus/48000/2\r
a=rtpmap:110 telephone-event/48000\r
a=rtpmap:126 telephone-event/8000\r
";

const TWILIO: &str = "v=0\r
o=root 1345078429 1345078429 IN IP4 203.0.113.50\r
s=Twilio Media Gateway\r
c=IN IP4 203.0.113.50\r
t=0 0\r
m=audio 17734 RTP/AVP 0 8 101\r
a=rtpmap: 0 PCMU/8000\r
a=rtpmap: 8 PCMA/8000\r
a=rtpmap:101 telephone-event/8000\r
a=fmtp:101 0-16\r
a=ptime:20\r
a=maxptime:150\r
a=sendrecv\r
";

const CISCO_HOLD: &str = "v=0
o=Cisco-SIPUA 28193 1 IN IP4 10.1.1.5
s=SIP Call
t=0 0
m=audio 17542 RTP/AVP 0 8 18 101
c=IN IP4 0.0.0.0
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=sendonly
";

/// What the switch makes of an offer: its m-lines, the codec, the peer's address.
fn meet(offer: &str) -> Result<(Vec<String>, Agreed), NegotiationError> {
    let (answer, agreed) = switch().on_offer(offer.as_bytes())?;
    Ok((lines(&answer, "m="), agreed))
}

#[test]
fn baresip_is_understood() {
    let (media, agreed) = meet(BARESIP).unwrap();
    assert_eq!(media, ["m=audio 4000 RTP/AVP 0 101"]);
    assert_eq!(agreed.remote_rtcp, "127.0.0.1:16385".parse().unwrap());
}

#[test]
fn linphone_is_understood_and_its_video_declined() {
    let (media, agreed) = meet(LINPHONE).unwrap();
    assert_eq!(media, ["m=audio 4000 RTP/AVPF 0 100", "m=video 0 RTP/AVPF 96"]);
    assert_eq!(agreed.events, Some((100, 100)));
}

#[test]
fn sipp_is_understood() {
    let (media, agreed) = meet(SIPP).unwrap();
    assert_eq!(media, ["m=audio 4000 RTP/AVP 8"]);
    assert_eq!(agreed.remote_rtp, "127.0.1.1:6000".parse().unwrap());
}

#[test]
fn a_browser_is_told_that_we_speak_no_srtp() {
    assert_eq!(meet(CHROME).unwrap_err(), NegotiationError::NotAcceptable(Obstacle::Transport));
}

#[test]
fn a_carrier_with_blanks_in_its_rtpmaps_is_understood() {
    let (media, agreed) = meet(TWILIO).unwrap();
    assert_eq!(media, ["m=audio 4000 RTP/AVP 0 101"]);
    assert_eq!((agreed.ptime_ms, agreed.events), (20, Some((101, 101))));
}

#[test]
fn an_old_desk_phone_holds_with_bare_line_feeds() {
    let (_, agreed) = meet(CISCO_HOLD).unwrap();
    assert!(agreed.held && !agreed.send && agreed.receive);
}

#[test]
fn descriptions_come_back_as_they_were_with_all_that_is_unknown() {
    for text in [BARESIP, LINPHONE, SIPP, CHROME, TWILIO] {
        let description = Description::parse(text.as_bytes()).unwrap();
        assert_eq!(std::str::from_utf8(&description.to_bytes()).unwrap(), text);
    }
}

#[test]
fn the_mistakes_of_devices_do_not_cost_the_call() {
    let good =
        "v=0\no=- 1 1 IN IP4 198.51.100.7\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\nm=audio 5004 RTP/AVP 0\n";
    let mistakes = [
        ("v=0", "v=0 "),
        ("v=0", "\n v=0"),
        ("o=- 1", "o=Front Desk 1"),
        ("o=- 1", "o= 1"),
        ("o=- 1 1", "o=- 1a-2b x"),
        ("o=- 1 1", "o=- -1 -1"),
        ("o=- 1 1", "o=- 99999999999999999999999999 99999999999999999999999999"),
        ("o=- 1 1 IN IP4 198.51.100.7", "o=-"),
        ("s=-\n", ""),
        ("s=-", "s=-\ns=again"),
        ("s=-", "s=-\nb=AS:\nb=TIAS:64.5"),
        ("t=0 0\n", ""),
        ("t=0 0", "t=now"),
        ("t=0 0", "t=0 0\nc=IN IP4 203.0.113.1"),
        ("c=IN IP4 198.51.100.7", "c=IN  IP4 198.51.100.7  "),
        ("m=audio 5004", "m=audio  5004"),
        ("RTP/AVP 0\n", "RTP/AVP 0 \n"),
        ("RTP/AVP 0\n", "RTP/AVP 0\nm=video 0 RTP/AVP\n"),
        ("RTP/AVP 0\n", "RTP/AVP 0"),
        ("RTP/AVP 0\n", "RTP/AVP 0\n\n\0\0"),
        ("RTP/AVP 0\n", "rtp/avp 0\n"),
        ("RTP/AVP 0\n", "RTP/AVP 0\na=rtpmap: 0  PCMU/8000 \n"),
        ("\n", "\r"),
    ];
    for (right, wrong) in mistakes {
        assert!(good.contains(right));
        let agreed = switch().on_offer(good.replace(right, wrong).as_bytes());
        let agreed = agreed.unwrap_or_else(|error| panic!("{wrong:?}: {error:?}")).1;
        assert_eq!(agreed.remote_rtp, "198.51.100.7:5004".parse().unwrap(), "{wrong:?}");
    }
}

#[test]
fn a_name_that_is_not_utf_8_does_not_cost_the_call() {
    let mut offer = phone("m=audio 5004 RTP/AVP 0\n");
    let name = offer.windows(4).position(|window| window == b"call").unwrap();
    offer[name] = 0xe9;
    assert!(switch().on_offer(&offer).is_ok());
}
