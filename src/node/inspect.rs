//! What an operator sees of a running node at closer range: one call, the whole switch, what happens from now on.
//! It must never do on an arbiter what can be done beside it.

use std::collections::HashMap;

use tokio::sync::mpsc;
use trunkline_media::session::SessionId;

use super::control::{Desk, NO_CALL, error, trace_of};
use super::metrics::Process;
use super::tails::WAITING;
use crate::call::CallInput;
use crate::ids::{CallId, LegId};
use crate::leg::{Leg, LegInput, LegSummary, Order};
use crate::ops::control::{Answer, CallReport, LegNow, Overview, Quality, Reply, Traffic, Whom};
use crate::ops::events::Cause;

/// Calls in the list of the longest.
const LONGEST: usize = 100;

impl Desk {
    /// Everything about the call that `leg` belongs to, or about the latest.
    pub(super) async fn call(&self, leg: Option<LegId>) -> Option<CallReport> {
        let trace = self.trace(leg).await?;
        let call = trace.call;
        let up = self.gather(move |cell| {
            let records = cell.records.borrow();
            let legs = records.legs_of(call);
            legs.iter().filter_map(|leg| records.legs.get(leg).map(Leg::summary)).collect()
        });
        let up: Vec<LegSummary> = up.await;
        let engine = &self.house.engine;
        let now = |summary: LegSummary| {
            let stats = engine.stats(SessionId(summary.id.session_bits()));
            LegNow { summary, quality: stats.map(Quality::from) }
        };
        Some(CallReport { trace, up: up.into_iter().map(now).collect(), now: self.house.clock.now() })
    }

    /// Ends legs, as their own call would or as their far end would.
    pub(super) async fn hang_up(&self, whom: Whom) -> Answer {
        let ended = self.gather(move |cell| {
            let calls: Vec<CallId> = match whom {
                Whom::All => cell.records.borrow().calls.keys().copied().collect(),
                Whom::Call(leg) => cell.records.borrow().call_of(leg).into_iter().collect(),
                Whom::Leg(leg) if cell.records.borrow().legs.contains_key(&leg) => {
                    cell.signal_leg(leg, LegInput::Order(Order::Hangup { cause: Cause::HungUp }));
                    return vec![1];
                }
                Whom::Leg(_) => return Vec::new(),
            };
            let legs = calls.iter().map(|call| cell.records.borrow().legs_of(*call).len() as u64).sum();
            calls.into_iter().for_each(|call| cell.signal_call(call, CallInput::End(Cause::HungUp)));
            vec![legs]
        });
        match ended.await.into_iter().sum() {
            0 if whom != Whom::All => error("there is no such call, or it is over"),
            legs => Answer::HungUp { legs },
        }
    }

    /// What happens from now on; of one call after what happened so far.
    pub(super) async fn follow(&self, leg: Option<LegId>) -> Reply {
        let (way, answers) = mpsc::channel(WAITING);
        let Some(leg) = leg else {
            self.gather(move |cell| {
                cell.records.borrow_mut().tails.add(None, way.clone());
                Vec::<()>::new()
            })
            .await;
            return Reply::Many(answers);
        };
        let found = self.gather(move |cell| {
            let mut records = cell.records.borrow_mut();
            let Some((call, log)) = records.log_of(leg).map(|(call, log)| (call, log.clone())) else {
                return Vec::new();
            };
            // In one step with the copy: nothing is told twice, nothing is left out. The queue is still empty.
            drop(way.try_send(Answer::Trace(trace_of(&*cell.house.clock, call, log))));
            if records.is_open(call) {
                records.tails.add(Some(call), way.clone());
            } else {
                drop(way.try_send(Answer::Done));
            }
            vec![()]
        });
        match found.await.is_empty() {
            true => error(NO_CALL).into(),
            false => Reply::Many(answers),
        }
    }

    /// The switch at one look.
    pub(super) async fn overview(&self) -> Overview {
        let clock = &self.house.clock;
        let (mut lag_us, mut silent) = (0, 0);
        let mut legs: HashMap<LegId, LegSummary> = HashMap::new();
        for post in &self.posts {
            let asked = clock.now();
            let found = post
                .ask(|cell| {
                    let summaries: Vec<LegSummary> =
                        cell.records.borrow().legs.values().map(Leg::summary).collect();
                    (summaries, cell.lag.get())
                })
                .await;
            match found {
                Some((summaries, lag)) => {
                    let way = clock.now().since(asked).max(lag);
                    lag_us = lag_us.max(u64::try_from(way.as_micros()).unwrap_or(u64::MAX));
                    legs.extend(summaries.into_iter().map(|leg| (leg.id, leg)));
                }
                None => silent += 1,
            }
        }
        let open = legs.keys().filter_map(|leg| self.house.engine.stats(SessionId(leg.session_bits())));
        let traffic = open.fold(self.house.load.traffic(), |sum, leg| sum + Traffic::from(leg));
        let legs_up = legs.len() as u64;
        let mut longest: Vec<LegSummary> = legs.into_values().filter(|leg| leg.call.0 == leg.id).collect();
        longest.sort_by_key(|leg| leg.began);
        longest.truncate(LONGEST);
        let process = tokio::task::spawn_blocking(Process::read).await.unwrap_or_default();
        Overview { lag_us, silent, traffic, legs: legs_up, longest, ..self.counted(process) }
    }

    /// What can be read without asking anybody.
    fn counted(&self, process: Process) -> Overview {
        use std::sync::atomic::Ordering::Relaxed;
        let house = &self.house;
        let (load, now) = (&house.load, house.clock.now());
        let settings = house.settings();
        let limits = &settings.config.limits;
        Overview {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now,
            wall_us: house.clock.wall(),
            started: house.started,
            is_closing: load.closing.load(Relaxed),
            drain: house.drain(),
            calls: load.calls.load(Relaxed) as u64,
            calls_limit: limits.calls as u64,
            legs_limit: limits.legs as u64,
            begun: load.begun.load(Relaxed) as u64,
            registrations: house.registrar.list(now).len() as u64,
            cpu_us: u64::try_from(process.cpu.as_micros()).unwrap_or(u64::MAX),
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64),
            memory: process.memory,
            files: process.descriptors,
            files_limit: process.descriptors_limit,
            shed: load.shed.load(Relaxed) as u64,
            ..Overview::default()
        }
    }
}
