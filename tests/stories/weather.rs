//! Stories in bad weather: packets are lost, doubled and late, and actors die, all by the dice.
//! They must never assert what was seen, only that everybody comes to rest and believes the same.

use trunkline_media::sdp::Direction;

use crate::dialling::{alice, bob};
use crate::network::Weather;
use crate::phone::{Act, Change, Cue, Phone};
use crate::story::in_weather;
use crate::world::Death;

const RAIN: Weather = Weather { lost: 10, doubled: 5, late: 40 };
const DEATHS: Death = Death::Often { actors: 15, everything: 10 };

const CASTS: [fn() -> Vec<Phone>; 7] = [
    talk,
    both_hang_up,
    cancel_near_the_answer,
    everybody_answers,
    nobody_answers,
    somebody_is_transferred,
    two_lines_become_one,
];

fn talk() -> Vec<Phone> {
    let hold = Act::Change(Change::Direction(Direction::SendOnly));
    vec![
        alice("bob").on(Cue::Answered, 2_000, hold).on(Cue::Answered, 60_000, Act::Bye),
        bob().on(Cue::Invited, 2_000, Act::Answer("")),
    ]
}

fn both_hang_up() -> Vec<Phone> {
    vec![
        alice("102").on(Cue::Answered, 9_000, Act::Bye),
        bob().on(Cue::Invited, 2_000, Act::Answer("")).on(Cue::Confirmed, 4_000, Act::Bye),
    ]
}

fn cancel_near_the_answer() -> Vec<Phone> {
    // Without a 180 it is never given up.
    let alice = alice("bob").on(Cue::Ringing, 1_950, Act::Cancel).on(Cue::Answered, 20_000, Act::Bye);
    vec![alice, bob().on(Cue::Invited, 2_000, Act::Answer(""))]
}

fn everybody_answers() -> Vec<Phone> {
    vec![
        alice("104").on(Cue::Answered, 20_000, Act::Bye),
        bob().on(Cue::Invited, 2_000, Act::Answer("")),
        Phone::new("mobile", "bob", 5).on(Cue::Invited, 2_010, Act::Answer("")),
        Phone::new("carol", "carol", 3).on(Cue::Invited, 2_020, Act::Answer("")),
    ]
}

fn nobody_answers() -> Vec<Phone> {
    vec![alice("102").on(Cue::Answered, 40_000, Act::Bye), bob()]
}

fn somebody_is_transferred() -> Vec<Phone> {
    let carol = Phone::new("carol", "carol", 3).on(Cue::Invited, 2_000, Act::Answer(""));
    vec![
        alice("bob").on(Cue::Answered, 90_000, Act::Bye),
        bob().on(Cue::Invited, 2_000, Act::Answer("")).on(Cue::Confirmed, 3_000, Act::Refer("carol")),
        carol.on(Cue::Confirmed, 9_000, Act::Bye),
    ]
}

fn two_lines_become_one() -> Vec<Phone> {
    let answer = Act::Answer("");
    let second = Phone::new("second", "alice", 4);
    let second = second.on(Cue::Begin, 1_000, Act::Invite { to: "carol", with_offer: true });
    vec![
        alice("bob").on(Cue::Answered, 6_000, Act::Join("second")).on(Cue::Answered, 90_000, Act::Bye),
        bob().on(Cue::Invited, 2_000, answer).on(Cue::Confirmed, 95_000, Act::Bye),
        second.on(Cue::Answered, 90_000, Act::Bye),
        Phone::new("carol", "carol", 3).on(Cue::Invited, 2_000, answer).on(Cue::Confirmed, 95_000, Act::Bye),
    ]
}

#[test]
fn calls_come_to_rest_in_rain() {
    CASTS.into_iter().for_each(|cast| in_weather(cast, RAIN, Death::Nothing));
}

#[test]
fn calls_come_to_rest_while_actors_and_everything_die_now_and_then() {
    CASTS.into_iter().for_each(|cast| in_weather(cast, Weather::default(), DEATHS));
}

#[test]
fn calls_come_to_rest_in_rain_while_actors_and_everything_die_now_and_then() {
    CASTS.into_iter().for_each(|cast| in_weather(cast, RAIN, DEATHS));
}
