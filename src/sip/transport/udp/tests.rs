//! Stories of one socket, told with real sockets on the loopback interface.
//! No test waits for time to pass: each waits for what must come, and fails if it does not.

use std::cell::Cell;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix::{Arbiter, System};
use bytes::Bytes;

use super::reader::{BATCH, STRIKES};
use super::*;
use crate::sip::transport::{Unreachable, tcp};

const LOOPBACKS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// What must come comes at once; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket read by an arbiter, as in the switch.
struct Served {
    udp: Arc<Udp>,
    arrivals: mpsc::Receiver<Arrival>,
    arbiter: Arbiter,
    _system: actix::SystemRunner,
}

impl Served {
    fn on(ip: IpAddr) -> Served {
        let system = System::new();
        let udp = bound(ip);
        let (sender, arrivals) = mpsc::channel();
        let arbiter = Arbiter::new();
        let reading = Arc::clone(&udp).run(move |arrival| drop(sender.send(arrival)));
        arbiter.spawn(async move { drop(reading.await) });
        Served { udp, arrivals, arbiter, _system: system }
    }

    fn next(&self) -> Arrival {
        self.arrivals.recv_timeout(PATIENCE).expect("something arrives")
    }

    fn end(self) {
        self.arbiter.stop();
        self.arbiter.join().expect("the reader has not panicked");
    }
}

fn bound(ip: IpAddr) -> Arc<Udp> {
    Arc::new(Udp::bind(SocketAddr::new(ip, 0)).expect("loopback has free ports"))
}

fn peer(ip: IpAddr) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((ip, 0)).expect("loopback has free ports");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
    let address = socket.local_addr().expect("it is bound");
    (socket, address)
}

/// A port where nobody listens, kept from others: the kernel refuses what comes to a socket that is connected to
/// someone else.
fn deaf(ip: IpAddr) -> (UdpSocket, SocketAddr) {
    let (socket, address) = peer(ip);
    socket.connect(address).expect("it can talk to itself");
    (socket, address)
}

fn heard(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_535];
    let length = socket.recv(&mut buffer).expect("something arrives");
    buffer.truncate(length);
    buffer
}

fn datagram(bytes: impl Into<Bytes>, remote: SocketAddr) -> Arrival {
    Arrival::Datagram { bytes: bytes.into(), remote }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts")
}

#[test]
fn a_closed_port_is_told_with_its_address_and_the_others_are_served_on() {
    for ip in LOOPBACKS {
        let served = Served::on(ip);
        let (phone, address) = peer(ip);
        let (_deaf, gone) = deaf(ip);

        assert_eq!(served.udp.send(gone, b"OPTIONS"), Sent::Done);
        assert_eq!(served.next(), Arrival::Unreachable { remote: gone, error: Unreachable::Port });

        phone.send_to(b"REGISTER", served.udp.local()).expect("it is sent");
        assert_eq!(served.next(), datagram(&b"REGISTER"[..], address));
        assert_eq!(served.udp.send(address, b"200"), Sent::Done);
        assert_eq!(heard(&phone), b"200");

        let tally = served.udp.tally();
        assert_eq!((tally.received, tally.sent, tally.unreachable, tally.dropped), (1, 2, 1, [0; 6]), "{ip}");
        served.end();
    }
}

#[test]
fn a_thousand_datagrams_at_once_arrive_whole_and_in_order() {
    for ip in LOOPBACKS {
        let served = Served::on(ip);
        let (phone, address) = peer(ip);
        // As many at a time as the kernel's buffer holds for certain: all, unless the host keeps it small.
        let room = socket2::SockRef::from(&served.udp.socket).recv_buffer_size().expect("it has a size");
        let burst = (room / 1_280).clamp(BATCH, 1_000);
        let text = |number: usize| format!("{number} {}", "x".repeat(number % 97)).into_bytes();

        for start in (0..1_000).step_by(burst) {
            let numbers = start..(start + burst).min(1_000);
            for number in numbers.clone() {
                phone.send_to(&text(number), served.udp.local()).expect("it is sent");
            }
            for number in numbers {
                assert_eq!(served.next(), datagram(text(number), address));
            }
        }
        assert_eq!(served.udp.tally().received, 1_000);
        served.end();
    }
}

