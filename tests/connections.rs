//! TCP and TLS against a running node: framing, keep-alive, limits, slow and rude peers, flows that are lost.
//! It must never wait for a message without a limit, nor know the inside of a connection.

// A test from outside waits, and reads the clock.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use trunkline::config::{Config, Credentials};
use trunkline::ids::Minter;
use trunkline::node::{Node, Plan};
use trunkline::sip::auth::{Login, Proofs};
use trunkline::sip::message::{Limits, Message, Request};

/// Longer than anything takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(10);

/// A node, and the folder that is gone when the test ends.
struct Site {
    node: Node,
    folder: PathBuf,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Site {
    /// With `more` configuration, and a number 100 whose script is `script`, for everybody.
    async fn open(name: &str, more: &str, script: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("trunkline-connections-{name}-{}", std::process::id()));
        let dialplan = folder.join("dialplan");
        std::fs::create_dir_all(&dialplan).expect("the temporary folder is writable");
        let route = "[[route]]\nnumber = \"100\"\nname = \"test\"\nscript = \"test.xml\"\npublic = true\n";
        std::fs::write(dialplan.join("routes.toml"), route).expect("written");
        let script = format!("<Response>{script}</Response>");
        std::fs::write(dialplan.join("test.xml"), script).expect("written");
        // Two seconds of it.
        std::fs::write(dialplan.join("silence.ulaw"), [0xff; 16_000]).expect("written");
        let text = format!(
            "sip.listen = [\"127.0.0.1:0\"]\nsip.listen_tcp = [\"127.0.0.1:0\"]\nsip.listen_tls = [\"127.0.0.1:0\"]\n\
             http.listen = \"127.0.0.1:0\"\ndata.folder = {:?}\nrecordings.keep_free = 0\n\
             media.address = \"127.0.0.1\"\nmedia.ports = \"19100-19199\"\nlimits.calls = 20\nlimits.legs = 40\n{more}",
            folder.join("data")
        );
        let config = Config::parse(&text).expect("it is sound");
        let credentials = Credentials::mint(|| [7; 16], &["alice"]);
        let plan = Plan::load(&dialplan).expect("the dialplan is sound");
        Self { node: Node::start(config, credentials, plan).await.expect("it starts"), folder }
    }

    async fn tcp(&self) -> Peer<TcpStream> {
        let stream = TcpStream::connect(self.node.house().entrances[0].local).await.expect("it listens");
        Peer { stream, read: Vec::new() }
    }

    async fn tls(&self) -> TcpStream {
        TcpStream::connect(self.node.house().entrances[1].local).await.expect("it listens")
    }
}

/// A connection played by hand.
struct Peer<S> {
    stream: S,
    read: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("it is open");
    }

    /// The next message, with its body.
    async fn hear(&mut self) -> String {
        let heard = tokio::time::timeout(LIMIT, async {
            loop {
                if let Some(end) = end_of_message(&self.read) {
                    let rest = self.read.split_off(end);
                    return std::mem::replace(&mut self.read, rest);
                }
                let read = self.stream.read_buf(&mut self.read).await.expect("it is open");
                assert!(read > 0, "it was closed after {:?}", String::from_utf8_lossy(&self.read));
            }
        });
        String::from_utf8(heard.await.expect("a message comes in time")).expect("it is text")
    }

    /// The next message that begins so.
    async fn hear_one(&mut self, begin: &str) -> String {
        loop {
            let heard = self.hear().await;
            if heard.starts_with(begin) {
                return heard;
            }
        }
    }

    /// Registers as alice at the address of a caller who listens at `port`.
    async fn registers(&mut self, port: u16, password: &str) {
        let login = Login { user: "alice".to_owned(), password: password.to_owned(), realm: None };
        let mut proofs = Proofs::new(login);
        self.say(&String::from_utf8_lossy(&register(port, 1).to_bytes())).await;
        match Message::parse(self.hear_one("SIP/2.0 401").await.into(), &Limits::default()) {
            Ok(Message::Response(challenge)) => proofs.challenged(&challenge).expect("a digest"),
            other => panic!("{other:?}"),
        }
        let mut proved = register(port, 2);
        proofs.sign(&mut proved, &mut Minter::new([3; 16]));
        self.say(&String::from_utf8_lossy(&proved.to_bytes())).await;
        self.hear_one("SIP/2.0 200").await;
    }

    /// Reads until the other side closes; how long that took.
    async fn is_closed(&mut self) -> Duration {
        let start = Instant::now();
        let end = async { while matches!(self.stream.read_buf(&mut self.read).await, Ok(1..)) {} };
        tokio::time::timeout(LIMIT, end).await.expect("it is closed in time");
        start.elapsed()
    }
}

