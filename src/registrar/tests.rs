//! The shared table of phones.
//! Nothing here must depend on the order in which the table keeps its users.

use std::thread;

use super::*;
use crate::sip::message::{CSeq, HeaderName, Host, Method, NameAddr, Transport};

fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

fn registrar() -> Registrar {
    Registrar::new(Bounds { min: 60, max: 7200, default: 3600, limit: 10 })
}

fn flow(port: u16, connection: Option<u64>) -> Flow {
    let transport = if connection.is_some() { Transport::Tcp } else { Transport::Udp };
    let (local, remote) = (([192, 0, 2, 10], 5060).into(), ([198, 51, 100, 7], port).into());
    Flow { transport, connection, ..Flow::udp(local, remote) }
}

fn register(contact: &str, cseq: u32) -> Request {
    let domain = || Host::Name("trunkline.example".into());
    let alice = NameAddr::new(Uri::sip(Some("alice"), domain(), None));
    let mut request = Request::new(Method::Register, Uri::sip(None, domain(), None));
    let headers = request.headers_mut();
    headers.push(HeaderName::Via, format!("SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK{cseq}"));
    headers.push(HeaderName::From, alice.clone().with_tag("1"));
    headers.push(HeaderName::To, alice);
    headers.push(HeaderName::CallId, contact.split(';').next().unwrap());
    headers.push(HeaderName::CSeq, CSeq { number: cseq, method: Method::Register });
    headers.push(HeaderName::Contact, contact);
    request
}

fn hosts(bindings: &[Binding]) -> Vec<String> {
    bindings.iter().map(|binding| binding.contact.uri.to_string()).collect()
}

#[test]
fn the_preferred_phone_rings_first_and_among_equals_the_latest() {
    let registrar = registrar();
    for (second, contact) in [(1, "<sip:a@old>"), (2, "<sip:a@new>"), (3, "<sip:a@voicemail>;q=0.1")] {
        registrar.register("alice", &register(contact, 1), &flow(1, None), at(second));
    }
    assert_eq!(hosts(&registrar.lookup("alice", at(4))), ["sip:a@new", "sip:a@old", "sip:a@voicemail"]);
    assert!(registrar.lookup("bob", at(4)).is_empty());
}

#[test]
fn lapsed_phones_are_neither_found_nor_listed_nor_kept() {
    let registrar = registrar();
    registrar.register("bob", &register("<sip:b@h1>;expires=60", 1), &flow(1, None), at(1));
    registrar.register("alice", &register("<sip:a@h1>;expires=90", 1), &flow(1, None), at(1));
    let users = |now| registrar.list(at(now)).into_iter().map(|(user, _)| user).collect::<Vec<_>>();
    assert_eq!(users(2), ["alice", "bob"]);
    assert_eq!(users(61), ["alice"]);
    assert!(registrar.lookup("bob", at(61)).is_empty());
    assert_eq!(registrar.expire(at(61)), 1);
    assert_eq!(registrar.snapshot().into_keys().collect::<Vec<_>>(), ["alice"]);
}

#[test]
fn a_telephone_that_registered_anew_is_found_by_its_new_connection() {
    let registrar = registrar();
    let contact: Uri = "sip:a@10.0.0.7:5062;transport=tcp".parse().unwrap();
    assert_eq!(registrar.flow_of("alice", &contact, at(1)), None);
    let value = format!("<{contact}>;expires=60");
    registrar.register("alice", &register(&value, 1), &flow(4000, Some(7)), at(1));
    registrar.register("alice", &register(&value, 2), &flow(4001, Some(8)), at(2));
    registrar.register("alice", &register("<sip:a@10.0.0.8>", 1), &flow(4002, Some(9)), at(3));
    registrar.register("mallory", &register(&value, 1), &flow(6666, Some(66)), at(4));
    assert_eq!(
        registrar.flow_of("alice", &contact, at(4)),
        Some(flow(4001, Some(8))),
        "not who has copied it"
    );
    assert_eq!(registrar.flow_of("bob", &contact, at(4)), None);
    let until = |connection| registrar.registered_until("alice", &flow(4001, connection), at(4));
    assert_eq!((until(Some(8)), until(Some(7))), (Some(at(62)), None));
    assert_eq!(registrar.flow_of("alice", &contact, at(63)), None);
}

#[test]
fn a_lost_connection_takes_its_phones_along_and_leaves_those_on_udp() {
    let registrar = registrar();
    registrar.register("alice", &register("<sip:a@tcp>", 1), &flow(4000, Some(7)), at(1));
    registrar.register("alice", &register("<sip:a@other>", 1), &flow(4001, Some(8)), at(1));
    registrar.register("alice", &register("<sip:a@udp>", 1), &flow(4000, None), at(1));
    assert_eq!(registrar.flow_failed(&flow(4000, Some(7))), 1);
    let mut left = hosts(&registrar.lookup("alice", at(2)));
    left.sort();
    assert_eq!(left, ["sip:a@other", "sip:a@udp"]);
}

#[test]
fn phones_survive_a_restart_from_the_snapshot() {
    let first = registrar();
    first.register("alice", &register("<sip:a@h1>", 5), &flow(1, None), at(1));
    let mut bytes = Vec::new();
    ciborium::into_writer(&first.snapshot(), &mut bytes).unwrap();
    let second =
        Registrar::restore(*first.bounds.load_full(), ciborium::from_reader(bytes.as_slice()).unwrap());
    assert_eq!(second.list(at(2)), first.list(at(2)));
    let late = second.register("alice", &register("<sip:a@h1>", 4), &flow(1, None), at(2));
    assert_eq!(late.status().code(), 500, "the order of requests is kept, too");
}

#[test]
fn threads_that_register_at_once_lose_nothing() {
    let registrar = registrar();
    thread::scope(|scope| {
        for thread in 0..4 {
            let registrar = registrar.clone();
            scope.spawn(move || {
                for user in 0..100 {
                    let contact = format!("<sip:a@h{thread}>");
                    registrar.register(&format!("user{user}"), &register(&contact, 1), &flow(1, None), at(1));
                }
            });
        }
    });
    assert_eq!(registrar.list(at(2)).len(), 400);
}
