//! Receivers at their worst: each fault gives its documented error, within its time, and harms nobody else.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;
use trunkline::config;
use trunkline::webhook::{Content, WebhookError, Webhooks};

use crate::server::{Act, Server, account, answer, post, twiml, webhooks};

/// Limits short enough for a test.
const SHORT: &str = "#ct=300&rt=300&tt=900&rc=0";

/// How late an error may be on a busy machine.
const SLACK: Duration = Duration::from_millis(1_500);

/// 1 MB of nothing, as gzip makes 1 kB of it.
fn bomb() -> Vec<u8> {
    let text = format!("H4sIAAAAAAACA+3BMQEAAADCoPVPbQhfo{}PgMc6jinAAAQAA==", "A".repeat(1_355));
    STANDARD.decode(text).expect("base64")
}

fn act(path: &str) -> Act {
    const XML: &str = "Content-Type: text/xml\r\n";
    let head = |more: &str| format!("HTTP/1.1 200 OK\r\n{XML}{more}\r\n").into_bytes();
    match path {
        "/silent" => Act::Hang(Vec::new()),
        "/half-a-header" => Act::Hang(b"HTTP/1.1 200 OK\r\nContent-Ty".to_vec()),
        "/no-body" => Act::Hang(head("Content-Length: 100\r\n")),
        "/half-a-body" => Act::Hang([head("Content-Length: 100\r\n"), b"<Response>".to_vec()].concat()),
        "/drip" => Act::Drip(head("Content-Length: 10000\r\n"), Duration::from_millis(100)),
        "/drip-header" => Act::Drip(b"HTTP/1.1 200 OK\r\nX: ".to_vec(), Duration::from_millis(100)),
        "/reset" => Act::Reset(Vec::new()),
        "/reset-body" => Act::Reset([head("Content-Length: 100\r\n"), b"<Resp".to_vec()].concat()),
        "/close" => Act::Close(Vec::new()),
        "/cut" => Act::Close([head("Content-Length: 100\r\n"), b"<Response>".to_vec()].concat()),
        "/cut-chunk" => Act::Close([head("Transfer-Encoding: chunked\r\n"), b"5\r\n<Resp".to_vec()].concat()),
        "/garbage" => Act::Close(b"SIP/2.0 200 OK\r\n\r\n".to_vec()),
        "/bad-chunk" => Act::Close([head("Transfer-Encoding: chunked\r\n"), b"zz\r\n".to_vec()].concat()),
        "/bad-gzip" => {
            Act::Say(answer("200 OK", &format!("{XML}Content-Encoding: gzip\r\n"), "no gzip at all"))
        }
        "/huge" => Act::Say(answer("200 OK", XML, vec![b' '; 10 << 20])),
        "/endless" => Act::Flood(
            head("Transfer-Encoding: chunked\r\n"),
            [b"1000\r\n".to_vec(), vec![b' '; 4096], b"\r\n".to_vec()].concat(),
        ),
        "/endless-headers" => {
            Act::Flood(b"HTTP/1.1 200 OK\r\n".to_vec(), b"X-Filler: xxxxxxxxxxxxxxxxxxxx\r\n".to_vec())
        }
        "/endless-header" => Act::Flood(b"HTTP/1.1 200 OK\r\nX-Filler: ".to_vec(), vec![b'x'; 4096]),
        "/interim" => Act::Flood(Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        "/bomb" => Act::Say(answer("200 OK", &format!("{XML}Content-Encoding: gzip\r\n"), bomb())),
        "/brotli" => Act::Say(answer("200 OK", &format!("{XML}Content-Encoding: br\r\n"), "?")),
        "/wrong-type" => Act::Say(answer("200 OK", "Content-Type: application/json\r\n", "{}")),
        "/no-type" => Act::Say(answer("200 OK", "", "<Response/>")),
        "/bad-charset" => {
            Act::Say(answer("200 OK", "Content-Type: text/xml; charset=klingon\r\n", "<a>\u{e9}</a>"))
        }
        "/empty-chunked" => {
            Act::Say([head("Transfer-Encoding: chunked\r\n"), b"0\r\n\r\n".to_vec()].concat())
        }
        "/not-found" => Act::Say(answer("404 Not Found", XML, "<Response/>")),
        "/error" => Act::Say(answer("500 Oops", XML, "<Response/>")),
        "/multiple-choices" => Act::Say(answer("300 Choose", XML, "<Response/>")),
        "/switch" => Act::Say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_vec(),
        ),
        "/for-ever" => Act::Say(answer("302 Found", "Location: /for-ever\r\n", "")),
        "/nowhere" => Act::Say(answer("302 Found", "", "")),
        "/to-a-file" => Act::Say(answer("302 Found", "Location: file:///etc/passwd\r\n", "")),
        "/to-metadata" => {
            Act::Say(answer("302 Found", "Location: http://169.254.169.254/latest/meta-data\r\n", ""))
        }
        "/to-private" => Act::Say(answer("307 Found", "Location: http://10.0.0.1/\r\n", "")),
        "/to-disguised" => Act::Say(answer("307 Found", "Location: http://[::ffff:10.0.0.1]/\r\n", "")),
        "/empty" => Act::Say(answer("200 OK", XML, "")),
        "/nothing" => Act::Say(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        "/sound" => Act::Say(answer("200 OK", "Content-Type: audio/mpeg\r\n", "ID3")),
        "/half-a-sound" => Act::Hang(
            b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 9999999\r\n\r\nID3".to_vec(),
        ),
        "/huge-sound" => Act::Hang(
            b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 99999999\r\n\r\nID3".to_vec(),
        ),
        "/text" => Act::Say(answer("200 OK", "Content-Type: text/plain\r\n", "Hello")),
        _ => Act::Say(twiml("<Hangup/>")),
    }
}

async fn server() -> Server {
    Server::start(|seen| act(&seen.target)).await
}

#[tokio::test]
async fn every_fault_is_its_documented_error_in_bounded_time_and_others_are_unharmed_meanwhile() {
    let faults = [
        ("/silent", 11_205, 300),
        ("/half-a-header", 11_205, 300),
        ("/no-body", 11_205, 300),
        ("/half-a-body", 11_205, 300),
        ("/half-a-sound", 11_205, 300),
        ("/huge-sound", 11_750, 0),
        ("/drip", 11_203, 900),
        ("/drip-header", 11_205, 300),
        ("/reset", 11_205, 100),
        ("/reset-body", 11_205, 100),
        ("/close", 11_205, 0),
        ("/cut", 11_205, 0),
        ("/cut-chunk", 11_205, 0),
        ("/garbage", 11_206, 0),
        ("/bad-chunk", 11_206, 0),
        ("/bad-gzip", 11_206, 0),
        ("/huge", 11_750, 0),
        ("/endless", 11_750, 0),
        ("/endless-headers", 11_206, 300),
        ("/endless-header", 11_206, 300),
        ("/interim", 11_205, 300),
        ("/bomb", 11_750, 0),
        ("/brotli", 12_300, 0),
        ("/wrong-type", 12_300, 0),
        ("/no-type", 12_300, 0),
        ("/bad-charset", 12_300, 0),
        ("/empty-chunked", 11_770, 0),
        ("/not-found", 11_217, 0),
        ("/error", 11_217, 0),
        ("/multiple-choices", 11_200, 0),
        ("/switch", 11_200, 0),
        ("/for-ever", 11_215, 0),
        ("/nowhere", 11_216, 0),
        ("/to-a-file", 11_216, 0),
        ("/to-metadata", 11_210, 0),
        ("/to-private", 11_210, 0),
        ("/to-disguised", 11_210, 0),
    ];
    let server = server().await;
    let webhooks = webhooks();
    let faulty = async {
        let mut asked = Vec::new();
        for (path, code, limit) in faults {
            let began = Instant::now();
            let result = webhooks.fetch(post(server.url(&format!("{path}{SHORT}")), &[])).await;
            let took = began.elapsed();
            let error = result.expect_err(path);
            assert_eq!(error.code, code, "{path}: {error}");
            assert!(took <= Duration::from_millis(limit) + SLACK, "{path} took {took:?}");
            assert!(!error.url.contains('#'), "{error}");
            asked.push(path);
        }
        asked.len()
    };
    let harmless = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..100 {
            let began = Instant::now();
            webhooks.fetch(post(server.url("/well"), &[])).await.expect("it is well");
            slowest = slowest.max(began.elapsed());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        slowest
    };
    let (asked, slowest) = tokio::join!(faulty, harmless);
    assert_eq!(asked, faults.len());
    assert!(slowest < SLACK, "{slowest:?}");
}

#[tokio::test]
async fn what_is_no_document_but_of_use_is_understood() {
    let (server, webhooks) = (server().await, webhooks());
    for (path, content) in [
        ("/empty", Content::Empty),
        ("/nothing", Content::Empty),
        ("/sound", Content::Audio(server.url("/sound#answer=5f3f1d3e-5f2c-4a5b-9c8f-1a2b3c4d5e6f"))),
        ("/text", Content::Text("Hello".to_owned())),
    ] {
        let reply = webhooks.fetch(post(server.url(&format!("{path}{SHORT}")), &[])).await.expect(path);
        assert_eq!(reply.content, content, "{path}");
    }
}

#[tokio::test]
async fn a_redirect_for_ever_ends_after_ten_and_a_forbidden_one_before_anything_is_sent() {
    let (server, webhooks) = (server().await, webhooks());
    drop(webhooks.fetch(post(server.url("/for-ever"), &[])).await);
    assert_eq!(server.seen().len(), 11);
    let error = webhooks.fetch(post(server.url("/to-private"), &[])).await.expect_err("forbidden");
    assert!(error.is_forbidden && !error.is_passing() && error.url == "http://10.0.0.1/", "{error}");
}

#[tokio::test]
async fn what_has_partly_arrived_is_not_asked_for_again() {
    let (server, webhooks) = (server().await, webhooks());
    for path in ["/half-a-body", "/cut", "/reset-body", "/bomb"] {
        let before = server.seen().len();
        let error = webhooks.fetch(post(server.url(&format!("{path}#rt=200&rc=5&rp=all")), &[])).await;
        assert!(error.is_err());
        assert_eq!(server.seen().len() - before, 1, "{path}");
    }
}

#[tokio::test]
async fn nobody_listening_is_11202_and_is_tried_once_more() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let error = webhooks().fetch(post(format!("http://{address}/"), &[])).await.expect_err("refused");
    assert_eq!(error.code, 11_202, "{error}");
}

