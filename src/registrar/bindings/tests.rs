//! Each rule of RFC 3261 §10.3, told by a phone that registers.
//! Nothing here must depend on more than the message and the time.

use bytes::Bytes;

use super::*;
use crate::sip::message::{Limits, Message};

const BOUNDS: Bounds = Bounds { min: 60, max: 7200, default: 3600, limit: 3 };

fn at(seconds: u64) -> Moment {
    Moment::from_micros(seconds * 1_000_000)
}

fn flow() -> Flow {
    let (local, remote) = ("192.0.2.10:5060".parse().unwrap(), "198.51.100.7:40123".parse().unwrap());
    Flow::udp(local, remote)
}

fn register(call_id: &str, cseq: u32, headers: &[&str]) -> Request {
    let mut text = format!(
        "REGISTER sip:trunkline.example SIP/2.0\r\n\
         Via: SIP/2.0/UDP 198.51.100.7:40123;branch=z9hG4bK{call_id}{cseq}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:alice@trunkline.example>;tag=1\r\n\
         To: <sip:alice@trunkline.example>\r\n\
         Call-ID: {call_id}\r\n\
         CSeq: {cseq} REGISTER\r\n\
         User-Agent: Blink 1.0\r\n"
    );
    headers.iter().for_each(|header| text.extend([header, "\r\n"]));
    text.push_str("Content-Length: 0\r\n\r\n");
    match Message::parse(Bytes::from(text), &Limits::default()) {
        Ok(Message::Request(request)) => request,
        _ => panic!("{headers:?}"),
    }
}

/// The user's bindings and the phone's view of them.
#[derive(Default)]
struct Account(Bindings);

impl Account {
    fn with(contacts: &str) -> Self {
        let mut account = Self::default();
        assert_eq!(account.send("first", 1, &[contacts], 1000).0, 200);
        account
    }

    /// Status code and Contact values of the answer.
    fn send(&mut self, call_id: &str, cseq: u32, headers: &[&str], now: u64) -> (u16, Vec<String>) {
        let answer = self.0.update(&register(call_id, cseq, headers), &flow(), &BOUNDS, at(now));
        let contacts = answer.headers().all(&HeaderName::Contact).map(|value| value.into_owned()).collect();
        (answer.status().code(), contacts)
    }

    fn contacts(&self, now: u64) -> Vec<String> {
        self.0.live(at(now)).map(|binding| binding.contact.uri.to_string()).collect()
    }
}

#[test]
fn a_phone_is_bound_to_where_it_registered_from() {
    let mut account = Account::default();
    let contact =
        r#"Contact: "A" <sip:alice@10.0.0.7:5060>;q=0.5;expires=120;+sip.instance="<urn:uuid:f81d>""#;
    let answer = account.0.update(&register("a", 7, &[contact]), &flow(), &BOUNDS, at(1000));
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers().to().unwrap().tag().is_some(), "RFC 3261 §8.2.6.2");
    let binding = account.0.live(at(1000)).next().unwrap();
    assert_eq!(binding.contact.uri.to_string(), "sip:alice@10.0.0.7:5060");
    assert_eq!((binding.flow.clone(), binding.received), (flow(), flow().remote));
    assert_eq!((binding.call_id.as_str(), binding.cseq, binding.q), ("a", 7, 0.5));
    assert_eq!((binding.registered, binding.expires), (at(1000), at(1120)));
    assert_eq!(binding.user_agent.as_deref(), Some("Blink 1.0"));
    assert_eq!(binding.instance.as_deref(), Some("<urn:uuid:f81d>"));
}

#[test]
fn the_answer_lists_all_bindings_with_the_time_that_each_has_left() {
    let mut account = Account::with("Contact: <sip:a@desk>;q=0.7;expires=600");
    let (status, contacts) = account.send("other", 1, &["Contact: <sip:a@mobile>", "Expires: 300"], 1100);
    assert_eq!(status, 200);
    assert_eq!(contacts, ["<sip:a@desk>;q=0.7;expires=500", "<sip:a@mobile>;expires=300"]);
}

#[test]
fn a_register_without_contact_only_asks() {
    let mut account = Account::with("Contact: <sip:a@desk>;expires=600");
    assert_eq!(
        account.send("other", 1, &["Expires: 0"], 1001),
        (200, vec!["<sip:a@desk>;expires=599".into()])
    );
    assert_eq!(Account::default().send("other", 1, &[], 1001), (200, vec![]));
}

