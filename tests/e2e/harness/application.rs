//! A web application of a story's own: it does to each request what the story says, and remembers what it was asked.
//! It must never outlive the switch that asks it, nor need anything but threads.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use url::form_urlencoded;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub at: Instant,
    pub method: String,
    /// With its query.
    pub target: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub body: String,
    /// The whole of it, byte by byte.
    bytes: Vec<u8>,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of the query or the form.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        [query, &self.body].iter().find_map(|text| {
            form_urlencoded::parse(text.as_bytes())
                .find_map(|(known, value)| (known == name).then(|| value.into_owned()))
        })
    }

    /// What another server answers to the same bytes; it has to close the connection after it.
    pub fn relay(&self, to: SocketAddr) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(to)?;
        stream.write_all(&self.bytes)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

/// What becomes of a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// These bytes; the connection stays open.
    Say(Vec<u8>),
    /// These bytes, then silence.
    Hang(Vec<u8>),
    /// These bytes, then one more each so often.
    Drip(Vec<u8>, Duration),
    /// These bytes, then the end.
    Close(Vec<u8>),
    /// Nothing but a reset.
    Reset,
}

/// A server on loopback.
#[derive(Debug)]
pub struct Application {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Application {
    /// Begins to listen; each connection has a thread of its own.
    pub fn start(act: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a port left");
        let address = listener.local_addr().expect("it is bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, act) = (Arc::downgrade(&asked), Arc::new(act));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // The story is over.
                let Some(log) = log.upgrade() else { return };
                let act = Arc::clone(&act);
                // The switch may well go in the middle of an answer.
                thread::spawn(move || drop(serve(stream, &log, act.as_ref())));
            }
        });
        Self { address, asked }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).clone()
    }

    /// What it was asked at this path so far.
    pub fn asked_at(&self, path: &str) -> Vec<Asked> {
        let mut asked = self.asked();
        asked.retain(|asked| asked.path() == path);
        asked
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.asked = Arc::default();
        // Wakes the thread that listens.
        drop(TcpStream::connect(self.address));
    }
}

fn lock(asked: &Mutex<Vec<Asked>>) -> MutexGuard<'_, Vec<Asked>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, act: &dyn Fn(&Asked) -> Act) -> std::io::Result<()> {
    while let Some(asked) = read(&mut stream)? {
        lock(log).push(asked.clone());
        match act(&asked) {
            Act::Say(bytes) => stream.write_all(&bytes)?,
            Act::Hang(bytes) => {
                stream.write_all(&bytes)?;
                // Until the other side gives up.
                stream.read_to_end(&mut Vec::new())?;
                return Ok(());
            }
            Act::Drip(bytes, pause) => {
                stream.write_all(&bytes)?;
                loop {
                    thread::sleep(pause);
                    stream.write_all(b" ")?;
                }
            }
            Act::Close(bytes) => {
                stream.write_all(&bytes)?;
                return stream.shutdown(Shutdown::Both);
            }
            Act::Reset => return socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
        }
    }
    Ok(())
}

/// The next request of a connection, if there is one.
fn read(stream: &mut TcpStream) -> std::io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let mut more = |bytes: &mut Vec<u8>| -> std::io::Result<bool> {
        let length = stream.read(&mut buffer)?;
        bytes.extend_from_slice(&buffer[..length]);
        Ok(length > 0)
    };
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if !more(&mut bytes)? {
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
    let headers = lines.filter_map(header).collect();
    let mut asked =
        Asked { at: Instant::now(), method, target, headers, body: String::new(), bytes: Vec::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    while bytes.len() < head + length {
        if !more(&mut bytes)? {
            return Ok(None);
        }
    }
    asked.body = String::from_utf8_lossy(&bytes[head..]).into_owned();
    asked.bytes = bytes;
    Ok(Some(asked))
}

/// An answer with its length.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A document of these verbs.
pub fn twiml(verbs: &str) -> Act {
    Act::Say(answer("200 OK", "Content-Type: text/xml\r\n", format!("<Response>{verbs}</Response>")))
}

/// What a GET gets, with AccountSid and AuthToken if given: status line and headers, body.
pub fn get(url: &str, login: Option<(&str, &str)>) -> std::io::Result<(String, Vec<u8>)> {
    use base64::Engine as _;
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let login = login.map_or(String::new(), |(user, password)| {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        format!("Authorization: Basic {pair}\r\n")
    });
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\n{login}Connection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let body = answer.split_off(head);
    Ok((String::from_utf8_lossy(&answer).into_owned(), body))
}
