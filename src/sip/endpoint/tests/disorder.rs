//! An endpoint that is asked anything in any order, by peers and legs without sense.
//! Whatever happens: nothing panics, each change is told, the books agree, and in the end all is gone.

use std::collections::BTreeMap;

use super::*;

const METHODS: [&str; 5] = ["INVITE", "BYE", "INFO", "OPTIONS", "CANCEL"];
const CODES: [u16; 7] = [100, 180, 183, 200, 302, 486, 603];

/// One thing that a peer, a leg or the clock does; all out of a universe so small that names collide.
fn disturb(endpoint: &mut Endpoint, dice: &mut Dice, now: Moment) {
    let flow = if dice.roll(3) == 0 { tcp() } else { udp() };
    let leg = dice.pick(&[LEG, OTHER_LEG]);
    let branch = format!("z9hG4bK{}", dice.roll(4));
    let tag = dice.pick(&["", "us", "stranger"]);
    let theirs = from_peer(dice.pick(&[&METHODS[..], &["ACK"]].concat()), &branch, tag);
    let mine = ours(dice.pick(&METHODS), &branch);
    let code = dice.pick(&CODES);
    match dice.roll(12) {
        0..=2 => endpoint.receive(Message::Request(theirs), flow, now),
        3 | 4 => {
            endpoint.receive(Message::Response(reply(&mine, code, dice.pick(&["bob", "fork"]))), flow, now)
        }
        5 => endpoint.request(dice.pick(&[Some(leg), None]), mine, flow, now),
        6 | 7 => {
            if let Some(key) = ServerKey::of(&theirs) {
                let known = endpoint.servers.contains_key(&key);
                assert_eq!(endpoint.respond(&key, reply(&theirs, code, "us"), now).is_ok(), known);
                endpoint.assign(&key, leg);
            }
        }
        8 if dice.roll(2) == 0 => endpoint.release(&ClientKey::of(&mine), None, now),
        8 => endpoint.cancel(&ClientKey::of(&mine), None, now),
        9 => endpoint.bind(DialogKey::new("one@198.51.100.7", "us"), leg),
        10 => match dice.roll(4) {
            0 => endpoint.abandon(leg, now),
            1 => endpoint.unbind(leg),
            2 => endpoint.transport_failed(flow.remote, now),
            _ => endpoint.offer_again(dice.pick(&[Some(leg), None])),
        },
        _ => endpoint.on_deadline(now),
    }
}

/// Every index says what the transactions say.
fn assert_the_books_agree(endpoint: &Endpoint, seed: u64) {
    for client in endpoint.clients.values() {
        assert_eq!(client.scheduled, client.course.next_deadline(), "seed {seed}: {:?}", client.key);
        assert!(client.scheduled.is_some(), "seed {seed}: {} would never end", client.key);
        assert!(endpoint.towards[&client.flow.remote].contains(&client.key), "seed {seed}");
    }
    for server in endpoint.servers.values() {
        assert_eq!(server.scheduled, server.course.next_deadline(), "seed {seed}: {:?}", server.key);
        assert!(server.scheduled.is_some() || server.is_unanswered_invite(), "seed {seed}: {}", server.key);
    }
    let clients = endpoint.clients.values().filter(|client| client.owner.is_some()).count();
    let servers = endpoint.servers.values().filter(|server| server.owner.is_some()).count();
    let owned: usize = endpoint.owned.values().map(BTreeSet::len).sum();
    assert_eq!(owned, clients + servers + endpoint.dialogs.len(), "seed {seed}");
    let towards: usize = endpoint.towards.values().map(BTreeSet::len).sum();
    assert_eq!(towards, endpoint.clients.len(), "seed {seed}");
}

#[test]
fn nothing_that_peers_and_legs_do_upsets_the_books() {
    for seed in 0..40 {
        let (mut dice, mut endpoint) = (Dice(seed), Endpoint::new(Timing::default()));
        let mut store: BTreeMap<PartKey, String> = BTreeMap::new();
        let mut now = 1000;
        for _ in 0..150 {
            now += dice.roll(1500);
            disturb(&mut endpoint, &mut dice, at(now));
            while endpoint.poll().is_some() {}
            for change in endpoint.changes() {
                match change {
                    Change::Put(part) => store.insert(part.key(), format!("{part:?}")),
                    Change::Gone(key) => store.remove(&key),
                };
            }
            let whole = endpoint.parts().iter().map(|part| (part.key(), format!("{part:?}"))).collect();
            assert_eq!(store, whole, "seed {seed}: a change was not told");
            assert_the_books_agree(&endpoint, seed);
        }
        endpoint.abandon(LEG, at(now));
        endpoint.abandon(OTHER_LEG, at(now));
        let unadopted: Vec<_> = endpoint.servers.keys().cloned().collect();
        let busy = reply(&from_peer("INVITE", "z9hG4bK1", ""), 486, "us");
        unadopted.iter().for_each(|key| endpoint.respond(key, busy.clone(), at(now)).expect("still there"));
        pass(&mut endpoint, now + 1_000_000);
        assert_nothing_is_left(&endpoint, &format!("seed {seed}"));
    }
}
