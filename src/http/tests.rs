//! A real server on a port of its own, asked over real sockets.
//! Requests are written by hand: what is sent and what comes back is exactly what is seen here.

use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// A finished recording, and one that the disk does not give out.
const KNOWN: [u8; 16] = [1; 16];
const BROKEN: [u8; 16] = [2; 16];

/// Bytes of the finished recording: more than a few pieces.
const LENGTH: usize = 300_000;

struct Exhibit {
    credentials: Credentials,
    path: PathBuf,
    is_local: AtomicBool,
    is_ready: AtomicBool,
}

impl Drop for Exhibit {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Shown for Exhibit {
    fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    fn is_local(&self, host: IpAddr) -> bool {
        assert!(host.is_loopback());
        self.is_local.load(Ordering::Relaxed)
    }

    fn recording(&self, sid: RecordingSid) -> io::Result<Option<File>> {
        match sid {
            known if known == RecordingSid::from_bytes(KNOWN) => File::open(&self.path).map(Some),
            broken if broken == RecordingSid::from_bytes(BROKEN) => Err(io::Error::other("broken")),
            _ => Ok(None),
        }
    }

    fn metrics(&self) -> Answer<'_, String> {
        Box::pin(async { "calls 7\n".to_owned() })
    }

    fn is_alive(&self) -> Answer<'_, bool> {
        Box::pin(async { true })
    }

    fn reasons(&self) -> Answer<'_, Vec<String>> {
        let is_ready = self.is_ready.load(Ordering::Relaxed);
        Box::pin(async move { if is_ready { vec![] } else { vec!["starting".to_owned()] } })
    }
}

struct Museum {
    address: SocketAddr,
    exhibit: Arc<Exhibit>,
    server: WebServer,
}

