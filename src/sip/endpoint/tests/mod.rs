//! Stories of the endpoint, told with short words for messages and actions.
//! Must never wait for real time.

mod client;
mod disorder;
mod network;
mod phone;
mod restart;
mod server;

use trunkline_media::moment::Moment;

use super::*;
use crate::ids::LegId;
use crate::sip::flow::Flow;
use crate::sip::message::{HeaderName, Limits, Message, Method, Request, Response, StatusCode, Transport};

const LEG: LegId = LegId::from_bytes([1; 16]);
const OTHER_LEG: LegId = LegId::from_bytes([2; 16]);

fn at(millis: u64) -> Moment {
    Moment::from_micros(millis * 1000)
}

fn udp() -> Flow {
    let (local, remote) = (addr("192.0.2.1:5060"), addr("198.51.100.7:5062"));
    Flow::udp(local, remote)
}

fn tcp() -> Flow {
    Flow { transport: Transport::Tcp, connection: Some(7), ..udp() }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn message(bytes: Bytes) -> Message {
    Message::parse(bytes, &Limits::default()).expect("what we send can be read")
}

fn read(text: &str) -> Request {
    match message(Bytes::from(text.replace('\n', "\r\n"))) {
        Message::Request(request) => request,
        Message::Response(_) => panic!("a request is wanted"),
    }
}

/// A request as the peer sends it, outside of dialogs unless `to_tag` is given.
fn from_peer(method: &str, branch: &str, to_tag: &str) -> Request {
    let number = if matches!(method, "INVITE" | "ACK" | "CANCEL") { 1 } else { 2 };
    let tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    read(&format!(
        "{method} sip:1001@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.7:5062;branch={branch}
Max-Forwards: 70
From: <sip:bob@198.51.100.7>;tag=bob
To: <sip:1001@192.0.2.1>{tag}
Call-ID: one@198.51.100.7
CSeq: {number} {method}
Contact: <sip:bob@198.51.100.7:5062>
Content-Length: 0

"
    ))
}

/// A request as a leg of ours sends it.
fn ours(method: &str, branch: &str) -> Request {
    read(&format!(
        "{method} sip:bob@198.51.100.7:5062 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1;branch={branch};rport
Route: <sip:198.51.100.7:5062;lr>
Max-Forwards: 70
From: <sip:1001@192.0.2.1>;tag=us
To: <sip:bob@198.51.100.7>
Call-ID: two@192.0.2.1
CSeq: 7 {method}
Contact: <sip:1001@192.0.2.1>
Content-Length: 0

"
    ))
}

/// The peer's answer to a request of ours.
fn reply(request: &Request, code: u16, to_tag: &str) -> Response {
    let mut response = request.response_tagged(StatusCode::new(code).expect("a status"), to_tag);
    response.headers_mut().push(HeaderName::Contact, format_args!("<sip:{to_tag}@198.51.100.7:5070>"));
    response
}

fn short(message: &Message) -> String {
    match message {
        Message::Request(request) => request.method().to_string(),
        Message::Response(response) => {
            let cseq = response.headers().cseq().expect("a CSeq");
            format!("{} {}", response.status().code(), cseq.method)
        }
    }
}

/// Everything that the endpoint wants done now, in short words.
fn told(endpoint: &mut Endpoint) -> Vec<String> {
    std::iter::from_fn(|| endpoint.poll())
        .map(|action| match action {
            Action::Transmit { bytes, .. } => format!("send {}", short(&message(bytes))),
            Action::Incoming { request, owner, .. } => {
                format!("incoming {}{}", request.method(), if owner.is_some() { " for leg" } else { "" })
            }
            Action::Ack { .. } => "ack".into(),
            Action::Cancelled { .. } => "cancelled".into(),
            Action::Response { response, .. } => format!("response {}", short(&response.into())),
            Action::Failed { cause, .. } => format!("failed {cause:?}"),
            Action::Confirmed { .. } => "confirmed".into(),
            Action::Unconfirmed { .. } => "unconfirmed".into(),
        })
        .collect()
}

/// The messages that the endpoint wants sent now, and where to.
fn sent(endpoint: &mut Endpoint) -> Vec<(Message, SocketAddr)> {
    std::iter::from_fn(|| endpoint.poll())
        .filter_map(|action| match action {
            Action::Transmit { bytes, flow } => Some((message(bytes), flow.remote)),
            _ => None,
        })
        .collect()
}

fn header(message: &Message, name: HeaderName) -> String {
    message.headers().all(&name).collect::<Vec<_>>().join(", ")
}

/// Fails if an index, a deadline or a name outlived its transactions.
fn assert_nothing_is_left(endpoint: &Endpoint, story: &str) {
    assert_eq!(endpoint.census(), Census::default(), "{story}");
    assert_eq!(endpoint.parts().len(), 0, "{story}");
    assert_eq!(endpoint.next_deadline(), None, "{story}");
    let indexes = (endpoint.owned.len(), endpoint.towards.len(), endpoint.origins.len());
    assert_eq!(indexes, (0, 0, 0), "{story}: owners, addresses, origins");
}

/// Lets time pass, deadline by deadline; what happened and when, in milliseconds.
fn pass(endpoint: &mut Endpoint, until: u64) -> Vec<(u64, String)> {
    let mut story = Vec::new();
    while let Some(now) = endpoint.next_deadline().filter(|deadline| *deadline <= at(until)) {
        endpoint.on_deadline(now);
        story.extend(told(endpoint).into_iter().map(|words| (now.as_micros() / 1000, words)));
    }
    story
}

/// A source of chance that tells the same story for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn pick<T: Copy>(&mut self, choice: &[T]) -> T {
        let at = self.roll(choice.len() as u64);
        choice[usize::try_from(at).unwrap_or(0)]
    }

    fn maybe(&mut self, percent: u64, up_to: u64) -> Option<u64> {
        let (lucky, value) = (self.roll(100) < percent, self.roll(up_to));
        lucky.then_some(value)
    }
}
