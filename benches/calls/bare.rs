//! The control: a loop that receives and sends and does nothing else, with a port for each leg as a switch has.
//! It must never look at a packet.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use crate::meter;

const THREAD: &str = "bare";

/// A running loop.
pub struct Relay {
    ports: Vec<SocketAddr>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Relay {
    /// For so many calls, between these ends.
    pub fn start(calls: usize, ends: [SocketAddr; 2]) -> io::Result<Relay> {
        let open = |_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let sockets: Vec<UdpSocket> = (0..2 * calls).map(open).collect::<io::Result<_>>()?;
        let ports = sockets.iter().map(UdpSocket::local_addr).collect::<io::Result<_>>()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let relay = move || relay(&sockets, ends, &stop);
        let thread = Some(std::thread::Builder::new().name(THREAD.into()).spawn(relay)?);
        Ok(Relay { ports, is_over, thread })
    }

    /// Side and port of each leg.
    pub fn legs(&self) -> impl Iterator<Item = (usize, SocketAddr)> {
        self.ports.iter().enumerate().map(|(place, port)| (place % 2, *port))
    }

    /// CPU time of the loop's thread.
    pub fn spent() -> Duration {
        meter::spent(std::process::id(), THREAD)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Even places are callers' legs, the odd one after each its callee's.
fn relay(sockets: &[UdpSocket], ends: [SocketAddr; 2], is_over: &AtomicBool) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    for (place, socket) in sockets.iter().enumerate() {
        socket.set_nonblocking(true)?;
        epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, place as u64))?;
    }
    let mut ready = vec![EpollEvent::empty(); 512];
    let mut buffer = [0; 2048];
    while !is_over.load(Ordering::Relaxed) {
        let count = epoll.wait(&mut ready, 100u16)?;
        for event in &ready[..count] {
            let place = event.data() as usize;
            if let Ok(length) = sockets[place].recv(&mut buffer) {
                let _ = sockets[place ^ 1].send_to(&buffer[..length], ends[1 - place % 2]);
            }
        }
    }
    Ok(())
}
