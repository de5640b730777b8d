//! What a forwarded packet costs: the engine against the bare loop of receive and send, under the same load.
//! Must never judge by wall time: figures are CPU time of the threads that forward.
//!
//! `cargo bench --bench relay -- 500` compares at 500 calls. With `--base PORT --calls N --a-dst ADDRESS --b-dst ADDRESS`
//! it only relays, between the ports that an outer load tool expects, until it is ended.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use trunkline_media::codec::Codec;
use trunkline_media::port::{Command, Engine, EngineConfig, EventSink, Lease, PortRange, PortTable};
use trunkline_media::session::{ClockSeed, Event, Plan, Remote, SessionId, Source};

/// A loopback address of its own, where nobody else takes ports.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 1));
const BASE: u16 = 12_000;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURE: Duration = Duration::from_secs(10);

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let option = |name: &str| words.windows(2).find(|pair| pair[0] == name).map(|pair| pair[1].as_str());
    if let Some(base) = option("--base") {
        let address =
            |name| option(name).and_then(|text| text.parse().ok()).ok_or(io::ErrorKind::InvalidInput);
        let number =
            |text: Option<&str>| text.and_then(|text| text.parse().ok()).ok_or(io::ErrorKind::InvalidInput);
        let ends = [address("--a-dst")?, address("--b-dst")?];
        let _engine =
            bridge(Ipv4Addr::LOCALHOST.into(), number(Some(base))?, number(option("--calls"))?, ends)?;
        loop {
            rest(Duration::from_secs(3600));
        }
    }
    let calls = words.iter().find_map(|word| word.parse().ok()).unwrap_or(500);
    println!("{calls} calls, {} packets/s, CPU µs per packet forwarded:", calls * 100);
    let ends = Ends::open()?;
    for _ in 0..2 {
        let bare = ends.measure(calls, "bare", |ends| Bare::start(calls, ends, Duration::ZERO))?;
        let rested =
            ends.measure(calls, "bare", |ends| Bare::start(calls, ends, Duration::from_millis(1)))?;
        let engine = ends.measure(calls, "media-", |ends| bridge(LOOPBACK, BASE, calls, ends))?;
        println!(
            "bare {bare:.2}   bare with rests {rested:.2}   engine {engine:.2}   ratio {:.2}",
            engine / bare
        );
    }
    Ok(())
}

/// The RTP ports of a call's two legs.
fn ports(base: u16, call: u16) -> [u16; 2] {
    [base + 4 * call, base + 4 * call + 2]
}

struct Deaf;

impl EventSink for Deaf {
    fn event(&self, _: Event) {}
}

/// Bridges `calls` pairs of sessions in an engine of one worker.
fn bridge(ip: IpAddr, base: u16, calls: u16, ends: [SocketAddr; 2]) -> io::Result<Engine> {
    let table = PortTable::new(PortRange { first: base, last: u16::MAX }, Duration::ZERO);
    let engine = Engine::start(EngineConfig { queue: 1 << 16, ..EngineConfig::default() })?;
    for call in 0..calls {
        for (side, port) in ports(base, call).into_iter().enumerate() {
            let session = SessionId(u64::from(call) * 2 + side as u64);
            let sockets = table.retake(&Lease { ip, port })?;
            let clock = ClockSeed { ssrc: session.0 as u32, sequence: 0, timestamp: 0 };
            let sink = Arc::new(Deaf) as Arc<dyn EventSink>;
            let timeout = Some(Duration::from_secs(30));
            let remote = Remote {
                rtp: ends[side],
                rtcp: ends[side],
                codec: Codec::Pcmu,
                send_payload_type: 0,
                receive_payload_type: 0,
                events: None,
                ptime_ms: 20,
            };
            let source = Source::Session(SessionId(session.0 ^ 1));
            let plan = Plan {
                remote: Some(remote),
                round: 1,
                send: true,
                receive: true,
                source,
                keys: None,
                tap: None,
            };
            let open = Command::Open { session, sockets, clock, sink, timeout };
            for command in [open, Command::Apply { session, generation: 1, plan }] {
                engine.send(0, command).map_err(io::Error::other)?;
            }
        }
    }
    Ok(engine)
}

/// The bare loop: whatever comes to one port of a call leaves by the other one.
struct Bare {
    is_over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<io::Result<()>>>,
}

