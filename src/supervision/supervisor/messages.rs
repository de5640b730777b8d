//! What can be asked of a supervisor, and its answers.
//! Must never carry an actor, only how to build one.

use actix::{Context, Handler, Message, MessageResponse, MessageResult, Recipient};
use serde::{Deserialize, Serialize};
use trunkline_media::moment::Moment;

use super::{Child, State, Supervisor};
use crate::ids::Generation;
use crate::supervision::child::ChildSpec;
use crate::supervision::exit::{ChildId, Down, Exit, ExitReason, Fate};

/// Why a supervisor does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The group is ending: nothing is started any more.
    #[error("the group is ending")]
    Ending,
    /// A sibling has that name.
    #[error("a sibling has that name")]
    NameTaken,
    /// No child has that name.
    #[error("no child has that name")]
    NoSuchChild,
}

/// Starts one more child, after all others.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), Refused>")]
pub struct StartChild(pub ChildSpec);

/// Stops a child for good; it has its shutdown time to do so, and [`Down`] tells when it has.
#[derive(Clone, Debug, Message)]
#[rtype(result = "Result<(), Refused>")]
pub struct StopChild {
    /// Which.
    pub id: ChildId,
}

/// Ends all children in reverse order of starting, each within its own shutdown time and none beyond the
/// deadline; then the supervisor itself.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Shutdown {
    /// When the last child has to be gone.
    pub deadline: Moment,
}

/// Has each exit of a child told to `recipient`, past its mailbox's bound: an end must be heard.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Watch {
    /// Who wants to know.
    pub recipient: Recipient<Down>,
}

/// Asks how many children there are, and in what state.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Tally")]
pub struct Census;

/// A supervisor's children, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, MessageResponse)]
pub struct Tally {
    /// Children that run.
    pub running: usize,
    /// Children that were told to stop and have not yet.
    pub ending: usize,
    /// Children between two generations.
    pub absent: usize,
    /// Restarts so far.
    pub restarts: u64,
    /// Children given up so far.
    pub given_up: u64,
}

/// Where a child is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It runs.
    Running,
    /// It was told to stop.
    Ending,
    /// It is between two generations.
    Absent,
}

impl State {
    const fn phase(&self) -> Phase {
        match self {
            Self::Running(_) => Phase::Running,
            Self::Ending { .. } => Phase::Ending,
            Self::Absent => Phase::Absent,
        }
    }
}

/// Asks for the children by name, in the order of starting.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Vec<Branch>")]
pub(in crate::supervision) struct Outline;

/// One child, as the tree shows it.
#[derive(Debug)]
pub(in crate::supervision) struct Branch {
    pub id: ChildId,
    pub generation: Generation,
    pub phase: Phase,
    /// Where its own children can be asked for.
    pub supervisor: Option<actix::Addr<Supervisor>>,
}

impl Handler<Exit> for Supervisor {
    type Result = ();

    fn handle(&mut self, exit: Exit, ctx: &mut Context<Self>) {
        self.on_exit(&exit, ctx);
    }
}

impl Handler<StartChild> for Supervisor {
    type Result = Result<(), Refused>;

    fn handle(&mut self, StartChild(spec): StartChild, ctx: &mut Context<Self>) -> Self::Result {
        self.admit(spec, ctx)
    }
}

impl Handler<StopChild> for Supervisor {
    type Result = Result<(), Refused>;

    fn handle(&mut self, StopChild { id }: StopChild, ctx: &mut Context<Self>) -> Self::Result {
        let child = self.children.get_mut(&id).ok_or(Refused::NoSuchChild)?;
        match &mut child.state {
            State::Running(_) => self.end_child(&id, Fate::Ended, None),
            State::Ending { fate, .. } => *fate = Fate::Ended,
            State::Absent => {
                let exit = Exit { child: id, generation: child.generation, reason: ExitReason::Shutdown };
                self.settle(&exit, Fate::Ended);
                self.advance(ctx);
            }
        }
        Ok(())
    }
}

impl Handler<Shutdown> for Supervisor {
    type Result = ();

    fn handle(&mut self, Shutdown { deadline }: Shutdown, ctx: &mut Context<Self>) {
        self.close(Some(ExitReason::Shutdown), Some(deadline), ctx);
        self.advance(ctx);
    }
}

impl Handler<Watch> for Supervisor {
    type Result = ();

    fn handle(&mut self, Watch { recipient }: Watch, _: &mut Context<Self>) {
        self.watchers.push(recipient);
    }
}

impl Handler<Census> for Supervisor {
    type Result = Tally;

    fn handle(&mut self, _: Census, _: &mut Context<Self>) -> Tally {
        let mut tally = Tally { restarts: self.restarts, given_up: self.given_up, ..Tally::default() };
        for child in self.children.values() {
            match child.state.phase() {
                Phase::Running => tally.running += 1,
                Phase::Ending => tally.ending += 1,
                Phase::Absent => tally.absent += 1,
            }
        }
        tally
    }
}

impl Handler<Outline> for Supervisor {
    type Result = MessageResult<Outline>;

    fn handle(&mut self, _: Outline, _: &mut Context<Self>) -> Self::Result {
        let mut children: Vec<_> = self.children.iter().map(|(id, child)| (id, child.as_ref())).collect();
        children.sort_unstable_by_key(|(_, child)| child.place);
        let branch = |(id, child): (&ChildId, &Child)| Branch {
            id: id.clone(),
            generation: child.generation,
            phase: child.state.phase(),
            supervisor: child.spec.as_supervisor(),
        };
        MessageResult(children.into_iter().map(branch).collect())
    }
}