fn end_of_message(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.trim().parse().ok());
    let end = head + length.unwrap_or(0_usize);
    (bytes.len() >= end).then_some(end)
}

fn options(number: u32) -> String {
    format!(
        "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\nCall-ID: {number}\r\n\
         CSeq: {number} OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

/// An INVITE for number 100 from a caller who listens at `port`.
fn invite(port: u16) -> String {
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 19300 RTP/AVP 0\r\n";
    format!(
        "INVITE sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:{port};branch=z9hG4bKi\r\n\
         Max-Forwards: 70\r\nFrom: <sip:stranger@127.0.0.1>;tag=1\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: i{port}\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:stranger@127.0.0.1:{port};transport=tcp>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

/// A REGISTER of alice's, who claims that she is to be called at the address of that caller.
fn register(port: u16, number: u32) -> Request {
    let text = format!(
        "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKr{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@127.0.0.1>;tag=1\r\nTo: <sip:alice@127.0.0.1>\r\nCall-ID: r\r\n\
         CSeq: {number} REGISTER\r\nContact: <sip:stranger@127.0.0.1:{port};transport=tcp>\r\n\
         Content-Length: 0\r\n\r\n"
    );
    match Message::parse(text.into(), &Limits::default()) {
        Ok(Message::Request(register)) => register,
        other => panic!("{other:?}"),
    }
}

fn header<'m>(message: &'m str, name: &str) -> &'m str {
    let line = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name} in {message}"))
}

/// The answer 200 to a request of the switch.
fn ok(request: &str) -> String {
    let copied =
        ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| format!("{name}: {}\r\n", header(request, name)));
    format!("SIP/2.0 200 OK\r\n{}Content-Length: 0\r\n\r\n", copied.concat())
}

fn ack(answer: &str, port: u16) -> String {
    let contact = header(answer, "Contact").trim_matches(['<', '>']);
    format!(
        "ACK {contact} SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:{port};branch=z9hG4bKa\r\nMax-Forwards: 70\r\n\
         From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
        header(answer, "From"),
        header(answer, "To"),
        header(answer, "Call-ID"),
    )
}

#[actix_rt::test]
async fn messages_are_read_however_the_stream_is_cut() {
    let site = Site::open("framing", "", "<Hangup/>").await;
    let mut peer = site.tcp().await;
    for byte in options(1).bytes() {
        peer.stream.write_all(&[byte]).await.expect("it is open");
        peer.stream.flush().await.expect("it is open");
        tokio::task::yield_now().await;
    }
    assert_eq!(header(&peer.hear().await, "CSeq"), "1 OPTIONS");
    let twenty: String = (2..22).map(options).collect();
    peer.say(&format!("\r\n{twenty}")).await;
    for number in 2..22 {
        let answer = peer.hear().await;
        assert!(answer.starts_with("SIP/2.0 200 OK"), "{answer}");
        assert_eq!(
            header(&answer, "CSeq"),
            format!("{number} OPTIONS"),
            "in the order in which they were asked"
        );
        let own = peer.stream.local_addr().expect("it is open");
        assert!(
            header(&answer, "Via").contains(&format!("rport={};received=127.0.0.1", own.port())),
            "{answer}"
        );
    }
}

#[actix_rt::test]
async fn a_ping_gets_its_pong_and_what_is_no_sip_ends_the_connection() {
    let site = Site::open("garbage", "", "<Hangup/>").await;
    let mut peer = site.tcp().await;
    peer.say("\r\n\r\n").await;
    let mut pong = [0; 2];
    peer.stream.read_exact(&mut pong).await.expect("it is open");
    assert_eq!(&pong, b"\r\n");
    let endless =
        options(1).replace("Max-Forwards", &format!("X-Long: {}\r\nMax-Forwards", "x".repeat(70_000)));
    let unmeasured = options(1).replace("Content-Length: 0\r\n", "");
    for rude in [endless.as_str(), unmeasured.as_str(), "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"] {
        let mut peer = site.tcp().await;
        // It may be closed before everything is said.
        let _ = peer.stream.write_all(rude.as_bytes()).await;
        assert!(peer.is_closed().await < Duration::from_secs(3));
    }
    peer.say(&options(2)).await;
    assert_eq!(header(&peer.hear().await, "CSeq"), "2 OPTIONS", "others are not disturbed");
}

