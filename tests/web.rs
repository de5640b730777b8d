//! A whole node seen through its web server: health, readiness, metrics, recordings.
//! It must never need a port that another test may have.

use std::io::Cursor;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hound::{SampleFormat, WavSpec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use trunkline::call::sound::Sound;
use trunkline::config::{Config, Credentials};
use trunkline::ids::RecordingSid;
use trunkline::node::{Node, Plan};
use trunkline::recording::Channels;
use trunkline_media::tap::{BLOCK, Block};

/// A node in a folder of its own, which goes with it.
struct Site {
    node: Node,
    sip: SocketAddr,
    folder: PathBuf,
    http: reqwest::Client,
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn configuration(folder: &Path, more: &str) -> Config {
    let text = format!(
        "sip.listen = [\"127.0.0.1:0\"]\nhttp.listen = \"127.0.0.1:0\"\ndata.folder = {folder:?}\n\
         recordings.keep_free = 0\n[media]\naddress = \"127.0.0.1\"\nports = \"19000-19019\"\n\
         [limits]\ncalls = 10\nlegs = 10\n{more}"
    );
    Config::parse(&text).expect("it is sound")
}

fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("trunkline-web-{name}-{}", std::process::id()))
}

async fn start(config: Config) -> anyhow::Result<Node> {
    let dialplan = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans");
    let mut drawn = 0;
    let random = || {
        drawn += 1;
        [drawn; 16]
    };
    let credentials = Credentials::mint(random, &["alice"]);
    Node::start(config, credentials, Plan::load(&dialplan).expect("the dialplan is sound")).await
}

/// The beginning of an answer after which the connection is closed.
fn head(status: &str, length: usize) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: audio/wav\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    head.into_bytes()
}

impl Site {
    async fn open(name: &str) -> Self {
        Self::open_with(name, "").await
    }

    /// With more in its configuration.
    async fn open_with(name: &str, more: &str) -> Self {
        // reqwest takes the provider of the process, which the switch never installs for itself.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = folder(name);
        let node = start(configuration(&folder, more)).await.expect("it starts");
        let sip = node.house().sockets[0].local();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { node, sip, folder, http }
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.node.house().web_url);
        let response = self.http.get(url).send().await.expect("answered");
        (response.status().as_u16(), response.text().await.expect("text"))
    }

    /// The value of a series.
    async fn metric(&self, series: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics").await;
        text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }
}

#[actix_rt::test]
async fn a_node_tells_that_it_takes_calls_and_after_its_stop_nothing_more() {
    let site = Site::open("ready").await;
    assert_eq!(site.get("/health").await.0, 200);
    assert_eq!(site.get("/ready").await, (200, "{\"status\":\"ready\"}".to_owned()));
    site.node.house().load.calls.store(10, Ordering::Relaxed);
    let (status, text) = site.get("/ready").await;
    assert_eq!((status, text.contains("limits.calls is reached")), (503, true), "{text}");
    assert_eq!(site.metric("trunkline_ready").await, Some(0.0));
    site.node.house().load.calls.store(0, Ordering::Relaxed);
    site.node.stop(Duration::from_secs(1)).await;
    let url = format!("{}/health", site.node.house().web_url);
    assert!(site.http.get(url).send().await.is_err());
}

#[actix_rt::test]
async fn messages_on_the_wire_and_the_process_are_seen_in_the_metrics() {
    let site = Site::open("metrics").await;
    let phone = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let own = phone.local_addr().expect("an address");
    let options = format!(
        "OPTIONS sip:{sip} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:a@{own}>;tag=1\r\nTo: <sip:{sip}>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        sip = site.sip
    );
    phone.send_to(options.as_bytes(), site.sip).expect("sent");
    phone.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    let mut answer = [0; 2_048];
    let read = phone.recv(&mut answer).expect("answered");
    let status = std::str::from_utf8(&answer[8..11]).expect("a status");
    assert!(read > 11);
    let received = "trunkline_sip_requests_total{direction=\"received\",method=\"OPTIONS\"}";
    assert_eq!(site.metric(received).await, Some(1.0));
    let sent = format!("trunkline_sip_responses_total{{direction=\"sent\",status=\"{status}\"}}");
    assert_eq!(site.metric(&sent).await, Some(1.0));
    assert!(site.metric("process_resident_memory_bytes").await > Some(1e6));
    assert!(site.metric("process_start_time_seconds").await > Some(1.7e9));
    assert_eq!(site.metric("trunkline_calls_limit").await, Some(10.0));
    assert!(site.metric("trunkline_arbiter_lag_seconds{arbiter=\"0\"}").await < Some(1.0));
}

