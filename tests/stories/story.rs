//! A story, told without a mishap and then with every mishap.
//! It must never accept a mishap that a phone notices.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::outcome::Outcome;
use crate::phone::Phone;
use crate::world::{Death, World};

/// Set to tell each story with every mishap; else as many are picked, evenly.
const ALL: &str = "STORIES_WITH_EVERY_MISHAP";
const PICKED: usize = 60;

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

    /// Tells it again with every mishap.
    pub fn survives(self) {
        let everything = picked(self.calm.commits).map(|commit| Death::Everything { commit });
        let actors = picked(self.calm.inputs).map(|input| Death::Actor { input });
        for death in everything.chain(actors) {
            let told = catch_unwind(AssertUnwindSafe(|| {
                let outcome = run(self.cast, self.is_registered, death);
                outcome.assert_is_over();
                outcome.assert_is_like(&self.calm);
            }));
            if let Err(panic) = told {
                eprintln!("{}: {death:?}", self.name);
                resume_unwind(panic);
            }
        }
    }
}

fn run(cast: fn() -> Vec<Phone>, is_registered: bool, death: Death) -> Outcome {
    let mut world = World::new(death, 1);
    world.is_sceptical = death == Death::Nothing || world.is_sceptical;
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