#[tokio::test]
async fn a_host_that_takes_no_connections_is_11201_in_time() {
    // A full backlog: the kernel lets further connections wait.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().expect("loopback").into()).expect("bound");
    socket.listen(0).expect("listening");
    let address = socket.local_addr().expect("bound").as_socket().expect("an address");
    let connect = || async move {
        tokio::time::timeout(Duration::from_millis(200), tokio::net::TcpStream::connect(address)).await
    };
    let mut waiting = Vec::new();
    while let Ok(stream) = connect().await {
        waiting.push(stream);
    }
    let began = Instant::now();
    let error = webhooks().fetch(post(format!("http://{address}/{SHORT}"), &[])).await.expect_err("full");
    assert_eq!(error.code, 11_201, "{error}");
    assert!(began.elapsed() < Duration::from_millis(300) + SLACK);
}

async fn refusal(webhooks: &Webhooks, url: &str) -> WebhookError {
    webhooks.fetch(post(url, &[])).await.expect_err(url)
}

#[tokio::test]
async fn a_script_reaches_loopback_only_where_the_operator_says_so() {
    let server = server().await;
    let new = |trusted: Vec<String>| {
        Webhooks::new(&config::Webhooks::default(), account(), trusted).expect("webhooks")
    };
    let port = server.address.port();
    let strict = new(Vec::new());
    for host in
        ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0"]
    {
        let error = refusal(&strict, &format!("http://{host}:{port}/")).await;
        assert_eq!((error.code, error.is_forbidden), (11_210, true), "{host}: {error}");
    }
    for error in [
        strict.post(post(server.url("/"), &[])).await.expect_err("a callback"),
        strict.media(&server.url("/")).await.expect_err("a sound"),
    ] {
        assert!(error.is_forbidden, "{error}");
    }
    assert_eq!(server.seen().len(), 0, "nothing was sent");
    let trusting = new(vec![server.address.to_string(), format!("localhost:{port}")]);
    for host in ["127.0.0.1", "localhost", "2130706433"] {
        trusting.fetch(post(format!("http://{host}:{port}/"), &[])).await.expect(host);
    }
    // The operator has named this port, not the host.
    let other = Server::start(|_| Act::Say(twiml(""))).await;
    assert!(refusal(&trusting, &other.url("/")).await.is_forbidden);
    // Nor is a connection that was made for the operator there for strangers.
    trusting.trust(Vec::new());
    assert!(refusal(&trusting, &server.url("/")).await.is_forbidden);
}

