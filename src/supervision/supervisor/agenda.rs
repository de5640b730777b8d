//! The agenda: what a supervisor is about to do with its group, one child at a time.
//! Must never tell a child to stop before the one after it has stopped.

use std::time::Duration;

use actix::{ActorContext, AsyncContext, Context, SpawnHandle};
use trunkline_media::moment::{Moment, earliest};

use super::{State, Supervisor};
use crate::supervision::exit::{ChildId, Exit, ExitReason, Fate};

/// What lies ahead of the group.
pub(super) enum Agenda {
    /// Children live and fail one by one.
    Idle,
    /// All children from place `from` on end in reverse order, then start in order after `pause`.
    Regroup { from: u64, pause: Duration, plan: Plan },
    /// They have ended, and start when the timer ends.
    Pause { timer: SpawnHandle },
    /// All children end in reverse order, by `deadline` at the latest, then the supervisor.
    Close { verdict: Option<ExitReason>, deadline: Option<Moment>, plan: Plan },
}

/// Children to stop: the last of the queue is the next.
#[derive(Default)]
pub(super) struct Plan {
    queue: Vec<ChildId>,
    awaited: Option<ChildId>,
}

impl Supervisor {
    /// Puts a restart of all from place `from` on the agenda, together with one that is there already.
    pub(super) fn regroup(&mut self, from: u64, pause: Duration, ctx: &mut Context<Self>) {
        let (from, pause, awaited) = match std::mem::replace(&mut self.agenda, Agenda::Idle) {
            Agenda::Idle => (from, pause, None),
            Agenda::Regroup { from: earlier, pause: longer, plan } => {
                (from.min(earlier), pause.max(longer), plan.awaited)
            }
            Agenda::Pause { timer } => {
                // Only one that stands before those who are absent can fail now.
                ctx.cancel_future(timer);
                (from, pause, None)
            }
            closing @ Agenda::Close { .. } => {
                self.agenda = closing;
                return;
            }
        };
        let queue = self.children_from(from);
        self.agenda = Agenda::Regroup { from, pause, plan: Plan { queue, awaited } };
    }

    /// Puts the end of the group on the agenda. A later call can only bring the deadline nearer.
    pub(super) fn close(
        &mut self,
        verdict: Option<ExitReason>,
        deadline: Option<Moment>,
        ctx: &mut Context<Self>,
    ) {
        self.let_go(deadline);
        let awaited = match &mut self.agenda {
            Agenda::Close { deadline: present, .. } => {
                *present = earliest(*present, deadline);
                return;
            }
            Agenda::Regroup { plan, .. } => plan.awaited.take(),
            Agenda::Pause { timer } => {
                ctx.cancel_future(*timer);
                None
            }
            Agenda::Idle => None,
        };
        let queue = self.children_from(0);
        self.agenda = Agenda::Close { verdict, deadline, plan: Plan { queue, awaited } };
    }

    /// Takes those steps on the agenda that need no waiting.
    pub(super) fn advance(&mut self, ctx: &mut Context<Self>) {
        match &mut self.agenda {
            Agenda::Idle => {
                if self.ends_when_empty && self.children.is_empty() {
                    ctx.stop();
                }
            }
            Agenda::Pause { .. } => {}
            Agenda::Regroup { from, pause, plan } => {
                let (from, pause, mut plan) = (*from, *pause, std::mem::take(plan));
                if self.is_waiting(&mut plan, Fate::Restarts, None) {
                    self.agenda = Agenda::Regroup { from, pause, plan };
                } else if pause.is_zero() {
                    self.start_from(from, ctx);
                } else {
                    let timer = ctx.run_later(pause, move |supervisor, ctx| supervisor.start_from(from, ctx));
                    self.agenda = Agenda::Pause { timer };
                }
            }
            Agenda::Close { plan, deadline, .. } => {
                let (mut plan, deadline) = (std::mem::take(plan), *deadline);
                self.is_waiting(&mut plan, Fate::Ended, deadline);
                if let Agenda::Close { plan: present, .. } = &mut self.agenda {
                    *present = plan;
                }
                if self.children.is_empty() {
                    ctx.stop();
                }
            }
        }
    }

    /// Stops the plan's children one after the other; true if one has to be waited for.
    fn is_waiting(&mut self, plan: &mut Plan, fate: Fate, deadline: Option<Moment>) -> bool {
        if plan.awaited.as_ref().is_some_and(|id| self.is_ending(id)) {
            return true;
        }
        while let Some(id) = plan.queue.pop() {
            self.end_child(&id, fate, deadline);
            if self.is_ending(&id) && !(fate == Fate::Ended && self.ends_together) {
                plan.awaited = Some(id);
                return true;
            }
        }
        false
    }

    /// Nobody comes back to a group that closes: neither those that are absent nor those that are ending.
    fn let_go(&mut self, deadline: Option<Moment>) {
        let patience = deadline.map(|deadline| deadline.since(self.clock.now()));
        let mut absent = Vec::new();
        for (id, child) in &mut self.children {
            match &mut child.state {
                State::Running(_) => {}
                State::Absent => absent.push((id.clone(), child.generation)),
                State::Ending { reins, fate, .. } => {
                    *fate = Fate::Ended;
                    if let Some(patience) = patience {
                        reins.stop(patience);
                    }
                }
            }
        }
        for (child, generation) in absent {
            self.settle(&Exit { child, generation, reason: ExitReason::Shutdown }, Fate::Ended);
        }
    }

    /// Starts the children from place `from` on that are absent, in order, up to one that fails.
    fn start_from(&mut self, from: u64, ctx: &mut Context<Self>) {
        self.agenda = Agenda::Idle;
        for id in self.children_from(from) {
            if !self.start_absent(&id, ctx) {
                break;
            }
        }
    }

    fn is_ending(&self, id: &ChildId) -> bool {
        self.children.get(id).is_some_and(|child| matches!(child.state, State::Ending { .. }))
    }

    /// Children from place `from` on, in the order of starting.
    fn children_from(&self, from: u64) -> Vec<ChildId> {
        let later = self.children.iter().filter(|(_, child)| child.place >= from);
        let mut later: Vec<_> = later.map(|(id, child)| (child.place, id)).collect();
        later.sort_unstable();
        later.into_iter().map(|(_, id)| id.clone()).collect()
    }
}
