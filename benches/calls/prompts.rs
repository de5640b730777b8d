//! Calls that a web application answers with a prompt: when it is heard, and how evenly.
//! It must never take silence for a prompt: what is played is loud from its first sample on.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use crate::meter::{Delays, now, rest_until};
use crate::telephones::{hear, open};
use crate::text::{self, Request};

const CALLER: &str = "127.0.0.2:6060";
/// A stranger: whoever names an address of the switch as its own has to prove it.
const FROM: &str = "sip:bench@caller.example";
const PATIENCE: Duration = Duration::from_secs(5);
/// An RTP header.
const HEADER: usize = 12;

/// How many calls, how fast, how long.
pub struct Listeners {
    /// The number of the first call: a switch knows one that it had half a minute ago.
    pub first: usize,
    pub calls: usize,
    pub per_second: u32,
    pub hold: Duration,
}

/// What was heard.
pub struct Heard {
    pub answered: usize,
    /// From the 200 to the first packet of the prompt, of each call.
    pub waits: Delays,
    /// The longest pause between two packets once the prompt has begun, of each call.
    pub gaps: Delays,
}

/// A call as its telephone sees it.
#[derive(Clone, Copy, Default)]
struct Ear {
    answered: Option<Duration>,
    began: Option<Duration>,
    last: Option<Duration>,
    gap: Duration,
}

/// Calls `prompt` so often and listens; `at_peak` runs when all talk, before the first hangs up.
pub fn listen(load: &Listeners, switch: SocketAddr, at_peak: impl FnOnce() + Send) -> io::Result<Heard> {
    let (signalling, media) = (open(CALLER)?, open("127.0.0.4:0")?);
    let (told, answers) = channel();
    let is_over = AtomicBool::new(false);
    let ears = std::thread::scope(|scope| {
        let packets = scope.spawn(|| hear_all(&media, answers.into_iter(), load.calls, &is_over));
        scope.spawn(|| {
            let all = Duration::from_secs(load.calls as u64) / load.per_second;
            rest_until(now() + all + Duration::from_secs(1));
            at_peak();
        });
        let hears = media.local_addr().unwrap_or(SocketAddr::from(([0; 4], 0)));
        let answered = telephone(&signalling, switch, hears, load, &told);
        is_over.store(true, Ordering::Relaxed);
        drop(told);
        packets.join().map(|ears| (answered, ears))
    });
    let (answered, ears) = ears.map_err(|_| io::Error::other("a thread of the load tool panicked"))?;
    let waits = ears.iter().filter_map(|ear| Some(ear.began?.saturating_sub(ear.answered?))).collect();
    let gaps = ears.iter().filter(|ear| ear.began.is_some()).map(|ear| ear.gap).collect();
    Ok(Heard { answered, waits: Delays::new(waits), gaps: Delays::new(gaps) })
}

/// Dials, acknowledges and hangs up; tells which port of the switch belongs to which call, and when it was answered.
fn telephone(
    socket: &UdpSocket,
    switch: SocketAddr,
    hears: SocketAddr,
    load: &Listeners,
    told: &Sender<(SocketAddr, Duration)>,
) -> usize {
    let local = socket.local_addr().unwrap_or(switch);
    let uri = format!("sip:prompt@{switch}");
    let to = format!("<{uri}>");
    let headers = format!("Contact: <sip:{local}>\r\nContent-Type: application/sdp\r\n");
    let (begin, body) = (now(), text::audio(hears));
    let dialling = Duration::from_secs(load.calls as u64) / load.per_second;
    let (mut dialled, mut answered, mut ended) = (0, 0, 0);
    let mut byes: std::collections::VecDeque<(Duration, String)> = std::collections::VecDeque::new();
    let mut buffer = [0; 4096];
    let _ = socket.set_read_timeout(Some(Duration::from_millis(1)));
    while ended < load.calls && now() < begin + dialling + load.hold + PATIENCE {
        if dialled < load.calls && now() >= begin + Duration::from_secs(dialled as u64) / load.per_second {
            let invite = request("INVITE", &uri, load.first + dialled, 1, &to, local).text(&headers, &body);
            let _ = socket.send_to(invite.as_bytes(), switch);
            dialled += 1;
        }
        while byes.front().is_some_and(|(due, _)| *due <= now()) {
            let Some((_, bye)) = byes.pop_front() else { break };
            let _ = socket.send_to(bye.as_bytes(), switch);
        }
        let Some(message) = hear(socket, &mut buffer) else { continue };
        let moment = now();
        let method = text::field(message, "CSeq").and_then(|sequence| sequence.split(' ').nth(1));
        match (message.get(8..11), method, text::number(message)) {
            (Some("200"), Some("INVITE"), Some(number)) => {
                let Some(target) = text::field(message, "Contact").and_then(text::uri) else { continue };
                let (Some(far), Some(port)) = (text::field(message, "To"), text::hears_at(message)) else {
                    continue;
                };
                let _ = told.send((port, moment));
                let _ = socket
                    .send_to(request("ACK", target, number, 1, far, local).text("", "").as_bytes(), switch);
                byes.push_back((
                    moment + load.hold,
                    request("BYE", target, number, 2, far, local).text("", ""),
                ));
                answered += 1;
            }
            (Some("200"), Some("BYE"), _) => ended += 1,
            _ => {}
        }
    }
    answered
}

fn request<'a>(
    method: &'a str,
    uri: &'a str,
    number: usize,
    sequence: u32,
    to: &'a str,
    local: SocketAddr,
) -> Request<'a> {
    Request { method, uri, number, sequence, from: FROM, to, local }
}

/// Every packet of every call comes to one socket; the switch's port tells whose it is.
fn hear_all(
    socket: &UdpSocket,
    mut answers: impl Iterator<Item = (SocketAddr, Duration)> + Send,
    calls: usize,
    is_over: &AtomicBool,
) -> Vec<Ear> {
    let mut ears: HashMap<SocketAddr, Ear> = HashMap::with_capacity(calls);
    let mut buffer = [0; 2048];
    while !is_over.load(Ordering::Relaxed) {
        let Ok((length, source)) = socket.recv_from(&mut buffer) else { continue };
        let moment = now();
        let Some(payload) = buffer.get(HEADER..length) else { continue };
        let is_loud = payload.iter().any(|sample| !matches!(sample, 0x7E | 0x7F | 0xFE | 0xFF));
        let ear = ears.entry(source).or_default();
        if ear.began.is_none() && is_loud {
            ear.began = Some(moment);
        }
        if let (Some(_), Some(last)) = (ear.began, ear.last) {
            ear.gap = ear.gap.max(moment - last);
        }
        ear.last = ear.began.map(|_| moment);
    }
    for (port, moment) in answers.by_ref() {
        if let Some(ear) = ears.get_mut(&port) {
            ear.answered = Some(moment);
        }
    }
    ears.into_values().collect()
}