#[tokio::test]
async fn a_host_without_an_address_is_11210_and_may_have_one_later() {
    let error = refusal(&webhooks(), "http://no-such-host.invalid/").await;
    assert_eq!((error.code, error.is_forbidden, error.is_passing()), (11_210, false, true), "{error}");
}

#[tokio::test]
async fn a_slow_host_gets_no_more_requests_at_a_time_than_allowed_and_others_do_not_wait() {
    let (slow, quick) = (server().await, server().await);
    let settings = config::Webhooks {
        allow: vec!["127.0.0.0/8".parse().expect("a network")],
        concurrency_per_host: 2,
        ..config::Webhooks::default()
    };
    let webhooks = Webhooks::new(&settings, account(), Vec::new()).expect("webhooks");
    let ask = || webhooks.fetch(post(slow.url(&format!("/silent{SHORT}")), &[]));
    let (first, second, third, other) =
        tokio::join!(ask(), ask(), webhooks.fetch(post(slow.url("/silent#rt=5000&tt=200"), &[])), async {
            tokio::time::timeout(SLACK, webhooks.fetch(post(quick.url("/"), &[]))).await
        });
    assert_eq!(slow.seen().len(), 2, "the third never came to its turn");
    let codes = [first, second, third].map(|result| result.expect_err("silent").code);
    assert_eq!(codes, [11_205, 11_205, 11_203]);
    assert!(matches!(other, Ok(Ok(_))));
}

#[tokio::test]
async fn callbacks_that_hang_leave_room_at_their_host_for_the_documents_that_calls_wait_for() {
    let server = server().await;
    let settings = config::Webhooks {
        allow: vec!["127.0.0.0/8".parse().expect("a network")],
        concurrency_per_host: 4,
        ..config::Webhooks::default()
    };
    let webhooks = Webhooks::new(&settings, account(), Vec::new()).expect("webhooks");
    let status = || webhooks.post(post(server.url("/silent#rt=2000&tt=2000&rc=0"), &[]));
    let hanging = async { tokio::join!(status(), status(), status(), status(), status(), status()) };
    let call = async {
        while server.seen().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let document = webhooks.fetch(post(server.url("/voice#tt=1000"), &[]));
        (document.await.map(|reply| reply.status), server.seen())
    };
    tokio::select! {
        (status, seen) = call => {
            assert_eq!(status, Ok(200));
            assert_eq!(seen.iter().filter(|seen| seen.target == "/silent").count(), 2, "half of the places");
        }
        _ = hanging => panic!("the document waited for callbacks"),
    }
}
