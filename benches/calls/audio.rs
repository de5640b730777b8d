//! Both ends of the audio of all calls: each leg's G.711 packet each 20 ms, and what comes back is counted.
//! It must never count a packet that is no audio: reports come to the ports beside.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};

use crate::meter::{now, rest_until};

/// An RTP header and 20 ms of G.711.
const PACKET: usize = 172;
const PACKETS_APART: u64 = 20;
/// One socket hears 25,000 packets a second: while its thread waits for a core they wait here.
const PATIENCE: usize = 32 << 20;

/// One socket on each side, told apart by nobody: the far end has a port for each leg.
pub struct Ends {
    sockets: [UdpSocket; 2],
    /// Nobody reads reports; they just have a place to go.
    _reports: [UdpSocket; 2],
    legs: Mutex<Vec<(usize, SocketAddr)>>,
    said: AtomicU64,
    heard: AtomicU64,
}

/// What forwarding cost.
pub struct Relayed {
    /// CPU time per packet sent to the relay.
    pub micros: f64,
    /// Percent.
    pub lost: f64,
    /// Packets in the window.
    pub said: u64,
}

impl Ends {
    /// On an even port and the odd one after it.
    pub fn open() -> io::Result<Ends> {
        let [(caller, caller_reports), (callee, callee_reports)] = [pair()?, pair()?];
        Ok(Ends {
            sockets: [caller, callee],
            _reports: [caller_reports, callee_reports],
            legs: Mutex::default(),
            said: AtomicU64::new(0),
            heard: AtomicU64::new(0),
        })
    }

    /// Where caller and callee hear.
    pub fn addresses(&self) -> [SocketAddr; 2] {
        self.sockets.each_ref().map(|socket| socket.local_addr().unwrap_or(SocketAddr::from(([0; 4], 0))))
    }

    /// One more leg, of the caller's side (0) or the callee's (1), talks to this port.
    pub fn talk_to(&self, side: usize, port: SocketAddr) {
        self.legs.lock().unwrap_or_else(PoisonError::into_inner).push((side, port));
    }

    /// Lets all legs talk from now on, and measures from `begin`.
    pub fn measure(&self, begin: Duration, window: Duration, spent: impl Fn() -> Duration) -> Relayed {
        let is_over = AtomicBool::new(false);
        let count = || (spent(), self.said.load(Ordering::Relaxed), self.heard.load(Ordering::Relaxed));
        std::thread::scope(|scope| {
            scope.spawn(|| self.talk(&is_over));
            for socket in &self.sockets {
                scope.spawn(|| self.listen(socket, &is_over));
            }
            rest_until(begin);
            let before = count();
            rest_until(begin + window);
            let after = count();
            is_over.store(true, Ordering::Relaxed);
            let (said, heard) = (after.1 - before.1, after.2 - before.2);
            Relayed {
                micros: (after.0 - before.0).as_secs_f64() * 1e6 / said.max(1) as f64,
                lost: (1.0 - heard as f64 / said.max(1) as f64).max(0.0) * 100.0,
                said,
            }
        })
    }

    /// A slice of the legs each millisecond: as many telephones that know nothing of each other would.
    fn talk(&self, is_over: &AtomicBool) {
        let begin = now();
        let mut packet = [0xFF; PACKET];
        for slice in 0.. {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            rest_until(begin + Duration::from_millis(slice));
            let round = (slice / PACKETS_APART) as u32;
            let legs = self.legs.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (slice % PACKETS_APART) as usize;
            for (leg, (side, port)) in legs.iter().enumerate().skip(turn).step_by(PACKETS_APART as usize) {
                packet[..2].copy_from_slice(&[0x80, 0]);
                packet[2..4].copy_from_slice(&(round as u16).to_be_bytes());
                packet[4..8].copy_from_slice(&round.wrapping_mul(160).to_be_bytes());
                packet[8..12].copy_from_slice(&(leg as u32).to_be_bytes());
                if self.sockets[*side].send_to(&packet, port).is_ok() {
                    self.said.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn listen(&self, socket: &UdpSocket, is_over: &AtomicBool) {
        let mut buffer = [0; 2048];
        while !is_over.load(Ordering::Relaxed) {
            if socket.recv(&mut buffer).is_ok_and(|length| length == PACKET) {
                self.heard.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn pair() -> io::Result<(UdpSocket, UdpSocket)> {
    loop {
        let reports = UdpSocket::bind("127.0.0.4:0")?;
        let mut address = reports.local_addr()?;
        address.set_port(address.port() - 1);
        if address.port() % 2 == 1 {
            continue;
        }
        let Ok(audio) = UdpSocket::bind(address) else { continue };
        audio.set_read_timeout(Some(Duration::from_millis(200)))?;
        // Beyond the system's bound where we may, else as far as it goes.
        if setsockopt(&audio, sockopt::RcvBufForce, &PATIENCE).is_err() {
            setsockopt(&audio, sockopt::RcvBuf, &PATIENCE)?;
        }
        return Ok((audio, reports));
    }
}
