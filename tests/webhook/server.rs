//! A receiver on loopback that does to each request what its path says, and remembers what it was asked.
//! It must never do anything but what the path says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use trunkline::config;
use trunkline::twiml::verb::Method;
use trunkline::webhook::{Account, Cookies, Request, Webhooks};

pub const TOKEN: &str = "12345";

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Counts connections, from 1.
    pub connection: usize,
    pub method: String,
    /// With its query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What becomes of a request.
pub enum Act {
    /// These bytes; the connection stays open.
    Say(Vec<u8>),
    /// These bytes, then silence.
    Hang(Vec<u8>),
    /// These bytes, then one more each so often.
    Drip(Vec<u8>, Duration),
    /// These bytes, then the end.
    Close(Vec<u8>),
    /// These bytes, then a reset.
    Reset(Vec<u8>),
    /// These bytes, then the others again and again.
    Flood(Vec<u8>, Vec<u8>),
}

/// A receiver.
pub struct Server {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Begins to listen.
    pub async fn start(act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        Self::start_at(([127, 0, 0, 1], 0).into(), act).await
    }

    /// Begins to listen there.
    pub async fn start_at(address: SocketAddr, act: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, act) = (Arc::clone(&seen), Arc::new(act));
        tokio::spawn(async move {
            for connection in 1.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (log, act) = (Arc::clone(&log), Arc::clone(&act));
                tokio::spawn(async move { drop(serve(stream, connection, &log, act.as_ref()).await) });
            }
        });
        Self { address, seen }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics with it").clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    log: &Mutex<Vec<Seen>>,
    act: &(impl Fn(&Seen) -> Act + ?Sized),
) -> std::io::Result<()> {
    while let Some(seen) = read(&mut stream, connection).await? {
        log.lock().expect("no test panics with it").push(seen.clone());
        match act(&seen) {
            Act::Say(bytes) => stream.write_all(&bytes).await?,
            Act::Hang(bytes) => {
                stream.write_all(&bytes).await?;
                std::future::pending::<()>().await;
            }
            Act::Drip(bytes, pause) => {
                stream.write_all(&bytes).await?;
                loop {
                    tokio::time::sleep(pause).await;
                    stream.write_all(b" ").await?;
                }
            }
            Act::Close(bytes) => return stream.write_all(&bytes).await,
            Act::Reset(bytes) => {
                stream.write_all(&bytes).await?;
                // So that what was written is read before the reset overtakes it.
                tokio::time::sleep(Duration::from_millis(50)).await;
                return socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            }
            Act::Flood(first, again) => {
                stream.write_all(&first).await?;
                loop {
                    stream.write_all(&again).await?;
                }
            }
        }
    }
    Ok(())
}

async fn read(stream: &mut TcpStream, connection: usize) -> std::io::Result<Option<Seen>> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let mut seen =
        Seen { connection, method, target, headers: lines.filter_map(header).collect(), body: String::new() };
    let length = seen.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    seen.body = String::from_utf8_lossy(&bytes[head..]).into_owned();
    Ok(Some(seen))
}

/// An answer with its length.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A document.
pub fn twiml(verbs: &str) -> Vec<u8> {
    answer("200 OK", "Content-Type: text/xml\r\n", format!("<Response>{verbs}</Response>"))
}

pub fn account() -> Account {
    Account { sid: format!("AC{:032}", 0), token: TOKEN.to_owned() }
}

/// Webhooks that may reach loopback, but nothing else that is not public.
pub fn webhooks() -> Webhooks {
    let allow = vec!["127.0.0.0/8".parse().expect("a network")];
    let settings = config::Webhooks { allow, ..config::Webhooks::default() };
    Webhooks::new(&settings, account(), Vec::new()).expect("webhooks")
}

pub fn post(url: impl Into<String>, parameters: &[(&str, &str)]) -> Request {
    Request {
        url: url.into(),
        method: Method::Post,
        parameters: parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        token: "5f3f1d3e-5f2c-4a5b-9c8f-1a2b3c4d5e6f".to_owned(),
        cookies: Cookies::default(),
    }
}

pub fn get(url: impl Into<String>, parameters: &[(&str, &str)]) -> Request {
    Request { method: Method::Get, ..post(url, parameters) }
}