impl Bare {
    fn start(calls: u16, ends: [SocketAddr; 2], pause: Duration) -> io::Result<Bare> {
        let sockets: Vec<UdpSocket> = (0..calls)
            .flat_map(|call| ports(BASE, call))
            .map(|port| UdpSocket::bind((LOOPBACK, port)))
            .collect::<io::Result<_>>()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let work = move || relay(&sockets, ends, pause, &stop);
        let thread = Some(std::thread::Builder::new().name("bare".into()).spawn(work)?);
        Ok(Bare { is_over, thread })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn relay(sockets: &[UdpSocket], ends: [SocketAddr; 2], pause: Duration, stop: &AtomicBool) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    for (place, socket) in sockets.iter().enumerate() {
        socket.set_nonblocking(true)?;
        epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, place as u64))?;
    }
    let mut ready = vec![EpollEvent::empty(); 512];
    let mut buffer = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        let found = epoll.wait(&mut ready, 100u16)?;
        for event in &ready[..found] {
            let place = event.data() as usize;
            if let Ok((length, _)) = sockets[place].recv_from(&mut buffer) {
                let _ = sockets[place ^ 1].send_to(&buffer[..length], ends[1 - place % 2]);
            }
        }
        rest(pause);
    }
    Ok(())
}

/// The two ends of all calls: one socket each, told apart by the port that they talk to.
struct Ends([UdpSocket; 2]);

impl Ends {
    fn open() -> io::Result<Ends> {
        let open = || UdpSocket::bind((LOOPBACK, 0));
        Ok(Ends([open()?, open()?]))
    }

    /// CPU microseconds per forwarded packet of the threads with this name, while all calls talk.
    fn measure<T>(
        &self,
        calls: u16,
        threads: &str,
        start: impl Fn([SocketAddr; 2]) -> io::Result<T>,
    ) -> io::Result<f64> {
        let relay = start([self.0[0].local_addr()?, self.0[1].local_addr()?])?;
        let (is_over, heard, said) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        let figure = std::thread::scope(|scope| {
            scope.spawn(|| self.talk(calls, &said, &is_over));
            for end in &self.0 {
                scope.spawn(|| listen(end, &heard, &is_over));
            }
            rest(WARM_UP);
            let before = (spent(threads), heard.load(Ordering::Relaxed), said.load(Ordering::Relaxed));
            rest(MEASURE);
            let after = (spent(threads), heard.load(Ordering::Relaxed), said.load(Ordering::Relaxed));
            is_over.store(true, Ordering::Relaxed);
            let (heard, said) = ((after.1 - before.1) as f64, (after.2 - before.2) as f64);
            // The relay has a buffer for each leg and loses nothing; the ends, with one for all, lose where CPU is short.
            if heard < said * 0.9 {
                println!("  {heard} of {said} packets came through");
            }
            (after.0 - before.0) as f64 / 1000.0 / said
        });
        drop(relay);
        Ok(figure)
    }

    /// Sends each leg's packet each 20 ms, evenly spread over them.
    fn talk(&self, calls: u16, said: &AtomicU64, is_over: &AtomicBool) {
        let start = now();
        let legs: Vec<(usize, u16)> =
            (0..calls).flat_map(|call| ports(BASE, call).into_iter().enumerate()).collect();
        let mut datagram = [0xFF; 172];
        for slice in 0u64.. {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            rest((start + Duration::from_millis(slice)).saturating_sub(now()));
            let round = (slice / 20) as u32;
            for (leg, (side, port)) in legs.iter().enumerate().skip((slice % 20) as usize).step_by(20) {
                datagram[..2].copy_from_slice(&[0x80, 0]);
                datagram[2..4].copy_from_slice(&(round as u16).to_be_bytes());
                datagram[4..8].copy_from_slice(&(round * 160).to_be_bytes());
                datagram[8..12].copy_from_slice(&(leg as u32).to_be_bytes());
                if self.0[*side].send_to(&datagram, (LOOPBACK, *port)).is_ok() {
                    said.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
}

fn listen(end: &UdpSocket, heard: &AtomicU64, is_over: &AtomicBool) {
    let mut buffer = [0; 2048];
    let _ = end.set_read_timeout(Some(Duration::from_millis(100)));
    while !is_over.load(Ordering::Relaxed) {
        // Reports come to the same port; they are not what is counted.
        if end.recv(&mut buffer).is_ok_and(|length| length == 172) {
            heard.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Nanoseconds of CPU time that the threads of this name have spent.
fn spent(name: &str) -> u64 {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let named = tasks.flatten().filter(|task| read(task.path().join("comm")).starts_with(name));
    let spent = named.map(|task| read(task.path().join("schedstat")));
    spent.filter_map(|line| line.split(' ').next()?.parse::<u64>().ok()).sum()
}

fn now() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "a load generator waits for its time")]
fn rest(span: Duration) {
    if !span.is_zero() {
        std::thread::sleep(span);
    }
}
