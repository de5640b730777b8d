//! What a prompt costs: the engine that plays one to each of many legs, against the bare sending of the same packets.
//! Must never judge by wall time: figures are CPU time of the threads that send.
//!
//! `cargo bench --bench prompt -- 100` plays to 100 legs.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use trunkline_media::asset::Asset;
use trunkline_media::codec::Codec;
use trunkline_media::port::{Command, Engine, EngineConfig, EventSink, Lease, PortRange, PortTable};
use trunkline_media::session::{ClockSeed, Event, Plan, Remote, SessionId, Source};

/// A loopback address of its own, where nobody else takes ports.
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 2));
const BASE: u16 = 12_000;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURE: Duration = Duration::from_secs(10);
const FRAME: Duration = Duration::from_millis(20);

fn main() -> io::Result<()> {
    let legs = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(100_u16);
    println!("a prompt to each of {legs} legs, CPU ms per call-second:");
    let ear = UdpSocket::bind((LOOPBACK, 0))?;
    let to = ear.local_addr()?;
    for _ in 0..3 {
        let together = measure(legs, &ear, "bare", || Ok(Bare::start(legs, to, FRAME)))?;
        let spread = measure(legs, &ear, "bare", || Ok(Bare::start(legs, to, Duration::from_millis(1))))?;
        let engine = measure(legs, &ear, "media-", || play(legs, to))?;
        println!(
            "bare, all at once {together:.3}   bare, each millisecond {spread:.3}   engine {engine:.3}   ratio {:.2}",
            engine / spread
        );
    }
    Ok(())
}

struct Deaf;

impl EventSink for Deaf {
    fn event(&self, _: Event) {}
}

/// Plays a prompt without end to each leg, in an engine of one worker; legs begin all over the 20 ms of a frame.
fn play(legs: u16, to: SocketAddr) -> io::Result<Engine> {
    let table = PortTable::new(PortRange { first: BASE, last: u16::MAX }, Duration::ZERO);
    let engine = Engine::start(EngineConfig::default())?;
    let samples: Vec<i16> = (0..80_000_i32).map(|n| (n * 37 % 20_011 - 10_000) as i16).collect();
    let asset = Arc::new(Asset::from_samples(&samples));
    for leg in 0..legs {
        let session = SessionId(leg.into());
        let sockets = table.retake(&Lease { ip: LOOPBACK, port: BASE + 2 * leg })?;
        let clock = ClockSeed { ssrc: leg.into(), sequence: 0, timestamp: 0 };
        let sink = Arc::new(Deaf) as Arc<dyn EventSink>;
        let remote = Remote {
            rtp: to,
            rtcp: to,
            codec: Codec::Pcmu,
            send_payload_type: 0,
            receive_payload_type: 0,
            events: None,
            ptime_ms: 20,
        };
        let source = Source::Player { activity: 1, asset: Arc::clone(&asset), loops: 0 };
        let plan =
            Plan { remote: Some(remote), round: 1, send: true, receive: true, source, ..Plan::default() };
        let open = Command::Open { session, sockets, clock, sink, timeout: None };
        for command in [open, Command::Apply { session, generation: 1, plan }] {
            engine.send(0, command).map_err(io::Error::other)?;
        }
        rest(FRAME / u32::from(legs.max(1)));
    }
    Ok(engine)
}

/// The bare loop: the same packets, from a socket for each leg, `pause` apart in as many turns as fit into a frame.
struct Bare {
    is_over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Bare {
    fn start(legs: u16, to: SocketAddr, pause: Duration) -> Bare {
        let is_over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_over);
        let send = move || {
            let sockets: Vec<UdpSocket> =
                (0..legs).filter_map(|_| UdpSocket::bind((LOOPBACK, 0)).ok()).collect();
            let turns = (FRAME.as_micros() / pause.as_micros().max(1)).max(1) as usize;
            let start = now();
            let datagram = [0x55; 172];
            for turn in 0.. {
                if flag.load(Ordering::Relaxed) {
                    return;
                }
                rest((start + pause * turn).saturating_sub(now()));
                for socket in sockets.iter().skip(turn as usize % turns).step_by(turns) {
                    let _ = socket.send_to(&datagram, to);
                }
            }
        };
        let thread = std::thread::Builder::new().name("bare".to_owned()).spawn(send).ok();
        Bare { is_over, thread }
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

/// CPU milliseconds that the threads of this name spend on a second of each leg.
fn measure<T>(
    legs: u16,
    ear: &UdpSocket,
    threads: &str,
    start: impl Fn() -> io::Result<T>,
) -> io::Result<f64> {
    let player = start()?;
    let (is_over, heard) = (AtomicBool::new(false), AtomicU64::new(0));
    let figure = std::thread::scope(|scope| {
        scope.spawn(|| listen(ear, &heard, &is_over));
        rest(WARM_UP);
        let before = (spent(threads), heard.load(Ordering::Relaxed), now());
        rest(MEASURE);
        let after = (spent(threads), heard.load(Ordering::Relaxed), now());
        is_over.store(true, Ordering::Relaxed);
        let seconds = (after.2 - before.2).as_secs_f64();
        let (packets, wanted) = ((after.1 - before.1) as f64, f64::from(legs) * 50.0 * seconds);
        if (packets / wanted - 1.0).abs() > 0.02 {
            println!("  {packets} packets instead of {wanted}");
        }
        (after.0 - before.0) as f64 / 1e6 / seconds / f64::from(legs)
    });
    drop(player);
    Ok(figure)
}

fn listen(ear: &UdpSocket, heard: &AtomicU64, is_over: &AtomicBool) {
    let mut buffer = [0; 2048];
    let _ = ear.set_read_timeout(Some(Duration::from_millis(100)));
    while !is_over.load(Ordering::Relaxed) {
        // Reports come to the same port; they are not what is counted.
        if ear.recv(&mut buffer).is_ok_and(|length| length == 172) {
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
