use super::*;

fn table(per_source: usize, total: usize) -> Arc<Connections> {
    let limits = config::Connections { per_source, total, ..config::Connections::default() };
    Arc::new(Connections::new(limits, 1_000))
}

fn local() -> SocketAddr {
    ([192, 0, 2, 1], 5060).into()
}

fn remote(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn accept(table: &Arc<Connections>, from: &str) -> Result<Place, Refusal> {
    table.accept(Transport::Tcp, local(), remote(from))
}

fn towards(name: Option<&str>) -> Flow {
    let flow = Flow::udp(local(), remote("198.51.100.7:5061"));
    Flow { transport: Transport::Tls, name: name.map(str::to_owned), ..flow }
}

fn message() -> Bytes {
    Bytes::from_static(b"OPTIONS")
}

#[test]
fn a_source_has_no_more_connections_than_its_share_and_gets_those_back_that_it_closes() {
    let table = table(2, 10);
    let first = accept(&table, "198.51.100.7:1").expect("one");
    let _second = accept(&table, "198.51.100.7:2").expect("two");
    assert_eq!(accept(&table, "198.51.100.7:3").err(), Some(Refusal::Source));
    let _other = accept(&table, "198.51.100.8:1").expect("another source");
    drop(first);
    let _third = accept(&table, "[::ffff:198.51.100.7]:3").expect("the same source, written differently");
    assert_eq!(accept(&table, "198.51.100.7:4").err(), Some(Refusal::Source));
    assert_eq!((table.count(), table.refused()), (3, 2));
}

#[test]
fn the_addresses_of_one_ipv6_network_are_one_source() {
    let table = table(1, 10);
    let _one = accept(&table, "[2001:db8:1:2:3::1]:1").expect("one");
    assert_eq!(accept(&table, "[2001:db8:1:2:4::9]:1").err(), Some(Refusal::Source));
    let _other = accept(&table, "[2001:db8:1:3::1]:1").expect("another network");
}

#[test]
fn the_whole_is_bounded_and_nothing_is_left_of_those_that_ended() {
    let table = table(2, 2);
    let places = [accept(&table, "198.51.100.7:1"), accept(&table, "198.51.100.8:1")];
    assert_eq!(accept(&table, "198.51.100.9:1").err(), Some(Refusal::Total));
    assert_eq!(table.to(&towards(None)).err(), Some(Refusal::Total));
    drop(places);
    let opened = table.to(&towards(None)).expect("there is room again");
    assert_eq!(table.count(), 1);
    drop(opened);
    let is_empty = table.links.is_empty() && table.peers.is_empty() && table.sources.is_empty();
    assert!(is_empty && table.count() == 0, "{table:?}");
}

#[test]
fn a_second_message_to_the_same_peer_takes_the_same_connection() {
    let table = table(2, 10);
    let Ok(Way::New(place)) = table.to(&towards(Some("gw.example.com"))) else { panic!("nothing is open") };
    let Ok(Way::There(link)) = table.to(&towards(Some("gw.example.com"))) else { panic!("it is open") };
    assert_eq!(link.id(), place.link().id());
    assert!(table.offer(&towards(Some("gw.example.com")), message()));
    // Who proved to be one name has not proved to be another.
    assert!(!table.offer(&towards(Some("other.example.com")), message()));
    assert!(matches!(table.to(&towards(Some("other.example.com"))), Ok(Way::New(_))));
    drop(place);
    assert!(!table.offer(&towards(Some("gw.example.com")), message()));
    assert!(matches!(table.to(&towards(Some("gw.example.com"))), Ok(Way::New(_))));
}

#[test]
fn an_id_of_a_connection_that_is_gone_means_no_other() {
    let table = table(2, 10);
    let place = accept(&table, "198.51.100.7:1").expect("one");
    let flow = place.link().flow().clone();
    assert!(table.is_open(&flow) && table.offer(&flow, message()));
    drop(place);
    let _next = accept(&table, "198.51.100.7:1").expect("the same port again");
    assert!(!table.is_open(&flow) && !table.offer(&flow, message()));
}

#[tokio::test]
async fn a_peer_that_does_not_read_loses_its_connection_instead_of_filling_memory() {
    let table = table(2, 10);
    let mut place = accept(&table, "198.51.100.7:1").expect("one");
    let flow = place.link().flow().clone();
    let large = Bytes::from(vec![b'x'; 64 << 10]);
    let taken = (0..100).take_while(|_| table.offer(&flow, large.clone())).count();
    assert_eq!(taken, 8, "half a megabyte");
    place.link().closed().await;
    // What the kernel took makes room.
    let mut waiting = place.take_waiting().expect("nobody has it yet");
    let sent = waiting.next().await.expect("a message waits");
    assert!(!table.offer(&flow, large.clone()), "it is not the kernel's yet");
    waiting.sent(sent.len());
    assert!(table.offer(&flow, large));
    assert!(place.take_waiting().is_none());
}

#[test]
fn many_small_messages_are_bounded_too() {
    let table = table(2, 10);
    let place = accept(&table, "198.51.100.7:1").expect("one");
    let flow = place.link().flow().clone();
    let taken = (0..1_000).take_while(|_| table.offer(&flow, message())).count();
    assert_eq!(taken, 256);
}

#[test]
fn a_registration_holds_a_connection_and_a_shorter_one_does_not_let_go_of_it() {
    let table = table(2, 10);
    let place = accept(&table, "198.51.100.7:1").expect("one");
    let at = |seconds: u64| Moment::from_micros(seconds * 1_000_000);
    assert_eq!(place.link().held_until(), Moment::default());
    table.hold(place.link().flow(), at(60));
    table.hold(place.link().flow(), at(30));
    assert_eq!(place.link().held_until(), at(60));
}
