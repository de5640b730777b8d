//! Two endpoints on a line that loses, doubles, delays and reorders, while both die and come back.
//! Every story follows from its seed, which each failure names.

use std::collections::BTreeMap;
use std::time::Duration;

use trunkline_media::moment::earliest;

use super::phone::{Call, Death, Phone, Plan};
use super::*;

impl Dice {
    fn plan(&mut self) -> Plan {
        Plan {
            code: if self.roll(3) == 0 { 486 } else { 200 },
            ring_after: self.roll(1000),
            answer_after: 200 + self.roll(8000),
            cancel_after: self.maybe(30, 10_000),
            abandon_after: self.maybe(30, 10_000),
            caller_talks: self.roll(60_000),
            callee_talks: self.roll(60_000),
        }
    }

    fn death(&mut self, percent: u64) -> Death {
        match (self.roll(100) < percent, self.roll(3)) {
            (false, _) => Death::No,
            (true, 0) => Death::BeforeCommit,
            (true, 1) => Death::AfterCommit,
            (true, _) => Death::AtRest,
        }
    }
}

struct Weather {
    loss: u64,
    delay: u64,
    deaths: u64,
}

/// Runs one call from dialling until nothing is left to happen.
fn run(seed: u64, weather: &Weather) -> (Phone, Phone) {
    let mut dice = Dice(seed);
    let plan = dice.plan();
    let (here, there) = (addr("192.0.2.1:5060"), addr("198.51.100.7:5060"));
    let flow = |local, remote| Flow::udp(local, remote);
    let mut phones =
        [Phone::new("caller", flow(here, there), &plan), Phone::new("callee", flow(there, here), &plan)];
    let mut flying: BTreeMap<(Moment, u64), (usize, Bytes)> = BTreeMap::new();
    let mut now = at(1000);
    let mut said = phones[0].dial(now);
    let mut speaker = 0;
    let mut forgotten = false;
    for step in 0..5_000 {
        for bytes in said.drain(..) {
            for copy in 0..1 + u64::from(dice.roll(10) == 0) {
                if dice.roll(100) >= weather.loss {
                    let delay = Duration::from_millis(dice.roll(weather.delay));
                    flying.insert(
                        (now + delay, step * 64 + copy * 16 + dice.roll(16)),
                        (1 - speaker, bytes.clone()),
                    );
                }
            }
        }
        let packet = flying.keys().next().map(|(at, _)| *at);
        let timers = phones.each_ref().map(Phone::next_deadline);
        let Some(next) = earliest(packet, earliest(timers[0], timers[1])) else {
            if forgotten {
                let [caller, callee] = phones;
                return (caller, callee);
            }
            forgotten = true;
            phones.iter_mut().for_each(|phone| assert_eq!(phone.forget(now).len(), 0, "seed {seed}"));
            continue;
        };
        now = now.max(next);
        let death = dice.death(weather.deaths);
        if packet == Some(next) {
            let Some((_, (to, bytes))) = flying.pop_first() else { continue };
            speaker = to;
            said = phones[speaker].receive(bytes, death, now);
        } else {
            speaker = usize::from(timers[0] != Some(next));
            said = phones[speaker].wake(death, now);
        }
    }
    panic!("seed {seed}: {plan:?} never comes to rest");
}

/// In the end nobody believes that the call is up, and nothing is left of it on either side.
fn ends_in_agreement(seed: u64, weather: &Weather) -> (Phone, Phone) {
    let (caller, callee) = run(seed, weather);
    assert_eq!(caller.call, Call::Over, "seed {seed}");
    assert!(matches!(callee.call, Call::Over | Call::Idle), "seed {seed}: {:?}", callee.call);
    assert_nothing_is_left(&caller.endpoint, &format!("seed {seed}: caller"));
    assert_nothing_is_left(&callee.endpoint, &format!("seed {seed}: callee"));
    (caller, callee)
}

#[test]
fn calls_on_a_good_line_are_up_on_both_sides_or_on_none() {
    let mut up = 0;
    for seed in 0..100 {
        let (caller, callee) = ends_in_agreement(seed, &Weather { loss: 0, delay: 30, deaths: 0 });
        assert!(callee.was_up || !caller.was_up, "seed {seed}");
        up += u32::from(caller.was_up);
    }
    assert!((25..75).contains(&up), "{up} of 100: the plans must be of all kinds");
}

#[test]
fn calls_on_a_bad_line_end_in_agreement() {
    for seed in 0..150 {
        ends_in_agreement(seed, &Weather { loss: 20, delay: 1500, deaths: 0 });
    }
}

#[test]
fn calls_end_in_agreement_while_the_endpoints_die_and_come_back() {
    for seed in 0..150 {
        ends_in_agreement(seed, &Weather { loss: 0, delay: 30, deaths: 30 });
    }
}

#[test]
fn calls_end_in_agreement_in_every_weather_at_once() {
    for seed in 0..150 {
        ends_in_agreement(seed, &Weather { loss: 15, delay: 800, deaths: 15 });
    }
}
