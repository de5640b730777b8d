//! What the switch tells of itself: the event log of every leg, logs, the control socket.
//! It must never decide anything about a call.

pub mod control;
pub mod events;
pub mod log;
pub mod notify;
pub mod print;
mod screen;
pub mod sheet;
pub mod top;
pub mod trace;
