//! What the end-to-end stories stand on: the switch, its peers, and the judges of what they say to each other.
//! It must never leave a process, a port or a folder behind, nor skip what it cannot check.

mod application;
mod folder;
mod keypad;
mod phone;
mod ports;
mod probe;
mod process;
mod scenario;
mod sound;
mod switch;
mod telephone;
mod wire;

pub use application::{Act, Application, Asked, answer, get, twiml};
pub use folder::Folder;
pub use keypad::Keypad;
pub use phone::Phone;
pub use ports::Ports;
pub use probe::Probe;
pub use process::{Process, tool as require};
pub use sound::{Sound, tone};
pub use switch::{ACCOUNT, Options, Switch, binary};
pub use telephone::{Running, Telephone};
pub use wire::Capture;

use std::time::{Duration, Instant};

/// Asks `holds` again until it says yes; fails with `what` when that takes too long.
pub fn eventually(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
