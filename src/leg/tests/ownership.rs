//! Whose leg it is: what decides whether one party may take the place of another one (RFC 3891 §6).

use super::*;
use crate::sip::message::Transport;

/// The leg of a caller who says that it is bob; this user has proved to be that, and this is its way.
fn caller_of(owner: Option<&str>, flow: Flow) -> Leg {
    let invite = invite(&both());
    let key = ServerKey::of(&invite).expect("a key");
    let basis = Basis { owner: owner.map(str::to_owned), ..basis() };
    let path = Path::new(flow, ([192, 0, 2, 1], 5060).into());
    Leg::inbound(InboundSpec { basis, invite, key, path }).expect("a dialog")
}

#[test]
fn neither_an_unproved_name_nor_a_shared_address_makes_two_legs_those_of_one_party() {
    let tcp = |port| Flow { transport: Transport::Tcp, connection: Some(1), ..flow(port) };
    let (bob, alice) = (Some("bob"), Some("alice"));
    for (what, one, other, is_same) in [
        ("two telephones of one user", (bob, flow(5062)), (bob, flow(5064)), true),
        ("users who share a proxy", (bob, flow(5062)), (alice, flow(5062)), false),
        ("a stranger by the name of a user", (bob, flow(5062)), (None, flow(5064)), false),
        ("strangers of one name behind one address", (None, flow(5062)), (None, flow(5064)), false),
        ("the same socket", (None, flow(5062)), (None, flow(5062)), true),
        ("the same connection", (None, tcp(5062)), (None, tcp(5062)), true),
        ("a port that is another's by another transport", (None, flow(5062)), (None, tcp(5062)), false),
        ("a user who was once not asked for a proof", (bob, flow(5062)), (None, flow(5062)), true),
    ] {
        let (one, other) = (caller_of(one.0, one.1), caller_of(other.0, other.1));
        assert_eq!((one.is_of_whom(&other), other.is_of_whom(&one)), (is_same, is_same), "{what}");
    }
}

#[test]
fn who_owns_a_leg_is_known_when_it_is_brought_back() {
    let leg = caller_of(Some("bob"), flow(5062));
    let mut bytes = Vec::new();
    ciborium::into_writer(&leg, &mut bytes).expect("memory");
    let heir: Leg = ciborium::from_reader(bytes.as_slice()).expect("what was written");
    assert_eq!(heir.owner(), Some("bob"));
    assert!(heir.is_of_whom(&leg));
}