#[actix_rt::test]
async fn a_source_gets_no_more_connections_than_its_share() {
    let site = Site::open("share", "sip.connections.per_source = 2", "<Hangup/>").await;
    let (mut one, _two, mut three) = (site.tcp().await, site.tcp().await, site.tcp().await);
    assert!(three.is_closed().await < Duration::from_secs(3));
    one.say(&options(1)).await;
    one.hear().await;
    drop(one);
    let start = Instant::now();
    while site.node.house().connections.count() > 1 {
        assert!(start.elapsed() < LIMIT, "a connection that was closed keeps its place");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut four = site.tcp().await;
    four.say(&options(2)).await;
    four.hear().await;
}

#[actix_rt::test]
async fn slow_peers_are_sent_away() {
    let limits = "sip.connections.handshake = \"300ms\"\nsip.connections.idle = \"1s\"";
    let site = Site::open("slow", limits, "<Hangup/>").await;
    let (silent, dripping, tls) = (site.tcp(), site.tcp(), site.tls());
    let (mut silent, mut dripping, tls) = tokio::join!(silent, dripping, tls);
    let mut stalled = Peer { stream: tls, read: Vec::new() };
    dripping.say("OPTIONS sip:127.0.0.1 SIP/2.0\r\n").await;
    let (silent, dripping, stalled) =
        tokio::join!(silent.is_closed(), dripping.is_closed(), stalled.is_closed());
    assert!(stalled >= Duration::from_millis(200) && stalled < Duration::from_secs(3), "{stalled:?}");
    assert!(dripping >= Duration::from_millis(200) && dripping < Duration::from_secs(3), "{dripping:?}");
    assert!(silent >= Duration::from_millis(800) && silent < Duration::from_secs(5), "{silent:?}");
    let mut quiet = site.tcp().await;
    quiet.say(&options(1)).await;
    quiet.hear().await;
    let idle = quiet.is_closed().await;
    assert!(idle >= Duration::from_millis(900) && idle < Duration::from_secs(4), "{idle:?}");
}

#[actix_rt::test]
async fn a_peer_that_never_reads_is_closed_and_disturbs_nobody() {
    let site = Site::open("deaf", "", "<Hangup/>").await;
    let mut deaf = site.tcp().await;
    let questions: String = (0..100).map(options).collect();
    let start = Instant::now();
    // Its answers fill the kernel's buffers, then ours; then it is over.
    loop {
        let said = tokio::time::timeout(LIMIT, deaf.stream.write_all(questions.as_bytes())).await;
        if said.expect("it is read, or closed").is_err() {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "a peer that never reads is served for ever");
    }
    let mut polite = site.tcp().await;
    polite.say(&options(1)).await;
    polite.hear().await;
}

#[actix_rt::test]
async fn a_dialog_outlives_its_connection() {
    let site = Site::open("outlives", "", "<Play>silence.ulaw</Play><Hangup/>").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let mut caller = site.tcp().await;
    caller.say(&invite(port)).await;
    let answer = caller.hear_one("SIP/2.0 200").await;
    assert!(header(&answer, "Contact").ends_with(";transport=tcp>"), "{answer}");
    caller.say(&ack(&answer, port)).await;
    drop(caller);
    let (stream, _) =
        tokio::time::timeout(LIMIT, listener.accept()).await.expect("in time").expect("accepted");
    let mut again = Peer { stream, read: Vec::new() };
    let bye = again.hear().await;
    assert!(bye.starts_with(&format!("BYE sip:stranger@127.0.0.1:{port};transport=tcp SIP/2.0")), "{bye}");
    assert_eq!(header(&bye, "Call-ID"), header(&answer, "Call-ID"));
    again.say(&ok(&bye)).await;
    assert_eq!(site.node.house().connections.count(), 1);
}

#[actix_rt::test]
async fn a_user_who_registers_the_address_of_somebody_else_gets_nothing_that_is_for_that_one() {
    let site = Site::open("copied", "", "<Play>silence.ulaw</Play><Hangup/>").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let mut alice = site.tcp().await;
    alice.registers(port, &site.node.house().credentials.users["alice"]).await;
    let mut caller = site.tcp().await;
    caller.say(&invite(port)).await;
    let answer = caller.hear_one("SIP/2.0 200").await;
    caller.say(&ack(&answer, port)).await;
    drop(caller);
    let (stream, _) =
        tokio::time::timeout(LIMIT, listener.accept()).await.expect("in time").expect("accepted");
    let mut again = Peer { stream, read: Vec::new() };
    let bye = again.hear_one("BYE").await;
    again.say(&ok(&bye)).await;
}

#[actix_rt::test]
async fn a_peer_that_comes_back_by_another_connection_is_answered_and_asked_there() {
    let site = Site::open("returns", "", "<Play>silence.ulaw</Play><Hangup/>").await;
    let mut caller = site.tcp().await;
    // Nobody listens at its Contact, as behind a NAT.
    caller.say(&invite(9)).await;
    let answer = caller.hear_one("SIP/2.0 200").await;
    caller.say(&ack(&answer, 9)).await;
    drop(caller);
    let mut again = site.tcp().await;
    let options = ack(&answer, 9).replace("ACK", "OPTIONS").replace("CSeq: 1", "CSeq: 2");
    again.say(&options).await;
    again.hear_one("SIP/2.0 200").await;
    let bye = again.hear_one("BYE").await;
    again.say(&ok(&bye)).await;
}

#[actix_rt::test]
async fn an_answer_whose_connection_is_lost_goes_to_where_the_via_says() {
    let site = Site::open("via", "", "<Play>silence.ulaw</Play><Hangup/>").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let mut caller = site.tcp().await;
    caller.say(&invite(port)).await;
    caller.hear_one("SIP/2.0 200").await;
    drop(caller);
    // Without an ACK the 2xx is repeated (RFC 3261 §13.3.1.4).
    let (stream, _) =
        tokio::time::timeout(LIMIT, listener.accept()).await.expect("in time").expect("accepted");
    let mut again = Peer { stream, read: Vec::new() };
    let answer = again.hear_one("SIP/2.0 200").await;
    again.say(&ack(&answer, port)).await;
    let bye = again.hear_one("BYE").await;
    again.say(&ok(&bye)).await;
}

#[actix_rt::test]
async fn a_call_to_where_nobody_listens_fails_at_once() {
    let dial = "<Dial><Sip>sip:x@127.0.0.1:1;transport=tcp</Sip></Dial>";
    let site = Site::open("nobody", "", dial).await;
    let mut caller = site.tcp().await;
    let start = Instant::now();
    caller.say(&invite(9)).await;
    let answer = caller.hear_one("SIP/2.0 200").await;
    caller.say(&ack(&answer, 9)).await;
    let bye = caller.hear_one("BYE").await;
    assert!(start.elapsed() < Duration::from_secs(5), "and not when a timer of the transaction fires");
    caller.say(&ok(&bye)).await;
}

/// A gateway that speaks TLS with a certificate for `localhost` signed by itself.
fn gateway() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("it can be made");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key));
    (TlsAcceptor::from(Arc::new(config.expect("they belong together"))), made.cert.pem())
}

