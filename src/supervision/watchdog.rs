//! The watchdog: each arbiter ticks, a plain thread looks whether it still does.
//! Must never wait for an arbiter: it only reads what the arbiter last wrote.

mod vigil;

use std::cell::OnceCell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, mpsc};
use std::thread;
use std::time::Duration;

use trunkline_media::moment::Moment;

use vigil::{Change, Vigil};
pub use vigil::{LATE, STUCK};

use super::clock::Clock;

/// How often an arbiter ticks, and how often the thread looks.
pub const TICK: Duration = Duration::from_millis(100);

/// What the watchdog saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// The arbiter has not ticked for [`LATE`]: no new calls there.
    Late {
        /// Which.
        arbiter: String,
        /// Type of the actor that runs there now; empty if none does.
        running: &'static str,
    },
    /// The arbiter has not ticked for [`STUCK`]: the node drains itself.
    Stuck {
        /// Which.
        arbiter: String,
        /// Type of the actor that runs there now; empty if none does.
        running: &'static str,
    },
    /// The arbiter ticks again.
    Recovered {
        /// Which.
        arbiter: String,
    },
}

/// Watches arbiters from a thread of its own, until dropped.
pub struct Watchdog {
    clock: Arc<dyn Clock>,
    pulses: Arc<Mutex<Vec<Watched>>>,
    /// Nobody is looked at: arbiters stand still on request.
    rests: Arc<AtomicBool>,
    /// Dropping it ends the thread.
    _alive: mpsc::Sender<()>,
}

struct Watched {
    arbiter: String,
    pulse: Arc<Pulse>,
    vigil: Vigil,
}

/// What an arbiter writes and the watchdog reads.
#[derive(Default)]
struct Pulse {
    /// Moment of the last tick, in microseconds.
    beat: AtomicU64,
    /// Label of what runs now; zero: nothing.
    running: AtomicU32,
}

impl Watchdog {
    /// Starts the thread. `alarm` runs on it, so it must not block. Fails if no thread can be had.
    /// The clock must be one that can be read on any thread.
    pub fn start(clock: Arc<dyn Clock>, alarm: impl Fn(Alarm) + Send + 'static) -> std::io::Result<Self> {
        let (alive, gone) = mpsc::channel::<()>();
        let pulses = Arc::new(Mutex::new(Vec::new()));
        let (watched, time) = (Arc::clone(&pulses), Arc::clone(&clock));
        let rests = Arc::new(AtomicBool::new(false));
        let resting = Arc::clone(&rests);
        thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            while gone.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
                if !resting.load(Ordering::Relaxed) {
                    look(&mut lock(&watched), time.now(), &alarm);
                }
            }
        })?;
        Ok(Self { clock, pulses, rests, _alive: alive })
    }

    /// Looks at nobody from now on, or again.
    pub fn rest(&self, rests: bool) {
        self.rests.store(rests, Ordering::Relaxed);
    }

    /// Watches the present arbiter under this name, until the guard is dropped. To be called on it.
    pub fn watch(&self, arbiter: impl Into<String>) -> Guard {
        let pulse = PULSE.with(|own| Arc::clone(own.get_or_init(Arc::default)));
        let now = self.clock.now();
        pulse.beat.store(now.as_micros(), Ordering::Relaxed);
        let watched = Watched { arbiter: arbiter.into(), pulse: Arc::clone(&pulse), vigil: Vigil::new(now) };
        lock(&self.pulses).push(watched);
        let (clock, beating) = (Arc::clone(&self.clock), Arc::clone(&pulse));
        let ticker = actix_rt::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                beating.beat.store(clock.now().as_micros(), Ordering::Relaxed);
            }
        });
        Guard { pulses: Arc::clone(&self.pulses), pulse, ticker }
    }
}