#[actix_rt::test]
async fn a_finished_recording_is_fetched_by_the_url_that_scripts_are_told() {
    let site = Site::open("recording").await;
    let house = site.node.house();
    let sid = RecordingSid::from_bytes([5; 16]);
    let (url, origin) = (house.recording_url(sid), house.clock.now() - Duration::from_secs(2));
    assert_eq!(house.recording_at(&format!("{url}.wav")), Some(sid));
    assert_eq!(house.recording_at(&url.replace("Recordings", "Recordinks")), None);
    let ring = house.recordings.ring(sid, Channels::Mono, origin);
    for number in 0..50 {
        ring.push(Block {
            channel: 0,
            position: number * BLOCK as u64,
            length: BLOCK as u16,
            samples: [700; BLOCK],
        });
    }
    let password = |request: reqwest::RequestBuilder| {
        request.basic_auth(&house.credentials.account_sid, Some(&house.credentials.auth_token))
    };
    let early = password(site.http.get(&url)).send().await.expect("answered");
    assert_eq!(early.status(), 404, "it is not finished");
    let sound = Sound::Url(format!("{url}.wav"));
    assert_eq!(house.fetch(&sound).await.expect_err("it is not finished").code, 11_217);
    house.recordings.finish(sid, false).await.expect("finished");
    let key = house.fetch(&sound).await.expect("scripts play it without a network");
    assert!(house.sounds.get(&key).is_some());
    assert_eq!(site.http.get(&url).send().await.expect("answered").status(), 401);
    let sound = password(site.http.get(&url)).send().await.expect("answered").bytes().await.expect("whole");
    let mut reader = hound::WavReader::new(sound.as_ref()).expect("a WAV file");
    let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("whole")).collect();
    assert_eq!(samples, vec![700; 50 * BLOCK]);
    let part = password(site.http.get(format!("{url}.wav"))).header("Range", "bytes=44-47");
    let part = part.send().await.expect("answered");
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.expect("whole").as_ref(), [700_i16.to_le_bytes(); 2].concat());
    assert_eq!(site.metric("trunkline_recordings_open").await, Some(0.0));
}

#[actix_rt::test]
async fn a_sound_that_two_calls_want_at_once_is_fetched_once_and_one_that_fails_fails_for_both() {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/welcome.wav", server.local_addr().expect("bound"));
    let mut wav = Cursor::new(Vec::new());
    let spec =
        WavSpec { channels: 1, sample_rate: 8_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut writer = hound::WavWriter::new(&mut wav, spec).expect("in memory");
    (0..800).for_each(|_| writer.write_sample(700_i16).expect("in memory"));
    writer.finalize().expect("in memory");
    let found = [head("200 OK", wav.get_ref().len()), wav.into_inner()].concat();
    let gets = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&gets);
    actix_rt::spawn(async move {
        for answer in [head("404 Not Found", 0), found] {
            let (mut stream, _) = server.accept().await.expect("a connection");
            let mut request = [0; 4_096];
            assert!(stream.read(&mut request).await.expect("a request") > 0);
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(200)).await;
            stream.write_all(&answer).await.expect("answered");
        }
    });
    let site = Site::open_with("sounds", "[webhooks]\nallow = [\"127.0.0.0/8\"]\n").await;
    let (house, sound) = (site.node.house(), Sound::Url(url));
    let (first, second) = tokio::join!(house.fetch(&sound), house.fetch(&sound));
    assert_eq!([first, second].map(|fetched| fetched.expect_err("it is not there").code), [11_217; 2]);
    let (first, second) = tokio::join!(house.fetch(&sound), house.fetch(&sound));
    let key = first.expect("a sound");
    assert_eq!((second.as_ref(), gets.load(Ordering::Relaxed)), (Ok(&key), 2));
    assert_eq!(house.sounds.get(&key).map(|asset| asset.samples.len()), Some(800));
}

#[actix_rt::test]
async fn a_port_that_is_taken_ends_the_start_and_names_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let folder = folder("taken");
    let mut config = configuration(&folder, "");
    config.http.listen = taken.local_addr().expect("an address");
    let error = match start(config).await {
        Ok(_) => panic!("two servers on one port"),
        Err(error) => format!("{error:#}"),
    };
    assert!(error.contains("http.listen") && error.contains("in use"), "{error}");
    let _ = std::fs::remove_dir_all(&folder);
}
