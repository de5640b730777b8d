//! Stories of a user who dials another one.

use trunkline::ops::events::{Cause, Side};

use crate::outcome::End;
use crate::phone::{Act, Cue, Phone};
use crate::story::Story;

/// A caller who does nothing but call.
pub fn alice(to: &'static str) -> Phone {
    Phone::new("alice", "alice", 1).on(Cue::Begin, 100, Act::Invite { to, with_offer: true })
}

/// A phone of bob's that rings.
pub fn bob() -> Phone {
    Phone::new("bob", "bob", 2).on(Cue::Invited, 0, Act::Ring(""))
}

pub fn end(peer: &str, cause: Cause, by: Side) -> End {
    End { peer: peer.to_owned(), cause, by }
}

#[test]
fn a_user_answers_and_the_caller_hangs_up() {
    let story = Story::of("answered, caller hangs up", || {
        vec![alice("bob").on(Cue::Answered, 5_000, Act::Bye), bob().on(Cue::Invited, 2_000, Act::Answer(""))]
    });
    let told = &story.calm;
    assert_eq!(told.saw("alice"), ["401 INVITE", "180 INVITE", "200 INVITE", "200 BYE"]);
    assert_eq!(told.saw("bob"), ["INVITE", "ACK", "BYE"]);
    assert_eq!(told.hears("alice"), ["silence", "the other", "closed"]);
    assert_eq!(told.hears("bob"), ["silence", "the other", "closed"]);
    let ends = [end("alice", Cause::HungUp, Side::Peer), end("bob", Cause::HungUp, Side::Switch)];
    assert_eq!(told.ends(), ends);
    story.survives();
}
