//! Stories of a leg and its far end, told with short words for letters and effects.
//! Each step is done twice: by the leg, and by one that was brought back from the leg's bytes alone.

mod bench;
mod challenged;
mod ending;
mod established;
mod forking;
mod incoming;
mod outgoing;
mod ownership;
mod rebased;
mod referring;
mod reinvite;
mod reliable;
mod remarks;
mod reoffer;
mod session;
mod update;
mod vigil;

use bytes::Bytes;
use trunkline_media::codec::Codec;
use trunkline_media::port::Lease;

use self::bench::Bench;
use super::*;
use crate::ids::Minter;
use crate::sip::auth::Login;
use crate::sip::dispatch::ALLOW;
use crate::sip::endpoint::{ClientKey, FailureCause, ServerKey};
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderName, Limits, Message, NameAddr, StatusCode};
use crate::sip::transaction::Timing;

const LEG: LegId = LegId::from_bytes([1; 16]);
const OTHER: LegId = LegId::from_bytes([2; 16]);

fn at(millis: u64) -> Moment {
    Moment::from_micros(millis * 1000)
}

/// The way to the phone whose port this is.
fn flow(port: u16) -> Flow {
    let local = ([192, 0, 2, 1], 5060).into();
    Flow::udp(local, ([198, 51, 100, 7], port).into())
}

fn path(port: u16) -> Path {
    Path::new(flow(port), ([192, 0, 2, 1], 5060).into())
}

fn basis() -> Basis {
    Basis {
        id: LEG,
        call: CallId(LEG),
        owner: None,
        seed: [9; 16],
        lease: Lease { ip: [192, 0, 2, 1].into(), port: 4000 },
        media_ip: [192, 0, 2, 1].into(),
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        media_timeout: None,
        timing: Timing::default(),
        session: SessionPolicy::default(),
        is_trusted: false,
        began: at(0),
    }
}

/// A description of the phone: these formats, in this direction, at this port.
fn sdp_at(formats: &str, direction: &str, port: u16) -> Bytes {
    let lines = [
        "v=0",
        "o=phone 1 1 IN IP4 198.51.100.7",
        "s=call",
        "c=IN IP4 198.51.100.7",
        "t=0 0",
        &format!("m=audio {port} RTP/AVP {formats}"),
        &format!("a={direction}"),
        "",
    ];
    Bytes::from(lines.join("\r\n"))
}

fn sdp(formats: &str, direction: &str) -> Bytes {
    sdp_at(formats, direction, 6000)
}

/// The phone can do both codecs and prefers µ-law.
fn both() -> Bytes {
    sdp("0 8", "sendrecv")
}

fn nothing() -> Bytes {
    Bytes::new()
}

/// The lines of a body that begin like this.
fn lines(body: &Bytes, prefix: &str) -> Vec<String> {
    let text = std::str::from_utf8(body).expect("text");
    text.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect()
}

fn read(text: &str, body: &Bytes) -> Request {
    let head = text.trim_start().lines().map(|line| format!("{}\r\n", line.trim())).collect::<String>();
    match Message::parse(Bytes::from(format!("{head}\r\n")), &Limits::default()) {
        Ok(Message::Request(mut request)) => {
            request.set_body("application/sdp", body.clone());
            request
        }
        other => panic!("a request is wanted: {other:?}"),
    }
}

/// The phone's INVITE.
fn invite(body: &Bytes) -> Request {
    read(
        "INVITE sip:1001@192.0.2.1 SIP/2.0
         Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKinvite
         Record-Route: <sip:198.51.100.9;lr>
         Max-Forwards: 70
         From: <sip:bob@198.51.100.7>;tag=bob
         To: <sip:1001@192.0.2.1>
         Call-ID: one@198.51.100.7
         CSeq: 1 INVITE
         Contact: <sip:bob@198.51.100.7:5062>",
        body,
    )
}

/// The leg of a caller who sends this.
fn caller(invite: &Request) -> Leg {
    let (invite, key) = (invite.clone(), ServerKey::of(invite).expect("a key"));
    Leg::inbound(InboundSpec { basis: basis(), invite, key, path: path(5062) }).expect("a dialog")
}

