//! Leasing ports on loopback.
//! Ranges differ by test, so that tests may run side by side.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use super::*;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const REST: Duration = Duration::from_secs(30);

fn table(first: u16, last: u16) -> PortTable {
    PortTable::new(PortRange { first, last }, REST).seeded(42)
}

fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

#[test]
fn pairs_are_even_and_odd_and_never_leased_twice() {
    let table = table(18_001, 18_010);
    let leases: HashSet<Lease> = (0..4).map(|_| table.lease(LOOPBACK, at(0)).expect("a free pair")).collect();
    let ports: HashSet<u16> = leases.iter().map(|lease| lease.port).collect();
    assert_eq!(ports, HashSet::from([18_002, 18_004, 18_006, 18_008]));
    assert_eq!(table.lease(LOOPBACK, at(0)), Err(PortsExhausted { ip: LOOPBACK }));
    for lease in &leases {
        let sockets = table.sockets(lease).expect("a lease has sockets");
        assert_eq!(sockets.rtp.local_addr().expect("bound"), lease.rtp());
        assert_eq!(sockets.rtcp.local_addr().expect("bound").port(), lease.port + 1);
    }
    assert_eq!((table.leased(), table.leases().into_iter().collect()), (4, leases));
}

#[test]
fn a_released_port_rests() {
    let table = table(18_020, 18_021);
    let lease = table.lease(LOOPBACK, at(0)).expect("a free pair");
    table.release(&lease, at(10));
    table.release(&lease, at(39));
    assert!(table.sockets(&lease).is_none());
    assert!(table.lease(LOOPBACK, at(39)).is_err());
    assert_eq!(table.lease(LOOPBACK, at(40)), Ok(lease), "releasing twice does not prolong the rest");
}

#[test]
fn a_port_that_somebody_else_holds_is_passed_over() {
    let other = UdpSocket::bind((LOOPBACK, 18_033)).expect("a free port");
    let table = table(18_030, 18_035);
    let leases: HashSet<u16> =
        (0..2).map(|_| table.lease(LOOPBACK, at(0)).expect("a free pair").port).collect();
    assert_eq!(leases, HashSet::from([18_030, 18_034]));
    drop(other);
}

#[test]
fn a_next_process_takes_the_same_ports_again() {
    let before = table(18_040, 18_049);
    let lease = before.lease(LOOPBACK, at(0)).expect("a free pair");
    let saved = serde_json::to_string(&lease).expect("a lease is data");
    drop(before);
    let lease: Lease = serde_json::from_str(&saved).expect("readable");
    let after = table(18_040, 18_049);
    let sockets = after.retake(&lease).expect("nobody else has it");
    assert_eq!(sockets.rtp.local_addr().expect("bound"), lease.rtp());
    assert!(Arc::ptr_eq(&sockets, &after.retake(&lease).expect("held already")));
    assert_eq!(after.leases(), [lease]);
}

/// Custody that duplicates sockets, as a keeper does.
#[derive(Default)]
struct Kept(Mutex<HashMap<Lease, PortPair>>);

impl Custody for Kept {
    fn leased(&self, lease: &Lease, sockets: &PortPair) {
        let copy = |socket: &UdpSocket| socket.try_clone().expect("a descriptor");
        let pair = PortPair { rtp: copy(&sockets.rtp), rtcp: copy(&sockets.rtcp) };
        assert!(self.0.lock().expect("whole").insert(*lease, pair).is_none(), "{lease:?} is told twice");
    }

    fn released(&self, lease: &Lease) {
        assert!(self.0.lock().expect("whole").remove(lease).is_some(), "{lease:?} was not told");
    }
}

#[test]
fn custody_has_what_is_leased_and_a_next_process_takes_the_very_sockets() {
    let kept = Arc::new(Kept::default());
    let before = table(18_050, 18_059).with_custody(kept.clone());
    let lease = before.lease(LOOPBACK, at(0)).expect("a free pair");
    let other = before.lease(LOOPBACK, at(0)).expect("a free pair");
    before.release(&other, at(1));
    before.release(&other, at(2));
    drop(before);
    let peer = UdpSocket::bind((LOOPBACK, 0)).expect("a free port");
    peer.send_to(b"meanwhile", lease.rtp()).expect("somebody holds the port");

    let inherited = kept.0.lock().expect("whole").remove(&lease).expect("it was kept");
    assert!(kept.0.lock().expect("whole").is_empty(), "what was released is not kept");
    inherited.rtp.set_nonblocking(false).expect("any state of an earlier process");
    let after = table(18_050, 18_059).with_custody(kept.clone());
    let sockets = after.retake_with(&lease, inherited).expect("they are its own");
    let mut buffer = [0; 16];
    assert_eq!(sockets.rtp.recv(&mut buffer).expect("a packet waits"), 9);
    let would_block = sockets.rtp.recv(&mut buffer).expect_err("no other packet");
    assert_eq!(would_block.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(SockRef::from(&sockets.rtp).tos_v4().expect("an option"), EXPEDITED);
    assert_eq!(after.leases(), [lease]);
}

#[test]
fn sockets_of_another_lease_are_refused() {
    let table = table(18_060, 18_069);
    let pair = || PortPair {
        rtp: UdpSocket::bind((LOOPBACK, 0)).expect("a free port"),
        rtcp: UdpSocket::bind((LOOPBACK, 0)).expect("a free port"),
    };
    let lease = Lease { ip: LOOPBACK, port: 18_060 };
    let refused = table.retake_with(&lease, pair()).expect_err("bound elsewhere");
    assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(table.leased(), 0);
}

#[test]
fn the_order_of_ports_follows_the_seed() {
    let draw = |seed| {
        let mut ledger = Ledger { pairs: HashMap::new(), draw: seed };
        (0..8).map(|_| ledger.draw() % 5000).collect::<Vec<_>>()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn an_empty_range_has_no_ports() {
    for (first, last) in [(9, 8), (9, 10), (u16::MAX, u16::MAX)] {
        assert!(table(first, last).lease(LOOPBACK, at(0)).is_err(), "{first} to {last}");
    }
}
