//! The control socket: how the commands of an operator ask the running switch, and what it answers.
//! It must never be reachable by another user of the host, and never carry text where data will do.
//!
//! One JSON value a line each way, on the Unix socket `control.sock` in the data folder: a [`Question`], then its
//! [`Answer`]; as many as one likes on a connection, one after the other. A question that follows what happens is the
//! last one of its connection: answers come until one side hangs up.

mod answer;
mod client;
mod drain;
mod overview;
mod question;
mod server;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

pub use self::answer::{
    Answer, CallReport, Census, LegNow, Outcome, Quality, RegistrationSummary, Reloaded, Told,
};
pub use self::client::{ask, follow, is_running};
pub use self::drain::{Drain, Drained};
pub use self::overview::{Overview, Traffic};
#[cfg(debug_assertions)]
pub use self::question::Poisoned;
pub use self::question::{Question, Whom};
pub use self::server::{Asked, ControlSocket, Reply, serve};

/// The socket's name in the data folder.
pub const SOCKET: &str = "control.sock";

/// The lock that a running switch holds in the data folder.
const LOCK: &str = "control.lock";

/// Why the switch could not be asked, or its control socket not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens.
    #[error("no switch is running with data folder {}", .0.display())]
    NotRunning(PathBuf),
    /// A switch holds the folder, and nobody listens.
    #[error(
        "a switch runs with data folder {}, but without its control socket: it is starting, or {SOCKET} was removed \
         and only a restart brings it back",
        .0.display()
    )]
    Unreachable(PathBuf),
    /// Somebody listens already.
    #[error("another switch is running with data folder {}", .0.display())]
    Running(PathBuf),
    /// The path does not fit into a socket address (107 bytes).
    #[error("the path {} is too long for a socket: choose a shorter data folder", .0.display())]
    LongPath(PathBuf),
    /// The socket belongs to somebody else.
    #[error("the switch with data folder {} runs as another user", .0.display())]
    Forbidden(PathBuf),
    /// No answer in time.
    #[error("the switch with data folder {} did not answer within {} s", .0.display(), .1.as_secs())]
    Deadline(PathBuf, Duration),
    /// It was closed before the answer.
    #[error("the switch with data folder {} hung up before it answered", .0.display())]
    HungUp(PathBuf),
    /// The answer is no [`Answer`]: another release.
    #[error("the switch answered something unknown ({0}): is it of another release?")]
    Unintelligible(String),
    /// The switch says that it cannot be done.
    #[error("{0}")]
    Refused(String),
    /// The system says that it cannot be done.
    #[error("control socket: {0}")]
    Io(#[from] io::Error),
}
