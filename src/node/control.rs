//! What the control socket asks of the node, and the last word on actors that died.
//! It must never change a call but by the inputs that anybody else would use.

use std::net::IpAddr;
use std::time::Duration;

use actix::{Actor, Context, Handler};

use super::arbiter::Post;
use super::cell::Cell;
use super::records::CallLog;
use super::start::Node;
use crate::call::CallInput;
use crate::ids::{CallId, LegId};
use crate::leg::{Leg, LegSummary};
use crate::ops::control::{Answer, Census, Question, RegistrationSummary, Reply};
use crate::ops::events::{Cause, Event};
use crate::ops::log::Selection;
use crate::ops::trace::{LegTrace, Trace};
use crate::supervision::machine::Party;
use crate::supervision::{Clock, Down, ExitReason, Fate};

/// Answers questions about a node; cheap to clone.
#[derive(Clone)]
pub struct Desk {
    pub(super) house: std::sync::Arc<super::house::House>,
    pub(super) posts: Vec<Post>,
}

impl Node {
    /// Who answers questions about this node.
    pub fn desk(&self) -> Desk {
        Desk::new(self.house().clone(), self.posts())
    }
}

impl Desk {
    pub(super) fn new(house: std::sync::Arc<super::house::House>, posts: Vec<Post>) -> Self {
        Self { house, posts }
    }

    /// Answers one question. `Stop` is answered by whoever owns the process.
    pub async fn answer(&self, question: Question) -> Reply {
        let one = match question {
            Question::Follow { call } => return self.follow(call).await,
            Question::Calls => Answer::Calls(self.calls().await),
            Question::Registrations => Answer::Registrations(self.registrations()),
            Question::Trace { call } => match self.trace(call).await {
                Some(trace) => Answer::Trace(trace),
                None => error(NO_CALL),
            },
            Question::Call { leg } => match self.call(leg).await {
                Some(report) => Answer::Call(Box::new(report)),
                None => error(NO_CALL),
            },
            Question::Hangup { whom } => self.hang_up(whom).await,
            Question::Overview => Answer::Overview(Box::new(self.overview().await)),
            Question::Drain { patience_ms } => {
                Answer::Draining(self.drain(Duration::from_millis(patience_ms)))
            }
            Question::CancelDrain => Answer::Draining(self.cancel_drain()),
            Question::Census => Answer::Census(self.census().await),
            Question::SipTrace { on, peer, call } => self.sip_trace(on, peer, call).await,
            Question::Upgrade { .. } | Question::Rollback | Question::Stop | Question::Reload { .. } => {
                error("that is done by the node's process")
            }
            #[cfg(debug_assertions)]
            Question::Poison { what, id } => self.poison(what, id).await,
        };
        one.into()
    }

    async fn calls(&self) -> Vec<LegSummary> {
        let mut all =
            self.gather(|cell| cell.records.borrow().legs.values().map(Leg::summary).collect()).await;
        all.sort_by_key(|leg: &LegSummary| (leg.call != CallId(leg.id), leg.began));
        all.sort_by_key(|leg| leg.call);
        all
    }

    fn registrations(&self) -> Vec<RegistrationSummary> {
        let now = self.house.clock.now();
        let phones = self.house.registrar.list(now).into_iter();
        phones.map(|(user, binding)| RegistrationSummary::new(user, &binding, now)).collect()
    }

    pub(super) async fn trace(&self, leg: Option<LegId>) -> Option<Trace> {
        let found = self
            .gather(move |cell| {
                let records = cell.records.borrow();
                let log = match leg {
                    Some(leg) => records.log_of(leg),
                    None => records.latest(),
                };
                log.map(|(call, log)| (call, log.clone())).into_iter().collect()
            })
            .await;
        let (call, log): (CallId, CallLog) = found.into_iter().max_by_key(|(_, log)| log.began())?;
        Some(trace_of(&*self.house.clock, call, log))
    }

    pub(super) async fn census(&self) -> Census {
        let mut census = Census {
            ports: self.house.ports.leased() as u64,
            sessions: self.house.engine.census().sessions as u64,
            ..Census::default()
        };
        for part in self.gather(|cell| vec![cell.census()]).await {
            census.calls += part.calls;
            census.legs += part.legs;
            census.scripts += part.scripts;
            census.outboxes += part.outboxes;
            census.actors += part.actors;
            census.tasks += part.tasks;
            census.mails += part.mails;
            census.snapshots += part.snapshots;
            census.client_transactions += part.client_transactions;
            census.server_transactions += part.server_transactions;
            census.dialogs += part.dialogs;
            census.orphans += part.orphans;
        }
        census
    }

    async fn sip_trace(&self, on: bool, peer: Option<IpAddr>, call: Option<LegId>) -> Answer {
        let mut selections: Vec<Selection> = peer.map(Selection::Peer).into_iter().collect();
        if let Some(leg) = call {
            let ids = self.gather(move |cell| cell.call_ids(leg)).await;
            if ids.is_empty() {
                return error("there is no such leg");
            }
            selections.extend(ids.into_iter().map(Selection::Call));
        }
        if selections.is_empty() {
            selections.push(Selection::All);
        }
        for selection in selections {
            if !on {
                self.house.trace.dismiss(&selection);
            } else if let Err(too_many) = self.house.trace.select(selection) {
                return error(&too_many.to_string());
            }
        }
        Answer::Done
    }