/// The phone's INVITE with these headers.
fn invite_with(lines: &[(HeaderName, &str)], body: &Bytes) -> Request {
    let mut invite = invite(body);
    lines.iter().for_each(|(name, value)| invite.headers_mut().push(name.clone(), value));
    invite
}

/// The leg of a caller who sends that, begun.
fn called_with(lines: &[(HeaderName, &str)], body: &Bytes) -> Bench {
    let mut bench = Bench::of(caller(&invite_with(lines, body)));
    assert_eq!(bench.start(), ["bind"]);
    bench
}

/// A caller's leg that has begun.
fn called(body: &Bytes) -> Bench {
    let mut bench = Bench::of(caller(&invite(body)));
    assert_eq!(bench.start(), ["bind"], "the call decides what is answered");
    bench
}

/// A caller's leg with its 2xx out.
fn answered(body: &Bytes) -> Bench {
    let mut bench = called(body);
    assert_eq!(bench.order(Order::Answer), ["answer 200 INVITE", "report answered"]);
    bench
}

/// A caller's leg that was answered and acknowledged.
fn talking() -> Bench {
    let mut bench = answered(&both());
    bench.ack(1, &nothing());
    bench
}

/// A leg that calls phones at these ports, as it begins.
fn calling(ports: &[u16]) -> Bench {
    calling_as(ports, None)
}

/// The same, with a login for them.
fn calling_as(ports: &[u16], login: Option<Login>) -> Bench {
    let uri = |port: u16| format!("sip:alice@198.51.100.7:{port}").parse().expect("a URI");
    let named = |text: &str| NameAddr::new(text.parse().expect("a URI"));
    let spec = OutboundSpec {
        basis: basis(),
        seat: Seat { shard: 0, of: 1 },
        from: named("sip:1001@192.0.2.1"),
        is_private: false,
        to: named("sip:alice@192.0.2.1"),
        headers: vec![("X-Order".parse().expect("a name"), "4711".to_owned())],
        targets: ports
            .iter()
            .map(|port| Target {
                uri: uri(*port),
                path: path(*port),
                media_ip: [192, 0, 2, 1].into(),
                login: login.clone(),
            })
            .collect(),
        max_forwards: 69,
    };
    let mut bench = Bench::of(Leg::outbound(spec));
    let words = bench.start();
    assert_eq!(words, ["bind", "send INVITE"].repeat(ports.len()));
    bench
}

/// A leg whose one callee has answered.
fn connected() -> (Bench, Request) {
    let mut bench = calling(&[5062]);
    let invite = bench.last_request();
    assert_eq!(bench.response(&invite, 200, "alice", &both()), ["ack 1", "report answered"]);
    (bench, invite)
}

#[test]
fn a_seat_mints_call_ids_that_its_shard_owns() {
    let mut minter = Minter::new([3; 16]);
    for shard in 0..4 {
        let call_id = Seat { shard, of: 4 }.call_id(&mut minter, "192.0.2.1");
        assert_eq!(crate::ids::shard_of(&call_id, 4), shard, "{call_id}");
    }
}

#[test]
fn a_leg_that_is_brought_back_says_again_what_its_media_shall_be_like() {
    let mut bench = talking();
    bench.order(Order::Hear(Hear::Leg(OTHER)));
    let before = bench.leg.wish();
    let mut turn = Turn::at(bench.now);
    bench.leg.resume(&mut turn);
    assert!(matches!(turn.effects.as_slice(), [LegEffect::Media(wish)] if *wish == before));
    assert!(matches!(before, Wish::Open { hear: Hear::Leg(OTHER), agreed: Some(_), .. }));
}

#[test]
fn a_prompt_that_ended_is_reported_once_and_never_by_a_leg_that_is_over() {
    let mut bench = talking();
    assert_eq!(bench.media(Notice::Played { activity: 3 }), ["report Played { activity: 3 }"]);
    bench.hang_up();
    assert_eq!(bench.media(Notice::Played { activity: 3 }), [""; 0]);
}
