//! Endpoints that are built again from what was committed. Must never hand over anything but parts.

use super::*;

fn reborn(endpoint: &Endpoint, now: u64) -> Endpoint {
    Endpoint::restore(Timing::default(), endpoint.parts(), at(now))
}

#[test]
fn only_what_was_touched_is_committed_and_what_ended_is_told_gone() {
    let (mut endpoint, bye) = (Endpoint::new(Timing::default()), ours("BYE", "z9hG4bK1"));
    endpoint.bind(DialogKey::new("one@198.51.100.7", "us"), LEG);
    endpoint.request(Some(LEG), bye.clone(), udp(), at(0));
    endpoint.request(Some(LEG), ours("INFO", "z9hG4bK2"), udp(), at(0));
    let mut kinds: Vec<_> = endpoint.changes().into_iter().map(|change| format!("{change:?}")).collect();
    kinds.iter_mut().for_each(|kind| kind.truncate(10));
    assert_eq!(kinds, ["Put(Client", "Put(Client", "Put(Dialog"]);
    assert_eq!(endpoint.changes().len(), 0);

    endpoint.receive(Message::Response(reply(&bye, 200, "bob")), udp(), at(10));
    let changes = endpoint.changes();
    assert!(matches!(&changes[..], [Change::Put(Part::Client(client))] if client.key == ClientKey::of(&bye)));

    pass(&mut endpoint, 5010);
    assert!(endpoint.changes().iter().any(|change| matches!(change, Change::Put(Part::Spent { .. }))));
    endpoint.unbind(LEG);
    pass(&mut endpoint, 100_000);
    assert!(endpoint.changes().iter().all(|change| matches!(change, Change::Gone(_))));
}

#[test]
fn what_lapsed_during_the_outage_fires_once_and_in_order() {
    let mut endpoint = Endpoint::new(Timing::default());
    endpoint.request(Some(LEG), ours("INFO", "z9hG4bK1"), udp(), at(0));
    endpoint.request(Some(LEG), ours("BYE", "z9hG4bK2"), udp(), at(300));
    let mut heir = reborn(&endpoint, 10_000);
    heir.on_deadline(at(10_000));
    assert_eq!(told(&mut heir), ["send INFO", "send BYE"]);
    assert!(heir.next_deadline() > Some(at(10_000)));
    assert_eq!(pass(&mut heir, 40_000).last(), Some(&(32_300, "failed Timeout".into())));
}

#[test]
fn a_long_outage_is_made_up_for_in_turns() {
    let mut endpoint = Endpoint::new(Timing::default());
    for n in 0..PACE + 10 {
        endpoint.request(Some(LEG), ours("OPTIONS", &format!("z9hG4bK{n}")), udp(), at(0));
    }
    let mut heir = reborn(&endpoint, 1000);
    heir.on_deadline(at(1000));
    assert_eq!(told(&mut heir).len(), PACE);
    assert!(heir.next_deadline() < Some(at(1000)));
    heir.on_deadline(at(1000));
    assert_eq!(told(&mut heir).len(), 10);
}

#[test]
fn what_timers_do_not_repeat_is_sent_again() {
    let mut endpoint = Endpoint::new(Timing::default());
    endpoint.request(Some(LEG), ours("INVITE", "z9hG4bK1"), tcp(), at(0));
    let heard = ours("INVITE", "z9hG4bK2");
    endpoint.request(Some(LEG), heard.clone(), tcp(), at(0));
    endpoint.receive(Message::Response(reply(&heard, 180, "bob")), tcp(), at(0));
    let asked = from_peer("INVITE", "z9hG4bK3", "");
    endpoint.receive(Message::Request(asked.clone()), tcp(), at(0));
    let key = ServerKey::of(&asked).expect("a key");
    endpoint.respond(&key, reply(&asked, 486, "us"), at(0)).expect("open");
    assert_eq!(told(&mut reborn(&endpoint, 10)), ["send INVITE", "send 486 INVITE"]);
}

#[test]
fn an_unanswered_request_is_offered_again_with_its_cancel() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), from_peer("INVITE", "z9hG4bK1", ""));
    let key = ServerKey::of(&invite).expect("a key");
    endpoint.receive(Message::Request(invite.clone()), udp(), at(0));
    let mut heir = reborn(&endpoint, 10);
    heir.offer_again(None);
    assert_eq!(told(&mut heir), ["incoming INVITE"]);

    endpoint.assign(&key, LEG);
    endpoint.receive(Message::Request(from_peer("CANCEL", "z9hG4bK1", "")), udp(), at(20));
    let mut heir = reborn(&endpoint, 30);
    heir.offer_again(None);
    heir.offer_again(Some(LEG));
    assert_eq!(told(&mut heir), ["incoming INVITE for leg", "cancelled"]);
    heir.respond(&key, reply(&invite, 487, "us"), at(40)).expect("open");
    told(&mut heir);
    heir.offer_again(Some(LEG));
    assert_eq!(told(&mut heir), [""; 0]);
}