/// What came back.
#[derive(Debug)]
struct Response {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Response {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Self { status, head, body: bytes[end + 4..].to_vec() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    #[track_caller]
    fn fails(&self, status: u16, code: u32) {
        let json = self.json();
        assert_eq!((self.status, &json["status"], &json["code"]), (status, &status.into(), &code.into()));
        assert!(json["message"].is_string() && json["more_info"].is_string(), "{json}");
    }
}

/// What byte lies where in the finished recording.
fn sound(bytes: std::ops::Range<usize>) -> Vec<u8> {
    bytes.map(|at| (at % 251) as u8).collect()
}

impl Museum {
    fn open(settings: config::Http) -> Self {
        static OPENED: AtomicUsize = AtomicUsize::new(0);
        let number = OPENED.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trunkline-http-{}-{number}.wav", std::process::id()));
        let file = File::create(&path).expect("a file");
        file.write_all_at(&sound(0..LENGTH), 0).expect("written");
        let exhibit = Arc::new(Exhibit {
            credentials: Credentials::mint(|| [0xab; 16], &[]),
            path,
            is_local: true.into(),
            is_ready: true.into(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = WebServer::start(listener, &settings, exhibit.clone()).expect("a server");
        Self { address, exhibit, server }
    }

    fn public() -> Self {
        Self::open(config::Http { public_recordings: true, ..config::Http::default() })
    }

    fn path(&self, rest: &str) -> String {
        format!("/2010-04-01/Accounts/{}/Recordings/{rest}", self.exhibit.credentials.account_sid)
    }

    fn known(&self) -> String {
        self.path(&RecordingSid::from_bytes(KNOWN).to_string())
    }

    fn password(&self) -> String {
        let Credentials { account_sid, auth_token, .. } = &self.exhibit.credentials;
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{account_sid}:{auth_token}"));
        format!("Authorization: Basic {text}")
    }

    async fn ask(&self, line: &str, headers: &[&str]) -> Response {
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let text = format!("{line} HTTP/1.1\r\nHost: trunkline\r\n{headers}\r\n");
        Response::read(&self.send(&text).await)
    }

    /// Sends text and reads to the end of the connection.
    async fn send(&self, text: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.expect("connected");
        stream.write_all(text.as_bytes()).await.expect("sent");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("read");
        bytes
    }
}

#[actix_rt::test]
async fn a_recording_is_had_whole_with_and_without_its_suffix() {
    let museum = Museum::public();
    for suffix in ["", ".wav"] {
        let whole = museum.ask(&format!("GET {}{suffix}", museum.known()), &[]).await;
        assert_eq!((whole.status, whole.header("content-type")), (200, Some("audio/x-wav")));
        assert_eq!(whole.header("content-length"), Some("300000"));
        assert_eq!(whole.header("accept-ranges"), Some("bytes"));
        assert!(whole.body == sound(0..LENGTH));
    }
    let head = museum.ask(&format!("HEAD {}", museum.known()), &[]).await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("300000")));
    assert_eq!(head.body, b"");
}

#[actix_rt::test]
async fn parts_of_a_recording_are_had_by_range() {
    let museum = Museum::public();
    let get = format!("GET {}", museum.known());
    for (range, bytes) in [
        ("bytes=0-43", 0..44),
        ("bytes=65530-131080", 65_530..131_081),
        ("bytes=299990-", 299_990..LENGTH),
        ("bytes=-5", 299_995..LENGTH),
    ] {
        let part = museum.ask(&get, &[&format!("Range: {range}")]).await;
        let told = format!("bytes {}-{}/{LENGTH}", bytes.start, bytes.end - 1);
        assert_eq!((part.status, part.header("content-range")), (206, Some(told.as_str())), "{range}");
        assert_eq!(part.header("content-length"), Some(bytes.len().to_string().as_str()), "{range}");
        assert!(part.body == sound(bytes), "{range}");
    }
    let beyond = museum.ask(&get, &["Range: bytes=300000-"]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */300000")));
    let several = museum.ask(&get, &["Range: bytes=0-1,4-5"]).await;
    assert_eq!((several.status, several.body.len()), (200, LENGTH));
    let head = museum.ask(&format!("HEAD {}", museum.known()), &["Range: bytes=0-9"]).await;
    assert_eq!((head.status, head.body.len()), (206, 0));
}

#[actix_rt::test]
async fn who_has_a_recording_is_not_sent_it_again() {
    let museum = Museum::public();
    let get = format!("GET {}", museum.known());
    let tag = museum.ask(&get, &[]).await.header("etag").expect("a tag").to_owned();
    let again = museum.ask(&get, &[&format!("If-None-Match: \"other\", W/{tag}")]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let range = "Range: bytes=0-9";
    assert_eq!(museum.ask(&get, &[range, &format!("If-Range: {tag}")]).await.status, 206);
    assert_eq!(museum.ask(&get, &[range, "If-Range: \"other\""]).await.status, 200);
}

#[actix_rt::test]
async fn what_there_is_not_is_told_in_the_shape_of_twilio() {
    let museum = Museum::public();
    let get = |rest: &str| format!("GET {}", museum.path(rest));
    let unknown = RecordingSid::from_bytes([9; 16]).to_string();
    let known = RecordingSid::from_bytes(KNOWN).to_string();
    for rest in [
        unknown.as_str(),
        "RE",
        "REzz",
        "",
        "../credentials.toml",
        "%2e%2e%2fcredentials.toml",
        "..%2F..%2Fetc%2Fpasswd",
        "RE01010101010101010101010101010101%00",
        "RE01010101010101010101010101010101/",
        "RE01010101010101010101010101010101.exe",
        "RE01010101010101010101010101010101.wav.json",
        "CA01010101010101010101010101010101",
    ] {
        museum.ask(&get(rest), &[]).await.fails(404, 20404);
    }
    for suffix in ["mp3", "json"] {
        let response = museum.ask(&get(&format!("{known}.{suffix}")), &[]).await;
        response.fails(404, 20404);
        assert!(response.json()["message"].as_str().expect("text").contains("ask for .wav"));
    }
    let foreign = museum.known().replace("Accounts/AC", "Accounts/AD");
    museum.ask(&format!("GET {foreign}"), &[]).await.fails(404, 20404);
    museum.ask("GET /nowhere", &[]).await.fails(404, 20404);
    let posted = museum.ask(&format!("POST {}", museum.known()), &["Content-Length: 0"]).await;
    posted.fails(405, 20004);
    assert_eq!(posted.header("allow"), Some("GET, HEAD"));
    museum.ask(&get(&RecordingSid::from_bytes(BROKEN).to_string()), &[]).await.fails(500, 20500);
}

#[actix_rt::test]
async fn without_the_account_s_token_nobody_learns_what_recordings_there_are() {
    let museum = Museum::open(config::Http::default());
    let unknown = museum.path(&RecordingSid::from_bytes([9; 16]).to_string());
    for path in [museum.known(), unknown.clone(), museum.path("nonsense")] {
        let stranger = museum.ask(&format!("GET {path}"), &[]).await;
        stranger.fails(401, 20003);
        assert!(stranger.header("www-authenticate").expect("asked").starts_with("Basic realm="));
        let guess = museum.ask(&format!("GET {path}"), &["Authorization: Basic QUM6eA=="]).await;
        guess.fails(401, 20003);
    }
    let password = museum.password();
    assert_eq!(museum.ask(&format!("GET {}", museum.known()), &[&password]).await.status, 200);
    museum.ask(&format!("GET {unknown}"), &[&password]).await.fails(404, 20404);
}

#[actix_rt::test]
async fn operators_tools_get_their_answers() {
    let museum = Museum::open(config::Http::default());
    let health = museum.ask("GET /health", &[]).await;
    assert_eq!((health.status, health.json()["status"].as_str()), (200, Some("alive")));
    assert_eq!(museum.ask("HEAD /ready", &[]).await.status, 200);
    museum.exhibit.is_ready.store(false, Ordering::Relaxed);
    let starting = museum.ask("GET /ready", &[]).await;
    assert_eq!((starting.status, &starting.json()["reasons"][0]), (503, &"starting".into()));
    let metrics = museum.ask("GET /metrics", &[]).await;
    assert_eq!((metrics.status, metrics.body.as_slice()), (200, b"calls 7\n".as_slice()));
    assert!(metrics.header("content-type").expect("told").starts_with("text/plain; version=0.0.4"));
    for proxied in ["Forwarded: for=192.0.2.1", "X-Forwarded-For: 127.0.0.1"] {
        museum.ask("GET /metrics", &[proxied]).await.fails(401, 20003);
        assert_eq!(museum.ask("GET /metrics", &[proxied, &museum.password()]).await.status, 200);
    }
    museum.exhibit.is_local.store(false, Ordering::Relaxed);
    museum.ask("GET /metrics", &[]).await.fails(401, 20003);
    assert_eq!(museum.ask("GET /metrics", &[&museum.password()]).await.status, 200);
}

#[actix_rt::test]
async fn whoever_is_slow_is_sent_away_and_nobody_waits_for_him() {
    let museum = Museum::public();
    let begun = tokio::time::Instant::now();
    let slow = async {
        let mut stream = TcpStream::connect(museum.address).await.expect("connected");
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: ").await.expect("sent");
        let mut bytes = Vec::new();
        // Answered with 408 or just closed.
        let _ = stream.read_to_end(&mut bytes).await;
        (begun.elapsed(), bytes)
    };
    let quick = async {
        let response = museum.ask("GET /health", &[]).await;
        (begun.elapsed(), response.status)
    };
    let ((slow, bytes), (quick, status)) = tokio::join!(slow, quick);
    assert!(status == 200 && quick < HEAD / 2, "{quick:?}");
    assert!(slow < HEAD + GOODBYE + Duration::from_secs(1), "{slow:?}");
    assert!(bytes.is_empty() || Response::read(&bytes).status == 408, "{bytes:?}");
}

#[actix_rt::test]
async fn one_host_cannot_take_all_connections_and_gets_its_own_back() {
    let museum = Museum::open(config::Http { per_source: 3, ..config::Http::default() });
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(TcpStream::connect(museum.address).await.expect("connected"));
    }
    let mut refused = TcpStream::connect(museum.address).await.expect("connected");
    let mut bytes = Vec::new();
    let _ = refused.read_to_end(&mut bytes).await;
    assert_eq!(bytes, b"", "closed without a word");
    for stream in &mut held {
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: trunkline\r\n\r\n").await.expect("sent");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("read");
        assert_eq!(Response::read(&bytes).status, 200);
    }
    assert_eq!(museum.ask("GET /health", &[]).await.status, 200);
}

#[actix_rt::test]
async fn a_stopped_server_listens_no_more() {
    let museum = Museum::public();
    assert_eq!(museum.ask("GET /health", &[]).await.status, 200);
    museum.server.stop().await;
    assert!(TcpStream::connect(museum.address).await.is_err());
}
