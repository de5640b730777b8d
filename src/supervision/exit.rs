//! How an actor ended, and how that is told to its supervisor and to those who watch it.
//! Must never hold what the actor held: an exit is a name and a reason.

use std::fmt;
use std::sync::Arc;

use actix::Message;
use serde::{Deserialize, Serialize};

use crate::ids::Generation;

/// The name of a child, unique among its siblings. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChildId(Arc<str>);

impl ChildId {
    /// A child named `name`.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ChildId {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for ChildId {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

/// Why an actor ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitReason {
    /// It stopped of its own accord.
    Normal,
    /// It panicked; the text is what the panic said, cut to a bounded length.
    Panic(String),
    /// It was dropped without being asked: a deadline passed, or its thread ended.
    Killed,
    /// Its supervisor asked it to stop, and it did.
    Shutdown,
    /// A supervisor that ended its group because a restart limit was reached; the text names the child.
    Escalated(String),
}

impl ExitReason {
    /// Whether the actor ended otherwise than by its own will or its supervisor's.
    pub const fn is_abnormal(&self) -> bool {
        !matches!(self, Self::Normal | Self::Shutdown)
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("ended"),
            Self::Panic(text) => write!(f, "panicked: {text}"),
            Self::Killed => f.write_str("killed"),
            Self::Shutdown => f.write_str("shut down"),
            Self::Escalated(text) => write!(f, "escalated: {text}"),
        }
    }
}

/// Told to a supervisor once for each generation of each child, after the actor's destructor ran.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Exit {
    /// Who ended.
    pub child: ChildId,
    /// Which of its generations.
    pub generation: Generation,
    /// Why.
    pub reason: ExitReason,
}

/// Told to those who [`Watch`](super::Watch) a supervisor, once for each exit of one of its children.
#[derive(Clone, Debug, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Down {
    /// Who ended.
    pub child: ChildId,
    /// Which of its generations.
    pub generation: Generation,
    /// Why.
    pub reason: ExitReason,
    /// Whether it comes back.
    pub fate: Fate,
}

/// What becomes of a child that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// A new generation follows, perhaps after a pause.
    Restarts,
    /// It is not started again, as its policy says or because it was told to stop.
    Ended,
    /// It is not started again, for a restart limit was reached.
    GivenUp,
}
