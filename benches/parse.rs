//! What it costs to read an INVITE with its basic headers typed, against `rsip` on the same bytes in the same run.
//! It must never count what a neighbour on the machine takes: figures are CPU time of this thread.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use nix::time::{ClockId, clock_gettime};
use rsip::headers::ToTypedHeader as _;
use rsip::prelude::HeadersExt as _;
use trunkline::sip::message::{Limits, Message};

/// About what a softphone sends through a carrier: two proxies on the way, credentials, a description with five codecs.
const INVITE: &str = "INVITE sip:+4930901820@voice.example.com;user=phone SIP/2.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.20:5060;branch=z9hG4bK.4f1d2c0a9b;rport\r\n\
    Via: SIP/2.0/UDP 192.0.2.44:40022;received=203.0.113.9;branch=z9hG4bK-524287-1---6c2a0e4e;rport=40022\r\n\
    Max-Forwards: 69\r\n\
    Record-Route: <sip:198.51.100.20;lr;ftag=a8f3b7c1>\r\n\
    From: \"Alice Example\" <sip:alice@voice.example.com>;tag=a8f3b7c1\r\n\
    To: <sip:+4930901820@voice.example.com;user=phone>\r\n\
    Call-ID: 7f3a9c52b1e84d60@192.0.2.44\r\n\
    CSeq: 20 INVITE\r\n\
    Contact: <sip:alice@192.0.2.44:40022;transport=udp>\r\n\
    Allow: INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS, INFO, PRACK, REFER, NOTIFY\r\n\
    Supported: replaces, 100rel, timer, outbound\r\n\
    User-Agent: Softphone/5.2.1 (desktop)\r\n\
    Authorization: Digest username=\"alice\", realm=\"voice.example.com\", \
    nonce=\"5d41402abc4b2a76b9719d911017c592\", uri=\"sip:+4930901820@voice.example.com\", \
    response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"0a4f113b\"\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 317\r\n\r\n\
    v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.44\r\ns=-\r\nc=IN IP4 192.0.2.44\r\nt=0 0\r\n\
    m=audio 49170 RTP/AVP 96 9 8 0 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n\
    a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

/// Messages a run.
const MESSAGES: u32 = 50_000;
/// Of as many runs the best is told.
const RUNS: usize = 5;

fn main() -> anyhow::Result<()> {
    let datagram = Bytes::from_static(INVITE.as_bytes());
    let ours = best(|| read(&datagram))?;
    let baseline = best(|| read_with_rsip(&datagram))?;
    println!(
        "INVITE of {} bytes; Via, From, To, Call-ID, CSeq, Contact and Max-Forwards typed",
        INVITE.len()
    );
    println!("trunkline {ours:.2} µs   rsip {baseline:.2} µs   ratio {:.2}", ours / baseline);
    Ok(())
}

fn read(datagram: &Bytes) -> anyhow::Result<()> {
    let message = Message::parse(datagram.clone(), &Limits::default())?;
    let headers = message.headers();
    black_box((headers.top_via()?, headers.from()?, headers.to()?, headers.call_id()?));
    black_box((headers.cseq()?, headers.contact()?, headers.max_forwards()?));
    Ok(())
}

fn read_with_rsip(datagram: &Bytes) -> anyhow::Result<()> {
    let rsip::SipMessage::Request(request) = rsip::SipMessage::try_from(datagram.as_ref())? else {
        bail!("a request is read as a response");
    };
    let (via, from, to) = (request.via_header()?, request.from_header()?, request.to_header()?);
    black_box((via.typed()?, from.typed()?, to.typed()?, request.call_id_header()?));
    let (sequence, contact) = (request.cseq_header()?, request.contact_header()?);
    black_box((sequence.typed()?, contact.typed()?, request.max_forwards_header()?.num()?));
    Ok(())
}

/// Microseconds a message in the best run.
fn best(read: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let mut runs = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let begin = spent()?;
        for _ in 0..MESSAGES {
            read()?;
        }
        runs.push((spent()? - begin).as_secs_f64() * 1e6 / f64::from(MESSAGES));
    }
    runs.into_iter().reduce(f64::min).context("there are runs")
}

fn spent() -> nix::Result<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from)
}
