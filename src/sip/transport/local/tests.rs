//! The choice of addresses as a table, with invented routes; and the kernel's routes where every host has them.
//! Nothing here depends on the interfaces of the machine.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::*;

/// A clock that is set by hand.
#[derive(Debug, Default)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Moment {
        Moment::from_micros(self.0.load(Ordering::Relaxed))
    }

    fn wall(&self) -> u64 {
        0
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A host with a private interface, a public one, IPv6, and no way to 192.0.2.0/24.
fn invented_route(remote: IpAddr) -> io::Result<IpAddr> {
    match remote.to_string().as_str() {
        "127.0.0.1" | "::1" => Ok(remote),
        host if host.starts_with("192.168.1.") => Ok(ip("192.168.1.10")),
        host if host.starts_with("192.0.2.") => Err(io::ErrorKind::NetworkUnreachable.into()),
        host if host.contains(':') => Ok(ip("2001:db8::10")),
        _ => Ok(ip("198.51.100.10")),
    }
}

fn addresses(toml: &str) -> LocalAddresses {
    let config: Config = toml::from_str(toml).expect("a configuration");
    LocalAddresses::with_routes(&config, Arc::new(HandClock::default()), Box::new(invented_route))
}

#[test]
fn each_peer_sees_the_address_that_it_can_reach() {
    const AUTO: &str = "";
    const ROUTER: &str = "sip.advertised = '203.0.113.7'\nmedia.advertised = '203.0.113.7'";
    const CONTAINER: &str = "sip.advertised = '203.0.113.7:5070'\nmedia.address = '0.0.0.0'
        media.advertised = '203.0.113.7'\nlocal_networks.ranges = ['10.0.0.0/8']";
    const ONE_INTERFACE: &str = "media.address = '192.168.1.11'\nmedia.advertised = '203.0.113.8'";
    const ANY: &str = "0.0.0.0:5060";
    const ANY6: &str = "[::]:5060";

    #[rustfmt::skip]
    let table = [
        // configuration, socket, peer          -> in Via and Contact,     RTP bound to,    in SDP
        (AUTO, ANY, "127.0.0.1",                   "127.0.0.1:5060",       "127.0.0.1",     "127.0.0.1"),
        (AUTO, ANY, "192.168.1.50",                "192.168.1.10:5060",    "192.168.1.10",  "192.168.1.10"),
        (AUTO, ANY, "198.51.100.99",               "198.51.100.10:5060",   "198.51.100.10", "198.51.100.10"),
        (AUTO, ANY, "::ffff:192.168.1.50",         "192.168.1.10:5060",    "192.168.1.10",  "192.168.1.10"),
        (AUTO, ANY6, "::1",                        "[::1]:5060",           "::1",           "::1"),
        (AUTO, ANY6, "2001:db8::99",               "[2001:db8::10]:5060",  "2001:db8::10",  "2001:db8::10"),
        (AUTO, "192.168.1.10:5062", "198.51.100.99", "192.168.1.10:5062",  "198.51.100.10", "198.51.100.10"),
        (AUTO, ANY, "192.0.2.1",                   "127.0.0.1:5060",       "0.0.0.0",       "127.0.0.1"),
        (ROUTER, ANY, "127.0.0.1",                 "127.0.0.1:5060",       "127.0.0.1",     "127.0.0.1"),
        (ROUTER, ANY, "192.168.1.50",              "192.168.1.10:5060",    "192.168.1.10",  "192.168.1.10"),
        (ROUTER, ANY, "::ffff:192.168.1.50",       "192.168.1.10:5060",    "192.168.1.10",  "192.168.1.10"),
        (ROUTER, ANY, "198.51.100.99",             "203.0.113.7:5060",     "198.51.100.10", "203.0.113.7"),
        (ROUTER, "192.168.1.10:5062", "198.51.100.99", "203.0.113.7:5062", "198.51.100.10", "203.0.113.7"),
        (ROUTER, ANY, "192.0.2.1",                 "203.0.113.7:5060",     "0.0.0.0",       "203.0.113.7"),
        (ROUTER, ANY6, "2001:db8::99",             "[2001:db8::10]:5060",  "2001:db8::10",  "2001:db8::10"),
        (CONTAINER, ANY, "127.0.0.1",              "127.0.0.1:5060",       "0.0.0.0",       "127.0.0.1"),
        (CONTAINER, ANY, "10.1.2.3",               "198.51.100.10:5060",   "0.0.0.0",       "198.51.100.10"),
        (CONTAINER, ANY, "192.168.1.50",           "203.0.113.7:5070",     "0.0.0.0",       "203.0.113.7"),
        (CONTAINER, ANY, "198.51.100.99",          "203.0.113.7:5070",     "0.0.0.0",       "203.0.113.7"),
        (ONE_INTERFACE, ANY, "192.168.1.50",       "192.168.1.10:5060",    "192.168.1.11",  "192.168.1.11"),
        (ONE_INTERFACE, ANY, "198.51.100.99",      "198.51.100.10:5060",   "192.168.1.11",  "203.0.113.8"),
        (ONE_INTERFACE, ANY6, "2001:db8::99",      "[2001:db8::10]:5060",  "2001:db8::10",  "2001:db8::10"),
    ];
    for (config, listen, remote, told, bound, sound) in table {
        let addresses = addresses(config);
        let listen = listen.parse().expect("a socket address");
        let remote = ip(remote);
        let seen = (
            addresses.advertised(listen, remote).to_string(),
            addresses.media_bind_ip(remote).to_string(),
            addresses.media_advertised_ip(remote).to_string(),
        );
        let wanted = (told.to_owned(), bound.to_owned(), sound.to_owned());
        assert_eq!(seen, wanted, "{remote} at {listen} with `{config}`");
    }
}

#[test]
fn sound_of_peers_on_different_networks_comes_in_at_every_address() {
    for (peers, bound) in [
        (&["192.168.1.50"][..], "192.168.1.10"),
        (&["192.168.1.50", "192.168.1.51"], "192.168.1.10"),
        (&["192.168.1.50", "198.51.100.99"], "0.0.0.0"),
        (&["2001:db8::99", "2001:db8::98"], "2001:db8::10"),
    ] {
        let addresses = addresses("");
        let mut peers = peers.iter().map(|peer| ip(peer));
        let first = peers.next().expect("there is one");
        assert_eq!(addresses.media_bind_ip_of(first, peers).to_string(), bound);
    }
}

#[test]
fn the_kernel_leads_to_loopback_from_loopback() {
    let addresses = LocalAddresses::new(&Config::default(), Arc::new(HandClock::default()));
    for host in ["127.0.0.1", "::1"].map(ip) {
        assert_eq!(addresses.towards(host), Some(host));
        assert_eq!(addresses.media_bind_ip(host), host);
    }
}

/// Addresses that count their look-ups; the local address changes with each.
fn counting() -> (LocalAddresses, Arc<AtomicUsize>, Arc<HandClock>) {
    let (count, clock) = (Arc::new(AtomicUsize::new(0)), Arc::new(HandClock::default()));
    let counter = Arc::clone(&count);
    let look_up = move |remote| {
        let before = counter.fetch_add(1, Ordering::Relaxed);
        if remote == ip("192.0.2.1") {
            return Err(io::ErrorKind::NetworkUnreachable.into());
        }
        Ok(IpAddr::from([10, 0, 0, before as u8]))
    };
    let told: Arc<dyn Clock> = clock.clone();
    (LocalAddresses::with_routes(&Config::default(), told, Box::new(look_up)), count, clock)
}

#[test]
fn a_route_is_looked_up_once_and_anew_when_it_is_old() {
    let (addresses, count, clock) = counting();
    let peer = ip("198.51.100.1");
    assert_eq!(addresses.towards(peer), Some(ip("10.0.0.0")));
    clock.0.store(9_999_999, Ordering::Relaxed);
    assert_eq!(addresses.towards(peer), Some(ip("10.0.0.0")));
    clock.0.store(10_000_000, Ordering::Relaxed);
    assert_eq!(addresses.towards(peer), Some(ip("10.0.0.1")));
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

#[test]
fn a_missing_route_is_not_remembered() {
    let (addresses, count, _) = counting();
    for _ in 0..3 {
        assert_eq!(addresses.towards(ip("192.0.2.1")), None);
    }
    assert_eq!(count.load(Ordering::Relaxed), 3);
}

#[test]
fn a_flood_of_peers_does_not_make_the_table_grow() {
    let (addresses, _, _) = counting();
    for peer in 0..3 * ROUTES as u32 {
        addresses.towards(IpAddr::V4(Ipv4Addr::from_bits(0xC633_0000 + peer)));
        assert!(addresses.routes.len() <= ROUTES);
    }
}