#[test]
fn in_a_burst_other_tasks_have_their_turn_after_each_batch() {
    let udp = bound(LOOPBACKS[0]);
    let (phone, _) = peer(LOOPBACKS[0]);
    let waiting = 3 * BATCH;
    for _ in 0..waiting {
        phone.send_to(b"x", udp.local()).expect("it is sent");
    }

    let read = Rc::new(Cell::new(0));
    let reading = Arc::clone(&udp).run({
        let read = Rc::clone(&read);
        move |_| read.set(read.get() + 1)
    });
    let other_task = async {
        let mut seen = vec![0];
        while read.get() < waiting {
            tokio::task::yield_now().await;
            seen.push(read.get());
        }
        seen
    };
    let seen = runtime().block_on(async {
        tokio::select! { biased; ended = reading => panic!("{ended:?}"), seen = other_task => seen }
    });
    assert!(seen.windows(2).all(|pair| pair[1] - pair[0] <= BATCH), "{seen:?}");
}

#[test]
fn the_report_on_one_datagram_costs_no_other() {
    for ip in LOOPBACKS {
        let udp = bound(ip);
        let (phone, address) = peer(ip);
        let (_deaf, gone) = deaf(ip);
        // Nobody reads the reports: each stays with the socket until the next datagram meets it.
        for number in 0..50_u8 {
            assert_eq!(udp.send(gone, b"INVITE"), Sent::Done);
            assert_eq!(udp.send(address, &[number]), Sent::Done);
            assert_eq!(heard(&phone), [number]);
        }
    }
}

#[test]
fn while_the_reports_are_read_by_another_thread_no_datagram_is_lost() {
    let served = Served::on(LOOPBACKS[0]);
    let (phone, address) = peer(LOOPBACKS[0]);
    let (_deaf, gone) = deaf(LOOPBACKS[0]);
    for number in 0..500_u16 {
        served.udp.send(gone, b"INVITE");
        assert_eq!(served.udp.send(address, &number.to_be_bytes()), Sent::Done);
        assert_eq!(heard(&phone), number.to_be_bytes());
    }
    // The kernel may leave out reports of a flood, never the first.
    assert_eq!(served.next(), Arrival::Unreachable { remote: gone, error: Unreachable::Port });
    phone.send_to(b"ACK", served.udp.local()).expect("it is sent");
    let reports = std::iter::repeat_with(|| served.next())
        .take_while(|arrival| *arrival != datagram(&b"ACK"[..], address))
        .inspect(|arrival| assert!(matches!(arrival, Arrival::Unreachable { remote, .. } if *remote == gone)))
        .count();
    assert!(reports < 500);
    served.end();
}

#[test]
fn the_longest_and_the_empty_datagram_pass_both_ways_and_a_longer_one_is_refused() {
    for (ip, longest) in LOOPBACKS.into_iter().zip([65_507, 65_527]) {
        let served = Served::on(ip);
        let (phone, address) = peer(ip);
        for length in [0, 1, longest] {
            let text: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            phone.send_to(&text, served.udp.local()).expect("it is sent");
            assert_eq!(served.next(), datagram(text.clone(), address));
            assert_eq!(served.udp.send(address, &text), Sent::Done);
            assert_eq!(heard(&phone), text);
        }
        assert_eq!(served.udp.send(address, &vec![0; longest + 1]), Sent::Dropped(Dropped::TooLong));
        served.end();
    }
}

#[test]
fn what_cannot_leave_is_named_and_counted() {
    let udp = bound(LOOPBACKS[0]);
    let [(_, v4), (_, v6)] = LOOPBACKS.map(peer);
    assert_eq!(udp.send(v6, b"x"), Sent::Dropped(Dropped::Family));
    assert_eq!(udp.send(v4, &[0; 65_535]), Sent::Dropped(Dropped::TooLong));
    assert_eq!(udp.send(v4, &[0; 65_535]), Sent::Dropped(Dropped::TooLong));
    let told: Vec<_> =
        Dropped::ALL.iter().map(|why| why.label()).zip(udp.tally().dropped).filter(|(_, n)| *n > 0).collect();
    assert_eq!(told, [("too-long", 2), ("family", 1)]);
    assert_eq!(udp.tally().sent, 0);

    for (at, dropped) in Dropped::ALL.into_iter().enumerate() {
        assert_eq!(dropped as usize, at, "the tally follows the order of the reasons");
    }
}

#[test]
fn an_ipv6_socket_on_all_addresses_leaves_the_ipv4_port_free() {
    let v6 = Udp::bind((Ipv6Addr::UNSPECIFIED, 0).into()).expect("a free port");
    let v4 = Udp::bind((Ipv4Addr::UNSPECIFIED, v6.local().port()).into()).expect("the port is free for IPv4");
    assert_eq!(v4.local().port(), v6.local().port());
    let taken = Udp::bind(v4.local()).map(|second| second.local());
    assert_eq!(taken.map_err(|error| error.kind()), Err(io::ErrorKind::AddrInUse));
}

