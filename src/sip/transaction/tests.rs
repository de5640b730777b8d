//! The machines on a virtual clock: when they repeat, when they give up, and how a pair of them fares on a bad line.
//! Must never wait for real time.

use std::collections::BTreeMap;
use std::time::Duration;

use trunkline_media::moment::{Moment, earliest};

use super::client::Client;
use super::invite_client::InviteClient;
use super::invite_server::InviteServer;
use super::server::Server;
use super::*;

/// Runs a machine that nobody talks to until it rests; tells what it did and when, in milliseconds.
fn alone<S: Stage>(reliable: bool, inputs: &[Input]) -> Vec<(u64, Effect)> {
    let timing = Timing::default();
    let mut now = Moment::default();
    let mut done = Vec::new();
    let mut note = |now: Moment, effects: &[Effect]| {
        let outward = |e: &&Effect| {
            !matches!(e, Effect::Start(_) | Effect::Again(_) | Effect::Slowly(_) | Effect::StopAll)
        };
        let outward = effects.iter().filter(outward).filter(|e| !matches!(e, Effect::Stop(_)));
        done.extend(outward.map(|effect| (now.as_micros() / 1000, *effect)));
    };
    let (mut machine, effects) = Machine::<S>::begin(reliable, &timing, now);
    note(now, effects);
    for input in inputs {
        note(now, machine.step(*input, &timing, now));
    }
    while let Some(deadline) = machine.next_deadline() {
        now = deadline;
        while let Some(timer) = machine.take_due(now) {
            note(now, machine.step(Input::Fired(timer), &timing, now));
        }
    }
    done
}

fn sends_at(done: &[(u64, Effect)]) -> Vec<u64> {
    done.iter().filter(|(_, effect)| *effect == Effect::Send).map(|(at, _)| *at).collect()
}

#[test]
fn an_unheard_invite_is_sent_seven_times_in_doubling_pauses_and_given_up_after_32_seconds() {
    let done = alone::<InviteClient>(false, &[]);
    assert_eq!(sends_at(&done), [0, 500, 1500, 3500, 7500, 15_500, 31_500]);
    assert_eq!(done.last(), Some(&(32_000, Effect::TimedOut)));
}

