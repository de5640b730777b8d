//! The way of a socket to a parent and back, over real channels.
//! Nothing here may depend on how fast a thread is.

use std::net::UdpSocket;
use std::os::fd::BorrowedFd;

use rustix::net::{AddressFamily, SocketFlags, socketpair};

use super::*;

/// A socket, and what to send through it to know it again.
fn socket() -> UdpSocket {
    UdpSocket::bind(("127.0.0.1", 0)).expect("a free port")
}

fn port(socket: impl Into<OwnedFd>) -> u16 {
    UdpSocket::from(socket.into()).local_addr().expect("bound").port()
}

/// A switch that starts, and its parent's end: everything is handed on by a thread of its own, as by a process.
fn start(store: &Store) -> (Keeper, Inherited, Channel) {
    let (mut channel, other) = store.open().expect("a channel");
    let parent = std::thread::spawn(move || {
        while channel.is_due() {
            channel.hand_on().expect("the switch reads");
            std::thread::yield_now();
        }
        channel
    });
    let (keeper, inherited) = Keeper::of_parent(other);
    (keeper, inherited, parent.join().expect("it ends"))
}

/// The switch dies; its parent hears it out.
fn bury(store: &mut Store, mut channel: Channel, keeper: Keeper) {
    // The thread of the deposit would hold the channel open as long as somebody is at its other end.
    drop(keeper);
    channel.hear_out(store).expect("it spoke properly");
}

fn names(store: &Store) -> Vec<&str> {
    store.names().collect()
}

fn send(channel: &OwnedFd, bytes: &[u8], descriptors: &[BorrowedFd]) {
    parcel::send(channel, bytes, descriptors).expect("there is room");
}

#[test]
fn a_socket_that_is_kept_comes_back_with_what_came_meanwhile() {
    let mut store = Store::new(16);
    let (keeper, inherited, channel) = start(&store);
    assert_eq!(inherited.names().count(), 0);
    let (kept, forgotten, peer) = (socket(), socket(), socket());
    let address = kept.local_addr().expect("bound");
    keeper.keep("udp/kept", &kept);
    keeper.keep("udp/forgotten", &forgotten);
    keeper.forget("udp/forgotten");
    bury(&mut store, channel, keeper);
    drop(kept);
    peer.send_to(b"anybody there?", address).expect("sent");

    let (_keeper, mut inherited, _channel) = start(&store);
    assert_eq!(inherited.names().collect::<Vec<_>>(), ["udp/kept"]);
    let kept = UdpSocket::from(inherited.take("udp/kept").expect("it was kept"));
    assert_eq!(kept.local_addr().ok(), Some(address));
    let mut buffer = [0; 64];
    let length = kept.recv(&mut buffer).expect("a datagram waits");
    assert_eq!(&buffer[..length], b"anybody there?");
    assert!(inherited.take("udp/kept").is_none(), "there is one");
}

#[test]
fn sockets_come_in_several_messages_and_each_under_its_own_name() {
    let mut store = Store::new(1_000);
    let (keeper, _, channel) = start(&store);
    let sockets: Vec<UdpSocket> = (0..600).map(|_| socket()).collect();
    let ports: HashMap<String, u16> = sockets
        .iter()
        .enumerate()
        .map(|(place, socket)| (format!("rtp/{place}"), socket.local_addr().expect("bound").port()))
        .collect();
    let mut channel = channel;
    for (place, socket) in sockets.into_iter().enumerate() {
        keeper.keep(&format!("rtp/{place}"), &socket);
        if place % 100 == 0 {
            channel.hear(&mut store).expect("it spoke properly");
        }
    }
    while store.len() < 600 {
        channel.hear(&mut store).expect("it spoke properly");
        std::thread::yield_now();
    }
    let (_keeper, mut inherited, _channel) = start(&store);
    assert_eq!(inherited.names().count(), 600);
    for (name, its_port) in ports {
        assert_eq!(inherited.take(&name).map(port), Some(its_port), "{name}");
    }
}