    #[cfg(debug_assertions)]
    async fn poison(&self, what: crate::ops::control::Poisoned, id: Option<LegId>) -> Answer {
        let id = match id {
            Some(id) => Some(id),
            None => self.calls().await.into_iter().max_by_key(|leg| leg.began).map(|leg| leg.id),
        };
        let Some(id) = id else { return error("there is no call") };
        let done = self.gather(move |cell| vec![cell.poison(what, id)]).await;
        if done.contains(&true) { Answer::Done } else { error("there is no such actor") }
    }

    /// Asks every arbiter; one that does not answer in time has nothing to say.
    pub(super) async fn gather<T: Send + 'static>(
        &self,
        ask: impl Fn(&Cell) -> Vec<T> + Clone + Send + 'static,
    ) -> Vec<T> {
        let mut all = Vec::new();
        for post in &self.posts {
            let ask = ask.clone();
            all.extend(post.ask(move |cell| ask(cell)).await.unwrap_or_default());
        }
        all
    }
}

pub(super) const NO_CALL: &str = "there is no such call, or it is too long ago";

pub(super) fn error(message: &str) -> Answer {
    Answer::Error { message: message.to_owned() }
}

/// The event logs of a call as those outside see them.
pub(super) fn trace_of(clock: &dyn Clock, call: CallId, log: CallLog) -> Trace {
    let boot_wall_us = clock.wall().saturating_sub(clock.now().as_micros());
    let leg = |leg: super::records::LegLog| LegTrace { id: leg.id, peer: leg.peer, entries: leg.entries };
    Trace { call, boot_wall_us, legs: log.legs.into_iter().map(leg).collect() }
}

impl Cell {
    pub(super) fn census(&self) -> Census {
        let records = self.records.borrow();
        let actors = self.actors.borrow();
        let shard = records.shard_counts();
        Census {
            tasks: self.tasks.get(),
            calls: records.calls.len() as u64,
            legs: records.legs.len() as u64,
            scripts: records.scripts.len() as u64,
            outboxes: records.outboxes.len() as u64,
            actors: (actors.legs.len()
                + actors.calls.len()
                + actors.scripts.len()
                + actors.outboxes.len()
                + actors.supervisors.len()) as u64,
            snapshots: (records.legs.len()
                + records.calls.len()
                + records.scripts.len()
                + records.outboxes.len()) as u64
                + self.admitted.borrow().len() as u64,
            mails: shard.mails + self.open_letters() as u64,
            client_transactions: shard.client,
            server_transactions: shard.server,
            dialogs: shard.dialogs,
            orphans: shard.orphans,
            ..Census::default()
        }
    }

    /// The Call-IDs of all dialogs of the call that `leg` belongs to.
    fn call_ids(&self, leg: LegId) -> Vec<String> {
        let records = self.records.borrow();
        let Some(call) = records.call_of(leg) else { return Vec::new() };
        records.legs.values().filter(|leg| leg.call() == call).flat_map(Leg::call_ids).collect()
    }

    /// The ports that legs of this arbiter hold.
    pub(super) fn leases(&self) -> Vec<trunkline_media::port::Lease> {
        self.records.borrow().legs.values().filter_map(|leg| leg.lease().copied()).collect()
    }

    /// Ends every call of this arbiter.
    pub(super) fn end_calls(&self, cause: &Cause) {
        let calls: Vec<CallId> = self.records.borrow().calls.keys().copied().collect();
        calls.into_iter().for_each(|call| self.signal_call(call, CallInput::End(cause.clone())));
    }

    #[cfg(debug_assertions)]
    fn poison(&self, what: crate::ops::control::Poisoned, id: LegId) -> bool {
        use crate::ops::control::Poisoned;
        use crate::supervision::runner::Poison;
        let call = self.records.borrow().call_of(id);
        let actors = self.actors.borrow();
        let sent = match what {
            Poisoned::Leg => actors.legs.get(&id).map(|way| way.try_send(Poison)),
            Poisoned::Call => call.and_then(|call| actors.calls.get(&call)).map(|way| way.try_send(Poison)),
            Poisoned::Shard => call.and(actors.shard.as_ref()).map(|way| way.try_send(Poison)),
        };
        matches!(sent, Some(Ok(())))
    }
}

/// Hears of every actor of an arbiter that ended, and writes a panic into the log of its leg.
pub(super) struct Undertaker;

impl Actor for Undertaker {
    type Context = Context<Self>;
}

impl Handler<Down> for Undertaker {
    type Result = ();

    fn handle(&mut self, down: Down, _: &mut Self::Context) {
        let Some(cell) = Cell::present() else { return };
        let name = down.child.as_str();
        let Some((kind, id)) = name.split_once(' ') else { return };
        if kind == "supervisor"
            && let Ok(call) = id.parse()
        {
            cell.supervisor_gone(CallId(call));
        }
        let Ok(leg) = id.parse() else { return };
        if let ExitReason::Panic(message) = &down.reason {
            cell.note(leg, Event::Panicked { actor: kind.to_owned(), message: message.clone() });
        }
        // Its supervisor has fallen over and it: nobody else brings it to its end.
        if down.reason == ExitReason::Killed && down.fate == Fate::Ended {
            match kind {
                "leg" => cell.lost(Party::Leg(leg)),
                "call" => cell.lost(Party::Call(CallId(leg))),
                "script" => cell.lost(Party::Script(leg)),
                "outbox" => cell.lost(Party::Outbox(CallId(leg))),
                _ => {}
            }
        }
    }
}
