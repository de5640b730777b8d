//! How an arbiter goes on with what a former process has left: the same ports, the same streams, the same calls.
//! It must never begin anything anew that goes on, nor keep a lease for anybody who is gone.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use trunkline_media::port::Command;
use trunkline_media::session::{Session as MediaSession, SessionId};

use super::cell::Cell;
use super::changes::Key;
use super::estate::Estate;
use super::sound::Session;
use crate::ids::{CallId, LegId};
use crate::ledger::CallRecord;
use crate::leg::{Leg, LegInput, Readopted, Wish};
use crate::ops::events::Event;
use crate::supervision::{ChildSpec, StartChild};

/// How long nobody is asked whether they are still there: most give a sign by themselves.
const RESPITE: Duration = Duration::from_secs(2);

/// From one who is asked to the next: 200 a second of the whole node.
const ASKING: Duration = Duration::from_millis(5);

/// Calls of a former process, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Revenants {
    pub calls: Vec<CallId>,
    /// Records of legs that may not be in the ledger yet.
    accounts: Vec<CallRecord>,
    /// Whether the last that they have said may not be known.
    is_stale: bool,
}

impl Cell {
    /// Takes up what is left, before any actor begins.
    pub(super) fn inherit(&self, estate: Estate) -> Revenants {
        let is_stale = estate.is_stale;
        estate.losses.iter().for_each(|loss| tracing::error!(shard = self.seat.shard, %loss, "not resumed"));
        let calls = estate.calls();
        let load = &self.house.load;
        load.calls.fetch_add(estate.calls.len(), Ordering::Relaxed);
        load.legs.fetch_add(estate.legs.len(), Ordering::Relaxed);
        load.outboxes.fetch_add(estate.outboxes.len(), Ordering::Relaxed);
        let mut sessions = estate.sessions;
        for leg in estate.legs.values() {
            let session = sessions.remove(&leg.id().session_bits());
            self.retake_media(leg, session);
        }
        {
            let mut admitted = self.admitted.borrow_mut();
            estate.admitted.into_iter().for_each(|(leg, key)| admitted.insert(key, leg));
        }
        {
            let mut records = self.records.borrow_mut();
            records.legs = estate.legs;
            records.calls = estate.calls;
            records.scripts = estate.scripts;
            records.outboxes = estate.outboxes;
            records.logs = estate.logs;
            records.parts = estate.parts;
            for part in estate.shard {
                records.shard.insert(part.key(), part);
            }
            // A part that is named otherwise by now is written under its present name.
            let shard: Vec<_> = records.shard.keys().cloned().collect();
            shard.into_iter().for_each(|key| records.changes.note(Key::Shard(key)));
        }
        self.commits.borrow_mut().forget(estate.stale);
        let mut calls: Vec<CallId> = calls.into_iter().collect();
        let began = |call: &CallId| self.records.borrow().legs.get(&call.0).map(|leg| leg.summary().began);
        calls.sort_by_key(began);
        Revenants { calls, accounts: estate.accounts, is_stale }
    }

    /// The same ports, and the same stream.
    fn retake_media(&self, leg: &Leg, session: Option<MediaSession>) {
        let Some(lease) = leg.lease() else { return };
        let sockets = match self.house.retake(lease) {
            Ok(sockets) => sockets,
            Err(error) => {
                return tracing::error!(leg = %leg.id(), port = lease.port, %error, "a leg has lost its media ports");
            }
        };
        let (id, sink) = (SessionId(leg.id().session_bits()), Arc::clone(&self.sink));
        let command = match (session, leg.wish()) {
            (Some(session), _) => Command::Resume { snapshot: Box::new(session), sockets, sink },
            (None, Wish::Open { agreed: Some(_), clock, timeout, .. }) => {
                let clock = clock.later(self.now().since(leg.summary().began));
                Command::Open { session: id, sockets, clock, sink, timeout }
            }
            (None, _) => return,
        };
        self.sessions.borrow_mut().insert(id.0, Session::unknown(leg.id()));
        self.command(self.worker_of_session(leg.call(), leg.id()), command);
    }

    /// Brings the actors of these calls back, the oldest first.
    pub(super) async fn bring_back(self: Rc<Self>, revenants: Revenants) {
        let Some(root) = self.actors.borrow().root.clone() else { return };
        revenants.accounts.into_iter().for_each(|record| self.enter(record));
        let room = revenants.is_stale.then_some(Readopted::ROOM);
        let pace = ASKING * u32::try_from(self.seat.of).unwrap_or(1);
        let mut ask_at = self.now() + RESPITE;
        for call in revenants.calls {
            let (spec, handle) = self.supervisor_of(call, self.parties_of(call));
            self.actors.borrow_mut().supervisors.insert(call, handle);
            if root.send(StartChild(spec)).await.is_err() {
                return tracing::error!("calls cannot go on: their arbiter has ended");
            }
            for leg in self.records.borrow().legs_of(call) {
                self.signal_leg(leg, LegInput::Readopted(Readopted { ask_at, room }));
                ask_at = ask_at + pace;
            }
        }
    }

    /// The actors of a call as they were committed last.
    fn parties_of(&self, call: CallId) -> Vec<ChildSpec> {
        let (mut legs, scripts, has_call, has_outbox): (Vec<LegId>, Vec<LegId>, bool, bool) = {
            let records = self.records.borrow();
            let legs = records.legs.values().filter(|leg| leg.call() == call).map(Leg::id).collect();
            let scripts = records.scripts.values().filter(|run| run.call() == call);
            let scripts = scripts.map(crate::call::script::ScriptRun::leg).collect();
            let (has_call, has_outbox) =
                (records.calls.contains_key(&call), records.outboxes.contains_key(&call));
            (legs, scripts, has_call, has_outbox)
        };
        legs.sort();
        let mut specs = Vec::new();
        specs.extend(has_call.then(|| self.call_spec(call)));
        specs.extend(legs.iter().map(|leg| self.leg_spec(*leg)));
        specs.extend(scripts.iter().map(|leg| self.script_spec(*leg)));
        specs.extend(has_outbox.then(|| self.outbox_spec(call)));
        for leg in legs {
            self.note(leg, Event::Restored { actor: "process".to_owned(), generation: 0 });
        }
        specs
    }
}
