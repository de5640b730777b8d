//! The other side of an upgrade: a new process takes the place of the one that runs, sockets, calls, sound and all.
//! It must never send or begin anything before the other one has given up for good.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;
use trunkline_media::port::{Command, Lease};
use trunkline_media::session::{Event as MediaEvent, Session, SessionId};

use super::arbiter::Sound;
use super::changes::VERSION;
use super::heritage::Heritage;
use super::house::House;
use super::together::Place;
use crate::ids::CallId;
use crate::keeper::{Handover, HandoverError, Inherited, Keeper};
use crate::leg::Leg;
use crate::sip::shard::GateMemory;
use crate::supervision::{Clock as _, SystemClock};

/// The new process: who I am, and what I can read.
pub(super) const HELLO: u8 = b'H';
/// The old one: nothing moves any more, here are all sockets.
pub(super) const ESTATE: u8 = b'E';
/// The new one: I have read everything.
pub(super) const READY: u8 = b'R';
/// The old one: this is where the sound stands still.
pub(super) const MEDIA: u8 = b'M';
/// The new one: I can go on at once.
pub(super) const LIVE: u8 = b'L';
/// The old one: go. From then on it never comes back.
pub(super) const GO: u8 = b'G';

/// Names of what is handed over beside sockets that the keeper knows.
pub(super) const JOURNAL_LOCK: &str = "lock/journal";
pub(super) const KEEPER: &str = "channel/keeper";
/// The control socket and its lock.
pub const CONTROL: [&str; 2] = ["control/socket", "control/lock"];

/// How long a word of the old process may take. It ends this process long before that if it does not want it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who wants to take over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Its release.
    pub release: String,
    /// Up to which version it reads records.
    pub reads: u16,
    /// In which version it writes them.
    pub writes: u16,
}

/// What is not in the journal, and must not change all the same.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Remains {
    /// The release that hands over.
    pub release: String,
    /// Nonces that telephones use.
    pub gate: GateMemory,
}

/// Where the sound stands still.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct StandStill {
    /// All sessions, each with its worker.
    pub sessions: Vec<(usize, Session)>,
    /// What they told since the arbiters stand still, each with its arbiter.
    pub events: Vec<(usize, MediaEvent)>,
}

/// The process whose place this one takes.
#[derive(Debug)]
pub struct Predecessor {
    channel: Handover,
    lock: Option<OwnedFd>,
    remains: Option<Remains>,
}

/// What it has left beside its calls.
#[derive(Debug)]
pub struct Estate {
    /// Who keeps sockets, and those that were handed over.
    pub kept: (Keeper, Inherited),
    /// The control socket and its lock.
    pub control: Option<(OwnedFd, File)>,
}

/// Sessions that can go on, and what to tell whom.
#[derive(Debug, Default)]
pub(super) struct Continuation {
    commands: Vec<(usize, Command)>,
    pub events: Vec<(usize, MediaEvent)>,
}

impl Predecessor {
    /// The one at the other end of standard input; `None`: there is none.
    pub fn of_stdin() -> Option<Self> {
        Handover::of_stdin().map(|channel| Self { channel, lock: None, remains: None })
    }

    /// Says that this process could take over, and waits for everything but the sound.
    ///
    /// # Errors
    /// The other one does not want that, or goes on by itself.
    pub fn estate(&mut self) -> Result<Estate, HandoverError> {
        let hello = Hello { release: release(), reads: VERSION, writes: VERSION };
        self.channel.say(HELLO, &hello, soon())?;
        self.remains = Some(self.channel.hear(ESTATE, soon())?);
        let mut sockets = self.channel.sockets();
        self.lock = sockets.take(JOURNAL_LOCK);
        let [socket, lock] = CONTROL.map(|name| sockets.take(name));
        let parent = sockets.take(KEEPER);
        let kept = Keeper::of_predecessor(parent, sockets);
        Ok(Estate { kept, control: socket.zip(lock.map(File::from)) })
    }

    /// The lock of the journals.
    pub(super) fn lock(&mut self) -> Option<OwnedFd> {
        self.lock.take()
    }

    /// What the gate goes on with.
    pub(super) fn remember(&mut self, house: &House) {
        if let Some(remains) = self.remains.take() {
            tracing::info!(from = %remains.release, to = %release(), "taking over");
            house.gate().remember(remains.gate);
        }
    }

    /// Has the sound stand still, and comes back when this process alone is responsible for everything.
    ///
    /// # Errors
    /// The other one goes on by itself. Nobody has heard of this process, and nobody is to.
    pub(super) fn take_over(
        mut self,
        house: &House,
        heritage: &mut Heritage,
        sounds: &[Sound],
    ) -> Result<Continuation, HandoverError> {
        self.channel.say(READY, &(), soon())?;
        let still: StandStill = self.channel.hear(MEDIA, soon())?;
        let continuation = Continuation::prepare(still, house, heritage, sounds);
        self.channel.say(LIVE, &(), soon())?;
        self.channel.hear::<()>(GO, soon())?;
        continuation.proceed(house);
        Ok(continuation.told())
    }
}

impl Continuation {
    fn prepare(still: StandStill, house: &House, heritage: &mut Heritage, sounds: &[Sound]) -> Self {
        let mut legs: HashMap<u64, (usize, CallId, Option<Lease>)> = HashMap::new();
        for (shard, share) in heritage.shares.iter_mut().enumerate() {
            let of_leg = |leg: &Leg| (leg.id().session_bits(), (shard, leg.call(), leg.lease().copied()));
            legs.extend(share.estate.legs.values().map(of_leg));
            // What the journal knows of them is older.
            share.estate.sessions.clear();
        }
        let mut commands = Vec::new();
        for (worker, session) in still.sessions {
            let SessionId(bits) = session.id();
            let Some((shard, call, Some(lease))) = legs.get(&bits) else { continue };
            let Some(sound) = sounds.get(*shard) else { continue };
            let sockets = match house.retake(lease) {
                Ok(sockets) => sockets,
                Err(error) => {
                    tracing::error!(port = lease.port, %error, "a leg has lost its media ports");
                    continue;
                }
            };
            let worker = worker % house.engine.workers().max(1);
            if worker != house.engine.worker(call.0.session_bits()) {
                house.places().insert(bits, Place::settled(worker));
            }
            if let Some(share) = heritage.shares.get_mut(*shard) {
                share.estate.sessions.insert(bits, session.clone());
            }
            let snapshot = Box::new(session);
            commands.push((worker, Command::Continue { snapshot, sockets, sink: sound.sink.clone() }));
        }
        Self { commands, events: still.events }
    }

    /// Lets all sessions go on, together: none is to miss a packet of another.
    fn proceed(&self, house: &House) {
        if let Err(error) = house.engine.freeze(Duration::from_secs(1)) {
            tracing::warn!(%error, "sessions do not all go on together");
        }
        for (worker, command) in &self.commands {
            while house.engine.send(*worker, command.clone()).is_err() {
                house.engine.thaw();
                std::thread::yield_now();
            }
        }
        house.engine.thaw();
    }

    fn told(self) -> Self {
        Self { commands: Vec::new(), ..self }
    }
}

/// This release.
pub(super) fn release() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn soon() -> Moment {
    SystemClock.now() + PATIENCE
}
