//! The caller's and the callee's telephones of all calls: one socket and few threads for each.
//! They must never send anything again: what is lost shows as a call without a good end.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::meter::{Delays, now, rest_until};
use crate::text::{self, Request};

const CALLER: &str = "127.0.0.2:6060";
/// Where `benches/switch/relay.xml` rings.
const CALLEE: &str = "127.0.0.3:6070";
const FROM: &str = "sip:bench@caller.example";
const MEDIA_TYPE: &str = "Content-Type: application/sdp\r\n";
/// After the last hang-up is due, answers may take so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many calls, how fast, how long.
pub struct Load {
    pub calls: usize,
    pub per_second: u32,
    pub hold: Duration,
}

/// What became of them.
pub struct Done {
    pub answered: usize,
    pub ended: usize,
    /// From INVITE to 180.
    pub delays: Delays,
}

/// Calls `relay` through the switch; the two sides hear at `hears`, and `talk` is told where each leg wants to hear.
pub fn call(
    load: &Load,
    switch: SocketAddr,
    hears: [SocketAddr; 2],
    talk: impl Fn(usize, SocketAddr) + Sync,
) -> io::Result<Done> {
    let (caller, callee) = (open(CALLER)?, open(CALLEE)?);
    let line = Caller { socket: &caller, local: caller.local_addr()?, switch, load };
    let dialled: Vec<AtomicU64> = (0..load.calls).map(|_| AtomicU64::new(0)).collect();
    let is_over = AtomicBool::new(false);
    let (due, hang_ups) = channel();
    Ok(std::thread::scope(|scope| {
        scope.spawn(|| line.dial(hears[0], &dialled));
        scope.spawn(|| line.hang_up(hang_ups));
        scope.spawn(|| answer(&callee, hears[1], &is_over, |port| talk(1, port)));
        let done = line.listen(&dialled, due, |port| talk(0, port));
        is_over.store(true, Ordering::Relaxed);
        done
    }))
}

/// A telephone's socket; whoever reads it looks around a few times a second.
pub fn open(address: &str) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    Ok(socket)
}

struct Caller<'a> {
    socket: &'a UdpSocket,
    local: SocketAddr,
    switch: SocketAddr,
    load: &'a Load,
}

impl Caller<'_> {
    fn send(&self, message: &str) {
        // A message that does not leave shows as a call without a good end.
        let _ = self.socket.send_to(message.as_bytes(), self.switch);
    }

    fn dial(&self, hears: SocketAddr, dialled: &[AtomicU64]) {
        let uri = format!("sip:relay@{}", self.switch);
        let to = format!("<{uri}>");
        let headers = format!("Contact: <{FROM}:{}>\r\n{MEDIA_TYPE}", self.local.port());
        let (begin, body) = (now(), text::audio(hears));
        for (number, moment) in dialled.iter().enumerate() {
            let request = self.request("INVITE", &uri, number, 1, &to).text(&headers, &body);
            rest_until(begin + Duration::from_secs(number as u64) / self.load.per_second);
            moment.store(now().as_nanos() as u64, Ordering::Relaxed);
            self.send(&request);
        }
    }

    /// All calls are held equally long: the first answered is the first to end.
    fn hang_up(&self, due: Receiver<(Duration, String)>) {
        for (moment, bye) in due {
            rest_until(moment);
            self.send(&bye);
        }
    }

    fn listen(
        &self,
        dialled: &[AtomicU64],
        due: Sender<(Duration, String)>,
        talk: impl Fn(SocketAddr),
    ) -> Done {
        let dialling = Duration::from_secs(self.load.calls as u64) / self.load.per_second;
        let deadline = now() + dialling + self.load.hold + PATIENCE;
        let (mut answered, mut ended) = (0, 0);
        let mut delays = vec![None; dialled.len()];
        let mut buffer = [0; 4096];
        while ended < self.load.calls && now() < deadline {
            let Some(message) = hear(self.socket, &mut buffer) else { continue };
            let Some(number) = text::number(message).filter(|number| *number < dialled.len()) else {
                continue;
            };
            let method = text::field(message, "CSeq").and_then(|sequence| sequence.split(' ').nth(1));
            match (message.get(8..11), method) {
                (Some("180"), Some("INVITE")) => {
                    let begin = Duration::from_nanos(dialled[number].load(Ordering::Relaxed));
                    delays[number].get_or_insert(now() - begin);
                }
                (Some("200"), Some("INVITE")) => {
                    let Some([ack, bye]) = self.answer(number, message) else { continue };
                    self.send(&ack);
                    answered += 1;
                    text::hears_at(message).map(&talk);
                    // The other side hangs up until the last call is answered; then nobody is left to tell.
                    let _ = due.send((now() + self.load.hold, bye));
                }
                (Some("200"), Some("BYE")) => ended += 1,
                _ => {}
            }
        }
        Done { answered, ended, delays: Delays::new(delays.into_iter().flatten().collect()) }
    }

    /// ACK, and the BYE for later.
    fn answer(&self, number: usize, ok: &str) -> Option<[String; 2]> {
        let (target, to) = (text::uri(text::field(ok, "Contact")?)?, text::field(ok, "To")?);
        let request = |method, sequence| self.request(method, target, number, sequence, to).text("", "");
        Some([request("ACK", 1), request("BYE", 2)])
    }

    fn request<'a>(
        &self,
        method: &'a str,
        uri: &'a str,
        number: usize,
        sequence: u32,
        to: &'a str,
    ) -> Request<'a> {
        Request { method, uri, number, sequence, from: FROM, to, local: self.local }
    }
}

/// The callee: rings, answers at once, and knows nothing from one message to the next.
fn answer(socket: &UdpSocket, hears: SocketAddr, is_over: &AtomicBool, talk: impl Fn(SocketAddr)) {
    let contact = format!("Contact: <sip:callee@{CALLEE}>\r\n");
    let (answer, body) = (format!("{contact}{MEDIA_TYPE}"), text::audio(hears));
    let mut buffer = [0; 4096];
    while !is_over.load(Ordering::Relaxed) {
        let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
        let Ok(message) = std::str::from_utf8(&buffer[..length]) else { continue };
        let responses = match message.split(' ').next() {
            Some("INVITE") => {
                text::hears_at(message).map(&talk);
                let ringing = text::response(message, "180 Ringing", &contact, "");
                [ringing, text::response(message, "200 OK", &answer, &body)]
            }
            Some("BYE") => [text::response(message, "200 OK", "", ""), None],
            _ => [None, None],
        };
        for response in responses.into_iter().flatten() {
            let _ = socket.send_to(response.as_bytes(), source);
        }
    }
}

/// The next message, if one comes before the reader has to look around.
pub fn hear<'a>(socket: &UdpSocket, buffer: &'a mut [u8]) -> Option<&'a str> {
    let length = socket.recv(buffer).ok()?;
    std::str::from_utf8(buffer.get(..length)?).ok()
}