#[test]
fn the_contacts_own_time_counts_before_the_headers_and_both_before_the_default() {
    let seconds = |headers: &[&str]| {
        let mut account = Account::default();
        assert_eq!(account.send("a", 1, headers, 1000).0, 200);
        account.0.next_deadline().unwrap().since(at(1000)).as_secs()
    };
    assert_eq!(seconds(&["Contact: <sip:a@b>;expires=100", "Expires: 200"]), 100);
    assert_eq!(seconds(&["Contact: <sip:a@b>", "Expires: 200"]), 200);
    assert_eq!(seconds(&["Contact: <sip:a@b>"]), 3600);
    assert_eq!(seconds(&["Contact: <sip:a@b>;expires=100000"]), 7200, "cut to the longest");
    assert_eq!(
        seconds(&["Contact: <sip:a@b>;expires=soon", "Expires: 200"]),
        3600,
        "malformed is the default"
    );
    assert_eq!(seconds(&["Contact: <sip:a@b>;expires=99999999999"]), 3600);
}

#[test]
fn who_asks_for_too_little_learns_how_much_it_must_be() {
    let mut account = Account::default();
    let request = register("a", 1, &["Contact: <sip:a@b>;expires=59"]);
    let answer = account.0.update(&request, &flow(), &BOUNDS, at(1000));
    assert_eq!(answer.status(), StatusCode::INTERVAL_TOO_BRIEF);
    assert_eq!(answer.headers().get(&HeaderName::MinExpires).as_deref(), Some("60"));
    assert!(account.0.is_empty());
}

#[test]
fn zero_removes_that_contact_and_no_other() {
    let mut account = Account::with("Contact: <sip:a@desk>, <sip:a@mobile>");
    let (status, contacts) = account.send("first", 2, &["Contact: <sip:a@desk>;expires=0"], 1000);
    assert_eq!((status, contacts), (200, vec!["<sip:a@mobile>;expires=3600".into()]));
    assert_eq!(account.send("first", 3, &["Contact: <sip:a@nowhere>;expires=0"], 1000).0, 200);
}

#[test]
fn a_star_removes_all_but_only_alone_and_with_expires_0() {
    let mut account = Account::with("Contact: <sip:a@desk>, <sip:a@mobile>");
    for headers in [&["Contact: *"][..], &["Contact: *", "Expires: 60"], &["Contact: *", "Expires: soon"]] {
        assert_eq!(account.send("other", 9, headers, 1000).0, 400, "{headers:?}");
    }
    let mixed = ["Contact: *", "Contact: <sip:a@desk>", "Expires: 0"];
    assert_eq!(account.send("other", 9, &mixed, 1000).0, 400);
    assert_eq!(account.contacts(1000).len(), 2);
    assert_eq!(account.send("other", 9, &["Contact: *", "Expires: 0"], 1000), (200, vec![]));
}

#[test]
fn an_older_request_of_the_same_call_id_changes_nothing() {
    let mut account = Account::default();
    account.send("a", 10, &["Contact: <sip:a@desk>;expires=100"], 1000);
    for late in [9, 10] {
        assert_eq!(account.send("a", late, &["Contact: <sip:a@desk>;expires=0"], 1001).0, 500);
        assert_eq!(account.send("a", late, &["Contact: *", "Expires: 0"], 1001).0, 500);
    }
    assert_eq!(account.contacts(1001), ["sip:a@desk"]);
    assert_eq!(
        account.send("a", 9, &["Contact: <sip:a@mobile>"], 1001).0,
        200,
        "another contact has no order"
    );
    assert_eq!(
        account.send("b", 1, &["Contact: <sip:a@desk>;expires=0"], 1001).0,
        200,
        "a restarted phone counts anew"
    );
    assert_eq!(account.contacts(1001), ["sip:a@mobile"]);
}

#[test]
fn a_request_that_comes_once_more_is_answered_as_before() {
    // The switch may die between the commit and the answer: the phone repeats what it asked for.
    let asked = ["Contact: <sip:a@desk>;expires=100, <sip:a@old>;expires=0"];
    let mut account = Account::with("Contact: <sip:a@old>");
    let first = account.send("a", 10, &asked, 1000);
    let committed = account.0.clone();
    assert_eq!(account.send("a", 10, &asked, 1000), first);
    assert_eq!(account.0, committed, "it neither prolongs nor moves anything");
    assert_eq!(
        account.send("a", 10, &["Contact: <sip:a@desk>;q=0.5"], 1000).0,
        500,
        "this is another request"
    );
}

