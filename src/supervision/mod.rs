//! Supervision: a panic fence around each actor, restart rules, handles that survive restarts.
//! It must never know what a call is.
//!
//! A [`ChildSpec`] tells how an actor is built and brought back, a [`Supervisor`] owns a group of them, a
//! [`Handle`] reaches whichever generation lives. Nothing of a supervisor is worth saving: children come
//! back from what their factories read, never from the value that failed.

mod child;
pub mod clock;
mod exit;
mod fence;
mod handle;
mod isolate;
pub mod machine;
mod policy;
pub mod runner;
mod supervisor;
pub mod tree;
pub mod watchdog;

#[cfg(test)]
mod tests;

pub use child::{ChildPolicy, ChildSpec};
pub use clock::{Clock, SystemClock, TokioClock, boot_id};
pub use exit::{ChildId, Down, Exit, ExitReason, Fate};
pub use fence::{Caught, fenced};
pub use handle::{Handle, Undelivered};
pub use isolate::isolate;
pub use policy::{Backoff, Course, Decision, Intensity, Policy, Restart, Scope, Strategy};
pub use supervisor::{Census, Phase, Refused, Shutdown, StartChild, StopChild, Supervisor, Tally, Watch};