#[test]
fn a_final_answer_is_offered_again_while_its_transaction_lasts() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    endpoint.request(Some(LEG), invite.clone(), udp(), at(0));
    endpoint.receive(Message::Response(reply(&invite, 486, "bob")), udp(), at(10));
    let mut heir = reborn(&endpoint, 20);
    heir.offer_again(Some(LEG));
    assert_eq!(told(&mut heir), ["response 486 INVITE"]);
    pass(&mut heir, 100_000);
    heir.offer_again(Some(LEG));
    assert_eq!(told(&mut heir), [""; 0]);
}

#[test]
fn a_name_that_is_spent_stays_spent() {
    let (mut endpoint, info) = (Endpoint::new(Timing::default()), ours("INFO", "z9hG4bK1"));
    endpoint.request(Some(LEG), info.clone(), udp(), at(0));
    endpoint.receive(Message::Response(reply(&info, 200, "bob")), udp(), at(10));
    pass(&mut endpoint, 6000);
    let mut heir = reborn(&endpoint, 7000);
    heir.request(Some(LEG), info.clone(), udp(), at(7000));
    assert_eq!(told(&mut heir), [""; 0]);
    pass(&mut heir, 60_000);
    assert_eq!(heir.next_deadline(), None);
}

#[test]
fn timers_of_another_boot_do_not_wait_for_ever() {
    let mut endpoint = Endpoint::new(Timing::default());
    let a_week = 7 * 24 * 3_600_000;
    endpoint.request(Some(LEG), ours("INFO", "z9hG4bK1"), udp(), at(a_week));
    let mut heir = reborn(&endpoint, 1000);
    assert_eq!(pass(&mut heir, 400_000).last().map(|(_, words)| words.as_str()), Some("failed Timeout"));
}

#[test]
fn an_orphan_is_still_ended_after_a_restart() {
    let (mut endpoint, invite) = (Endpoint::new(Timing::default()), ours("INVITE", "z9hG4bK1"));
    endpoint.request(Some(LEG), invite.clone(), udp(), at(0));
    endpoint.abandon(LEG, at(10));
    let mut heir = reborn(&endpoint, 20);
    heir.receive(Message::Response(reply(&invite, 180, "bob")), udp(), at(30));
    heir.receive(Message::Response(reply(&invite, 200, "bob")), udp(), at(40));
    assert_eq!(told(&mut heir), ["send CANCEL", "send ACK", "send BYE"]);
}

#[test]
fn an_endpoint_is_read_back_whole_from_a_format_that_describes_itself() {
    let mut endpoint = Endpoint::new(Timing::default());
    endpoint.bind(DialogKey::new("one@198.51.100.7", "us"), LEG);
    endpoint.request(Some(LEG), ours("INVITE", "z9hG4bK1"), udp(), at(0));
    endpoint.receive(Message::Request(from_peer("INVITE", "z9hG4bK2", "")), udp(), at(0));
    let json = serde_json::to_string(&endpoint).expect("written");
    let heir: Endpoint = serde_json::from_str(&json).expect("read");
    assert_eq!(heir.census(), endpoint.census());
    assert_eq!(heir.next_deadline(), endpoint.next_deadline());
    let [read, written] = [heir.parts(), endpoint.parts()].map(|parts| {
        let mut parts: Vec<String> = parts.iter().map(|part| format!("{part:?}")).collect();
        parts.sort();
        parts
    });
    assert_eq!(read, written);
}

#[test]
fn what_is_absorbed_is_not_committed_again() {
    let (mut endpoint, info) = (Endpoint::new(Timing::default()), ours("INFO", "z9hG4bK1"));
    let invite = from_peer("INVITE", "z9hG4bK2", "");
    endpoint.request(Some(LEG), info.clone(), udp(), at(0));
    endpoint.receive(Message::Response(reply(&info, 200, "bob")), udp(), at(0));
    endpoint.receive(Message::Request(invite.clone()), udp(), at(0));
    let key = ServerKey::of(&invite).expect("a key");
    endpoint.respond(&key, reply(&invite, 486, "us"), at(0)).expect("open");
    assert_eq!(endpoint.changes().len(), 2);
    endpoint.request(Some(LEG), info.clone(), udp(), at(10));
    endpoint.receive(Message::Response(reply(&info, 200, "bob")), udp(), at(10));
    endpoint.respond(&key, reply(&invite, 486, "us"), at(10)).expect("open");
    assert_eq!(endpoint.changes().len(), 0);
}
