//! Ports for one story: a lease on a run of blocks, apart from those of any other story and any other test run.
//! It must never hand out a port twice.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::Mutex;

/// Below the kernel's ephemeral ports (from 32768), above what services use.
const FIRST: u16 = 10_000;
const BLOCKS: u16 = 110;
const BLOCK: u16 = 200;
/// Where the next search starts, so that a port rests before it is used again.
static NEXT: Mutex<u16> = Mutex::new(0);

/// Held as long as the story runs.
#[derive(Debug)]
pub struct Ports {
    first: u16,
    next: u16,
    last: u16,
    /// A listener on the first TCP port of each block tells other test runs on the machine that it is taken.
    _marks: Vec<TcpListener>,
}

impl Ports {
    /// A run of at least `count` ports.
    pub fn lease(count: u16) -> Self {
        let blocks = (count + 1).div_ceil(BLOCK);
        let mut next = NEXT.lock().expect("nobody panics while searching");
        if *next == 0 {
            // Two test runs do not start at the same place.
            *next = u16::try_from(std::process::id() % u32::from(BLOCKS))
                .expect("it is below the number of blocks");
        }
        for offset in 0..BLOCKS {
            let block = (*next + offset) % BLOCKS;
            if block + blocks > BLOCKS {
                continue;
            }
            let first = FIRST + block * BLOCK;
            let marks: Vec<TcpListener> = (0..blocks).map_while(|n| mark(first + n * BLOCK)).collect();
            if marks.len() == usize::from(blocks) {
                *next = (block + blocks) % BLOCKS;
                return Self { first, next: first + 1, last: first + blocks * BLOCK - 1, _marks: marks };
            }
        }
        panic!("no run of {count} ports is free between {FIRST} and {}", FIRST + BLOCKS * BLOCK);
    }

    /// A free UDP and TCP port.
    pub fn one(&mut self) -> u16 {
        self.run(1)
    }

    /// The first, an even one, of `count` ports in a row.
    pub fn run(&mut self, count: u16) -> u16 {
        loop {
            let first = if count > 1 { self.next.next_multiple_of(2) } else { self.next };
            assert!(first + count - 1 <= self.last, "the story leased too few ports");
            self.next = first + count;
            if count > 16 || (first..first + count).all(is_free) {
                return first;
            }
        }
    }

    /// Lowest and highest port of the lease.
    pub fn span(&self) -> (u16, u16) {
        (self.first, self.last)
    }
}

fn mark(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && mark(port).is_some()
}

/// Whether somebody listens on this port over UDP, or over TCP.
pub fn is_bound(port: u16) -> bool {
    let wanted = format!(":{port:04X}");
    ["udp", "udp6", "tcp", "tcp6"].iter().any(|table| {
        let text = std::fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        text.lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            let is_its = words.next().is_some_and(|local| local.ends_with(&wanted));
            // A TCP socket that listens has no peer, one that lingers after its end has.
            is_its && words.next().is_some_and(|remote| remote.ends_with(":0000"))
        })
    })
}

#[test]
fn two_leases_never_share_a_port() {
    let (mut one, mut two) = (Ports::lease(300), Ports::lease(10));
    let (first, last) = one.span();
    let (other, end) = two.span();
    assert!(last - first >= 300);
    assert!(end < first || other > last, "{first}-{last} and {other}-{end} overlap");
    assert_eq!(one.run(10) % 2, 0);
    assert_ne!(two.one(), two.one());
}