async fn dial_over_tls(name: &str, trust: impl Fn(&Path) -> String, host: &str) -> Result<String, String> {
    let (acceptor, pem) = gateway();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let authority =
        std::env::temp_dir().join(format!("trunkline-authority-{name}-{}.pem", std::process::id()));
    std::fs::write(&authority, pem).expect("written");
    let dial = format!("<Dial><Sip>sip:x@{host}:{port};transport=tls</Sip></Dial>");
    let site = Site::open(name, &trust(&authority), &dial).await;
    let mut caller = site.tcp().await;
    caller.say(&invite(9)).await;
    let (stream, _) =
        tokio::time::timeout(LIMIT, listener.accept()).await.expect("in time").expect("accepted");
    let accepted = acceptor.accept(stream).await.map_err(|error| error.to_string());
    std::fs::remove_file(&authority).expect("it is there");
    let mut gateway = Peer { stream: accepted?, read: Vec::new() };
    let invite = gateway.hear_one("INVITE").await;
    Ok(invite)
}

#[actix_rt::test]
async fn a_gateway_is_called_over_tls_if_its_certificate_bears_its_name() {
    let trust = |authority: &Path| format!("sip.tls.authorities = {authority:?}");
    let invite = dial_over_tls("trusted", trust, "localhost").await.expect("it is whom we called");
    assert!(header(&invite, "Via").starts_with("SIP/2.0/TLS 127.0.0.1:"), "{invite}");
    assert!(header(&invite, "Contact").ends_with(";transport=tls>"), "{invite}");
    let refused =
        dial_over_tls("misnamed", trust, "127.0.0.1").await.expect_err("it does not bear the address");
    assert!(refused.contains("alert"), "{refused}");
}

#[actix_rt::test]
async fn a_certificate_that_nobody_has_signed_is_taken_only_where_the_operator_says_so() {
    let refused =
        dial_over_tls("unsigned", |_| String::new(), "localhost").await.expect_err("signed by itself");
    assert!(refused.contains("alert"), "{refused}");
    let listed = |_: &Path| "sip.tls.unverified = [\"localhost\"]".to_owned();
    dial_over_tls("listed", listed, "localhost").await.expect("the operator knows it");
}