/// An arbiter is watched while this lives.
#[must_use = "dropping it ends the watch"]
pub struct Guard {
    pulses: Arc<Mutex<Vec<Watched>>>,
    pulse: Arc<Pulse>,
    ticker: actix_rt::task::JoinHandle<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.ticker.abort();
        lock(&self.pulses).retain(|watched| !Arc::ptr_eq(&watched.pulse, &self.pulse));
    }
}

fn look(pulses: &mut [Watched], now: Moment, alarm: &impl Fn(Alarm)) {
    for Watched { arbiter, pulse, vigil } in pulses {
        let beat = Moment::from_micros(pulse.beat.load(Ordering::Relaxed));
        let Some(change) = vigil.look(beat, now) else { continue };
        let (arbiter, running) = (arbiter.clone(), Label(pulse.running.load(Ordering::Relaxed)).name());
        alarm(match change {
            Change::Late => Alarm::Late { arbiter, running },
            Change::Stuck => Alarm::Stuck { arbiter, running },
            Change::Recovered => Alarm::Recovered { arbiter },
        });
    }
}

/// A list of pulses is whole at every moment, so a panic while it was held does no harm.
fn lock(pulses: &Mutex<Vec<Watched>>) -> MutexGuard<'_, Vec<Watched>> {
    pulses.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The pulse of this thread's arbiter, once it is watched.
    static PULSE: OnceCell<Arc<Pulse>> = const { OnceCell::new() };
}

/// The types of actors that were ever started: as many as the program has, so it is bounded.
static NAMES: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// Names a type of actor in a word that fits into an atomic; zero: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(u32);

impl Label {
    /// The label of the type called `name`.
    pub fn of(name: &'static str) -> Self {
        let find = |names: &[&'static str]| names.iter().position(|known| *known == name);
        let found = find(&NAMES.read().unwrap_or_else(PoisonError::into_inner));
        let at = found.unwrap_or_else(|| {
            let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
            find(&names).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            })
        });
        Self(u32::try_from(at + 1).unwrap_or(0))
    }

    fn name(self) -> &'static str {
        let at = usize::try_from(self.0).ok().and_then(|label| label.checked_sub(1));
        let names = NAMES.read().unwrap_or_else(PoisonError::into_inner);
        at.and_then(|at| names.get(at)).copied().unwrap_or("")
    }
}

/// Tells the watchdog that an actor with this label runs on this thread now, or that it has yielded.
pub(super) fn running(label: Option<Label>) {
    PULSE.with(|pulse| {
        if let Some(pulse) = pulse.get() {
            pulse.running.store(label.map_or(0, |label| label.0), Ordering::Relaxed);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_names_the_actor_that_holds_its_arbiter() {
        let pulse = Arc::new(Pulse::default());
        pulse.running.store(Label::of("trunkline::leg::Leg").0, Ordering::Relaxed);
        let vigil = Vigil::new(Moment::from_micros(0));
        let mut pulses = [Watched { arbiter: "signalling-1".to_owned(), pulse: Arc::clone(&pulse), vigil }];
        let seen = Mutex::new(Vec::new());
        for millis in (0..=6_000).step_by(100) {
            if millis == 6_000 {
                pulse.beat.store(6_000_000, Ordering::Relaxed);
            }
            let now = Moment::from_micros(millis * 1_000);
            look(&mut pulses, now, &|alarm| seen.lock().expect("one thread").push(alarm));
        }
        let (arbiter, running) = ("signalling-1".to_owned(), "trunkline::leg::Leg");
        let expected = [
            Alarm::Late { arbiter: arbiter.clone(), running },
            Alarm::Stuck { arbiter: arbiter.clone(), running },
            Alarm::Recovered { arbiter },
        ];
        assert_eq!(seen.into_inner().expect("one thread"), expected);
    }

    #[test]
    fn each_type_has_one_label_and_no_label_has_no_name() {
        assert_eq!(Label::of("a"), Label::of("a"));
        assert_ne!(Label::of("a"), Label::of("b"));
        assert_eq!((Label::of("b").name(), Label(0).name(), Label(u32::MAX).name()), ("b", "", ""));
    }
}