#[test]
fn what_nobody_takes_is_closed_and_forgotten_but_only_when_the_start_has_succeeded() {
    let mut store = Store::new(16);
    let (keeper, _, channel) = start(&store);
    keeper.keep("a", socket());
    keeper.keep("b", socket());
    bury(&mut store, channel, keeper);

    let (keeper, inherited, channel) = start(&store);
    drop(inherited);
    bury(&mut store, channel, keeper);
    assert_eq!(store.len(), 2, "a start that failed costs nothing");

    let (keeper, mut inherited, channel) = start(&store);
    let taken = inherited.take("a");
    assert_eq!(inherited.close_rest(), 1);
    bury(&mut store, channel, keeper);
    assert_eq!((taken.is_some(), store.len()), (true, 1));
    let (_, inherited, _) = start(&store);
    assert_eq!(inherited.names().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_parent_holds_no_more_than_its_limit_and_replaces_what_has_the_same_name() {
    let mut store = Store::new(2);
    let (keeper, _, channel) = start(&store);
    let last = socket();
    for (name, socket) in [("a", &socket()), ("b", &socket()), ("c", &socket()), ("a", &last)] {
        keeper.keep(name, socket);
    }
    bury(&mut store, channel, keeper);
    assert_eq!((store.len(), store.refused(), store.refused()), (2, 1, 0));
    let (_, mut inherited, _) = start(&store);
    assert_eq!(inherited.take("a").map(port), Some(port(last)));
}

#[test]
fn a_switch_that_says_no_word_is_heard_no_more_and_what_was_kept_is_kept() {
    let one = socket();
    let (one, two) = (one.as_fd(), [one.as_fd(), one.as_fd()]);
    let long = [b"K".as_slice(), &[b'n'; 256]].concat();
    let broken: [(&[u8], &[BorrowedFd]); 8] = [
        (b"X", &[]),
        (b"Kname", &[]),
        (b"Kname", &two),
        (b"Fname", &[one]),
        (b"K", &[one]),
        (b"F", &[]),
        (b"K\xff", &[one]),
        (&long, &[one]),
    ];
    for (bytes, descriptors) in broken {
        let mut store = Store::new(16);
        let (mut channel, other) = store.open().expect("a channel");
        send(&other, b"Kbefore", &[one]);
        send(&other, bytes, descriptors);
        send(&other, b"Kafter", &[one]);
        let refused = channel.hear(&mut store);
        assert!(matches!(refused, Err(ChannelError::Broken(_))), "{bytes:?}: {refused:?}");
        assert_eq!(names(&store), ["before"], "{bytes:?}");
    }
}

#[test]
fn a_switch_goes_on_without_a_parent_that_it_does_not_understand() {
    let one = socket();
    let one = one.as_fd();
    let broken: [(&[u8], &[BorrowedFd]); 6] = [
        (b"X", &[]),
        (b"H\x01a", &[]),
        (b"H\x01a", &[one, one]),
        (b"H\x05a", &[one]),
        (b"H\x00", &[one]),
        (b"E?", &[]),
    ];
    for (bytes, descriptors) in broken {
        let (parent, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .expect("a channel");
        send(&parent, b"H\x04kept", &[one]);
        send(&parent, bytes, descriptors);
        let (keeper, mut inherited) = Keeper::of_parent(other);
        assert!(!keeper.is_there(), "{bytes:?}");
        assert!(inherited.complaint.is_some(), "{bytes:?}");
        assert!(inherited.take("kept").is_some(), "{bytes:?}: what came before is used");
        keeper.keep("more", one);
    }
}

#[test]
fn the_last_words_of_a_switch_that_died_with_something_unread_are_heard() {
    let mut store = Store::new(16);
    store.grant(parcel::Wish::Keep("old".into(), socket().into()));
    let (mut channel, other) = store.open().expect("a channel");
    channel.hand_on().expect("there is room");
    send(&other, b"Kname", &[socket().as_fd()]);
    drop(other);
    channel.hear_out(&mut store).expect("it spoke properly");
    assert_eq!(names(&store), ["name", "old"]);
}

#[test]
fn what_finds_no_room_is_said_later_in_the_right_order() {
    let mut store = Store::new(usize::MAX);
    let (keeper, _, mut channel) = start(&store);
    let one = socket();
    // More than any channel takes at once.
    for n in 0..20_000 {
        keeper.forget(&format!("{n}/{}", "x".repeat(200)));
    }
    keeper.keep("first", &one);
    keeper.keep("second", &one);
    keeper.forget("first");
    while names(&store) != ["second"] {
        channel.hear(&mut store).expect("it spoke properly");
        std::thread::yield_now();
    }
}

#[test]
fn a_parent_that_is_gone_costs_nothing_but_the_keeping() {
    let store = Store::new(16);
    let (keeper, mut inherited, channel) = start(&store);
    drop(channel);
    for n in 0..10 {
        keeper.keep(&n.to_string(), socket());
        keeper.forget(&n.to_string());
    }
    assert_eq!(inherited.close_rest(), 0);
}

#[test]
fn without_a_keeper_nothing_is_kept_and_nothing_fails() {
    let keeper = Keeper::default();
    keeper.keep("name", socket());
    keeper.forget("name");
    assert!(!keeper.is_there());
}
