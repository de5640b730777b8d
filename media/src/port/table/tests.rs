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