#[test]
fn a_binding_that_lapsed_puts_nothing_out_of_order() {
    let mut account = Account::default();
    account.send("a", 10, &["Contact: <sip:a@desk>;expires=60"], 1000);
    assert_eq!(account.send("a", 1, &["Contact: <sip:a@desk>;expires=60"], 1060).0, 200);
}

#[test]
fn a_register_takes_effect_as_a_whole_or_not_at_all() {
    let mut account = Account::with("Contact: <sip:a@desk>;expires=100");
    let before = account.0.clone();
    let half = ["Contact: <sip:a@mobile>, <sip:a@tablet>;expires=5"];
    assert_eq!(account.send("other", 1, &half, 1001).0, 423);
    assert_eq!(account.send("first", 1, &["Contact: <sip:a@mobile>, <sip:a@desk>"], 1001).0, 500);
    assert_eq!(account.send("other", 1, &["Contact: <sip:a@mobile>, <sip:a@"], 1001).0, 400);
    assert_eq!(account.0, before);
}

#[test]
fn addresses_are_compared_as_uris_not_as_text() {
    let mut account = Account::with("Contact: <sip:alice@DESK.example;transport=tcp>");
    let (_, contacts) =
        account.send("first", 2, &["Contact: <sip:%61lice@desk.example;Transport=TCP>"], 1000);
    assert_eq!(contacts.len(), 1);
    let (_, contacts) = account.send("first", 3, &["Contact: <sip:Alice@desk.example;transport=tcp>"], 1000);
    assert_eq!(contacts.len(), 2, "users are case-sensitive");
}

#[test]
fn a_device_that_comes_back_at_another_address_takes_its_old_place() {
    let contact = |address: &str, instance: u32, reg_id: u32| {
        format!(r#"Contact: <sip:a@{address}>;reg-id={reg_id};+sip.instance="<urn:uuid:{instance}>""#)
    };
    let mut account = Account::with(&contact("10.0.0.1:1000", 1, 1));
    account.send("b", 1, &[&contact("10.0.0.1:2000", 1, 1)], 1001);
    assert_eq!(account.contacts(1001), ["sip:a@10.0.0.1:2000"]);
    account.send("c", 1, &[&contact("10.0.0.1:3000", 1, 2)], 1002);
    account.send("d", 1, &[&contact("10.0.0.1:4000", 2, 1)], 1003);
    assert_eq!(account.contacts(1003).len(), 3, "another flow and another device are others");
}

#[test]
fn one_user_has_so_many_contacts_and_no_more() {
    let mut account = Account::with("Contact: <sip:a@h1>, <sip:a@h2>, <sip:a@h3>");
    assert_eq!(account.send("other", 1, &["Contact: <sip:a@h4>"], 1000).0, 403);
    assert_eq!(account.send("other", 2, &["Contact: <sip:a@h1>"], 1000).0, 200, "a refresh is not one more");
    assert_eq!(account.send("other", 3, &["Contact: <sip:a@h4>, <sip:a@h2>;expires=0"], 1000).0, 200);
    let huge = format!("Contact: <sip:{}@b>", "a".repeat(2000));
    assert_eq!(account.send("other", 4, &[&huge], 1000).0, 400);
    assert_eq!(account.contacts(1000).len(), 3);
}

#[test]
fn a_contact_given_twice_counts_once_as_it_was_given_last() {
    let mut account = Account::default();
    let twice = ["Contact: <sip:a@b>;expires=100, <sip:a@b>;expires=200"];
    assert_eq!(account.send("a", 1, &twice, 1000), (200, vec!["<sip:a@b>;expires=200".into()]));
}

#[test]
fn what_has_lapsed_is_not_live_and_goes_when_asked() {
    let mut account = Account::with("Contact: <sip:a@h1>;expires=60, <sip:a@h2>;expires=90");
    assert_eq!(account.0.next_deadline(), Some(at(1060)));
    assert_eq!(account.contacts(1060), ["sip:a@h2"]);
    assert_eq!(account.0.expire(at(1060)), 1);
    assert_eq!(account.0.next_deadline(), Some(at(1090)));
    assert_eq!(account.0.expire(at(2000)), 1);
    assert_eq!(account.0.next_deadline(), None);
}

#[test]
fn a_preference_is_between_0_and_1_and_1_where_it_is_missing_or_nonsense() {
    for (given, wanted) in
        [("", 1.0), (";q=0.3", 0.3), (";q=7", 1.0), (";q=-1", 0.0), (";q=NaN", 1.0), (";q=x", 1.0)]
    {
        let account = Account::with(&format!("Contact: <sip:a@b>{given}"));
        assert_eq!(account.0.live(at(1000)).next().unwrap().q, wanted, "{given}");
    }
}