#[test]
fn an_unheard_request_is_repeated_at_most_every_four_seconds() {
    let done = alone::<Client>(false, &[]);
    assert_eq!(sends_at(&done), [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(done.last(), Some(&(32_000, Effect::TimedOut)));
}

#[test]
fn a_request_that_got_a_provisional_answer_is_repeated_at_the_slow_pace() {
    let done = alone::<Client>(false, &[Input::Response(Class::Trying)]);
    assert_eq!(sends_at(&done), [0, 500, 4500, 8500, 12_500, 16_500, 20_500, 24_500, 28_500]);
}

#[test]
fn nothing_is_repeated_on_a_transport_that_does_it_itself() {
    assert_eq!(alone::<InviteClient>(true, &[]), [(0, Effect::Send), (32_000, Effect::TimedOut)]);
    assert_eq!(alone::<Client>(true, &[]), [(0, Effect::Send), (32_000, Effect::TimedOut)]);
}

#[test]
fn a_refusal_is_repeated_until_the_ack_is_given_up() {
    let done = alone::<InviteServer>(false, &[Input::Response(Class::Failure)]);
    assert_eq!(sends_at(&done), [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]);
    assert_eq!(done.last(), Some(&(32_000, Effect::Unacked)));
}

#[test]
fn a_user_that_keeps_silent_is_covered_by_a_100_in_time() {
    assert_eq!(alone::<InviteServer>(false, &[]), [(0, Effect::Deliver), (200, Effect::SayTrying)]);
    assert_eq!(alone::<Server>(false, &[]), [(0, Effect::Deliver), (3500, Effect::SayTrying)]);
}

#[test]
fn ringing_ends_with_timer_c_and_the_cancelled_invite_waits_for_its_end() {
    let done = alone::<InviteClient>(false, &[Input::Response(Class::Provisional)]);
    assert_eq!(done.get(2..), Some(&[(185_000, Effect::Cancel), (217_000, Effect::TimedOut)][..]));
}

#[test]
fn a_cancelled_invite_that_nobody_ends_is_given_up_after_32_seconds() {
    let done = alone::<InviteClient>(false, &[Input::Response(Class::Provisional), Input::Cancel]);
    assert_eq!(done.get(2..), Some(&[(0, Effect::Cancel), (32_000, Effect::TimedOut)][..]));
}

/// What travels between a client and a server transaction.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Packet {
    Request,
    Ack,
    Response(Class),
}

/// A pair of transactions and the line between them.
struct Line<C, S> {
    client: Machine<C>,
    server: Option<Machine<S>>,
    answer: Class,
    /// What the user of the server still has to say, and when.
    speech: BTreeMap<Moment, Class>,
    said: Option<Class>,
    flying: BTreeMap<(Moment, u64), (bool, Packet)>,
    dice: u64,
    loss: u64,
    heard: Vec<Effect>,
    delivered: u32,
    finals: Vec<Class>,
}

const TO_SERVER: bool = true;
const TO_CLIENT: bool = false;

impl<C: Stage, S: Stage> Line<C, S> {
    /// splitmix64: the same story for the same seed.
    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn throw(&mut self, to: bool, packet: Packet, now: Moment) {
        let copies = 1 + u64::from(self.roll().is_multiple_of(8));
        for _ in 0..copies {
            if self.roll() % 100 < self.loss {
                continue;
            }
            let (delay, order) = (Duration::from_millis(self.roll() % 900), self.roll());
            self.flying.insert((now + delay, order), (to, packet));
        }
    }

    fn client_did(&mut self, effects: &[Effect], class: Option<Class>, now: Moment) {
        for effect in effects {
            match effect {
                Effect::Send => self.throw(TO_SERVER, Packet::Request, now),
                Effect::Ack => self.throw(TO_SERVER, Packet::Ack, now),
                Effect::Deliver => {
                    self.finals.extend(class.filter(|c| matches!(c, Class::Success | Class::Failure)))
                }
                Effect::TimedOut => self.heard.push(*effect),
                _ => {}
            }
        }
    }

    fn server_did(&mut self, effects: &[Effect], now: Moment) {
        for effect in effects {
            match effect {
                Effect::Send => {
                    if let Some(said) = self.said {
                        self.throw(TO_CLIENT, Packet::Response(said), now);
                    }
                }
                Effect::SayTrying => {
                    self.said = Some(Class::Trying);
                    self.throw(TO_CLIENT, Packet::Response(Class::Trying), now);
                }
                Effect::Deliver => {
                    self.delivered += 1;
                    let think = Duration::from_millis(self.roll() % 6000);
                    self.speech.insert(now + think, self.answer);
                }
                Effect::Unacked | Effect::Acked => self.heard.push(*effect),
                _ => {}
            }
        }
    }

    fn arrive(&mut self, to: bool, packet: Packet, timing: &Timing, now: Moment) {
        match (to, packet) {
            (TO_SERVER, Packet::Request | Packet::Ack) => {
                let input = if packet == Packet::Ack { Input::Ack } else { Input::Request };
                let effects = match &mut self.server {
                    Some(server) => server.step(input, timing, now),
                    None if packet == Packet::Ack => &[],
                    None => {
                        let (server, effects) = Machine::begin(false, timing, now);
                        self.server = Some(server);
                        effects
                    }
                };
                self.server_did(effects, now);
            }
            (_, Packet::Response(class)) => {
                let effects = self.client.step(Input::Response(class), timing, now);
                self.client_did(effects, Some(class), now);
            }
            (TO_CLIENT, _) => unreachable!("requests go to the server"),
        }
    }

    /// Jumps from event to event until nothing is left.
    fn run(seed: u64, loss: u64, answer: Class) -> Self {
        let timing = Timing::default();
        let mut now = Moment::default();
        let (client, effects) = Machine::begin(false, &timing, now);
        let mut line = Line {
            client,
            server: None,
            answer,
            speech: BTreeMap::new(),
            said: None,
            flying: BTreeMap::new(),
            dice: seed,
            loss,
            heard: Vec::new(),
            delivered: 0,
            finals: Vec::new(),
        };
        line.client_did(effects, None, now);
        for _ in 0..10_000 {
            let timers =
                earliest(line.client.next_deadline(), line.server.as_ref().and_then(Machine::next_deadline));
            let words = line.speech.keys().next().copied();
            let packet = line.flying.keys().next().map(|(at, _)| *at);
            let Some(next) = earliest(earliest(timers, words), packet) else { return line };
            now = next;
            if packet == Some(now) {
                if let Some((_, (to, packet))) = line.flying.pop_first() {
                    line.arrive(to, packet, &timing, now);
                }
            } else if words == Some(now) {
                if let (Some((_, class)), Some(server)) = (line.speech.pop_first(), &mut line.server) {
                    let effects = server.step(Input::Response(class), &timing, now);
                    line.said = if effects.is_empty() { line.said } else { Some(class) };
                    line.server_did(effects, now);
                }
            } else {
                while let Some(timer) = line.client.take_due(now) {
                    let effects = line.client.step(Input::Fired(timer), &timing, now);
                    line.client_did(effects, None, now);
                }
                while let Some(timer) = line.server.as_mut().and_then(|server| server.take_due(now)) {
                    let effects =
                        line.server.as_mut().map_or(&[][..], |s| s.step(Input::Fired(timer), &timing, now));
                    line.server_did(effects, now);
                }
            }
        }
        panic!("seed {seed}: the pair never comes to rest");
    }
}

/// Both ends are over; the request was told once; the client heard one end only: the answer given, or silence.
fn ends_in_order<C: Stage, S: Stage>(seed: u64, loss: u64, answer: Class) -> Line<C, S> {
    let line = Line::<C, S>::run(seed, loss, answer);
    assert!(line.client.is_over(), "seed {seed}: client");
    assert!(line.server.as_ref().is_none_or(Machine::is_over), "seed {seed}: server");
    assert!(line.delivered <= 1, "seed {seed}: told {} times", line.delivered);
    let silence = line.heard.iter().filter(|effect| **effect == Effect::TimedOut).count();
    assert_eq!(line.finals.len() + silence, 1, "seed {seed}: {:?} {:?}", line.finals, line.heard);
    assert!(line.finals.iter().all(|class| *class == answer), "seed {seed}");
    line
}

#[test]
fn a_line_that_doubles_and_reorders_but_loses_nothing_always_brings_the_answer() {
    for seed in 0..300 {
        let line = ends_in_order::<Client, Server>(seed, 0, Class::Success);
        assert_eq!(line.finals, [Class::Success], "seed {seed}");
        let line = ends_in_order::<InviteClient, InviteServer>(seed, 0, Class::Failure);
        assert_eq!((line.finals, line.heard), (vec![Class::Failure], vec![Effect::Acked]), "seed {seed}");
    }
}

#[test]
fn a_line_that_loses_a_tenth_still_brings_the_answer() {
    for seed in 0..300 {
        let line = ends_in_order::<InviteClient, InviteServer>(seed, 10, Class::Failure);
        assert_eq!(line.finals, [Class::Failure], "seed {seed}");
        let line = ends_in_order::<Client, Server>(seed, 10, Class::Success);
        assert_eq!(line.finals, [Class::Success], "seed {seed}");
    }
}

#[test]
fn a_line_that_loses_nearly_all_never_leaves_a_transaction_behind() {
    for seed in 0..300 {
        ends_in_order::<InviteClient, InviteServer>(seed, 90, Class::Failure);
        ends_in_order::<Client, Server>(seed, 90, Class::Success);
    }
}