#[test]
fn a_reader_that_panicked_goes_on_with_what_waits() {
    let udp = bound(LOOPBACKS[0]);
    let (phone, address) = peer(LOOPBACKS[0]);
    for text in ["good", "poison", "next"] {
        phone.send_to(text.as_bytes(), udp.local()).expect("it is sent");
    }
    let mut read = Vec::new();
    for _ in 0..2 {
        let reading = Arc::clone(&udp).run(|arrival| {
            let poisoned = arrival == datagram(&b"poison"[..], address);
            read.push(arrival);
            // The last one ends the test.
            assert!(!poisoned && read.len() < 3, "the handler panics");
        });
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| runtime().block_on(reading)));
        assert!(ended.is_err(), "{ended:?}");
    }
    assert_eq!(read, ["good", "poison", "next"].map(|text| datagram(text, address)));
}

#[test]
fn a_socket_that_is_shut_down_ends_its_reader() {
    let udp = bound(LOOPBACKS[0]);
    // The kernel complains that there is no connection, and shuts it down all the same.
    drop(socket2::SockRef::from(&udp.socket).shutdown(std::net::Shutdown::Both));
    let ended = runtime().block_on(async { tokio::time::timeout(PATIENCE, udp.run(|_| {})).await });
    let error = ended.expect("it ends").map(|_| ()).expect_err("there is nothing more to read");
    assert_eq!(error.kind(), io::ErrorKind::NotConnected);
}

#[test]
fn a_socket_that_only_fails_ends_its_reader_within_two_batches() {
    let mut reader = Reader::default();
    let mut reads = 0;
    let ended = (0..3).find_map(|_| {
        let failing = |_, _: &mut _| {
            reads += 1;
            Err(io::ErrorKind::BrokenPipe.into())
        };
        reader.batch(Queue::Datagrams, failing, |arrival| panic!("{arrival:?}")).err()
    });
    assert_eq!((ended.map(|error| error.kind()), reads), (Some(io::ErrorKind::BrokenPipe), STRIKES));
}

#[test]
fn failures_with_arrivals_between_them_never_end_a_reader() {
    let mut reader = Reader::default();
    let (_, remote) = peer(LOOPBACKS[0]);
    let (mut reads, mut arrived) = (0, 0);
    for _ in 0..20 {
        let mostly_failing = |_, _: &mut _| {
            reads += 1;
            match reads % STRIKES {
                0 => Ok(Some(datagram(&b"x"[..], remote))),
                _ => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        };
        reader
            .batch(Queue::Datagrams, mostly_failing, |_| arrived += 1)
            .expect("it lives, with more to read");
    }
    assert_eq!(arrived, 20 * BATCH / STRIKES);
}

#[test]
fn the_socket_of_an_earlier_process_is_taken_up_with_what_waits_there() {
    for ip in LOOPBACKS {
        let (left, address) = peer(ip);
        left.set_nonblocking(false).expect("any state");
        let (phone, its_address) = peer(ip);
        phone.send_to(b"INVITE", address).expect("it is sent");
        let udp = Arc::new(Udp::adopt(left.into(), address).expect("it is the one"));
        assert_eq!(udp.local(), address);
        let (sender, arrivals) = mpsc::channel();
        runtime().block_on(async {
            let reading = Arc::clone(&udp).run(move |arrival| drop(sender.send(arrival)));
            drop(tokio::time::timeout(Duration::from_millis(1), reading).await);
        });
        assert_eq!(arrivals.try_recv(), Ok(datagram(&b"INVITE"[..], its_address)), "{ip}");
    }
}

#[test]
fn a_socket_that_is_bound_elsewhere_or_of_another_kind_is_not_taken_up() {
    let ip = LOOPBACKS[0];
    let other = || OwnedFd::from(peer(ip).0);
    assert!(Udp::adopt(other(), SocketAddr::new(ip, 1)).is_err(), "another port");
    assert!(Udp::adopt(other(), SocketAddr::new(LOOPBACKS[1], 0)).is_err(), "another family");
    assert!(Udp::adopt(other(), SocketAddr::new(ip, 0)).is_ok(), "any port is wanted");
    let any = SocketAddr::new(ip, 0);
    let listener = || OwnedFd::from(tcp::listen(any).expect("loopback has free ports"));
    assert!(Udp::adopt(listener(), any).is_err(), "a stream");
    assert!(tcp::adopt(listener(), any).is_ok());
    assert!(tcp::adopt(other(), any).is_err(), "no stream");
    let quiet = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a descriptor");
    quiet.bind(&any.into()).expect("loopback has free ports");
    assert!(tcp::adopt(quiet.into(), any).is_err(), "it does not listen");
}
