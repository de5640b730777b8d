//! A story, told without a mishap and then with every mishap.
//! It must never accept a mishap that a phone notices.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::network::Weather;
use crate::outcome::Outcome;
use crate::phone::Phone;
use crate::world::{Death, World};

/// Set to tell each story with every mishap of those that no phone need survive, too; else some are picked, evenly.
const ALL: &str = "STORIES_WITH_EVERY_MISHAP";
const PICKED: usize = 12;

/// One that can be told again.
pub struct Story {
    name: &'static str,
    cast: fn() -> Vec<Phone>,
    is_registered: bool,
    /// What came of it without a mishap.
    pub calm: Outcome,
}

impl Story {
    /// Phones that are registered when the story begins.
    pub fn of(name: &'static str, cast: fn() -> Vec<Phone>) -> Self {
        Self::told(name, cast, true)
    }

    /// Phones that the switch has never seen.
    pub fn of_strangers(name: &'static str, cast: fn() -> Vec<Phone>) -> Self {
        Self::told(name, cast, false)
    }

    fn told(name: &'static str, cast: fn() -> Vec<Phone>, is_registered: bool) -> Self {
        let calm = run(cast, is_registered, Death::Nothing);
        calm.assert_is_over();
        Self { name, cast, is_registered, calm }
    }

    /// Tells it again with every mishap: the death of everything after each commit, of the process for a
    /// while after each commit, of one actor on each input.
    /// Where a letter is poison or an actor is given up for good, the call may end; but it has to end, everywhere.
    pub fn survives(self) {
        for commit in 1..=self.calm.commits {
            self.tell(Death::Everything { commit }, |outcome| outcome.assert_is_like(&self.calm));
        }
        for commit in 1..=self.calm.commits {
            let death = Death::Process { commit, lacks: false };
            self.tell(death, |outcome| outcome.assert_is_like_but_for_questions(&self.calm));
        }
        for commit in picked(self.calm.commits) {
            self.tell(Death::Process { commit, lacks: true }, |_| {});
        }
        for input in 1..=self.calm.inputs {
            self.tell(Death::Actor { input }, |outcome| outcome.assert_is_like(&self.calm));
        }
        for input in picked(self.calm.inputs) {
            self.tell(Death::Poison { input }, |_| {});
            self.tell(Death::GivenUp { input }, |_| {});
        }
    }

    fn tell(&self, death: Death, judge: impl Fn(&Outcome)) {
        let told = catch_unwind(AssertUnwindSafe(|| {
            let outcome = run(self.cast, self.is_registered, death);
            outcome.assert_is_over();
            judge(&outcome);
        }));
        if let Err(panic) = told {
            eprintln!("{}: {death:?}", self.name);
            resume_unwind(panic);
        }
    }
}

/// Tells a story with many dice: whatever happens, it ends.
pub fn in_weather(cast: fn() -> Vec<Phone>, weather: Weather, death: Death) {
    let seeds = if std::env::var_os(ALL).is_some() { 500 } else { 30 };
    for seed in 1..=seeds {
        let told = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::new(death, seed);
            world.phones = cast();
            world.register_all();
            world.network.weather = weather;
            world.tell();
            world.assert_shard_is_on_record();
            Outcome::of(&world).assert_is_over();
        }));
        if let Err(panic) = told {
            eprintln!("seed {seed}: {death:?}");
            resume_unwind(panic);
        }
    }
}

fn run(cast: fn() -> Vec<Phone>, is_registered: bool, death: Death) -> Outcome {
    let mut world = World::new(death, 1);
    world.phones = cast();
    if is_registered {
        world.register_all();
    }
    world.tell();
    world.assert_shard_is_on_record();
    Outcome::of(&world)
}

/// Numbers from 1 to `of`: all, or evenly picked.
fn picked(of: usize) -> impl Iterator<Item = usize> {
    let all = std::env::var_os(ALL).is_some() || of <= PICKED;
    let count = if all { of } else { PICKED };
    (0..count).map(move |at| 1 + at * of / count.max(1))
}
