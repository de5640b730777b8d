//! The tree of actors as data, for the census and for people.
//! Must never keep an address: it is a picture of one moment.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use actix::Addr;
use serde::{Deserialize, Serialize};

use super::exit::ChildId;
use super::supervisor::{Outline, Phase, Supervisor};
use crate::ids::Generation;

/// Deepest tree that is drawn; ours has five levels.
const DEPTH: usize = 16;

/// One actor and those below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name among its siblings.
    pub id: ChildId,
    /// Which generation it is in.
    pub generation: Generation,
    /// Where it is in its life.
    pub phase: Phase,
    /// What it supervises, in the order of starting.
    #[serde(default, skip_serializing_if = "Below::is_nothing")]
    pub below: Below,
}

/// What an actor supervises.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Below {
    /// It is no supervisor.
    #[default]
    Nothing,
    /// Its children.
    Children(Vec<Node>),
    /// It is a supervisor that did not answer in time.
    Silent,
}

impl Below {
    const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// Draws the tree under `supervisor`, granting each supervisor `patience` for its answer.
pub async fn below(supervisor: Addr<Supervisor>, patience: Duration) -> Below {
    draw(supervisor, patience, DEPTH).await
}

fn draw(
    supervisor: Addr<Supervisor>,
    patience: Duration,
    depth: usize,
) -> Pin<Box<dyn Future<Output = Below>>> {
    Box::pin(async move {
        let Ok(branches) = supervisor.send(Outline).timeout(patience).await else { return Below::Silent };
        let mut nodes = Vec::with_capacity(branches.len());
        for branch in branches {
            let below = match (branch.supervisor, depth.checked_sub(1)) {
                (None, _) => Below::Nothing,
                (Some(_), None) => Below::Silent,
                (Some(supervisor), Some(depth)) => draw(supervisor, patience, depth).await,
            };
            nodes.push(Node { id: branch.id, generation: branch.generation, phase: branch.phase, below });
        }
        Below::Children(nodes)
    })
}

impl Below {
    /// Actors in the tree, supervisors included.
    pub fn actors(&self) -> usize {
        match self {
            Self::Nothing | Self::Silent => 0,
            Self::Children(nodes) => nodes.iter().map(|node| 1 + node.below.actors()).sum(),
        }
    }

    fn print(&self, indent: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Silent => writeln!(f, "{:indent$}(no answer)", ""),
            Self::Children(nodes) => nodes.iter().try_for_each(|node| node.print(indent, f)),
        }
    }
}

impl Node {
    fn print(&self, indent: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:indent$}{}", "", self.id)?;
        if self.generation > Generation::default() {
            write!(f, " #{}", self.generation.0)?;
        }
        match self.phase {
            Phase::Running => {}
            Phase::Ending => f.write_str(" (ending)")?,
            Phase::Absent => f.write_str(" (between generations)")?,
        }
        writeln!(f)?;
        self.below.print(indent + 2, f)
    }
}

impl fmt::Display for Below {
    /// One line per actor, children indented below their supervisor.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(0, f)
    }
}
